"""What two or more notebooks of the course share: set-up, data, models, training, evaluation, plots.

Each piece is built step by step in a lesson first; its docstring says in which one. Pictures are
RGB in 0..255, masks integers in 0..C-1 from loading to metric, and a model takes pixels in 0..255
and returns logits.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import math
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
# TensorFlow's C++ code writes notes to file descriptor 2 before it reads its log level.
_stderr, _nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
os.dup2(_nowhere, 2)
try:
    import keras
    import keras_cv
    import matplotlib
    import matplotlib.pyplot as plt
    import numpy as np
    import requests
    import tensorflow as tf
    import tensorflow_datasets as tfds
    from IPython import get_ipython
    from IPython.display import HTML, Image, Markdown, display
    from matplotlib import patches, patheffects
    from PIL import Image as Pillow
finally:
    os.dup2(_stderr, 2)
    os.close(_stderr)
    os.close(_nowhere)

__all__ = ["FIRE", "PETS", "Course", "Evaluation", "Task", "accuracy", "dice", "evaluate", "iou"]
__all__ += ["load_fire", "load_folder", "load_pets", "mean_iou", "prepare", "segmentation_loss"]
__all__ += ["setup", "show", "show_history", "show_pictures", "table", "take", "train", "unet"]

DATA = Path(__file__).resolve().parent / "data"


# ------------------------------------------------------------------------------------ set-up


@dataclass(frozen=True)
class Course:
    """How this session runs: which data (`"sample"` or `"full"`) and the seed."""

    profile: str
    seed: int


def setup(seed: int = 7) -> Course:
    """Seeds every generator, picks the data profile and shows both in a table (lesson 1).

    The only reader of the environment variable COURSE_DATA: `sample` is the drawn data that ship
    with the course, `full` the real ones from the internet. Unset, it is `full` where TensorFlow
    sees a GPU and `sample` elsewhere.

    Raises:
        ValueError: COURSE_DATA is neither `sample` nor `full`.
    """
    meaning = {
        "sample": "drawn pictures that ship with the course",
        "full": "the real data sets, downloaded once",
    }
    profile, gpus = os.environ.get("COURSE_DATA", ""), tf.config.list_physical_devices("GPU")
    if profile not in ("", *meaning):
        raise ValueError(
            f"COURSE_DATA is {profile!r}, but must be 'sample' ({meaning['sample']}) or 'full' "
            f"({meaning['full']}). Set it to one of them, or unset it."
        )
    why = "the environment variable COURSE_DATA says so"
    if not profile:
        profile = "full" if gpus else "sample"
        why = f"COURSE_DATA is unset and there is {'a' if gpus else 'no'} GPU"
    keras.utils.set_random_seed(seed)
    modules = {"TensorFlow": tf, "Keras": keras, "KerasCV": keras_cv, "TFDS": tfds, "NumPy": np}
    other = "full" if profile == "sample" else "sample"
    rows = {
        "Data": f"<b>{profile}</b>: {meaning[profile]}",
        "Why": why,
        "To change it": f"run <code>%env COURSE_DATA={other}</code>, then this cell again",
        "Device": f"{len(gpus)} GPU" if gpus else f"CPU with {os.cpu_count()} cores",
        "Versions": ", ".join(
            [f"Python {platform.python_version()}"]
            + [f"{name} {module.__version__}" for name, module in modules.items()]
        ),
        "Seed": seed,
    }
    left = 'style="text-align: left"'
    cells = "".join(f"<tr><th {left}>{k}</th><td {left}>{v}</td></tr>" for k, v in rows.items())
    display(HTML(f"<table>{cells}</table>"))
    return Course(profile, seed)


# -------------------------------------------------------------------------------------- data


@dataclass(frozen=True)
class Task:
    """What is segmented: class names in the order of their mask values, and their colours."""

    name: str
    classes: tuple[str, ...]
    colours: tuple[str, ...]


# Colours of Okabe and Ito (2008), which colour-blind readers can tell apart.
PETS = Task("pets", ("pet", "background", "border"), ("#D55E00", "#0072B2", "#F0E442"))
FIRE = Task("fire", ("background", "fire"), ("#0072B2", "#CC79A7"))


def load_pets(course: Course, validation: float = 0.125) -> dict[str, tf.data.Dataset]:
    """Pets and their trimaps: drawn ones (`sample`) or Oxford-IIIT Pet 4.0.0 (`full`) (lesson 1).

    Args:
        course: what `setup` returned.
        validation: share of the official train split that is set aside for validation.

    Returns:
        `train`, `validation` and `test`, each of
        `{"images": uint8 (H, W, 3), "segmentation_masks": uint8 (H, W, 1), "names": string}`.
        TFDS stores 1 = pet, 2 = background, 3 = border; these masks hold 0, 1, 2 in that order.

    Raises:
        RuntimeError: the data set cannot be read, or is not here and cannot be downloaded.
        FileNotFoundError: one of its files is missing.
        ValueError: one of its files is truncated.
    """
    folder = DATA / "sketch_pets/1.0.0"
    if course.profile == "sample":
        way_out = "Restore it (`git checkout -- data`) or redraw it (`python data/draw_sample.py`)."
    else:
        folder = Path(tfds.core.constants.DATA_DIR) / "oxford_iiit_pet/4.0.0"
        way_out = (
            "Delete that folder and run this cell again with a network, point TFDS_DATA_DIR to a "
            "folder that holds oxford_iiit_pet/4.0.0, or set COURSE_DATA=sample for the drawings."
        )
    try:
        if course.profile == "sample":
            builder = tfds.builder_from_directory(folder)
        else:
            if not folder.exists():  # one quick try first: TFDS would go on for minutes
                requests.get("https://thor.robots.ox.ac.uk", timeout=20)
            builder = tfds.builder("oxford_iiit_pet:4.0.0")
            builder.download_and_prepare()
    except Exception as error:  # the network, the disk or the files may be at fault
        raise RuntimeError(
            f"The pets in {folder} cannot be read or downloaded: "
            f"{type(error).__name__}, {str(error)[:200]}. {way_out}"
        ) from error
    for info in builder.info.splits.values():
        files = [Path(path) for path in info.filepaths]
        for path in files:
            if not path.is_file():
                raise FileNotFoundError(f"The data set lacks {path}. {way_out}")
        found = sum(path.stat().st_size for path in files)
        expected = int(info.num_bytes) + 16 * info.num_examples  # TFRecord adds 16 bytes a record
        if found != expected:
            names = ", ".join(str(path) for path in files)
            raise ValueError(f"{names}: damaged, {found} bytes and not {expected}. {way_out}")

    def to_example(record: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return {
            "images": record["image"],
            "segmentation_masks": record["segmentation_mask"] - 1,
            "names": record["file_name"],
        }

    kept = round(builder.info.splits["train"].num_examples * validation)
    parts = {"train": f"train[{kept}:]", "validation": f"train[:{kept}]", "test": "test"}
    return {
        name: builder.as_dataset(split=part).map(to_example, tf.data.AUTOTUNE)
        for name, part in parts.items()
    }


def load_fire(course: Course, validation: float = 0.125) -> dict[str, tf.data.Dataset]:
    """Fires and their masks, 0 = background, 1 = fire (lesson 3).

    `sample` reads the drawn fires. `full` reads FireSeg where the reader has put it into
    data/fire_seg/ (it can only be fetched by hand), else the drawn fires. It shows which.

    Returns, raises: as `load_folder`, for each of `train`, `validation` and `test`.
    """
    folder = DATA / "fire_seg"
    if course.profile == "sample" or not folder.is_dir():
        folder = DATA / "sketch_fire"
    display(Markdown(f"Fires are read from `data/{folder.name}/`."))
    train, test = (
        load_folder(folder / f"images_prepped_{part}", folder / f"annotations_prepped_{part}", FIRE)
        for part in ("train", "test")
    )
    # Neighbouring names may be frames of one film: the order is mixed before it is cut.
    train = train.shuffle(len(train), seed=0, reshuffle_each_iteration=False)
    kept = round(len(train) * validation)
    return {"train": train.skip(kept), "validation": train.take(kept), "test": test}


def load_folder(images: Path, masks: Path, task: Task) -> tf.data.Dataset:
    """Pairs of pictures and masks of one name, such as `a.jpg` and `a.png` (lessons 3 and 6).

    Args:
        images: folder of JPEG or PNG pictures.
        masks: folder of PNG masks with one channel, whose values are the task's class numbers.
        task: names the classes.

    Returns:
        `{"images": uint8 (H, W, 3), "segmentation_masks": uint8 (H, W, 1), "names": string}`,
        sorted by name.

    Raises:
        FileNotFoundError: a folder is missing or holds no picture.
        ValueError: lists every file that has no twin, cannot be read, differs in size from its
            twin, or holds other mask values than 0..C-1. All are opened before any is used.
    """
    tables = []
    for folder in (images, masks):
        kinds = (".jpg", ".jpeg", ".png")
        paths = sorted(folder.iterdir()) if folder.is_dir() else []
        tables.append({path.stem: path for path in paths if path.suffix.lower() in kinds})
        if not tables[-1]:
            raise FileNotFoundError(
                f"{folder} is missing or holds no JPEG or PNG file: correct the path, or restore "
                "what ships with the course (`git checkout -- data`)."
            )
    pictures, annotations = tables
    stems = sorted(pictures.keys() & annotations.keys())
    faults = [
        f"{(pictures | annotations)[stem]}: has no twin of that name"
        for stem in pictures.keys() ^ annotations.keys()
    ]
    for stem in stems:
        try:
            with Pillow.open(pictures[stem]) as picture, Pillow.open(annotations[stem]) as mask:
                picture.load()
                values, size, mode = np.asarray(mask), picture.size, mask.mode
        except (OSError, SyntaxError, ValueError) as error:  # Pillow raises any of them
            faults.append(f"{pictures[stem]} or {annotations[stem]}: cannot be read ({error})")
            continue
        if mode != "L":  # a palette or 16 bits would be read as other numbers
            faults.append(f"{annotations[stem]}: is of mode {mode}, not L: one channel of 8 bits")
        elif values.shape[::-1] != size:
            faults.append(f"{pictures[stem]}: is {size} wide and high, not as {annotations[stem]}")
        elif values.max() >= len(task.classes):
            faults.append(
                f"{annotations[stem]}: holds the values {np.unique(values)[:6].tolist()}, but the "
                f"classes of {task.name} are 0..{len(task.classes) - 1}"
            )
    if faults:
        listed = "\n".join(f"- {fault}" for fault in sorted(faults))
        raise ValueError(f"Correct or remove these files ({len(faults)} faults):\n{listed}")

    def read(image: tf.Tensor, mask: tf.Tensor) -> dict[str, tf.Tensor]:
        return {
            "images": tf.io.decode_image(tf.io.read_file(image), 3, expand_animations=False),
            "segmentation_masks": tf.io.decode_png(tf.io.read_file(mask), 1),
            "names": image,
        }

    paths = tuple([str(table[stem]) for stem in stems] for table in tables)
    return tf.data.Dataset.from_tensor_slices(paths).map(read, tf.data.AUTOTUNE)


def prepare(
    split: tf.data.Dataset,
    task: Task,
    *,
    size: int = 128,
    batch_size: int = 32,
    training: bool = False,
    augment: Sequence[keras.layers.Layer] = (),
    at_least: int = 1,
) -> tf.data.Dataset:
    """Makes batches of a split: check, resize, cache, shuffle, batch, augment, prefetch (lesson 1).

    Args:
        split: `{"images": (H, W, 3) in 0..255, "segmentation_masks": (H, W, 1) in 0..C-1}`, maybe
            with `"names"` for the error messages.
        task: names the classes.
        size: pixels a side to which images (bilinear) and masks (nearest) are resized.
        batch_size: pictures a batch.
        training: shuffle anew in each epoch, and repeat a small split until an epoch has
            `at_least` pictures, so that an epoch is as much work on 100 pictures as on 500.
        augment: KerasCV layers, applied to the images and masks of a batch together.
        at_least: pictures an epoch.

    Returns:
        Batches of (float32 (B, size, size, 3) in 0..255, int32 (B, size, size, 1) in 0..C-1).
        The resized pictures stay in memory.

    Raises:
        ValueError: the split is empty, an image and its mask differ in size, a mask holds values
            outside the classes, or an image holds NaN.
    """

    def check_and_resize(example: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        image, mask = example["images"], example["segmentation_masks"]
        name = example.get("names", "a picture without a name")
        highest = len(task.classes) - 1
        values = tf.unique(tf.cast(tf.reshape(mask, [-1]), tf.float32))[0]
        sizes = tf.shape(image)[:2], tf.shape(mask)[:2]
        valid = (values >= 0) & (values <= highest) & (values == tf.round(values))
        finite = tf.math.is_finite(tf.cast(image, tf.float32))
        tf.debugging.Assert(
            tf.reduce_all(sizes[0] == sizes[1]), [name, "image and mask differ in size:", *sizes]
        )
        tf.debugging.Assert(
            tf.reduce_all(valid), [name, f"mask values must be 0..{highest}, but are:", values]
        )
        tf.debugging.Assert(
            tf.reduce_all(finite), [name, "image holds NaN or infinity: correct or remove it"]
        )
        return {
            "images": tf.image.resize(image, (size, size), "bilinear"),
            "segmentation_masks": tf.image.resize(mask, (size, size), "nearest"),
        }

    examples = split.map(check_and_resize, tf.data.AUTOTUNE).cache()
    try:
        count = sum(1 for _ in examples)  # fills the cache: bad data are found now, not in training
    except tf.errors.OpError as error:
        reason = error.message.split("\n")[0].split("assertion failed: ")[-1].split("}} ")[-1]
        raise ValueError(f"Correct or restore the data of {task.name}: {reason[:500]}") from error
    if not count:
        raise ValueError(f"This split for the task {task.name} is empty: check where it came from.")
    examples = examples.apply(tf.data.experimental.assert_cardinality(count))  # len() needs it
    if training:
        examples = examples.shuffle(count).repeat(math.ceil(at_least / count))

    def augmented(batch: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        batch = {key: tf.cast(value, tf.float32) for key, value in batch.items()}
        for layer in augment:
            batch = layer(batch, training=True)
        image = tf.ensure_shape(tf.cast(batch["images"], tf.float32), (None, size, size, 3))
        mask = tf.cast(batch["segmentation_masks"], tf.int32)
        return image, tf.ensure_shape(mask, (None, size, size, 1))

    return examples.batch(batch_size).map(augmented, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def take(data: tf.data.Dataset, count: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The first `count` images, uint8 (H, W, 3), and masks, (H, W), of a split or its batches."""
    images, masks = [], []
    for element in data.take(count):
        if isinstance(element, dict):
            element = (element["images"][None], element["segmentation_masks"][None])
        images += list(np.clip(element[0], 0, 255).astype("uint8"))
        masks += list(element[1].numpy()[..., 0])
        if len(images) >= count:
            break
    return images[:count], masks[:count]


# ------------------------------------------------------------------------------------ models


def unet(
    classes: int, filters: Sequence[int] = (8, 16, 32, 64, 128), size: int = 128
) -> keras.Model:
    """A U-Net after Ronneberger, Fischer and Brox (2015, arXiv 1505.04597), built in lesson 2.

    A level has two 3x3 convolutions with batch normalisation and a 1x1 shortcut around them (He et
    al. 2015, arXiv 1512.03385), with which few training steps go further. Max pooling leads down,
    transposed 2x2 convolutions up (a kernel as large as the stride leaves no checkerboard), and a
    skip connection by concatenation across. "Same" padding keeps the sizes.

    Args:
        classes: number of classes C.
        filters: channels a level, from full resolution to the bottleneck.
        size: height and width of the input in pixels.

    Returns:
        A `keras.Model` from float32 (B, size, size, 3) in 0..255 to logits (B, size, size, C).

    Raises:
        ValueError: the size cannot be halved once for each level but the last.
    """
    depth = len(filters) - 1
    if size % 2**depth:
        raise ValueError(
            f"The size {size} cannot be halved {depth} times: {len(filters)} levels need a "
            f"multiple of {2**depth}, for example {math.ceil(size / 2**depth) * 2**depth}."
        )

    def block(x: keras.KerasTensor, channels: int, name: str) -> keras.KerasTensor:
        shortcut = keras.layers.Conv2D(channels, 1, name=f"{name}_shortcut")(x)
        for step in (1, 2):
            layer = f"{name}_conv_{step}"
            x = keras.layers.Conv2D(channels, 3, padding="same", use_bias=False, name=layer)(x)
            x = keras.layers.BatchNormalization(momentum=0.9, name=f"{name}_norm_{step}")(x)
            x = keras.layers.ReLU(name=f"{name}_relu_{step}")(x)
        return keras.layers.add([x, shortcut], name=f"{name}_add")

    inputs = keras.Input((size, size, 3), name="pixels")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1, name="scaling")(inputs)
    skips = []
    for level, channels in enumerate(filters[:-1], start=1):
        skips.append(block(x, channels, f"encoder_{level}"))
        x = keras.layers.MaxPooling2D(2, name=f"pool_{level}")(skips[-1])
    x = block(x, filters[-1], "bottleneck")
    for level in range(depth, 0, -1):
        channels = filters[level - 1]
        x = keras.layers.Conv2DTranspose(channels, 2, strides=2, name=f"up_{level}")(x)
        x = keras.layers.concatenate([skips[level - 1], x], name=f"skip_{level}")
        x = block(x, channels, f"decoder_{level}")
    return keras.Model(inputs, keras.layers.Conv2D(classes, 1, name="logits")(x), name="unet")


# ---------------------------------------------------------------------------------- training


@keras.saving.register_keras_serializable("unet_course")
def segmentation_loss(masks: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Cross-entropy plus soft Dice loss, both from logits (built in lesson 2).

    Cross-entropy judges each pixel; Dice (Milletari, Navab and Ahmadi 2016, arXiv 1606.04797)
    judges each class as a region, so that the thin border counts as much as the background.

    Args:
        masks: integers (B, H, W, 1) in 0..C-1.
        logits: floats (B, H, W, C).

    Returns:
        float32 (B, H, W): the cross-entropy of each pixel plus the Dice loss of the batch.
    """
    masks = tf.cast(masks[..., 0], tf.int32)
    cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(masks, logits)
    truth, probabilities = tf.one_hot(masks, logits.shape[-1]), tf.nn.softmax(logits)
    overlap = tf.reduce_sum(truth * probabilities, axis=(0, 1, 2))
    total = tf.reduce_sum(truth + probabilities, axis=(0, 1, 2))
    return cross_entropy + 1 - tf.reduce_mean((2 * overlap + 1) / (total + 1))


class _Keeper(keras.callbacks.Callback):
    """After each epoch: log, weights and optimiser on disk, live progress, early stopping.

    The weights go to a file of their own first; replacing log.csv, in one step, is what makes an
    epoch count. So a kill at any moment leaves a log whose last row has its weights beside it.
    """

    def __init__(self, folder: Path, epochs: int, patience: int) -> None:
        super().__init__()
        self.folder, self.epochs, self.patience = folder, epochs, patience
        self.log, self.rows, self.handle = folder / "log.csv", [], None
        if self.log.is_file():
            with open(self.log, newline="") as file:
                rows = list(csv.DictReader(file))
            self.rows = [{key: float(row[key]) for key in row} for row in rows]
            for row in self.rows:
                row["epoch"] = int(row["epoch"])

    def weights(self, epoch: int) -> Path:
        return self.folder / f"epoch-{epoch:03d}.weights.h5"

    @property
    def best(self) -> int:
        return 1 + int(np.argmax([row["val_mean_iou"] for row in self.rows]))

    @property
    def finished(self) -> bool:
        done = len(self.rows)
        return done > 0 and (done >= self.epochs or done - self.best >= self.patience)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if not math.isfinite(logs["loss"]):
            raise ValueError(
                f"The loss became {logs['loss']} in epoch {epoch + 1}: lower the learning rate."
            )
        seconds = time.perf_counter() - self.started
        self.rows.append({"epoch": epoch + 1, "seconds": seconds, **logs})
        self.model.save_weights(self.weights(epoch + 1))
        part = self.folder / "log.csv.part"
        with open(part, "w", newline="") as file:
            writer = csv.DictWriter(file, self.rows[0])
            writer.writeheader()
            writer.writerows(self.rows)
        os.replace(part, self.log)
        for path in self.folder.glob("epoch-*.weights.h5"):
            if path not in (self.weights(epoch + 1), self.weights(self.best)):
                path.unlink()
        self.model.stop_training = self.finished
        self.show(live=not self.finished)

    def show(self, live: bool) -> None:
        last, seconds = self.rows[-1], sum(row["seconds"] for row in self.rows)
        line = (
            f"Epoch {len(self.rows)} of {self.epochs}, {seconds:.0f} s: loss {last['loss']:.3f}, "
            f"validation loss {last['val_loss']:.3f}, mean IoU {last['val_mean_iou']:.3f} "
            f"(best {self.rows[self.best - 1]['val_mean_iou']:.3f} in epoch {self.best})"
        )
        if not hasattr(get_ipython(), "kernel"):  # outside a notebook
            print(line)
            return
        picture = ""
        if live:
            data = base64.b64encode(_png(_history_figure(self.history))).decode()
            picture = f'<br><img alt="curves so far" src="data:image/png;base64,{data}">'
        self.handle = self.handle or display(HTML(""), display_id=True)
        self.handle.update(HTML(line + picture))

    @property
    def history(self) -> dict[str, list[float]]:
        return {key: [row[key] for row in self.rows] for key in self.rows[0]}


def train(
    model: keras.Model,
    training: tf.data.Dataset,
    validation: tf.data.Dataset,
    task: Task,
    *,
    epochs: int,
    run: str,
    learning_rate: float = 1e-3,
    patience: int = 10,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> dict[str, list[float]]:
    """Compiles and fits a model with early stopping, and survives a kill (lesson 2).

    data/runs/<run>/ holds `log.csv` (a row an epoch), weights and optimiser state of the best and
    the last epoch, and in the end `best.keras`. Where the same call finds its own unfinished work
    there, it goes on after the last whole epoch (pictures come in a new order); a finished run
    starts afresh.

    Args:
        model: from pixels to logits (B, H, W, C).
        training, validation: what `prepare` returns.
        task: names the classes.
        epochs: at most so many.
        run: name of the folder below data/runs/.
        learning_rate: the peak of one cycle: a warm-up over a tenth of the steps, then half a
            cosine down to zero.
        patience: epochs without a better validation mean IoU after which training stops.
        callbacks: more Keras callbacks.

    Returns:
        Lists with a value an epoch: `epoch`, `seconds`, `loss`, `accuracy`, `mean_iou` and the
        last three with `val_`. The model has the weights of the best validation mean IoU.

    Raises:
        ValueError: model and task differ in their number of classes, a split is empty, or the
            loss became infinite.
    """
    _check_classes(model, task)
    if not len(training) or not len(validation):
        raise ValueError(f"The training or validation data of {task.name} hold no batch.")
    steps = len(training) * epochs
    schedule = keras.optimizers.schedules.CosineDecay(
        learning_rate / 20,
        decay_steps=max(1, steps - steps // 10),
        warmup_target=learning_rate,
        warmup_steps=max(1, steps // 10),
    )
    score = keras.metrics.MeanIoU(len(task.classes), sparse_y_pred=False, name="mean_iou")
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=1e-3, clipnorm=1.0)
    model.compile(optimizer, loss=segmentation_loss, metrics=["accuracy", score])
    model.optimizer.build(model.trainable_variables)
    folder = DATA / "runs" / run
    folder.mkdir(parents=True, exist_ok=True)
    marker = folder / "unfinished.json"  # there from before the first epoch until after the last
    call = [task.name, epochs, len(training), learning_rate, patience, model.count_params()]
    if not marker.is_file() or marker.read_text() != json.dumps(call):
        for path in (marker, folder / "log.csv", *folder.glob("epoch-*.weights.h5")):
            path.unlink(missing_ok=True)
        marker.write_text(json.dumps(call))
    keeper = _Keeper(folder, epochs, patience)
    if keeper.rows:
        model.load_weights(keeper.weights(len(keeper.rows)))
    if not keeper.finished:
        model.fit(
            training,
            validation_data=validation,
            epochs=epochs,
            initial_epoch=len(keeper.rows),
            callbacks=[keeper, *callbacks],
            shuffle=False,  # `prepare` does it
            verbose=0,
        )
    model.load_weights(keeper.weights(keeper.best))
    plain = keras.Model(model.inputs, model.outputs, name=model.name)  # without this file's loss
    plain.save(folder / "best.part.keras")
    os.replace(folder / "best.part.keras", folder / "best.keras")
    marker.unlink()
    for path in folder.glob("epoch-*.weights.h5"):
        path.unlink()
    return keeper.history


def _check_classes(model: keras.Model, task: Task) -> None:
    if model.output_shape[-1] != len(task.classes):
        raise ValueError(
            f"The model {model.name} returns {model.output_shape[-1]} classes, but the task "
            f"{task.name} has {len(task.classes)}, {task.classes}: build it with as many."
        )


# -------------------------------------------------------------------------------- evaluation


def accuracy(confusion: np.ndarray) -> np.ndarray:
    """Share of right pixels: confusion matrices (..., C, C), truth in rows -> (...)."""
    return np.trace(confusion, axis1=-2, axis2=-1) / confusion.sum((-2, -1))


def iou(confusion: np.ndarray) -> np.ndarray:
    """Intersection over union a class: (..., C, C) -> (..., C); NaN where neither has the class."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    with np.errstate(invalid="ignore"):
        return hits / (confusion.sum(-1) + confusion.sum(-2) - hits)


def dice(confusion: np.ndarray) -> np.ndarray:
    """Dice coefficient a class, 2 IoU / (1 + IoU): (..., C, C) -> (..., C)."""
    return 2 * iou(confusion) / (1 + iou(confusion))


def mean_iou(confusion: np.ndarray) -> np.ndarray:
    """Mean of the IoU of the classes that occur: (..., C, C) -> (...)."""
    return np.nanmean(iou(confusion), axis=-1)


@dataclass(frozen=True)
class Evaluation:
    """How a model did: one confusion matrix a picture (lesson 2, in depth lesson 5).

    Attributes:
        task: names the classes.
        confusion: int64 (N, C, C), pixels; true classes in rows, predicted ones in columns.
        size: pixels a side at which prediction and truth were compared.
    """

    task: Task
    confusion: np.ndarray
    size: int

    @property
    def summary(self) -> dict[str, float]:
        """Mean IoU, the IoU of each class and accuracy, over the pixels of all pictures."""
        pooled = self.confusion.sum(0)
        classes = dict(zip(self.task.classes, iou(pooled), strict=True))
        return {"mean IoU": mean_iou(pooled), **classes, "accuracy": accuracy(pooled)}

    def bootstrap(self, statistic: Callable, draws: int = 2000) -> np.ndarray:
        """A statistic of `draws` resamples of the pictures, with replacement: (draws, ...).

        Two evaluations of the same pictures are resampled alike: their draws may be subtracted.
        """
        count = len(self.confusion)
        picked = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), draws)
        return statistic(np.tensordot(picked, self.confusion, 1))

    def interval(self, statistic: Callable) -> np.ndarray:
        """The 95 % bootstrap interval of a statistic over pictures: (2, ...), low and high."""
        return np.nanpercentile(self.bootstrap(statistic), (2.5, 97.5), axis=0)

    def _repr_markdown_(self) -> str:
        pooled = self.confusion.sum(0)
        measures = [*zip(self.task.classes, iou(pooled), self.interval(iou).T, strict=True)]
        measures += [("**mean IoU**", mean_iou(pooled), self.interval(mean_iou))]
        measures += [("accuracy", accuracy(pooled), self.interval(accuracy))]
        lines = [f"| {n} | {value:.3f} | {a:.3f} to {b:.3f} |" for n, value, (a, b) in measures]
        note = f"Over the pixels of {len(self.confusion)} pictures at {self.size}x{self.size}; IoU"
        note += " a class, their mean, and the share of right pixels; intervals over pictures."
        return "\n".join(["| | value | 95 % interval |", "|:--|--:|--:|", *lines, "", note])


def evaluate(model: keras.Model, data: tf.data.Dataset, task: Task) -> Evaluation:
    """Compares predictions with the truth, pixel by pixel (lesson 2).

    Args:
        model: from pixels to logits (B, H, W, C); the highest is the prediction.
        data: what `prepare` returns.
        task: names the classes.

    Raises:
        ValueError: the data hold no picture, or model and task differ in their classes.
    """
    _check_classes(model, task)
    classes, matrices, size = len(task.classes), [], 0
    for images, masks in data:
        predicted = model.predict_on_batch(images).argmax(-1)
        pairs = classes * masks.numpy()[..., 0] + predicted
        matrices += [np.bincount(pair.ravel(), minlength=classes**2) for pair in pairs]
        size = images.shape[1]
    if not matrices:
        raise ValueError(f"No picture of {task.name} to evaluate on: check the split's source.")
    return Evaluation(task, np.stack(matrices).reshape(-1, classes, classes), size)


# ------------------------------------------------------------------------------------- plots

plt.rcParams.update({"figure.constrained_layout.use": True, "axes.grid": True, "grid.alpha": 0.3})
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 10})


def _png(figure: plt.Figure) -> bytes:
    """Closes a figure into a PNG with a palette of 128 colours, a quarter of the usual bytes."""
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=100)
    plt.close(figure)
    Pillow.open(drawn).convert("RGB").quantize(128).save(small, "png", optimize=True)
    return small.getvalue()


def show(figure: plt.Figure, *, caption: str, alt: str) -> None:
    """Displays a figure, at most 9 inches wide, with a caption and a text for who cannot see it."""
    if figure.get_figwidth() > 9:
        raise ValueError(f"This figure is {figure.get_figwidth()} inches wide, a page only 9.")
    display(Image(_png(figure), metadata={"alt": alt}))
    display(Markdown(f"*{caption}*"))


def table(rows: Sequence[dict[str, object]]) -> Markdown:
    """A Markdown table: a row for each dict, a column for each key, floats with three decimals."""
    lines = [" | ".join(rows[0]), "|".join([":--", *["--:"] * (len(rows[0]) - 1)])]
    for row in rows:
        values = (f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values())
        lines.append(" | ".join(values))
    return Markdown("\n".join(f"| {line} |" for line in lines))


def show_pictures(
    images: Sequence[np.ndarray],
    masks: Sequence[np.ndarray],
    task: Task,
    *,
    caption: str,
    alt: str,
    predictions: Sequence[np.ndarray] = (),
    titles: Sequence[str] = (),
) -> None:
    """Pictures with their classes outlined, their masks, and maybe predictions (lessons 1 and 2).

    Args:
        images: (H, W, 3) in 0..255, of any sizes; at most eight of them look well.
        masks: integers (H, W) in 0..C-1.
        predictions: as masks; the mean IoU with the mask stands above each.
        titles: one for each picture.
    """
    rows, columns, classes = 3 if len(predictions) else 2, len(images), len(task.classes)
    width = min(9.0, 2.0 * columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(width, 1.07 * rows * width / columns + 0.4), squeeze=False
    )
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    colours = {"cmap": matplotlib.colors.ListedColormap(task.colours), "interpolation": "nearest"}
    for column, (image, mask) in enumerate(zip(images, masks, strict=True)):
        axes[0, column].imshow(np.clip(image, 0, 255).astype("uint8"))
        for value, colour in enumerate(task.colours):
            if task.classes[value] != "background" and (mask == value).any():
                lines = axes[0, column].contour(mask == value, [0.5], colors=colour, linewidths=1.2)
                lines.set_path_effects([patheffects.withStroke(linewidth=2.4, foreground="black")])
        axes[1, column].imshow(mask, vmin=0, vmax=classes - 1, **colours)
        axes[0, column].set_title(titles[column] if titles else "")
        if rows == 3:
            axes[2, column].imshow(predictions[column], vmin=0, vmax=classes - 1, **colours)
            pairs = np.bincount((classes * mask + predictions[column]).ravel(), None, classes**2)
            score = mean_iou(pairs.reshape(classes, classes))
            axes[2, column].set_title(f"mean IoU {score:.2f}")
    for axis, name in zip(axes[:, 0], ("picture", "mask", "prediction"), strict=False):
        axis.set_ylabel(name)
    squares = [
        patches.Patch(facecolor=colour, edgecolor="black", label=name)
        for name, colour in zip(task.classes, task.colours, strict=True)
    ]
    figure.legend(handles=squares, loc="outside lower center", ncols=classes, frameon=False)
    show(figure, caption=caption, alt=alt)


def _history_figure(history: dict[str, list[float]]) -> plt.Figure:
    figure, axes = plt.subplots(1, 2, figsize=(8, 2.8))
    epochs, best = history["epoch"], int(np.argmax(history["val_mean_iou"]))
    for axis, key, label in zip(axes, ("loss", "mean_iou"), ("loss", "mean IoU"), strict=True):
        axis.plot(epochs, history[key], color="#0072B2", label="training")
        axis.plot(epochs, history[f"val_{key}"], color="#D55E00", label="validation")
        axis.plot(epochs[best], history[f"val_{key}"][best], "o", color="#D55E00", label="kept")
        axis.set(xlabel="epoch", ylabel=label)
    axes[0].legend(frameon=False)
    return figure


def show_history(history: dict[str, list[float]], *, caption: str, alt: str) -> None:
    """The loss and mean IoU of each epoch in training and validation (lesson 2)."""
    show(_history_figure(history), caption=caption, alt=alt)
