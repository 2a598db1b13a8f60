"""What several tests play with: pictures of discs, small networks, interpreters of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

import unet_helpers
from unet_helpers import PETS

ROOT = Path(unet_helpers.__file__).parent
SHARED = ROOT.parent / "shared"


def python(code: str, **environment: str) -> subprocess.CompletedProcess:
    """Run code in an interpreter of its own, which finds the helper and these tests."""
    paths = os.pathsep.join(map(str, (ROOT, ROOT / ".ci", Path(__file__).parent)))
    environment = os.environ | {"PYTHONPATH": paths, "CUDA_VISIBLE_DEVICES": "-1"} | environment
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)  # JAX sets it where it is imported
    return subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
    )


def examples(
    count: int = 4, shape: tuple[int, int] = (16, 16), classes: int = 3
) -> list[dict[str, object]]:
    """Pictures of discs (class 0, bright) on a ground (1), with a rim (2) where there are three."""
    generator, made = np.random.default_rng(0), []
    rows, columns = np.indices(shape)
    for number in range(count):
        centre = generator.uniform(0.3, 0.7, 2) * shape
        distance = np.hypot(rows - centre[0], columns - centre[1]) / min(shape)
        mask = np.digitize(distance, (0.25, 0.35)[: classes - 1])
        mask = np.array([0, 2, 1] if classes == 3 else [1, 0])[mask][..., None].astype("uint8")
        image = np.array([200, 40, 120])[mask] + generator.normal(0, 30, (*shape, 3))
        image = np.clip(image, 0, 255).astype("uint8")
        made.append({"images": image, "segmentation_masks": mask, "names": f"disc_{number}"})
    return made


def dataset(made: Sequence[dict[str, object]]) -> tf.data.Dataset:
    """A split as the loaders return it, of pictures of any sizes."""
    signature = {
        "images": tf.TensorSpec((None, None, None), made[0]["images"].dtype),
        "segmentation_masks": tf.TensorSpec((None, None, 1), tf.uint8),
        "names": tf.TensorSpec((), tf.string),
    }
    return tf.data.Dataset.from_generator(lambda: iter(made), output_signature=signature)


def prepared(count: int = 4, **options: object) -> tf.data.Dataset:
    """Batches of two discs at 16 px."""
    options = {"size": 16, "batch_size": 2} | options
    return unet_helpers.prepare(dataset(examples(count)), PETS, **options)


def store(folder: Path, name: str, array: np.ndarray, **options: object) -> Path:
    """Write an array as a picture, making its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(folder / name, **options)
    return folder / name


def tiny_model(classes: int = 3) -> keras.Model:
    """A network with batch normalisation, so that moving statistics matter too."""
    keras.utils.set_random_seed(1)
    pixels = keras.Input((16, 16, 3))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3, padding="same")(x))
    return keras.Model(pixels, keras.layers.Conv2D(classes, 1)(x), name="tiny")


class Counter(keras.callbacks.Callback):
    """Counts the whole epochs of one call, and the optimiser's steps at its start and end."""

    def __init__(self) -> None:
        super().__init__()
        self.epochs, self.steps = 0, []

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        self.steps.append(int(self.model.optimizer.iterations))

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.epochs += 1


def tiny_run(*callbacks: keras.callbacks.Callback, **options: object) -> SimpleNamespace:
    """The same call again and again: 4 epochs of 2 batches, in an order that does not change."""
    data, model, counter = prepared(4), tiny_model(), Counter()
    options = {"epochs": 4, "run": "tiny", "learning_rate": 0.03} | options
    history = unet_helpers.train(
        model, data, data, PETS, callbacks=[counter, *callbacks], **options
    )
    return SimpleNamespace(model=model, history=history, counter=counter, data=data)


class Kill(keras.callbacks.Callback):
    """Kills its own process, as `kill -9` does, after so many batches."""

    def __init__(self, batches: int) -> None:
        super().__init__()
        self.left = batches

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
