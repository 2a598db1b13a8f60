"""Bring folders of other tools into the plain form that `unet_helpers.load_folder` reads.

    python data/folders.py convert SOURCE OUT --from labelme|coco|voc|colours|suffix
                           [--classes FILE] [--images FOLDER --masks FOLDER]

OUT is a new folder: `images/` with the pictures as they are, `masks/` with a PNG of the same name
for each, one class number per pixel, and `classes.txt` with a name per line, in the order of the
numbers. Pixels that nobody labelled hold 255. SOURCE is only read. Where a file has a fault all
faults are listed, and OUT does not come into being; nor does half of it after a kill.

What --classes FILE says, where it is given:
    labelme, coco, voc   a name per line, in the order that the numbers shall have
    colours              `red green blue name` per line; without it, a proposal is printed

`colours` and `suffix` find pictures and masks by the names of folders and files. Where SOURCE holds
more than one folder of each, --images and --masks name those that are meant.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PureWindowsPath

import numpy as np
from PIL import Image, ImageDraw, ImageOps, UnidentifiedImageError

from data import folders
from data.tasks import Task

VOID = 255
BACKGROUND = ("_background_", "background")
IGNORED = ("__ignore__",)
LABELS = re.compile(r"mask|label|annot|gt|truth|seg|manual|class", re.IGNORECASE)  # say "mask"


@dataclass
class Found:
    """What a source holds: class names, faults, remarks, and pairs that are read one by one."""

    classes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    pairs: Iterable[tuple[str, bytes, np.ndarray]] = ()  # name, the picture's file, mask


def convert(
    source: Path,
    out: Path,
    form: str,
    classes: Path | None = None,
    **places: str | None,
) -> Found:
    """Write the plain form of a source into a new folder, and return what it held.

    `places`, for colours and suffix, are the names of the folders of `images` and `masks`. Raises
    ValueError, with a list of all faults, and FileNotFoundError where there is nothing.
    """
    source, out = (Path(path).expanduser() for path in (source, out))
    if not source.is_dir():
        raise FileNotFoundError(f"{source} is no folder: correct the path.")
    if out.exists() or out.resolve().is_relative_to(source.resolve()):
        raise ValueError(f"{out} is there already or lies in the source: name a new folder.")
    found = FORMS[form](source, classes, **{k: v for k, v in places.items() if v})
    part, seen = out.with_name(f".{out.name}.part"), {}
    shutil.rmtree(part, ignore_errors=True)
    for name in ("images", "masks"):
        (part / name).mkdir(parents=True)
    try:
        for name, content, mask in found.pairs:
            stem = Path(name).stem
            if stem in seen:
                found.faults.append(
                    f"{name}: would be called like {seen[stem]}: rename one of them"
                )
            seen[stem] = name
            (part / "images" / name).write_bytes(content)
            Image.fromarray(mask.astype("uint8")).save(part / "masks" / f"{stem}.png")
        if len(found.classes) > VOID:
            found.faults.append(f"{source} has {len(found.classes)} classes, a mask {VOID} at most")
        if found.faults:
            listed = "\n".join(f"- {line}" for line in found.faults)
            raise ValueError(f"Nothing is written ({len(found.faults)} faults):\n{listed}")
        if not seen:
            raise FileNotFoundError(f"{source} holds no pair of picture and mask ({form}).")
        (part / "classes.txt").write_text("\n".join(found.classes) + "\n", encoding="utf-8")
        os.replace(part, out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    found.remarks.append(f"{len(seen)} pairs are in {out}.")
    return found


def names_in(path: Path | None) -> list[str]:
    """The class names in a file, a line each, without those that stand for no class."""
    if path is None:
        return []
    lines = Path(path).expanduser().read_text(encoding="utf-8-sig").splitlines()
    return [line.strip() for line in lines if line.strip() and line.strip() not in IGNORED]


def class_names(classes: Path | None, used: Iterable[str]) -> list[str]:
    """The class names in a file, or background and those that are used."""
    names = [name for name in used if name not in (*BACKGROUND, *IGNORED)]
    return names_in(classes) or ["background", *names]


class Pictures:
    """Finds pictures by the paths that files of annotations give, which may be those of others."""

    def __init__(self, source: Path) -> None:
        self.source = source

    @cached_property
    def by_name(self) -> dict[str, list[Path]]:
        """All files of the source by name; only needed where a path leads nowhere."""
        found: dict[str, list[Path]] = {}
        for path in sorted(self.source.rglob("*")):
            if path.is_file():
                found.setdefault(unicodedata.normalize("NFC", path.name), []).append(path)
        return found

    def find(self, base: Path, said: str) -> Path | None:
        """The picture at a path from `base`, or the only one of that name anywhere.

        Raises ValueError where several have that name and none lies where the path says.
        """
        named = PureWindowsPath(said)  # which knows both kinds of slashes
        for place in (base.joinpath(*named.parts), base / named.name):
            if place.is_file():
                return place
        same = self.by_name.get(unicodedata.normalize("NFC", named.name), [])
        if len(same) > 1:
            raise ValueError(f"its picture may be {same[0]} or {same[1]}: keep one of the two")
        return same[0] if same else None


def size_of(content: bytes, name: str) -> tuple[int, int]:
    """Height and width of a picture's file, turned as its EXIF data say; it must be whole.

    Raises ValueError, which names the picture: the fault is not its mask's.
    """
    try:
        with Image.open(io.BytesIO(content)) as picture:
            width, height = ImageOps.exif_transpose(picture).size
    except UnidentifiedImageError as error:
        raise ValueError(f"its picture {name} is none that can be read") from error
    except Exception as error:  # files of people hold anything
        raise ValueError(f"its picture {name} cannot be read ({error})") from error
    return height, width


# LabelMe --------------------------------------------------------------------------------------


def labelme(source: Path, classes: Path | None) -> Found:
    """A JSON file per picture, with polygons in the order in which they cover each other."""
    found, files = Found(), {}
    for path in sorted(source.rglob("*.json"), key=lambda path: folders.natural(str(path))):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            labels = [shape["label"] for shape in content["shapes"]]
        except (ValueError, KeyError, TypeError) as error:
            found.faults.append(f"{path}: is no LabelMe file ({type(error).__name__}: {error})")
            continue
        files[path] = content, labels
    used = sorted({label for _, labels in files.values() for label in labels})
    found.classes = class_names(classes, used)
    numbers, pictures = numbered(found.classes), Pictures(source)

    def pairs() -> Iterator[tuple[str, bytes, np.ndarray]]:
        for path, (content, labels) in files.items():
            if unknown := sorted(set(labels) - numbers.keys()):
                found.faults.append(f"{path}: has labels that the classes lack: {unknown}")
                continue
            try:
                yield labelled(path, content, numbers, pictures)
            except Exception as error:  # noqa: BLE001  files of people hold anything
                found.faults.append(f"{path}: {error}")

    found.pairs = pairs()
    return found


def numbered(classes: list[str]) -> dict[str, int]:
    """The number of each class name, and those of the names that stand for background and void."""
    numbers = dict.fromkeys(IGNORED, VOID) | {name: n for n, name in enumerate(classes)}
    if classes[0] in BACKGROUND:
        numbers |= dict.fromkeys(BACKGROUND, 0)
    return numbers


def labelled(
    path: Path, content: dict, numbers: dict[str, int], pictures: Pictures
) -> tuple[str, bytes, np.ndarray]:
    """The name and the file of a LabelMe file's picture, and its mask."""
    said = content["imagePath"]
    picture = pictures.find(path.parent, said)
    name = picture.name if picture else PureWindowsPath(said).name
    if picture is None and not content.get("imageData"):
        raise ValueError(f"its picture {name} is missing: put it beside the file")
    file = picture.read_bytes() if picture else base64.b64decode(content["imageData"])
    height, width = size_of(file, name)
    size = content.get("imageHeight", height), content.get("imageWidth", width)
    if size != (height, width):
        raise ValueError(f"says {size} pixels, but {name} has {(height, width)}")
    mask = Image.new("L", (width, height))
    for shape in content["shapes"]:
        draw(mask, shape, numbers[shape["label"]])
    return name, file, np.asarray(mask)


def draw(mask: Image.Image, shape: dict, number: int) -> None:
    """Draw a LabelMe shape as LabelMe does."""
    kind = shape.get("shape_type") or "polygon"
    points = [tuple(map(float, point)) for point in shape["points"]]
    pen = ImageDraw.Draw(mask)
    if not all(math.isfinite(value) for point in points for value in point):
        raise ValueError(f"a {kind} of {shape['label']} has a corner that is no number")
    if kind == "polygon" and len(points) > 2:
        pen.polygon(points, fill=number, outline=number)
    elif kind == "rectangle" and len(points) == 2:
        (left, right), (top, bottom) = (sorted(values) for values in zip(*points, strict=True))
        pen.rectangle((left, top, right, bottom), fill=number, outline=number)
    elif kind == "circle" and len(points) == 2:
        (x, y), edge = points[0], math.dist(*points)
        pen.ellipse((x - edge, y - edge, x + edge, y + edge), fill=number, outline=number)
    elif kind == "mask" and shape.get("mask"):
        stencil = Image.open(io.BytesIO(base64.b64decode(shape["mask"]))).convert("L")
        corner = tuple(round(value) for value in points[0])
        mask.paste(number, corner, stencil.point(lambda value: 255 * (value > 0)))
    else:
        problem = f"a {kind} of {shape['label']} with {len(points)} points covers no area"
        raise ValueError(f"{problem}: draw a polygon instead, or remove it")


# COCO -----------------------------------------------------------------------------------------


def coco(source: Path, classes: Path | None) -> Found:
    """One JSON file for many pictures. Small objects cover large ones, whatever their order."""
    from pycocotools import mask as runs  # here, as no other form needs it

    found = Found()
    files = sorted(source.glob("*.json")) or sorted(source.rglob("*.json"))
    if len(files) != 1:
        names = [str(file.relative_to(source)) for file in files]
        raise FileNotFoundError(f"{source} must hold one JSON file of COCO, but holds {names}.")
    try:
        content = json.loads(files[0].read_text(encoding="utf-8"))
        names = {each["id"]: each["name"] for each in content["categories"]}
        annotations: dict[object, list[dict]] = {each["id"]: [] for each in content["images"]}
        for each in content["annotations"]:
            annotations[each["image_id"]].append(each)
            names[each["category_id"]]  # raises where it is missing
    except (ValueError, KeyError, TypeError) as error:
        problem = f"{type(error).__name__}: {error}"
        raise ValueError(f"{files[0]} is no whole COCO file ({problem}).") from error
    used = {names[each["category_id"]] for each in content["annotations"]}
    found.classes = class_names(classes, dict.fromkeys(n for n in names.values() if n in used))
    numbers = numbered(found.classes)
    if unknown := sorted(used - numbers.keys()):
        found.faults.append(f"{files[0]}: has categories that the classes lack: {unknown}")
    for name, count in Counter(names.values()).items():
        if count > 1:
            found.remarks.append(f"{count} categories are called {name}: they are one class.")
    pictures, empty = Pictures(source), sum(not each for each in annotations.values())
    if empty:
        found.remarks.append(f"{empty} pictures have no annotation: they are all background.")

    def pairs() -> Iterator[tuple[str, bytes, np.ndarray]]:
        for image in content["images"] if not found.faults else ():
            try:
                picture = pictures.find(source, image["file_name"])
                if picture is None:
                    raise ValueError("this picture is missing")
                file = picture.read_bytes()
                size = size_of(file, picture.name)
                if size != (image["height"], image["width"]):
                    said = image["height"], image["width"]
                    raise ValueError(f"has {size} pixels, but {files[0].name} says {said}")
                mask = np.zeros(size, "uint8")
                drawn = [(decoded(each, size, runs), each) for each in annotations[image["id"]]]
                for area, each in sorted(drawn, key=lambda pair: -pair[0].sum()):
                    mask[area] = numbers[names[each["category_id"]]]
            except Exception as error:  # noqa: BLE001  files of people hold anything
                found.faults.append(f"{files[0].name}, {image['file_name']}: {error}")
                continue
            yield "_".join(PureWindowsPath(image["file_name"]).parts), file, mask

    found.pairs = pairs()
    return found


def decoded(annotation: dict, size: tuple[int, int], runs: object) -> np.ndarray:
    """An annotation's polygons or run lengths as bool (H, W)."""
    shape = annotation.get("segmentation")
    if not shape:
        raise ValueError(f"annotation {annotation['id']} has a box, but no outline: draw one")
    if isinstance(shape, list):  # parts of one object, each x, y, x, y ...
        if any(len(part) < 6 or len(part) % 2 for part in shape):
            raise ValueError(f"annotation {annotation['id']} has a part of fewer than 3 corners")
        shape = runs.merge(runs.frPyObjects(shape, *size))
    elif isinstance(shape["counts"], list):
        shape = runs.frPyObjects(shape, *size)
    return runs.decode(shape).astype(bool)


# Pascal VOC -----------------------------------------------------------------------------------


def voc(source: Path, classes: Path | None) -> Found:
    """`JPEGImages/`, and `SegmentationClass/` with PNGs whose palettes only paint the numbers."""
    found = Found()
    beside = [source / "class_names.txt", source / "labels.txt", source.parent / "labels.txt"]
    listed = classes or next((path for path in beside if path.is_file()), None)
    found.classes = names_in(listed)
    pictures, masks = (
        files_in(source / name, found) for name in ("JPEGImages", "SegmentationClass")
    )
    if spare := len(pictures.keys() - masks.keys()):
        found.remarks.append(f"{spare} pictures have no mask: they are left out.")

    def numbers(path: Path) -> np.ndarray:
        with Image.open(path) as mask:
            if mask.format != "PNG" or mask.mode not in ("P", "L"):
                kind = f"{mask.format} of mode {mask.mode}"
                raise ValueError(f"is {kind}, no PNG of numbers: colours need --from colours")
            values = np.asarray(mask)
        known = len(found.classes) or VOID
        if wrong := sorted(set(np.unique(values).tolist()) - {*range(known), VOID}):
            raise ValueError(f"holds {wrong[:6]}, but there are {known} class names")
        highest.append(int(values[values != VOID].max(initial=0)))
        return values

    highest = [0]

    def pairs() -> Iterator[tuple[str, bytes, np.ndarray]]:
        yield from together(pictures, masks, numbers, found.faults)
        if not found.classes:
            found.classes = [f"class {number}" for number in range(max(highest) + 1)]
            found.remarks.append(
                "No names are given (--classes): they are called by their numbers."
            )

    found.pairs = pairs()
    return found


def files_in(folder: Path, found: Found, other: Path | None = None) -> dict[str, Path]:
    """The pictures of a folder, without those of `other`, by stem, in natural order; two of one
    stem are a fault.
    """
    files = folders.by_stem(folder, [], found.faults, other)
    return dict(sorted(files.items(), key=lambda file: folders.natural(file[0])))


def has_pictures(folder: Path) -> bool:
    """Whether pictures lie in a folder, or below it."""
    return any(map(is_picture, folder.rglob("*")))


def is_picture(path: Path) -> bool:
    """Whether a file is named like a picture."""
    return path.suffix.lower() in folders.EXTENSIONS and path.is_file()


def together(
    pictures: dict[str, Path],
    masks: dict[str, Path],
    read: Callable[[Path], np.ndarray],
    faults: list[str],
) -> Iterator[tuple[str, bytes, np.ndarray]]:
    """Pairs of the pictures and the masks of one key, the masks as `read` has them."""
    for key, path in masks.items():
        try:
            if key not in pictures:
                raise ValueError("has no picture of that name")
            picture = pictures[key]
            values, file = read(path), picture.read_bytes()
            if (size := size_of(file, picture.name)) != values.shape:
                raise ValueError(f"has {values.shape} pixels, but {picture.name} {size}")
            yield flat(key, picture), file, values
        except Exception as error:  # noqa: BLE001  files of people hold anything
            faults.append(f"{path}: {error}")
    if faults and len(pictures) == len(masks) and pictures.keys() != masks.keys():
        faults += shifted(list(pictures.values()), list(masks.values()))


def flat(key: str, path: Path) -> str:
    """A name for a picture in one folder, from its stem there and the folders that it was in."""
    return "_".join([*Path(key).parts[:-1], path.name])


def shifted(pictures: list[Path], masks: list[Path]) -> list[str]:
    """What to say where masks fit the pictures in the order of their names, but not by numbers."""
    sizes = [[], []]
    try:
        for kind, paths in enumerate((pictures, masks)):
            sizes[kind] = [size_of(path.read_bytes(), path.name) for path in paths]
    except (OSError, ValueError):  # one is no picture, which is said already
        return []
    if sizes[0] != sizes[1] or len(set(sizes[0])) == 1:
        return []
    kinds = f"all {len(masks)} sizes agree then, of {len(set(sizes[0]))} kinds"
    first = f"Does {masks[0].name} belong to {pictures[0].name}, and so on in the order of names?"
    return [f"{first} {kinds}. If so, rename the masks"]


# One colour per class -------------------------------------------------------------------------


def colours(source: Path, classes: Path | None, images: str = "", masks: str = "") -> Found:
    """Two folders, one of pictures and one of masks, in which each class has a colour."""
    found = Found()
    pictures, labels = two_folders(source, found, images, masks)
    table: dict[tuple[int, ...], str] = {}
    for line in [] if classes is None else names_in(classes):
        numbers = re.findall(r"\b\d{1,3}\b", line)[:3]
        name = re.sub(r"^\W*(\d+\W+){3}|(\W+\d+){3}\W*$", "", line).strip(" ,;\t")
        if len(numbers) != 3 or not name:
            raise ValueError(f"{classes}: {line!r} is not `red green blue name`: correct it.")
        table[tuple(map(int, numbers))] = name
    if not table:
        raise ValueError(proposal(labels))
    found.classes = list(dict.fromkeys(table.values()))  # several colours may be one class
    numbers = {colour: found.classes.index(name) for colour, name in table.items()}

    def read(path: Path) -> np.ndarray:
        pixels = painted(path)
        mask = np.full(pixels.shape[:2], VOID, "uint8")
        left = np.ones(pixels.shape[:2], bool)
        for colour, number in numbers.items():
            here = (pixels == colour).all(-1)
            mask[here], left[here] = number, False
        if left.any():
            (unknown,) = common(pixels[left], 1)
            raise ValueError(f"has {left.sum():,} pixels of other colours, such as {unknown}")
        return mask

    found.pairs = together(pictures, labels, read, found.faults)
    return found


def two_folders(
    source: Path, found: Found, images: str, masks: str
) -> tuple[dict[str, Path], dict[str, Path]]:
    """Pictures, and masks by the stems of their pictures, of two folders (`two_places`).

    The names of masks may have something before or behind the names of the pictures.
    """
    places = two_places(source, images, masks)
    pictures = files_in(places[0], found, places[1])
    labels = files_in(places[1], found, places[0])
    return pictures, matched(pictures, labels, found)


def two_places(source: Path, images: str = "", masks: str = "") -> tuple[Path, Path]:
    """The folders of these names in a source, or its only two, of which one is named for masks.

    Where all lies in one folder below, it is looked at instead. Raises ValueError where these
    cannot be told.
    """
    held = [path for path in sorted(source.iterdir()) if path.is_dir() and has_pictures(path)]
    labels = [path.name for path in held if LABELS.search(path.name)]
    others = [path.name for path in held if path.name not in labels]
    around = len(held) == 1 and not any(map(is_picture, held[0].iterdir()))
    if around and not (images and (source / images).is_dir()):
        return two_places(held[0], images, masks)
    if images and masks:
        return source / images, source / masks
    if not images and not masks and len(labels) == len(others) == 1:
        return source / others[0], source / labels[0]
    names, example = [path.name for path in held], ""
    if len(names) < 2:
        raise ValueError(
            f"{source} holds {names}: name a folder that holds one of pictures and one of masks."
        )
    if labels and others:
        example = ", such as " + quoted("--images", others[0], "--masks", labels[0])
    raise ValueError(
        f"{source} holds {names}: say which are meant with --images and --masks{example}."
    )


def quoted(*words: object) -> str:
    """Words of a command line, in quotes where they hold spaces and the like."""
    return (subprocess.list2cmdline if os.name == "nt" else shlex.join)(map(str, words))


def matched(pictures: dict[str, Path], masks: dict[str, Path], found: Found) -> dict[str, Path]:
    """Masks by the stems of their pictures, where their names have something before or behind."""
    if not pictures.keys() & masks.keys():
        meant = folders.meant([*pictures], [*masks])
        if meant:
            picture, mask = next(iter(meant.items()))
            found.remarks.append(f"Masks are called like {mask}, pictures like {picture}.")
        masks = {next((p for p, m in meant.items() if m == s), s): masks[s] for s in masks}
    for stem in pictures.keys() - masks.keys():
        found.faults.append(f"{pictures[stem]}: has no mask of that name")
    return masks


def painted(path: Path) -> np.ndarray:
    """A mask's colours, uint8 (H, W, 3); JPEG has changed them."""
    with Image.open(path) as mask:
        if mask.format not in folders.LOSSLESS:
            raise ValueError(
                f"is a {mask.format} file, whose colours are not those that were drawn"
            )
        return np.asarray(mask.convert("RGB"))


def common(pixels: np.ndarray, count: int) -> list[tuple[int, ...]]:
    """The commonest colours among pixels (..., 3)."""
    values, counts = np.unique(pixels.reshape(-1, 3), axis=0, return_counts=True)
    return [tuple(values[place].tolist()) for place in np.argsort(-counts)[:count]]


def proposal(masks: dict[str, Path]) -> str:
    """A table of the colours that masks hold, to be completed with names."""
    seen = [common(painted(path), 30) for path in list(masks.values())[:20]]
    commonest = Counter(colour for colours in seen for colour in colours).most_common(30)
    lines = [f"{' '.join(map(str, colour))} class {n}" for n, (colour, _) in enumerate(commonest)]
    head = "Which class has which colour? Save these lines, with your names, and hand them in as"
    return "\n".join([f"{head} --classes FILE:", *lines])


# A suffix or prefix, maybe JPEG ---------------------------------------------------------------


def suffix(source: Path, classes: Path | None, images: str = "", masks: str = "") -> Found:
    """`a.jpg` beside `a_mask.png`, in one folder or two. JPEG masks are cut in their middle."""
    found = Found(classes=names_in(classes) or ["background", "foreground"])
    if not images and not masks and any(map(is_picture, source.iterdir())):
        files = files_in(source, found)
        labels = {stem: path for stem, path in files.items() if LABELS.search(stem)}
        pictures = {stem: path for stem, path in files.items() if stem not in labels}
        labels = matched(pictures, labels, found)
    else:
        pictures, labels = two_folders(source, found, images, masks)

    task = Task("suffix", tuple(found.classes), ())

    def read(path: Path) -> np.ndarray:
        with Image.open(path) as mask:
            plain = mask.format in folders.LOSSLESS and mask.mode in ("1", "L", "P", "I", "I;16")
            if not plain:
                return cut(np.asarray(mask.convert("RGB")), found.classes)
        values = folders.read_mask(path, task)[..., 0]
        if wrong := sorted(set(np.unique(values).tolist()) - {*task.values, VOID}):
            raise ValueError(f"holds {wrong[:6]}, but there are {len(found.classes)} classes")
        return values

    found.pairs = together(pictures, labels, read, found.faults)
    return found


def cut(pixels: np.ndarray, classes: list[str]) -> np.ndarray:
    """Two classes from a mask's pixels, (H, W, 3), of which JPEG has made many greys."""
    if len(classes) > 2:
        raise ValueError(f"is no label mask, and greys cannot tell {len(classes)} classes apart")
    if (share := (np.ptp(pixels, axis=-1) > 40).mean()) > 0.01:
        raise ValueError(
            f"is in colour ({share:.0%} of its pixels): export PNG, see --from colours"
        )
    grey = pixels.mean(axis=-1)
    if (share := ((grey > 64) & (grey < 192)).mean()) > 0.1:
        raise ValueError(f"is neither dark nor bright in {share:.0%} of its pixels")
    if 0 < grey.max() <= 127:
        raise ValueError(f"has nothing brighter than {grey.max():.0f}, so its middle is unknown")
    return (grey > 127).astype("uint8")


FORMS = {form.__name__: form for form in (labelme, coco, voc, colours, suffix)}


def main(arguments: Sequence[str]) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="folders.py convert",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="SOURCE", type=Path)
    parser.add_argument("out", metavar="OUT", type=Path)
    parser.add_argument("--from", dest="form", choices=FORMS, required=True)
    parser.add_argument("--classes", metavar="FILE", type=Path)
    for kind in ("--images", "--masks"):
        parser.add_argument(kind, metavar="FOLDER", default="")
    given = parser.parse_args(arguments)
    places = {"images": given.images, "masks": given.masks}
    if any(places.values()) and given.form not in ("colours", "suffix"):
        parser.error("--images and --masks are for colours and suffix")
    try:
        found = convert(given.source, given.out, given.form, given.classes, **places)
    except (OSError, ValueError) as problem:
        sys.exit(str(problem))
    print(*found.remarks, sep="\n")
    print(*(f"{number} {name}" for number, name in enumerate(found.classes)), sep="\n")
