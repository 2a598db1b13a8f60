"""Pre-train the small encoder that ships: a MobileNetV2 that has learned to name drawings.

    python data/pretrain_backbone.py    # draws, trains, writes the weights and a row of the card

The network sees single drawings and has to say what each shows: which of the breeds, which thing
in a landscape or on a floor, which ground or wall, which scene and whether it burns. All pictures
are new: their random streams are not those of Sketch Pets and Sketch Fire. Only the encoder is
kept, up to the layer that `unet_helpers.mobilenetv2_unet` uses last. It takes about an hour
on two cores.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

DATA = Path(__file__).resolve().parent
sys.path[:0] = [str(DATA), str(DATA.parent)]

import unet_helpers as course  # noqa: I001  (quietens TensorFlow before it is imported)
import keras
import keras_cv
import numpy as np
import tensorflow as tf
from measure_sample import update_card
from PIL import Image

from drawing.animals import BREEDS
from drawing.fire_stage import Stage
from drawing.fire_things import GREENS, STRAW, THINGS, draw_ridge, draw_sky
from drawing.fires import SCENES, TIMES, draw_fire
from drawing.pets import Light, draw_pets, draw_thing
from drawing.scenes import FLOORS, backdrop, bricks, cloth, foliage, place, room, thing
from drawing.solids import View
from drawing.textures import Array, Camera, over, photograph

SEED = 2026
SIDE, SIZE = 144, 128  # pixels: as drawn, and as cropped for the network
COUNTS = {"train": 130, "test": 20}  # pictures of each class
ALPHA, EPOCHS, BATCH, LEARNING_RATE = 0.35, 22, 64, 4e-3
Generator = np.random.Generator


def camera_on(rng: Generator) -> View:
    """A camera that looks down at the origin, as `draw_pets` has it."""
    rise = rng.uniform(0.1, 1.2)
    toward = np.array([np.cos(rise), 0, np.sin(rise)])
    eye = toward * rng.uniform(1.8, 4.0)
    view = View.looking_at(eye, np.array([0, 0, 0.2]), rng.normal(0, 0.1))
    focal = SIDE * np.linalg.norm(eye) * rng.uniform(0.5, 0.9)
    return view.framed(focal, (SIDE * rng.uniform(0.4, 0.6), SIDE * rng.uniform(0.4, 0.6)))


def ground(rng: Generator, kind: str) -> Array:
    """A floor, with what stands behind it."""
    scene, _, _ = backdrop(rng, SIDE, SIDE, camera_on(rng), kind)
    return photograph(rng, scene, Camera.random(rng))


def surface(rng: Generator, paint: Callable[[Generator, int, int], Array]) -> Array:
    """A wall, a hedge or a cloth that fills the picture."""
    return photograph(rng, paint(rng, SIDE, SIDE), Camera.random(rng))


def object_on_floor(rng: Generator, kind: str) -> Array:
    """A thing on a floor, in the coat of some animal or in a colour of its own."""
    view = camera_on(rng)
    scene, _, outdoors = backdrop(rng, SIDE, SIDE, view, str(rng.choice(FLOORS)))
    light = Light.random(rng, view, outdoors)
    while True:
        home = thing(rng, kind)
        solids = place(home, np.zeros(3), rng.uniform(0, 6.3), 1.5 * np.exp(rng.normal(0, 0.2)))
        coat = BREEDS[str(rng.choice(list(BREEDS)))].coat
        layer = draw_thing(rng, solids, home, coat, 0.5, view, light, SIDE, SIDE)
        if layer is not None and layer.alpha.mean() > 0.02:
            return photograph(rng, over(scene, layer.scene, layer.alpha), Camera.random(rng))


def thing_outdoors(rng: Generator, name: str) -> Array:
    """A thing of the fire scenes in a landscape, large, with smaller ones around it."""
    hour = str(rng.choice(TIMES, p=[0.6, 0.25, 0.15]))
    stage = Stage(rng, SIDE, SIDE, hour, 0, 0.3, rng.normal(0, 0.2), rng.random())
    horizon = rng.uniform(0.35, 0.65) * SIDE
    draw_sky(stage, horizon)
    if rng.random() < 0.6:
        draw_ridge(stage, horizon + 2, 0.15 * SIDE, GREENS, 0.3 * (hour == "day"), 0.04 * SIDE)
    stage.ground(horizon, [GREENS, STRAW, "stone", "earth", "snow"][rng.integers(5)])
    others = [str(other) for other in rng.choice(list(THINGS), rng.integers(0, 4))]
    for which in [*sorted(others), name]:
        main = which is name
        canvas = stage.canvas()
        height = SIDE * (rng.uniform(0.3, 0.75) if main else rng.uniform(0.08, 0.2))
        foot = rng.uniform(0.75, 0.98) * SIDE if main else horizon + rng.uniform(2, 0.2 * SIDE)
        across = rng.uniform(0.3, 0.7) if main else rng.uniform(0, 1)
        THINGS[which](stage, canvas, across * SIDE, foot, height)
        stage.paint(canvas)
    light, _ = stage.finish()
    level = float(np.clip(light, 0, 1).mean()) + 1e-3
    camera = Camera.random(rng)
    camera.exposure += float(np.clip(0.5 * np.log2(0.2 / level), -0.5, 2.5))
    return photograph(rng, light, camera)


def breed(rng: Generator, name: str) -> Array:
    """A cat or a dog, from easy to camouflaged."""
    return draw_pets(rng, name, difficulty=rng.random()).image


def fire_scene(rng: Generator, name: str, burns: bool) -> Array:
    """A scene of Sketch Fire, burning or only looking like it."""
    return draw_fire(rng, name, fire=burns).image


CLASSES: dict[str, tuple[Callable[..., Array], tuple]] = (
    {f"breed: {name}": (breed, (name,)) for name in BREEDS}
    | {f"outdoors: {name}": (thing_outdoors, (name,)) for name in THINGS}
    | {
        f"on a floor: {kind}": (object_on_floor, (kind,))
        for kind in ("cushion", "log", "ball", "bottle", "person", "heap")
    }
    | {f"ground: {kind}": (ground, (kind,)) for kind in (*FLOORS, "collage")}
    | {
        f"surface: {paint.__name__}": (surface, (paint,))
        for paint in (bricks, foliage, room, cloth)
    }
    | {
        f"{name}, {'burning' if burns else 'not burning'}": (fire_scene, (name, burns))
        for name in SCENES
        for burns in (True, False)
    }
)


def draw(job: tuple[str, int]) -> Array:
    """Picture `index` of a split, uint8 (SIDE, SIDE, 3); its class is `index % len(CLASSES)`."""
    split, index = job
    rng = np.random.default_rng([SEED, 7, list(COUNTS).index(split), index])
    paint, arguments = [*CLASSES.values()][index % len(CLASSES)]
    image = Image.fromarray(paint(rng, *arguments))
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def pictures(split: str, processes: int) -> tuple[Array, Array]:
    """A split: uint8 (N, SIDE, SIDE, 3) and its classes, int32 (N,)."""
    count = COUNTS[split] * len(CLASSES)
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        drawn = pool.map(draw, [(split, index) for index in range(count)], chunksize=16)
    return np.stack(drawn), np.arange(count, dtype=np.int32) % len(CLASSES)


def batches(images: Array, classes: Array, training: bool) -> tf.data.Dataset:
    """Batches of float32 (B, SIZE, SIZE, 3) in 0..255 and int32 (B,), augmented for training."""
    if not training:
        edge = (SIDE - SIZE) // 2
        images = images[:, edge : edge + SIZE, edge : edge + SIZE]
        return tf.data.Dataset.from_tensor_slices((images, classes)).batch(BATCH)
    layers = [
        keras.layers.RandomCrop(SIZE, SIZE),  # no zoom: it would soften the pictures
        keras_cv.layers.RandomFlip("horizontal"),
        keras_cv.layers.RandomBrightness(0.2),
        keras_cv.layers.RandomContrast((0, 255), 0.4),
        keras_cv.layers.RandomHue(0.05, (0, 255)),
    ]

    def augmented(image: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image = tf.cast(image, tf.float32)
        for layer in layers:
            image = layer(image, training=True)
        return image, label

    data = tf.data.Dataset.from_tensor_slices((images, classes)).shuffle(len(images)).batch(BATCH)
    return data.map(augmented, tf.data.AUTOTUNE).prefetch(2)


def pretrain(train: tuple[Array, Array], test: tuple[Array, Array]) -> tuple[keras.Model, float]:
    """Train encoder and classifier together: the encoder, and the accuracy on the test split.

    As for ImageNet, the classifier sits on the last, widest layer of MobileNetV2, which the encoder
    then does without. Label smoothing: what is "not burning" may be hard to say.
    """
    keras.utils.set_random_seed(SEED)
    shape = (SIZE, SIZE, 3)
    network = keras.applications.MobileNetV2(shape, ALPHA, include_top=False, weights=None)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.98  # the default remembers a thousand steps, a third of all
    inputs = keras.Input(shape)
    x = network(keras.layers.Rescaling(1 / 127.5, offset=-1)(inputs))
    x = keras.layers.Dropout(0.2)(keras.layers.GlobalAveragePooling2D()(x))
    model = keras.Model(inputs, keras.layers.Dense(len(CLASSES), activation="softmax")(x))
    steps = EPOCHS * -(-len(train[0]) // BATCH)
    schedule = keras.optimizers.schedules.CosineDecay(
        LEARNING_RATE / 20, steps - steps // 10, warmup_target=LEARNING_RATE,
        warmup_steps=steps // 10,
    )  # fmt: skip
    model.compile(
        keras.optimizers.AdamW(schedule, weight_decay=0.02),
        lambda y, p: keras.losses.categorical_crossentropy(
            keras.ops.one_hot(y, len(CLASSES)), p, label_smoothing=0.1
        ),
        metrics=["sparse_categorical_accuracy"],
    )
    # The last epoch counts: the test split chooses nothing.
    model.fit(batches(*train, True), epochs=EPOCHS, verbose=2)
    _, accuracy = model.evaluate(batches(*test, False), verbose=0)
    encoder = course.mobilenetv2_unet(2, None, ALPHA).get_layer("encoder")
    for layer in encoder.layers:
        layer.set_weights(network.get_layer(layer.name).get_weights())
    return encoder, accuracy


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    start = time.time()
    train, test = (pictures(split, arguments.processes) for split in COUNTS)
    print(f"{len(train[0])} and {len(test[0])} pictures of {len(CLASSES)} classes drawn in "
          f"{time.time() - start:.0f} s", flush=True)  # fmt: skip
    encoder, accuracy = pretrain(train, test)
    target = course.Course("sample", SEED).encoder["weights"]
    part = target.with_name(f"part-{target.name}")
    encoder.save_weights(part)
    os.replace(part, target)
    update_card({
        "encoder that ships: MobileNetV2, alpha 0.35": (
            f"names {accuracy:.1%} of {len(test[0]):,} new drawings, of {len(CLASSES)} classes, "
            f"after {EPOCHS} passes over {len(train[0]):,} others"
        )
    })  # fmt: skip
    print(f"test accuracy {accuracy:.3f}; {time.time() - start:.0f} s")


if __name__ == "__main__":
    main()
