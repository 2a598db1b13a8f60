"""Training that survives a kill: what `unet_helpers.train` adds to Keras's own callbacks.

A run's folder holds `best.keras`, `log.csv` and `call.json`, a description of the call, once it has
finished. Until then its subfolder `unfinished` holds the log, the weights of the best epoch, a
backup of the last one, and the description of the call that they belong to.
"""

from __future__ import annotations

import contextlib
import csv
import json
import math
import os
import platform
import re
import shutil
import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import filelock
import keras
import numpy as np
import tensorflow as tf
from IPython import get_ipython
from IPython.display import display

from . import figures

History = dict[str, list[float]]
MONITOR = {"monitor": "val_mean_iou", "mode": "max"}


@contextlib.contextmanager
def lock(run: Path) -> Iterator[None]:
    """Keep others from training a run meanwhile, by a lock of the system's that ends with us.

    Raises RuntimeError, which names the other process.
    """
    owner = run.parent / ".locks" / f"{run.name}.txt"
    owner.parent.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(owner.with_suffix(".lock"), timeout=0):
            owner.write_text(f"process {os.getpid()} on {platform.node()} since {time.ctime()}")
            yield
    except filelock.Timeout:
        problem = f"The run {run.name} is being trained by {owner.read_text()}"
        raise RuntimeError(f"{problem}: wait for it, or train under another name.") from None


# What a call was ------------------------------------------------------------------------------


def checksum(arrays: Iterable[np.ndarray]) -> str:
    """Tell arrays, in any order, by what they hold."""
    return f"{sum(zlib.crc32(np.ascontiguousarray(array)) for array in arrays):x}"


def settings(layers: Sequence[keras.layers.Layer]) -> str:
    """Tell layers by their configuration, without names and seeds."""
    found = []
    for layer in layers:
        try:
            found.append([layer.compute_dtype, keras.saving.serialize_keras_object(layer)])
        except NotImplementedError:  # a reader's own layer without `get_config`
            own = {k: v for k, v in vars(layer).items() if isinstance(v, int | float | str | tuple)}
            found.append([type(layer).__name__, own])
    text = json.dumps(found, default=str)
    return re.sub(r'"_?(name|seed|shared_object_id)": ("[^"]*"|[^,}]*)', "", text)


def contents(data: tf.data.Dataset) -> dict[str, object]:
    """Tell data by what `unet_helpers.prepare` noted on them, or by one pass where it did not."""
    arrays = (array for batch in data.as_numpy_iterator() for array in batch)
    return getattr(data, "contents", None) or {"pictures": checksum(arrays)}


def describe(model: keras.Model, **data: tf.data.Dataset) -> dict[str, object]:
    """Tell a training by its network, the weights it starts from and its data.

    All of it is as JSON gives it back, so that it can be compared with what a file says. A model
    that was interrupted, and is trained again as it was left, starts where it did then.
    """
    layers = [layer for layer in model._flatten_layers() if not isinstance(layer, keras.Model)]
    weights = checksum(model.get_weights())
    was = vars(model).get("_left_at", {})
    call = {"architecture": [list(weight.shape) for weight in model.weights]}
    call |= {"network": settings(layers), "weights to start from": was.get(weights, weights)}
    for kind, dataset in data.items():
        call |= {f"{kind} {name}": value for name, value in contents(dataset).items()}
    return call


# What it has left -----------------------------------------------------------------------------


def read_log(log: Path, epochs: int = 0) -> History:
    """Columns of a CSVLogger's file, of its first `epochs` rows or of all; epochs count from 1.

    Raises EOFError where it has fewer, ValueError where a row is cut.
    """
    with open(log, newline="") as file:
        rows = list(csv.reader(file))
    if len(rows) <= max(epochs, 1):
        raise EOFError(f"{log.name} ends after {len(rows) - 1} epochs")
    columns = zip(*rows[: epochs + 1 if epochs else None], strict=True)
    history = {name: [float(value) for value in values] for name, *values in columns}
    return history | {"epoch": [int(epoch) + 1 for epoch in history["epoch"]]}


def best_epoch(history: History) -> int:
    """The epoch with the highest validation mean IoU, counted from 1."""
    return 1 + int(np.argmax(history[MONITOR["monitor"]]))


def last_epoch(history: History, call: dict[str, object]) -> int:
    """The epoch after which early stopping ends this training, if no better one comes."""
    return min(call["epochs"], best_epoch(history) + call["patience"])


class EarlyStopping(keras.callbacks.EarlyStopping):
    """Keras's own forgets in a restart how long it has waited: this one hears the log again."""

    def __init__(self, history: History, patience: int) -> None:
        super().__init__(**MONITOR, patience=patience)
        self.scores = list(history.get(self.monitor, []))

    def on_train_begin(self, logs: dict | None = None) -> None:
        super().on_train_begin(logs)
        for epoch, score in enumerate(self.scores):
            self.on_epoch_end(epoch, {self.monitor: score})


class BackupAndRestore(keras.callbacks.BackupAndRestore):
    """Keras's own overwrites its only copy, and a kill meanwhile leaves none: this one writes each
    epoch's beside the last one's, and names it when it is whole.
    """

    def __init__(self, work: Path, history: History) -> None:
        self.work, self.history = work, history
        super().__init__(str(max(work.glob("epoch-*"), default=work)), delete_checkpoint=False)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        copy = keras.callbacks.BackupAndRestore(str(self.work / "part"), delete_checkpoint=False)
        copy.set_model(self.model)
        copy.on_epoch_end(epoch)
        last, best = f"epoch-{epoch + 1:04d}", f"best-{best_epoch(self.history)}.weights.h5"
        os.replace(self.work / "part", self.work / last)
        for path in {*self.work.glob("epoch-*"), *self.work.glob("best-*")}:
            if path.name not in (last, best):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


class Progress(keras.callbacks.Callback):
    """Adds its seconds to an epoch's log, shows how it goes, and stops where the loss is lost."""

    PAUSE = 5  # seconds between two figures, as drawing one takes as long as some epochs

    def __init__(self, run: str, epochs: int, history: History) -> None:
        super().__init__()
        self.run, self.epochs, self.history, self.handle = run, epochs, history, None
        self.shown = -math.inf  # when, in seconds

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if not math.isfinite(logs["loss"]):
            raise FloatingPointError(f"The loss became {logs['loss']} in epoch {epoch + 1}")
        logs["seconds"] = time.perf_counter() - self.started
        for name, value in {"epoch": epoch + 1, **logs}.items():
            self.history.setdefault(name, []).append(value)
        self.show(live=True)

    def on_train_end(self, logs: dict | None = None) -> None:
        self.show(live=False)

    def show(self, live: bool) -> None:
        notebook = hasattr(get_ipython(), "kernel")
        if live and notebook and time.perf_counter() - self.shown < self.PAUSE:
            return
        last, best = len(self.history["epoch"]), best_epoch(self.history)
        loss, val_loss, score = (self.history[k][-1] for k in ("loss", "val_loss", "val_mean_iou"))
        line = (
            f"`{self.run}`: epoch {last} of {self.epochs}, {sum(self.history['seconds']):.0f} s, "
            f"loss {loss:.3f}, validation loss {val_loss:.3f}, mean IoU {score:.3f} "
            f"(best {self.history['val_mean_iou'][best - 1]:.3f} in epoch {best})"
        )
        if notebook:
            data: dict[str, object] = {"text/plain": line, "text/markdown": line}
            if live:
                self.shown = time.perf_counter()
                figure = figures.curves(self.history)
                figure.suptitle(line.replace("`", ""), fontsize=9)
                picture, form = figures.encoded(figure)
                data[f"image/{form}"] = picture
            self.handle = self.handle or display(data, raw=True, display_id=True)
            self.handle.update(data, raw=True)
        elif live:  # outside a notebook, a line per epoch
            print(line)


def callbacks(
    work: Path, history: History, call: dict[str, object]
) -> list[keras.callbacks.Callback]:
    """Progress, and the four callbacks of lesson 2, which go on where `history` ends."""
    best = max(history.get(MONITOR["monitor"], []), default=None)
    weights = work / "best-{epoch}.weights.h5"
    options = {"save_best_only": True, "save_weights_only": True, "initial_value_threshold": best}
    return [
        Progress(work.parent.name, call["epochs"], history),
        keras.callbacks.CSVLogger(work / "log.csv", append=True),
        keras.callbacks.ModelCheckpoint(weights, **MONITOR, **options),
        EarlyStopping(history, call["patience"]),
        BackupAndRestore(work, history),
    ]


def refuse_to_replace(run: Path, call: dict[str, object]) -> None:
    """Raise ValueError where a finished run of this name is of another architecture or task."""
    try:
        before = json.loads((run / "call.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return
    for what in ("classes", "architecture"):
        if call[what] != before[what]:
            problem = f"The run {run.name} holds a finished network of other {what}"
            raise ValueError(f"{problem}: train under another name, or delete {run}.")


def leave(model: keras.Model, call: dict[str, object]) -> None:
    """Note what an interrupted model holds, and what it began with."""
    model._left_at = {checksum(model.get_weights()): call["weights to start from"]}
    _forget(model)


def _forget(model: keras.Model) -> None:
    """Drop what Keras carries from one `fit` into the next: where to begin, and validation data."""
    model._initial_epoch = model._eval_epoch_iterator = None


def load_best(model: keras.Model, work: Path, history: History) -> None:
    """Give a model the weights of the best epoch."""
    model.load_weights(work / f"best-{best_epoch(history)}.weights.h5")


def take_up(model: keras.Model, work: Path, call: dict[str, object]) -> tuple[History, str]:
    """Load unfinished work of this very call into a compiled model; return its history, and news.

    Other work, or what cannot be read, is given up, and the history is empty.
    """
    start, log = model.get_weights(), work / "log.csv"
    kept, run, news = max(work.glob("epoch-*"), default=None), work.parent.name, ""
    _forget(model)
    try:
        if kept and log.exists():  # without its log, the work counts as finished
            before = json.loads((work / "call.json").read_text())
            if other := [name for name in call if call[name] != before.get(name)]:
                raise ValueError(f"it is of other {', '.join(other)}")
            history = read_log(log, int(kept.name.removeprefix("epoch-")))
            load_best(model, work, history)
            backup = BackupAndRestore(work, history)
            backup.set_model(model)
            backup.on_train_begin()
            lines = log.read_text().splitlines(keepends=True)[: len(history["epoch"]) + 1]
            (work / "part.csv").write_text("".join(lines))  # a kill may have left one more
            os.replace(work / "part.csv", log)
            done = f"{len(history['epoch'])} of {call['epochs']}"
            return history, f"`{run}` goes on after epoch {done}."
    except Exception as error:  # noqa: BLE001  a file may be missing, cut, or of another Keras
        reason = str(error).split("\n")[0]
        news = f"Unfinished work on `{run}` is given up: {reason}."
        _forget(model)
        model.set_weights(start)
        for variable in model.optimizer.variables:
            variable.assign(tf.zeros_like(variable))
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    (work / "call.json").write_text(json.dumps(call))
    return {}, news


def publish(model: keras.Model, work: Path) -> None:
    """Turn finished work into best.keras, log.csv and call.json beside its folder."""
    save(model, work / "best.keras")
    for name in ("best.keras", "log.csv", "call.json"):
        os.replace(work / name, work.parent / name)
    shutil.rmtree(work)
    model._left_at = {}


def save(model: keras.Model, path: Path) -> None:
    """Save a model as Keras does, but without a loss of ours, so that it loads anywhere.

    Settings that Keras 3.13 does not know, and that hold their defaults, are left out.
    """
    plain, whole = path.with_name("plain.keras"), zipfile.ZIP_DEFLATED
    keras.Model(model.inputs, model.outputs, name=model.name).save(plain)
    files = zipfile.ZipFile(plain), zipfile.ZipFile(path, "w", whole)
    with files[0] as written, files[1] as portable:
        for name in written.namelist():
            content = written.read(name)
            if name == "config.json":
                content = json.dumps(json.loads(content, object_hook=_without_news))
            portable.writestr(name, content)
    plain.unlink()


def _without_news(settings: dict[str, object]) -> dict[str, object]:
    news = {"input_axes": None, "output_axes": None}  # of initialisers, since Keras 3.15
    news |= {"renorm": False, "renorm_clipping": None, "renorm_momentum": 0.99}
    return {key: value for key, value in settings.items() if news.get(key, ...) != value}


def load(run: Path) -> tuple[keras.Model, History]:
    """The network and the history of a finished run.

    Raises RuntimeError, with the way out, where a file is damaged or of a Keras that is too new.
    """
    try:
        return keras.models.load_model(run / "best.keras"), read_log(run / "log.csv")
    except Exception as error:
        reason = str(error).strip().split("\n")[-1]
        raise RuntimeError(
            f"Keras {keras.__version__} cannot load {run} ({reason[:200]}): delete that folder "
            "and run this cell again, which trains the network anew."
        ) from error
