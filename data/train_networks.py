"""Train a network that ships: on drawings alone, many more than ship, drawn for it.

    python data/train_networks.py pets           # draws, trains, writes data/networks/pets_unet.keras
    python data/train_networks.py fire --draw    # draws only
    python data/train_networks.py pets --measure --pets DIR --fires DIR   # rows of the card

Drawings are kept in data/runs/drawings, in files of 250, and are drawn once; a training that was
stopped goes on where it was. Their random streams are not those of Sketch Pets and Sketch Fire.
Each network takes about 45 minutes on two cores. `--measure` judges the network that ships, on
the test drawings and, where they are there, on photographs: of pets in the TFDS directory of --pets,
of fires in the folder of --fires, which is FireSeg as it is handed out.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from pathlib import Path

DATA = Path(__file__).resolve().parent
sys.path[:0] = [str(DATA), str(DATA.parent)]

import unet_helpers as course  # noqa: I001  (quietens TensorFlow before it is imported)
import keras
import numpy as np
import tensorflow as tf
from measure_sample import (
    load,
    pet_photographs,
    predict,
    recolour,
    resized,
    small,
    update_card,
    warp,
)
from tqdm import tqdm

from data import checkpoints
from drawing.animals import BREEDS
from drawing.fires import draw_fire
from drawing.pets import draw_pets
from drawing.textures import Array
from drawing.wildfires import draw_wildfire

SEED = 2027
SIDE, SIZE = 160, 128  # pixels: as drawn, and as cropped for the network
TASKS = {"pets": course.PETS, "fire": course.FIRE}
COUNT = 6_000  # drawings
SHARD, VALIDATION = 250, 2  # drawings in a file, and files that are not learned from
ALARM = 20  # pixels: fewer are not counted as a false alarm
# How far pictures' colours are changed: a pet may have any, but fire is told from fur by its own.
RECOLOUR = {"pets": 1.0, "fire": 0.4}
ANSWERED = 128  # drawings by which the costliest convolution is narrowed
EPOCHS, PASSES, BATCH = 14, 4_000, 16  # an epoch is so many passes, whatever there is to draw from


def draw(job: tuple[str, int]) -> tuple[Array, Array]:
    """Drawing `index` of a task: uint8 (SIDE, SIDE, 3), and its classes, uint8 (SIDE, SIDE)."""
    what, index = job
    rng = np.random.default_rng([SEED, list(TASKS).index(what), index])
    if what == "fire" and index % 8:
        return small(draw_fire(rng) if index % 4 == 1 else draw_wildfire(rng))
    breeds = list(BREEDS)
    breed = breeds[index % len(breeds)] if what == "pets" else str(rng.choice(breeds))
    image, mask = small(draw_pets(rng, breed, difficulty=rng.random() ** 0.5))
    return image, mask - 1 if what == "pets" else 0 * mask  # red fur and all, it is no fire


def drawings(what: str, count: int, processes: int) -> tuple[Array, Array]:
    """So many drawings, rounded down to whole files: uint8 (N, SIDE, SIDE, 3), (N, SIDE, SIDE)."""
    folder = course.RUNS / "drawings" / what
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{n:04d}.npz" for n in range(count // SHARD)]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for n, file in enumerate(tqdm(files, f"{what}, files of {SHARD} drawings")):
            if not file.exists():
                jobs = [(what, n * SHARD + k) for k in range(SHARD)]
                images, masks = zip(*pool.imap(draw, jobs, chunksize=5), strict=True)
                partial = file.with_suffix(".partial.npz")
                np.savez_compressed(partial, images=np.stack(images), masks=np.stack(masks))
                partial.replace(file)
    read = [np.load(file) for file in files]
    return tuple(np.concatenate([each[key] for each in read]) for key in ("images", "masks"))


def batches(images: Array, masks: Array, seed: int, colours: float) -> tf.data.Dataset:
    """An epoch of augmented batches, in a new order each time; `colours` as `recolour` has it."""
    rng = np.random.default_rng(seed)

    def augmented(chosen: Array) -> tuple[Array, Array]:
        x, y = warp(rng, images[chosen], masks[chosen], gentle=False)
        return recolour(rng, x.numpy(), colours), y.numpy()

    def step(chosen: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        x, y = tf.numpy_function(augmented, [chosen], (tf.float32, tf.int32))
        return (
            tf.ensure_shape(x, (BATCH, SIZE, SIZE, 3)),
            tf.ensure_shape(y, (BATCH, SIZE, SIZE, 1)),
        )

    order = tf.data.Dataset.range(len(images)).shuffle(len(images), seed).repeat()
    steps = order.batch(BATCH, drop_remainder=True).map(step)
    return steps.take(PASSES // BATCH).prefetch(4)


def products(layer: keras.layers.Layer) -> int:
    """How many products a convolution computes for a picture; 0 for other kinds of layers."""
    if type(layer) is not keras.layers.Conv2D:  # the others of its family do with few
        return 0
    return int(np.prod(layer.output.shape[1:]) * np.prod(layer.kernel.shape[:-1]))


def narrowed(model: keras.Model, images: Array) -> keras.Model:
    """The network with its costliest convolution in two: one to half the channels, one back to all.

    That convolution's answers to `images`, float32 (N, S, S, 3), differ mostly in a few directions.
    Their principal components are the channels in between, so that the two together come as close
    to it as any two such can on these pictures (Zhang and others, 2016, arXiv 1505.06798).
    """
    costly = max(model.layers, key=products)
    answers = keras.Model(model.inputs, costly.output).predict(images, BATCH, verbose=0)
    answers = answers.reshape(-1, costly.filters)
    half, mean = costly.filters // 2, answers.mean(0)
    axes = np.linalg.eigh(np.cov(answers.T))[1][:, -half:].astype("float32")
    down = keras.layers.Conv2D(half, costly.kernel_size, padding=costly.padding, use_bias=False)
    back = keras.layers.Conv2D(costly.filters, 1)
    pair = keras.Sequential([down, back], name=f"{costly.name}_in_two")

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        return pair if layer is costly else type(layer).from_config(layer.get_config())

    copy = keras.models.clone_model(model, clone_function=clone)
    for old, new in zip(model.layers, copy.layers, strict=True):
        if old is not costly:
            new.set_weights(old.get_weights())
    down.set_weights([costly.kernel.numpy() @ axes])
    back.set_weights([axes.T[None, None], mean - axes @ (axes.T @ mean)])
    return copy


def measure(what: str, pets: Path | None, fires: Path | None) -> dict[str, str]:
    """Rows for the card: what the network that ships scores."""
    file, task = f"{what}_unet.keras", TASKS[what]
    model = keras.models.load_model(DATA / "networks" / file, compile=False)
    images, masks = load(f"sketch_{what}", "test")
    ious = course.iou(course.confusion_matrix(masks, predict(model, images).argmax(-1), task))
    each = ", ".join(f"{name} {value:.3f}" for name, value in zip(task.classes, ious, strict=True))
    rows = {f"{file}, {len(images)} test drawings": f"mean IoU {ious.mean():.3f} ({each})"}
    if what == "pets" and pets:
        images, masks = pet_photographs(pets)
        either = course.Task("pet or not", task.classes[:2], void=2)  # the border is left out
        found = predict(model, images)[..., :2].argmax(-1)
        ious = course.iou(course.confusion_matrix(masks, found, either))
        rows[f"{file}, {len(images)} photographs of pets, the border left out"] = (
            f"mean IoU {ious.mean():.3f} (pet {ious[0]:.3f}, background {ious[1]:.3f})"
        )
    if what == "fire" and fires:
        places = (fires / f"{kind}_prepped_test" for kind in ("images", "annotations"))
        images, masks = resized(course.load_folder(*places, task))
        pooled = course.confusion_matrix(masks, predict(model, images).argmax(-1), task)
        hits, called, true = pooled[1, 1], pooled[:, 1].sum(), pooled[1].sum()
        rows[f"{file}, {len(images)} test photographs of FireSeg"] = (
            f"fire IoU {course.iou(pooled)[1]:.3f} (precision {hits / called:.2f}, "
            f"recall {hits / true:.2f})"
        )
    if what == "fire" and pets:
        images, _ = pet_photographs(pets)
        alarms = (predict(model, images).argmax(-1).sum((1, 2)) >= ALARM).sum()
        rows[f"{file}, {len(images)} photographs of pets"] = (
            f"{ALARM} pixels of fire or more in {alarms}"
        )
    return rows


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=TASKS)
    parser.add_argument("--drawings", type=int, default=COUNT, help="how many (%(default)s)")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"of {PASSES:,} passes")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--draw", action="store_true", help="draw, and stop before the training")
    parser.add_argument("--measure", action="store_true", help="judge the network that ships")
    parser.add_argument("--pets", type=Path, help="TFDS directory with oxford_iiit_pet")
    parser.add_argument("--fires", type=Path, help="FireSeg's folder")
    given = parser.parse_args()
    if given.measure:
        rows = measure(given.what, given.pets, given.fires)
        print(*(f"{key}: {value}" for key, value in rows.items()), sep="\n")
        update_card(rows)
        return
    task = TASKS[given.what]
    images, masks = drawings(given.what, given.drawings, given.processes)
    if given.draw:
        return
    keras.utils.set_random_seed(SEED)
    held = VALIDATION * SHARD
    inside = slice((SIDE - SIZE) // 2, (SIDE + SIZE) // 2)
    pairs = (images[:held, inside, inside].astype("float32"), masks[:held, inside, inside, None])
    validation = tf.data.Dataset.from_tensor_slices(pairs).map(
        lambda x, y: (x, tf.cast(y, tf.int32))
    )
    encoder = course.Course("sample", SEED).encoder
    model = course.mobilenetv2_unet(len(task.classes), **encoder)
    for layer in model.get_layer("encoder").layers:  # a running mean of 1,000 steps is too slow
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.99
    run = f"shipped_{given.what}"
    course.train(
        model,
        batches(images[held:], masks[held:], SEED, RECOLOUR[given.what]),
        validation.batch(BATCH),
        task,
        epochs=given.epochs,
        run=run,
        learning_rate=2e-3,
        patience=given.epochs,
    )
    (DATA / "networks").mkdir(exist_ok=True)
    some = images[held : held + ANSWERED, inside, inside].astype("float32")
    checkpoints.save(narrowed(model, some), DATA / "networks" / f"{given.what}_unet.keras")


if __name__ == "__main__":
    main()
