"""Reading folders of pictures and masks: which files belong together, and what is wrong with them.

    python data/folders.py check SOURCE [...]        what is in a folder, and what is wrong with it
    python data/folders.py convert SOURCE OUT [...]  from the forms of other tools into the plain one

`check --help` and `convert --help` say more; they are doctor.py and convert.py beside this file.

A picture becomes uint8 (H, W, 3), RGB in 0..255. A mask becomes integers (H, W, 1), class numbers
0..C-1. Whatever could be read in two ways is a fault, with the file's name and the way out;
`unet_helpers.load_folder` is built on this.
"""

from __future__ import annotations

import difflib
import os
import re
import sys
import unicodedata
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # where it runs as a command

import numpy as np
from PIL import ExifTags, Image, ImageOps
from tqdm import tqdm

from data.tasks import Task

if TYPE_CHECKING:
    import tensorflow as tf

EXTENSIONS = {end for end, kind in Image.registered_extensions().items() if kind in Image.OPEN}
LOSSLESS = ("PNG", "TIFF", "BMP", "GIF")
# What Pillow warns of is read, or refused in words of ours. Once for all, as threads that do so for
# the time of a file would leave every warning of a session off.
warnings.filterwarnings("ignore", module=r"PIL\b")
LONG = 1000  # pairs
Colours = dict[int, tuple[int, ...]]


@dataclass
class Pairs:
    """Pictures with their masks, in natural order of names (2 before 10), and what is wrong."""

    files: list[tuple[Path, Path]] = field(default_factory=list)
    unread: list[Path] = field(default_factory=list)  # what lies there and is no picture
    faults: list[str] = field(default_factory=list)
    notes: list[Any] = field(default_factory=list)  # what was noted on each pair without a fault
    checksum: int = 0  # of the content of all these files
    bits: int = 8  # per channel, of grey pictures; one number for all, as they share one scale

    def not_read(self) -> list[str]:
        """A sentence for each kind of file that was left out."""
        kinds: dict[str, list[str]] = {}
        for path in self.unread:
            name = f"`{path.parent.name}/{path.name}`"
            kinds.setdefault(path.suffix or "no ending", []).append(name)
        return [
            f"Not read, as no pictures ({kind}): {', '.join(names[:9])}"
            + (f" and {len(names) - 9} more." if len(names) > 9 else ".")
            for kind, names in kinds.items()
        ]

    def listed(self) -> str:
        """All faults, a line each."""
        return "\n".join(f"- {line}" for line in sorted(self.faults, key=natural))


def find_pairs(images: Path, masks: Path, task: Task) -> Pairs:
    """Pair the pictures of two folders by their stems, such as `a.jpg` and `a.png`, and check each.

    Raises as `examine`, and ValueError with a list of all faults.
    """
    result = examine(images, masks, task)
    if result.faults:
        count = len(result.faults)
        raise ValueError(f"Correct or remove these files ({count} faults):\n{result.listed()}")
    return result


def examine(
    images: Path,
    masks: Path,
    task: Task,
    note: Callable[[tuple[Path, Path], np.ndarray, np.ndarray], Any] | None = None,
) -> Pairs:
    """Pair the pictures of two folders by their stems, and list all faults.

    Faults are two files of one stem, none of that stem in the other folder, files that cannot be
    read, masks that may not be what was drawn, sizes that differ, values outside 0..C-1. Files in
    folders below are paired by their whole path there. `note` is called with each pair's files,
    picture and mask, unless they have a fault. Above 1,000 pairs a bar shows how far it is. Raises
    FileNotFoundError where a folder is missing or holds no picture, and ValueError where both are
    one, or the task has too many classes.
    """
    images, masks = Path(images).expanduser(), Path(masks).expanduser()
    if images.exists() and masks.exists() and images.samefile(masks):
        raise ValueError(
            f"{images} is named for pictures and masks: give each a folder of its own."
        )
    if len(task.classes) > 256:
        raise ValueError(f"{task.name} has {len(task.classes)} classes, but masks of 8 bits 256.")
    result = Pairs()
    pictures = by_stem(images, result.unread, result.faults, other=masks)
    annotations = by_stem(masks, result.unread, result.faults, other=images)
    result.faults += _without_twin(pictures, annotations)
    stems = sorted(pictures.keys() & annotations.keys(), key=natural)
    result.files = [(pictures[stem], annotations[stem]) for stem in stems]

    def look(pair: tuple[Path, Path]) -> _Look:
        try:
            image, (values, colours) = _read(pair[0], _picture), _read(pair[1], _mask)
        except ValueError as error:
            return _Look([], str(error))
        sums = [zlib.crc32(path.read_bytes()) for path in pair]
        bits = max(8, int(image.max(initial=0)).bit_length())
        image, labels = _rgb(image, bits), _labels(values, task)
        if found := fault(image, labels, task):
            turned = " (the picture turned, as its EXIF entry says)" if _turned(pair[0]) else ""
            found = f"{pair[0]} and {pair[1]}: {found}{turned}"
        drawn = values if task.void is None else values[values != task.void]
        top = int(drawn.max(initial=0)) if drawn.dtype != bool else 0
        noted = note(pair, image, labels) if note and not found else None
        return _Look(sums, found, bits, top, colours, noted)

    second: dict[int, list[Path]] = {1: [], 255: []}  # masks, by the number of their second class
    palette: dict[int, tuple[tuple[int, ...], Path]] = {}
    with ThreadPoolExecutor(os.cpu_count()) as workers:  # Pillow decodes beside Python
        looks, total = workers.map(look, result.files), len(result.files)
        looks = tqdm(looks, total=total, unit="pair", disable=total <= LONG)
        for (_, mask), seen in zip(result.files, looks, strict=True):
            result.bits = max(result.bits, seen.bits)
            result.notes += [] if seen.noted is None else [seen.noted]
            result.checksum = zlib.crc32(np.array(seen.sums, "uint32"), result.checksum)
            result.faults += [seen.fault] if seen.fault else []
            second.get(seen.top, []).append(mask)
            for number, colour in seen.colours.items():
                known, where = palette.setdefault(number, (colour, mask))
                if known != colour:
                    text = f"{mask}: its {number} is {colour}, but {known} in {where.name}"
                    result.faults.append(text)
    if len(task.classes) == 2 and all(second.values()):
        (ones, first), (others, other) = ((len(paths), paths[0].name) for paths in second.values())
        result.faults.append(
            f"{masks}: the second class is marked in {ones} masks with 1, such as {first}, and "
            f"{others} with 255, such as {other}: use one number"
        )
    return result


@dataclass
class _Look:
    """What reading a pair has shown."""

    sums: list[int]  # of the bytes of both files
    fault: str = ""
    bits: int = 8
    top: int = 0  # the mask's largest number but void
    colours: Colours = field(default_factory=dict)
    noted: Any = None


def fault(image: np.ndarray, mask: np.ndarray, task: Task) -> str:
    """Say what is wrong with an image, (H, W, 3) in 0..255, and its mask, (H, W, 1), if anything."""
    if image.shape[2:] != (3,) or not image.size:
        return f"the image is {image.shape}, but should have height, width and 3 channels"
    if mask.shape != (*image.shape[:2], 1):
        return f"image and mask differ in size: {image.shape} and {mask.shape}"
    count = len(task.classes)
    plain = mask.dtype == "uint8" and mask.max() < count  # seen at once, in nearly all masks
    if not plain and not np.isin(values := np.unique(mask), task.values).all():
        held, void = values[:6].tolist(), "" if task.void is None else f" and void, {task.void}"
        return f"the mask holds {held}, but {task.name} has the classes 0..{count - 1}{void}"
    low, high = image.min(), image.max()
    if not np.isfinite([low, high]).all():
        return "the image holds NaN or infinity"
    if low < -0.5 or high > 255.5 or (not np.issubdtype(image.dtype, np.integer) and 0 < high <= 2):
        return f"the image goes from {low:.3g} to {high:.3g}, but pixels go from 0 to 255"
    return ""


def natural(name: str) -> tuple[list[object], str]:
    """A key that sorts names as people count: 2 before 10, and 01 always before 1."""
    parts = re.split(r"(\d+)", name)
    return [int(part) if place % 2 else part for place, part in enumerate(parts)], name


def read_picture(path: Path, bits: int = 0) -> np.ndarray:
    """Read a picture as uint8 (H, W, 3), turned as its EXIF data say.

    `bits` are those of grey ones that may have more than 8; 0 takes what its brightest pixel needs.
    Raises ValueError, with the file's name, where that fails.
    """
    image = _read(path, _picture)
    return _rgb(image, bits or max(8, int(image.max(initial=0)).bit_length()))


def stored(path: Path) -> np.ndarray:
    """The numbers of a mask as its file holds them, (H, W); raises ValueError."""
    return _read(path, _mask)[0]


def read_mask(path: Path, task: Task) -> np.ndarray:
    """Read a mask as integers (H, W, 1), not yet checked against the classes; raises ValueError."""
    return _labels(stored(path), task)


def dataset(files: Sequence[tuple[Path, Path]], bits: int, task: Task) -> tf.data.Dataset:
    """Read pairs one by one, as dicts of `images`, `segmentation_masks` and `names`."""
    import tensorflow as tf  # here, as it takes seconds, and the command line needs none of it

    def read(*names: bytes) -> tuple[np.ndarray, np.ndarray]:
        image, mask = (Path(os.fsdecode(name)) for name in names)
        return read_picture(image, bits), read_mask(mask, task).astype("uint8")

    def to_example(*names: tf.Tensor) -> dict[str, tf.Tensor]:
        arrays = tf.numpy_function(read, names, (tf.uint8, tf.uint8))
        image, mask = (
            tf.ensure_shape(array, (None, None, channels))
            for array, channels in zip(arrays, (3, 1), strict=True)
        )
        return {"images": image, "segmentation_masks": mask, "names": names[0]}

    names = tuple([os.fsencode(path) for path in column] for column in zip(*files, strict=True))
    return tf.data.Dataset.from_tensor_slices(names).map(to_example, tf.data.AUTOTUNE)


def by_stem(
    folder: Path, unread: list[Path], faults: list[str], other: Path | None = None
) -> dict[str, Path]:
    """The pictures of a folder and of those below, by stem: `a`, or `below/a`.

    Those of `other` are left out where it lies below. Two of one stem are a fault.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is missing: correct the path.")
    found: dict[str, Path] = {}
    within = other and other.resolve().is_relative_to(folder.resolve())
    skipped = other.resolve().relative_to(folder.resolve()) if within else None
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        named = path.suffix.lower() in EXTENSIONS
        below = path.is_dir() and not path.is_symlink()  # what lies behind a link is not read
        if any(part.startswith(".") for part in inside.parts) or (below and not named):
            continue
        if path.name in ("Thumbs.db", "desktop.ini") or (within and inside.is_relative_to(skipped)):
            continue  # what systems leave there
        # An é is one letter here and two on a Mac.
        stem = unicodedata.normalize("NFC", inside.with_suffix("").as_posix())
        if not named or (path.exists() and not path.is_file()):
            unread.append(path)
        elif stem in found:
            faults.append(f"{path}: has the same name as {found[stem].name}: keep one of the two")
        else:
            found[stem] = path
    if not found:
        there = ", ".join(sorted(path.name for path in folder.iterdir())[:5]) or "nothing"
        raise FileNotFoundError(f"{folder} holds no picture that Pillow reads, but {there}.")
    return found


def _without_twin(pictures: dict[str, Path], masks: dict[str, Path]) -> list[str]:
    """Faults for the files without a twin, which say what it should be called."""
    alone, others = (
        sorted(one.keys() - other.keys(), key=natural)
        for one, other in ((pictures, masks), (masks, pictures))
    )
    named, faults = meant(alone, others), []
    if len(named) > 1:
        stem, mask = next(iter(named.items()))
        faults.append(
            f"{masks[mask].parent}: {len(named)} masks are named like {masks[mask].name}, but a "
            f"mask needs the name of its picture: {stem}{masks[mask].suffix}"
        )
        alone = [stem for stem in alone if stem not in named]
        others = [stem for stem in others if stem not in named.values()]
    for names, own, theirs in ((alone, pictures, masks), (others, masks, pictures)):
        for count, stem in enumerate(names):
            near = difflib.get_close_matches(stem, theirs, 1, 0) if count < 20 else []  # slow
            hint = f" (the nearest is {theirs[near[0]].name})" if near else ""
            faults.append(f"{own[stem]}: has no twin of that name{hint}")
    return faults


def meant(pictures: list[str], masks: list[str]) -> dict[str, str]:
    """Stems of pictures, and of the masks that seem to be theirs: `a` and `a_mask`, `x_a` and `y_a`."""
    affixes = Counter(tuple(m.split(p, 1)) for p in pictures[:20] for m in masks if p in m)
    for (before, after), _ in affixes.most_common(1):
        return {p: f"{before}{p}{after}" for p in pictures if f"{before}{p}{after}" in masks}
    bare = [{_bare(stem, stems): stem for stem in stems} for stems in (pictures, masks)]
    return {bare[0][stem]: bare[1][stem] for stem in bare[0] if stem in bare[1]}


def _bare(stem: str, stems: list[str]) -> str:
    """A stem without what all begin and end with, digits aside."""
    before = re.sub(r"\d+$", "", os.path.commonprefix(stems))
    after = re.sub(r"\d+$", "", os.path.commonprefix([stem[::-1] for stem in stems]))
    return stem[len(before) : len(stem) - len(after)]


def _read(path: Path, kind: Callable[[Image.Image], object]) -> object:
    try:
        with Image.open(path) as picture:
            picture.filename = ""  # else Pillow maps into memory, turned TIFFs by a wrong width
            if picture.format == "BMP" and picture.mode == "1":  # Pillow misreads some of them
                raise ValueError("it is a BMP of two colours: save it as PNG")
            return kind(picture)
    except Image.DecompressionBombError as error:
        size = re.search(r"\d+", str(error))[0]
        raise ValueError(f"{path}: has {int(size):,} pixels, too many: make it smaller") from error
    except Exception as error:  # of many kinds, from Pillow's many decoders
        raise ValueError(f"{path}: cannot be read ({error})") from error


def _turned(path: Path) -> bool:
    with Image.open(path) as picture:
        return picture.getexif().get(ExifTags.Base.Orientation, 1) != 1


def _picture(picture: Image.Image) -> np.ndarray:
    """uint8 (H, W, 3), or integers (H, W) where grey has more than 8 bits; turned as EXIF says."""
    pages, deep = getattr(picture, "n_frames", 1), ";16" in str(picture.tile)
    if pages > 1 and picture.format not in ("MPO", "GIF"):  # whose first picture is the picture
        raise ValueError(f"it holds {pages} pictures: save each as a file of its own")
    if picture.format == "TIFF" and picture.mode[0] == "I" and picture.tag_v2.get(262) == 0:
        raise ValueError("its TIFF says that 0 is white: save it as PNG")
    ImageOps.exif_transpose(picture, in_place=True)
    if picture.mode[0] not in "IF":
        pixels = np.asarray(picture if picture.mode == "RGB" else picture.convert("RGB"))
        if deep and pixels.max(initial=255) < 16:
            raise ValueError(
                "its 16 bits per channel hold small numbers only: scale them to 8 bits"
            )
        return pixels
    values = np.asarray(picture)
    if picture.mode == "F" or values.min(initial=0) < 0:
        raise ValueError("its pixels are fractions or negative: save 8 or 16 bits per channel")
    return values.astype("int64")


def _rgb(values: np.ndarray, bits: int) -> np.ndarray:
    if values.ndim == 3:
        return values
    grey = np.round(values * 255 / (2**bits - 1)).astype("uint8")
    return np.repeat(grey[..., None], 3, axis=2)


def _mask(mask: Image.Image) -> tuple[np.ndarray, Colours]:
    """Integers or bool (H, W) as stored, and the colours of a palette that is not grey.

    Raises ValueError where the numbers may not be those that were drawn.
    """
    way = f"{mask.format} {mask.info.get('compression', '')}".rstrip()
    if mask.format not in LOSSLESS or "jpeg" in way or "webp" in way:
        raise ValueError(f"it is a {way} file, which may change labels: save masks as PNG")
    if mask.mode not in ("1", "L", "P", "I") and not mask.mode.startswith("I;16"):
        raise ValueError(f"it is of mode {mask.mode}: a mask is one channel of class numbers")
    if re.search(r"\bL;[24]", str(mask.tile)):
        raise ValueError("its grey has 2 or 4 bits, which mean other numbers: save 8 bits")
    if mask.format == "TIFF" and mask.tag_v2.get(262) == 0:
        raise ValueError("its TIFF says that 0 is white: save it as PNG")
    if getattr(mask, "n_frames", 1) > 1 or mask.getexif().get(ExifTags.Base.Orientation, 1) != 1:
        raise ValueError("it holds several pictures, or an EXIF entry that turns it: save it plain")
    values = np.asarray(mask)
    return _without_palette(values, mask) if mask.mode == "P" else (values, {})


def _without_palette(values: np.ndarray, mask: Image.Image) -> tuple[np.ndarray, Colours]:
    """Labels from numbers of colours: in colour those numbers, in grey the shades where they agree.

    Writers of GIF number the colours anew: there the shades of grey are what was drawn.
    """
    used, palette = np.unique(values).tolist(), np.reshape(mask.getpalette("RGB"), (-1, 3)).tolist()
    if used and used[-1] >= len(palette):
        raise ValueError(f"its palette has {len(palette)} colours, but it holds {used[-1]}")
    colours = {number: tuple(palette[number]) for number in used}
    shades = [colour[0] for colour in colours.values()]
    if any(len(set(colour)) > 1 for colour in colours.values()):
        black = any(number and not any(colour) for number, colour in colours.items())
        if black or mask.format == "GIF":
            raise ValueError("its palette may have other numbers than were drawn: save it without")
        return values, colours
    alike = all(shade in (number, 255 * number) for number, shade in zip(used, shades, strict=True))
    if sorted(shades) != shades or not (alike or mask.format == "GIF"):
        raise ValueError(f"its numbers {used} show as greys {shades}: save it without a palette")
    drawn = np.zeros(256, "uint8")
    drawn[used] = shades
    return drawn[values], {}


def _labels(values: np.ndarray, task: Task) -> np.ndarray:
    """A mask as stored, (H, W), as class numbers (H, W, 1): of two classes white is the second,
    unless it is void.
    """
    values = values.astype("uint8") if values.dtype == bool else values
    white = values.max(initial=0)
    seldom = len(task.classes) == 2 and white in {255, 65535} - {task.void}
    if seldom and np.isin(values, (0, white)).all():
        return (values // white)[..., None]
    return values[..., None]


if __name__ == "__main__":
    from data import convert, doctor

    sys.stdout.reconfigure(errors="backslashreplace")  # of names that a terminal cannot show
    commands = {"check": doctor.main, "convert": convert.main}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](sys.argv[2:])
