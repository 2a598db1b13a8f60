"""Prediction in several processes: Ray Data hands batches of files to networks that stay loaded."""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import filelock
import numpy as np
from PIL import Image, PngImagePlugin

from data import folders
from data.quiet import quiet
from data.scaling.cluster import ray_on

MASKS, TABLE, NETWORK = "masks", "table.csv", "network.txt"
LONG = 1024  # pixels: a longer side is made this long first, as `unet_helpers.segment` does
SURE = 0.75  # a pixel whose likeliest class has a lower probability is in doubt
BATCH = 16


def resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bilinear resizing of (H, W, C) as tf.image.resize does it: between centres, unsmoothed.

    An actor would load TensorFlow for seconds for this one function.
    """
    for axis, size in enumerate((height, width)):
        places = (np.arange(size) + 0.5) * image.shape[axis] / size - 0.5
        low = np.floor(places).astype(int)
        part = (places - low).astype("float32").reshape([-1 if a == axis else 1 for a in range(3)])
        first, second = (
            image.take(at.clip(0, image.shape[axis] - 1), axis) for at in (low, low + 1)
        )
        image = first + (second - first) * part
    return image


class Predictor:
    """A LiteRT network of lesson 7 that writes a mask for each picture, all or nothing.

    Called with a batch `{"picture": paths below `pictures`}`; returns them with a `fault` each, ""
    where the mask is written. A mask is a PNG of class numbers at the picture's own size, turned as
    its EXIF data say, which also holds, as text, the share of each class and of doubtful pixels.
    """

    def __init__(self, network: Path, pictures: Path, out: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        with quiet():  # it says which library it computes with
            self.interpreter = Interpreter(str(network), num_threads=1)
            self.interpreter.allocate_tensors()
        (self.pixels,), (self.logits,) = (
            self.interpreter.get_input_details(),
            self.interpreter.get_output_details(),
        )
        self.pictures, self.out = pictures, out

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, list[str]]:
        names = [str(name) for name in batch["picture"]]
        return {"picture": names, "fault": [self.predict(name) for name in names]}

    def predict(self, name: str) -> str:
        """Write the mask of one picture; return what is wrong with the picture, if anything."""
        try:
            image = Image.fromarray(folders.read_picture(self.pictures / name))
        except ValueError as error:
            return str(error)
        less = min(1, LONG / max(image.size))
        seen = image.resize(
            [max(1, round(side * less)) for side in image.size], Image.Resampling.BOX
        )
        logits = resized(self.answer(np.asarray(seen, "float32")), seen.height, seen.width)
        odds = np.exp(logits - logits.max(-1, keepdims=True))
        classes, sure = odds.argmax(-1).astype("uint8"), odds.max(-1) / odds.sum(-1) >= SURE
        told = PngImagePlugin.PngInfo()
        shares = np.bincount(classes.ravel(), minlength=logits.shape[-1]) / classes.size
        told.add_text("shares", " ".join(f"{share:.4f}" for share in shares))
        told.add_text("doubt", f"{1 - sure.mean():.4f}")
        mask = Image.fromarray(classes).resize(image.size, Image.Resampling.NEAREST)
        path = mask_path(self.out, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        mask.save(partial, "png", pnginfo=told)
        partial.replace(path)  # whole, or not at all
        return ""

    def answer(self, image: np.ndarray) -> np.ndarray:
        """From float32 pixels (H, W, 3) to logits (S, S, C)."""
        _, height, width, _ = self.pixels["shape"]
        self.interpreter.set_tensor(self.pixels["index"], resized(image, height, width)[None])
        self.interpreter.invoke()
        return self.interpreter.get_tensor(self.logits["index"])[0]


def mask_path(out: Path, name: str) -> Path:
    """Where the mask of a picture is kept: with the whole name, as a.jpg may stand beside a.png."""
    return out / MASKS / f"{name}.png"


def predict(network: Path, pictures: Path, out: Path, classes: Sequence[str], workers: int) -> None:
    """Writes OUT/masks/ and OUT/table.csv for all files in a folder and in those below it.

    A picture whose mask is there already is left alone, so the same call goes on after a kill. A
    table's row has a picture, the share of each class and of doubtful pixels, or what is wrong with
    it. Prints how many pictures were done before, are written now, and cannot be read.

    Raises FileNotFoundError where the network or the pictures are missing, ValueError where OUT lies
    in the folder of pictures or has masks of another network, or where `classes` are not as many as
    the network has, and RuntimeError where another process writes there.
    """
    for path in (network, pictures):
        if not path.exists():
            raise FileNotFoundError(f"There is no {path}.")
    if out.resolve().is_relative_to(pictures.resolve()):
        raise ValueError(
            f"{out} lies in {pictures}: its masks would be taken for pictures. Choose another folder."
        )
    names = [str(p.relative_to(pictures)) for p in pictures.rglob("*") if p.is_file()]
    names = sorted((n for n in names if not Path(n).name.startswith(".")), key=folders.natural)
    if not names:
        raise FileNotFoundError(f"{pictures} holds no picture.")
    out.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(out / ".lock", timeout=0):
            _predict(network, pictures, out, classes, workers, names)
    except filelock.Timeout:
        raise RuntimeError(f"Another process writes into {out}: wait for it.") from None


def _predict(
    network: Path,
    pictures: Path,
    out: Path,
    classes: Sequence[str],
    workers: int,
    names: Sequence[str],
) -> None:
    owner = hashlib.sha256(network.read_bytes()).hexdigest()
    note = out / NETWORK
    if note.exists() and note.read_text() != owner:
        raise ValueError(f"{out} holds masks of another network: choose another folder.")
    known = Predictor(network, pictures, out).logits["shape"][-1]
    if known != len(classes):
        raise ValueError(f"{network} knows {known} classes, but {len(classes)} are named.")
    note.write_text(owner)
    open_ = [name for name in names if not mask_path(out, name).exists()]
    print(f"{len(names) - len(open_)} of {len(names)} pictures have a mask already", flush=True)
    faults = {}
    if open_:
        with ray_on(workers):
            import ray

            ray.data.DataContext.get_current().enable_progress_bars = False
            blocks = max(workers, len(open_) // (4 * BATCH))
            answers = ray.data.from_items(
                [{"picture": name} for name in open_], override_num_blocks=blocks
            ).map_batches(
                Predictor,
                fn_constructor_args=(network.resolve(), pictures.resolve(), out.resolve()),
                batch_size=BATCH,
                compute=ray.data.ActorPoolStrategy(size=workers),
            )
            for count, row in enumerate(answers.iter_rows(), 1):
                if row["fault"]:
                    faults[row["picture"]] = row["fault"]
                if count % 100 == 0 or count == len(open_):
                    print(f"{count} of {len(open_)}", flush=True)
    partial = out / f".{TABLE}"
    with partial.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["picture", *classes, "doubt", "fault"])
        for name in names:
            if fault := faults.get(name):
                rows.writerow([name, *[""] * (len(classes) + 1), fault])
            else:
                with Image.open(mask_path(out, name)) as mask:
                    rows.writerow([name, *mask.text["shares"].split(), mask.text["doubt"], ""])
    partial.replace(out / TABLE)
    written = len(open_) - len(faults)
    print(f"{written} written, {len(faults)} cannot be read: {out / TABLE}", flush=True)
