"""data/tiles.py: pictures of any size, tile by tile."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import keras
import numpy as np
import pytest

import unet_helpers
from data import tiles

pytestmark = pytest.mark.usefixtures("shown")
RNG = np.random.default_rng(0)


def noise(height: int, width: int) -> np.ndarray:
    return RNG.integers(0, 256, (height, width, 3), dtype="uint8")


def pair(side: int, large: tuple[int, int]) -> tuple[keras.Model, keras.Model]:
    """A network for tiles and the same one for a whole picture; a pixel sees 11 around it at most."""
    inputs = keras.Input((side, side, 3))
    first = keras.layers.Conv2D(4, 3, padding="same", activation="relu")
    x = skip = first(keras.layers.Rescaling(1 / 127.5, -1)(inputs))
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(keras.layers.MaxPooling2D()(x))
    x = keras.layers.Conv2DTranspose(4, 2, strides=2)(x)
    x = keras.layers.Conv2D(3, 3, padding="same")(keras.layers.concatenate([x, skip]))
    small = keras.Model(inputs, x)
    whole = keras.models.clone_model(small, input_tensors=keras.Input((*large, 3)))
    whole.set_weights(small.get_weights())
    return small, whole


@pytest.mark.parametrize("overlap", [32, 64])
def test_tiles_answer_as_the_whole_picture_does_away_from_its_border(overlap: int) -> None:
    image = noise(256, 320)
    small, whole = pair(128, (256, 320))
    answer = unet_helpers.predict_tiled(small, image, overlap=overlap)
    truth = whole.predict_on_batch(image[None].astype("float32"))[0].argmax(-1)
    np.testing.assert_array_equal(answer[16:-16, 16:-16], truth[16:-16, 16:-16])
    side_by_side = unet_helpers.predict_tiled(small, image, blended=False)
    assert (side_by_side != truth)[16:-16, 16:-16].any()  # which is why they overlap


def test_blocks_do_not_show(monkeypatch) -> None:
    image, (small, _) = noise(200, 330), pair(64, (64, 64))
    at_once = unet_helpers.predict_tiled(small, image)
    monkeypatch.setattr(tiles, "BLOCK", 70)
    np.testing.assert_array_equal(unet_helpers.predict_tiled(small, image), at_once)


@pytest.mark.parametrize("shape", [(1, 1), (3, 1000), (1000, 3), (64, 64), (65, 63)])
def test_any_size(shape: tuple[int, int]) -> None:
    small, _ = pair(64, (64, 64))
    image = noise(*shape)
    before = image.copy()
    answer = unet_helpers.predict_tiled(small, image)
    assert (answer.shape, answer.dtype) == (shape, np.uint8) and answer.max() < 3
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize(("side", "overlap"), [(64, 32), (128, 32), (128, 64), (64, 0)])
def test_what_neighbours_count_adds_up_to_one(side: int, overlap: int) -> None:
    stride, total = side - overlap, np.zeros((4 * side, 4 * side, 1), "float32")
    for y in range(-overlap, 4 * side, stride):
        for x in range(-overlap, 4 * side, stride):
            tiles._add(total, tiles._window(side, overlap), y, x)
    np.testing.assert_allclose(total[overlap:-side, overlap:-side], 1, atol=1e-5)


def test_memory_does_not_grow_with_the_picture(tmp_path: Path) -> None:
    small, _ = pair(128, (128, 128))
    peaks = []
    for side in (1100, 2600):
        image = np.memmap(tmp_path / f"{side}.image", "uint8", "w+", shape=(side, side, 3))
        out = np.memmap(tmp_path / f"{side}.out", "uint8", "w+", shape=(side, side))
        image[:] = noise(side, 1)
        tracemalloc.start()
        assert unet_helpers.predict_tiled(small, image, out=out) is out
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert out.any()
    assert peaks[1] < 1.2 * peaks[0]


def test_wrong_input() -> None:
    small, whole = pair(64, (64, 96))
    for image in (noise(9, 9)[..., 0], noise(9, 9) / 255, noise(0, 9)):
        with pytest.raises(ValueError, match=r"The image is .*not uint8 \(H, W, 3\)"):
            unet_helpers.predict_tiled(small, image)
    with pytest.raises(ValueError, match="build it for one size, a square"):
        unet_helpers.predict_tiled(whole, noise(9, 9))
    for overlap in (0, 20, 64):
        with pytest.raises(
            ValueError, match=f"overlap={overlap}: use a multiple of 32, up to half of the 64"
        ):
            unet_helpers.predict_tiled(small, noise(9, 9), overlap=overlap)
    with pytest.raises(ValueError, match=r"out is float64 \(9, 9\), but the image \(9, 9\)"):
        unet_helpers.predict_tiled(small, noise(9, 9), out=np.zeros((9, 9)))
