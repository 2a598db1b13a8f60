"""What two or more notebooks of the course share: set-up, data, models, training, evaluation, plots.

Each piece is built in a lesson first, as its docstring says; what stands behind it is in data/.
Everywhere, an image is RGB in 0..255, (H, W, 3); a mask holds integers in 0..C-1; `task` names the C
classes; a model takes float32 pixels (B, H, W, 3) in 0..255 and returns logits (B, H, W, C).
"""

from __future__ import annotations

import json
import math
import os
import platform
import sys
import warnings
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from data import doctor

DATA = Path(__file__).resolve().parent / "data"
RUNS = Path(os.environ.get("COURSE_RUNS") or DATA / "runs").expanduser()  # what training leaves

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Whatever else the reader works with, the course is written for this.
os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_USE_LEGACY_KERAS": "0"}
for _name in {"TFDS_DATA_DIR", "KERAS_HOME"} & os.environ.keys():
    os.environ[_name] = os.path.expanduser(os.environ[_name])

from data import colab

if "google.colab" in sys.modules:
    colab.prepare()  # installs what is missing there

from data.quiet import no_notes

with no_notes():  # TensorFlow's C++ code writes notes before it reads its log level
    import keras
    import matplotlib.pyplot as plt
    import numpy as np
    import tensorflow as tf
    import tensorflow_datasets as tfds
    from IPython.display import Image, Markdown, display

    from data import checkpoints, checks, figures, folders
    from data.figures import table
    from data.measures import Evaluation, accuracy, confusion_matrix, dice, iou, mean_iou
    from data.sources import Splits, load_fire, load_folder, load_pets, select
    from data.tasks import FIRE, PETS, Task
    from data.tiles import predict_tiled

    try:
        import keras_cv
    except ImportError as error:
        problem = f"KerasCV does not work with Keras {keras.__version__}"
        way_out = "run `pip install keras==3.15.1` and restart Python"
        raise ImportError(f"{problem}: {way_out}.") from error
if keras.config.backend() != "tensorflow":
    raise ImportError("Keras was imported before, for another backend: restart Python first.")
keras.config.set_floatx("float32")  # a reader's keras.json may say otherwise
keras.config.set_image_data_format("channels_last")

__all__ = ["FIRE", "PETS", "Course", "Evaluation", "Splits", "Task", "accuracy", "check"]
__all__ += ["check_folder", "predict_tiled", "select"]
__all__ += ["confusion_matrix", "dice", "evaluate", "freeze_encoder", "iou", "load_fire"]
__all__ += ["load_folder", "load_pets", "mean_iou", "mobilenetv2_unet", "prepare", "segment"]
__all__ += ["segmentation_loss", "setup", "show", "show_answer", "show_errors", "show_history"]
__all__ += ["show_network", "show_pictures", "table", "take", "train", "trained", "unet"]
__all__ += ["unfreeze_encoder"]

tf.get_logger().setLevel("ERROR")  # it warns of every fifth model that predicts


# ------------------------------------------------------------------------------------ set-up
@dataclass(frozen=True)
class Course:
    """How this session runs: which data (`"sample"` or `"full"`) and the seed."""

    profile: str
    seed: int

    @property
    def encoder(self) -> dict[str, object]:
        """Weights and alpha for `mobilenetv2_unet`: learned from drawings, or ImageNet's."""
        if self.profile == "sample":
            return {"weights": DATA / "mobilenetv2_0.35_drawings.weights.h5", "alpha": 0.35}
        return {"weights": "imagenet", "alpha": 1.0}


def setup(seed: int = 7) -> Course:
    """Seeds every generator, picks the data profile and shows both in a table (lesson 1).

    The only reader of the environment variable COURSE_DATA: `sample` is the drawn data that ship
    with the course, `full` the real ones from the internet. Unset, it is `full` where TensorFlow
    sees a GPU and `sample` elsewhere. Raises ValueError for another value.
    """
    about = {"sample": "drawn, ships with the course", "full": "real, downloaded once"}
    profile, gpus = os.environ.get("COURSE_DATA", ""), tf.config.list_physical_devices("GPU")
    if profile not in ("", *about):
        raise ValueError(f"COURSE_DATA is {profile!r}: set it to 'sample' or 'full', or unset it.")
    why = "the environment variable COURSE_DATA says so"
    if not profile:
        profile = "full" if gpus else "sample"
        why = f"COURSE_DATA is unset and there is {'a' if gpus else 'no'} GPU"
    keras.utils.set_random_seed(seed)
    modules = {"TensorFlow": tf, "Keras": keras, "KerasCV": keras_cv, "TFDS": tfds, "NumPy": np}
    versions = [f"{name} {module.__version__}" for name, module in modules.items()]
    other = "full" if profile == "sample" else "sample"
    rows = {
        "Data": f"**{profile}**: {about[profile]}",
        "Why": why,
        "To change it": f"run `%env COURSE_DATA={other}`, then this cell again",
        "Device": f"{len(gpus)} GPU" if gpus else f"CPU with {os.cpu_count()} cores",
        "Versions": ", ".join([f"Python {platform.python_version()}", *versions]),
        "Seed": seed,
    }
    display(table([{"Set-up": name, "Value": value} for name, value in rows.items()]))
    return Course(profile, seed)


# -------------------------------------------------------------------------------------- data
def check_folder(
    images: Path,
    masks: Path,
    task: Task | None = None,
    *,
    test: tuple[Path, Path] | None = None,
) -> doctor.Report:
    """Reports what is in two folders, before anything is trained on them (lesson 6).

    Pairs and faults (in the words of `load_folder`), formats, sizes, the masks' numbers against the
    classes, the smallest objects, pictures that are alike, above all in `test`, a second such pair
    of folders, and a sheet of the eight strangest. Without a `task` one is proposed: the report's
    `task`. No file is changed. Raises FileNotFoundError where a folder is missing or empty.
    """
    colab.need("imagehash")
    from data import doctor  # here, as only this needs what it brings along

    report = doctor.check_folder(images, masks, task, test)
    figures.say(report.text)
    if report.strange:
        how = {"caption": "The pairs that differ most from the others, the strangest first."}
        show(report.sheet(), **how, alt="Pictures with the outlines of their masks.")
    return report


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

    A split is made of dicts of `images`, `segmentation_masks` and maybe `names`, as `load_pets`
    returns it. Both are resized to `size` pixels a side, images bilinearly and masks to the nearest
    pixel, and stay in memory. `training` shuffles anew in each epoch, and repeats a small split
    until an epoch has `at_least` pictures, so that an epoch is as much work on 100 pictures as on
    500. `augment` are KerasCV layers, applied to the images and masks of a batch together, in
    float32 whatever Keras's policy is.

    Returns batches of float32 (B, size, size, 3) in 0..255 and int32 (B, size, size, 1), labels.
    Raises ValueError where the split is empty or endless, an image and its mask differ in size, a
    mask holds values outside the classes, an image holds NaN or other values than 0..255, or a
    layer makes labels that are none, or pixels of another range.
    """
    checks.split(split, task)
    checks.at_least_one(size=size, batch_size=batch_size, at_least=at_least)
    layers = checks.layers(augment, task)

    def check_and_resize(example: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        image, mask = example["images"], example["segmentation_masks"]
        name = example.get("names", "a picture without a name")
        fault = tf.numpy_function(lambda *p: folders.fault(*p, task), [image, mask], tf.string)
        tf.debugging.Assert(fault == "", [name, fault], summarize=9)
        image, mask = (tf.ensure_shape(array, (None, None, None)) for array in (image, mask))
        mask = tf.image.resize(mask, (size, size), "nearest")
        if task.void:  # one class more, until the layers are through
            mask = tf.where(mask == task.void, tf.cast(len(task.classes), mask.dtype), mask)
        return {"images": tf.image.resize(image, (size, size)), "segmentation_masks": mask}

    examples = split.map(check_and_resize, tf.data.AUTOTUNE).cache()
    count = content = brightest = 0
    try:
        for example in examples:  # fills the cache: bad data are found now, not in training
            image, mask = (example[key].numpy() for key in ("images", "segmentation_masks"))
            content += zlib.crc32(mask, zlib.crc32(image))  # a sum, as the order does not count
            count, brightest = count + 1, max(brightest, image.max())
            if count % 10_000 == 0:
                figures.say(f"{count:,} pictures of {task.name} are read, and more are coming.")
    except tf.errors.OpError as error:
        raise ValueError(
            f"Correct or restore the data of {task.name}: {checks.reason(error)}"
        ) from error
    if not count:
        raise ValueError(f"This split for the task {task.name} is empty: check where it came from.")
    if brightest <= 1:
        raise ValueError(f"No pixel of {task.name} is above 1, but pixels go from 0 to 255.")
    examples = examples.apply(tf.data.experimental.assert_cardinality(count))  # len() needs it
    if training:
        examples = examples.shuffle(count).repeat(math.ceil(at_least / count))

    def augmented(batch: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        batch = {key: tf.cast(value, tf.float32) for key, value in batch.items()}
        for layer in layers:
            batch = checks.applied(layer, batch, task)
        image = tf.ensure_shape(tf.cast(batch["images"], tf.float32), (None, size, size, 3))
        mask = tf.cast(batch["segmentation_masks"], tf.int32)
        if task.void:
            mask = tf.where(mask == len(task.classes), task.void, mask)
        return image, tf.ensure_shape(mask, (None, size, size, 1))

    # TensorFlow's tuner of such chains is off: where an epoch ends while it sleeps, the epoch lasts
    # until it wakes, and it sleeps twice as long each time.
    options = tf.data.Options()
    options.autotune.enabled = False
    try:
        batches = examples.batch(batch_size).map(augmented, tf.data.AUTOTUNE).prefetch(2)
        batches = batches.with_options(options)
        for image, _ in batches.take(1 if layers else 0):  # a layer that does not fit shows now
            if problem := checks.rescaled(image, brightest):
                raise ValueError(problem)
    except Exception as error:
        raise ValueError(f"{checks.reason(error)}. Lesson 1 shows layers that fit.") from error
    told = {"pictures": f"{content:x}", "picture size": size, "batch size": batch_size}
    told |= {"pictures per epoch": at_least, "augmentation": checkpoints.settings(layers)}
    batches.contents = told
    return batches


def take(data: tf.data.Dataset, count: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The first `count` images, uint8 (H, W, 3), and masks, (H, W), of a split or its batches."""
    if isinstance(data.element_spec, dict):
        data = data.map(lambda example: (example["images"], example["segmentation_masks"]))
    else:
        data = data.unbatch()
    images, masks = zip(*data.take(count).as_numpy_iterator(), strict=True)
    return [np.clip(i, 0, 255).astype("uint8") for i in images], [mask[..., 0] for mask in masks]


# ------------------------------------------------------------------------------------ models
def _check_size(size: int, halvings: int) -> None:
    if size % 2**halvings:
        step, good = 2**halvings, math.ceil(size / 2**halvings) * 2**halvings
        need = f"this network needs a multiple of {step}, for example {good}"
        raise ValueError(f"The size {size} cannot be halved {halvings} times: {need}.")


def unet(
    classes: int, filters: Sequence[int] = (8, 16, 32, 64, 128), size: int = 128
) -> keras.Model:
    """A U-Net after Ronneberger, Fischer and Brox (2015, arXiv 1505.04597), built in lesson 2.

    A level has two 3x3 convolutions with batch normalisation and a 1x1 shortcut around them (He et
    al. 2015, arXiv 1512.03385), with which few training steps go further. Max pooling leads down,
    transposed 2x2 convolutions up (a kernel as large as the stride leaves no checkerboard), and a
    skip connection by concatenation across. "Same" padding keeps the sizes.

    `filters` are the channels per level, from full resolution to the bottleneck. Returns a model from
    float32 (B, size, size, 3) in 0..255 to logits (B, size, size, classes). Raises ValueError for
    a size that cannot be halved once for each level but the last.
    """
    depth = len(filters) - 1
    _check_size(size, depth)

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


def mobilenetv2_unet(
    classes: int,
    weights: str | Path | None,
    alpha: float = 1.0,
    filters: Sequence[int] = (8, 32, 64, 96, 128),
    size: int = 128,
) -> keras.Model:
    """A U-Net with MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381) as encoder (lesson 3).

    `weights` of the encoder are "imagenet", a file like the one that ships, or None for random
    ones; `alpha` scales its channels (`Course.encoder` holds both). `filters` are the channels of
    the decoder, from full resolution to a sixteenth. The decoder is lean: 1x1 convolutions thin
    what comes from below and from the side, and bilinear upsampling leaves no checkerboard. A level
    has two separable convolutions, but the two largest have one ordinary one, which is quicker with
    their few channels. The skip at full resolution comes from the pixels, through a 3x3 kernel.

    Returns a model as `unet` does, whose layer `encoder` is the whole encoder. Raises ValueError
    for a size that is no multiple of 32, and RuntimeError for weights that cannot be downloaded or
    read, or that belong to another alpha.
    """
    _check_size(size, 5)
    layers, taps = keras.layers, [f"block_{number}_expand_relu" for number in (1, 3, 6, 13)]
    known = weights if weights == "imagenet" else None
    try:
        with warnings.catch_warnings(action="ignore"):  # one for each layer of another shape
            network = keras.applications.MobileNetV2((size, size, 3), alpha, False, known)
            outputs = [network.get_layer(tap).output for tap in [*taps, "block_16_project"]]
            encoder = keras.Model(network.input, outputs, name="encoder")
            if weights != known:
                encoder.load_weights(weights)
        for layer in () if weights else network.layers:  # a running mean of 1,000 steps is too slow
            if isinstance(layer, layers.BatchNormalization):
                layer.momentum = 0.9
    except Exception as error:  # the network, the disk or the file may be at fault
        way_out = "Restore it (`git checkout -- data`) or pass the alpha that it was made for"
        if known:
            way_out = "Run this cell again with a network, or set COURSE_DATA=sample"
        text = " ".join(str(error).split())[:200]
        reason = f"for alpha {alpha}: {type(error).__name__}, {text}"
        raise RuntimeError(f"Cannot load the weights {weights} {reason}. {way_out}.") from error

    inputs = keras.Input((size, size, 3), name="pixels")
    scaled = layers.Rescaling(1 / 127.5, offset=-1, name="scaling")(inputs)
    *skips, x = encoder(scaled)
    x = layers.Dropout(0.2)(x)
    for channels, skip in zip(filters[::-1], [*skips[::-1], scaled], strict=True):
        kernel, small = 3 if skip is scaled else 1, skip.shape[1] < size // 2
        x = layers.Conv2D(channels, 1, use_bias=False)(x)
        x = layers.UpSampling2D(interpolation="bilinear")(x)
        thin = layers.Conv2D(channels, kernel, padding="same", use_bias=False)(skip)
        x = layers.concatenate([x, thin])
        for convolution in [layers.SeparableConv2D] * 2 if small else [layers.Conv2D]:
            x = convolution(channels, 3, padding="same", use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    return keras.Model(inputs, layers.Conv2D(classes, 1, name="logits")(x), name="mobilenetv2_unet")


def freeze_encoder(model: keras.Model) -> None:
    """Keeps the encoder of `mobilenetv2_unet` as it is while the rest trains (lesson 3)."""
    model.get_layer("encoder").trainable = False


def unfreeze_encoder(model: keras.Model) -> None:
    """Lets the encoder train, except its batch normalisation, whose statistics stay (lesson 4)."""
    encoder = model.get_layer("encoder")
    encoder.trainable = True
    for layer in encoder.layers:
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)


# ---------------------------------------------------------------------------------- training
@keras.saving.register_keras_serializable("unet_course")
def segmentation_loss(masks: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Cross-entropy plus soft Dice loss, both from logits (built in lesson 2).

    Cross-entropy judges each pixel; Dice (Milletari, Navab and Ahmadi 2016, arXiv 1606.04797)
    judges each class as a region, so that the thin border counts as much as the background.

    From masks, integers (B, H, W, 1), and logits (B, H, W, C) to float32 (B, H, W): the
    cross-entropy of each pixel plus the Dice loss of the batch. Pixels of no class, so void ones,
    count in neither: the cross-entropy of the others makes up for theirs.
    """
    # A row a class, as TensorFlow is slow along an axis of two or three numbers.
    scores = tf.transpose(tf.reshape(logits, (-1, logits.shape[-1])))
    truth = tf.one_hot(tf.reshape(tf.cast(masks, tf.int32), [-1]), scores.shape[0], axis=0)
    log_softmax = scores - tf.reduce_logsumexp(scores, axis=0)
    labelled = tf.reduce_sum(truth, axis=0)
    share = tf.maximum(tf.reduce_mean(labelled), 1e-6)
    cross_entropy = -tf.reduce_sum(truth * log_softmax, axis=0) / share
    softmax = tf.exp(log_softmax) * labelled
    dice = (2 * tf.reduce_sum(truth * softmax, 1) + 1) / (tf.reduce_sum(truth + softmax, 1) + 1)
    return tf.reshape(cross_entropy + 1 - tf.reduce_mean(dice), tf.shape(masks)[:-1])


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
    """Compiles and fits a model with early stopping, and survives a kill (built in lesson 2).

    `training` and `validation` are what `prepare` returns. data/runs/<run>/ gets `log.csv` (a row
    per epoch), `best.keras` and a description of the call; until then a folder in it holds the last
    and the best epoch. Where the same call finds its own unfinished work there, it goes on after the
    last whole epoch (pictures come in a new order) and says so. Work of other data, settings or
    weights to start from is given up, as is any that cannot be read. A finished run starts afresh.

    `learning_rate` is the peak of one cycle: a warm-up over a tenth of the steps, then half a
    cosine down to zero. Training stops after `patience` epochs without a better validation mean
    IoU, or after `epochs`; the model then has the weights of the best epoch.

    Returns lists with a value per epoch: `epoch`, `seconds`, `loss`, `mean_iou` and the last two
    with `val_`. Raises ValueError where model and task differ in their number of classes, a split
    is empty, the loss became infinite, or a finished run of this name is of another architecture or
    task, and RuntimeError where another process trains this run.
    """
    _check_classes(model, task)
    if not len(training) or not len(validation):
        raise ValueError(f"The training or validation data of {task.name} hold no batch.")
    steps = max(2, len(training) * epochs)
    warmup = max(1, steps // 10)
    schedule = keras.optimizers.schedules.CosineDecay(
        learning_rate / 20, steps - warmup, warmup_target=learning_rate, warmup_steps=warmup
    )
    # An object, not a name: that would make its variables, and the whole graph twice, in step one.
    form = {"ignore_class": task.void, "sparse_y_pred": False, "name": "mean_iou"}
    metrics = [keras.metrics.MeanIoU(len(task.classes), **form)]
    optimizer = keras.optimizers.Adam(schedule, clipnorm=1.0)
    model.compile(optimizer, loss=segmentation_loss, metrics=metrics)
    model.optimizer.build(model.trainable_variables)

    call = {"epochs": epochs, "rate": learning_rate, "patience": patience}
    call |= {"classes": list(task.classes), "void": task.void}
    call |= checkpoints.describe(model, training=training, validation=validation)
    work = RUNS / run / "unfinished"
    with checkpoints.lock(RUNS / run):
        checkpoints.refuse_to_replace(RUNS / run, call)
        history, news = checkpoints.take_up(model, work, call)
        if news:
            figures.say(news)
        own = checkpoints.callbacks(work, history, call)
        try:
            if not history or len(history["epoch"]) < checkpoints.last_epoch(history, call):
                model.fit(
                    training,
                    validation_data=validation,
                    epochs=epochs,
                    callbacks=[*own, *callbacks],
                    shuffle=False,  # `prepare` does it
                    verbose=0,
                )
        except FloatingPointError as error:
            whole = all(np.isfinite(images).all() for images, _ in training)
            cause = "lower the learning rate" if whole else "the training pictures hold NaN"
            raise ValueError(f"{error}: {cause}.") from error
        except tf.errors.InvalidArgumentError as error:
            if "assertion failed" in error.message:  # those of `prepare`
                raise ValueError(checks.reason(error)) from error
            raise
        finally:
            checkpoints.leave(model, call)
        checkpoints.load_best(model, work, history)
        checkpoints.publish(model, work)
    return history


def trained(lesson: str, run: str, course: Course) -> tuple[keras.Model, dict[str, list[float]]]:
    """The network that an earlier lesson left in data/runs/<run>/, and its history.

    Where there is none it is trained now, by the cells that the notebook `lesson` tags "recipe",
    so that there is no second recipe to keep in step, and a reader's changes count.
    """
    folder = RUNS / run
    if not (folder / "log.csv").exists():
        notebook = DATA.parent / "notebooks" / f"{lesson}.ipynb"
        figures.say(
            f"`data/runs/{run}` is not there yet: the recipe of `{notebook.name}` trains it now."
        )
        scope = {"course": course}
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
            if "recipe" in cell["metadata"].get("tags", []):
                exec("".join(cell["source"]), scope)  # noqa: S102
    return checkpoints.load(folder)


def _check_classes(model: keras.Model, task: Task) -> None:
    if model.output_shape[-1] != len(task.classes):
        raise ValueError(
            f"The model {model.name} returns {model.output_shape[-1]} classes, but the task "
            f"{task.name} has {len(task.classes)}, {task.classes}: build it with as many."
        )


# -------------------------------------------------------------------------------- evaluation
def evaluate(model: keras.Model, data: tf.data.Dataset, task: Task) -> Evaluation:
    """Compares predictions with the truth, pixel by pixel (lesson 2).

    The class of the highest logit is the prediction; `data` is what `prepare` returns. Raises
    ValueError where they hold no picture, or model and task differ in their number of classes.
    """
    _check_classes(model, task)
    matrices = []
    for images, masks in data:
        logits = model.predict_on_batch(images)
        if not np.isfinite(logits).all():
            raise ValueError(f"The model {model.name} answers with NaN: train it anew.")
        pairs = zip(masks.numpy()[..., 0], logits.argmax(-1), strict=True)
        matrices += [confusion_matrix(*pair, task) for pair in pairs]
    if not matrices:
        raise ValueError(f"No picture of {task.name} to evaluate on: check the split's source.")
    return Evaluation(task, np.stack(matrices), images.shape[1])


# ------------------------------------------------------------------------------------- plots
def show(figure: plt.Figure, *, caption: str, alt: str) -> None:
    """Displays a figure, at most 9 inches wide, with a caption and a text for who cannot see it."""
    if (width := figure.get_figwidth()) > figures.WIDTH:
        raise ValueError(f"This figure is {width} inches wide, a page only {figures.WIDTH}.")
    data, form = figures.encoded(figure)
    display(Image(data, format=form, width=round(100 * width), metadata={"alt": alt}))
    display(Markdown(f"*{caption}*"))


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
    """Pictures with a thin line around what is not background, their masks, maybe predictions.

    Images (H, W, 3) in 0..255 may be of any sizes, and at most six of them look well; masks and
    predictions are integers (H, W) in 0..C-1. Above a prediction stands its mean IoU (lessons 1
    and 2).
    """
    rows, above = {"picture": images, "mask": masks}, {"picture": titles} if len(titles) else {}
    if len(predictions):
        rows["prediction"] = predictions
        pairs = zip(masks, predictions, strict=True)
        scores = [mean_iou(confusion_matrix(*pair, task)) for pair in pairs]
        above["prediction"] = [f"mean IoU {score:.2f}" for score in scores]
    figure = figures.pictures(rows, above, task.classes, task.colours)
    show(figure, caption=caption, alt=alt)


def show_errors(
    images: Sequence[np.ndarray],
    masks: Sequence[np.ndarray],
    predictions: dict[str, Sequence[np.ndarray]],
    task: Task,
    *,
    caption: str,
    alt: str,
    titles: dict[str, Sequence[str]] | None = None,
) -> None:
    """Pictures above the right and wrong pixels of the second of two classes (lesson 3).

    `predictions` holds a row of integers (H, W) for each name. Above each panel stands the IoU of
    that class in it, or what `titles` say for its row.
    """
    above = {}
    for name, answers in predictions.items():
        pairs = zip(masks, answers, strict=True)
        scores = [iou(confusion_matrix(*pair, task))[1] for pair in pairs]
        above[name] = ["" if np.isnan(s) else f"{task.classes[1]} IoU {s:.2f}" for s in scores]
    above |= titles or {}
    figure = figures.errors(images, masks, predictions, above, task.classes[1])
    show(figure, caption=caption, alt=alt)


def show_history(history: dict[str, list[float]], *, caption: str, alt: str) -> None:
    """The loss and mean IoU of each epoch in training and validation (lesson 2)."""
    show(figures.curves(history), caption=caption, alt=alt)


def show_network(
    stages: dict[str, tuple],
    words: dict[str, str],
    picture: np.ndarray,
    mask: np.ndarray,
    task: Task,
    parameters: int,
    *,
    caption: str,
    alt: str,
) -> None:
    """A U-Net as a U of boxes (lesson 2), from the shapes (H, W, C) that its stages take and return.

    `stages` go from the pixels to the last map; one that takes None has a single box. `words` name
    what happens in a `stage`, on the way `down`, `up`, across by a `skip`, and at the `end`, and maybe
    what the `mask` is.
    """
    figure = figures.network(stages, words, picture, mask, task.colours, parameters)
    show(figure, caption=caption, alt=alt)


# ----------------------------------------------------------------------------- a reader's own
def check(answer: object, right: Callable[[object], bool]) -> None:
    """Says whether an answer to an exercise is right; `...` is none yet (every lesson)."""
    if answer is ...:
        return figures.say("No answer yet.")
    try:
        figures.say("Right." if right(answer) else "Not yet: try again.")
    except Exception as error:  # noqa: BLE001  an answer may be anything
        figures.say(f"Not yet: trying it raised {type(error).__name__}, {error}.")


def segment(model: keras.Model, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """A picture of any size and shape, and the model's answer at its proportions (lesson 3).

    The picture, uint8 (H, W, 3), is made smaller where a side has more than 1,024 pixels, and turned
    as its EXIF data say. It enters the model at the model's own size; the logits are enlarged
    again, and the highest gives the class: integers (H, W). Raises ValueError, with the file's
    name, where it is no picture.
    """
    image = folders.read_picture(path)
    share = min(1, 1024 / max(image.shape[:2]))
    height, width = (max(1, round(share * side)) for side in image.shape[:2])
    image = tf.image.resize(image, (height, width), antialias=True)
    logits = model.predict_on_batch(tf.image.resize(image, model.input_shape[1:3])[None])
    logits = tf.image.resize(logits, (height, width))[0]
    return np.clip(np.round(image), 0, 255).astype("uint8"), np.argmax(logits, axis=-1)


def show_answer(
    image: np.ndarray,
    mask: np.ndarray,
    task: Task,
    *,
    caption: str,
    alt: str,
    title: str = "answer",
) -> None:
    """A picture, uint8 (H, W, 3), beside itself with the classes of `segment` on it (lesson 3)."""
    figure = figures.answer(image, mask, task.classes, task.colours, title)
    show(figure, caption=caption, alt=alt)
