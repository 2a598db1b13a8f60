"""Where the course's pictures come from: pets, fires, and folders of the reader's own.

All of them arrive as dicts of `images`, `segmentation_masks` and `names`, for `unet_helpers.prepare`.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import requests
import tensorflow as tf
import tensorflow_datasets as tfds

from data import figures, folders
from data.tasks import FIRE, Task

if TYPE_CHECKING:
    from unet_helpers import Course

DATA = Path(__file__).resolve().parent


class Splits(dict):
    """`train`, `validation` and `test` of a data set. Its `name` tells profile, data and content,
    so that a run named after it is never mistaken for one on other pictures or other masks.
    """

    def __init__(self, name: str, checksum: int, **splits: tf.data.Dataset) -> None:
        super().__init__(splits)
        self.name = f"{name}-{checksum:08x}"


def load_pets(course: Course, validation: float = 0.125) -> Splits:
    """Pets and their trimaps: drawn ones (`sample`) or Oxford-IIIT Pet 4.0.0 (`full`) (lesson 1).

    Returns `train`, `validation` (that share of the official train split) and `test`, each of
    `{"images": uint8 (H, W, 3), "segmentation_masks": uint8 (H, W, 1), "names": string}`. TFDS
    stores 1 = pet, 2 = background, 3 = border; these masks hold 0, 1, 2 in that order. `full` looks
    where TFDS_DATA_DIR says, and downloads what is not there. Raises RuntimeError where a file is
    missing or damaged, or cannot be downloaded.
    """
    place = folder = DATA / "sketch_pets/1.0.0"
    way_out = "Restore it (`git checkout -- data`) or redraw it (`python data/draw_sample.py`)."
    if course.profile == "full":
        root = Path(os.environ.get("TFDS_DATA_DIR") or tfds.core.constants.DATA_DIR).expanduser()
        place = folder = root / "oxford_iiit_pet/4.0.0"
        way_out = "Delete that folder and run this cell again with a network, set TFDS_DATA_DIR to "
        way_out += "where oxford_iiit_pet/4.0.0 is, or COURSE_DATA=sample for the drawings."
    checksum = 0
    try:
        if course.profile == "sample":
            builder = tfds.builder_from_directory(folder)
        else:
            if not folder.exists():  # one quick try first: TFDS would go on for minutes
                requests.get("https://thor.robots.ox.ac.uk", timeout=20)
            builder = tfds.builder("oxford_iiit_pet:4.0.0", data_dir=root)
            builder.download_and_prepare()
        if not {"train", "test"} <= builder.info.splits.keys():
            raise EOFError(f"it holds no prepared data set, only {os.listdir(folder)[:5]}")
        for info in builder.info.splits.values():
            for place, expected in zip(info.filepaths, info.shard_lengths, strict=True):
                found = 0
                for record in tf.data.TFRecordDataset(str(place)):  # checks the sum of each
                    found, checksum = found + 1, zlib.crc32(record.numpy(), checksum)
                if found != expected:
                    raise EOFError(f"it ends after {found} of {expected} records")
    except Exception as error:  # the network, the disk or the files may be at fault
        reason = f"{type(error).__name__}, {str(error)[:200]}"
        raise RuntimeError(f"Cannot read or download {place}: {reason}. {way_out}") from error

    def to_example(record: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        mask = record["segmentation_mask"] - 1
        return {"images": record["image"], "segmentation_masks": mask, "names": record["file_name"]}

    kept = _kept(builder.info.splits["train"].num_examples, validation)
    parts = {"train": f"train[{kept}:]", "validation": f"train[:{kept}]", "test": "test"}
    config = tfds.ReadConfig(try_autocache=False)  # `prepare` caches what is smaller, once resized
    splits = {
        name: builder.as_dataset(split=part, read_config=config).map(to_example, tf.data.AUTOTUNE)
        for name, part in parts.items()
    }
    return Splits(f"{course.profile}_{builder.name}", checksum, **splits)


def load_fire(course: Course, validation: float = 0.125) -> Splits:
    """Fires and their masks, 0 = background, 1 = fire (lesson 3).

    `sample` reads the drawn fires. `full` reads FireSeg where the reader has put it into
    data/fire_seg/ (it can only be fetched by hand), else the drawn fires. It shows which.
    Returns and raises as `load_folder`, for each of `train`, `validation` and `test`.
    """
    folder = DATA / "fire_seg"
    if course.profile == "sample" or not folder.is_dir():
        folder = DATA / "sketch_fire"
    figures.say(f"Fires are read from `data/{folder.name}/`.")
    parts, reports = {}, []
    for part in ("train", "test"):
        pair = (folder / f"images_prepped_{part}", folder / f"annotations_prepped_{part}")
        try:
            parts[part] = folders.find_pairs(*pair, FIRE)
            for line in parts[part].not_read():
                figures.say(line)
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{error} What ships: `git checkout -- data`.") from error
        except ValueError as report:
            reports.append(str(report))
    if reports:  # of both parts, so that nobody has to start three times
        raise ValueError("\n".join(reports))
    # The first names are kept, as one block: neighbours may be stills of one film (lesson 3).
    train, test = parts["train"], parts["test"]
    kept = _kept(len(train.files), validation)
    pairs = {"train": train.files[kept:], "validation": train.files[:kept], "test": test.files}
    bits = max(train.bits, test.bits)
    splits = {part: folders.dataset(files, bits, FIRE) for part, files in pairs.items()}
    return Splits(f"{course.profile}_{folder.name}", train.checksum ^ test.checksum, **splits)


def _kept(count: int, validation: float) -> int:
    """How many of so many pictures are kept for validation."""
    if not 0 < (kept := round(count * validation)) < count:
        raise ValueError(f"validation={validation} keeps {kept} of {count} pictures.")
    return kept


def load_folder(images: Path, masks: Path, task: Task) -> tf.data.Dataset:
    """Pairs of pictures and masks of one name, such as `a.jpg` and `a.png` (lessons 3 and 6).

    Pictures are in any format that Pillow reads; they are turned as their EXIF data say, and more
    than 8 bits are brought to 8. Masks have one channel of class numbers in a format without loss
    (PNG, TIFF, BMP, GIF); of two classes the second may be 255 throughout instead of 1.

    Returns dicts as `load_pets`, by name in natural order: 2 before 10. It shows which files it did
    not read. Raises FileNotFoundError where a folder is missing or empty, and ValueError with a
    list of all files that have no twin or two, cannot be read, differ in size from their twin, are
    no such mask, or hold other values than 0..C-1.
    """
    pairs = folders.find_pairs(images, masks, task)
    for line in pairs.not_read():
        figures.say(line)
    return folders.dataset(pairs.files, pairs.bits, task)


def select(data: tf.data.Dataset, keep: Callable[[str], bool]) -> tf.data.Dataset:
    """Those examples of a split of whose file's name, such as `a.jpg`, `keep` says True (lesson 6)."""

    def wanted(example: dict[str, tf.Tensor]) -> tf.Tensor:
        answer = tf.numpy_function(
            lambda name: bool(keep(Path(os.fsdecode(name)).name)), [example["names"]], bool
        )
        return tf.ensure_shape(answer, ())

    return data.filter(wanted)
