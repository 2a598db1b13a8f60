"""The data that ship: form, counts, labels, sizes, what the card says, and the script behind it."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

import draw_sample
import measure_sample
import notebooks
import unet_helpers
from unet_helpers import Course

DATA = Path(draw_sample.__file__).parent
CARD = DATA / "README.md"
PETS, FIRE = "sketch_pets", "sketch_fire"
COUNTS = [(PETS, "train", 480), (PETS, "test", 160), (FIRE, "train", 360), (FIRE, "test", 120)]
SPLITS = [(dataset, part) for dataset, part, _ in COUNTS]

# What features.json of oxford_iiit_pet:4.0.0 says, a literal copy; only the number of breeds differs.
FEATURES = {
    "file_name": {
        "pythonClassName": "tensorflow_datasets.core.features.text_feature.Text",
        "text": {},
    },
    "head_bbox": {
        "boundingBox": {
            "bboxFormat": "REL_YXYX",
            "dtype": "float32",
            "shape": {"dimensions": ["4"]},
        },
        "pythonClassName": "tensorflow_datasets.core.features.bounding_boxes.BBoxFeature",
    },
    "image": {
        "image": {
            "dtype": "uint8",
            "encodingFormat": "jpeg",
            "shape": {"dimensions": ["-1", "-1", "3"]},
        },
        "pythonClassName": "tensorflow_datasets.core.features.image_feature.Image",
    },
    "label": {
        "classLabel": {"numClasses": "37"},
        "pythonClassName": "tensorflow_datasets.core.features.class_label_feature.ClassLabel",
    },
    "segmentation_mask": {
        "image": {
            "dtype": "uint8",
            "shape": {"dimensions": ["-1", "-1", "1"]},
            "useColormap": True,
        },
        "pythonClassName": "tensorflow_datasets.core.features.image_feature.Image",
    },
    "species": {
        "classLabel": {"numClasses": "2"},
        "pythonClassName": "tensorflow_datasets.core.features.class_label_feature.ClassLabel",
    },
}


@cache
def records(part: str) -> list[dict[str, np.ndarray]]:
    """The records of a split of the pets, decoded by TFDS."""
    builder = tfds.builder_from_directory(DATA / PETS / "1.0.0")
    config = tfds.ReadConfig(try_autocache=False)
    return list(tfds.as_numpy(builder.as_dataset(split=part, read_config=config)))


@cache
def shipped(dataset: str, part: str) -> dict[str, tuple[bytes, bytes]]:
    """The JPEG and PNG bytes of every picture of a split, by name."""
    return draw_sample.shipped(dataset, part)


def test_features_are_those_of_the_real_pets() -> None:
    path = DATA / PETS / "1.0.0/features.json"
    features = json.loads(path.read_text(encoding="utf-8"))["featuresDict"]["features"]
    breeds = int(features["label"]["classLabel"].pop("numClasses"))
    expected = json.loads(json.dumps(FEATURES))
    del expected["label"]["classLabel"]["numClasses"]
    assert features == expected
    assert breeds >= 12
    species = (DATA / PETS / "1.0.0/species.labels.txt").read_text(encoding="utf-8").split()
    assert species == ["Cat", "Dog"], "the real pets' names"
    info = tfds.builder_from_directory(DATA / PETS / "1.0.0").info
    assert (info.name, str(info.version)) == (PETS, "1.0.0")
    assert set(info.splits) == {"train", "test"}


@pytest.mark.parametrize(("dataset", "part", "least"), COUNTS)
def test_there_are_enough_pictures_and_none_twice(dataset: str, part: str, least: int) -> None:
    files = shipped(dataset, part)
    assert len(files) >= least
    pictures = [
        jpeg
        for both in (shipped(dataset, p) for p in ("train", "test"))
        for jpeg, _ in both.values()
    ]
    assert len(set(pictures)) == len(pictures), "a picture occurs twice"


def test_the_sample_is_small() -> None:
    paths = [path for name in (PETS, FIRE) for path in (DATA / name).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in paths) <= 12_000_000


@pytest.mark.parametrize(("dataset", "part"), SPLITS)
def test_every_picture_decodes_and_fits_its_mask(dataset: str, part: str) -> None:
    allowed = {1, 2, 3} if dataset == PETS else {0, 1}
    values, sizes, empty = Counter(), Counter(), 0
    for name, (jpeg, png) in shipped(dataset, part).items():
        image, mask = Image.open(io.BytesIO(jpeg)), Image.open(io.BytesIO(png))
        assert (image.format, image.mode, mask.format, mask.mode) == ("JPEG", "RGB", "PNG", "L"), (
            name
        )
        assert image.size == mask.size, name
        pixels = np.asarray(image)
        assert pixels.std() > 5, f"{name} shows nothing"
        labels = set(np.unique(np.asarray(mask)).tolist())
        assert labels <= allowed, name
        assert dataset == FIRE or {1, 3} <= labels, f"{name} shows no pet, or one without border"
        empty += labels == {0}
        values.update(labels)
        sizes[image.size] += 1
    assert set(values) == allowed
    assert len(sizes) >= 20, "sizes vary"
    if dataset == PETS:
        assert not [size for size in sizes if size[0] == size[1]], "a square hides mix-ups of axes"
        assert 150 <= min(map(min, sizes)) and max(map(max, sizes)) <= 320
        assert {size[0] > size[1] for size in sizes} == {True, False}
    else:
        assert 0.02 < empty / sum(sizes.values()) < 0.5, "some pictures without fire"


@pytest.mark.parametrize("part", ["train", "test"])
def test_pets_are_labelled(part: str) -> None:
    folder = DATA / PETS / "1.0.0"
    breeds = (folder / "label.labels.txt").read_text(encoding="utf-8").split()
    seen, species, hidden = Counter(), {}, 0
    for record in records(part):
        height, width = record["image"].shape[:2]
        name = record["file_name"].decode()
        breed = breeds[record["label"]]
        assert name.startswith(f"{breed}_{part}_") and name.endswith(".jpg")
        seen[breed] += 1
        species.setdefault(breed, set()).add(int(record["species"]))
        top, left, bottom, right = record["head_bbox"]
        assert 0 <= top < bottom <= 1 and 0 <= left < right <= 1, name
        rows = slice(int(top * height), int(np.ceil(bottom * height)))
        columns = slice(int(left * width), int(np.ceil(right * width)))
        head = record["segmentation_mask"][rows, columns]
        assert (head != 2).any(), f"{name}: the head's box shows background alone"
        hidden += not (head == 1).any()
    assert hidden <= 0.01 * len(records(part)), "few heads are hidden by something before them"
    assert set(seen) == set(breeds) and len(set(seen.values())) == 1, "as many of each breed"
    assert all(len(kinds) == 1 for kinds in species.values())
    assert set.union(*species.values()) == {0, 1}
    # As in the original, names of cats begin with a capital letter.
    assert all(breed[0].isupper() == (species[breed] == {0}) for breed in breeds)


@pytest.mark.parametrize("part", ["train", "test"])
def test_fires_lie_in_pairs_in_the_folders_of_fireseg(part: str) -> None:
    images = {path.name for path in (DATA / FIRE / f"images_prepped_{part}").iterdir()}
    masks = {path.name for path in (DATA / FIRE / f"annotations_prepped_{part}").iterdir()}
    assert all(re.fullmatch(r"img\(\d+\)\.jpg", name) for name in images)
    assert {name.replace(".jpg", ".png") for name in images} == masks
    assert {path.name for path in (DATA / FIRE).iterdir()} == {
        f"{kind}_prepped_{split}"
        for kind in ("images", "annotations")
        for split in ("train", "test")
    }


def test_the_helper_loads_the_sample() -> None:
    course = Course("sample", 7)
    for load, names in ((unet_helpers.load_pets, PETS), (unet_helpers.load_fire, FIRE)):
        splits = load(course)
        sizes = {name: len(split) for name, split in splits.items()}
        assert sizes["train"] + sizes["validation"] == len(shipped(names, "train"))
        assert sizes["test"] == len(shipped(names, "test"))
        assert sizes["validation"] == round(0.125 * len(shipped(names, "train")))
    pets = unet_helpers.load_pets(course)
    held_out = {
        name.numpy().decode().rsplit("_", 2)[0]
        for name in pets["validation"].map(lambda e: e["names"])
    }
    assert len(held_out) >= 12, "validation holds many breeds"


def test_the_card_says_what_the_script_measures() -> None:
    card = (DATA / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (.+?) \| (.+) \|$", card, re.MULTILINE))
    for name, value in measure_sample.inventory().items():
        assert rows.get(name) == value, f"python data/measure_sample.py --update-card ({name})"
    assert "CC BY 4.0" in card and (DATA / PETS / "1.0.0/LICENSE").is_file()


@pytest.mark.parametrize(("dataset", "part"), SPLITS)
def test_what_ships_is_what_the_script_draws(dataset: str, part: str) -> None:
    """The first, the middle and the last picture; `draw_sample.py --check` redraws all."""
    count = draw_sample.COUNTS[dataset][part]
    files = shipped(dataset, part)
    assert len(files) == count
    for index in (0, count // 2, count - 1):
        drawn = draw_sample.draw((dataset, part, index))
        assert draw_sample.difference(drawn, files.get(drawn.name)) is None, drawn.name


def test_the_check_finds_what_differs(monkeypatch, capsys) -> None:
    true = {place: shipped(*place) for place in SPLITS}
    first = {place: dict(list(files.items())[:1]) for place, files in true.items()}
    one = {dataset: dict.fromkeys(("train", "test"), 1) for dataset in (PETS, FIRE)}
    drawn = {place: draw_sample.draw((*place, 0)) for place in SPLITS}
    first = {place: {drawn[place].name: true[place][drawn[place].name]} for place in SPLITS}
    monkeypatch.setattr(draw_sample, "COUNTS", one)
    monkeypatch.setattr(draw_sample, "draw_split", lambda *place: [drawn[place[:2]]])
    monkeypatch.setattr(draw_sample, "shipped", lambda *place: dict(first[place]))
    assert draw_sample.check(1) == 0 and "1 pictures agree" in capsys.readouterr().out
    place = (FIRE, "test")
    name, (jpeg, png) = next(iter(first[place].items()))
    other_jpeg, other_png = true[place][next(n for n in true[place] if n != name)]
    flipped = io.BytesIO()
    Image.fromarray(1 - np.asarray(Image.open(io.BytesIO(png)))).save(flipped, "png")
    for files, complaint in (
        ({}, f"{name} is missing"),
        ({name: (other_jpeg, other_png)}, name),
        ({name: (jpeg, flipped.getvalue())}, f"{name} has another mask"),
        ({name: (jpeg, png), "stray": (jpeg, png)}, "stray ships but is not drawn"),
    ):
        first[place] = files
        assert draw_sample.check(1) == 1
        assert complaint in capsys.readouterr().out


@pytest.mark.parametrize(("name", "load"), [("fire", "load_fire"), ("pets", "load_pets")])
def test_networks_that_ship_score_what_the_card_says(name: str, load: str) -> None:
    path, task = DATA / "networks" / f"{name}_unet.keras", unet_helpers.__dict__[name.upper()]
    network = unet_helpers.keras.models.load_model(path)
    split = getattr(unet_helpers, load)(Course("sample", 7))["test"]
    test = unet_helpers.prepare(split, task)
    scores = unet_helpers.evaluate(network, test, task).summary
    said = re.search(
        rf"\| {path.name}, \d+ test drawings \| mean IoU (0\.\d+)", CARD.read_text("utf-8")
    )
    assert scores["mean IoU"] == pytest.approx(float(said[1]), abs=2e-3)
    if name == "fire":
        lesson = notebooks.read(notebooks.find(["01"])[0])
        text = next(cell.source for cell in lesson.cells if cell.id == "first-look-read")
        assert scores["fire"] > float(
            re.search(r"all 120 test drawings it is above (0\.\d+)", text)[1]
        )


def test_networks_that_ship_are_small() -> None:
    files = [*(DATA / "networks").iterdir()]
    assert {path.name for path in files} == {"fire_unet.keras", "pets_unet.keras"}
    assert sum(path.stat().st_size for path in files) <= 4_000_000
