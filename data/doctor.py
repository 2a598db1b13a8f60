"""What is in a folder of pictures and masks, before anything is trained on it.

    python data/folders.py check SOURCE [--images FOLDER --masks FOLDER] [--classes NAMES]
                           [--void NUMBER] [--test SOURCE] [--sheet FILE.png]

SOURCE holds a folder of pictures and one of masks. Where it holds more than two, --images and
--masks name those that are meant. --classes are names in the order of the masks' numbers, with
commas between, and --void the number of pixels that nobody labelled; without them those of a
classes.txt are taken, as `convert` writes it, or a proposal is printed. --test is a second such
SOURCE, whose pictures should not be among the first's. --sheet is where the eight strangest pairs
are drawn. Files of other tools are recognised, and the command that converts them is printed.
Nothing is changed.
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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import imagehash
import matplotlib.pyplot as plt
import numpy as np
from PIL import ExifTags, Image
from scipy import ndimage, stats

from data import convert, figures, folders
from data.tasks import Task

SIDES = (128, 256, 512)  # at which small objects are looked for
SMALL = 96  # pixels a side of the copies in which outlines are compared with edges
NEAR = 20  # bits of 128 by which the hashes of near twins differ at most


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
    colours: tuple[float, float, float]  # the picture's mean, spread, and range of channels' means
    steps: list[np.ndarray]  # of a small copy of the picture, see `steps`
    mask: np.ndarray  # uint8 (SMALL, SMALL)
    fit: float  # `contrast` of these two
    objects: dict[int, list[tuple[int, list[bool]]]]  # by class: pixels, and if left at SIDES

    @property
    def name(self) -> str:
        return legible(self.files[0].name)


@dataclass
class Report:
    """What `check_folder` found; `task` is the one that was given, or proposed."""

    task: Task
    pairs: folders.Pairs
    text: str  # Markdown
    strange: list[Note] = field(default_factory=list)  # up to eight pairs, the strangest first
    others: folders.Pairs = field(default_factory=folders.Pairs)  # of the test split

    def __repr__(self) -> str:
        return f"Report({len(self.pairs.files)} pairs, {len(self.faults)} faults)"

    @property
    def faults(self) -> list[str]:
        """All that is wrong, in the test split too."""
        return self.pairs.faults + self.others.faults

    def sheet(self) -> plt.Figure:
        """The strangest pairs, with the outlines of their masks. Raises ValueError for none."""
        if not self.strange:
            raise ValueError("No pair is without a fault, so there is nothing to draw.")
        read = [
            (folders.read_picture(a, self.pairs.bits), folders.read_mask(b, self.task))
            for a, b in (note.files for note in self.strange)
        ]
        images, masks = ([pair[place] for pair in read] for place in (0, 1))
        titles = [
            name if len(name) < 24 else f"{name[:10]}…{name[-11:]}"
            for name in (note.name.replace("$", r"\$") for note in self.strange)  # no formulas
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
    images, masks, given = Path(images).expanduser(), Path(masks).expanduser(), task
    task = given or propose(images, masks)
    pairs = folders.examine(images, masks, task, partial(noted, task=task))
    notes: list[Note] = pairs.notes
    others = folders.examine(*test, task, partial(noted, task=task)) if test else folders.Pairs()
    parts = [
        heading(pairs, others),
        faults(pairs),
        "Of the test split: " + faults(others) if test else "",
        advice(pairs, images, masks),
        *(
            [
                files(notes, pairs.bits),
                numbers(notes, task, given is not None),
                objects(notes, task),
                twins(notes, others.notes),
                outlines(notes),
            ]
            if notes
            else []
        ),
    ]
    text = legible("\n\n".join(part for part in parts if part))
    return Report(task, pairs, text, strangest(notes, task), others)


def legible(text: str) -> str:
    """A text in which bytes of names that are no letters are spelt as numbers."""
    return text.encode(errors="backslashreplace").decode()


def noted(pair: tuple[Path, Path], image: np.ndarray, labels: np.ndarray, task: Task) -> Note:
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
    small, mask = thumb(image), thumb(labels)
    edges, whole = steps(small), Image.fromarray(small)
    hashes = imagehash.dhash(whole), imagehash.dhash_vertical(whole)
    return Note(
        files=pair,
        size=(height, width),
        kinds=(kinds[0], kinds[1]),
        turned=turned,
        counts=counts,
        content=zlib.crc32(image, zlib.crc32(repr(image.shape).encode())),
        bits=np.concatenate([each.hash.ravel() for each in hashes]),
        colours=(float(small.mean()), float(small.std()), float(np.ptp(small.mean((0, 1))))),
        steps=edges,
        mask=mask,
        fit=contrast(mask, edges),
        objects=pieces(labels, [number for number in counts if number in foreground(task)]),
    )


def foreground(task: Task) -> dict[int, str]:
    """The classes of which single objects are counted, by number."""
    return {n: name for n, name in enumerate(task.classes) if name not in convert.BACKGROUND}


def pieces(labels: np.ndarray, numbers: list[int]) -> dict[int, list[tuple[int, list[bool]]]]:
    """For these numbers in a mask, uint8 (H, W): pixels of each connected piece, and whether it is
    left at SIDES.
    """
    boxes, pieces = ndimage.find_objects(labels + 1) if numbers else [], {}  # 255 + 1 is none
    for number in numbers:
        box = boxes[number]
        found, count = ndimage.label(labels[box] == number)
        sizes, left = np.bincount(found.ravel(), minlength=count + 1)[1:], []
        for side in SIDES:
            places = []
            for length, part in zip(labels.shape, box, strict=True):
                middles = ((np.arange(side) + 0.5) * length / side).astype(int)
                inside = (middles >= part.start) & (middles < part.stop)
                places.append(middles[inside] - part.start)
            here = np.full(count + 1, side >= max(labels.shape))  # where every pixel is left
            if not here[0]:
                here[found[np.ix_(*places)]] = True
            left.append(here[1:])
        pieces[number] = list(zip(sizes.tolist(), np.transpose(left).tolist(), strict=True))
    return pieces


SIGNS = {"suffix": ("are named like", "is a JPEG file"), "colours": ("it is of mode RGB",)}
MODES = {"1": "black and white", "L": "grey", "LA": "grey with alpha", "P": "palette"}
MODES |= {"RGB": "colour", "RGBA": "colour with alpha", "CMYK": "CMYK", "I": "grey of 32 bits"}
MODES |= dict.fromkeys(("I;16", "I;16B", "I;16L"), "grey of 16 bits")


# The parts of the report -------------------------------------------------------------------------


def propose(images: Path, masks: Path) -> Task:
    """A task for the numbers that the masks hold, with names that say no more than these."""

    def numbers(path: Path) -> set[int]:
        try:
            values = folders.stored(path)
        except ValueError:  # listed as a fault, later on
            return set()
        return set() if values.dtype == bool else {*np.unique(values).tolist()}  # 1 bit fits all

    with ThreadPoolExecutor(os.cpu_count()) as workers:
        paths = folders.by_stem(masks, [], [], other=images).values()
        held = set().union(*workers.map(numbers, paths))
    if held <= {0, 1} or held <= {0, 255, 65535}:
        return Task(masks.name, ("background", "foreground"))
    classes = held - {255}
    count = min(max(2, max(classes, default=1) + 1), 255)
    names = tuple(f"class {number}" for number in range(count))
    return Task(masks.name, names, void=255 if 255 in held else None)


def heading(pairs: folders.Pairs, others: folders.Pairs) -> str:
    """How many pairs there are."""
    text = f"**{len(pairs.files):,} pairs**"
    if pairs.files:
        ends = pairs.files[0][0].name, pairs.files[-1][0].name
        text += f", in natural order from `{ends[0]}` to `{ends[1]}`"
    if others.files:
        text += f", and {len(others.files):,} of a test split"
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
    inside = [path.absolute().relative_to(source) for path in (images, masks)]
    lines = [
        conversion(source, form, "--images", inside[0], "--masks", inside[1])
        for form, signs in SIGNS.items()
        if any(sign in said for sign in signs)
    ]
    return "\n\n".join(["This may help, and leaves the folder as it is:", *lines]) if lines else ""


def conversion(source: Path, form: str, *places: object) -> str:
    """The line that starts a conversion."""
    words = ["python", "data/folders.py", "convert", source, "OUT", "--from", form, *places]
    return f"    {convert.quoted(*words)}"


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
                if "bits" in kind:
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
        proposed = f"    Task({task.name!r}, {task.classes}{void})"
        text = f"No task was given. Proposed, with names to be put right:\n\n{proposed}\n\n{text}"
        if empty := [number for number in range(len(task.classes)) if not total[number]]:
            more = f" and {len(empty) - 9} more" if len(empty) > 9 else ""
            text += f"\n\nNo mask holds {empty[:9]}{more}: are the numbers what you think?"
    rare = [name for n, name in enumerate(task.classes) if 0 < total[n] < 0.01 * labelled]
    if rare:
        text += f"\n\nRare, below 1 % of the pixels: {', '.join(rare)}. See lesson 6 on weights."
    return text


def objects(notes: list[Note], task: Task) -> str:
    """The smallest connected pieces of each class, and how many are left at lower resolutions."""
    rows = []
    for number, name in foreground(task).items():
        found = [piece for note in notes for piece in note.objects.get(number, [])]
        if not found or len(rows) > 20:
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
    groups: dict[tuple[int, bytes], list[str]] = {}
    for note in notes:
        groups.setdefault((note.content, note.bits.tobytes()), []).append(note.name)
    same = [
        " = ".join(f"`{name}`" for name in group) for group in groups.values() if len(group) > 1
    ]
    more = f" and {len(same) - 9} more groups" if len(same) > 9 else ""
    text += [f"The very same pictures: {', '.join(same[:9])}{more}."] if same else []
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
            f"{near.any(1).sum()} pictures have a near twin here, as stills of one film have. Kept for "
            f"validation, of the first {kept} by name {torn[0]} would have one in training, of {kept} "
            f"drawn at random {torn[1]}: split by film, place or patient."
        )
    return "\n\n".join(text) or "No two pictures are alike."


def neighbours(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Which hashes, bool (N, 128) and (M, 128), differ in few bits: bool (N, M)."""
    second = other.T.astype("float32")
    parts = np.array_split(one.astype("float32"), len(one) // 1000 + 1)  # for the memory's sake
    return np.concatenate([part @ (1 - second) + (1 - part) @ second <= NEAR for part in parts])


def outlines(notes: list[Note]) -> str:
    """Whether masks fit better to the picture before or after: numbers may be shifted by one."""
    fits = fitting([note.mask for note in notes], [note.steps for note in notes])
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
    found = folders.by_stem(images, [], [], masks), folders.by_stem(masks, [], [], images)
    stems = [sorted(each, key=folders.natural) for each in found]
    paths = [[each[stem] for stem in names] for each, names in zip(found, stems, strict=True)]
    count = len(paths[0])
    if count != len(paths[1]) or count < 6:
        return ""
    kinds, masks, edges = set(), [], []
    for path, other in zip(*paths, strict=True):
        try:
            picture, mask = folders.read_picture(path), folders.stored(other)
        except ValueError:  # listed as a fault
            return ""
        if picture.shape[:2] != mask.shape:
            return ""
        kinds.add(mask.shape)
        masks.append(thumb(mask))
        edges.append(steps(thumb(picture)))
    fits = fitting(masks, edges)
    text = f"In the order of their names all {count} sizes agree, of {len(kinds)} kinds"
    for step, where in ((0, "before"), (2, "after")):
        better, tried, chance = compared(fits[1], fits[step])
        text += f"; outlines lie on edges better than {where} in {better} of {tried}"
        text += f" (by chance {chance:.1g})"
    first = next(n for n in range(count) if stems[0][n] != stems[1][n])
    ends = paths[0][first].name, paths[1][first].name
    return f"Does `{ends[1]}` belong to `{ends[0]}`, and so on? {text}. If so, rename the masks."


def fitting(masks: list[np.ndarray], edges: list[list[np.ndarray]]) -> np.ndarray:
    """`contrast` of each mask but the ends with the picture before, its own, and the next: (3, N)."""
    if len(masks) < 6:
        return np.empty((0, 3))
    inner = range(1, len(masks) - 1)
    return np.array([[contrast(masks[n], edges[n + step]) for n in inner] for step in (-1, 0, 1)])


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


def steps(picture: np.ndarray) -> list[np.ndarray]:
    """How much the colours of a picture, uint8 (H, W, 3), differ between neighbours, uint16: one
    below the other (H - 1, W), and side by side (H, W - 1).
    """
    planes = np.ascontiguousarray(np.moveaxis(picture, -1, 0), "int16")
    return [np.abs(np.diff(planes, axis=axis)).sum(0, "uint16") for axis in (1, 2)]


def contrast(mask: np.ndarray, edges: list[np.ndarray]) -> float:
    """How much more colours differ (`steps`) across a mask's outlines than elsewhere."""
    crossed = mask[1:] != mask[:-1], mask[:, 1:] != mask[:, :-1]
    inside = sum(int(step[where].sum()) for step, where in zip(edges, crossed, strict=True))
    outside = sum(int(step.sum()) for step in edges) - inside
    count = sum(int(where.sum()) for where in crossed)
    if not count or not outside:
        return math.nan
    return inside / count / (outside / (sum(step.size for step in edges) - count))


def strangest(notes: list[Note], task: Task) -> list[Note]:
    """The eight pairs that lie furthest from the others, by size, colours, classes and outlines."""
    if not notes:
        return []
    measured = np.array(
        [
            [
                math.log(note.size[0] * note.size[1]),
                math.log(note.size[1] / note.size[0]),
                *note.colours,
                math.log(max(note.fit, 0.1)) if note.fit == note.fit else 0,  # nan where no outline
                math.log1p(sum(len(found) for found in note.objects.values())),
                *(note.counts.get(number, 0) / math.prod(note.size) for number in task.values[:30]),
            ]
            for note in notes
        ]
    )
    middle = np.median(measured, axis=0)
    spread = np.median(np.abs(measured - middle), axis=0) + measured.std(0) + 1e-9
    order = np.argsort(-np.square((measured - middle) / spread).sum(1))
    return [notes[place] for place in order[:8]]


# The command --------------------------------------------------------------------------------------


def recognised(source: Path) -> dict[tuple[str, Path], None]:
    """Forms, and folders in a source that have them and must be converted first, in order."""
    below = [path for path in sorted(source.iterdir()) if path.is_dir()]
    masks = [path for path in below if convert.LABELS.search(path.name)]
    if source / "images" in below and any(map(convert.has_pictures, masks)):
        return {}
    found: dict[tuple[str, Path], None] = {}
    for path in sorted(source.rglob("SegmentationClass")):
        if (path.parent / "JPEGImages").is_dir():
            found["voc", path.parent] = None
    files = sorted(source.rglob("*.json"))
    beside = {place: convert.has_pictures(place) for place in {path.parent for path in files}}
    for path in files:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        keys = content.keys() if isinstance(content, dict) else set()
        place = path.parent if beside[path.parent] else source
        for form, signs in (
            ("coco", ("images", "annotations", "categories")),
            ("labelme", ("shapes",)),
        ):
            if keys >= set(signs):
                found[form, place] = None
    for place in (source, *below):
        names = [path.stem for path in place.iterdir() if convert.is_picture(path)]
        masks = [name for name in names if convert.LABELS.search(name)]
        if masks and folders.meant([name for name in names if name not in masks], masks):
            found["suffix", place] = None
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
        if not source.is_dir():
            raise FileNotFoundError(f"{source} is no folder: correct the path.")
        if forms := {} if given.images else recognised(source):
            lines = [f"{source} has another form. Bring it into the plain one, then check OUT:"]
            lines += [conversion(place, form) for form, place in forms]
            lines += ["Where it is plain all the same, say so with --images and --masks."]
            sys.exit("\n".join(lines))
        places = convert.two_places(source, given.images, given.masks)
        task = named(given.classes, given.void, *places)
        test = given.test and given.test.expanduser()
        test = test and convert.two_places(test, given.images, given.masks)
        report = check_folder(*places, task, test)
        print(report.text)
        if given.sheet and report.strange:
            report.sheet().savefig(given.sheet, dpi=figures.DPI)
    except (OSError, ValueError) as problem:
        sys.exit(str(problem))
    sys.exit(1 if report.faults else 0)


def named(classes: str, void: int | None, images: Path, masks: Path) -> Task | None:
    """The task of these class names, or of those in a classes.txt beside the masks, if any.

    As `convert` writes them: void is 255, unless masks say the second of two classes so.
    """
    names, file = [name.strip() for name in classes.split(",") if name.strip()], None
    if not names and (file := masks.parent / "classes.txt").is_file():
        names = convert.names_in(file)
        if void is None:
            void = propose(images, masks).void if len(names) == 2 else convert.VOID
    if not names and void is not None:
        raise ValueError(f"--void {void} needs --classes; without them 255 is taken for void.")
    return Task(masks.parent.resolve().name, (*names,), void=void) if names else None
