"""data/doctor.py: what is said of a folder, and the command that says it."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from test_convert import OWN, annotate, catalogue, contents, polygon
from toys import ROOT, SHARED, store

from data import convert, doctor, folders
from data.tasks import Task

FIRE = Task("fire", ("background", "fire"))
FIRE_SEG = SHARED / "fire_seg"
Scene = tuple[np.ndarray, np.ndarray]


def scene(seed: int, shape: tuple[int, int] = (90, 120)) -> Scene:
    """A picture of clear shapes on a soft ground, uint8 (H, W, 3), and their mask, 0 and 1."""
    rng = np.random.default_rng(seed)
    soft = Image.fromarray(rng.integers(60, 120, (3, 3, 3), "uint8"))
    mask, size = Image.new("L", shape[::-1]), np.array(shape[::-1])
    for _ in range(3):
        middle, half = rng.uniform(0.15, 0.85, 2) * size, rng.uniform(0.06, 0.2, 2) * size
        ImageDraw.Draw(mask).ellipse((*(middle - half), *(middle + half)), 1)
    labels = np.asarray(mask)
    colours = np.where(labels[..., None] == 1, rng.integers(150, 250, 3), soft.resize(mask.size))
    return np.clip(colours + rng.normal(0, 4, (*shape, 3)), 0, 255).astype("uint8"), labels


def save(root: Path, name: str, made: Scene, factor: int = 1) -> None:
    store(root / "images", f"{name}.png", made[0])
    store(root / "masks", f"{name}.png", made[1] * np.uint8(factor))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Twelve scenes in the plain form."""
    for number in range(12):
        save(tmp_path / "source", f"{number}", scene(number))
    return tmp_path / "source"


def checked(root: Path, task: Task | None = FIRE, test: Path | None = None) -> doctor.Report:
    before = contents(root)
    other = (test / "images", test / "masks") if test else None
    report = doctor.check_folder(root / "images", root / "masks", task, other)
    assert contents(root) == before
    return report


def command(capsys, *arguments: object) -> tuple[int, str]:
    """The exit code and all that is said."""
    with pytest.raises(SystemExit) as end:
        doctor.main([*map(str, arguments)])
    said = capsys.readouterr().out
    return (end.value.code, said) if isinstance(end.value.code, int) else (1, end.value.code)


# Faults and numbers ---------------------------------------------------------------------------


def test_a_sound_folder(source: Path) -> None:
    text = checked(source).text
    assert text.startswith("**12 pairs**, in natural order from `0.png` to `11.png`.")
    assert "No faults: `load_folder` reads them." in text
    assert "| pictures | PNG colour | 12 | read as colour |" in text
    assert "| masks | PNG grey | 12 | read as class numbers |" in text
    assert "All are of 120 x 90 pixels." in text
    assert "No two pictures are alike." in text
    assert "OUT" not in text and "Proposed" not in text


def test_planted_faults_are_counted_in_the_words_of_the_loader(source: Path) -> None:
    images, masks = source / "images", source / "masks"
    (masks / "0.png").unlink()
    Image.open(masks / "1.png").save(masks / "1.jpg")
    (masks / "1.png").unlink()
    store(masks, "2.png", np.zeros((89, 120), "uint8"))
    (images / "3.png").write_bytes((images / "3.png").read_bytes()[:900])
    store(masks, "4.png", np.full((90, 120), 7, "uint8"))
    (images / "notes.txt").write_text("x")
    report = checked(source)
    with pytest.raises(ValueError) as problem:
        folders.find_pairs(images, masks, FIRE)
    assert report.pairs.listed() == str(problem.value).split("\n", 1)[1]
    assert "**5 faults**" in report.text and report.pairs.listed() in report.text
    assert "Not read, as no pictures (.txt): `images/notes.txt`." in report.text
    assert "| pictures | PNG colour | 7 |" in report.text
    assert "**11 pairs**" in report.text and repr(report) == "Report(11 pairs, 5 faults)"
    line = f"{source} OUT --from suffix --images images --masks masks"
    assert line in report.text, "as one mask is a JPEG file"


def test_a_folder_of_faults_alone(source: Path) -> None:
    for path in (source / "masks").iterdir():
        path.write_bytes(b"no picture")
    report = checked(source, None)
    assert "**12 faults**" in report.text and not report.strange
    with pytest.raises(ValueError, match="nothing to draw"):
        report.sheet()


def test_counts_of_numbers(source: Path) -> None:
    task = Task("three", ("a", "b", "never", "seldom"), void=255)
    mask = np.zeros((90, 120), "uint8")
    mask[:45], mask[:2, :30], mask[-1, :30] = 1, 3, 255
    save(source, "0", (scene(0)[0], mask))
    masks = [np.asarray(Image.open(path)) for path in (source / "masks").iterdir()]
    text, labelled = checked(source, task).text, 12 * 90 * 120 - 30
    for number, name in enumerate(task.classes):
        share = sum((mask == number).sum() for mask in masks) / labelled
        held = sum((mask == number).any() for mask in masks)
        assert f"| {number} | {name} | {share:.3f} | {held} | {12 - held} |" in text
    assert "| 255 | void |  | 1 | 11 |" in text
    assert "Rare, below 1 % of the pixels: seldom. See lesson 6" in text


@pytest.mark.parametrize(
    ("values", "classes", "void", "missing"),
    [
        ([0], 2, None, "[1]"),
        ([0, 1], 2, None, ""),
        ([0, 255], 2, None, ""),
        ([255], 2, None, "[0]"),
        ([0, 65535], 2, None, ""),
        ([0, 1, 2], 3, None, ""),
        ([1, 2, 3], 4, None, "[0]"),
        ([0, 1, 255], 2, 255, ""),
        ([0, 2, 5, 255], 6, 255, "[1, 3, 4]"),
        ([0, 20], 21, None, "[1, 2, 3, 4, 5, 6, 7, 8, 9] and 10 more"),
    ],
)
def test_a_task_is_proposed(tmp_path: Path, values, classes: int, void, missing: str) -> None:
    for number in range(3):
        store(tmp_path / "images", f"{number}.png", scene(number)[0])
        kind = "uint8" if max(values) < 256 else "uint16"
        store(tmp_path / "masks", f"{number}.png", np.resize(np.array(values, kind), (90, 120)))
    report = checked(tmp_path, None)
    assert (len(report.task.classes), report.task.void) == (classes, void)
    assert not report.faults
    line = next(line for line in report.text.splitlines() if line.startswith("    Task("))
    assert eval(line) == report.task
    wanted = f"No mask holds {missing}: are the numbers what you think?"
    assert wanted in report.text if missing else "No mask holds" not in report.text


def test_masks_of_1_bit_among_those_of_255_make_two_classes(source: Path) -> None:
    for number in range(6):
        mask = scene(number)[1]
        save(source, f"{number}", scene(number), 255)
        Image.fromarray(mask > 0).save(source / f"masks/{number + 6}.png")
    store(source / "images", "6.png", scene(0)[0])
    report = checked(source, None)
    assert report.task.classes == ("background", "foreground") and report.task.void is None
    assert not report.faults


# Files ----------------------------------------------------------------------------------------


def test_kinds_and_sizes_of_files(source: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(scene(0)[0]).rotate(90, expand=True).save(source / "images/0.png", exif=exif)
    save(source, "1", scene(1, (40, 120)))
    store(source / "images", "2.png", (scene(2)[0][..., 0] * 16.0).astype("uint16"))
    Image.fromarray(scene(3)[0]).convert("RGBA").save(source / "images/3.png")
    text = checked(source).text
    assert (
        "| pictures | PNG grey of 16 bits | 1 | scaled by the folder's own range, 12 bits" in text
    )
    assert "| pictures | PNG colour with alpha | 1 | to colour, alpha dropped |" in text
    assert "2 sizes, from 120 x 40 to 120 x 90 pixels; the commonest is 120 x 90, 11 times." in text
    assert "Width by height goes from 1.33 to 3.00" in text
    assert "1 pictures are turned as their EXIF entries say." in text


# Objects --------------------------------------------------------------------------------------


def test_small_objects_are_left_where_a_pixel_of_them_is_taken() -> None:
    mask = np.zeros((512, 512), "uint8")
    mask[0, 0] = 1  # resizing to 256 takes the pixels 1, 3, 5 ..., to 128 the pixels 2, 6, 10 ...
    mask[5, 9] = 1
    mask[2, 6] = 1
    mask[100:104, 200:202] = 1
    mask[300:303, 300:303] = 2  # touches the next at a corner only: two pieces
    mask[303, 303] = 2
    found = doctor.pieces(mask, [1, 2])
    assert found[1] == [
        (1, [False, False, True]),
        (1, [True, False, True]),
        (1, [False, True, True]),
        (8, [False, True, True]),
    ]
    assert found[2] == [(9, [True, True, True]), (1, [False, True, True])]


@pytest.mark.parametrize("shape", [(40, 40), (300, 201), (130, 700)])
def test_objects_are_left_as_resizing_to_the_nearest_leaves_them(shape: tuple[int, int]) -> None:
    """Pieces of single pixels, each of which has a number of its own."""
    mask = np.zeros(shape, "uint8")
    mask[::2, 1::3] = 1
    single = np.zeros(shape, "int32")
    single[mask > 0] = np.arange(1, mask.sum() + 1)
    kept = doctor.pieces(mask, [1])[1]
    for column, side in enumerate(doctor.SIDES):
        small = Image.fromarray(single).resize((side, side), Image.Resampling.NEAREST)
        expected = np.isin(np.arange(1, mask.sum() + 1), np.asarray(small))
        np.testing.assert_array_equal([left[column] for _, left in kept], expected)


def test_objects_in_the_report(tmp_path: Path) -> None:
    task = Task("four", ("_background_", "cell", "none", "dot"))
    for number in range(2):
        mask = np.zeros((512, 512), "uint8")
        mask[10:20, 10:20], mask[100:130, 10:20], mask[0, 0] = 1, 1, 3
        save(tmp_path, f"{number}", (scene(number, (512, 512))[0], mask))
    text = checked(tmp_path, task).text
    assert "| cell | 4 | 100 | 100% | 100% | 100% |" in text
    assert "| dot | 2 | 1 | 0% | 0% | 100% |" in text
    assert "| _background_ | 2 |" not in text and "| none | 0 |" not in text


# Twins ----------------------------------------------------------------------------------------


def still(seed: int, number: int) -> Scene:
    """A scene as a camera sees it again: a little brighter, with noise of its own."""
    image, mask = scene(seed)
    noise = np.random.default_rng(number).normal(3 * number, 2, image.shape)
    return np.clip(image + noise, 0, 255).astype("uint8"), mask


def test_copies_and_near_twins(source: Path, tmp_path: Path) -> None:
    shutil.copy(source / "images/3.png", source / "images/11.png")
    Image.fromarray(scene(3)[0]).save(source / "images/10.png", compress_level=0)
    save(source, "5", still(4, 1))
    text = checked(source).text
    assert "The very same pictures: `3.png` = `10.png` = `11.png`." in text
    assert "5 pictures have a near twin here" in text
    for number, made in enumerate((scene(4), scene(6), still(7, 1), scene(50))):
        save(tmp_path / "test", f"t{number}", made)
    text = checked(source, FIRE, tmp_path / "test").text
    assert "**12 pairs**, in natural order from `0.png` to `11.png`, and 4 of a test split." in text
    assert "3 of 4 test pictures have a near twin here." in text
    assert "`6.png` ~ `t1.png`" in text and "`7.png` ~ `t2.png`" in text and "t3" not in text
    assert "`4.png` ~ `t0.png`" in text and "`5.png` ~ `t0.png`" in text


def test_a_split_by_name_keeps_films_whole(tmp_path: Path) -> None:
    for number in range(32):
        save(tmp_path, f"{number}", still(number // 4, number % 4))
    text = checked(tmp_path).text
    assert "32 pictures have a near twin here, as stills of one film have." in text
    assert "of the first 4 by name 0 would have one in training, of 4 drawn at random" in text
    assert re.search(r"drawn at random [34]: split by film", text)


def test_neighbours_of_many_are_found_in_parts() -> None:
    bits = np.random.default_rng(0).random((2500, 128)) < 0.5
    bits[2400] = bits[7]
    bits[2400, :20] ^= True  # NEAR
    bits[1700] = bits[8]
    bits[1700, :21] ^= True
    found = np.argwhere(doctor.neighbours(bits, bits[:2500])).tolist()
    assert [pair for pair in found if pair[0] < pair[1]] == [[7, 2400]]


# Masks and pictures ---------------------------------------------------------------------------


@pytest.mark.parametrize(("step", "where"), [(1, "before"), (-1, "after"), (0, "")])
@pytest.mark.parametrize("first", [100, 200, 300])
def test_masks_shifted_by_one_are_seen(tmp_path: Path, step: int, where: str, first: int) -> None:
    for number in range(16):
        other = (number - step) % 16
        save(tmp_path, f"{number}", (scene(first + number)[0], scene(first + other)[1]))
    text = checked(tmp_path).text
    found = re.findall(r"\*\*Masks fit the picture (\w+) theirs better\*\* in (\d+) of 14", text)
    assert [name for name, _ in found] == ([where] if step else [])
    assert ("are the numbers of the files shifted by one?" in text) == bool(step)
    assert step or float(re.search(r"outlines, colours differ (\S+) times", text)[1]) > 3


@pytest.mark.parametrize("shift", [0, 1])
def test_masks_of_other_names_are_tried_in_their_order(tmp_path: Path, shift: int) -> None:
    """`00.png` and `Label_01.png`: of the same number, or the same place?"""
    for number in range(16):
        made = scene(number, (90 + number % 3, 120))
        store(tmp_path / "images", f"{number:02}.png", made[0])
        store(tmp_path / "masks", f"Label_{number + shift:02}.png", made[1])
    text = checked(tmp_path).text
    if not shift:
        assert "convert" in text and "--from suffix" in text and "Does" not in text
        return
    assert "Does `Label_01.png` belong to `00.png`, and so on? In the order of their names" in text
    assert "all 16 sizes agree, of 3 kinds" in text
    chances = re.findall(r"better than (\w+) in (\d+) of 14 \(by chance (\S+)\)", text)
    assert [name for name, _, _ in chances] == ["before", "after"]
    assert all(float(chance) < 0.01 for _, _, chance in chances)


def test_a_single_name_is_asked_for_by_itself(source: Path) -> None:
    (source / "masks/4.png").rename(source / "masks/04.png")
    assert "Does `04.png` belong to `4.png`, and so on?" in checked(source).text


@pytest.mark.parametrize("kind", ["dark", "wide", "large", "full", "empty", "other mask"])
def test_the_strangest_pair_comes_first(tmp_path: Path, kind: str) -> None:
    for number in range(30):
        save(tmp_path, f"{number}", scene(number))
    image, mask = scene(5)
    made = {"dark": (image // 20, mask), "full": (image, mask * 0 + 1), "empty": (image, mask * 0)}
    made |= {"wide": scene(5, (60, 400)), "large": scene(5, (180, 240))}
    made["other mask"] = image, mask[::-1]
    save(tmp_path, "5", made[kind])
    assert checked(tmp_path).strange[0].name == "5.png"


def test_the_sheet_shows_eight_pairs(source: Path) -> None:
    image, mask = scene(0)
    save(source, "a $x_{$ b and more words", (image // 20, mask))  # no formula
    report = checked(source)
    sheet = report.sheet()
    shown = [axis for axis in sheet.axes if axis.images]
    assert len(shown) == len(report.strange) == 8
    np.testing.assert_array_equal(shown[0].images[0].get_array(), image // 20)
    sheet.canvas.draw()
    for path in [*(source / "masks").iterdir()][3:]:
        path.unlink()
    assert len([axis for axis in checked(source).sheet().axes if axis.images]) == 3


def test_the_sheet_shows_deep_pictures_on_the_folders_scale(source: Path) -> None:
    for number, top in ((0, 900), (1, 3600)):
        store(source / "images", f"{number}.png", np.full((90, 120), top, "uint16"))
    for number in range(2, 12):
        (source / f"images/{number}.png").unlink()
        (source / f"masks/{number}.png").unlink()
    shown = [axis.images[0].get_array().max() for axis in checked(source).sheet().axes[:2]]
    assert sorted(shown) == [round(900 * 255 / 4095), round(3600 * 255 / 4095)]


# The command ----------------------------------------------------------------------------------


def test_the_command(source: Path, tmp_path: Path) -> None:
    line = [sys.executable, ROOT / "data/folders.py", "check", source, "--classes", "ground, fire"]
    line += ["--sheet", tmp_path / "sheet.png"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "| 1 | fire |" in done.stdout and Image.open(tmp_path / "sheet.png").format == "PNG"


@pytest.mark.skipif(sys.platform != "linux", reason="names are text elsewhere")
def test_a_name_that_is_no_text_is_spelt(source: Path, tmp_path: Path, capsys) -> None:
    save(source, "\udce9", (scene(0)[0] // 20, scene(0)[1]))
    (source / "masks/4.png").rename(source / "masks/4\udce9.png")
    code, text = command(capsys, source, "--sheet", tmp_path / "sheet.png")
    assert code == 1 and "`\\udce9.png`" in text and "4\\udce9.png: has no twin" in text
    assert (tmp_path / "sheet.png").is_file()


def test_exit_codes_and_options(source: Path, tmp_path: Path, capsys) -> None:
    before = contents(source)
    assert command(capsys, source)[0] == 0
    code, text = command(capsys, source, "--classes", "only")
    assert code == 1 and "**12 faults**" in text and "but source has the classes 0..0" in text
    code, text = command(capsys, source, "--void", "9")
    assert (code, text) == (1, "--void 9 needs --classes; without them 255 is taken for void.")
    assert command(capsys, source, "--classes", "a,b", "--void", 1)[0] == 1
    code, text = command(capsys, tmp_path / "nowhere")
    assert code == 1 and text.endswith("nowhere is no folder: correct the path.")
    code, text = command(capsys, source, "--sheet", tmp_path / "nowhere/a.png")
    assert code == 1 and "nowhere/a.png" in text
    assert contents(source) == before


def test_void_is_an_option(source: Path, capsys) -> None:
    mask = scene(0)[1].copy()
    mask[0] = 9
    save(source, "0", (scene(0)[0], mask))
    assert command(capsys, source, "--classes", "a,b")[0] == 1
    code, text = command(capsys, source, "--classes", "a,b", "--void", 9)
    assert code == 0 and "| 9 | void |" in text


def test_faults_of_the_test_split_are_faults(source: Path, tmp_path: Path, capsys) -> None:
    for number in range(3):
        save(tmp_path / "test", f"{number}", scene(50 + number))
    code, text = command(capsys, source, "--test", tmp_path / "test")
    assert code == 0 and "Of the test split: No faults" in text
    assert "0 of 3 test pictures have a near twin here" in text
    store(tmp_path / "test/masks", "1.png", np.zeros((5, 5), "uint8"))
    code, text = command(capsys, source, "--test", tmp_path / "test")
    assert (
        code == 1
        and "No faults: `load_folder` reads them.\n\nOf the test split: **1 faults**" in text
    )
    shutil.copy(tmp_path / "test/masks/1.png", tmp_path / "test/masks/0.png")
    shutil.copy(tmp_path / "test/masks/1.png", tmp_path / "test/masks/2.png")
    code, text = command(capsys, source, "--test", tmp_path / "test")
    assert code == 1 and "Of the test split: **3 faults**" in text


@pytest.mark.parametrize(("names", "void"), [("a\nb\n", None), ("a\nb\nc\n", 255)])
def test_names_lie_beside_the_folders(source: Path, capsys, names: str, void) -> None:
    """As `convert` writes them: pixels that nobody labelled hold 255."""
    (source / "classes.txt").write_text(names)
    for number in range(12):
        save(source, f"{number}", scene(number), 1 if void else 255)
    if void:
        save(source, "3", (scene(3)[0], 255 * scene(3)[1]))
    code, text = command(capsys, source)
    assert code == 0 and "| 1 | b |" in text and "Proposed" not in text
    assert ("| 255 | void |" in text) == bool(void)


def test_two_classes_and_void_beside_the_folders(source: Path, capsys) -> None:
    (source / "classes.txt").write_text("a\nb\n")
    save(source, "3", (scene(3)[0], 255 * scene(3)[1]))
    code, text = command(capsys, source)
    assert code == 0 and "| 255 | void |" in text


def test_folders_of_any_names(tmp_path: Path, capsys) -> None:
    for kind in ("photos train", "gt train", "photos val", "gt val"):
        for number in range(3):
            store(tmp_path / "set/in" / kind, f"{number}.png", scene(number)[kind[0] == "g"])
    code, text = command(capsys, tmp_path / "set")
    assert code == 1 and "['gt train', 'gt val', 'photos train', 'photos val']: say which" in text
    assert text.endswith(" --images 'photos train' --masks 'gt train'.")
    places = "--images", "photos train", "--masks", "gt train"
    assert command(capsys, tmp_path / "set", *places)[0] == 0
    for kind in ("photos val", "gt val"):
        shutil.rmtree(tmp_path / "set/in" / kind)
    assert command(capsys, tmp_path / "set")[0] == 0
    code, text = command(capsys, tmp_path / "set/in/gt train")
    assert code == 1 and "holds []: name a folder that holds one of pictures" in text


def followed(capsys, source: Path, out: Path) -> list[str]:
    """Do what the command says until nothing is wrong; the steps that this took."""
    code, text = command(capsys, source)
    steps: list[str] = []
    if places := re.search(r"such as (--images .* --masks .*)\.$", text):
        steps.append(places[1])
        code, text = command(capsys, source, *shlex.split(places[1]))
    for number, line in enumerate(re.findall(r"^    (python .*)$", text, re.MULTILINE)):
        words = shlex.split(line)
        assert words[:3] == ["python", "data/folders.py", "convert"]
        steps.append(words[words.index("--from") + 1])
        place = out / f"{number}"
        convert.main([str(place) if word == "OUT" else word for word in words[3:]])
        code, text = command(capsys, place)
        assert code == 0, text
    return steps if code == 0 else [*steps, text]


def other_forms(root: Path) -> Path:
    """COCO beside a folder of pictures, LabelMe, VOC, suffixes and colours."""
    box = {"category_id": 3, "segmentation": [[3, 3, 9, 3, 9, 9, 3, 9]]}
    (root / "coco").mkdir(parents=True)
    catalogue(root / "coco", [box]).rename(root / "coco/all.json")
    (root / "coco/images").mkdir()
    (root / "coco/a.jpg").rename(root / "coco/images/a.jpg")
    (root / "coco/sub").rename(root / "coco/images/sub")
    (root / "coco/annotations").mkdir()
    (root / "coco/all.json").rename(root / "coco/annotations/all.json")
    (root / "label me").mkdir()
    shape = polygon("__ignore__", (3, 3), (9, 3), (9, 9))
    annotate(root / "label me", "a", polygon("cat", (1, 1), (20, 1), (20, 20)), shape)
    for number in range(8):
        image, mask = scene(number)
        store(root / "voc/JPEGImages", f"{number}.jpg", image)
        store(
            root / "voc/SegmentationClass", f"{number}.png", np.where(mask, 255, 2).astype("uint8")
        )
        store(root / "suffix", f"{number}.jpg", image)
        store(root / "suffix", f"{number}_mask.jpg", 255 * mask)
        store(root / "jpeg/images", f"{number}.jpg", image)
        store(root / "jpeg/images/masks", f"{number}.jpg", 255 * mask)
        store(root / "named/images", f"{number}.jpg", image)
        store(root / "named/masks", f"gt_{number}.png", mask)
    return root


@pytest.mark.parametrize(
    ("folder", "form"),
    [("coco", "coco"), ("label me", "labelme"), ("voc", "voc"), ("suffix", "suffix")],
)
def test_other_forms_are_recognised(tmp_path: Path, capsys, folder: str, form: str) -> None:
    root = other_forms(tmp_path / "forms")
    before = contents(root)
    assert followed(capsys, root / folder, tmp_path / "out") == [form]
    assert contents(root) == before
    code, text = command(capsys, root / folder)
    assert code == 1 and "has another form. Bring it into the plain one" in text
    assert text.endswith("say so with --images and --masks.")


def test_what_may_help_does(tmp_path: Path, capsys) -> None:
    root = other_forms(tmp_path / "forms")
    for number, places in enumerate(
        (("named", "images", "masks"), ("jpeg", "images", "images/masks"))
    ):
        folder, images, masks = places
        code, text = command(capsys, root / folder, "--images", images, "--masks", masks)
        assert code == 1
        (line,) = re.findall(r"^    (python .*)$", text, re.MULTILINE)
        out = tmp_path / f"out{number}"
        convert.main([str(out) if word == "OUT" else word for word in shlex.split(line)[3:]])
        assert command(capsys, out)[0] == 0


def test_every_folder_of_a_form_is_named(tmp_path: Path, capsys) -> None:
    for split in ("train", "valid"):
        (tmp_path / "all" / split).mkdir(parents=True)
        catalogue(tmp_path / "all" / split, [])
    text = command(capsys, tmp_path / "all")[1]
    assert re.findall(r"all/(\w+) OUT --from coco", text) == ["train", "valid"]


# Folders as people have them ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("folder", "steps"),
    [
        ("coco_polygons", ["coco"]),
        ("drive_tiff_gif", ["--images images --masks 1st_manual", "suffix"]),
        ("isbi_membranes", []),
        (
            "keras_segmentation_camvid",
            ["--images images_prepped_test --masks annotations_prepped_test"],
        ),
        ("labelme_and_voc", ["voc", "labelme"]),
        ("suffix_mask_jpeg", ["suffix"]),
    ],
)
@pytest.mark.skipif(not OWN.is_dir(), reason="there is no ../shared/own")
def test_folders_as_people_have_them(tmp_path: Path, capsys, folder: str, steps) -> None:
    before = contents(OWN / folder)
    assert followed(capsys, OWN / folder, tmp_path) == steps
    assert contents(OWN / folder) == before


@pytest.mark.skipif(not OWN.is_dir(), reason="there is no ../shared/own")
def test_shifted_labels_as_people_have_them(capsys) -> None:
    code, text = command(capsys, OWN / "labels_shifted_by_one")
    assert code == 1
    assert "Does `Label_00000001.png` belong to `00000000.jpg`, and so on?" in text
    assert (
        "all 15 sizes agree, of 9 kinds; outlines lie on edges better than before in 11 of 13"
        in text
    )


@pytest.mark.skipif(not FIRE_SEG.is_dir(), reason="there is no ../shared/fire_seg")
def test_fires_are_split_by_name() -> None:
    places = FIRE_SEG / "images_prepped_train", FIRE_SEG / "annotations_prepped_train"
    test = FIRE_SEG / "images_prepped_test", FIRE_SEG / "annotations_prepped_test"
    report = doctor.check_folder(*places, FIRE, test)
    assert not report.faults and len(report.strange) == 8
    found = re.search(
        r"of the first 62 by name (\d+) would.* of 62 drawn at random (\d+):", report.text
    )
    assert int(found[1]) == 0 and int(found[2]) > 10
    assert "0 of 100 test pictures have a near twin here" in report.text
    assert "fit the picture" not in report.text
