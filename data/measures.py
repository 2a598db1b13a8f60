"""How good a prediction is: confusion matrices, the measures that follow from them, intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .figures import table
from .tasks import Task


def confusion_matrix(mask: np.ndarray, prediction: np.ndarray, task: Task) -> np.ndarray:
    """Pixels of each true class (rows) and predicted class (columns), int64 (C, C) (lesson 2).

    `mask` and `prediction` are integers 0..C-1 of one shape: a picture's or those of many; where a
    mask is void nothing is counted. Raises ValueError for other shapes or values.
    """
    classes = len(task.classes)
    mask, prediction = np.asarray(mask), np.asarray(prediction)
    if mask.shape != prediction.shape:
        raise ValueError(f"Mask and prediction differ in shape: {mask.shape}, {prediction.shape}.")
    for name, array, values in (
        ("mask", mask, task.values),
        ("prediction", prediction, range(classes)),
    ):
        if not np.isin(array, values).all():
            held = np.unique(array)[:6].tolist()
            raise ValueError(f"The {name} holds {held}, but {task.name} has 0..{classes - 1}.")
    labelled = mask < classes
    pairs = classes * mask[labelled].astype(int) + prediction[labelled].astype(int)
    return np.bincount(pairs.ravel(), minlength=classes**2).reshape(classes, classes)


def accuracy(confusion: np.ndarray) -> np.ndarray:
    """Share of right pixels: confusion matrices (..., C, C), truth in rows -> (...)."""
    with np.errstate(invalid="ignore"):
        return np.trace(confusion, axis1=-2, axis2=-1) / confusion.sum((-2, -1))


def iou(confusion: np.ndarray) -> np.ndarray:
    """Intersection over union per class: (..., C, C) -> (..., C); NaN where neither has the class."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    with np.errstate(invalid="ignore"):
        return hits / (confusion.sum(-1) + confusion.sum(-2) - hits)


def dice(confusion: np.ndarray) -> np.ndarray:
    """Dice coefficient per class, 2 IoU / (1 + IoU): (..., C, C) -> (..., C)."""
    return 2 * iou(confusion) / (1 + iou(confusion))


def mean_iou(confusion: np.ndarray) -> np.ndarray:
    """Mean of the IoU of the classes that occur: (..., C, C) -> (...)."""
    each = iou(confusion)
    with np.errstate(invalid="ignore"):  # a picture may be void all over
        return np.nansum(each, axis=-1) / np.isfinite(each).sum(axis=-1)


@dataclass(frozen=True)
class Evaluation:
    """How a model did: one confusion matrix per picture (lesson 2, in depth lesson 5)."""

    task: Task
    confusion: np.ndarray  # int64 (N, C, C), pixels; true classes in rows, predicted in columns
    size: int  # pixels a side at which prediction and truth were compared

    @staticmethod
    def measures(confusion: np.ndarray) -> np.ndarray:
        """Mean IoU, the IoU of each class, and accuracy: (..., C, C) -> (..., C + 2)."""
        ends = (mean_iou(confusion)[..., None], accuracy(confusion)[..., None])
        return np.concatenate([ends[0], iou(confusion), ends[1]], axis=-1)

    @property
    def summary(self) -> dict[str, float]:
        """These measures by name, over the pixels of all pictures."""
        names = ("mean IoU", *self.task.classes, "accuracy")
        return dict(zip(names, self.measures(self.confusion.sum(0)), strict=True))

    def bootstrap(self, statistic: Callable, draws: int = 2000) -> np.ndarray:
        """A statistic of `draws` resamples of the pictures, with replacement: (draws, ...).

        Two evaluations of the same pictures are resampled alike: their draws may be subtracted.
        """
        count = len(self.confusion)
        picked = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), draws)
        return statistic(np.tensordot(picked, self.confusion, 1))

    def interval(self, statistic: Callable) -> np.ndarray:
        """The 95 % bootstrap interval of a statistic over pictures: (2, ...), low and high."""
        return np.nanpercentile(self.bootstrap(statistic), (2.5, 97.5), axis=0)

    def _repr_markdown_(self) -> str:
        rows = [
            {"measure": name, "value": value, "95 % interval": f"{low:.3f} to {high:.3f}"}
            for (name, value), (low, high) in zip(
                self.summary.items(), self.interval(self.measures).T, strict=True
            )
        ]
        note = f"Over the pixels of {len(self.confusion)} pictures at {self.size}x{self.size}; IoU"
        note += " per class, their mean, and the share of right pixels; intervals over pictures."
        return f"{table(rows).data}\n\n{note}"
