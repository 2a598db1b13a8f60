"""The helper: set-up, data, models, evaluation, plots. Folders and training have their own tests."""

from __future__ import annotations

import base64
import inspect
import io
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import keras
import keras_cv
import numpy as np
import pytest
import requests
import tensorflow as tf
import tensorflow_datasets as tfds
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as stnp
from matplotlib.colors import to_rgb
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image
from toys import ROOT, dataset, examples, prepared, python, store, tiny_model

import benchmark
import notebooks
import unet_helpers
from data import figures
from unet_helpers import FIRE, PETS, Course, Evaluation, Task

pytestmark = pytest.mark.usefixtures("shown")
SAMPLE, FULL = Course("sample", 7), Course("full", 7)
ROOMS = (
    "figures",
    "measures",
    "models",
    "sources",
    "tasks",
    "tiles",
)  # whose names the helper hands on


# ------------------------------------------------------------------------------------ module


def test_helper_is_short_and_silent_and_complete() -> None:
    lines = Path(unet_helpers.__file__).read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 700
    done = python("import unet_helpers")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    rooms = ("unet_helpers", *(f"data.{name}" for name in ROOMS))
    public = [
        name
        for name, thing in vars(unet_helpers).items()
        if getattr(thing, "__module__", "") in rooms and not name.startswith("_")
    ]
    assert sorted(public) == sorted(unet_helpers.__all__)


def test_public_names_are_documented_and_annotated() -> None:
    for name in unet_helpers.__all__:
        thing = getattr(unet_helpers, name)
        functions = [thing] if inspect.isfunction(thing) else []
        if inspect.isclass(thing):
            members = {key: value for key, value in vars(thing).items() if not key.startswith("_")}
            functions = [getattr(value, "fget", value) for value in members.values()]
        for function in filter(inspect.isfunction, functions):
            assert function.__doc__, f"{name} {function.__name__} lacks a docstring"
            missing = set(inspect.signature(function).parameters) - set(function.__annotations__)
            assert missing <= {"self"}, f"{name} {function.__name__} lacks types of {missing}"
            assert "return" in function.__annotations__, f"{name} lacks its return type"
        assert thing.__doc__


# ------------------------------------------------------------------------------------ set-up


@pytest.mark.parametrize("value", ["Full", "real", " sample"])
def test_unknown_profile_is_named_with_the_way_out(monkeypatch, value: str) -> None:
    monkeypatch.setenv("COURSE_DATA", value)
    with pytest.raises(ValueError, match=f"COURSE_DATA is '{value}'.*'sample'.*'full'.*unset"):
        unet_helpers.setup()


@pytest.mark.parametrize(
    ("value", "gpus", "profile", "why", "change"),
    [
        (None, 0, "sample", "COURSE_DATA is unset and there is no GPU", "COURSE_DATA=full"),
        ("", 1, "full", "COURSE_DATA is unset and there is a GPU", "COURSE_DATA=sample"),
        ("sample", 2, "sample", "variable COURSE_DATA says so", "COURSE_DATA=full"),
        ("full", 0, "full", "variable COURSE_DATA says so", "COURSE_DATA=sample"),
    ],
)
def test_setup_shows_profile_reason_and_way_to_change(
    monkeypatch, shown, value: str | None, gpus: int, profile: str, why: str, change: str
) -> None:
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind] * gpus)
    monkeypatch.delenv("COURSE_DATA", raising=False)
    if value is not None:
        monkeypatch.setenv("COURSE_DATA", value)
    course = unet_helpers.setup(seed=3)
    assert (course.profile, course.seed) == (profile, 3)
    (page,) = [thing.data for thing in shown]
    assert f"**{profile}**" in page and why in page and f"`%env {change}`" in page
    assert (f"{gpus} GPU" if gpus else f"CPU with {os.cpu_count()} cores") in page
    assert all(f"{name} {module.__version__}" in page for name, module in VERSIONS.items())


VERSIONS = {"TensorFlow": tf, "Keras": keras, "KerasCV": keras_cv, "TFDS": tfds, "NumPy": np}


def test_setup_seeds_every_generator() -> None:
    drawn = []
    for seed in (3, 3, 4):
        unet_helpers.setup(seed)
        drawn.append(
            [np.random.random(), *map(float, (tf.random.uniform(()), keras.random.uniform(())))]
        )
    assert drawn[0] == drawn[1] and not set(drawn[0]) & set(drawn[2])


BUILD = """
import unet_helpers
model = unet_helpers.unet(2, (4, 8), 16)
assert model.output_shape == (None, 16, 16, 2) and model.output.dtype == "float32"
assert unet_helpers.keras.config.backend() == "tensorflow"
model.predict_on_batch(unet_helpers.np.zeros((1, 16, 16, 3), "float32"))
print("built")
"""


@pytest.mark.parametrize("where", ["environment", "keras.json"])
def test_whatever_else_the_reader_works_with(tmp_path: Path, where: str) -> None:
    settings = {"KERAS_BACKEND": "torch", "TF_USE_LEGACY_KERAS": "1"}
    if where == "keras.json":
        own = {"backend": "torch", "floatx": "float64", "image_data_format": "channels_first"}
        (tmp_path / "keras.json").write_text(json.dumps(own))
        settings = {"KERAS_HOME": str(tmp_path)}
    done = python(BUILD, **settings)
    assert (done.returncode, done.stdout, done.stderr) == (0, "built\n", "")


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="oneDNN is for these")
@pytest.mark.parametrize(("chosen", "is_on"), [(None, True), ("0", False)])
def test_onednn_computes_unless_the_reader_chose_otherwise(chosen: str | None, is_on: bool) -> None:
    choice = f'environ["TF_ENABLE_ONEDNN_OPTS"] = "{chosen}"' if chosen else ""
    code = f"""
from os import environ
del environ["TF_ENABLE_ONEDNN_OPTS"]  # these tests set it
{choice}
import unet_helpers
from tensorflow.python.util._pywrap_util_port import IsMklEnabled
print(IsMklEnabled())
"""
    done = python(code)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{is_on}\n", "")


@pytest.mark.skipif(os.name == "nt", reason="a shell that can close a stream")
def test_a_closed_stderr_is_no_error() -> None:
    command = f"{sys.executable} -c '{BUILD}' 2>&-"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, shell=True, check=False, env=environment, capture_output=True)
    assert (done.returncode, done.stdout) == (0, b"built\n")


def test_another_backend_imported_before_is_named() -> None:
    code = """
import sys, types
keras = types.ModuleType("keras")
keras.config = types.SimpleNamespace(backend=lambda: "torch")
sys.modules["keras"] = keras
try:
    import keras_cv
except Exception:
    sys.modules["keras_cv"] = types.ModuleType("keras_cv")
sys.modules["data.checkpoints"] = types.ModuleType("data.checkpoints")
import unet_helpers
"""
    done = python(code)
    assert "ImportError: Keras was imported before, for another backend: restart" in done.stderr


def test_a_keras_too_new_for_kerascv_is_named(tmp_path: Path) -> None:
    (tmp_path / "keras_cv.py").write_text("from keras import convert_to_numpy_of_old")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import unet_helpers"
    done = python(code)
    message = (
        f"KerasCV does not work with Keras {keras.__version__}: run `pip install keras==3.15.1`"
    )
    assert f"ImportError: {message}" in done.stderr


# -------------------------------------------------------------------------------------- data


@pytest.fixture(scope="session")
def stored_pets(tmp_path_factory) -> Path:
    """Twelve discs as a prepared TFDS data set with the name, version and keys of the pets."""
    folder = tmp_path_factory.mktemp("tfds")
    features = tfds.features.FeaturesDict(
        {
            "image": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
            "segmentation_mask": tfds.features.Image(shape=(None, None, 1)),
            "file_name": tfds.features.Text(),
        }
    )

    def records(part: str, count: int) -> list[tuple[int, dict[str, object]]]:
        made = examples(count, (18, 22))
        return [
            (
                number,
                {
                    "image": example["images"],
                    "segmentation_mask": example["segmentation_masks"] + 1,
                    "file_name": f"{part}_{number}",
                },
            )
            for number, example in enumerate(made)
        ]

    tfds.dataset_builders.AdhocBuilder(
        name="oxford_iiit_pet",
        version="4.0.0",
        features=features,
        split_datasets={"train": records("train", 8), "test": records("test", 4)},
        data_dir=folder,
    ).download_and_prepare()
    return folder


@pytest.fixture
def pets(stored_pets: Path, monkeypatch, request) -> SimpleNamespace:
    """A copy of the stored pets, where the profile that the test asks for looks for them."""
    course = getattr(request, "param", SAMPLE)
    root = unet_helpers.DATA.parent / "tfds"
    folder = root / "oxford_iiit_pet/4.0.0"
    if course.profile == "sample":
        folder = unet_helpers.DATA / "sketch_pets/1.0.0"
    shutil.copytree(stored_pets / "oxford_iiit_pet/4.0.0", folder)
    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", str(root))
    monkeypatch.setenv("TFDS_DATA_DIR", str(root))
    return SimpleNamespace(course=course, folder=folder)


@pytest.mark.parametrize("pets", [SAMPLE, FULL], indirect=True)
def test_pets_are_split_and_counted_from_zero(pets) -> None:
    splits = unet_helpers.load_pets(pets.course, validation=0.25)
    assert {name: len(split) for name, split in splits.items()} == {
        "train": 6,
        "validation": 2,
        "test": 4,
    }
    names = {}
    for part, split in splits.items():
        for example in split:
            assert example["images"].shape == (18, 22, 3) and example["images"].dtype == tf.uint8
            assert example["segmentation_masks"].dtype == tf.uint8
            name, mask = example["names"].numpy().decode(), example["segmentation_masks"].numpy()
            names.setdefault(part, set()).add(name)
            original = examples(8, (18, 22))[int(name.split("_")[1])]
            np.testing.assert_array_equal(mask, original["segmentation_masks"])
    assert not names["train"] & names["validation"]
    assert all(name.startswith("test") for name in names["test"])


def broken(name: str, keep: float) -> Callable[[Path], None]:
    """A fault: the file of that name is cut to a share of its bytes, or removed where it is 0."""

    def fault(folder: Path) -> None:
        (path,) = folder.glob(name)
        content = path.read_bytes()
        path.write_bytes(content[: int(keep * len(content))]) if keep else path.unlink()

    return fault


def altered(folder: Path) -> None:
    """A fault: one byte in the middle is another."""
    (path,) = folder.glob("*test*")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)


def without_last_record(folder: Path) -> None:
    """A fault: the file ends early, but between two records."""
    (path,) = folder.glob("*test*")
    records = list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
    path.write_bytes(path.read_bytes()[: -len(records[-1]) - 16])


@pytest.mark.parametrize("pets", [SAMPLE, FULL], indirect=True)
@pytest.mark.parametrize(
    ("fault", "culprit"),
    [
        (broken("*train*", 0), r"train.tfrecord-00000\S*: NotFoundError"),
        (broken("*test*", 0.5), r"test.tfrecord-00000\S*: DataLossError"),
        (broken("*train*", 0.99), r"train.tfrecord-00000\S*: DataLossError"),
        (without_last_record, r"test.tfrecord-00000\S*: EOFError, it ends after 3 of 4 records"),
        (altered, r"test.tfrecord-00000\S*: DataLossError.*corrupted record"),
        (broken("dataset_info.json", 0.5), r"4?.0.0: ParseError"),
        (broken("dataset_info.json", 0), r"4?.0.0: \w+"),
        (broken("features.json", 0.5), r"4?.0.0: JSONDecodeError"),
    ],
)
def test_damaged_pets_are_named_with_the_way_out(pets, fault, culprit: str) -> None:
    fault(pets.folder)
    way_out = "git checkout -- data" if pets.course == SAMPLE else "Delete that folder.*network"
    with pytest.raises(RuntimeError, match=f"(?s)Cannot read or download .*{culprit}.*{way_out}"):
        unet_helpers.load_pets(pets.course)


@pytest.mark.parametrize("pets", [FULL], indirect=True)
def test_a_folder_that_was_never_prepared_is_named_with_the_way_out(pets) -> None:
    shutil.rmtree(pets.folder)
    pets.folder.mkdir()
    (pets.folder / "images.tar.gz").write_bytes(b"not yet unpacked")
    reason = r"Cannot read or download .*4.0.0: .*Delete that folder.*TFDS_DATA_DIR"
    with pytest.raises(RuntimeError, match=reason):
        unet_helpers.load_pets(FULL)


@pytest.mark.parametrize("pets", [FULL], indirect=True)
def test_the_place_of_the_pets_may_be_set_in_a_running_kernel(pets, monkeypatch, tmp_path) -> None:
    moved = tmp_path / "home/elsewhere"
    moved.parent.mkdir()
    (tmp_path / "tfds").rename(moved)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.setenv("TFDS_DATA_DIR", "~/elsewhere")
    splits = unet_helpers.load_pets(FULL)
    assert len(splits["test"]) == 4 and splits.name.startswith("full_oxford_iiit_pet-")


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.2, 0.01])
def test_a_share_that_leaves_nothing_is_named(pets, fires, share: float) -> None:
    for load in (unet_helpers.load_pets, unet_helpers.load_fire):
        with pytest.raises(ValueError, match=f"validation={share} keeps .* of 8 pictures"):
            load(SAMPLE, validation=share)


def test_other_pets_have_another_name(pets) -> None:
    name = unet_helpers.load_pets(SAMPLE).name
    assert unet_helpers.load_pets(SAMPLE).name == name
    first = pets.folder / next(p.name for p in pets.folder.iterdir() if "test.tfrecord" in p.name)
    options = tf.io.TFRecordOptions()
    records = list(tf.data.TFRecordDataset(str(first)).as_numpy_iterator())
    with tf.io.TFRecordWriter(str(first), options) as file:
        for record in records[::-1]:
            file.write(record)
    assert unet_helpers.load_pets(SAMPLE).name != name


def test_missing_sample_is_named_with_the_way_out() -> None:
    with pytest.raises(RuntimeError, match="Cannot read .*sketch_pets.*draw_sample.py"):
        unet_helpers.load_pets(SAMPLE)
    with pytest.raises(
        FileNotFoundError,
        match="sketch_fire.*is missing: correct the path. What ships: `git checkout",
    ):
        unet_helpers.load_fire(SAMPLE)


def test_interrupted_download_is_taken_up_again(pets, monkeypatch) -> None:
    shutil.rmtree(unet_helpers.DATA, ignore_errors=True)
    root = unet_helpers.DATA.parent / "tfds"
    (root / "oxford_iiit_pet/incomplete.AB12CD_4.0.0").mkdir(parents=True)
    asked = []
    monkeypatch.setattr(requests, "get", lambda url, **_: asked.append(url))

    def fail(self, *_, **__) -> None:
        raise OSError("checksum of images.tar.gz differs")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", fail)
    with pytest.raises(RuntimeError, match="checksum of images.tar.gz differs.*TFDS_DATA_DIR"):
        unet_helpers.load_pets(FULL)
    assert len(asked) == 1


def test_without_a_network_full_fails_fast_and_says_what_to_do(tmp_path: Path) -> None:
    code = """
import time, unet_helpers
started = time.perf_counter()
try:
    unet_helpers.load_pets(unet_helpers.setup())
except RuntimeError as error:
    print(error)
print("seconds", time.perf_counter() - started)
"""
    closed = {name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy", "HTTPS_PROXY")}
    done = python(code, COURSE_DATA="full", TFDS_DATA_DIR=str(tmp_path), NO_PROXY="", **closed)
    assert "Cannot read or download" in done.stdout and "oxford_iiit_pet" in done.stdout
    for way_out in ("with a network", "TFDS_DATA_DIR", "COURSE_DATA=sample"):
        assert way_out in done.stdout
    assert float(done.stdout.split("seconds ")[1]) < 20
    assert "Retrying" not in done.stderr, done.stderr


@pytest.fixture
def fires() -> Path:
    """Eight fires to train on and two to test on, in the folders of FireSeg."""
    folder = unet_helpers.DATA / "sketch_fire"
    for part, count in (("train", 8), ("test", 2)):
        for number, example in enumerate(examples(count, (18, 22), classes=2)):
            name = f"img({number})"
            mask = example["segmentation_masks"][..., 0]
            store(folder / f"images_prepped_{part}", f"{name}.jpg", example["images"])
            store(folder / f"annotations_prepped_{part}", f"{name}.png", mask)
    return folder


def test_fires_are_split_without_overlap(fires: Path, shown) -> None:
    splits = unet_helpers.load_fire(SAMPLE, validation=0.25)
    assert {name: len(split) for name, split in splits.items()} == {
        "train": 6,
        "validation": 2,
        "test": 2,
    }
    names = {
        part: {example["names"].numpy() for example in split} for part, split in splits.items()
    }
    assert not names["train"] & names["validation"]
    again = [example["names"].numpy() for example in splits["validation"]]
    assert set(again) == names["validation"], "the cut must not move from epoch to epoch"
    keras.utils.set_random_seed(1)  # nor from one seed to another: lesson 4 goes on after lesson 3
    again = [e["names"].numpy() for e in unet_helpers.load_fire(SAMPLE, 0.25)["validation"]]
    assert set(again) == names["validation"]
    for example in splits["train"]:
        number = int(example["names"].numpy().decode().split("(")[1].split(")")[0])
        original = examples(8, (18, 22), classes=2)[number]["segmentation_masks"]
        np.testing.assert_array_equal(example["segmentation_masks"], original)
    assert "sketch_fire" in shown[0]
    shutil.copytree(fires, fires.with_name("fire_seg"))
    unet_helpers.load_fire(FULL)
    assert "fire_seg" in shown[-1]
    unet_helpers.load_fire(SAMPLE)
    assert "sketch_fire" in shown[-1]


# ----------------------------------------------------------------------------------- prepare


def test_prepared_batches_are_what_a_model_expects() -> None:
    made = examples(3, (20, 26)) + examples(2, (24, 17))
    batches = list(unet_helpers.prepare(dataset(made), PETS, size=16, batch_size=2))
    assert [len(images) for images, _ in batches] == [2, 2, 1]
    for images, masks in batches:
        assert images.shape[1:] == (16, 16, 3) and images.dtype == tf.float32
        assert masks.shape[1:] == (16, 16, 1) and masks.dtype == tf.int32
        assert 1 < np.max(images) <= 255 and np.min(images) >= 0
        assert set(np.unique(masks)) <= {0, 1, 2}


def test_images_are_resized_bilinearly_and_masks_by_the_nearest_pixel() -> None:
    image = np.repeat(np.array([[0, 0], [255, 255]], "uint8")[..., None], 3, axis=2)
    mask = np.array([[0, 0], [2, 2]], "uint8")[..., None]
    made = [{"images": image, "segmentation_masks": mask, "names": "edge"}]
    ((images, masks),) = unet_helpers.prepare(dataset(made), PETS, size=8)
    assert set(np.unique(masks)) == {0, 2}
    np.testing.assert_array_equal(masks[0, :, 0, 0], [0] * 4 + [2] * 4)
    assert len(np.unique(images)) > 2


def test_no_epoch_waits_for_a_sleeping_tuner() -> None:
    """`Model.fit` stalls at the end of an epoch, at random, where TensorFlow tunes its input."""
    prepared = unet_helpers.prepare(dataset(examples(2)), PETS, size=16, training=True)
    assert prepared.options().autotune.enabled is False


def test_evaluation_data_keep_their_order_and_are_read_once() -> None:
    reads = []

    def read(number: tf.Tensor) -> np.ndarray:
        reads.append(int(number))
        return np.full((4, 4, 3), number, "uint8")

    split = tf.data.Dataset.range(9).map(
        lambda number: {
            "images": tf.ensure_shape(tf.py_function(read, [number], tf.uint8), (4, 4, 3)),
            "segmentation_masks": tf.zeros((4, 4, 1), tf.uint8),
        }
    )
    data = unet_helpers.prepare(split, PETS, size=4, batch_size=2)
    for _ in range(3):
        seen = np.concatenate([images[:, 0, 0, 0] for images, _ in data])
        np.testing.assert_array_equal(seen, np.arange(9))
    assert sorted(reads) == list(range(9)), "the cache must spare every later epoch the reading"


def numbered(count: int) -> tf.data.Dataset:
    """Pictures whose pixels all hold the picture's number."""
    made = [
        example | {"images": np.full((8, 8, 3), n)} for n, example in enumerate(examples(count))
    ]
    for example in made:
        example["segmentation_masks"] = example["segmentation_masks"][:8, :8]
        example["images"] = example["images"].astype("uint8")
    return dataset(made)


def test_training_data_are_shuffled_anew_in_each_epoch() -> None:
    data = unet_helpers.prepare(numbered(20), PETS, size=8, batch_size=8, training=True)
    epochs = [np.concatenate([images[:, 0, 0, 0] for images, _ in data]) for _ in range(2)]
    assert all(sorted(epoch) == list(range(20)) for epoch in epochs)
    assert not np.array_equal(*epochs) and not np.array_equal(epochs[0], np.arange(20))


@pytest.mark.parametrize(("at_least", "repeats"), [(1, 1), (5, 1), (6, 2), (10, 2), (23, 5)])
def test_small_splits_are_repeated(at_least: int, repeats: int) -> None:
    options = {"size": 8, "batch_size": 4}
    data = unet_helpers.prepare(numbered(5), PETS, training=True, at_least=at_least, **options)
    seen = np.concatenate([images[:, 0, 0, 0] for images, _ in data])
    assert len(data) == -(-5 * repeats // 4) and len(seen) == 5 * repeats
    assert np.bincount(seen.astype(int)).tolist() == [repeats] * 5
    held_out = unet_helpers.prepare(numbered(5), PETS, at_least=at_least, **options)
    assert len(held_out) == 2, "evaluation counts every picture once"


MOVING = {
    "flip": lambda: keras_cv.layers.RandomFlip("horizontal_and_vertical"),
    "rotation": lambda: keras_cv.layers.RandomRotation(0.2, segmentation_classes=3),
    "zoom": lambda: keras_cv.layers.RandomZoom((-0.4, 0.4)),
    "translation": lambda: keras_cv.layers.RandomTranslation(0.3, 0.3),
    "shear": lambda: keras_cv.layers.RandomShear(0.3, 0.3),
    "crop": lambda: keras_cv.layers.RandomCropAndResize((32, 32), (0.5, 1.0), (0.8, 1.25)),
}
COLOURING = {
    "brightness": lambda: keras_cv.layers.RandomBrightness(0.3),
    "contrast": lambda: keras_cv.layers.RandomContrast((0, 255), 0.4),
    "jitter": lambda: keras_cv.layers.RandomColorJitter((0, 255), 0.2, 0.2, 0.2, 0.1),
    "hue": lambda: keras_cv.layers.RandomHue(0.2, (0, 255)),
    "saturation": lambda: keras_cv.layers.RandomSaturation(0.5),
    "cutout": lambda: keras_cv.layers.RandomCutout(0.3, 0.3),
    "blur": lambda: keras_cv.layers.RandomGaussianBlur(3, (0.5, 2.0)),
}


def own_images(count: int = 12) -> tf.data.Dataset:
    """Discs whose image is their mask: 0, 100 and 200 for the three classes."""
    made = examples(count, (32, 32))
    for example in made:
        example["images"] = np.repeat(100 * example["segmentation_masks"], 3, axis=2)
    return dataset(made)


@pytest.mark.parametrize("name", MOVING)
def test_image_and_mask_move_together(name: str) -> None:
    options = {"size": 32, "batch_size": 12}
    ((_, plain),) = unet_helpers.prepare(own_images(), PETS, **options)
    data = unet_helpers.prepare(own_images(), PETS, augment=[MOVING[name]()], **options)
    images, masks = (array.numpy() for array in next(iter(data)))
    assert masks.dtype == np.int32 and set(np.unique(masks)) <= {0, 1, 2}
    # Bilinear edges between classes 0 and 2 pass through 1: only whole values are compared.
    whole = np.abs(images - 100 * np.round(images / 100)).max(-1) < 2
    agree = (np.round(images[..., 0] / 100) == masks[..., 0])[whole].mean()
    unmoved = (plain[..., 0].numpy() == masks[..., 0])[whole].mean()
    assert agree > 0.97 and unmoved < agree - 0.02, (agree, unmoved)


@pytest.mark.parametrize("name", COLOURING)
def test_colour_layers_leave_the_mask_alone(name: str) -> None:
    made = dataset(examples(4, (16, 16)))
    options = {"size": 16, "batch_size": 4}
    ((before, plain),) = unet_helpers.prepare(made, PETS, **options)
    ((after, masks),) = unet_helpers.prepare(made, PETS, augment=[COLOURING[name]()], **options)
    np.testing.assert_array_equal(plain, masks)
    assert after.dtype == tf.float32 and np.abs(after - before).max() > 1


def test_lesson_1_prices_the_layers_and_the_network_of_lesson_2() -> None:
    def described(layer: keras.layers.Layer) -> str:
        own = {k: v for k, v in layer.get_config().items() if k not in ("name", "seed")}
        return str({k: v.get_config() if hasattr(v, "get_config") else v for k, v in own.items()})

    recipe = notebooks.defined("02", "recipe", **benchmark.SCOPE)
    priced = {
        described(each)
        for each in notebooks.defined("01", "candidates", **benchmark.SCOPE)["candidates"].values()
    }
    assert {described(layer) for layer in recipe["AUGMENT"]} <= priced
    filters = inspect.signature(unet_helpers.unet).parameters["filters"]
    assert filters.default == recipe["FILTERS"]


def test_the_layers_of_lesson_2_leave_whole_labels() -> None:
    layers = notebooks.defined("02", "recipe", **benchmark.SCOPE)["AUGMENT"]
    made = dataset(examples(8, (32, 32)))
    data = unet_helpers.prepare(made, PETS, size=32, batch_size=4, augment=layers)
    for images, masks in data:
        assert masks.dtype == tf.int32 and set(np.unique(masks)) <= {0, 1, 2}
        assert np.isfinite(images).all() and np.min(images) >= 0 and np.max(images) <= 255


def changed(**changes: Callable[[np.ndarray], np.ndarray]) -> list[dict[str, object]]:
    """Four discs of which the third is altered."""
    made = examples(4)
    made[2] |= {key: change(made[2][key]) for key, change in changes.items()}
    return made


@pytest.mark.parametrize(
    ("made", "complaint"),
    [
        (
            changed(segmentation_masks=lambda mask: mask + 1),
            r"the mask holds \[1, 2, 3\], but pets has",
        ),
        (
            changed(segmentation_masks=lambda mask: mask - 1),
            r"the mask holds \[0, 1, 255\], but pets",
        ),
        (changed(segmentation_masks=lambda m: m[:-1]), r"in size: \(16, 16, 3\) and \(15, 16, 1\)"),
        (changed(images=lambda image: image[..., :1]), r"image is \(16, 16, 1\), but should have"),
    ],
)
def test_bad_examples_are_named(made: list[dict[str, object]], complaint: str) -> None:
    with pytest.raises(ValueError, match=rf"data of pets: disc_2: .*{complaint}"):
        unet_helpers.prepare(dataset(made), PETS, size=16)


def floats(change: Callable[[np.ndarray], np.ndarray]) -> list[dict[str, object]]:
    made = examples(4)
    for example in made:
        example["images"] = change(example["images"].astype("float32")).astype("float32")
    return made


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda image: image / 255, r"disc_0: .*goes from 0 to 1, but pixels go from 0 to 255"),
        (lambda image: image / 127.5 - 1, r"disc_0: .*goes from -1 to 1, but pixels go from 0"),
        (lambda image: image / 170, r"disc_0: .*goes from 0 to 1.5, but pixels go from 0 to 255"),
        (lambda image: 257 * image, r"disc_0: .*goes from 0 to 6.55e\+04, but pixels go"),
    ],
)
def test_pixels_of_another_range_are_named(change: Callable, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        unet_helpers.prepare(dataset(floats(change)), PETS, size=16)


def test_pixels_that_resizing_rounds_up_are_no_fault() -> None:
    made = floats(lambda image: image)
    made[0]["images"][0, 0], made[1]["images"][0, 0] = 255.00003, -0.00002
    unet_helpers.prepare(dataset(made), PETS, size=16)


@pytest.mark.parametrize("threshold", [100, 255])
def test_whole_numbers_of_another_range_are_named(threshold: int) -> None:
    made = examples(4)
    for example in made:
        example["images"] = (example["images"] > threshold).astype("uint8")
    with pytest.raises(ValueError, match="No pixel of pets is above 1"):
        unet_helpers.prepare(dataset(made), PETS, size=16)


@pytest.mark.parametrize("value", [0, 1, 255])
def test_a_picture_of_one_colour_is_no_fault(value: int) -> None:
    made = examples(4)
    made[1]["images"] = np.full_like(made[1]["images"], value)
    augment = [keras_cv.layers.RandomBrightness(0.1)]
    unet_helpers.prepare(dataset(made), PETS, size=16, augment=augment)


class Halving(keras.layers.Layer):
    """Gives back every second picture of a batch."""

    def call(self, batch: dict[str, object], training: bool = False) -> dict[str, object]:
        return {key: value[::2] for key, value in batch.items()}


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: keras.layers.Rescaling(1 / 255), r"layer rescaling\w* does not take images and"),
        (lambda: keras_cv.layers.Rescaling(1 / 127.5, -1), "pixels go from -1 to 1: leave rescal"),
        (lambda: keras_cv.layers.Rescaling(1 / 40), r"pixels go from 0 to 6.*: leave rescaling to"),
        (lambda: keras_cv.layers.Rescaling(2), r"pixels go from 0 to 5.*: leave rescaling to the"),
        (
            lambda: keras.layers.Normalization(mean=120.0, variance=3000.0),
            r"layer normalization\w* does not",
        ),
        (lambda: keras_cv.layers.AugMix((0, 255)), r"layer aug_mix"),
        (lambda: keras_cv.layers.MixUp(), r"layer mix_up\w* makes labels of no class"),
        (
            lambda: keras.layers.CutMix(),
            r"layer cut_mix\w* changes the form of `segmentation_masks`",
        ),
        (lambda: Halving(), r"layer halving\w* makes masks of another form"),
        (
            lambda: keras.layers.RandomRotation(0.2, fill_mode="constant", fill_value=9.0),
            "no class",
        ),
        (
            lambda: keras.layers.RandomElasticTransform(1.0),
            r"elastic_transform\w* bends image and mask",
        ),
        (lambda: keras_cv.layers.RandomRotation(0.2, segmentation_classes=2), "=2, for 3 classes"),
        (lambda: keras_cv.layers.RandomCrop(16, 16), "layer random_crop"),
        (lambda: keras_cv.layers.Resizing(16, 16), r"changes the form of `images` from .*32, 32"),
        (lambda: lambda batch, training: batch, "function .* no Keras layer"),
        (list, r"`augment` holds \[\], no Keras layer"),
    ],
)
def test_layers_that_spoil_pictures_or_labels_are_named(make: Callable, complaint: str) -> None:
    made = dataset(examples(8, (32, 32)))
    with pytest.raises(ValueError, match=complaint) as caught:
        unet_helpers.prepare(made, PETS, size=32, batch_size=4, training=True, augment=[make()])
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400
    assert str(caught.value).endswith(".")


def test_layers_may_come_from_a_generator_and_must_be_a_list() -> None:
    layers = (layer for layer in [keras_cv.layers.RandomBrightness((0.3, 0.31))])
    ((before, _),) = prepared(4, batch_size=4)
    ((after, _),) = prepared(4, batch_size=4, augment=layers)
    assert np.mean(after) > np.mean(before) + 30
    for wrong in (keras_cv.layers.RandomFlip(), None):
        with pytest.raises(ValueError, match="`augment` is a list of layers: put brackets around"):
            prepared(4, augment=wrong)


@pytest.mark.parametrize(
    ("name", "value"),
    [("size", 0), ("size", 16.0), ("size", (16, 16)), ("batch_size", 0), ("at_least", -5)]
    + [("at_least", None), ("batch_size", "8")],
)
def test_arguments_that_are_no_whole_numbers_are_named(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"`{name}` is .*, but should be a whole number from 1"):
        prepared(4, training=True, **{name: value})


def test_a_split_that_goes_on_and_on_says_so(shown) -> None:
    many = spec(tf.fill((1, 1, 3), 9.0), tf.zeros((1, 1, 1), tf.uint8)).repeat(2500)
    unet_helpers.prepare(many, PETS, size=1)
    assert shown == ["10,000 pictures of pets are read, and more are coming."]


@pytest.fixture
def half_precision() -> Iterator[None]:
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_dtype_policy("float32")


def test_augmentation_is_as_precise_under_any_policy(half_precision) -> None:
    layers = [*(make() for make in COLOURING.values()), *(make() for make in MOVING.values())]
    made = dataset(examples(8, (64, 64)))
    data = unet_helpers.prepare(made, PETS, size=32, batch_size=4, training=True, augment=layers)
    for images, masks in data:
        assert images.dtype == tf.float32 and np.isfinite(images).all() and np.ptp(images) > 20
        assert set(np.unique(masks)) <= {0, 1, 2}


def spec(images, masks, **more) -> tf.data.Dataset:
    """Four elements of zeros and ones."""
    tensors = {"images": images, "segmentation_masks": masks} | more
    return tf.data.Dataset.from_tensors(tensors).repeat(4)


@pytest.mark.parametrize(
    ("split", "complaint"),
    [
        (spec(tf.ones((8, 8, 3)), tf.ones((8, 8), tf.uint8)), r"\(H, W, 1\), but are.*\(8, 8\)"),
        (spec(tf.ones((8, 8, 3)), tf.ones((8, 8, 1), tf.bool)), "`segmentation_masks` bool: cast"),
        (spec(tf.ones((8, 8, 3), tf.uint32), tf.ones((8, 8, 1))), "`images` uint32: cast them"),
        (spec(tf.ragged.constant([[[1]]]), tf.ones((8, 8, 1))), "are no plain tensors"),
        ({"train": None}, r'it is a dict: pass one split, such as splits\["train"\]'),
        (spec(tf.ones((2, 8, 8, 3)), tf.ones((2, 8, 8, 1))), r"but are \(2, 8, 8, 3\)"),
        (spec(tf.ones((8, 8, 3)), tf.ones((8, 8, 1), tf.uint8)).repeat(), "it never ends"),
        (tf.data.Dataset.from_tensors((tf.ones((8, 8, 3)), tf.ones((8, 8, 1)))), "not dicts of"),
        (tf.data.Dataset.from_tensors({"image": tf.ones((8, 8, 3))}), "not dicts of `images` and"),
    ],
)
def test_splits_of_another_form_are_refused_in_a_sentence(split, complaint: str) -> None:
    with pytest.raises(ValueError, match=f"split cannot be used for the task pets: .*{complaint}"):
        unet_helpers.prepare(split, PETS, size=8)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_images_without_finite_values_are_named(value: float) -> None:
    made = examples(4)
    for example in made:
        example["images"] = example["images"].astype("float32")
    made[2]["images"][3, 4, 1] = value
    with pytest.raises(ValueError, match=r"disc_2: .*NaN or infinity"):
        unet_helpers.prepare(dataset(made), PETS, size=16)


def test_empty_split_is_refused() -> None:
    with pytest.raises(ValueError, match="split for the task pets is empty: check where it came"):
        unet_helpers.prepare(dataset(examples()).take(0), PETS, size=16)


def test_take_gives_images_and_masks_of_a_split_or_its_batches() -> None:
    for data in (dataset(examples(5)), prepared(5)):
        images, masks = unet_helpers.take(data, 3)
        assert len(images) == len(masks) == 3
        for image, mask, example in zip(images, masks, examples(5), strict=False):
            assert image.dtype == np.uint8 and mask.shape == (16, 16)
            np.testing.assert_array_equal(image, example["images"])
            np.testing.assert_array_equal(mask, example["segmentation_masks"][..., 0])


# ------------------------------------------------------------------------------------ models


def test_unet_has_the_documented_stages_and_parameters() -> None:
    filters, size = (4, 8, 12), 16
    model = unet_helpers.unet(3, filters, size)
    assert model.input_shape == (None, 16, 16, 3) and model.output_shape == (None, 16, 16, 3)
    stages = {layer.name: tuple(layer.output.shape[1:]) for layer in model.layers}
    for level, channels in enumerate(filters[:-1], start=1):
        side = size // 2 ** (level - 1)
        assert stages[f"encoder_{level}_add"] == (side, side, channels)
        assert stages[f"pool_{level}"] == (side // 2, side // 2, channels)
        assert stages[f"up_{level}"] == (side, side, channels)
        assert stages[f"skip_{level}"] == (side, side, 2 * channels)
        assert stages[f"decoder_{level}_add"] == (side, side, channels)
    assert stages["bottleneck_add"] == (4, 4, 12)

    assert model.count_params() == parameters(filters, 3)
    assert unet_helpers.unet(2).count_params() == parameters((8, 16, 32, 64, 128), 2)


def parameters(filters: Sequence[int], classes: int) -> int:
    """Parameters of a U-Net by the formula: convolutions and transposed ones."""

    def block(before: int, after: int) -> int:
        """Two convolutions without bias, two batch normalisations, a shortcut with bias."""
        return 9 * (before + after) * after + 2 * 4 * after + before * after + after

    count = sum(block(*pair) for pair in zip((3, *filters), filters, strict=False))
    for channels, deeper in pairwise(filters):
        count += 4 * deeper * channels + channels + block(2 * channels, channels)
    return count + filters[0] * classes + classes


def test_unet_scales_pixels_inside_and_its_gradient_reaches_every_weight() -> None:
    model = unet_helpers.unet(3, (4, 8), 8)
    scaled = keras.Model(model.input, model.get_layer("scaling").output)
    np.testing.assert_allclose(scaled(np.full((1, 8, 8, 3), 255.0)), 1)
    np.testing.assert_allclose(scaled(np.zeros((1, 8, 8, 3))), -1)
    images, masks = next(iter(prepared(2, size=8)))
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(unet_helpers.segmentation_loss(masks, model(images, training=True)))
    for weight, gradient in zip(
        model.trainable_weights, tape.gradient(loss, model.trainable_weights), strict=True
    ):
        assert np.abs(gradient).max() > 0, weight.path


@pytest.mark.parametrize(
    ("levels", "size", "good"), [(2, 15, 16), (5, 100, 112), (3, 6, 8), (4, 1, 8)]
)
def test_sizes_that_cannot_be_halved_are_refused(levels: int, size: int, good: int) -> None:
    times = levels - 1
    with pytest.raises(
        ValueError, match=f"size {size} cannot be halved {times} times.*multiple of {2**times}"
    ) as caught:
        unet_helpers.unet(2, (2,) * levels, size)
    assert str(caught.value).endswith(f"for example {good}.")
    unet_helpers.unet(2, (2,) * levels, good)


@pytest.mark.parametrize(("alpha", "size"), [(0.35, 64), (1.0, 32)])
def test_mobilenetv2_unet_has_the_documented_taps_and_stages(alpha: float, size: int) -> None:
    filters = (4, 6, 8, 10, 12)
    model = unet_helpers.mobilenetv2_unet(3, None, alpha, filters, size)
    assert model.input_shape == (None, size, size, 3)
    assert model.output_shape == (None, size, size, 3)
    maps = model.get_layer("encoder").outputs
    assert [tuple(output.shape[1:3]) for output in maps] == [
        (size // 2**n,) * 2 for n in range(1, 6)
    ]
    whole = keras.applications.MobileNetV2((size, size, 3), alpha, include_top=False, weights=None)
    channels = [whole.get_layer(name).output.shape[-1] for name in
                ("block_1_expand_relu", "block_3_expand_relu", "block_6_expand_relu",
                 "block_13_expand_relu", "block_16_project")]  # fmt: skip
    assert [output.shape[-1] for output in maps] == channels
    assert model.get_layer("logits").kernel.shape == (1, 1, 4, 3)

    # The formula: thin from below and from the side, then two separable convolutions, or one
    # ordinary at the two largest sizes, each of these normalised.
    count, below = model.get_layer("encoder").count_params(), channels[-1]
    for own, side, level in zip(filters[::-1], [*channels[3::-1], 3], range(5), strict=True):
        count += below * own + (9 if level == 4 else 1) * side * own
        if level >= 3:
            count += 9 * 2 * own * own + 4 * own
        else:
            count += 9 * 2 * own + 2 * own * own + 9 * own + own * own + 2 * 4 * own
        below = own
    assert model.count_params() == count + 3 * filters[0] + 3


def test_mobilenetv2_unet_scales_pixels_inside_and_learns_all_over() -> None:
    model = unet_helpers.mobilenetv2_unet(3, None, 0.35, (4, 4, 4, 4, 4), 32)
    scaled = keras.Model(model.input, model.get_layer("scaling").output)
    np.testing.assert_allclose(scaled(np.full((1, 32, 32, 3), 255.0)), 1)
    np.testing.assert_allclose(scaled(np.zeros((1, 32, 32, 3))), -1)
    images, masks = next(iter(prepared(4, size=32, batch_size=4)))
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(unet_helpers.segmentation_loss(masks, model(images, training=True)))
    gradients = tape.gradient(loss, model.trainable_weights)
    assert all(gradient is not None for gradient in gradients)
    moved = np.mean([np.abs(gradient).max() > 0 for gradient in gradients])
    assert moved > 0.9  # ReLU6 may silence a channel or two


def encoder_state(model: keras.Model) -> dict[str, list[np.ndarray]]:
    """Copies of the encoder's statistics and of its other weights."""
    state: dict[str, list[np.ndarray]] = {"statistics": [], "others": []}
    for layer in model.get_layer("encoder").layers:
        normal = isinstance(layer, keras.layers.BatchNormalization)
        for number, weight in enumerate(layer.get_weights()):
            state["statistics" if normal and number > 1 else "others"].append(weight)
    return state


def test_statistics_of_the_encoder_stay_in_training(eager) -> None:
    model = unet_helpers.mobilenetv2_unet(3, None, 0.35, (4, 4, 4, 4, 4), 32)
    before, data = encoder_state(model), prepared(4, size=32, training=True)

    def moved() -> dict[str, bool]:
        unet_helpers.train(model, data, data, PETS, epochs=1, run="statistics")
        after = encoder_state(model)
        same = {part: zip(before[part], after[part], strict=True) for part in before}
        return {part: not all(np.array_equal(*p) for p in pairs) for part, pairs in same.items()}

    unet_helpers.freeze_encoder(model)
    assert moved() == {"statistics": False, "others": False}
    unet_helpers.unfreeze_encoder(model)
    assert moved() == {"statistics": False, "others": True}
    # The test can fail: an encoder that is merely trainable moves them.
    unet_helpers.freeze_encoder(model)
    model.get_layer("encoder").trainable = True
    assert moved() == {"statistics": True, "others": True}


def test_freezing_and_unfreezing_undo_each_other() -> None:
    model = unet_helpers.mobilenetv2_unet(2, None, 0.35, (4, 4, 4, 4, 4), 32)
    counts = []
    for change in (unet_helpers.freeze_encoder, unet_helpers.unfreeze_encoder) * 2:
        change(model)
        counts.append(len(model.trainable_weights))
    assert counts[0] == counts[2] < counts[1] == counts[3]
    normal = [
        layer
        for layer in model.get_layer("encoder").layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert normal and not any(layer.trainable for layer in normal)


def test_mobilenetv2_unet_is_saved_and_loads_without_the_helper(tmp_path: Path) -> None:
    model = unet_helpers.mobilenetv2_unet(3, None, 0.35, (4, 4, 4, 4, 4), 32)
    unet_helpers.freeze_encoder(model)
    images = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "answers.npy", model.predict_on_batch(images))
    np.save(tmp_path / "images.npy", images)
    code = f"""
import keras, numpy as np, sys
model = keras.models.load_model({str(tmp_path / "model.keras")!r})
images, answers = (np.load({str(tmp_path)!r} + f"/{{name}}.npy") for name in ("images", "answers"))
np.testing.assert_allclose(model.predict_on_batch(images), answers, atol=1e-5)
assert not model.get_layer("encoder").trainable and "unet_helpers" not in sys.modules
"""
    done = python(code)
    assert done.returncode == 0, done.stderr[-2000:]


def test_encoder_weights_are_loaded_from_a_file(tmp_path: Path) -> None:
    source = unet_helpers.mobilenetv2_unet(2, None, 0.35, size=64).get_layer("encoder")
    source.save_weights(tmp_path / "own.weights.h5")
    for size in (32, 64):  # the weights of a convolution fit any size
        model = unet_helpers.mobilenetv2_unet(2, tmp_path / "own.weights.h5", 0.35, size=size)
        pairs = zip(source.get_weights(), model.get_layer("encoder").get_weights(), strict=True)
        assert all(np.array_equal(*pair) for pair in pairs)


def test_weights_that_do_not_fit_are_named_with_the_way_out(tmp_path: Path, recwarn) -> None:
    path = tmp_path / "own.weights.h5"
    reason = r"own.weights.h5 for alpha 0.35: \w+.*git checkout -- data"
    with pytest.raises(RuntimeError, match=reason):  # missing
        unet_helpers.mobilenetv2_unet(2, path, 0.35, size=32)
    other = unet_helpers.mobilenetv2_unet(2, None, 0.5, size=32).get_layer("encoder")
    other.save_weights(path)
    recwarn.clear()
    with pytest.raises(RuntimeError, match=reason):  # of another alpha
        unet_helpers.mobilenetv2_unet(2, path, 0.35, size=32)
    warned = [str(warning.message) for warning in recwarn]
    assert warned == [], "one clear error, not a warning for each layer"
    content = path.read_bytes()
    for damaged in (b"", content[: len(content) // 2], b"no HDF5" * 100):
        path.write_bytes(damaged)
        with pytest.raises(RuntimeError, match=reason):
            unet_helpers.mobilenetv2_unet(2, path, 0.35, size=32)
    with pytest.raises(RuntimeError, match=r"alpha 0.33.*the alpha that it was made for"):
        unet_helpers.mobilenetv2_unet(2, path, 0.33, size=32)


def test_unreachable_imagenet_weights_are_named_with_the_way_out(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9"
    code = "import unet_helpers; unet_helpers.mobilenetv2_unet(2, 'imagenet', 0.35)"
    done = python(code, KERAS_HOME=str(tmp_path), https_proxy=nowhere, http_proxy=nowhere)
    assert done.returncode and "RuntimeError: Cannot load the weights imagenet" in done.stderr
    assert "with a network, or set COURSE_DATA=sample." in done.stderr


@pytest.mark.parametrize("size", [100, 16, 0.5])
def test_sizes_that_mobilenetv2_cannot_halve_are_refused(size: float) -> None:
    with pytest.raises(ValueError, match=f"size {size} cannot be halved 5 times.*multiple of 32"):
        unet_helpers.mobilenetv2_unet(2, None, 0.35, size=size)


def test_pictures_without_three_channels_are_refused_by_the_network() -> None:
    model = unet_helpers.mobilenetv2_unet(2, None, 0.35, (4, 4, 4, 4, 4), 32)
    with pytest.raises(ValueError, match=r"\(None, 32, 32, 3\).*\(1, 32, 32, 4\)"):
        model.predict_on_batch(np.zeros((1, 32, 32, 4), "float32"))


def test_each_profile_has_its_encoder(monkeypatch) -> None:
    monkeypatch.setattr(unet_helpers, "DATA", ROOT / "data")
    assert FULL.encoder == {"weights": "imagenet", "alpha": 1.0}
    assert SAMPLE.encoder["weights"].stat().st_size < 2_500_000
    model = unet_helpers.mobilenetv2_unet(2, **SAMPLE.encoder)
    fresh = unet_helpers.mobilenetv2_unet(2, None, 0.35)
    pairs = zip(*(m.get_layer("encoder").get_weights() for m in (model, fresh)), strict=True)
    assert not any(np.array_equal(*pair) for pair in pairs)


# ---------------------------------------------------------------------------------- training


def reference_loss(masks: np.ndarray, logits: np.ndarray) -> np.ndarray:
    logits = logits.astype("float64") - logits.max(-1, keepdims=True)
    logarithms = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    truth = np.eye(logits.shape[-1])[masks[..., 0]]
    regions = [
        (2 * (truth[..., c] * np.exp(logarithms[..., c])).sum() + 1)
        / ((truth[..., c] + np.exp(logarithms[..., c])).sum() + 1)
        for c in range(logits.shape[-1])
    ]
    return -(truth * logarithms).sum(-1) + 1 - np.mean(regions)


@given(st.integers(2, 4), st.integers(0, 2**32 - 1), st.sampled_from([0.1, 3.0, 1e4]))
@settings(max_examples=20, deadline=None)
def test_loss_agrees_with_numpy_and_has_a_finite_gradient(
    classes: int, seed: int, scale: float
) -> None:
    generator = np.random.default_rng(seed)
    masks = generator.integers(0, classes, (2, 4, 5, 1))
    logits = tf.constant(scale * generator.normal(size=(2, 4, 5, classes)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = unet_helpers.segmentation_loss(tf.constant(masks), logits)
        total = tf.reduce_mean(loss)
    np.testing.assert_allclose(loss, reference_loss(masks, logits.numpy()), rtol=1e-4, atol=1e-4)
    assert np.isfinite(tape.gradient(total, logits)).all()
    perfect = 1e4 * tf.one_hot(masks[..., 0], classes)
    np.testing.assert_allclose(unet_helpers.segmentation_loss(masks, perfect), 0, atol=1e-5)


# -------------------------------------------------------------------------------- evaluation

confusions = (
    st.integers(2, 4)
    .flatmap(
        lambda classes: stnp.arrays(np.int64, (classes, classes), elements=st.integers(0, 10**9))
    )
    .filter(lambda confusion: confusion.sum() > 0)
)


def test_confusion_matrix_counts_pairs() -> None:
    generator = np.random.default_rng(0)
    mask, guess = generator.integers(0, 3, (2, 2, 4, 5)).astype("uint8")
    expected = [[((mask == t) & (guess == g)).sum() for g in range(3)] for t in range(3)]
    np.testing.assert_array_equal(unet_helpers.confusion_matrix(mask, guess, PETS), expected)


@pytest.mark.parametrize(
    ("mask", "guess", "complaint"),
    [
        (np.zeros((4, 5, 1), int), np.zeros((4, 5), int), r"shape: \(4, 5, 1\), \(4, 5\)"),
        (np.zeros((2, 4, 5), int), np.zeros((4, 5), int), r"shape: \(2, 4, 5\), \(4, 5\)"),
        (np.full((4, 5), 3), np.zeros((4, 5), int), r"mask holds \[3\], but pets has 0..2"),
        (np.zeros((4, 5), int), np.full((4, 5), -1), r"prediction holds \[-1\], but pets has"),
        (np.full((4, 5), 255), np.zeros((4, 5), int), r"mask holds \[255\], but pets has"),
        (np.zeros((4, 5), int), np.full((4, 5), 0.5), r"prediction holds \[0.5\], but pets has"),
    ],
)
def test_what_cannot_be_counted_is_refused(mask, guess, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        unet_helpers.confusion_matrix(mask, guess, PETS)


@given(confusions, st.randoms())
def test_measures_keep_their_laws(confusion: np.ndarray, random) -> None:
    order = random.sample(range(len(confusion)), len(confusion))
    renamed = confusion[np.ix_(order, order)]
    union = unet_helpers.iou(confusion)
    overlap = unet_helpers.dice(confusion)
    absent = (confusion.sum(0) + confusion.sum(1)) == 0
    np.testing.assert_array_equal(np.isnan(union), absent)
    np.testing.assert_array_equal(np.isnan(overlap), absent)
    assert ((union >= 0) & (union <= 1) | absent).all()
    assert ((overlap >= union - 1e-12) & (overlap <= 1) | absent).all()
    assert 0 <= unet_helpers.accuracy(confusion) <= 1
    assert 0 <= unet_helpers.mean_iou(confusion) <= 1
    np.testing.assert_allclose(unet_helpers.iou(renamed), union[order])
    np.testing.assert_allclose(unet_helpers.dice(renamed), overlap[order])
    np.testing.assert_allclose(unet_helpers.mean_iou(renamed), unet_helpers.mean_iou(confusion))
    np.testing.assert_allclose(unet_helpers.accuracy(renamed), unet_helpers.accuracy(confusion))
    np.testing.assert_allclose(unet_helpers.iou(confusion.T), union)  # truth and prediction swap
    perfect = np.diag(confusion.sum(1))
    assert unet_helpers.accuracy(perfect) == unet_helpers.mean_iou(perfect) == 1
    pair = np.stack([confusion, perfect])
    np.testing.assert_allclose(unet_helpers.iou(pair), [union, unet_helpers.iou(perfect)])


@given(st.integers(2, 4), st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_evaluation_agrees_with_counting_pixels_and_with_keras(classes: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    task = Task("toy", tuple("abcd"[:classes]), ("red",) * classes)
    truth = [generator.integers(0, classes, (n, 4, 4, 1)).astype("int32") for n in (3, 2)]
    logits = [generator.normal(size=(n, 4, 4, classes)) for n in (3, 2)]
    data = [(tf.zeros((len(masks), 4, 4, 3)), tf.constant(masks)) for masks in truth]
    batches = iter(logits)
    model = SimpleNamespace(
        name="fixed",
        output_shape=(None, 4, 4, classes),
        distribute_strategy=tf.distribute.get_strategy(),
        predict_on_batch=lambda images: next(batches),
    )
    result = unet_helpers.evaluate(model, data, task)
    counted = np.zeros((5, classes, classes), int)
    picture = 0
    for masks, scores in zip(truth, logits, strict=True):
        for mask, score in zip(masks, scores, strict=True):
            for row in range(4):
                for column in range(4):
                    best = max(range(classes), key=lambda c: score[row, column, c])
                    counted[picture, mask[row, column, 0], best] += 1
            picture += 1
    np.testing.assert_array_equal(result.confusion, counted)
    assert result.size == 4
    metric = keras.metrics.MeanIoU(classes, sparse_y_pred=False)
    for masks, scores in zip(truth, logits, strict=True):
        metric.update_state(masks, scores)
    assert result.summary["mean IoU"] == pytest.approx(float(metric.result()), abs=1e-6)
    assert list(result.summary) == ["mean IoU", *task.classes, "accuracy"]
    right = np.trace(counted.sum(0)) / (5 * 16)
    assert result.summary["accuracy"] == pytest.approx(right)


def test_a_model_that_answers_with_nan_is_refused() -> None:
    model = tiny_model()
    model.layers[-1].bias.assign([0, np.nan, 0])
    with pytest.raises(ValueError, match="model tiny answers with NaN: train it anew"):
        unet_helpers.evaluate(model, prepared(2), PETS)


def test_evaluating_on_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="No picture of pets to evaluate on: check the split's"):
        unet_helpers.evaluate(tiny_model(), prepared(2).take(0), PETS)


def scattered(count: int, seed: int = 0) -> Evaluation:
    """Pictures that differ in how well they were segmented."""
    generator = np.random.default_rng(seed)
    confusion = generator.integers(0, 100, (count, 3, 3)) + 300 * np.eye(3, dtype=int)
    return Evaluation(PETS, confusion, 16)


MEASURES = [unet_helpers.iou, unet_helpers.dice, unet_helpers.mean_iou, unet_helpers.accuracy]


@pytest.mark.parametrize("measure", MEASURES)
def test_intervals_hold_the_value_and_shrink_with_more_pictures(measure: Callable) -> None:
    widths = []
    for count in (20, 320):
        result = scattered(count)
        low, high = result.interval(measure)
        value = measure(result.confusion.sum(0))
        assert (low < value).all() and (value < high).all()
        widths.append(np.max(high - low))
    assert widths[1] < 0.5 * widths[0]


def test_resampling_is_paired_between_evaluations_of_the_same_pictures() -> None:
    one = scattered(30)
    better = one.confusion + 50 * np.eye(3, dtype=int)
    other = Evaluation(PETS, better, 16)
    gain = other.bootstrap(unet_helpers.mean_iou) - one.bootstrap(unet_helpers.mean_iou)
    assert gain.shape == (2000,) and (gain > 0).all()
    np.testing.assert_array_equal(
        one.bootstrap(unet_helpers.iou, 7), one.bootstrap(unet_helpers.iou, 7)
    )
    single = Evaluation(PETS, one.confusion[:1], 16)
    assert np.ptp(single.bootstrap(unet_helpers.mean_iou)) == 0


def test_bootstrap_agrees_with_resampling_by_hand() -> None:
    result = scattered(25)
    generator = np.random.default_rng(5)
    draws = [
        unet_helpers.mean_iou(result.confusion[generator.integers(0, 25, 25)].sum(0))
        for _ in range(2000)
    ]
    expected = np.percentile(draws, (2.5, 97.5))
    np.testing.assert_allclose(result.interval(unet_helpers.mean_iou), expected, atol=2e-3)


def test_evaluation_displays_its_figures_and_conventions() -> None:
    result = scattered(12)
    lines = result._repr_markdown_().splitlines()
    pooled = result.confusion.sum(0)
    for name, value in zip(PETS.classes, unet_helpers.iou(pooled), strict=True):
        (line,) = [line for line in lines if line.startswith(f"| {name} |")]
        low, high = [float(part) for part in line.split("|")[3].split("to")]
        assert f"{value:.3f}" in line and low <= value <= high
    assert any("mean IoU" in line and f"{result.summary['mean IoU']:.3f}" in line for line in lines)
    assert "pixels of 12 pictures at 16x16" in lines[-1] and "intervals over pictures" in lines[-1]


# ------------------------------------------------------------------------------------- plots


def page(things: Sequence[object]) -> str:
    """Displayed objects as nbconvert shows them."""
    outputs = []
    for thing in things:
        if hasattr(thing, "_repr_mimebundle_") and not hasattr(thing, "_repr_markdown_"):
            data, metadata = thing._repr_mimebundle_()
        else:
            data, metadata = {"text/markdown": thing._repr_markdown_()}, {}
        outputs.append(new_output("display_data", data, metadata=metadata))
    body, _ = HTMLExporter(template_name="classic").from_notebook_node(
        new_notebook(cells=[new_code_cell("x", outputs=outputs)])
    )
    return body


def picture_of(shown: Sequence[object]) -> Image.Image:
    data, _ = shown[0]._repr_mimebundle_()
    (content,) = (value for kind, value in data.items() if kind.startswith("image/"))
    return Image.open(io.BytesIO(base64.b64decode(content)))


def test_figures_have_caption_alt_text_and_the_width_of_a_page(shown) -> None:
    figure, axes = unet_helpers.plt.subplots(figsize=(9, 2))
    axes.imshow(np.random.default_rng(0).random((8, 8, 3)))
    unet_helpers.show(figure, caption="Noise of *three* colours.", alt="A field of noise & more")
    metadata = shown[0]._repr_mimebundle_()[1]
    assert metadata["image/jpeg"] == {"alt": "A field of noise & more", "width": 900}
    picture = picture_of(shown)
    assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (1350, 300))
    assert shown[1].data == "*Noise of *three* colours.*"
    assert 'alt="A field of noise &amp; more"' in page(shown)
    assert not unet_helpers.plt.get_fignums(), "figures must not pile up in memory"
    figure = unet_helpers.plt.figure(figsize=(9.5, 2))
    with pytest.raises(ValueError, match="is 9.5 inches wide, a page only 9"):
        unet_helpers.show(figure, caption="", alt="")
    unet_helpers.plt.close(figure)


def test_charts_have_a_palette_and_white_is_white(shown) -> None:
    figure, axes = unet_helpers.plt.subplots(figsize=(4, 2))
    for colour in ("#8E44AD", "#D55E00", "#0072B2", "#009E73", "#CC79A7"):
        axes.plot(np.random.default_rng(len(axes.lines)).random(20), color=colour, linewidth=9)
    shades = io.BytesIO()
    figure.savefig(shades, dpi=150)
    assert len(Image.open(shades).convert("RGB").getcolors(10**6)) > 256
    unet_helpers.show(figure, caption="", alt="five lines")
    picture = picture_of(shown)
    assert (picture.format, picture.mode) == ("PNG", "P")
    colours = {colour: count for count, colour in picture.convert("RGB").getcolors(10**6)}
    assert max(colours, key=colours.get) == (255, 255, 255)
    assert (142, 68, 173) in colours


@pytest.mark.parametrize("count", [1, 3, 8])
@pytest.mark.parametrize("predicted", [False, True])
def test_pictures_of_different_sizes_stand_side_by_side(shown, count, predicted: bool) -> None:
    made = [
        examples(count, shape)[n]
        for n, shape in zip(range(count), [(20, 30), (40, 24)] * 4, strict=False)
    ]
    masks = [example["segmentation_masks"][..., 0] for example in made]
    unet_helpers.show_pictures(
        [example["images"] for example in made],
        masks,
        PETS,
        predictions=masks if predicted else (),
        titles=[f"disc {n}" for n in range(count)],
        caption="Discs.",
        alt="Discs with rims.",
    )
    picture = picture_of(shown)
    assert picture.width <= 1350
    colours = {colour for _, colour in picture.getcolors(10**6)}
    for colour in PETS.colours:  # every class is seen in its own colour
        assert near(colour, colours), colour


def near(colour: str, colours: set[tuple[int, ...]]) -> bool:
    wanted = np.array(to_rgb(colour)) * 255
    return min(np.abs(np.array(c) - wanted).max() for c in colours) < 24


def titles_of(monkeypatch) -> list[str]:
    titles: list[str] = []

    def show(figure, **_: object) -> None:
        titles.extend(axis.get_title() for axis in figure.axes)

    monkeypatch.setattr(unet_helpers, "show", show)
    return titles


def test_pictures_show_the_score_of_each_prediction(monkeypatch) -> None:
    titles = titles_of(monkeypatch)
    example = examples(1)[0]
    mask = example["segmentation_masks"][..., 0]
    wrong = np.where(mask == 2, 1, mask)
    images, options = [example["images"]] * 2, {"caption": "", "alt": "two"}
    unet_helpers.show_pictures(images, [mask] * 2, PETS, predictions=[mask, wrong], **options)
    confusion = np.zeros((3, 3))
    np.add.at(confusion, (mask, wrong), 1)
    expected = unet_helpers.mean_iou(confusion)
    assert "mean IoU 1.00" in titles and f"mean IoU {expected:.2f}" in titles
    with pytest.raises(ValueError):
        unet_helpers.show_pictures(images, [mask], PETS, **options)


def test_errors_are_shown_in_three_colours_with_their_scores(monkeypatch, shown) -> None:
    image, mask = np.full((8, 8, 3), 99, "uint8"), np.zeros((8, 8), int)
    mask[:4] = 1
    guess, options = np.roll(mask, 2, axis=0), {"caption": "", "alt": "bars"}
    drawn = figures.error_map(image, mask == 1, guess == 1)
    wanted = [np.multiply(255, to_rgb(colour)).astype(int) for colour in figures.ERRORS.values()]
    assert [drawn[row, 0].tolist() for row in (2, 4, 0)] == [c.tolist() for c in wanted]
    assert len(set(drawn[6, 0].tolist())) == 1, "what is rightly background is grey"
    unet_helpers.show_errors([image], [mask], {"before": [guess]}, FIRE, **options)
    assert picture_of(shown).height > 0
    titles = titles_of(monkeypatch)
    rows = {"before": [guess] * 2, "after": [mask] * 2}
    unet_helpers.show_errors([image] * 2, [mask, 0 * mask], rows, FIRE, **options)
    assert titles[2:] == ["fire IoU 0.33", "fire IoU 0.00", "fire IoU 1.00", "fire IoU 0.00"]


def test_history_is_drawn_with_the_kept_epoch(shown) -> None:
    keys = ("loss", "mean_iou", "val_loss", "val_mean_iou")
    history = {"epoch": [1, 2, 3]} | {key: [0.5, 0.7, 0.6] for key in keys}
    figure = figures.curves(history)
    kept = [line for line in figure.axes[1].lines if line.get_label() == "kept"]
    assert [line.get_xydata().tolist() for line in kept] == [[[2.0, 0.7]]]
    unet_helpers.show_history(history, caption="Curves.", alt="Two curves.")
    assert picture_of(shown).width <= 1350 and len(shown) == 2


def test_a_network_is_drawn_with_and_without_what_its_stages_take(shown) -> None:
    words = dict.fromkeys(("stage", "down", "skip", "up", "end"), "what happens")
    stages = {"one": ((8, 8, 3), (8, 8, 4)), "two": (None, (4, 4, 8))}
    stages |= {"three": ((8, 8, 8), (8, 8, 4))}
    ends = np.zeros((8, 8, 3), "uint8"), np.zeros((8, 8), int)
    unet_helpers.show_network(stages, words, *ends, PETS, 1234, caption="A U.", alt="A small U.")
    assert picture_of(shown).width == 1350


@pytest.mark.parametrize("shape", [(30, 20), (64, 1500), (40, 40)])
def test_a_picture_of_ones_own_is_answered_at_its_proportions(shown, tmp_path, shape) -> None:
    pixels = np.full((*shape, 3), 60, "uint8")
    Image.fromarray(pixels).save(tmp_path / "own.png")
    image, mask = unet_helpers.segment(tiny_model(), tmp_path / "own.png")
    share = min(1, 1024 / max(shape))
    assert image.shape[:2] == mask.shape == tuple(round(share * side) for side in shape)
    assert image.dtype == np.uint8 and (image == 60).all()
    assert mask.max() < len(PETS.classes)
    Image.fromarray(np.full(shape, 60 * 257, "uint16")).save(tmp_path / "deep.png")
    assert (unet_helpers.segment(tiny_model(), tmp_path / "deep.png")[0] > 59).all()
    unet_helpers.show_answer(image, mask, PETS, caption="Grey.", alt="A grey picture.")
    assert picture_of(shown).width <= 1350


def test_what_is_no_picture_gets_a_sentence(tmp_path) -> None:
    (tmp_path / "letter.txt").write_text("Dear reader")
    with pytest.raises(ValueError, match=r"letter.txt: cannot be read"):
        unet_helpers.segment(tiny_model(), tmp_path / "letter.txt")


def test_tables_are_markdown() -> None:
    rows = [
        {"model": "U-Net", "IoU": np.float32(0.81249), "pixels": np.int64(3000), "gain": "+0.2"},
        {"model": "b", "IoU": 1.0, "pixels": 12, "gain": ""},
    ]
    assert unet_helpers.table(rows).data.splitlines() == [
        "| model | IoU | pixels | gain |",
        "| :-- | --: | --: | --: |",
        "| U-Net | 0.812 | 3,000 | +0.2 |",
        "| b | 1.000 | 12 |  |",
    ]
    assert "<td" in page([unet_helpers.table(rows)])
