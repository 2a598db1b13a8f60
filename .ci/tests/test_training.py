"""Training: that it survives a kill, goes on with nothing else's work, and says what is wrong."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import keras
import keras_cv
import nbformat
import numpy as np
import pytest
import tensorflow as tf
from nbformat.v4 import new_code_cell, new_notebook
from toys import ROOT, Counter, dataset, examples, prepared, python, tiny_model, tiny_run

import unet_helpers
from data import checkpoints, figures
from unet_helpers import PETS, Course, Task

pytestmark = pytest.mark.usefixtures("shown")


def logged(run: str = "tiny") -> list[str]:
    """The epochs that are kept: of an unfinished run those that its backup holds."""
    folder = unet_helpers.RUNS / run
    if backups := sorted(folder.glob("unfinished/epoch-*")):
        return [str(n) for n in range(1, 1 + int(backups[-1].name[6:]))]
    if not (folder / "log.csv").exists():
        return []
    with open(folder / "log.csv", newline="") as file:
        return [str(int(row["epoch"]) + 1) for row in csv.DictReader(file)]


def assert_same_run(one: SimpleNamespace, other: SimpleNamespace) -> None:
    """As if never interrupted: history without a gap, the best epoch's weights, whole files."""
    assert other.history["epoch"] == list(range(1, len(one.history["epoch"]) + 1))
    assert logged() == [str(n) for n in other.history["epoch"]]
    assert min(other.history["seconds"]) > 0
    for key in one.history.keys() - {"seconds"}:
        np.testing.assert_allclose(one.history[key], other.history[key], rtol=1e-4, err_msg=key)
    images = next(iter(one.data))[0]
    expected = one.model.predict_on_batch(images)
    np.testing.assert_allclose(other.model.predict_on_batch(images), expected, atol=1e-4)
    folder = unet_helpers.RUNS / "tiny"
    assert sorted(path.name for path in folder.iterdir()) == ["best.keras", "call.json", "log.csv"]
    loaded = keras.models.load_model(folder / "best.keras")
    np.testing.assert_allclose(loaded.predict_on_batch(images), expected, atol=1e-4)


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory) -> SimpleNamespace:
    """A run that nothing interrupts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unet_helpers, "RUNS", tmp_path_factory.mktemp("whole"))
        patch.setattr(figures, "say", print)
        return tiny_run()


def killed(before: str, callback: str = "") -> None:
    """Start the run in a process of its own, which must die of a kill."""
    code = f"""
import os, signal
from pathlib import Path
import toys, unet_helpers
unet_helpers.RUNS = Path({str(unet_helpers.RUNS)!r})
{before}
toys.tiny_run({callback})
"""
    done = python(code)
    dead = (-signal.SIGKILL,) if hasattr(signal, "SIGKILL") else (signal.SIGTERM, 1)
    assert done.returncode in dead, done.stderr[-2000:]


def test_killed_training_continues_as_if_nothing_had_been(whole_run, shown) -> None:
    killed("", "toys.Kill(5)")
    assert logged() == ["1", "2"]
    again = tiny_run()
    assert shown == ["`tiny` goes on after epoch 2 of 4."]
    assert again.counter.epochs == 2 and again.counter.steps == [4, 5, 6, 7]
    assert_same_run(whole_run, again)


def test_kill_in_the_middle_of_writing_a_backup(whole_run) -> None:
    before = """
save = toys.keras.Model.save_weights
def torn(model, filepath, **options):
    save(model, filepath, **options)
    if "part" in str(filepath) and len([*unet_helpers.RUNS.glob("tiny/unfinished/epoch-0002")]):
        os.truncate(filepath, os.path.getsize(filepath) // 2)
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
toys.keras.Model.save_weights = torn
"""
    killed(before)
    assert logged() == ["1", "2"] and [*unet_helpers.RUNS.glob("tiny/unfinished/part/*.h5")]
    again = tiny_run()
    assert again.counter.epochs == 2
    assert_same_run(whole_run, again)


class Crash(BaseException):
    """Nothing of the helper's may catch it: after it, the process counts as dead."""


class Crasher:
    """Counts what train does to the disk, and dies at one of these operations.

    A file that was being written is left torn; a rename or removal is not done.
    """

    def __init__(self, patch: pytest.MonkeyPatch, at: int) -> None:
        self.at, self.count = at, 0
        for home, name in ((os, "replace"), (shutil, "rmtree"), (Path, "unlink"), (Path, "mkdir")):
            patch.setattr(home, name, self.wrap(getattr(home, name)))
        for home, name in ((keras.Model, "save"), (keras.Model, "save_weights")):
            patch.setattr(home, name, self.wrap(getattr(home, name), torn=1))
        patch.setattr(Path, "write_text", self.wrap(Path.write_text, torn=0))
        patch.setattr(checkpoints.zipfile, "ZipFile", self.zip(checkpoints.zipfile.ZipFile))
        log = keras.callbacks.CSVLogger
        patch.setattr(log, "on_epoch_end", self.row(log.on_epoch_end))

    def dies(self, *arguments: object) -> bool:
        """Whether this operation is the last one; of TensorFlow's and Keras's own none is."""
        self.count += (mine := str(unet_helpers.RUNS) in " ".join(map(str, arguments)))
        return mine and self.count == self.at

    def wrap(self, operation: Callable, torn: int | None = None) -> Callable:
        def wrapped(*arguments: object, **options: object) -> object:
            dies = self.dies(*arguments, *options.values())
            if dies and torn is None:
                raise Crash
            result = operation(*arguments, **options)
            if dies:
                path = [*arguments, *options.values()][torn]
                os.truncate(path, os.path.getsize(path) // 2)
                raise Crash
            return result

        return wrapped

    def zip(self, kind: type) -> Callable:
        def opened(path: Path, mode: str = "r", *how: int) -> object:
            if isinstance(path, Path) and mode == "w" and self.dies(path):
                path.write_bytes(b"PK torn")
                raise Crash
            return kind(path, mode, *how)

        return opened

    def row(self, operation: Callable) -> Callable:
        def written(log: object, epoch: int, logs: dict) -> None:
            if self.dies(log.filename):
                log.csv_file.write("2,0.5" if epoch else "epoch,lo")
                log.csv_file.flush()
                raise Crash
            operation(log, epoch, logs)

        return written


def test_a_crash_at_any_write_loses_no_whole_epoch(eager, monkeypatch, tmp_path) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(unet_helpers, "RUNS", tmp_path / "whole_runs")
        operations = Crasher(patch, at=-1)
        whole_run = tiny_run(epochs=3)
    assert operations.count > 20
    for at in range(1, operations.count + 1):
        monkeypatch.setattr(unet_helpers, "RUNS", tmp_path / f"crash_{at}_runs")
        with monkeypatch.context() as patch, pytest.raises(Crash):
            Crasher(patch, at)
            tiny_run(epochs=3)
        folder = unet_helpers.RUNS / "tiny"
        published = [name for name in ("best.keras", "log.csv") if (folder / name).exists()]
        assert published != ["log.csv"], f"operation {at}: a log of a model that is not there"
        done = len(logged()) if "log.csv" not in published else 0
        again = tiny_run(epochs=3)
        assert again.counter.epochs == 3 - done, f"operation {at}"
        assert_same_run(whole_run, again)


def crash_after(epochs: int) -> keras.callbacks.Callback:
    def end(epoch: int, logs: dict | None = None) -> None:
        if epoch + 1 == epochs:
            raise Crash

    return keras.callbacks.LambdaCallback(on_epoch_end=end)


def test_finished_run_starts_afresh() -> None:
    tiny_run()
    assert tiny_run().counter.epochs == 4


# ------------------------------------------------------------- whose unfinished work it is


def data(classes: int = 3, **options: object) -> tf.data.Dataset:
    options = {"size": 16, "batch_size": 2} | options
    return unet_helpers.prepare(dataset(examples(4, classes=classes)), PETS, **options)


def other_labels() -> tf.data.Dataset:
    made = examples(4)
    made[3]["segmentation_masks"][:2] = 0
    return unet_helpers.prepare(dataset(made), PETS, size=16, batch_size=2)


def with_layers(factor: float) -> tf.data.Dataset:
    return data(training=True, augment=[keras_cv.layers.RandomBrightness(factor)])


def model(seed: int = 1, size: int = 16, dtype: str = "float32") -> keras.Model:
    keras.utils.set_random_seed(seed)
    pixels = keras.Input((size, size, 3))
    x = keras.layers.Conv2D(4, 3, padding="same", dtype=dtype)(pixels)
    return keras.Model(pixels, keras.layers.Conv2D(3, 1, dtype="float32")(x))


def started(network: keras.Model, training: tf.data.Dataset, validation=None, **options) -> int:
    """Train, crash in the second epoch where options say so; the number of epochs run."""
    counter, after = Counter(), options.pop("crash", 0)
    options = {"epochs": 3, "run": "tiny"} | options
    arguments = (network, training, validation or data(), PETS)
    if after:
        with pytest.raises(Crash):
            unet_helpers.train(*arguments, **options, callbacks=[crash_after(after)])
    else:
        unet_helpers.train(*arguments, **options, callbacks=[counter])
    return counter.epochs


CHANGES = {
    "training pictures": lambda: started(model(), other_labels()),
    "validation pictures": lambda: started(model(), data(), other_labels()),
    "training picture size": lambda: started(model(size=32), data(size=32), data(size=32)),
    "training batch size": lambda: started(model(), data(batch_size=1)),
    "training augmentation": lambda: started(model(), with_layers(0.1)),
    "weights to start from": lambda: started(model(seed=2), data()),
    "network": lambda: started(model(dtype="mixed_float16"), data()),
    "epochs": lambda: started(model(), data(), epochs=4) - 1,
    "rate": lambda: started(model(), data(), learning_rate=0.02),
    "patience": lambda: started(model(), data(), patience=4),
}


@pytest.mark.parametrize("change", CHANGES)
def test_work_of_another_call_is_not_taken_up(eager, shown, change: str) -> None:
    started(model(), data(), crash=2)
    assert started(model(), data(), crash=3) == 0 and len(logged()) == 3, "of the same call it is"
    assert shown.pop() == "`tiny` goes on after epoch 2 of 3."
    assert CHANGES[change]() == 3
    assert shown[0].startswith("Unfinished work on `tiny` is given up: it is of other")
    assert change in shown[0]


def test_another_setting_of_a_layer_is_another_call_and_another_seed_is_not(eager, shown) -> None:
    started(model(), with_layers(0.1), crash=2)
    assert started(model(), with_layers(0.1)) == 1
    started(model(), with_layers(0.1), crash=2)
    assert started(model(), with_layers(0.3)) == 3
    assert "given up: it is of other training augmentation" in shown[-1]


def test_data_that_prepare_has_not_made_are_told_by_their_content(eager, shown) -> None:
    def plain(change: float) -> tf.data.Dataset:
        images, masks = next(iter(data(batch_size=4)))
        return tf.data.Dataset.from_tensor_slices((images + change, masks)).batch(2)

    started(model(), plain(0), crash=2)
    assert started(model(), plain(1)) == 3
    started(model(), plain(0), crash=2)
    assert started(model(), plain(0)) == 1


def test_frozen_and_unfrozen_runs_are_not_one(eager) -> None:
    network = model()
    network.layers[1].trainable = False
    started(network, data(), crash=2)
    assert started(model(), data()) == 3


def test_an_interrupted_cell_goes_on_when_it_is_run_again(eager, shown) -> None:
    network = model()
    started(network, data(), crash=2)
    assert started(network, data()) == 1, "the same model, as it was left"
    assert shown == ["`tiny` goes on after epoch 2 of 3."]
    assert started(network, data()) == 3, "it has finished: the next call is a new one"


def test_an_interrupted_model_that_was_changed_since_starts_afresh(eager) -> None:
    network = model()
    started(network, data(), crash=2)
    network.set_weights(model(seed=3).get_weights())
    assert started(network, data()) == 3


def test_nothing_of_an_interrupted_training_is_left_for_the_next(eager) -> None:
    """Keras itself keeps the validation data, and after a restart the epoch to begin with."""
    network = model()
    started(network, data(), crash=2)
    started(network, data())
    assert network.fit(data(), epochs=1, verbose=0).epoch == [0]
    with pytest.raises(Crash):
        network.fit(data(), validation_data=data(), verbose=0, callbacks=[crash_after(1)])
    history = unet_helpers.train(network, data(), other_labels(), PETS, epochs=1, run="next")
    fresh = unet_helpers.evaluate(network, other_labels(), PETS).summary["mean IoU"]
    assert history["val_mean_iou"][-1] == pytest.approx(fresh, abs=1e-5)


# ------------------------------------------------------------------- work that cannot be read


def cut(pattern: str, keep: float = 0.5) -> None:
    (path,) = unet_helpers.RUNS.glob(f"tiny/{pattern}")
    path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])


@pytest.mark.parametrize("pattern", ["*/epoch-*/*.h5", "*/best-*.h5", "*/call.json", "*/log.csv"])
@pytest.mark.parametrize("keep", [0.0, 0.6])
def test_damaged_work_is_given_up_and_the_way_is_free(eager, shown, pattern, keep) -> None:
    started(model(), data(), crash=2)
    cut(f"unfinished{pattern[1:]}", keep)
    network = model()
    assert started(network, data()) == 3
    assert shown[0].startswith("Unfinished work on `tiny` is given up: ")
    there = sorted(path.name for path in (unet_helpers.RUNS / "tiny").iterdir())
    assert there == ["best.keras", "call.json", "log.csv"]
    # As if there had been nothing: weights and optimiser are those of a first start.
    whole = model()
    unet_helpers.train(whole, data(), data(), PETS, epochs=3, run="whole")
    for one, other in zip(network.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_lost_best_weights_give_the_work_up(eager, shown) -> None:
    started(model(), data(), crash=2)
    for path in unet_helpers.RUNS.glob("tiny/unfinished/best-*"):
        path.unlink()
    assert started(model(), data()) == 3 and "given up" in shown[0]


@pytest.mark.parametrize("name", ["best.keras", "log.csv"])
def test_a_damaged_network_is_named_with_the_way_out(eager, name: str) -> None:
    tiny_run(epochs=1)
    cut(name)
    with pytest.raises(RuntimeError, match=r"Keras 3.* cannot load .*tiny.*delete that folder"):
        unet_helpers.trained("00_earlier", "tiny", Course("sample", 2))


# ---------------------------------------------------------------------------- two at a time


def test_a_second_process_is_told_who_trains_this_run(eager) -> None:
    code = f"""
import sys
from pathlib import Path
import toys, unet_helpers
unet_helpers.RUNS = Path({str(unet_helpers.RUNS)!r})
class Wait(toys.keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        print("trains", flush=True)
        sys.stdin.readline()
toys.tiny_run(Wait(), epochs=1)
"""
    paths = os.pathsep.join([str(Path(__file__).parent), str(unet_helpers.DATA), *sys.path])
    other = subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": paths},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    while other.stdout.readline().strip() not in ("trains", ""):
        pass
    with pytest.raises(RuntimeError, match=f"run tiny is being trained by process {other.pid} on"):
        tiny_run(epochs=1)
    assert tiny_run(epochs=1, run="another").counter.epochs == 1
    other.communicate("go on")
    assert other.returncode == 0
    assert tiny_run(epochs=1).counter.epochs == 1


# ------------------------------------------------------------------------- what train returns


def test_network_of_an_earlier_lesson_is_loaded_or_trained_by_its_recipe(shown) -> None:
    recipe = """
import unet_helpers
data = toys.prepared(4)
unet_helpers.train(toys.tiny_model(), data, data, unet_helpers.PETS, epochs=course.seed,
                   run="tiny")
"""
    cells = [("import toys", ["recipe"]), ("raise ValueError", []), (recipe, ["recipe"])]
    notebook = new_notebook(cells=[new_code_cell(s, metadata={"tags": t}) for s, t in cells])
    path = unet_helpers.DATA.parent / "notebooks/00_earlier.ipynb"
    path.parent.mkdir()
    path.write_text(nbformat.writes(notebook))
    model, history = unet_helpers.trained("00_earlier", "tiny", Course("sample", 2))
    assert "data/runs/tiny` is not there yet" in shown[0] and path.name in shown[0]
    assert history["epoch"] == [1, 2] and history["val_loss"][0] > 0
    path.unlink()
    again, same = unet_helpers.trained("00_earlier", "tiny", Course("sample", 2))
    assert same == history and len(shown) == 1, "it is there now"
    images = next(iter(prepared(4)))[0]
    np.testing.assert_array_equal(again.predict_on_batch(images), model.predict_on_batch(images))


def test_early_stopping_counts_on_after_a_kill() -> None:
    options = {"epochs": 9, "patience": 2, "learning_rate": 0.0}

    def still() -> keras.Model:  # without batch normalisation nothing changes at rate 0
        keras.utils.set_random_seed(1)
        pixels = keras.Input((16, 16, 3))
        return keras.Model(pixels, keras.layers.Conv2D(3, 1)(pixels))

    data, counter = prepared(4), Counter()
    whole = unet_helpers.train(still(), data, data, PETS, run="still", **options)
    assert whole["epoch"] == [1, 2, 3]
    stop = [crash_after(2)]
    with pytest.raises(Crash):
        unet_helpers.train(still(), data, data, PETS, run="still", callbacks=stop, **options)
    again = unet_helpers.train(
        still(), data, data, PETS, run="still", callbacks=[counter], **options
    )
    assert again["epoch"] == [1, 2, 3] and counter.epochs == 1


class Worsen(keras.callbacks.Callback):
    """From the fourth epoch on the network says "pet" everywhere."""

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        if epoch >= 3:
            bias = self.model.layers[-1].bias
            bias.assign_add([50.0, 0.0, 0.0])


@pytest.mark.parametrize("crash", [0, 5])
def test_best_weights_are_restored_also_after_a_kill(crash: int) -> None:
    options = {"epochs": 9, "patience": 3, "learning_rate": 0.1}
    if crash:
        with pytest.raises(Crash):
            tiny_run(Worsen(), crash_after(crash), **options)
    result = tiny_run(Worsen(), **options)
    scores = result.history["val_mean_iou"]
    best = int(np.argmax(scores))
    assert best < 3 and scores[best] > scores[-1] + 0.05 and len(scores) == best + 4
    measured = unet_helpers.evaluate(result.model, result.data, PETS).summary["mean IoU"]
    assert measured == pytest.approx(scores[best], abs=1e-5)


def test_best_model_loads_without_the_helper(tmp_path: Path) -> None:
    path = tmp_path / "best.keras"
    result = tiny_run(epochs=1)
    shutil.copy(unet_helpers.RUNS / "tiny/best.keras", path)
    images = next(iter(result.data))[0].numpy()
    np.save(tmp_path / "images.npy", images)
    done = python(
        "import keras, numpy as np\n"
        f"model = keras.models.load_model({str(path)!r})\n"
        f"images = np.load({str(tmp_path / 'images.npy')!r})\n"
        f"np.save({str(tmp_path / 'logits.npy')!r}, model.predict_on_batch(images))\n"
    )
    assert done.returncode == 0, done.stderr[-2000:]
    expected = result.model.predict_on_batch(images)
    np.testing.assert_allclose(np.load(tmp_path / "logits.npy"), expected, atol=1e-4)


def test_best_model_holds_no_setting_that_keras_3_13_does_not_know(eager) -> None:
    tiny_run(epochs=1)
    with zipfile.ZipFile(unet_helpers.RUNS / "tiny/best.keras") as file:
        config = file.read("config.json").decode()
    assert "GlorotUniform" in config and "BatchNormalization" in config
    news = ("input_axes", "output_axes", "renorm", "renorm_clipping", "renorm_momentum")
    assert [name for name in news if f'"{name}"' in config] == []


def test_the_tests_train_in_a_place_of_their_own() -> None:
    place = Path(os.environ["COURSE_RUNS"])
    assert place.is_dir() and not place.is_relative_to(ROOT)
    done = python("import unet_helpers; print(unet_helpers.RUNS)")
    assert done.stdout.strip() == str(place)


def test_training_learns_and_the_rate_follows_one_cycle() -> None:
    rates = []
    note = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: rates.append(
            float(result_model.optimizer.learning_rate)
        )
    )
    result_model = unet_helpers.unet(3, (4, 8), 16)
    training = prepared(8, training=True, at_least=16)
    history = unet_helpers.train(
        result_model, training, prepared(4), PETS, epochs=10, run="learn", callbacks=[note]
    )
    assert history["loss"][-1] < 0.8 * history["loss"][0]
    peak = int(np.argmax(rates))
    assert rates[peak] == pytest.approx(1e-3, rel=1e-3) and rates[0] < 1e-4 and rates[-1] < 2e-5
    assert abs(peak - 0.1 * len(rates)) <= 1
    measured = {"loss", "mean_iou", "val_loss", "val_mean_iou"}
    assert set(history) == {"epoch", "seconds"} | measured


def test_infinite_loss_stops_training_and_says_what_to_do() -> None:
    class Spoil(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
            if epoch == 1:
                self.model.layers[-1].kernel.assign(np.nan * self.model.layers[-1].kernel)

    with pytest.raises(ValueError, match="loss became nan in epoch 2: lower the learning rate"):
        tiny_run(Spoil())
    assert len(logged()) == 1


def test_pictures_without_finite_values_are_named_as_the_cause() -> None:
    images, masks = next(iter(prepared(4, batch_size=4)))
    images = images.numpy()
    images[2, 3, 4] = np.nan
    spoiled = tf.data.Dataset.from_tensor_slices((images, masks)).batch(2)
    with pytest.raises(
        ValueError, match="loss became nan in epoch 1: the training pictures hold NaN"
    ):
        unet_helpers.train(tiny_model(), spoiled, prepared(4), PETS, epochs=1, run="x")


class Blend(keras.layers.Layer):
    """Moves labels to fractions, but not in the first batch."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = self.add_weight(shape=(), trainable=False, initializer="zeros")

    def call(self, batch: dict[str, tf.Tensor], training: bool = False) -> dict[str, tf.Tensor]:
        share = 0.5 * tf.cast(self.calls.assign_add(1.0) > 3, tf.float32)
        return batch | {"segmentation_masks": batch["segmentation_masks"] + share}


def test_a_layer_that_blends_labels_now_and_then_is_named_while_training() -> None:
    training = prepared(4, training=True, augment=[Blend()])
    with pytest.raises(ValueError, match="The layer blend makes labels of no class"):
        unet_helpers.train(tiny_model(), training, prepared(4), PETS, epochs=4, run="x")


def test_model_and_task_with_different_classes_are_refused() -> None:
    data = prepared(2)
    for call in (
        lambda: unet_helpers.train(tiny_model(2), data, data, PETS, epochs=1, run="x"),
        lambda: unet_helpers.evaluate(tiny_model(2), data, PETS),
    ):
        with pytest.raises(
            ValueError, match="tiny returns 2 classes, but the task pets has 3.*bor"
        ):
            call()
    assert not unet_helpers.RUNS.exists()


def test_training_on_nothing_is_refused() -> None:
    data = prepared(2)
    for training, validation in ((data.take(0), data), (data, data.take(0))):
        with pytest.raises(ValueError, match="training or validation data of pets hold no batch"):
            unet_helpers.train(tiny_model(), training, validation, PETS, epochs=1, run="x")


def test_live_progress_leaves_one_clean_line(monkeypatch) -> None:
    displayed, updates = [], []

    def display(data: dict[str, object], **_: object) -> SimpleNamespace:
        displayed.append(data)
        return SimpleNamespace(update=lambda data, **_: updates.append(data))

    monkeypatch.setattr(checkpoints, "display", display)
    monkeypatch.setattr(checkpoints, "get_ipython", lambda: SimpleNamespace(kernel="a kernel"))
    tiny_run()
    assert len(displayed) == 1 and len(updates) == 2  # four quick epochs share a figure
    displayed.clear(), updates.clear()
    monkeypatch.setattr(checkpoints.Progress, "PAUSE", 0)
    tiny_run()
    assert len(displayed) == 1 and len(updates) == 5
    assert all(isinstance(update["image/png"], bytes) for update in updates[:-1])
    assert set(updates[-1]) == {"text/plain", "text/markdown"}
    line = updates[-1]["text/plain"]
    assert line.startswith("`tiny`: epoch 4 of 4, ") and "mean IoU" in line and "\n" not in line
    assert updates[0]["text/plain"].startswith("`tiny`: epoch 1 of 4, ")


def test_a_finished_run_is_not_replaced_by_another_network_or_task(shown) -> None:
    tiny_run()
    before = (unet_helpers.RUNS / "tiny/best.keras").read_bytes()
    other = Task("three", ("a", "b", "c"), PETS.colours)
    with pytest.raises(ValueError, match="The run tiny holds a finished network of other classes"):
        unet_helpers.train(tiny_model(), data(), data(), other, epochs=1, run="tiny")
    small = unet_helpers.unet(3, (4, 8), 16)
    with pytest.raises(ValueError, match="of other architecture: train under another name"):
        unet_helpers.train(small, data(), data(), PETS, epochs=1, run="tiny")
    assert (unet_helpers.RUNS / "tiny/best.keras").read_bytes() == before
    (unet_helpers.RUNS / "tiny/call.json").write_text("cut")
    unet_helpers.train(small, data(), data(), PETS, epochs=1, run="tiny")
