"""What is in a folder of pictures and masks, before anything is trained on it.

    python data/folders.py check SOURCE [--images FOLDER --masks FOLDER] [--classes NAMES]
                           [--void NUMBER] [--test SOURCE] [--sheet FILE.png]

SOURCE holds a folder of pictures and one of masks. Where it holds more than two, --images and
--masks name those that are meant. --classes are names in the order of the masks' numbers, with
commas between; without them a proposal is printed. --test is a second such SOURCE, whose pictures
should not be among the first's. --sheet is where the eight strangest pairs are drawn. Files of other
tools are recognised, and the command that converts them is printed. Nothing is changed.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import imagehash
import matplotlib.pyplot as plt
import numpy as np
from matplotlib import colors
from PIL import ExifTags, Image
from scipy import ndimage, stats

from data import convert, figures, folders
from data.tasks import Task

SIDES = (128, 256, 512)  # at which small objects are looked for
SMALL = 96  # pixels a side of the copies in which outlines are compared with edges
NEAR = 20  # bits of 128 by which the hashes of near twins differ at most
COLOURS = ("#0072B2", "#CC79A7", "#E69F00", "#009E73", "#56B4E9", "#D55E00", "#F0E442", "#000000")


@dataclass
class Note:
    """What is noted of one pair."""

    files: tuple[Path, Path]
    size: tuple[int, int]  # height and width
    kinds: tuple[str, str]  # formats and modes of picture and mask
    turned: bool
    counts: dict[int, int]  # pixels of each number in the mask
    content: int  # a sum of the picture's pixels
    bits: np.ndarray  # 128, bool: the picture's hash
    picture: np.ndarray  # uint8 (SMALL, SMALL, 3)
    mask: np.ndarray  # uint8 (SMALL, SMALL)
    objects: dict[int, list[tuple[int, list[bool]]]]  # by class: pixels, and if left at SIDES

    @property
    def name(self) -> str:
        return self.files[0].name


@dataclass
class Report:
    """What `check_folder` found; `task` is the one that was given, or proposed."""

    task: Task
    pairs: folders.Pairs
    text: str  # Markdown
    strange: list[Note] = field(default_factory=list)  # up to eight pairs, the strangest first

    def __repr__(self) -> str:
        return f"Report({len(self.pairs.files)} pairs, {len(self.pairs.faults)} faults)"

    def sheet(self) -> plt.Figure:
        """The strangest pairs, with the outlines of their masks."""
        read = [
            (folders.read_picture(a), folders.read_mask(b, self.task))
            for a, b in (note.files for note in self.strange)
        ]
        images, masks = ([pair[place] for pair in read] for place in (0, 1))
        titles = [
            name if len(name) < 24 else f"{name[:10]}…{name[-11:]}"
            for name in (note.name for note in self.strange)
        ]
        return figures.outlined(images, [mask[..., 0] for mask in masks], titles, self.task.classes)


def check_folder(
    images: Path,
    masks: Path,
    task: Task | None = None,
    test: tuple[Path, Path] | None = None,
) -> Report:
    """Look through two folders as `unet_helpers.load_folder` would, and say what is in them.

    Raises what `folders.examine` raises.
    """
    given = task
    task = given or propose(Path(images).expanduser(), Path(masks).expanduser())
    pairs = folders.examine(images, masks, task, noted)
    notes: list[Note] = pairs.notes
    others: list[Note] = folders.examine(*test, task, noted).notes if test else []
    parts = [
        heading(pairs, others),
        faults(pairs),
        advice(pairs, Path(images), Path(masks)),
        *(
            [
                files(notes, pairs.bits),
                numbers(notes, task, given is not None),
                objects(notes, task),
                twins(notes, others),
                outlines(notes),
            ]
            if notes
            else []
        ),
    ]
    return Report(task, pairs, "\n\n".join(part for part in parts if part), strangest(notes, task))


def noted(pair: tuple[Path, Path], image: np.ndarray, labels: np.ndarray) -> Note:
    """Look at one pair, as it is trained on: image uint8 (H, W, 3), labels integers (H, W, 1)."""
    labels = labels[..., 0].astype("uint8")
    height, width = labels.shape
    kinds, turned = [], False
    for path in pair:
        with Image.open(path) as file:
            kinds.append(f"{file.format} {MODES.get(file.mode, file.mode)}")
            turned |= file.getexif().get(ExifTags.Base.Orientation, 1) != 1
    values = np.bincount(labels.ravel(), minlength=256)
    counts = {number: int(values[number]) for number in np.flatnonzero(values).tolist()}
    small = thumb(image)
    whole = Image.fromarray(small)
    hashes = imagehash.dhash(whole), imagehash.dhash_vertical(whole)
    return Note(
        files=pair,
        size=(height, width),
        kinds=(kinds[0], kinds[1]),
        turned=turned,
        counts=counts,
        content=zlib.crc32(image, zlib.crc32(repr(image.shape).encode())),
        bits=np.concatenate([each.hash.ravel() for each in hashes]),
        picture=small,
        mask=thumb(labels),
        objects={number: pieces(labels == number) for number in counts},
    )


def pieces(area: np.ndarray) -> list[tuple[int, list[bool]]]:
    """Pixels of each connected piece of an area, bool (H, W), and whether it is left at SIDES."""
    found, count = ndimage.label(area)
    sizes = np.bincount(found.ravel(), minlength=count + 1)[1:]
    left = []
    for side in SIDES:
        rows, columns = (
            np.minimum(((np.arange(side) + 0.5) * length / side).astype(int), length - 1)
            for length in area.shape
        )
        here = np.zeros(count + 1, bool)
        here[found[rows][:, columns]] = True
        left.append(here[1:])
    return list(zip(sizes.tolist(), np.transpose(left).tolist(), strict=True))


SIGNS = {"suffix": ("are named like", "is a JPEG file"), "colours": ("it is of mode RGB",)}
MODES = {"1": "black and white", "L": "grey", "LA": "grey with alpha", "P": "palette"}
MODES |= {"RGB": "colour", "RGBA": "colour with alpha", "CMYK": "CMYK", "I;16": "grey of 16 bits"}


# The parts of the report -------------------------------------------------------------------------


def propose(images: Path, masks: Path) -> Task:
    """A task for the numbers that the masks hold, with names that say no more than these."""
    unread: list[Path] = []
    paths = folders.by_stem(masks, unread, [], other=images).values()
    held: set[int] = set()
    for path in paths:
        try:
            held |= set(np.unique(folders.stored(path)).tolist())
        except ValueError:  # listed as a fault, later on
            continue
    if held <= {0, 1} or held in ({0, 255}, {255}):
        return Task(masks.name, ("background", "foreground"), painted(2))
    classes = held - {255}
    count = min(max(2, max(classes, default=1) + 1), 255)
    names = tuple(f"class {number}" for number in range(count))
    return Task(masks.name, names, painted(count), 255 if 255 in held else None)


def painted(count: int) -> tuple[str, ...]:
    """Colours for so many classes, the first eight of which colour-blind readers can tell apart."""
    more = (colors.to_hex(plt.get_cmap("turbo")(n / count)) for n in range(len(COLOURS), count))
    return (*COLOURS[:count], *more)


def heading(pairs: folders.Pairs, others: list[Note]) -> str:
    """How many pairs there are."""
    text = f"**{len(pairs.files):,} pairs**"
    if pairs.files:
        ends = pairs.files[0][0].name, pairs.files[-1][0].name
        text += f", in natural order from `{ends[0]}` to `{ends[1]}`"
    if others:
        text += f", and {len(others):,} of a test split"
    return f"{text}."


def faults(pairs: folders.Pairs) -> str:
    """Faults in the words of `load_folder`, and what is no picture."""
    text = "No faults: `load_folder` reads them."
    if pairs.faults:
        text = f"**{len(pairs.faults)} faults**, for which `load_folder` refuses the folder:\n\n"
        text += pairs.listed()
    return "\n\n".join([text, *pairs.not_read()])


def advice(pairs: folders.Pairs, images: Path, masks: Path) -> str:
    """Which conversion would mend what is wrong."""
    source = Path(os.path.commonpath([images.absolute(), masks.absolute()]))
    said = "\n".join(pairs.faults)
    if "has no twin" in said and (order := by_order(images, masks)):
        return order
    places = "".join(
        f" --{kind} {path.absolute().relative_to(source)}"
        for kind, path in (("images", images), ("masks", masks))
    )
    lines = [
        f"    python data/folders.py convert {source} OUT --from {form}{places}"
        for form, signs in SIGNS.items()
        if any(sign in said for sign in signs)
    ]
    return "\n\n".join(["This may help, and leaves the folder as it is:", *lines]) if lines else ""


def files(notes: list[Note], bits: int) -> str:
    """Kinds and sizes of files, and what is done with them."""
    rows = []
    for place, what in enumerate(("pictures", "masks")):
        for kind, count in Counter(note.kinds[place] for note in notes).most_common():
            done = "read as class numbers"
            if not place:
                done = "read as colour" if "colour" in kind and "alpha" not in kind else "to colour"
                if "alpha" in kind:
                    done = "to colour, alpha dropped"
                if "16 bits" in kind:
                    done = f"scaled by the folder's own range, {bits} bits"
            rows.append({"files": what, "kind": kind, "count": count, "what is done": done})
    turned = sum(note.turned for note in notes)
    sizes = Counter(note.size for note in notes)
    areas, (commonest, count) = sorted(sizes, key=math.prod), sizes.most_common(1)[0]
    text = f"All are of {size(commonest)} pixels."
    if len(sizes) > 1:
        text = (
            f"{len(sizes)} sizes, from {size(areas[0])} to {size(areas[-1])} pixels; the commonest"
        )
        text += f" is {size(commonest)}, {count:,} times."
    shapes = [width / height for height, width in sizes.elements()]
    if max(shapes) / min(shapes) > 2:
        text += f" Width by height goes from {min(shapes):.2f} to {max(shapes):.2f}: squeezed into "
        text += "a square, things look different in them."
    if turned:
        text += f" {turned} pictures are turned as their EXIF entries say."
    return f"{figures.table(rows).data}\n\n{text}"


def size(shape: tuple[int, int]) -> str:
    """A size as people write it: width x height."""
    return f"{shape[1]} x {shape[0]}"


def numbers(notes: list[Note], task: Task, given: bool) -> str:
    """The numbers that masks hold, against the classes."""
    total = sum((Counter(note.counts) for note in notes), Counter())
    held = Counter(number for note in notes for number in note.counts)
    names = dict(enumerate(task.classes)) | ({} if task.void is None else {task.void: "void"})
    labelled = sum(count for number, count in total.items() if number != task.void)
    rows = [
        {
            "number": number,
            "class": names.get(number, "none"),
            "share of pixels": total[number] / max(labelled, 1) if number != task.void else "",
            "pictures with it": held[number],
            "without it": len(notes) - held[number],
        }
        for number in sorted({*total, *range(min(len(task.classes), 30))})
    ]
    text = figures.table(rows).data
    if not given:
        void = "" if task.void is None else f", void={task.void}"
        colours = tuple(task.colours)
        text = (
            f"No task was given. Proposed, with names to be put right:\n\n    Task({task.name!r}, "
        )
        text += f"{task.classes}, {colours}{void})\n\n{figures.table(rows).data}"
        if empty := [number for number in range(len(task.classes)) if not total[number]]:
            text += f"\n\nNo mask holds {empty}: are the numbers what you think?"
    rare = [names[n] for n in total if n in names and total[n] / max(labelled, 1) < 0.01]
    if rare:
        text += f"\n\nRare, below 1 % of the pixels: {', '.join(rare)}. See lesson 6 on weights."
    return text


def objects(notes: list[Note], task: Task) -> str:
    """The smallest connected pieces of each class, and how many are left at lower resolutions."""
    rows = []
    for number, name in enumerate(task.classes):
        found = [piece for note in notes for piece in note.objects.get(number, [])]
        if name == "background" or not found or len(rows) > 20:
            continue
        areas = np.array([area for area, _ in found])
        left = np.array([kept for _, kept in found])
        row = {
            "class": name,
            "pieces": len(areas),
            "smallest tenth, pixels": int(np.quantile(areas, 0.1)),
        }
        row |= {
            f"left at {side}": f"{share:.0%}"
            for side, share in zip(SIDES, left.mean(0), strict=True)
        }
        rows.append(row)
    if not rows:
        return ""
    text = "Connected pieces, and the share of them that is left when pictures are resized:"
    return f"{text}\n\n{figures.table(rows).data}"


def twins(notes: list[Note], others: list[Note]) -> str:
    """Pictures that are the same, or nearly; above all in training and test, or across a split."""
    text = []
    groups: dict[int, list[str]] = {}
    for note in notes:
        groups.setdefault(note.content, []).append(note.name)
    same = [
        " = ".join(f"`{name}`" for name in group) for group in groups.values() if len(group) > 1
    ]
    text += [f"{len(same)} times the very same picture: {', '.join(same[:9])}"] if same else []
    bits = np.stack([note.bits for note in notes])
    near = neighbours(bits, bits) & ~np.eye(len(notes), dtype=bool)
    if others:
        pairs = np.argwhere(neighbours(bits, np.stack([note.bits for note in others])))
        listed = [f"`{notes[a].name}` ~ `{others[b].name}`" for a, b in pairs[:9].tolist()]
        seen = len({b for _, b in pairs.tolist()})
        text.append(
            f"{seen} of {len(others)} test pictures have a near twin here. {', '.join(listed)}"
        )
    if near.any():
        kept = max(1, round(0.125 * len(notes)))
        rng = np.random.default_rng(0)
        first, drawn = np.arange(kept), rng.permutation(len(notes))[:kept]
        torn = [
            near[part][:, np.setdiff1d(np.arange(len(notes)), part)].any(1).sum()
            for part in (first, drawn)
        ]
        text.append(
            f"{near.any(1).sum()} pictures have a near twin here, as stills of one film have. Of "
            f"{kept} kept for validation, {torn[0]} have one in training if these are the first by "
            f"name, {torn[1]} if they are drawn at random: split by film, place or patient."
        )
    return "\n\n".join(text) or "No two pictures are alike."


def neighbours(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Which hashes, bool (N, 128) and (M, 128), differ in few bits: bool (N, M)."""
    first, second = (each.astype("float32") for each in (one, other))
    return first @ (1 - second.T) + (1 - first) @ second.T <= NEAR


def outlines(notes: list[Note]) -> str:
    """Whether masks fit better to the picture before or after: numbers may be shifted by one."""
    fits = fitting([note.mask for note in notes], [note.picture for note in notes])
    if not len(fits):
        return ""
    text = (
        f"Across the masks' outlines, colours differ {np.nanmedian(fits[1]):.1f} times as much as "
    )
    text += "elsewhere."
    for step, where in ((0, "before"), (2, "after")):
        better, count, chance = compared(fits[step], fits[1])
        if chance < 0.01:
            text += (
                f" **Masks fit the picture {where} theirs better** in {better} of {count} (by chance "
                f"with a probability of {chance:.1g}): are the numbers of the files shifted by one?"
            )
    return text


def by_order(images: Path, masks: Path) -> str:
    """Whether masks that are not named like the pictures fit them in the order of their names."""
    unread: list[Path] = []
    found = folders.by_stem(images, unread, [], masks), folders.by_stem(masks, unread, [], images)
    paths = [[each[stem] for stem in sorted(each, key=folders.natural)] for each in found]
    count = len(paths[0])
    if count != len(paths[1]) or count < 6:
        return ""
    try:
        pictures = [folders.read_picture(path) for path in paths[0]]
        labels = [folders.stored(path) for path in paths[1]]
    except ValueError:  # listed as a fault
        return ""
    kinds = {mask.shape for mask in labels}
    agree = sum(p.shape[:2] == m.shape for p, m in zip(pictures, labels, strict=True))
    if agree < count:
        return ""
    fits = fitting([thumb(mask) for mask in labels], [thumb(picture) for picture in pictures])
    text = f"In the order of their names all {count} sizes agree, of {len(kinds)} kinds"
    for step, where in ((0, "before"), (2, "after")):
        better, tried, chance = compared(fits[1], fits[step])
        text += f"; outlines lie on edges better than {where} in {better} of {tried}"
        text += f" (by chance {chance:.1g})"
    ends = paths[0][0].name, paths[1][0].name
    return f"Does `{ends[1]}` belong to `{ends[0]}`, and so on? {text}. If so, rename the masks."


def fitting(masks: list[np.ndarray], pictures: list[np.ndarray]) -> np.ndarray:
    """`contrast` of each mask but the ends with the picture before, its own, and the next: (3, N)."""
    if len(masks) < 6:
        return np.empty((0, 3))
    inner = range(1, len(masks) - 1)
    return np.array(
        [[contrast(masks[n], pictures[n + step]) for n in inner] for step in (-1, 0, 1)]
    )


def compared(one: np.ndarray, other: np.ndarray) -> tuple[int, int, float]:
    """How often the first is the larger, of how many, and how likely that is by chance."""
    gain = one - other
    gain = gain[np.isfinite(gain) & (gain != 0)]
    better, count = int((gain > 0).sum()), len(gain)
    if not count:
        return 0, 0, 1.0
    return better, count, float(stats.binomtest(better, count, alternative="greater").pvalue)


def thumb(array: np.ndarray) -> np.ndarray:
    """A small copy: of a picture, (H, W, 3), by means, of a mask, (H, W), by single pixels."""
    if array.ndim == 3:
        return np.asarray(Image.fromarray(array).resize((SMALL, SMALL), Image.Resampling.BOX))
    rows, columns = (np.arange(SMALL) * side // SMALL for side in array.shape)
    return array[rows][:, columns]


def contrast(mask: np.ndarray, picture: np.ndarray) -> float:
    """How much more colours differ across a mask's outlines than elsewhere in a picture."""
    colours, across, elsewhere = picture.astype("float32"), [], []
    for axis in (0, 1):
        steps = np.abs(np.diff(colours, axis=axis)).mean(-1)
        edge = np.diff(mask.astype(int), axis=axis) != 0
        across.append(steps[edge])
        elsewhere.append(steps[~edge])
    inside, outside = np.concatenate(across), np.concatenate(elsewhere)
    if not len(inside) or not outside.any():
        return math.nan
    return float(inside.mean() / outside.mean())


def strangest(notes: list[Note], task: Task) -> list[Note]:
    """The eight pairs that lie furthest from the others, by size, colours, classes and outlines."""
    if not notes:
        return []
    measured = np.array(
        [
            [
                math.log(note.size[0] * note.size[1]),
                math.log(note.size[1] / note.size[0]),
                note.picture.mean(),
                note.picture.std(),
                np.ptp(note.picture.mean((0, 1))),
                np.nan_to_num(contrast(note.mask, note.picture), nan=1.0),
                math.log1p(sum(len(found) for found in note.objects.values())),
                *(note.counts.get(number, 0) / math.prod(note.size) for number in task.values[:30]),
            ]
            for note in notes
        ]
    )
    middle = np.median(measured, axis=0)
    spread = np.median(np.abs(measured - middle), axis=0) + 0.1 * measured.std(0) + 1e-9
    order = np.argsort(-np.abs((measured - middle) / spread).sum(1))
    return [notes[place] for place in order[:8]]


# The command --------------------------------------------------------------------------------------


def recognised(source: Path) -> dict[str, Path]:
    """The folders in a source that must be converted first, by the form that they have."""
    found: dict[str, Path] = {}
    for path in sorted(source.rglob("SegmentationClass")):
        if (path.parent / "JPEGImages").is_dir():
            found.setdefault("voc", path.parent)
    for path in sorted(source.rglob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            continue
        keys = content.keys() if isinstance(content, dict) else set()
        for form, signs in (
            ("coco", ("images", "annotations", "categories")),
            ("labelme", ("shapes",)),
        ):
            if keys >= set(signs):
                found.setdefault(form, path.parent)
    for place in (source, *(path for path in source.iterdir() if path.is_dir())):
        names = [path.stem for path in place.iterdir() if convert.is_picture(path)]
        masks = [name for name in names if convert.LABELS.search(name)]
        if masks and folders.meant([name for name in names if name not in masks], masks):
            found.setdefault("suffix", place)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="folders.py check",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="SOURCE", type=Path)
    for name in ("--images", "--masks", "--classes"):
        parser.add_argument(name, default="")
    parser.add_argument("--void", type=int)
    for name in ("--test", "--sheet"):
        parser.add_argument(name, type=Path)
    given = parser.parse_args(arguments)
    source = given.source.expanduser()
    try:
        forms = {} if given.images or (source / "images").is_dir() else recognised(source)
        if forms:
            lines = [f"{source} has another form. Bring it into the plain one, then check OUT:"]
            for form, place in forms.items():
                lines.append(f"    python data/folders.py convert {place} OUT --from {form}")
            sys.exit("\n".join(lines))
        named = [name.strip() for name in given.classes.split(",") if name.strip()]
        if not named and (source / "classes.txt").is_file():  # as `convert` writes it
            named = convert.names_in(source / "classes.txt")
        task = None
        if named:
            task = Task(source.name, tuple(named), painted(len(named)), given.void)
        places = convert.two_places(source, given.images, given.masks)
        test = given.test and convert.two_places(given.test, given.images, given.masks)
        report = check_folder(*places, task, test)
    except (OSError, ValueError) as problem:
        sys.exit(str(problem))
    print(report.text)
    if given.sheet and report.strange:
        report.sheet().savefig(given.sheet, dpi=figures.DPI)
    sys.exit(1 if report.pairs.faults else 0)
