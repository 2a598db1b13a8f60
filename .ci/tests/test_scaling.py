"""Work in several processes: nothing is lost, nothing is done twice, nobody is left behind."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path

import filelock
import numpy as np
import psutil
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from toys import ROOT, prepared, python

import notebooks
import unet_helpers
from data import scaling
from data.quiet import quiet
from data.scaling import cluster, prediction, training

CLASSES = ("--classes", "pet", "background", "border")
posix = pytest.mark.skipif(os.name == "nt", reason="Ray's Windows wheels are beta")


def children() -> set[psutil.Process]:
    """The processes that this one has started: pytest may have some of other tests."""
    return set(psutil.Process().children(recursive=True))


def waited_for(name: str, parent: psutil.Process) -> psutil.Process:
    """The first process that `parent` starts, itself or through others, whose name begins so.

    Fails where `parent` has ended before.
    """
    while parent.status() != psutil.STATUS_ZOMBIE:
        for process in parent.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if process.name().startswith(name):
                    return process
        time.sleep(0.1)
    pytest.fail(f"{parent} ended, and had started no {name}")


@pytest.fixture
def nobody_left() -> Iterator[None]:
    """Fails where a test leaves a process that was not there before it."""
    before = children()
    yield
    assert not children() - before


# Shares ---------------------------------------------------------------------------------------
@given(ranks=st.sampled_from([1, 2, 4, 8, 16]), epoch=st.integers(0, 5), count=st.integers(16, 70))
def test_shares_make_up_each_batch(ranks: int, epoch: int, count: int) -> None:
    numbers = np.arange(count).reshape(-1, 1, 1, 1)
    feeds = [training.share(numbers, numbers, rank, ranks, epoch) for rank in range(ranks)]
    steps = count // training.BATCH
    for _ in range(2):  # epochs
        seen = [int(n) for _ in range(steps) for feed in feeds for n in next(feed)[1].ravel()]
        assert len(set(seen)) == len(seen) == steps * training.BATCH
    later = training.share(numbers, numbers, 0, ranks, epoch + 2)
    np.testing.assert_array_equal(next(later)[0], next(feeds[0])[0])  # as after a restart


def test_a_wrong_job_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="3 workers cannot share batches of 16"):
        training.train(tmp_path, 1, 3)
    with pytest.raises(FileNotFoundError, match="holds no pictures.npz: lesson 8 writes it"):
        training.train(tmp_path, 1, 2)
    few = np.zeros((5, 32, 32, 3), "uint8")
    np.savez(tmp_path / "pictures.npz", images=few, masks=few[..., :1])
    with pytest.raises(ValueError, match="holds 5 pictures, less than a batch, 16"):
        training.train(tmp_path, 1, 2)


# One loss and one network for both backends ----------------------------------------------------
def test_the_loss_is_the_same_on_jax() -> None:
    code = """
import numpy as np, json
from data import models
rng = np.random.default_rng(0)
masks = rng.integers(0, 3, (2, 8, 8, 1)); masks[0, :2] = 255
logits = rng.normal(size=(2, 8, 8, 3)).astype("float32")
print(json.dumps(np.asarray(models.segmentation_loss(masks, logits)).tolist()))
"""
    answers = []
    for backend in ("tensorflow", "jax"):
        done = python(code, KERAS_BACKEND=backend, JAX_PLATFORMS="cpu")
        assert not done.returncode, done.stderr
        answers.append(json.loads(done.stdout))
    np.testing.assert_allclose(*answers, rtol=1e-5)


# Devices and input -----------------------------------------------------------------------------
def test_a_network_with_replicas_is_not_evaluated() -> None:
    code = """
import tensorflow as tf
import unet_helpers
from toys import PETS, prepared
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    model = unet_helpers.unet(3, (4, 8), 32)
unet_helpers.evaluate(model, prepared(), PETS)
"""
    done = python(code)
    assert "The model unet has 2 replicas" in done.stderr, done.stderr
    assert "load its file outside of the strategy's scope" in done.stderr


def test_batches_can_be_prepared_elsewhere() -> None:
    service = tf.data.experimental.service
    dispatcher = service.DispatchServer(service.DispatcherConfig(port=0))
    address = dispatcher.target.split("://")[1]
    workers = [service.WorkerServer(service.WorkerConfig(address)) for _ in range(2)]
    data = prepared(10, batch_size=2)
    how = {"processing_mode": service.ShardingPolicy.DYNAMIC, "service": dispatcher.target}
    served = data.apply(service.distribute(**how))
    sums = [
        sorted(float(image.numpy().sum()) for images, _ in batches for image in images)
        for batches in (served, data)
    ]
    assert len(workers) == 2 and len(sums[1]) == 10
    np.testing.assert_array_equal(*sums)


# Prediction ------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network for three classes, as a LiteRT file."""
    path = tmp_path_factory.mktemp("network") / "small.tflite"
    with quiet():
        unet_helpers.unet(3, (4, 8), 32).export(path, format="litert", verbose=False)
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Pictures of many sizes in two folders, two of one stem, and two files that are none."""
    rng, folder = np.random.default_rng(0), tmp_path / "pictures"
    for number in range(60):
        height, width = rng.integers(8, 90, 2)
        image = Image.fromarray(rng.integers(0, 256, (height, width, 3)).astype("uint8"))
        path = folder / ("a" if number % 2 else "b/c") / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)
    image.save(path.with_suffix(".png"))
    (folder / "a" / "text.jpg").write_text("no picture")
    (folder / "empty.png").touch()
    (folder / ".hidden").touch()
    return folder


@given(
    st.integers(1, 9), st.integers(1, 9), st.integers(1, 20), st.integers(1, 20), st.integers(1, 3)
)
def test_resizing_is_tensorflows(h: int, w: int, height: int, width: int, channels: int) -> None:
    image = np.random.default_rng(0).normal(size=(h, w, channels)).astype("float32")
    ours = prediction.resized(image, height, width)
    np.testing.assert_allclose(ours, tf.image.resize(image, (height, width)), atol=1e-5)


def test_a_mask_is_what_the_course_would_say(tmp_path: Path) -> None:
    model = unet_helpers.keras.models.load_model(unet_helpers.DATA / "networks" / "fire_unet.keras")
    with quiet():
        model.export(tmp_path / "fire.tflite", format="litert", verbose=False)
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 256, (9, 12, 3)).astype("uint8"))
    turned = Image.Exif()
    turned[0x112] = 6
    image.resize((300, 200), Image.Resampling.BICUBIC).save(tmp_path / "turned.jpg", exif=turned)
    predictor = prediction.Predictor(tmp_path / "fire.tflite", tmp_path, tmp_path / "out")
    assert predictor({"picture": ["turned.jpg"]})["fault"] == [""]
    _, expected = unet_helpers.segment(model, tmp_path / "turned.jpg")
    with Image.open(prediction.mask_path(tmp_path / "out", "turned.jpg")) as mask:
        assert mask.size == (200, 300) and (np.asarray(mask) == expected).mean() > 0.999
        shares = [float(share) for share in mask.text["shares"].split()]
        assert abs(shares[1] - (expected == 1).mean()) < 0.001


def rows_of(out: Path) -> list[dict[str, str]]:
    with (out / "table.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@posix
@pytest.mark.usefixtures("nobody_left")
def test_each_picture_once_whatever_is_killed(
    tmp_path: Path, network: Path, pictures: Path
) -> None:
    out = tmp_path / "out"
    prediction.Predictor(network, pictures, out)({"picture": ["a/1.jpg", "b/c/2.jpg"]})
    kept = {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
    with scaling.started("predict", network, pictures, out, *CLASSES) as lines:
        assert next(lines) == "2 of 63 pictures have a mask already"
        waited_for("ray::MapWorker", psutil.Process()).kill()  # one of those that predict
        *_, last = lines
    assert last.startswith("59 written, 2 cannot be read")
    rows = rows_of(out)
    files = {p for p in pictures.rglob("*") if p.is_file() and p.name != ".hidden"}
    names = {str(path.relative_to(pictures)) for path in files}
    assert {row["picture"] for row in rows} == names and len(rows) == len(names) == 63
    faults = {row["picture"] for row in rows if row["fault"]}
    assert faults == {"a/text.jpg", "empty.png"}
    for row in rows:
        if not row["fault"]:
            with Image.open(prediction.mask_path(out, row["picture"])) as mask:
                shares = [float(row[name]) for name in CLASSES[1:]]
                counts = np.bincount(np.asarray(mask).ravel(), minlength=3) / np.prod(mask.size)
                np.testing.assert_allclose(shares, counts, atol=1e-4)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept, "done once is done"
    assert len(list(out.rglob("*.png"))) == 61


def test_wrong_folders_and_networks_are_named(
    tmp_path: Path, network: Path, pictures: Path
) -> None:
    out, classes = tmp_path / "out", CLASSES[1:]
    for gone in ((tmp_path / "no.tflite", pictures), (network, tmp_path / "none")):
        with pytest.raises(FileNotFoundError, match=r"There is no .*no"):
            prediction.predict(*gone, out, classes, 2)
    (tmp_path / "bare").mkdir()
    with pytest.raises(FileNotFoundError, match="bare holds no picture"):
        prediction.predict(network, tmp_path / "bare", out, classes, 2)
    with pytest.raises(ValueError, match=r"pictures.masks lies in .*pictures: its masks would be"):
        prediction.predict(network, pictures, pictures / "masks", classes, 2)
    with pytest.raises(ValueError, match="knows 3 classes, but 2 are named"):
        prediction.predict(network, pictures, out, classes[:2], 2)
    (out / "network.txt").write_text("another")
    with pytest.raises(ValueError, match="holds masks of another network: choose another"):
        prediction.predict(network, pictures, out, classes, 2)
    with (
        filelock.FileLock(out / ".lock"),
        pytest.raises(RuntimeError, match="Another process writes into"),
    ):
        prediction.predict(network, pictures, out, classes, 2)


# Nobody is left behind -------------------------------------------------------------------------
@posix
@pytest.mark.parametrize("failures", [0, 2, 3])
@pytest.mark.usefixtures("nobody_left")
def test_ray_is_started_anew_where_its_helpers_are_late(monkeypatch, failures: int) -> None:
    calls: list[dict[str, object]] = []

    def init(**settings: object) -> None:
        calls.append(settings)
        if len(calls) <= failures:
            subprocess.Popen(["sleep", "60"])
            raise Exception("The current node timed out during startup.")  # noqa: TRY002  as Ray does

    monkeypatch.setattr("ray.init", init)
    refused = pytest.raises(RuntimeError, match="Ray does not start: The current node timed out")
    with refused if failures == 3 else nullcontext():
        cluster.start(2, "place")
    assert len(calls) == min(failures + 1, 3)


def test_a_failure_is_said_in_a_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeError, match=r"predict .*FileNotFoundError: There is no .*x\.tflite"),
        scaling.started("predict", tmp_path / "x.tflite", tmp_path, tmp_path, *CLASSES) as lines,
    ):
        list(lines)


@posix
@pytest.mark.parametrize("later", [0, 7])  # seconds until somebody looks
@pytest.mark.usefixtures("nobody_left")
def test_what_takes_too_long_is_ended(
    tmp_path: Path, network: Path, pictures: Path, later: int
) -> None:
    job = ("predict", network, pictures, tmp_path / "out", *CLASSES)
    with (
        pytest.raises(RuntimeError, match=r"took more than 4 s"),
        scaling.started(*job, limit=4) as lines,
    ):
        time.sleep(later)
        list(lines)


@posix
def test_a_killed_notebook_leaves_nobody(tmp_path: Path, network: Path, pictures: Path) -> None:
    code = f"""
from data import scaling
with scaling.started("predict", {str(network)!r}, {str(pictures)!r}, {str(tmp_path / "out")!r},
                     *{CLASSES!r}) as lines:
    print(next(lines), flush=True)
    list(lines)
"""
    paths = {"PYTHONPATH": str(ROOT)}
    notebook = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, env=os.environ | paths, text=True
    )
    assert notebook.stdout.readline().startswith("0 of 63")
    parent = psutil.Process(notebook.pid)
    worker = waited_for("ray::", parent)
    # Ray's own niceness would let it wait for all else that is computed here.
    assert worker.nice() == psutil.Process().nice()
    family = parent.children(recursive=True)
    notebook.send_signal(signal.SIGKILL)
    notebook.wait()
    notebook.stdout.close()
    gone, alive = psutil.wait_procs(family, timeout=10)
    assert not alive and len(gone) == len(family)


def test_lesson_8_shows_equal_ranks_and_each_epoch_once() -> None:
    (path,) = notebooks.find(["08_scaling_out"])
    cell = next(cell for cell in notebooks.read(path).cells if cell.id == "epochs")
    text = next(o["data"]["text/markdown"] for o in cell.outputs if "text/markdown" in o["data"])
    rows = [[part.strip() for part in row.strip("| ").split("|")] for row in text.split("\n")[2:]]
    assert [row[0] for row in rows] == ["1", "2", "3", "4"]
    assert all(first == second for *_, first, second in rows)
