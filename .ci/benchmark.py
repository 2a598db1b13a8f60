"""Images per second of each stage of the input, what it costs an epoch, of each network, and pairs
per second of the doctor of lesson 6.

    python .ci/benchmark.py            every stage, epochs of lesson 2, the networks, the doctor
    python .ci/benchmark.py --quick    the same in a quarter of the time, a little noisier
    python .ci/benchmark.py --layers   also every KerasCV layer that lesson 2 could choose, alone

The recipe (network, batch, layers) is read from lesson 2, the other layers from lesson 1. Each
stage runs alone on all cores that this process may use. Seconds mean something on an idle machine
only; CPU seconds, of all threads together, hardly depend on what else it does.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from PIL import Image

import reference
import unet_helpers
from data import doctor, slides
from notebooks import defined
from unet_helpers import PETS, keras, keras_cv, np, tf

SIZE = 128
YARDSTICK = (12, 24, 48, 96, 192)  # filters of a U-Net that never changes: a machine's pace
COURSE = unet_helpers.Course("sample", 7)
SCOPE = {"keras": keras, "keras_cv": keras_cv, "PETS": PETS, "course": COURSE}


def once(data: Iterable) -> float:
    """Pictures a second of one pass."""
    count, started = 0, time.perf_counter()
    for element in data:
        if isinstance(element, dict):  # of single pictures, or of batches
            count += element["images"].shape[0] if element["images"].shape.rank == 4 else 1
        else:
            count += len(element[0])
    return count / (time.perf_counter() - started)


def often(data: Iterable, seconds: float) -> float:
    """Pictures a second of many passes, after one that fills caches: the median."""
    once(data)
    rates, started = [], time.perf_counter()
    while time.perf_counter() - started < seconds or not rates:
        rates.append(once(data))
    return float(np.median(rates))


def stages(recipe: dict, split: tf.data.Dataset, seconds: float) -> list[dict[str, object]]:
    """Images a second of each stage of lesson 2's input, each with those before it."""

    def resize(example: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        mask = tf.image.resize(example["segmentation_masks"], (SIZE, SIZE), "nearest")
        image = tf.image.resize(example["images"], (SIZE, SIZE))
        return {"images": image, "segmentation_masks": mask}

    resized = split.map(resize, tf.data.AUTOTUNE)
    cached = resized.cache()
    batched = cached.shuffle(len(split)).batch(recipe["BATCH_SIZE"]).prefetch(tf.data.AUTOTUNE)
    named = {
        "read and decode": split,
        "+ resize": resized,
        "+ cache": cached,
        "+ shuffle and batch": batched,
        "+ augmentation of lesson 2": prepare(recipe, split, recipe["AUGMENT"]),
    }
    speeds = {name: round(often(data, seconds)) for name, data in named.items()}
    return [{"stage": name, "images/s": speed} for name, speed in speeds.items()]


def prepare(recipe: dict, split: tf.data.Dataset, layers: list) -> tf.data.Dataset:
    """Training data as lesson 2 makes them, with these layers."""
    return unet_helpers.prepare(
        split,
        PETS,
        size=SIZE,
        batch_size=recipe["BATCH_SIZE"],
        training=True,
        augment=layers,
        at_least=recipe["AT_LEAST"],
    )


def layers(recipe: dict, split: tf.data.Dataset, seconds: float) -> list[dict[str, object]]:
    """Images a second with each layer alone: those of lesson 2, and lesson 1's candidates."""
    chosen = {type(layer).__name__: layer for layer in recipe["AUGMENT"]}
    rows = []
    for name, layer in (defined("01", "candidates", **SCOPE)["candidates"] | chosen).items():
        speed = round(often(prepare(recipe, split, [layer]), seconds))
        mark = "yes" if name in chosen else ""
        rows.append({"layer alone": name, "images/s": speed, "in lesson 2": mark})
    return sorted(rows, key=lambda row: -row["images/s"])


def epochs(recipe: dict, split: tf.data.Dataset, repeats: int) -> list[dict[str, object]]:
    """Seconds of an epoch with the input of lesson 2, with ready batches, and with one batch."""
    data = prepare(recipe, split, recipe["AUGMENT"])
    steps = len(data)
    model = unet_helpers.unet(len(PETS.classes), recipe["FILTERS"], SIZE)
    model.compile("adamw", loss=unet_helpers.segmentation_loss)
    sources = {
        "the input of lesson 2": data,
        "the same batches, ready in memory": data.cache(),
        "one batch again and again": data.take(1).repeat(steps).cache(),
    }
    for source in sources.values():  # traces the step, fills the caches
        model.fit(source, verbose=0, shuffle=False)
    times = {name: (np.inf, np.inf) for name in sources}
    for _ in range(repeats):  # in turns; the fastest, as other work only ever adds time
        for name, source in sources.items():
            started = time.perf_counter(), time.process_time()
            model.fit(source, verbose=0, shuffle=False)
            spent = time.perf_counter() - started[0], time.process_time() - started[1]
            times[name] = np.minimum(spent, times[name])
    rows = [
        {
            "epoch with": name,
            "seconds": float(wall),
            "CPU seconds": float(cpu),
            "images/s": round(steps * recipe["BATCH_SIZE"] / wall),
        }
        for name, (wall, cpu) in times.items()
    ]
    whole, bare, _ = times.values()
    wall, cpu = (f"{max(0, 1 - b / w):.0%}" for w, b in zip(whole, bare, strict=True))
    share = {"epoch with": "**share that the input costs**", "seconds": wall, "CPU seconds": cpu}
    return [*rows, share | {"images/s": ""}]


def networks(recipe: dict, split: tf.data.Dataset, repeats: int) -> list[dict[str, object]]:
    """Images a second in training, without augmentation: our networks and the tutorial's."""
    classes, data = len(PETS.classes), prepare(recipe, split, []).take(20).cache()
    made = {f"U-Net with {YARDSTICK}, the pace": unet_helpers.unet(classes, YARDSTICK, SIZE)}
    made["U-Net of lesson 2"] = unet_helpers.unet(classes, recipe["FILTERS"], SIZE)
    for alpha in (0.35, 1.0):
        for change in (unet_helpers.freeze_encoder, unet_helpers.unfreeze_encoder):
            name = f"U-Net on MobileNetV2, alpha {alpha}, {change.__name__.replace('_', ' ')}"
            made[name] = unet_helpers.mobilenetv2_unet(classes, None, alpha, size=SIZE)
            change(made[name])
    made["the TensorFlow tutorial's network, alpha 1.0"] = reference.network(classes, None)
    speeds = {}
    for name, model in made.items():
        model.compile("adamw", loss=unet_helpers.segmentation_loss)
        model.fit(data, verbose=0, shuffle=False)  # traces the step
        times = []
        for _ in range(repeats):
            started = time.perf_counter()
            model.fit(data, verbose=0, shuffle=False)
            times.append(time.perf_counter() - started)
        speeds[name] = len(data) * recipe["BATCH_SIZE"] / min(times)
    return [
        {
            "network": name,
            "parameters": f"{model.count_params():,}",
            "images/s": round(speeds[name]),
            "times the tutorial's": float(speeds[name] / [*speeds.values()][-1]),
        }
        for name, model in made.items()
    ]


def doctor_pace(count: int) -> list[dict[str, object]]:
    """Pairs a second that `check_folder` looks through: slides of 500 by 375 pixels."""
    with tempfile.TemporaryDirectory() as folder:
        places = [Path(folder) / kind for kind in ("images", "masks")]
        for place in places:
            place.mkdir()
        drawn = [slides.draw_slide(np.random.default_rng(n), 375, 500) for n in range(20)]
        for n in range(count):
            for place, array, end in zip(places, drawn[n % 20], ("jpg", "png"), strict=True):
                Image.fromarray(array).save(place / f"{n}.{end}")
        started = time.perf_counter()
        doctor.check_folder(*places, slides.SLIDES)
        seconds = time.perf_counter() - started
    return [{"doctor": f"{count} pairs of 500 by 375 pixels", "pairs/s": round(count / seconds)}]


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a quarter of the time")
    parser.add_argument("--layers", action="store_true", help="also each layer alone")
    arguments = parser.parse_args()
    keras.utils.set_random_seed(COURSE.seed)
    recipe = defined("02", "recipe", **SCOPE)
    seconds, repeats = (1.0, 1) if arguments.quick else (4.0, 3)
    split = unet_helpers.load_pets(COURSE)["train"]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    gpus = len(tf.config.list_physical_devices("GPU"))
    print(f"{cores} cores, {gpus} GPUs, {len(split)} pictures at {SIZE} px, ", end="")
    print(f"batches of {recipe['BATCH_SIZE']}, {recipe['AT_LEAST']} pictures an epoch\n")
    tables = [stages] + ([layers] if arguments.layers else [])
    for rows in tables:
        print(unet_helpers.table(rows(recipe, split, seconds)).data, end="\n\n", flush=True)
    for rows in (epochs, networks):
        print(unet_helpers.table(rows(recipe, split, repeats)).data, end="\n\n", flush=True)
    print(unet_helpers.table(doctor_pace(150 * repeats)).data, flush=True)


if __name__ == "__main__":
    main()
