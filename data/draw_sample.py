"""Draw the two data sets of the course, or prove that what ships is what this script draws.

    python data/draw_sample.py            # draws data/sketch_pets and data/sketch_fire
    python data/draw_sample.py --check    # redraws in memory and compares with what ships

Each picture has its own random stream, seeded by data set, split and number, so that one can be
redrawn alone and the number of processes does not matter. A data set is written to a temporary
folder and renamed when it is complete: an interrupted run leaves the old one as it was.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
from PIL import Image

from drawing.animals import BREEDS
from drawing.fires import draw_fire
from drawing.pets import draw_pets
from drawing.textures import Array, encode_jpeg, encode_png

DATA = Path(__file__).resolve().parent
SEED = 2026
VERSION = "1.0.0"
PETS, FIRE = "sketch_pets", "sketch_fire"
COUNTS = {
    PETS: {"train": 26 * len(BREEDS), "test": 7 * len(BREEDS)},
    FIRE: {"train": 360, "test": 120},
}
QUALITY = {PETS: 82, FIRE: 75}
# Of the pets: see `draw_pets`. Harder ones need more than a few hundred pictures to learn from.
DIFFICULTY = 0.0
SHARDS = {"train": 3, "test": 1}
# Other processors and Pillow builds may round the last bit differently.
MASKS_EQUAL, GREY_LEVELS = 0.999, 1.0


@dataclass
class Drawn:
    """One encoded picture: name without suffix, JPEG and PNG bytes, and what is known about it."""

    name: str
    jpeg: bytes
    png: bytes
    facts: dict[str, Any]


def draw(job: tuple[str, str, int]) -> Drawn:
    """Draw picture `index` of a split: job is (data set, split, index), index from 0."""
    dataset, split, index = job
    rng = np.random.default_rng(
        [SEED, list(COUNTS).index(dataset), list(COUNTS[dataset]).index(split), index]
    )
    if dataset == PETS:
        breed = list(BREEDS)[index % len(BREEDS)]
        picture = draw_pets(rng, breed, DIFFICULTY)
        name = f"{breed}_{split}_{index // len(BREEDS) + 1:03d}"
    else:
        picture = draw_fire(rng)
        name = f"img({index + 1})"
    jpeg = encode_jpeg(picture.image, QUALITY[dataset])
    return Drawn(name, jpeg, encode_png(picture.mask), picture.facts)


def draw_split(dataset: str, split: str, processes: int) -> Iterator[Drawn]:
    """Draw a whole split in order, in several processes if asked."""
    jobs = [(dataset, split, index) for index in range(COUNTS[dataset][split])]
    if processes == 1:
        yield from map(draw, jobs)
        return
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap(draw, jobs, chunksize=4)


def pet_features() -> Any:
    """The features of `oxford_iiit_pet:4.0.0`, with the breeds drawn here as labels."""
    import tensorflow_datasets as tfds

    return tfds.features.FeaturesDict(
        {
            "image": tfds.features.Image(encoding_format="jpeg"),
            "label": tfds.features.ClassLabel(names=list(BREEDS)),
            "species": tfds.features.ClassLabel(names=["Cat", "Dog"]),
            "file_name": tfds.features.Text(),
            "segmentation_mask": tfds.features.Image(shape=(None, None, 1), use_colormap=True),
            "head_bbox": tfds.features.BBoxFeature(),
        }
    )


def write_pets(folder: Path, processes: int) -> None:
    """Write Sketch Pets into `folder` (which ends in the version) as a prepared TFDS data set."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    features = pet_features()
    template = tfds.core.ShardedFileTemplate(
        data_dir=folder, dataset_name=PETS, filetype_suffix="tfrecord"
    )
    infos = []
    for split, count in COUNTS[PETS].items():
        shards = SHARDS[split]
        lengths = [count * (i + 1) // shards - count * i // shards for i in range(shards)]
        pictures, size = draw_split(PETS, split, processes), 0
        for shard, length in enumerate(lengths):
            path = folder / f"{PETS}-{split}.tfrecord-{shard:05d}-of-{shards:05d}"
            with tf.io.TFRecordWriter(str(path)) as writer:
                for _ in range(length):
                    drawn = next(pictures)
                    record = features.serialize_example(
                        features.encode_example(
                            {
                                "image": io.BytesIO(drawn.jpeg),
                                "label": drawn.facts["breed"],
                                "species": drawn.facts["species"].capitalize(),
                                "file_name": drawn.name + ".jpg",
                                "segmentation_mask": io.BytesIO(drawn.png),
                                "head_bbox": tfds.features.BBox(*drawn.facts["head_bbox"]),
                            }
                        )
                    )
                    writer.write(record)
                    size += len(record)
        infos.append(
            tfds.core.SplitInfo(
                name=split, shard_lengths=lengths, num_bytes=size, filename_template=template
            )
        )
    tfds.folder_dataset.write_metadata(
        data_dir=folder,
        features=features,
        split_infos=infos,
        version=VERSION,
        description="Sketch Pets: drawn cats and dogs with the features of oxford_iiit_pet.",
        supervised_keys=("image", "label"),
        license="CC BY 4.0",
    )


def write_fire(folder: Path, processes: int) -> None:
    """Write Sketch Fire into `folder`, in the layout of FireSeg."""
    for split in COUNTS[FIRE]:
        images, masks = (folder / f"{kind}_prepped_{split}" for kind in ("images", "annotations"))
        images.mkdir(parents=True)
        masks.mkdir()
        for drawn in draw_split(FIRE, split, processes):
            (images / f"{drawn.name}.jpg").write_bytes(drawn.jpeg)
            (masks / f"{drawn.name}.png").write_bytes(drawn.png)


def replace_folder(target: Path, fill: Any) -> None:
    """Fill a temporary folder beside `target`, then put it in its place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=DATA, prefix=".drawing-") as name:
        fresh = Path(name) / target.name
        fresh.mkdir()
        fill(fresh)
        if target.exists():
            target.rename(Path(name) / "old")
        fresh.rename(target)
    shutil.rmtree(name, ignore_errors=True)


def shipped(dataset: str, split: str) -> dict[str, tuple[bytes, bytes]]:
    """What ships: name -> (JPEG bytes, PNG bytes).

    Raises:
        FileNotFoundError: if the data set is not there.
    """
    if dataset == FIRE:
        folder = DATA / FIRE / f"images_prepped_{split}"
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder} is missing: run python data/draw_sample.py")
        return {
            path.stem: (
                path.read_bytes(),
                (DATA / FIRE / f"annotations_prepped_{split}" / f"{path.stem}.png").read_bytes(),
            )
            for path in sorted(folder.glob("*.jpg"))
        }
    import tensorflow_datasets as tfds

    folder = DATA / PETS / VERSION
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is missing: run python data/draw_sample.py")
    builder = tfds.builder_from_directory(folder)
    raw = {"image": tfds.decode.SkipDecoding(), "segmentation_mask": tfds.decode.SkipDecoding()}
    records = tfds.as_numpy(builder.as_dataset(split=split, decoders=raw, shuffle_files=False))
    return {
        Path(record["file_name"].decode()).stem: (record["image"], record["segmentation_mask"])
        for record in records
    }


def decode(data: bytes) -> Array:
    """JPEG or PNG bytes -> array, as int16 so that differences can be negative."""
    return np.asarray(Image.open(io.BytesIO(data))).astype(np.int16)


def difference(drawn: Drawn, files: tuple[bytes, bytes] | None) -> str | None:
    """What is wrong with a shipped picture, None if nothing is."""
    if files is None:
        return "is missing"
    image, again = decode(files[0]), decode(drawn.jpeg)
    mask, mask_again = decode(files[1]), decode(drawn.png)
    if image.shape != again.shape or mask.shape != mask_again.shape:
        return f"has size {image.shape}, drawn again {again.shape}"
    equal = float((mask == mask_again).mean())
    if equal < MASKS_EQUAL:
        return f"has another mask: {equal:.2%} of its pixels agree"
    grey = float(np.abs(image - again).mean())
    if grey >= GREY_LEVELS:
        return f"is another picture: {grey:.2f} grey levels away on average"
    return None


def check(processes: int) -> int:
    """Redraw everything and compare; returns the exit status."""
    for dataset, counts in COUNTS.items():
        for split, count in counts.items():
            there, identical = shipped(dataset, split), 0
            for drawn in draw_split(dataset, split, processes):
                files = there.pop(drawn.name, None)
                wrong = difference(drawn, files)
                if wrong:
                    print(f"{dataset}, {split}: {drawn.name} {wrong}.")
                    print("Either the drawing code changed (draw again: python "
                          "data/draw_sample.py) or the file did.")  # fmt: skip
                    return 1
                identical += files == (drawn.jpeg, drawn.png)
            if there:
                print(f"{dataset}, {split}: {min(there)} ships but is not drawn; remove it.")
                return 1
            print(f"{dataset}, {split}: {count} pictures agree, {identical} byte for byte")
    return 0


def main() -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="redraw and compare, write nothing")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", choices=list(COUNTS), help="draw one data set only")
    arguments = parser.parse_args()
    if arguments.check:
        return check(arguments.processes)
    if arguments.only != FIRE:
        replace_folder(DATA / PETS / VERSION, lambda to: write_pets(to, arguments.processes))
    if arguments.only != PETS:
        replace_folder(DATA / FIRE, lambda to: write_fire(to, arguments.processes))
    for dataset, counts in COUNTS.items():
        size = sum(path.stat().st_size for path in (DATA / dataset).rglob("*") if path.is_file())
        print(f"{dataset}: {counts} pictures, {size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
