"""Measure the sample data sets: every figure that the data card quotes comes from here.

    python data/measure_sample.py                                  # counts, colour, U-Net
    python data/measure_sample.py --photographs DIR                # and the witness of realism
    python data/measure_sample.py --parts inventory --update-card  # rewrite rows of the card

The witness trains on drawings alone and is judged on photographs: DIR is a TFDS data directory that
holds oxford_iiit_pet/4.0.0. The ImageNet weights of MobileNetV2 come from where Keras keeps its
downloads (the environment variable KERAS_HOME, by default ~/.keras).
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import sys
import time
from pathlib import Path

DATA = Path(__file__).resolve().parent
sys.path[:0] = [str(DATA), str(DATA.parent)]

import unet_helpers as course  # noqa: I001  (quietens TensorFlow before it is imported)
import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from draw_sample import COUNTS, FIRE, PETS, SEED, shipped
from PIL import Image

from drawing.animals import BREEDS
from drawing.pets import draw_pets
from drawing.textures import Array, Picture

SIZE = 128
CARD = DATA / "README.md"
START, END = "<!-- measured: start -->", "<!-- measured: end -->"
UNET_EPOCHS, EXTRA, BATCH = 30, 800, 8
STEPS = {"ImageNet encoder": 700, "from scratch": 900}
WITNESS = course.Task("pet against background", course.PETS.classes[:2], course.PETS.colours[:2])
PARTS = ("inventory", "colour", "unet", "photographs")
Rows = dict[str, str]


def decode(files: tuple[bytes, bytes], size: int = SIZE) -> tuple[Array, Array]:
    """JPEG and PNG bytes -> uint8 (size, size, 3) and uint8 (size, size) as stored."""
    image = tf.io.decode_jpeg(files[0], 3)
    mask = tf.io.decode_png(files[1], 1)
    image = tf.image.resize(image, (size, size), "bilinear")
    return image.numpy().astype(np.uint8), tf.image.resize(mask, (size, size), "nearest")[
        ..., 0
    ].numpy()  # fmt: skip


def load(dataset: str, split: str, size: int = SIZE) -> tuple[Array, Array]:
    """A shipped split: uint8 (N, size, size, 3), and int32 (N, size, size) classes from 0."""
    pairs = [decode(files, size) for files in shipped(dataset, split).values()]
    masks = np.stack([mask for _, mask in pairs]).astype(np.int32)
    return np.stack([image for image, _ in pairs]), masks - (dataset == PETS)


def inventory() -> Rows:
    """Counts, bytes, picture sizes and class shares."""
    rows = {}
    for dataset, names in ((PETS, course.PETS.classes), (FIRE, course.FIRE.classes)):
        size = sum(path.stat().st_size for path in (DATA / dataset).rglob("*") if path.is_file())
        rows[f"{dataset}: size"] = f"{size / 1e6:.2f} MB"
        for split in COUNTS[dataset]:
            shares, sides, empty = [], [], 0
            files = shipped(dataset, split).values()
            for _, png in files:
                mask = tf.io.decode_png(png, 1).numpy() - (dataset == PETS)
                shares.append(np.bincount(mask.ravel(), minlength=len(names)) / mask.size)
                sides += mask.shape[:2]
                empty += dataset == FIRE and not mask.any()
            share = ", ".join(
                f"{name} {value:.1%}" for name, value in zip(names, np.mean(shares, 0), strict=True)
            )
            note = f"; {empty} pictures without fire" if empty else ""
            rows[f"{dataset}, {split}"] = (
                f"{len(shares)} pictures, {min(sides)} to {max(sides)} px a side; {share}{note}"
            )
    return rows


def colour_and_position(dataset: str, task: course.Task) -> Array:
    """IoU of each class for a logistic regression on RGB, x and y of single pixels."""

    def table(images: Array) -> Array:
        grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, SIZE)] * 2), -1)
        place = np.broadcast_to(grid, (*images.shape[:3], 2))
        features = np.concatenate([images / 127.5 - 1, place], -1)
        return features.reshape(-1, 5).astype(np.float32)

    keras.utils.set_random_seed(0)
    images, masks = load(dataset, "train")
    pick = np.random.default_rng(0).choice(masks.size, 400_000, replace=False)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(len(task.classes))])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    schedule = keras.optimizers.schedules.CosineDecay(0.02, 1000)
    model.compile(keras.optimizers.Adam(schedule), loss)
    model.fit(table(images)[pick], masks.ravel()[pick], 4000, 10, verbose=0)
    images, masks = load(dataset, "test")
    predicted = model.predict(table(images), 100_000, verbose=0).argmax(-1)
    return course.iou(course.confusion_matrix(masks.ravel(), predicted, task))


def colour() -> Rows:
    """How far colour and position of single pixels lead."""
    pets = colour_and_position(PETS, course.PETS)
    fire = colour_and_position(FIRE, course.FIRE)
    return {
        "pets, RGB and position of a pixel (logistic regression)": (
            f"mean IoU {np.mean(pets):.3f} ({pets[0]:.2f} / {pets[1]:.2f} / {pets[2]:.2f})"
        ),
        "fire, RGB and position of a pixel (logistic regression)": f"fire IoU {fire[1]:.3f}",
    }


def unet() -> Rows:
    """The course's U-Net on Sketch Pets, from scratch."""
    keras.utils.set_random_seed(0)
    images, masks = load(PETS, "train", 144)
    model = course.unet(3, size=SIZE)
    passes = UNET_EPOCHS * len(images)
    fit(model, images, masks, passes // BATCH, seed=0, gentle=True)
    images, masks = load(PETS, "test")
    found = predict(model, images).argmax(-1)
    ious = course.iou(course.confusion_matrix(masks, found, course.PETS))
    return {
        "pets, the U-Net of lesson 2": (
            f"mean IoU {np.mean(ious):.3f} ({ious[0]:.2f} / {ious[1]:.2f} / {ious[2]:.2f}) after "
            f"{passes:,} augmented passes over the {COUNTS[PETS]['train']} training drawings"
        )
    }


# --- the witness of realism -----------------------------------------------------------------------


def small(picture: Picture) -> tuple[Array, Array]:
    """A drawing at the size it is learned from: uint8 (160, 160, 3) and (160, 160), its classes."""
    image = Image.fromarray(picture.image).resize((160, 160), Image.Resampling.BILINEAR)
    mask = Image.fromarray(picture.mask).resize((160, 160), Image.Resampling.NEAREST)
    return np.asarray(image), np.asarray(mask)


def extra_drawing(index: int) -> tuple[Array, Array]:
    """A drawing that does not ship: uint8 (160, 160, 3) and (160, 160), stored class values."""
    rng = np.random.default_rng([SEED, 9, 9, index])
    return small(draw_pets(rng, list(BREEDS)[index % len(BREEDS)], difficulty=1.0))


def warp(
    rng: np.random.Generator, images: Array, masks: Array, gentle: bool
) -> tuple[tf.Tensor, tf.Tensor]:
    """Crop, scale, tilt and flip a batch to SIZE pixels; outside is mirrored."""
    count, side = len(images), images.shape[1]
    half = 0.15 if gentle else 0.4
    scale = np.exp(rng.uniform(-half, 0.1 if gentle else 0.22, count)) * side / SIZE
    tall = scale * np.exp(rng.normal(0, 0.05, count))
    angle, flip = rng.normal(0, 0.1 if gentle else 0.15, count), rng.choice([-1, 1], count)
    reach = 0.06 if gentle else 0.12
    a, b = flip * scale * np.cos(angle), -tall * np.sin(angle)
    c, d = flip * scale * np.sin(angle), tall * np.cos(angle)
    x = side / 2 - (a + b) * SIZE / 2 + rng.uniform(-reach, reach, count) * side
    y = side / 2 - (c + d) * SIZE / 2 + rng.uniform(-reach, reach, count) * side
    zero = np.zeros(count)
    matrices = np.stack([a, b, x, c, d, y, zero, zero], 1).astype(np.float32)

    def move(values: Array, how: str) -> tf.Tensor:
        return tf.raw_ops.ImageProjectiveTransformV3(
            images=values.astype(np.float32), transforms=matrices, output_shape=[SIZE, SIZE],
            interpolation=how, fill_mode="REFLECT", fill_value=0.0,
        )  # fmt: skip

    return move(images, "BILINEAR"), tf.cast(move(masks[..., None], "NEAREST"), tf.int32)


def recolour(rng: np.random.Generator, images: Array, strength: float) -> Array:
    """Gamma, white balance, contrast, saturation, brightness and noise; pixels 0..255."""

    def draw(scale: float, channels: int = 1) -> Array:
        return rng.normal(0, scale * strength, (len(images), 1, 1, channels)).astype(np.float32)

    x = np.clip(images / 255.0, 1e-4, 1) ** np.exp(draw(0.3)) * np.exp(draw(0.12, 3))
    x = x.mean((1, 2), keepdims=True) + (x - x.mean((1, 2), keepdims=True)) * np.exp(draw(0.25))
    grey = x.mean(-1, keepdims=True)
    x = grey + (x - grey) * np.clip(1 + draw(0.4), 0, 2) + draw(0.08)
    x = x + rng.normal(0, 1, x.shape).astype(np.float32) * np.maximum(draw(0.03), 0)
    return (np.clip(x, 0, 1) * 255).astype(np.float32)


def fit(
    model: keras.Model, images: Array, masks: Array, steps: int, seed: int, gentle: bool = False
) -> None:
    """Train on batches of augmented pictures, with one warm-up and a cosine down to zero."""
    rng = np.random.default_rng(seed)
    schedule = keras.optimizers.schedules.CosineDecay(
        1e-4, steps - steps // 10, warmup_target=2e-3, warmup_steps=steps // 10
    )
    optimiser = keras.optimizers.AdamW(schedule, weight_decay=1e-3)

    @tf.function
    def step(x: tf.Tensor, y: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(course.segmentation_loss(y, model(x, training=True)))
        variables = model.trainable_variables
        optimiser.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

    order = np.array([], int)
    for _ in range(steps):
        if len(order) < BATCH:
            order = np.concatenate([order, rng.permutation(len(images))])
        batch, order = order[:BATCH], order[BATCH:]
        x, y = warp(rng, images[batch], masks[batch], gentle)
        step(tf.constant(recolour(rng, x.numpy(), 0.4 if gentle else 1.0)), y)


def predict(model: keras.Model, images: Array) -> Array:
    """Logits (N, SIZE, SIZE, C) of uint8 or float pictures."""
    return np.concatenate(
        [model.predict_on_batch(images[i : i + 32].astype(np.float32))
         for i in range(0, len(images), 32)]
    )  # fmt: skip


def frozen_encoder() -> keras.Model:
    """MobileNetV2 (alpha 0.35, ImageNet, frozen) with a light decoder of separable convolutions."""
    layers = keras.layers
    # Keras ships weights by input size; the layers do not depend on it.
    source = keras.applications.MobileNetV2((224, 224, 3), 0.35, include_top=False)
    encoder = keras.applications.MobileNetV2((SIZE, SIZE, 3), 0.35, False, weights=None)
    encoder.set_weights(source.get_weights())
    encoder.trainable = False
    names = ["block_1_expand_relu", "block_3_expand_relu", "block_6_expand_relu",
             "block_13_expand_relu", "block_16_project"]  # fmt: skip
    taps = keras.Model(encoder.input, [encoder.get_layer(name).output for name in names])

    def block(x: keras.KerasTensor, layer: keras.layers.Layer) -> keras.KerasTensor:
        # A short memory, since training takes only a few hundred steps.
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(layer(x)))

    inputs = keras.Input((SIZE, SIZE, 3))
    *skips, x = taps(layers.Rescaling(1 / 127.5, -1)(inputs), training=False)
    x = layers.Dropout(0.2)(block(x, layers.Conv2D(96, 1, use_bias=False)))
    for filters, skip in zip((96, 64, 48, 32), skips[::-1], strict=True):
        x = layers.UpSampling2D(interpolation="bilinear")(x)
        x = layers.concatenate([x, block(skip, layers.Conv2D(filters, 1, use_bias=False))])
        for _ in range(2):
            x = block(x, layers.SeparableConv2D(filters, 3, padding="same", use_bias=False))
    x = layers.UpSampling2D(interpolation="bilinear")(x)
    return keras.Model(inputs, layers.Conv2D(3, 3, padding="same")(x))


def resized(dataset: tf.data.Dataset) -> tuple[Array, Array]:
    """All pictures, resized as everywhere: float32 (N, SIZE, SIZE, 3), int32 (N, SIZE, SIZE)."""
    images = np.stack([tf.image.resize(each["images"], (SIZE, SIZE)) for each in dataset])
    masks = [
        tf.image.resize(each["segmentation_masks"], (SIZE, SIZE), "nearest") for each in dataset
    ]
    return images, np.stack(masks)[..., 0].astype(np.int32)


def pet_photographs(folder: Path, split: str = "all") -> tuple[Array, Array]:
    """Photographs of pets in a TFDS directory, as `resized`, and their classes from 0."""
    builder = tfds.builder_from_directory(folder / "oxford_iiit_pet" / "4.0.0")
    records = builder.as_dataset(split=split, shuffle_files=False)
    return resized(
        records.map(
            lambda r: {"images": r["image"], "segmentation_masks": r["segmentation_mask"] - 1}
        )
    )


def photographs(folder: Path, split: str, seeds: int, processes: int) -> Rows:
    """Train on drawings, judge on photographs: pet against background, border pixels left out."""
    photos, truth = pet_photographs(folder, split)
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        extra = pool.map(extra_drawing, range(EXTRA), chunksize=8)
    images, masks = load(PETS, "train", 160)
    images = np.concatenate([images, np.stack([image for image, _ in extra])])
    masks = np.concatenate([masks, np.stack([mask for _, mask in extra]).astype(np.int32) - 1])
    counted = truth != 2
    rows = {}
    for name, steps in STEPS.items():
        scores = []
        for seed in range(seeds):
            start = time.time()
            keras.utils.set_random_seed(seed)
            model = course.unet(3, size=SIZE) if "scratch" in name else frozen_encoder()
            fit(model, images, masks, steps, seed)
            logits = predict(model, photos)
            background = (logits[..., 1] > logits[..., 0]).astype(int)
            pooled = course.confusion_matrix(truth[counted], background[counted], WITNESS)
            scores.append(course.mean_iou(pooled))
            ious = ", ".join(f"{value:.3f}" for value in course.iou(pooled))
            print(f"{name}, seed {seed}: {scores[-1]:.3f} (pet, background: {ious}), "
                  f"{time.time() - start:.0f} s", flush=True)  # fmt: skip
        each = ", ".join(f"{score:.3f}" for score in scores)
        rows[f"{len(photos)} {split} photographs, {name}"] = (
            f"mean IoU {np.mean(scores):.3f} (seeds: {each}) after {steps * BATCH:,} passes over "
            f"{len(images)} drawings"
        )
    return rows


def update_card(rows: Rows) -> None:
    """Put the rows into the card's table; rows that were not measured this time stay.

    Raises:
        ValueError: the card lacks the marks around its table.
    """
    text = CARD.read_text(encoding="utf-8")
    if START not in text or END not in text:
        raise ValueError(f"{CARD} lacks the lines {START} and {END}: put them around its table")
    before, table, after = re.split(f"{re.escape(START)}|{re.escape(END)}", text)
    old = dict(re.findall(r"^\| (.+?) \| (.+) \|$", table, re.MULTILINE)[2:])  # below the heading
    lines = [f"| {key} | {value} |" for key, value in {**old, **rows}.items()]
    table = "\n".join(["", "| what | measured |", "| :-- | :-- |", *lines, ""])
    CARD.write_text(before + START + table + END + after, encoding="utf-8")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, help="by default all that can run")
    parser.add_argument("--photographs", type=Path, help="TFDS directory with oxford_iiit_pet")
    parser.add_argument("--split", default="test", help="of the photographs (default: test)")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--update-card", action="store_true", help="write the figures into README")
    arguments = parser.parse_args()
    parts = arguments.parts or PARTS[: 4 if arguments.photographs else 3]
    if "photographs" in parts and arguments.photographs is None:
        parser.error("the part photographs needs --photographs DIR")
    rows: Rows = {}
    for part in parts:
        if part == "photographs":
            found = photographs(
                arguments.photographs, arguments.split, arguments.seeds, arguments.processes
            )
        else:
            found = {"inventory": inventory, "colour": colour, "unet": unet}[part]()
        for key, value in found.items():
            print(f"{key}: {value}", flush=True)
        rows.update(found)
    if arguments.update_card:
        update_card(rows)


if __name__ == "__main__":
    main()
