"""Loader and doctor on folders drawn at random: nothing crashes, is misread, overlooked or changed.

The suite draws some hundred folders; for more, where the loader or Pillow has changed:

    CASES=10000 python -m pytest .ci/tests/test_folder_properties.py
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import subprocess
import sys
import tempfile
import unicodedata
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from data import doctor, folders
from data.tasks import Task

FIRE = ("background", "fire")
TASKS = [Task("fire", FIRE, ()), Task("torn", FIRE, (), 255), Task("bare", FIRE, (), 2)]
TASKS += [Task("pets", ("a", "b", "c"), ()), Task("cells", ("a", "b", "c", "d"), (), 255)]

# How pictures are stored: ending, mode, how far off colours may be on average, options.
PICTURES = [
    (".jpg", "RGB", 6, {"quality": 95, "subsampling": 0}),
    (".jpeg", "L", 6, {"quality": 95}),
    (".jpg", "CMYK", 25, {"quality": 95}),
    (".webp", "RGB", 25, {"quality": 95}),
    (".gif", "RGB", 25, {}),
    (".gif", "L", 0, {}),
    (".bmp", "RGB", 0, {}),
    (".bmp", "L", 0, {}),
    (".webp", "RGB", 0, {"lossless": True}),
    (".webp", "RGBA", 0, {"lossless": True, "exact": True}),
    *((".png", mode, 0, {}) for mode in ("RGB", "RGBA", "L", "LA", "1", "P", "I;16")),
    *((".tif", mode, 0, {}) for mode in ("RGB", "RGBA", "L", "LA", "1", "P", "I;16", "CMYK")),
    (".TIFF", "RGB", 0, {"compression": "tiff_lzw"}),
    (".tif", "L", 0, {"compression": "tiff_adobe_deflate"}),
]
NO_PICTURES = [
    (".bmp", "1", 0, {}),
    (".tif", "F", 0, {}),
    (".tif", "L", 0, {"save_all": True, "append_images": [Image.new("L", (3, 3))]}),
    (".tif", "I;16", 0, {"tiffinfo": {262: 0}}),
]
TURNED = (".jpg", ".jpeg", ".png", ".tif", ".TIFF", ".webp")  # as EXIF says
WAYS = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # how Pillow stores for EXIF's numbers

# How masks are stored: ending, mode, options. "grey" and "white" are palettes of greys.
MASKS = [
    *((".png", mode, {}) for mode in ("L", "L", "1", "P", "grey", "I;16")),
    *((".tif", mode, {}) for mode in ("L", "1", "P", "I;16", "I")),
    (".tiff", "L", {"compression": "tiff_lzw"}),
    (".tif", "1", {"compression": "group4"}),
    (".bmp", "L", {}),
    (".bmp", "P", {}),
    (".GIF", "L", {}),
    (".gif", "1", {}),
]
NO_MASKS = [
    (".jpg", "L", {}),
    (".webp", "L", {"lossless": True}),
    (".tif", "L", {"compression": "jpeg"}),
    (".tif", "L", {"tiffinfo": {262: 0}}),
    (".png", "L", {"exif": {ExifTags.Base.Orientation: 3}}),
    *((".png", mode, {}) for mode in ("RGB", "RGBA", "LA", "white")),
    (".tif", "RGB", {}),
    (".tif", "F", {}),
    (".bmp", "1", {}),
]
DAMAGES = ["picture", "mask", "cut", "empty", "text", "bit", "ending", "left out", "missing"]
DAMAGES += ["link", "two", "size", "values", "palette", "second"]

LETTERS = [*"aB_-. ()7019$'[%", "é", "e\u0301", "日", "ß"]
stems = st.lists(st.sampled_from(LETTERS), min_size=1, max_size=6).map("".join)
places = st.sampled_from(["", "", "", "x/", "film (1)/", "v1.2/é/", "scans.png/"])


@dataclass
class Pair:
    """A picture and a mask as they were drawn, and which of their files must be refused."""

    image: np.ndarray  # uint8 (H, W, 3), or uint16 (H, W), as a viewer shows it
    mask: np.ndarray  # class numbers (H, W)
    off: float  # by how much colours may be off
    files: list[Path]
    second: int  # the number that the second class has in the mask's file, or 0
    bad: bool = False  # must be among the faults
    unsure: bool = False  # may be


@dataclass
class Folder:
    """What was drawn into a folder."""

    root: Path
    task: Task
    inside: tuple[str, str]  # the folders of pictures and masks
    pairs: list[Pair] = field(default_factory=list)
    unknown: bool = False  # a bit was altered, which nobody can tell in files without a sum

    @property
    def places(self) -> tuple[Path, Path]:
        return self.root / self.inside[0], self.root / self.inside[1]


def plain(name: str) -> str:
    """What makes two names one, on one system or another."""
    return unicodedata.normalize("NFC", name).casefold()


def numbered(numbers: np.ndarray, colours: np.ndarray) -> Image.Image:
    """A picture with a palette."""
    picture = Image.fromarray(numbers.astype("uint8"), "P")
    picture.putpalette(colours.astype("uint8").tobytes())
    return picture


def picture_of(
    colours: np.ndarray, mode: str, rng: np.random.Generator
) -> tuple[Image.Image, np.ndarray]:
    """A picture of this mode from colours, uint8 (H, W, 3), and what a viewer shows of it."""
    grey, alpha = colours[..., 0], rng.integers(0, 256, colours.shape[:2], "uint8")
    if mode in ("RGB", "CMYK"):
        return Image.fromarray(colours).convert(mode), colours
    if mode == "RGBA":
        return Image.fromarray(np.dstack([colours, alpha])), colours
    if mode == "P":
        palette = rng.integers(0, 256, (256, 3), "uint8")
        return numbered(grey, palette), palette[grey]
    if mode == "I;16":
        deep = (grey * 256.0 + rng.integers(0, 256, grey.shape)) / 2 ** rng.integers(0, 9)
        deep = deep.astype("uint16")
        return Image.fromarray(deep), deep
    if mode == "1":
        grey = (grey > 127) * np.uint8(255)
    pixels = {"LA": np.dstack([grey, alpha]), "1": grey > 0, "F": grey.astype("float32")}
    return Image.fromarray(pixels.get(mode, grey)), np.dstack([grey] * 3)


def mask_of(values: np.ndarray, mode: str, colours: np.ndarray) -> Image.Image:
    """A mask of this mode from the numbers that its file shall hold."""
    greys = np.repeat(np.arange(256)[:, None], 3, axis=1)
    if mode in ("P", "grey", "white"):
        return numbered(values, {"P": colours, "grey": greys, "white": 255 - greys}[mode])
    kinds = {"1": "bool", "I;16": "uint16", "I": "int32", "F": "float32"}
    picture = Image.fromarray(values.astype(kinds.get(mode, "uint8")))
    return picture.convert(mode) if mode in ("RGB", "RGBA", "LA") else picture


def fill(draw, root: Path) -> Folder:
    """Draw a folder and keep the truth."""
    inside = draw(st.sampled_from([("images", "masks"), ("a", "a/masks.png"), ("a/pictures", "a")]))
    folder = Folder(root, draw(st.sampled_from(TASKS)), inside)
    kinds = st.lists(st.sampled_from(DAMAGES), max_size=4) if draw(st.booleans()) else st.just([])
    damages = draw(kinds)
    names = draw(st.lists(st.tuples(places, stems), min_size=1, max_size=4))
    seen: dict[str, str] = {}
    for place, stem in names:
        name = place + (f"n{stem}" if stem.startswith(".") else stem)
        seen.setdefault(plain(name), name)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    colours = rng.integers(1, 256, (256, 3))
    colours[0], colours[:, 1] = 0, colours[:, 0] // 2  # none but 0 is black or grey
    second = (
        draw(st.sampled_from([1, 1, 255, 65535])) if folder.task.name in ("fire", "bare") else 1
    )
    for name, kind in itertools.zip_longest(seen.values(), damages[: len(seen)], fillvalue=""):
        folder.pairs.append(pair(draw, rng, folder, name, second, colours, kind))
    for place in folder.places:
        place.mkdir(parents=True, exist_ok=True)
        for junk in draw(st.lists(st.sampled_from([".DS_Store", "notes.md", "Thumbs.db"]))):
            (place / junk).write_text("no picture")
    return folder


def pair(draw, rng, folder: Folder, name: str, second: int, colours, harm: str) -> Pair:
    """Draw a pair into a folder."""
    task, shape = folder.task, tuple(draw(st.integers(1, 40)) for _ in "hw")
    two = len(task.classes) == 2 and task.void != 255
    kind = draw(st.sampled_from(NO_PICTURES if harm == "picture" else PICTURES))
    ending, mode, off, options = kind
    rows, columns = np.indices(shape)
    slopes = rng.uniform(-40, 40, (2, 3))
    ramp = rng.uniform(60, 190, 3) + rows[..., None] / shape[0] * slopes[0]
    ramp = ramp + columns[..., None] / shape[1] * slopes[1]
    noise = 4 if off else 60
    ramp = np.clip(ramp + rng.uniform(-noise, noise, (*shape, 3)), 0, 255).astype("uint8")
    picture, shown = picture_of(ramp, mode, rng)
    turn = draw(st.integers(1, 8)) if ending in TURNED and harm != "picture" else 1
    if turn > 1:
        picture = picture.transpose(Image.Transpose(WAYS[turn]))
        options = options | {"exif": {ExifTags.Base.Orientation: turn}}
    image = write(folder.places[0], draw, name, ending, picture, options)

    ending, mode, options = draw(st.sampled_from(NO_MASKS if harm == "mask" else MASKS))
    if (ending == ".gif" and not two) or (harm == "values" and mode == "1"):
        ending, mode = ".png", "L"
    if harm == "second" and two:
        second = draw(st.sampled_from([1, 255]))
    if second == 65535 and mode[0] != "I":
        second = 255
    numbers = [0, 1] if mode == "1" or second > 1 else list(task.values)
    numbers = draw(st.lists(st.sampled_from(numbers), min_size=1, unique=True))
    truth = rng.choice(numbers, shape)
    values = np.where(truth == 1, second, truth)
    if harm == "values":
        values[0, 0] = draw(st.integers(task.values[-1] + 1 if task.void != 255 else 4, 254))
    if harm == "size":
        values = np.pad(values, draw(st.sampled_from([((0, 1), (0, 0)), ((0, 0), (0, 1))])))
    if harm == "palette":
        colours = np.roll(colours, 3, axis=0)
    drawn = mask_of(values, mode, colours)
    mask = write(folder.places[1], draw, name, ending, drawn, options)
    if mode == "1":
        second = 255 if ending == ".gif" else 0
    made = Pair(shown, truth, off, [image, mask], second * (1 in truth))
    made.bad = harm in ("picture", "mask", "size", "values")
    made.unsure = mode == "P"
    damage(draw, folder, made, harm)
    return made


def write(place: Path, draw, name: str, ending: str, picture: Image.Image, options) -> Path:
    """Store a picture under a name in one of its spellings."""
    if "exif" in options:
        exif = Image.Exif()
        exif.update(options["exif"])
        options = options | {"exif": exif}
    kind = Image.registered_extensions()[ending.lower()]
    spelt = unicodedata.normalize(draw(st.sampled_from(["NFC", "NFD"])), name)
    path = place / (spelt + draw(st.sampled_from([ending, ending, ending.upper()])))
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, kind, **options)
    return path


def damage(draw, folder: Folder, made: Pair, kind: str) -> None:
    """Harm one of a pair's files."""
    number = draw(st.integers(0, 1))
    path = made.files[number]
    content = path.read_bytes()
    place = draw(st.integers(0, max(0, len(content) - 1)))
    if kind == "cut":  # what is left may be all that counts
        path.write_bytes(content[:place])
        made.unsure = True
    elif kind == "bit":
        altered = bytearray(content or b"x")
        altered[place] ^= 1 << draw(st.integers(0, 7))
        path.write_bytes(altered)
        folder.unknown = True
    elif kind in ("empty", "text"):
        path.write_bytes(b"" if kind == "empty" else b"no picture\n" * 30)
        made.bad = True
    elif kind == "ending":  # which says nothing of the content
        ending = draw(st.sampled_from([".png", ".jpg", ".bmp", ".tif"]))
        made.files[number] = path.rename(path.with_suffix(ending))
    elif kind == "left out":
        path.rename(path.with_suffix(".txt"))
        made.bad = True
    elif kind in ("missing", "link"):
        path.unlink()
        made.bad = True
        if kind == "link":  # to nowhere
            with contextlib.suppress(OSError):  # as Windows may forbid it
                path.symlink_to("nowhere")
    elif kind == "two":
        made.files.append(path.with_suffix(".pgm"))
        made.files[-1].write_bytes(content)
        made.bad = True


def contents(root: Path) -> dict[Path, tuple[bytes, int]]:
    """All that is in a folder, with times."""
    paths = sorted(root.rglob("*"))
    return {p: (p.read_bytes() if p.is_file() else b"", p.lstat().st_mtime_ns) for p in paths}


def listed(folder: Folder) -> list[str] | None:
    """The loader's faults, or None where a folder holds nothing; checks what is read."""
    try:
        pairs = folders.find_pairs(*folder.places, folder.task)
    except FileNotFoundError as error:
        assert any(f"{place} holds no picture" in str(error) for place in folder.places)
        assert any(made.bad for made in folder.pairs)
        return None
    except ValueError as error:
        heading, *lines = str(error).splitlines()
        assert f"({len(lines)} faults)" in heading
        return lines
    if not folder.unknown:
        assert not any(made.bad for made in folder.pairs), "a fault is overlooked"
        seconds = {made.second for made in folder.pairs if not made.unsure}
        assert folder.task.void == 255 or len(folder.task.classes) > 2 or not seconds >= {1, 255}
        check(pairs, folder)
    for image, mask in pairs.files:
        labels = folders.read_mask(mask, folder.task)
        assert folders.read_picture(image, pairs.bits).shape[:2] == labels.shape[:2]
        assert set(np.unique(labels)) <= set(folder.task.values)
    return []


def check(pairs: folders.Pairs, folder: Folder) -> None:
    """What is read is what was drawn."""
    truth = {path: made for made in folder.pairs for path in made.files}
    assert len(pairs.files) == len(folder.pairs)
    deep = [made.image.max() for made in folder.pairs if made.image.ndim == 2]
    bits = max(8, *(int(value).bit_length() for value in (0, *deep)))
    for image, mask in pairs.files:
        made = truth[image]
        assert made is truth[mask]
        read = folders.read_picture(image, pairs.bits)
        labels = folders.read_mask(mask, folder.task)
        assert read.dtype == "uint8" and np.issubdtype(labels.dtype, np.integer)
        np.testing.assert_array_equal(labels[..., 0], made.mask)
        shown = made.image
        if shown.ndim == 2:
            shown = np.repeat((shown / (2**bits - 1) * 255).round()[..., None], 3, axis=2)
        assert read.shape == shown.shape
        assert np.abs(read - shown.astype(float)).mean() <= made.off


def attributed(lines: list[str], folder: Folder) -> None:
    """Each fault names a file that may have one, and each file that must have one is named."""
    named = [line.removeprefix("- ") for line in lines]

    def names(line: str, made: Pair) -> bool:
        return any(line.startswith((f"{path}: ", f"{path} and ")) for path in made.files)

    seconds = {made.second for made in folder.pairs}
    for line in named:
        if line.startswith(f"{folder.places[1]}: the second class is marked in"):
            assert seconds >= {1, 255}
        else:
            assert any(made.bad or made.unsure for made in folder.pairs if names(line, made)), line
    for made in folder.pairs:
        assert not made.bad or any(names(line, made) for line in named), made.files


def doctor_agrees(lines: list[str] | None, folder: Folder) -> None:
    """The doctor finds the same faults, in the same words, with a task and without."""
    command = [str(folder.root), "--images", folder.inside[0], "--masks", folder.inside[1]]
    code: object = None
    try:
        report = doctor.check_folder(*folder.places, folder.task)
    except FileNotFoundError:
        assert lines is None
    else:
        assert report.pairs.listed().splitlines() == lines
        assert report.pairs.listed() in report.text
        assert ("No faults" in report.text) == (not lines)
    with contextlib.redirect_stdout(io.StringIO()) as said:
        try:
            doctor.main(command)
        except SystemExit as end:
            code = end.code
    assert code in (0, 1) if lines is not None else "holds no picture" in str(code)
    assert code != 0 or "No faults" in said.getvalue()


@given(st.data())
@settings(
    max_examples=int(os.environ.get("CASES", "200")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_any_folder_is_read_as_it_was_drawn_or_refused_by_name(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = fill(data.draw, Path(name))
        before = contents(folder.root)
        lines = listed(folder)
        if lines and not folder.unknown:
            attributed(lines, folder)
        doctor_agrees(lines, folder)
        assert contents(folder.root) == before


# What these folders have shown ----------------------------------------------------------------


def drawn(root: Path, name: str, images: str = "images", masks: str = "masks") -> Path:
    for place, pixels in ((images, np.zeros((4, 6, 3), "uint8")), (masks, np.eye(4, 6))):
        (root / place / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype("uint8")).save(root / place / f"{name}.png")
    return root


def test_warnings_stay_as_they_were(tmp_path: Path) -> None:
    """Threads that leave warnings off while they read may leave them off for good."""
    pixels = np.random.default_rng(0).integers(0, 256, (300, 300, 3), "uint8")
    for number in range(60):
        drawn(tmp_path, f"{number}")
        Image.fromarray(pixels).save(tmp_path / f"images/{number}.png")
        Image.fromarray(pixels[..., 0] % 2).save(tmp_path / f"masks/{number}.png")
    before = [*warnings.filters]
    for _ in range(5):
        folders.find_pairs(tmp_path / "images", tmp_path / "masks", TASKS[0])
    assert warnings.filters == before


@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_names_that_count_alike_have_one_order(tmp_path: Path, seed: str) -> None:
    for name in ("a1", "a01", "a001", "a0001"):
        drawn(tmp_path, name)
    code = "import sys; from pathlib import Path; from data import folders, tasks; "
    code += "places = [Path(sys.argv[1], name) for name in ('images', 'masks')]; "
    code += "found = folders.find_pairs(*places, tasks.FIRE); "
    code += "print(*(image.stem for image, _ in found.files))"
    root, settings = Path(folders.__file__).parent.parent, {"PYTHONHASHSEED": seed}
    line = [sys.executable, "-c", code, tmp_path]
    done = subprocess.run(
        line, cwd=root, env=os.environ | settings, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["a0001", "a001", "a01", "a1"]


def test_what_lies_behind_a_link_is_said_to_be_left_out(tmp_path: Path) -> None:
    drawn(tmp_path, "a")
    (tmp_path / "more").mkdir()
    try:
        (tmp_path / "images/more").symlink_to(tmp_path / "more")
    except OSError:
        pytest.skip("Windows may forbid links")
    found = folders.find_pairs(tmp_path / "images", tmp_path / "masks", TASKS[0])
    assert found.not_read() == ["Not read, as no pictures (no ending): `images/more`."]
