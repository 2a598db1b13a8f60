"""What is wrong with data that are handed in: one sentence each, with the name and the way out."""

from __future__ import annotations

import re
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from .tasks import Task

IMAGES, MASKS = "images", "segmentation_masks"
UNUSABLE = (tf.bool, tf.string, tf.uint32, tf.uint64)  # which TensorFlow does not resize


def reason(error: BaseException) -> str:
    """Return the sentence within a message that TensorFlow or Keras wrap up in others."""
    text = re.sub(r"\x1b\[\d*m", "", str(error)).split("\n\nArguments received")[0]
    if found := re.findall(r"assertion failed: (.*)", text):
        return re.sub(r"^\[b'|'\]$", "", found[0].strip())[:500]
    noise = r"\s*(File |Exception encountered when|in user code|.*\*\*$|$)"
    lines = [line.strip() for line in text.split("\n") if not re.match(noise, line)] or [""]
    line = lines[-1 if "in user code" in text else 0]
    line = re.sub(r"^Error in user-defined function passed to .*? iterator: [\w:]+: ", "", line)
    return re.sub(r"^.*}} | \[Op:.*|^\w+Error: ", "", line)[:500]


def split(data: tf.data.Dataset, task: Task) -> None:
    """Raise ValueError where `data` is no split as the loaders return it, with elements of form
    `{"images": (H, W, 3), "segmentation_masks": (H, W, 1)}`.
    """
    spec = getattr(data, "element_spec", None)
    problem = ""
    if spec is None:
        problem = f'it is a {type(data).__name__}: pass one split, such as splits["train"]'
    elif not isinstance(spec, dict) or not {IMAGES, MASKS} <= spec.keys():
        problem = f"its elements are not dicts of `{IMAGES}` and `{MASKS}`, but {spec}"
    elif any(not isinstance(spec[key], tf.TensorSpec) for key in (IMAGES, MASKS)):
        problem = f"its images and masks are no plain tensors, but {spec}"
    elif wrong := [key for key in (IMAGES, MASKS) if spec[key].dtype in UNUSABLE]:
        types = ", ".join(f"`{key}` {spec[key].dtype.name}" for key in wrong)
        problem = f"it holds {types}: cast them, pixels and labels to uint8"
    elif {spec[IMAGES].shape.rank, spec[MASKS].shape.rank} - {3, None}:
        shapes = f"{spec[IMAGES].shape} and {spec[MASKS].shape}"
        problem = f"images and masks should be (H, W, 3) and (H, W, 1), but are {shapes}"
    elif data.cardinality() == tf.data.INFINITE_CARDINALITY:
        problem = "it never ends: leave out `repeat`, as `prepare` has `at_least`"
    if problem:
        raise ValueError(f"This split cannot be used for the task {task.name}: {problem}.")


def at_least_one(**numbers: int) -> None:
    """Raise ValueError for an argument that is no whole number above 0."""
    for name, number in numbers.items():
        if not isinstance(number, int | np.integer) or number < 1:
            raise ValueError(f"`{name}` is {number!r}, but should be a whole number from 1 on.")


def layers(augment: Sequence[keras.layers.Layer], task: Task) -> list[keras.layers.Layer]:
    """Make layers compute in float32, as float16 has too few digits for sums over a picture.

    Raises ValueError for what is no list of layers, and for layers that would spoil labels unseen.
    """
    try:
        found = list(augment)
    except TypeError:
        raise ValueError(
            "`augment` is a list of layers: put brackets around a single one."
        ) from None
    for layer in found:
        if not isinstance(layer, keras.layers.Layer):
            raise ValueError(f"`augment` holds {layer!r}, no Keras layer.")  # noqa: TRY004
        for part in layer._flatten_layers():
            if 0 < (getattr(part, "segmentation_classes", None) or 0) < len(task.values):
                problem = f"has segmentation_classes={part.segmentation_classes}"
                kinds = f"{len(task.classes)} classes" + (" and void" if task.void else "")
                raise ValueError(f"The layer {part.name} {problem}, for {kinds}.")
            if type(part).__name__ == "RandomElasticTransform":
                problem = "bends image and mask in different ways (Keras 3.15)"
                raise ValueError(f"The layer {part.name} {problem}: leave it out.")
            part.dtype_policy = "float32"
    return found


def applied(
    layer: keras.layers.Layer, batch: dict[str, tf.Tensor], task: Task
) -> dict[str, tf.Tensor]:
    """Return a batch after a layer, which must leave sizes, whole labels and finite pixels.

    Raises ValueError, or InvalidArgumentError while data flow, with the layer's name.
    """
    before = batch
    try:
        batch = layer(before, training=True)
        image, mask = batch[IMAGES], tf.cast(batch[MASKS], tf.float32)
    except Exception as error:
        why = f"{type(error).__name__}: {reason(error)}"
        problem = f"The layer {layer.name} does not take images and masks together"
        raise ValueError(f"{problem} ({why})") from error
    for key, now in ((IMAGES, image), (MASKS, mask)):
        if not now.shape.is_compatible_with(before[key].shape):
            problem = f"from {before[key].shape} to {now.shape}"
            raise ValueError(f"The layer {layer.name} changes the form of `{key}` {problem}")
    whole = tf.reduce_any([mask == number for number in range(len(task.values))], axis=0)
    proofs = {"masks of another form": tf.shape(mask) == tf.shape(before[MASKS])}
    proofs |= {"labels of no class": whole, "NaN": tf.math.is_finite(image)}
    proven = [
        tf.debugging.Assert(tf.reduce_all(proof), [f"The layer {layer.name} makes {what}"])
        for what, proof in proofs.items()
    ]
    with tf.control_dependencies(proven):  # before others stumble over it
        return {key: tf.identity(value) for key, value in batch.items()}


def rescaled(image: np.ndarray, brightest: float) -> str:
    """Say so where pixels after augmentation are clearly no longer those of 0..255."""
    low, high = np.min(image), np.max(image)
    if high - low < 0.05 * brightest or low < -128 or high > 383:
        way_out = "leave rescaling to the model"
        return f"After `augment` pixels go from {low:.3g} to {high:.3g}: {way_out}"
    return ""
