"""What two or more notebooks of the course share: set-up, data, models, training, evaluation, plots.

Each piece is built in a lesson first, as its docstring says; what stands behind it is in data/.
Everywhere, an image is RGB in 0..255, (H, W, 3); a mask holds integers in 0..C-1; `task` names the C
classes; a model takes float32 pixels (B, H, W, 3) in 0..255 and returns logits (B, H, W, C).
"""

from __future__ import annotations

import json
import math
import os
import platform
import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from data import doctor

DATA = Path(__file__).resolve().parent / "data"
RUNS = Path(os.environ.get("COURSE_RUNS") or DATA / "runs").expanduser()  # what training leaves

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# TensorFlow leaves oneDNN off on processors without AVX-512, where it trains twice as fast.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
# Whatever else the reader works with, the course is written for this.
os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_USE_LEGACY_KERAS": "0"}
for _name in {"TFDS_DATA_DIR", "KERAS_HOME"} & os.environ.keys():
    os.environ[_name] = os.path.expanduser(os.environ[_name])

from data import colab

if "google.colab" in sys.modules:
    colab.prepare()  # installs what is missing there

from data.quiet import no_notes

with no_notes():  # TensorFlow's C++ code writes notes before it reads its log level
    # TensorFlow loads JAX where it is installed, which takes a second and ends the silence.
    jax = sys.modules.setdefault("jax", None)
    import keras

    if keras.config.backend() != "tensorflow":
        raise ImportError("Keras was imported before, for another backend: restart Python first.")
    import matplotlib.pyplot as plt
    import numpy as np
    import tensorflow as tf
    import tensorflow_datasets as tfds
    from IPython.display import Image, Markdown, display

    from data import checkpoints, checks, figures, folders
    from data.figures import table
    from data.measures import Evaluation, accuracy, confusion_matrix, dice, iou, mean_iou
    from data.models import (
        freeze_encoder,
        mobilenetv2_unet,
        segmentation_loss,
        unet,
        unfreeze_encoder,
    )
    from data.sources import Splits, load_fire, load_folder, load_pets, select
    from data.tasks import FIRE, PETS, Task
    from data.tiles import predict_tiled

    try:
        import keras_cv
    except ImportError as error:
        problem = f"KerasCV does not work with Keras {keras.__version__}"
        way_out = "run `pip install keras==3.15.1` and restart Python"
        raise ImportError(f"{problem}: {way_out}.") from error
    if jax is None:  # whoever wants it may have it now
        del sys.modules["jax"]
keras.config.set_floatx("float32")  # a reader's keras.json may say otherwise
keras.config.set_image_data_format("channels_last")

__all__ = ["FIRE", "PETS", "Course", "Evaluation", "Splits", "Task", "accuracy", "check"]
__all__ += ["check_folder", "predict_tiled", "select"]
__all__ += ["confusion_matrix", "dice", "evaluate", "freeze_encoder", "iou", "load_fire"]
__all__ += ["load_folder", "load_pets", "mean_iou", "mobilenetv2_unet", "prepare", "segment"]
__all__ += ["segmentation_loss", "setup", "show", "show_answer", "show_errors", "show_history"]
__all__ += ["show_network", "show_pictures", "table", "take", "train", "trained", "unet"]
__all__ += ["unfreeze_encoder"]

tf.get_logger().setLevel("ERROR")  # it warns of every fifth model that predicts


# ------------------------------------------------------------------------------------ set-up
@dataclass(frozen=True)
class Course:
    """How this session runs: which data (`"sample"` or `"full"`) and the seed."""

    profile: str
    seed: int

    @property
    def encoder(self) -> dict[str, object]:
        """Weights and alpha for `mobilenetv2_unet`: learned from drawings, or ImageNet's."""
        if self.profile == "sample":
            return {"weights": DATA / "mobilenetv2_0.35_drawings.weights.h5", "alpha": 0.35}
        return {"weights": "imagenet", "alpha": 1.0}


def setup(seed: int = 7) -> Course:
    """Seeds every generator, picks the data profile and shows both in a table (lesson 1).

    The only reader of the environment variable COURSE_DATA: `sample` is the drawn data that ship
    with the course, `full` the real ones from the internet. Unset, it is `full` where TensorFlow
    sees a GPU and `sample` elsewhere. Raises ValueError for another value.
    """
    about = {"sample": "drawn, ships with the course", "full": "real, downloaded once"}
    profile, gpus = os.environ.get("COURSE_DATA", ""), tf.config.list_physical_devices("GPU")
    if profile not in ("", *about):
        raise ValueError(f"COURSE_DATA is {profile!r}: set it to 'sample' or 'full', or unset it.")
    why = "the environment variable COURSE_DATA says so"
    if not profile:
        profile = "full" if gpus else "sample"
        why = f"COURSE_DATA is unset and there is {'a' if gpus else 'no'} GPU"
    keras.utils.set_random_seed(seed)
    modules = {"TensorFlow": tf, "Keras": keras, "KerasCV": keras_cv, "TFDS": tfds, "NumPy": np}
    versions = [f"{name} {module.__version__}" for name, module in modules.items()]
    other = "full" if profile == "sample" else "sample"
    rows = {
        "Data": f"**{profile}**: {about[profile]}",
        "Why": why,
        "To change it": f"run `%env COURSE_DATA={other}`, then this cell again",
        "Device": f"{len(gpus)} GPU" if gpus else f"CPU with {os.cpu_count()} cores",
        "Versions": ", ".join([f"Python {platform.python_version()}", *versions]),
        "Seed": seed,
    }
    display(table([{"Set-up": name, "Value": value} for name, value in rows.items()]))
    return Course(profile, seed)


# -------------------------------------------------------------------------------------- data
def check_folder(
    images: Path,
    masks: Path,
    task: Task | None = None,
    *,
    test: tuple[Path, Path] | None = None,
) -> doctor.Report:
    """Reports what is in two folders, before anything is trained on them (lesson 6).

    Pairs and faults (in the words of `load_folder`), formats, sizes, the masks' numbers against the
    classes, the smallest objects, pictures that are alike, above all in `test`, a second such pair
    of folders, and a sheet of the eight strangest. Without a `task` one is proposed: the report's
    `task`. No file is changed. Raises FileNotFoundError where a folder is missing or empty.
    """
    colab.need("imagehash")
    from data import doctor  # here, as only this needs what it brings along

    report = doctor.check_folder(images, masks, task, test)
    figures.say(report.text)
    if report.strange:
        how = {"caption": "The pairs that differ most from the others, the strangest first."}
        show(report.sheet(), **how, alt="Pictures with the outlines of their masks.")
    return report


def prepare(
    split: tf.data.Dataset,
    task: Task,
    *,
    size: int = 128,
    batch_size: int = 32,
    training: bool = False,
    augment: Sequence[keras.layers.Layer] = (),
    at_least: int = 1,
) -> tf.data.Dataset:
    """Makes batches of a split: check, resize, cache, shuffle, batch, augment, prefetch (lesson 1).

    A split is made of dicts of `images`, `segmentation_masks` and maybe `names`, as `load_pets`
    returns it. Both are resized to `size` pixels a side, images bilinearly and masks to the nearest
    pixel, and stay in memory. `training` shuffles anew in each epoch, and repeats a small split
    in whole rounds until an epoch has at least `at_least` pictures, so that few pictures do not
    mean few steps. `augment` are KerasCV layers, applied to the images and masks of a batch
    together, in float32 whatever Keras's policy is.

    Returns batches of float32 (B, size, size, 3) in 0..255 and int32 (B, size, size, 1), labels.
    Raises ValueError where the split is empty or endless, an image and its mask differ in size, a
    mask holds values outside the classes, an image holds NaN or other values than 0..255, or a
    layer makes labels that are none, or pixels of another range.
    """
    checks.split(split, task)
    checks.at_least_one(size=size, batch_size=batch_size, at_least=at_least)
    layers = checks.layers(augment, task)

    def resized(example: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        image, mask = example["images"], example["segmentation_masks"]
        mask = tf.image.resize(mask, (size, size), "nearest")
        if task.void:  # one class more, until the layers are through
            mask = tf.where(mask == task.void, tf.cast(len(task.classes), mask.dtype), mask)
        return example | {"resized": (tf.image.resize(image, (size, size)), mask)}

    images, masks, content = [], [], 0
    way_out = f"Correct or restore the data of {task.name}"
    try:
        for example in split.map(resized, tf.data.AUTOTUNE).as_numpy_iterator():
            if fault := folders.fault(example["images"], example["segmentation_masks"], task):
                name = os.fsdecode(example.get("names", "a picture without a name"))
                raise ValueError(f"{way_out}: {name}: {fault}")
            image, mask = example["resized"]
            content += zlib.crc32(mask, zlib.crc32(image))  # a sum, as the order does not count
            images.append(image)
            masks.append(mask)
            if len(images) % 10_000 == 0:
                read = f"{len(images):,} pictures of {task.name} are read"
                figures.say(f"{read}, and more are coming.")
    except tf.errors.OpError as error:
        raise ValueError(f"{way_out}: {checks.reason(error)}") from error
    if not images:
        raise ValueError(f"This split for the task {task.name} is empty: check where it came from.")
    images, masks = np.stack(images), np.stack(masks)  # and no longer one by one as well
    count, brightest = len(images), images.max()
    if brightest <= 1:
        raise ValueError(f"No pixel of {task.name} is above 1, but pixels go from 0 to 255.")
    with tf.device("CPU"):  # a GPU's memory is for the network
        # From here on no Python and no file is needed: other machines can do the rest (lesson 8).
        arrays = {"images": images, "segmentation_masks": masks}
        examples = tf.data.Dataset.from_tensor_slices(arrays)
    if training:
        examples = examples.shuffle(count).repeat(math.ceil(at_least / count))

    def augmented(batch: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        batch = {key: tf.cast(value, tf.float32) for key, value in batch.items()}
        for layer in layers:
            batch = checks.applied(layer, batch, task)
        image = tf.ensure_shape(tf.cast(batch["images"], tf.float32), (None, size, size, 3))
        mask = tf.cast(batch["segmentation_masks"], tf.int32)
        if task.void:
            mask = tf.where(mask == len(task.classes), task.void, mask)
        return image, tf.ensure_shape(mask, (None, size, size, 1))

    # TensorFlow's tuner of such chains is off: where an epoch ends while it sleeps, the epoch lasts
    # until it wakes, and it sleeps twice as long each time.
    options = tf.data.Options()
    options.autotune.enabled = False
    try:
        batches = examples.batch(batch_size).map(augmented, tf.data.AUTOTUNE).prefetch(2)
        batches = batches.with_options(options)
        for image, _ in batches.take(1 if layers else 0):  # a layer that does not fit shows now
            if problem := checks.rescaled(image, brightest):
                raise ValueError(problem)
    except Exception as error:
        raise ValueError(f"{checks.reason(error)}. Lesson 1 shows layers that fit.") from error
    told = {"pictures": f"{content:x}", "picture size": size, "batch size": batch_size}
    told |= {"pictures per epoch": at_least, "augmentation": checkpoints.settings(layers)}
    batches.contents = told
    return batches


def take(data: tf.data.Dataset, count: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The first `count` images, uint8 (H, W, 3), and masks, (H, W), of a split or its batches."""
    if isinstance(data.element_spec, dict):
        data = data.map(lambda example: (example["images"], example["segmentation_masks"]))
    else:
        data = data.unbatch()
    images, masks = zip(*data.take(count).as_numpy_iterator(), strict=True)
    return [np.clip(i, 0, 255).astype("uint8") for i in images], [mask[..., 0] for mask in masks]


# ---------------------------------------------------------------------------------- training
def train(
    model: keras.Model,
    training: tf.data.Dataset,
    validation: tf.data.Dataset,
    task: Task,
    *,
    epochs: int,
    run: str,
    learning_rate: float = 1e-3,
    patience: int = 10,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> dict[str, list[float]]:
    """Compiles and fits a model with early stopping, and survives a kill (built in lesson 2).

    `training` and `validation` are what `prepare` returns. data/runs/<run>/ gets `log.csv` (a row
    per epoch), `best.keras` and a description of the call; until then a folder in it holds the last
    and the best epoch. Where the same call finds its own unfinished work there, it goes on after the
    last whole epoch (pictures come in a new order) and says so. Work of other data, settings or
    weights to start from is given up, as is any that cannot be read. A finished run starts afresh.

    `learning_rate` is the peak of one cycle: a warm-up over a tenth of the steps, then half a
    cosine down to zero. Training stops after `patience` epochs without a better validation mean
    IoU, or after `epochs`; the model then has the weights of the best epoch.

    Returns lists with a value per epoch: `epoch`, `seconds`, `loss`, `mean_iou` and the last two
    with `val_`. Raises ValueError where model and task differ in their number of classes, a split
    is empty, the loss became infinite, or a finished run of this name is of another architecture or
    task, and RuntimeError where another process trains this run.
    """
    _check_classes(model, task)
    if not len(training) or not len(validation):
        raise ValueError(f"The training or validation data of {task.name} hold no batch.")
    steps = max(2, len(training) * epochs)
    warmup = max(1, steps // 10)
    schedule = keras.optimizers.schedules.CosineDecay(
        learning_rate / 20, steps - warmup, warmup_target=learning_rate, warmup_steps=warmup
    )
    # An object, not a name: that would make its variables, and the whole graph twice, in step one.
    form = {"ignore_class": task.void, "sparse_y_pred": False, "name": "mean_iou"}
    metrics = [keras.metrics.MeanIoU(len(task.classes), **form)]
    optimizer = keras.optimizers.Adam(schedule, clipnorm=1.0)
    model.compile(optimizer, loss=segmentation_loss, metrics=metrics)
    model.optimizer.build(model.trainable_variables)

    call = {"epochs": epochs, "rate": learning_rate, "patience": patience}
    call |= {"classes": list(task.classes), "void": task.void}
    call |= checkpoints.describe(model, training=training, validation=validation)
    work = RUNS / run / "unfinished"
    with checkpoints.lock(RUNS / run):
        checkpoints.refuse_to_replace(RUNS / run, call)
        history, news = checkpoints.take_up(model, work, call)
        if news:
            figures.say(news)
        own = checkpoints.callbacks(work, history, call)
        try:
            if not history or len(history["epoch"]) < checkpoints.last_epoch(history, call):
                model.fit(
                    training,
                    validation_data=validation,
                    epochs=epochs,
                    callbacks=[*own, *callbacks],
                    shuffle=False,  # `prepare` does it
                    verbose=0,
                )
        except FloatingPointError as error:
            whole = all(np.isfinite(images).all() for images, _ in training)
            cause = "lower the learning rate" if whole else "the training pictures hold NaN"
            raise ValueError(f"{error}: {cause}.") from error
        except tf.errors.InvalidArgumentError as error:
            if "assertion failed" in error.message:  # those of `prepare`
                raise ValueError(checks.reason(error)) from error
            raise
        finally:
            checkpoints.leave(model, call)
        checkpoints.load_best(model, work, history)
        checkpoints.publish(model, work)
    return history


def trained(lesson: str, run: str, course: Course) -> tuple[keras.Model, dict[str, list[float]]]:
    """The network that an earlier lesson left in data/runs/<run>/, and its history.

    Where there is none it is trained now, by the cells that the notebook `lesson` tags "recipe",
    so that there is no second recipe to keep in step, and a reader's changes count.
    """
    folder = RUNS / run
    if not (folder / "log.csv").exists():
        notebook = DATA.parent / "notebooks" / f"{lesson}.ipynb"
        figures.say(
            f"`data/runs/{run}` is not there yet: the recipe of `{notebook.name}` trains it now."
        )
        scope = {"course": course}
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
            if "recipe" in cell["metadata"].get("tags", []):
                exec("".join(cell["source"]), scope)  # noqa: S102
    return checkpoints.load(folder)


def _check_classes(model: keras.Model, task: Task) -> None:
    if model.output_shape[-1] != len(task.classes):
        raise ValueError(
            f"The model {model.name} returns {model.output_shape[-1]} classes, but the task "
            f"{task.name} has {len(task.classes)}, {task.classes}: build it with as many."
        )


# -------------------------------------------------------------------------------- evaluation
def evaluate(model: keras.Model, data: tf.data.Dataset, task: Task) -> Evaluation:
    """Compares predictions with the truth, pixel by pixel (lesson 2).

    The class of the highest logit is the prediction; `data` is what `prepare` returns. Raises
    ValueError where they hold no picture, model and task differ in their number of classes, or the
    model has replicas on several devices (lesson 8).
    """
    _check_classes(model, task)
    if (devices := model.distribute_strategy.num_replicas_in_sync) > 1:
        problem = f"The model {model.name} has {devices} replicas, and each would see every picture"
        raise ValueError(f"{problem}: load its file outside of the strategy's scope, and use that.")
    matrices = []
    for images, masks in data:
        logits = model.predict_on_batch(images)
        if not np.isfinite(logits).all():
            raise ValueError(f"The model {model.name} answers with NaN: train it anew.")
        pairs = zip(masks.numpy()[..., 0], logits.argmax(-1), strict=True)
        matrices += [confusion_matrix(*pair, task) for pair in pairs]
    if not matrices:
        raise ValueError(f"No picture of {task.name} to evaluate on: check the split's source.")
    return Evaluation(task, np.stack(matrices), images.shape[1])


# ------------------------------------------------------------------------------------- plots
def show(figure: plt.Figure, *, caption: str, alt: str) -> None:
    """Displays a figure, at most 9 inches wide, with a caption and a text for who cannot see it."""
    if (width := figure.get_figwidth()) > figures.WIDTH:
        raise ValueError(f"This figure is {width} inches wide, a page only {figures.WIDTH}.")
    data, form = figures.encoded(figure)
    display(Image(data, format=form, width=round(100 * width), metadata={"alt": alt}))
    display(Markdown(f"*{caption}*"))


def show_pictures(
    images: Sequence[np.ndarray],
    masks: Sequence[np.ndarray],
    task: Task,
    *,
    caption: str,
    alt: str,
    predictions: Sequence[np.ndarray] = (),
    titles: Sequence[str] = (),
) -> None:
    """Pictures with a thin line around what is not background, their masks, maybe predictions.

    Images (H, W, 3) in 0..255 may be of any sizes, and at most six of them look well; masks and
    predictions are integers (H, W) in 0..C-1. Above a prediction stands its mean IoU (lessons 1
    and 2).
    """
    rows, above = {"picture": images, "mask": masks}, {"picture": titles} if len(titles) else {}
    if len(predictions):
        rows["prediction"] = predictions
        pairs = zip(masks, predictions, strict=True)
        scores = [mean_iou(confusion_matrix(*pair, task)) for pair in pairs]
        above["prediction"] = [f"mean IoU {score:.2f}" for score in scores]
    figure = figures.pictures(rows, above, task.classes, task.colours)
    show(figure, caption=caption, alt=alt)


def show_errors(
    images: Sequence[np.ndarray],
    masks: Sequence[np.ndarray],
    predictions: dict[str, Sequence[np.ndarray]],
    task: Task,
    *,
    caption: str,
    alt: str,
    titles: dict[str, Sequence[str]] | None = None,
) -> None:
    """Pictures above the right and wrong pixels of the second of two classes (lesson 3).

    `predictions` holds a row of integers (H, W) for each name. Above each panel stands the IoU of
    that class in it, or what `titles` say for its row.
    """
    above = {}
    for name, answers in predictions.items():
        pairs = zip(masks, answers, strict=True)
        scores = [iou(confusion_matrix(*pair, task))[1] for pair in pairs]
        above[name] = ["" if np.isnan(s) else f"{task.classes[1]} IoU {s:.2f}" for s in scores]
    above |= titles or {}
    figure = figures.errors(images, masks, predictions, above, task.classes[1])
    show(figure, caption=caption, alt=alt)


def show_history(history: dict[str, list[float]], *, caption: str, alt: str) -> None:
    """The loss and mean IoU of each epoch in training and validation (lesson 2)."""
    show(figures.curves(history), caption=caption, alt=alt)


def show_network(
    stages: dict[str, tuple],
    words: dict[str, str],
    picture: np.ndarray,
    mask: np.ndarray,
    task: Task,
    parameters: int,
    *,
    caption: str,
    alt: str,
) -> None:
    """A U-Net as a U of boxes (lesson 2), from the shapes (H, W, C) that its stages take and return.

    `stages` go from the pixels to the last map; one that takes None has a single box. `words` name
    what happens in a `stage`, on the way `down`, `up`, across by a `skip`, and at the `end`, and maybe
    what the `mask` is.
    """
    figure = figures.network(stages, words, picture, mask, task.colours, parameters)
    show(figure, caption=caption, alt=alt)


# ----------------------------------------------------------------------------- a reader's own
def check(answer: object, right: Callable[[object], bool]) -> None:
    """Says whether an answer to an exercise is right; `...` is none yet (every lesson)."""
    if answer is ...:
        return figures.say("No answer yet.")
    try:
        figures.say("Right." if right(answer) else "Not yet: try again.")
    except Exception as error:  # noqa: BLE001  an answer may be anything
        figures.say(f"Not yet: trying it raised {type(error).__name__}, {error}.")


def segment(model: keras.Model, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """A picture of any size and shape, and the model's answer at its proportions (lesson 3).

    The picture, uint8 (H, W, 3), is made smaller where a side has more than 1,024 pixels, and turned
    as its EXIF data say. It enters the model at the model's own size; the logits are enlarged
    again, and the highest gives the class: integers (H, W). Raises ValueError, with the file's
    name, where it is no picture.
    """
    image = folders.read_picture(path)
    share = min(1, 1024 / max(image.shape[:2]))
    height, width = (max(1, round(share * side)) for side in image.shape[:2])
    image = tf.image.resize(image, (height, width), antialias=True)
    logits = model.predict_on_batch(tf.image.resize(image, model.input_shape[1:3])[None])
    logits = tf.image.resize(logits, (height, width))[0]
    return np.clip(np.round(image), 0, 255).astype("uint8"), np.argmax(logits, axis=-1)


def show_answer(
    image: np.ndarray,
    mask: np.ndarray,
    task: Task,
    *,
    caption: str,
    alt: str,
    title: str = "answer",
) -> None:
    """A picture, uint8 (H, W, 3), beside itself with the classes of `segment` on it (lesson 3)."""
    figure = figures.answer(image, mask, task.classes, task.colours, title)
    show(figure, caption=caption, alt=alt)
