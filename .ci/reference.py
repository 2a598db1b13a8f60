"""A reference for the photographs: the network and training of TensorFlow's segmentation tutorial.

    COURSE_DATA=full python .ci/reference.py

Written after https://www.tensorflow.org/tutorials/images/segmentation: MobileNetV2 of alpha 1.0,
frozen, pixels from 0 to 1, a decoder of transposed convolutions with 512 to 64 channels, Adam,
cross-entropy, mirrored pictures, 40 epochs on the course's own train split. Its last line is a row
for lesson 5's table of the pets' networks.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import unet_helpers as course  # noqa: I001  (quietens TensorFlow before it is imported)
import keras
import keras_cv

EPOCHS, BATCH = 40, 64
TAPS = [f"block_{number}_expand_relu" for number in (1, 3, 6, 13)] + ["block_16_project"]


def network(classes: int, weights: str | None = "imagenet") -> keras.Model:
    """From float32 (B, 128, 128, 3) in 0..255 to logits (B, 128, 128, classes)."""
    layers, shape = keras.layers, (128, 128, 3)
    base = keras.applications.MobileNetV2(shape, include_top=False, weights=weights)
    down = keras.Model(base.input, [base.get_layer(tap).output for tap in TAPS])
    down.trainable = False
    inputs = keras.Input(shape)
    *skips, x = down(layers.Rescaling(1 / 255)(inputs))
    draw = keras.initializers.RandomNormal(0.0, 0.02)
    for filters, skip in zip((512, 256, 128, 64), skips[::-1], strict=True):
        options = {"padding": "same", "kernel_initializer": draw, "use_bias": False}
        x = layers.Conv2DTranspose(filters, 3, strides=2, **options)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.concatenate([x, skip])
    outputs = layers.Conv2DTranspose(classes, 3, strides=2, padding="same")(x)
    return keras.Model(inputs, outputs)


def main() -> None:
    """Train, evaluate on the test split, print."""
    keras.utils.set_random_seed(7)
    splits = course.load_pets(course.Course("full", 7))
    flip = [keras_cv.layers.RandomFlip("horizontal")]
    options = {"batch_size": BATCH, "training": True, "augment": flip}
    training = course.prepare(splits["train"], course.PETS, **options)
    model = network(len(course.PETS.classes))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss=loss)
    start = time.perf_counter()
    model.fit(training, epochs=EPOCHS, shuffle=False, verbose=2)
    seconds = time.perf_counter() - start
    test = course.prepare(splits["test"], course.PETS)
    result = course.evaluate(model, test, course.PETS)
    low, high = result.interval(course.mean_iou)
    parameters = f"{model.count_params() / 1e6:.2f} M"
    row = {"network": "the TensorFlow tutorial's network", "parameters": parameters}
    row |= result.summary | {"mean IoU, 95 %": f"{low:.3f} to {high:.3f}"}
    row |= {"epochs": str(EPOCHS), "training seconds": round(seconds)}
    print(course.table([row]).data.split("\n")[-1])


if __name__ == "__main__":
    main()
