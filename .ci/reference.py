"""A reference for the photographs: the network and training of TensorFlow's segmentation tutorial.

    COURSE_DATA=full python .ci/reference.py pets
    COURSE_DATA=full python .ci/reference.py fire

Written after https://www.tensorflow.org/tutorials/images/segmentation: MobileNetV2 of alpha 1.0,
frozen, pixels from 0 to 1, a decoder of transposed convolutions with 512 to 64 channels, Adam,
cross-entropy, mirrored pictures. It is trained twice on the course's own train split: as published,
in batches of 64 and with the weights of the last epoch; and as we train our own, in batches of 8,
which are many more steps on few pictures, with the weights of the epoch that is best on validation.
Its lines that begin with "|" are rows for lesson 5's tables.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import unet_helpers as course  # noqa: I001  (quietens TensorFlow before it is imported)
import keras
import keras_cv
from notebooks import defined

WAYS = {"as published": (40, 64), "at its best": (24, 8)}  # epochs, pictures in a batch
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


def trained(splits: course.Splits, task: course.Task, way: str) -> tuple[keras.Model, int, float]:
    """Train in one of WAYS; return the network, the epochs that it has learned for, and seconds."""
    epochs, batch = WAYS[way]
    flip = [keras_cv.layers.RandomFlip("horizontal")]
    options = {"batch_size": batch, "training": True, "augment": flip}
    training = course.prepare(splits["train"], task, **options)
    validation = course.prepare(splits["validation"], task)
    keras.utils.set_random_seed(7)
    model = network(len(task.classes))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    metric = keras.metrics.MeanIoU(len(task.classes), sparse_y_pred=False, name="mean_iou")
    model.compile("adam", loss=loss, metrics=[metric])
    best = keras.callbacks.EarlyStopping(
        "val_mean_iou", mode="max", patience=epochs, restore_best_weights=True
    )
    start = time.perf_counter()
    model.fit(
        training,
        validation_data=validation,
        epochs=epochs,
        callbacks=[] if way == "as published" else [best],
        shuffle=False,
        verbose=2,
    )
    return model, epochs, time.perf_counter() - start


def main() -> None:
    """Train, evaluate on the test split, print."""
    loaders = {"pets": (course.load_pets, course.PETS), "fire": (course.load_fire, course.FIRE)}
    load, task = loaders[sys.argv[1]]
    splits, rows = load(course.Course("full", 7)), []
    row = defined("05", "network-row", unet_helpers=course, np=course.np)["network_row"]
    test = course.prepare(splits["test"], task)
    for way in WAYS:
        model, epochs, seconds = trained(splits, task, way)
        name, score = f"tutorial's network, {way}", course.evaluate(model, test, task)
        parameters = f"{model.count_params() / 1e6:.2f} M"
        rows.append(row(name, parameters, score, str(epochs), seconds))
    print(*course.table(rows).data.split("\n")[2:], sep="\n")


if __name__ == "__main__":
    main()
