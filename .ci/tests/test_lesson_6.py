"""Lesson 6's recipe, on folders as people have them, and the slides that the lesson draws."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import notebooks
import unet_helpers
from data import convert, folders, slides
from notebooks import ROOT
from unet_helpers import Task

pytestmark = pytest.mark.usefixtures("shown")
OWN = ROOT / "../shared/own"


def follow(images: Path, masks: Path, task: Task, group: str, place: Path) -> dict[str, float]:
    """Run the recipe's cell as a reader would, with its first lines changed; its test scores."""
    (path,) = notebooks.find(["06"])
    (cell,) = (cell for cell in notebooks.read(path).cells if cell.id == "whole-recipe")
    (place / "new").mkdir(parents=True)
    (place / "answers").mkdir()
    picture = min(images.iterdir())
    (place / f"new/today{picture.suffix}").write_bytes(picture.read_bytes())
    lines, names = [], {"TASK": task, "IMAGES": images, "MASKS": masks}
    given = {"NEW": place / "new", "ANSWERS": place / "answers", "SIZE": 32, "EPOCHS": 1}
    for line in cell.source.split("\n"):
        if not line.startswith(("OWN", "IMAGES", "NEW", "TASK", "SIZE")):
            lines.append(line.replace('file.split("(")[0]', group))
    assert len(cell.source.split("\n")) <= 40
    scope = {**names, **given}
    exec("\n".join(lines), scope)  # noqa: S102
    with Image.open(place / "answers/today_mine.png") as answer, Image.open(picture) as asked:
        assert answer.size == asked.size
        assert set(np.unique(np.asarray(answer))) <= set(range(len(task.classes)))
    return unet_helpers.evaluate(scope["network"], scope["mine_test"], task).summary


def test_recipe_on_drawn_slides(tmp_path: Path) -> None:
    images, masks = tmp_path / "images", tmp_path / "masks"
    images.mkdir(), masks.mkdir()
    for slide in range(5):
        for detail in range(2):
            picture, mask = slides.draw_slide(np.random.default_rng([slide, detail]), 48, 40)
            Image.fromarray(picture).save(images / f"slide {slide} ({detail}).jpg")
            Image.fromarray(mask).save(masks / f"slide {slide} ({detail}).png")
    score = follow(images, masks, slides.SLIDES, 'file.split("(")[0]', tmp_path / "place")
    assert 0 < score["mean IoU"] < 1


@pytest.mark.skipif(not OWN.is_dir(), reason="there are no folders as people have them")
@pytest.mark.parametrize("layout", ["camvid", "isbi"])
def test_recipe_on_layouts_as_people_have_them(layout: str, tmp_path: Path) -> None:
    if layout == "camvid":
        folder = OWN / "keras_segmentation_camvid/example_dataset"
        pair = folder / "images_prepped_train", folder / "annotations_prepped_train"
        task = Task("streets", tuple(f"class {n}" for n in range(12)))
    else:
        pair = OWN / "isbi_membranes/train/image", OWN / "isbi_membranes/train/label"
        task = Task("cells", ("membrane", "cell"))
    score = follow(*pair, task, "file", tmp_path / "place")
    assert 0 < score["mean IoU"] < 1


def test_slides_are_what_their_masks_say() -> None:
    picture, mask = slides.draw_slide(np.random.default_rng(0), 300, 500)
    assert (picture.shape, picture.dtype, mask.shape) == ((300, 500, 3), np.uint8, (300, 500))
    assert set(np.unique(mask)) == {0, 1, 2}
    brightness = [picture[mask == number].mean() for number in range(3)]
    assert brightness[1] < brightness[0] < brightness[2]
    same, again = slides.draw_slide(np.random.default_rng(0), 300, 500)
    assert np.array_equal(picture, same) and np.array_equal(mask, again)


def test_folder_has_the_faults_that_the_lesson_finds(tmp_path: Path) -> None:
    sent = tmp_path / "sent"
    slides.write_folder(sent)
    (tmp_path / "classes.txt").write_text("background\ncell\ncrystal\n")
    places = {"images": "pictures", "masks": "masks"}
    with pytest.raises(ValueError, match=r"Nothing is written \(5 faults\)") as refused:
        convert.convert(sent, tmp_path / "plain", "suffix", tmp_path / "classes.txt", **places)
    for fault in ("11 (5).jpg: has no mask", "2 (4)_mask.jpg: is no label mask"):
        assert fault in str(refused.value)
    assert "picture slide 5 (1).jpg cannot be read (image file is truncated" in str(refused.value)
    for fault in ("has (64, 64) pixels", "holds [7], but there are 3 classes"):
        assert fault in str(refused.value)
    with pytest.raises(ValueError, match="71 masks are named like slide 1"):
        folders.find_pairs(sent / "pictures", sent / "masks", slides.SLIDES)


def test_tasks_have_colours_of_their_own() -> None:
    for count in (1, 2, 8, 9, 30, 250):
        colours = Task("many", tuple(map(str, range(count)))).colours
        assert len(set(colours)) == count and all(len(colour) == 7 for colour in colours)
    assert Task("two", ("a", "b"), ("#000000", "#FFFFFF")).colours == ("#000000", "#FFFFFF")
    assert sys.modules["data.tasks"].DISTINCT == Task("8", tuple("abcdefgh")).colours


def test_select_keeps_by_file_name(tmp_path: Path) -> None:
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
    for name in ("a 1", "b 2", "é 10"):
        picture, mask = slides.draw_slide(np.random.default_rng(0), 9, 8)
        Image.fromarray(picture).save(tmp_path / f"images/{name}.png")
        Image.fromarray(mask).save(tmp_path / f"masks/{name}.png")
    data = unet_helpers.load_folder(tmp_path / "images", tmp_path / "masks", slides.SLIDES)
    seen: list[str] = []
    kept = unet_helpers.select(data, lambda name: seen.append(name) or name != "b 2.png")
    names = [Path(each["names"].decode()).name for each in kept.as_numpy_iterator()]
    assert (names, seen) == (["a 1.png", "é 10.png"], ["a 1.png", "b 2.png", "é 10.png"])
    assert len(unet_helpers.prepare(kept, slides.SLIDES, size=8)) == 1
    with pytest.raises(ValueError, match="This split for the task slides is empty"):
        unet_helpers.prepare(unet_helpers.select(data, lambda name: False), slides.SLIDES)


def test_check_folder_says_and_shows(tmp_path: Path, shown: list[object], monkeypatch) -> None:
    slides.write_folder(tmp_path / "sent")
    pair = tmp_path / "sent/pictures", tmp_path / "sent/masks"
    report = unet_helpers.check_folder(*pair)
    assert len(shown) == 1 and "**2 faults**" in shown[0] and not report.strange
    drawn: list[str] = []
    monkeypatch.setattr(unet_helpers, "show", lambda figure, **texts: drawn.append(texts["alt"]))
    for path in pair[1].iterdir():
        path.rename(path.with_name(path.name.replace("_mask", "")))
    (pair[0] / "slide 11 (5).jpg").unlink()
    report = unet_helpers.check_folder(*pair, slides.SLIDES)
    assert len(report.pairs.faults) == 4 and len(drawn) == 1
    assert "`slide 1 (2).jpg` = `slide 12 (6).jpg`" in shown[-1]
