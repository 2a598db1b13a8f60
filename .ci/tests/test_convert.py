"""data/convert.py: folders of other tools become pairs that `load_folder` reads."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from toys import ROOT, SHARED, store

from data import convert as tool

OWN = SHARED / "own"
SHAPE = (30, 40)


def picture(path: Path, shape: tuple[int, int] = SHAPE, **options: object) -> Path:
    pixels = np.random.default_rng(len(path.name)).integers(0, 256, (*shape, 3), "uint8")
    return store(path.parent, path.name, pixels, **options)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def converted(source: Path, form: str, classes: Path | None = None) -> dict[str, np.ndarray]:
    """Masks by name; the source stays as it was, and pictures keep their bytes."""
    before, out = contents(source), source.parent / "plain"
    found = tool.convert(source, out, form, classes)
    assert contents(source) == before
    assert (out / "classes.txt").read_text().splitlines() == found.classes
    masks = {path.name: np.asarray(Image.open(path)) for path in (out / "masks").iterdir()}
    pictures = {path.stem: path.read_bytes() for path in (out / "images").iterdir()}
    assert pictures.keys() == {Path(name).stem for name in masks}
    assert set(pictures.values()) <= set(before.values()) or form == "labelme"
    return masks


def refused(source: Path, form: str, classes: Path | None = None) -> str:
    before, out = contents(source), source.parent / "plain"
    with pytest.raises((ValueError, FileNotFoundError)) as problem:
        tool.convert(source, out, form, classes)
    assert contents(source) == before and [*out.parent.iterdir()] == [source]
    return str(problem.value)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    return tmp_path / "source"


# LabelMe --------------------------------------------------------------------------------------


def polygon(label: str, *corners: tuple[float, float], kind: str = "polygon", **more) -> dict:
    return {"label": label, "points": corners, "shape_type": kind} | more


def annotate(source: Path, name: str, *shapes: dict, **more: object) -> Path:
    content = {"imagePath": f"{name}.jpg", "imageHeight": 30, "imageWidth": 40, "shapes": shapes}
    (source / f"{name}.json").write_text(json.dumps(content | more))
    return picture(source / f"{name}.jpg")


SQUARE = (10, 5), (19, 5), (19, 14), (10, 14)


def test_labelme_draws_shapes_in_their_order(source: Path) -> None:
    inner = polygon("eye", (12, 7), (15, 7), (15, 10), (12, 10))
    annotate(source, "a", polygon("cat", *SQUARE), inner, polygon("__ignore__", *SQUARE[:3]))
    annotate(source, "b", inner, polygon("cat", *SQUARE))
    masks = converted(source, "labelme")
    assert (source.parent / "plain/classes.txt").read_text() == "background\ncat\neye\n"
    expected = np.zeros(SHAPE, int)
    expected[5:15, 10:20] = 1
    assert (masks["b.png"] == expected).all(), "what comes later covers what came before"
    probes = {(6, 18): 255, (13, 11): 1, (10, 12): 2, (7, 15): 255, (0, 0): 0}
    assert {place: masks["a.png"][place] for place in probes} == probes


def test_labelme_knows_its_other_shapes(source: Path) -> None:
    stencil = io.BytesIO()
    Image.fromarray(np.eye(3, dtype=bool)).save(stencil, "png")
    code = base64.b64encode(stencil.getvalue()).decode()
    annotate(
        source,
        "a",
        polygon("box", (3, 12), (8, 2), kind="rectangle"),
        polygon("ball", (30, 15), (33, 19), kind="circle"),
        polygon("bits", (20, 20), (22, 22), kind="mask", mask=code),
    )
    mask = converted(source, "labelme")["a.png"]
    ball, bits, box = (mask == number for number in (1, 2, 3))
    assert box.sum() == box[2:13, 3:9].sum() == 66
    rows, columns = np.nonzero(ball)
    assert np.hypot(rows - 15, columns - 30).max() < 6 and ball.sum() > 75
    assert np.argwhere(bits).tolist() == [[20, 20], [21, 21], [22, 22]]


def test_labelme_takes_the_picture_from_its_file_where_it_is_missing(source: Path) -> None:
    file = annotate(source, "a", polygon("cat", *SQUARE), imagePath="..\\photos\\a.jpg")
    assert converted(source, "labelme").keys() == {"a.png"}, "beside the file, whatever its path"
    content = file.read_bytes()
    file.unlink()
    clear(source)
    assert "its picture a.jpg is missing" in refused(source, "labelme")
    annotate(source, "a", imageData=base64.b64encode(content).decode()).unlink()
    assert converted(source, "labelme").keys() == {"a.png"}
    assert (source.parent / "plain/images/a.jpg").read_bytes() == content


def clear(source: Path) -> None:
    tool.shutil.rmtree(source.parent / "plain", ignore_errors=True)


@pytest.mark.parametrize(
    ("shapes", "more", "complaint"),
    [
        ([polygon("cat", (1, 1), (2, 2))], {}, "a polygon of cat with 2 points covers no area"),
        ([polygon("cat", (1, 1), (2, 2), kind="line")], {}, "a line of cat with 2 points"),
        ([], {"imageHeight": 31}, r"says (31, 40) pixels, but a.jpg has (30, 40)"),
        ([polygon("cat", (1, 1), (2, float("nan")), (3, 9))], {}, "a corner that is no number"),
        ([{"points": []}], {}, "is no LabelMe file (KeyError: 'label')"),
    ],
)
def test_labelme_faults_name_the_file(source: Path, shapes, more, complaint: str) -> None:
    annotate(source, "a", *shapes, **more)
    annotate(source, "b", polygon("cat", *SQUARE))
    (line,) = refused(source, "labelme").splitlines()[1:]
    assert "a.json" in line and complaint in line


def test_labelme_classes_may_be_given_in_an_order(source: Path, tmp_path: Path) -> None:
    annotate(source, "a", polygon("cat", *SQUARE))
    names = tmp_path / "source" / "labels.txt"
    names.write_text("__ignore__\n_background_\ndog\ncat\n")
    assert set(np.unique(converted(source, "labelme", names)["a.png"])) == {0, 2}
    names.write_text("_background_\ndog\n")
    clear(source)
    assert "has labels that the classes lack: ['cat']" in refused(source, "labelme", names)


# COCO -----------------------------------------------------------------------------------------


def catalogue(source: Path, annotations: list[dict], **more: object) -> Path:
    for name in ("a.jpg", "sub/b.jpg"):
        picture(source / name)
    content = {
        "images": [
            {"id": 7, "file_name": "a.jpg", "height": 30, "width": 40},
            {"id": 8, "file_name": "sub/b.jpg", "height": 30, "width": 40},
        ],
        "categories": [
            {"id": 0, "name": "cat"},
            {"id": 3, "name": "eye"},
            {"id": 5, "name": "cat"},
        ],
        "annotations": [{"id": n, "image_id": 7} | each for n, each in enumerate(annotations)],
    }
    path = source / "_annotations.json"
    path.write_text(json.dumps(content | more))
    return path


def box(left: int, top: int, right: int, bottom: int) -> list[int]:
    return [left, top, right, top, right, bottom, left, bottom]


def test_coco_small_objects_cover_large_ones(source: Path) -> None:
    annotations = [
        {"category_id": 3, "segmentation": [box(12, 7, 15, 10)]},
        {"category_id": 5, "segmentation": [box(10, 5, 20, 15), box(30, 20, 35, 25)]},
        {"category_id": 0, "segmentation": {"size": [30, 40], "counts": [0, 30, 1170]}},
    ]
    catalogue(source, annotations)
    found = tool.convert(source, source.parent / "plain", "coco")
    assert found.classes == ["background", "cat", "eye"]
    assert any("2 categories are called cat" in line for line in found.remarks)
    assert any("1 pictures have no annotation" in line for line in found.remarks)
    expected = np.zeros(SHAPE, int)
    expected[5:15, 10:20] = expected[20:25, 30:35] = expected[:, 0] = 1
    expected[7:10, 12:15] = 2
    folder = source.parent / "plain/masks"
    assert (np.asarray(Image.open(folder / "a.png")) == expected).all()
    assert not np.asarray(Image.open(folder / "sub_b.png")).any()


@pytest.mark.parametrize(
    ("annotation", "complaint"),
    [
        ({"category_id": 9, "segmentation": [box(1, 1, 4, 4)]}, "no whole COCO file (KeyError: 9)"),
        ({"category_id": 3, "segmentation": []}, "a.jpg: annotation 0 has a box, but no outline"),
        ({"category_id": 3, "segmentation": [[1, 1, 4, 4]]}, "a part of fewer than 3 corners"),
    ],
)
def test_coco_faults_are_named(source: Path, annotation: dict, complaint: str) -> None:
    catalogue(source, [annotation])
    assert complaint in refused(source, "coco")


def test_coco_missing_pictures_are_named(source: Path) -> None:
    catalogue(source, [{"category_id": 3, "segmentation": [box(1, 1, 4, 4)]}])
    (source / "a.jpg").unlink()
    picture(source / "sub/b.jpg", (31, 40))
    text = refused(source, "coco")
    assert "a.jpg: this picture is missing" in text
    assert "b.jpg: has (31, 40) pixels, but _annotations.json says (30, 40)" in text


# VOC, colours, suffixes -----------------------------------------------------------------------


def test_voc_takes_numbers_and_leaves_the_palette(source: Path) -> None:
    values = np.zeros(SHAPE, "uint8")
    values[:9], values[9] = 2, 255
    mask = Image.fromarray(values, "P")
    mask.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0] + 759 * [0])
    (source / "SegmentationClass").mkdir()
    mask.save(source / "SegmentationClass/a.png")
    for name in ("a", "b"):
        picture(source / f"JPEGImages/{name}.jpg")
    masks = converted(source, "voc")
    assert (masks["a.png"] == values).all()
    (source / "class_names.txt").write_text("_background_\ncat\n")
    clear(source)
    assert "a.png: holds [2], but there are 2 class names" in refused(source, "voc")


def test_colours_become_numbers(source: Path, tmp_path: Path) -> None:
    painted = np.zeros((*SHAPE, 3), "uint8")
    painted[:9], painted[9:12] = (128, 0, 64), (1, 2, 3)
    picture(source / "images/a.jpg")
    store(source / "labels", "a.png", painted)
    text = refused(source, "colours")
    assert "0 0 0 class 0\n128 0 64 class 1\n1 2 3 class 2" in text
    table = source / "table.txt"
    table.write_text("0 0 0 ground\n128 0 64 cat\n1 2 3\tcat\n")
    assert (converted(source, "colours", table)["a.png"] == np.any(painted, -1)).all()
    table.write_text("ground, 0, 0, 0\ncat, 128, 0, 64\n")
    clear(source)
    assert "has 120 pixels of other colours, such as (1, 2, 3)" in refused(source, "colours", table)
    store(source / "labels", "a.jpg", painted)
    (source / "labels/a.png").unlink()
    assert "whose colours are not those that were drawn" in refused(source, "colours", table)


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_suffixes_go_and_jpeg_masks_are_cut_in_the_middle(source: Path, ending: str) -> None:
    values = np.zeros(SHAPE, "uint8")
    values[:16, :24] = 255
    for name in ("1", "2", "10"):
        picture(source / f"{name}.jpg")
        store(source, f"{name}_mask.{ending}", values)
    masks = converted(source, "suffix")
    assert masks.keys() == {"1.png", "2.png", "10.png"}
    assert all((mask == values // 255).all() for mask in masks.values())


def test_suffixes_of_label_masks_keep_their_numbers(source: Path, tmp_path: Path) -> None:
    values = np.zeros(SHAPE, "uint8")
    values[:16], values[16:20] = 1, 2
    picture(source / "1.jpg")
    store(source, "gt_1.png", values)
    text = refused(source, "suffix")
    assert "gt_1.png: holds [2], but there are 2 classes" in text
    names = source / "names.txt"
    names.write_text("ground\nroof\nroad\n")
    assert (converted(source, "suffix", names)["1.png"] == values).all()
    store(source, "gt_1.png", np.minimum(values, 1))
    clear(source)
    assert (converted(source, "suffix")["1.png"] == (values > 0)).all()


def test_masks_in_colour_are_sent_to_the_other_form(source: Path) -> None:
    picture(source / "1.jpg")
    painted = np.zeros((*SHAPE, 3), "uint8")
    painted[:5] = (255, 0, 0)
    store(source, "1_mask.jpg", painted, quality=95)
    assert "1_mask.jpg: is in colour (20% of its pixels): export PNG" in refused(source, "suffix")


def test_suffixes_of_masks_that_are_none(source: Path) -> None:
    picture(source / "1.jpg")
    store(source, "1_mask.jpg", np.full(SHAPE, 128, "uint8"))
    picture(source / "2.jpg")
    text = refused(source, "suffix")
    assert "1_mask.jpg: is neither dark nor bright in 100%" in text
    assert "2.jpg: has no mask of that name" in text


# Any form -------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["labelme", "coco", "suffix"])
@pytest.mark.parametrize("cut", [True, False])
def test_a_picture_that_cannot_be_read_is_named_and_not_its_mask(
    source: Path, form: str, cut: bool
) -> None:
    if form == "coco":
        catalogue(source, [{"category_id": 3, "segmentation": [box(1, 1, 4, 4)]}])
    elif form == "labelme":
        annotate(source, "a", polygon("cat", *SQUARE))
    else:
        picture(source / "a.jpg")
        store(source, "a_mask.png", np.zeros(SHAPE, "uint8"))
    path = source / "a.jpg"
    path.write_bytes(path.read_bytes()[:-40] if cut else b"no picture")
    said = "cannot be read (image file is truncated" if cut else "is none that can be read"
    assert f"its picture a.jpg {said}" in refused(source, form)


def test_nothing_is_replaced_and_nothing_goes_into_the_source(source: Path) -> None:
    picture(source / "1.jpg")
    store(source, "1_mask.png", np.zeros(SHAPE, "uint8"))
    for out in (source, source / "plain", source.parent):
        with pytest.raises(ValueError, match="name a new folder"):
            tool.convert(source, out, "suffix")
    assert contents(source).keys() == {"1.jpg", "1_mask.png"}


def test_two_pictures_that_would_share_a_mask_are_refused(source: Path) -> None:
    annotate(source, "a", polygon("cat", *SQUARE))
    picture(source / "a.png")
    content = json.loads((source / "a.json").read_text()) | {"imagePath": "a.png"}
    (source / "b.json").write_text(json.dumps(content))
    assert "a.png: would be called like a.jpg" in refused(source, "labelme")


@pytest.mark.parametrize(
    ("folder", "form", "classes"),
    [
        ("coco_polygons/test", "coco", 9),
        ("labelme_and_voc/data_annotated", "labelme", 7),
        ("labelme_and_voc/data_dataset_voc", "voc", 21),
        ("suffix_mask_jpeg/train", "suffix", 2),
        ("drive_tiff_gif/training", "suffix", 2),
    ],
)
@pytest.mark.skipif(not OWN.is_dir(), reason="there is no ../shared/own")
def test_folders_as_people_have_them(tmp_path: Path, folder: str, form: str, classes: int) -> None:
    before = contents(OWN / folder)
    places = {"images": "images", "masks": "1st_manual"} if "drive" in folder else {}
    found = tool.convert(OWN / folder, tmp_path / "plain", form, **places)
    assert contents(OWN / folder) == before
    assert len(found.classes) == classes
    assert len(contents(tmp_path / "plain/masks")) == len(contents(tmp_path / "plain/images")) > 2


@pytest.mark.parametrize("count", [5, 12])
def test_shifted_numbers_are_seen_by_the_sizes(source: Path, count: int) -> None:
    for number in range(count):
        shape = (20 + number % 3, 30)
        picture(source / f"images/{number:04}.jpg", shape)
        store(source / "labels", f"Label_{number + 1:04}.png", np.zeros(shape, "uint8"))
    text = refused(source, "suffix")
    assert "Does Label_0001.png belong to 0000.jpg, and so on" in text
    assert f"all {count} sizes agree then, of 3 kinds" in text


@pytest.mark.skipif(not OWN.is_dir(), reason="there is no ../shared/own")
def test_shifted_labels_as_people_have_them(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Does Label_00000001.png belong to 00000000.jpg, and so"):
        tool.convert(OWN / "labels_shifted_by_one", tmp_path / "plain", "suffix")


def test_folders_of_which_there_are_three_must_be_named(source: Path) -> None:
    values = np.zeros(SHAPE, "uint8")
    values[3:9] = 255
    for number in range(3):
        picture(source / f"images/{number}_training.tif")
        store(source / "manual", f"{number}_manual.gif", values)
        store(source / "mask", f"{number}_mask.gif", values)
    text = refused(source, "suffix")
    assert "holds ['images', 'manual', 'mask']: say which" in text
    out = source.parent / "plain"
    tool.convert(source, out, "suffix", images="images", masks="manual")
    masks = [np.asarray(Image.open(path)) for path in (out / "masks").iterdir()]
    assert len(masks) == 3 and all((mask == values // 255).all() for mask in masks)


@pytest.mark.parametrize("form", ["voc", "suffix"])
def test_two_files_of_one_stem_are_a_fault(source: Path, form: str) -> None:
    for name in ("JPEGImages/1.jpg", "JPEGImages/1.png"):
        picture(source / name)
    store(source / "SegmentationClass", "1.png", np.zeros(SHAPE, "uint8"))
    assert "has the same name as 1.jpg: keep one of the two" in refused(source, form)


def test_command(source: Path) -> None:
    picture(source / "1.jpg")
    store(source, "1_mask.png", np.zeros(SHAPE, "uint8"))
    command = [sys.executable, ROOT / "data/folders.py", "convert", source, source.parent / "plain"]
    done = subprocess.run(
        [*command, "--from", "suffix"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("plain.\n0 background\n1 foreground\n")
    done = subprocess.run(
        [*command, "--from", "suffix"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and "name a new folder" in done.stderr
