"""Void, pixels that nobody labelled: they count in no loss, no measure and no figure."""

from __future__ import annotations

import warnings
from pathlib import Path

import keras_cv
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from toys import dataset, examples, store, tiny_model

import unet_helpers
from unet_helpers import Task

pytestmark = pytest.mark.usefixtures("shown")
COLOURS = ("#0072B2", "#CC79A7", "#F0E442")
DISCS = Task("discs", ("disc", "ground", "rim"), COLOURS, void=255)
BARE = Task("discs", ("disc", "ground"), COLOURS[:2], void=2)  # the rim is void


def torn(count: int = 4) -> list[dict[str, object]]:
    """Discs, of whose masks somebody has left out a corner."""
    made = examples(count)
    for example in made:
        example["segmentation_masks"][:5, :7] = 255
    return made


@pytest.mark.parametrize("void", [0, 2, 256, -1])
def test_void_is_no_class(void: int) -> None:
    with pytest.raises(ValueError, match=f"void={void} of cells: use a value from 3 to 255"):
        Task("cells", ("a", "b", "c"), COLOURS, void=void)


def test_void_goes_through_every_layer() -> None:
    layers = [
        keras_cv.layers.RandomFlip("horizontal"),
        keras_cv.layers.RandomRotation(0.2, segmentation_classes=4),
        keras_cv.layers.RandomZoom((-0.3, 0.3)),
    ]
    options = {"size": 16, "batch_size": 2, "training": True}
    data = unet_helpers.prepare(dataset(torn()), DISCS, augment=layers, **options)
    held = [np.unique(masks).tolist() for _ in range(3) for _, masks in data]
    assert all(set(values) <= {0, 1, 2, 255} and 255 in values for values in held)
    plain = unet_helpers.prepare(dataset(torn()), DISCS, size=16, batch_size=4)
    ((_, masks),) = plain
    expected = [example["segmentation_masks"] for example in torn()]
    np.testing.assert_array_equal(masks, expected)


def test_a_layer_that_would_turn_void_into_a_class_is_named() -> None:
    layer = keras_cv.layers.RandomRotation(0.2, segmentation_classes=3, name="turn")
    complaint = "layer turn has segmentation_classes=3, for 3 classes and void"
    with pytest.raises(ValueError, match=complaint):
        unet_helpers.prepare(dataset(torn()), DISCS, size=16, augment=[layer])


def by_hand(masks: np.ndarray, logits: np.ndarray) -> float:
    """Cross-entropy and Dice of the labelled pixels alone."""
    classes = logits.shape[-1]
    here = masks[..., 0] < classes
    truth, scores = np.eye(classes)[masks[..., 0][here]], logits[here].astype(float)
    logarithms = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    shares = np.exp(logarithms)
    dice = (2 * (truth * shares).sum(0) + 1) / ((truth + shares).sum(0) + 1)
    return -(truth * logarithms).sum(-1).mean() + 1 - dice.mean()


@given(st.integers(2, 4), st.integers(0, 2**32 - 1), st.sampled_from([0.1, 3.0]))
@settings(max_examples=20, deadline=None)
def test_loss_is_that_of_the_labelled_pixels(classes: int, seed: int, scale: float) -> None:
    generator = np.random.default_rng(seed)
    masks = generator.integers(0, classes, (2, 4, 5, 1))
    masks[generator.random(masks.shape) < 0.4] = 255
    masks[0, 0, 0] = 0  # at least one is labelled
    logits = tf.constant(scale * generator.normal(size=(2, 4, 5, classes)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = tf.reduce_mean(unet_helpers.segmentation_loss(tf.constant(masks), logits))
    np.testing.assert_allclose(loss, by_hand(masks, logits.numpy()), rtol=1e-4, atol=1e-5)
    gradient = tape.gradient(loss, logits).numpy()
    assert np.isfinite(gradient).all() and not gradient[masks[..., 0] == 255].any()


def test_a_batch_of_void_alone_teaches_nothing() -> None:
    logits = tf.Variable(tf.random.normal((1, 4, 5, 3)))
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(unet_helpers.segmentation_loss(tf.fill((1, 4, 5, 1), 255), logits))
    assert float(loss) == 0
    assert not tape.gradient(loss, logits).numpy().any()


def test_measures_count_labelled_pixels_only() -> None:
    mask = np.array([[0, 1, 2, 255], [0, 1, 2, 255]])
    guess = np.array([[0, 1, 1, 0], [0, 0, 2, 2]])
    expected = [[2, 0, 0], [1, 1, 0], [0, 1, 1]]
    assert unet_helpers.confusion_matrix(mask, guess, DISCS).tolist() == expected
    with pytest.raises(ValueError, match=r"The prediction holds \[0, 1, 2, 255\]"):
        unet_helpers.confusion_matrix(mask, mask, DISCS)
    with pytest.raises(ValueError, match=r"The mask holds \[0, 1, 2, 254\]"):
        unet_helpers.confusion_matrix(np.where(mask == 255, 254, mask), guess, DISCS)


def test_training_and_evaluation_agree_on_void() -> None:
    data = unet_helpers.prepare(dataset(torn()), DISCS, size=16, batch_size=2)
    model = tiny_model()
    history = unet_helpers.train(model, data, data, DISCS, epochs=2, run="void")
    result = unet_helpers.evaluate(model, data, DISCS)
    assert result.confusion.sum() == 4 * (16 * 16 - 5 * 7)
    assert max(history["val_mean_iou"]) == pytest.approx(result.summary["mean IoU"], abs=1e-5)


def test_a_class_may_be_read_as_void() -> None:
    made = examples()
    data = unet_helpers.prepare(dataset(made), BARE, size=16, batch_size=2)
    result = unet_helpers.evaluate(tiny_model(2), data, BARE)
    rim = sum((example["segmentation_masks"] == 2).sum() for example in made)
    assert rim and result.confusion.sum() == 4 * 16 * 16 - rim


def test_a_picture_that_nobody_labelled_harms_no_mean() -> None:
    made = torn()
    made[1]["segmentation_masks"][:] = 255
    data = unet_helpers.prepare(dataset(made), DISCS, size=16, batch_size=2)
    with warnings.catch_warnings(action="error"):
        result = unet_helpers.evaluate(tiny_model(), data, DISCS)
        assert np.isfinite(list(result.summary.values())).all()
        assert np.isfinite(result.interval(result.measures)).all()
        assert np.isnan(unet_helpers.mean_iou(result.confusion)).tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize(("void", "held"), [(255, {0, 255}), (None, {0, 1})])
def test_white_is_void_where_the_task_says_so(tmp_path: Path, void, held: set[int]) -> None:
    task = Task("cells", ("ground", "cell"), COLOURS[:2], void=void)
    white = np.zeros((9, 8), "uint8")
    white[2:5] = 255
    store(tmp_path / "images", "1.png", np.zeros((9, 8, 3), "uint8"))
    store(tmp_path / "masks", "1.png", white)
    (example,) = unet_helpers.load_folder(tmp_path / "images", tmp_path / "masks", task)
    assert {*np.unique(example["segmentation_masks"])} == held


def test_folders_may_hold_void_beside_the_classes(tmp_path: Path) -> None:
    labels = np.zeros((9, 8), "uint8")
    labels[2:5], labels[7] = 1, 255
    store(tmp_path / "images", "1.png", np.zeros((9, 8, 3), "uint8"))
    store(tmp_path / "masks", "1.png", labels)
    places = tmp_path / "images", tmp_path / "masks"
    task = Task("cells", ("ground", "cell"), COLOURS[:2], void=255)
    (example,) = unet_helpers.load_folder(*places, task)
    np.testing.assert_array_equal(example["segmentation_masks"][..., 0], labels)
    task = Task("cells", ("ground", "cell"), COLOURS[:2], void=100)
    with pytest.raises(ValueError, match=r"\[0, 1, 255\], but cells has the classes 0..1 and void"):
        unet_helpers.load_folder(*places, task)


def test_figures_show_void_in_a_colour_of_its_own(monkeypatch) -> None:
    drawn = []
    monkeypatch.setattr(unet_helpers, "show", lambda figure, **_: drawn.append(figure))
    images = [example["images"] for example in torn(2)]
    masks = [example["segmentation_masks"][..., 0] for example in torn(2)]
    guesses, texts = [np.ones_like(mask) for mask in masks], {"caption": "", "alt": ""}
    unet_helpers.show_pictures(images, masks, DISCS, predictions=guesses, **texts)
    unet_helpers.show_answer(images[0], masks[0], DISCS, **texts)
    for figure in drawn:
        assert "void" in [text.get_text() for text in figure.legends[0].get_texts()]
    corner = drawn[0].axes[2].get_images()[0]
    assert np.round(255 * np.array(corner.to_rgba(masks[0])[0, 0])).tolist() == [221, 221, 221, 255]
    two = [np.where(mask == 255, 255, mask == 1) for mask in masks]
    fires = Task("fire", ("background", "fire"), COLOURS[:2], void=255)
    unet_helpers.show_errors(images, two, {"guess": guesses}, fires, **texts)
    panel = np.asarray(drawn[-1].axes[2].get_images()[0].get_array())
    assert (np.ptp(panel[:5, :7], axis=-1) == 0).all(), "grey, neither right nor wrong"
    for figure in drawn:
        unet_helpers.plt.close(figure)
