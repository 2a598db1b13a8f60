"""Pictures of any size, segmented tile by tile (lesson 6)."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np

STEP = 32  # tiles begin at multiples of it, so that pooling cuts them as it cuts the whole picture
BLEND = 16  # pixels over which one tile's answer becomes the next one's
BLOCK = 1024  # pixels a side whose answers are held at a time, about
BATCH = 16  # tiles


def predict_tiled(
    model: keras.Model,
    image: np.ndarray,
    *,
    overlap: int = 32,
    blended: bool = True,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Segments a picture of any size by overlapping tiles as large as the model's input (lesson 6).

    The *overlap-tile strategy* of the U-Net paper (arXiv 1505.04597): a tile's edge sees too little,
    so neighbouring tiles overlap by `overlap` pixels, a multiple of 32. In the middle of the overlap
    one's logits are blended into the other's, over 16 pixels; what lies nearer to a tile's edge is
    not used. Where no pixel's receptive field reaches further than it may, the answer is that of a
    model for the whole picture. Beyond its borders the picture is mirrored. Without `blended`, tiles
    lie side by side and their edges show; for lesson 6 alone.

    `image` is uint8 (H, W, 3), and may be a `np.memmap` that does not fit into memory: it is read
    piece by piece. Returns uint8 (H, W), the classes; `out`, where given, is filled with them, and
    may be a memmap too. Beside these two the memory needed is the same for every size. Raises
    ValueError for an image or `out` of another form, and for an overlap that does not fit the model.
    """
    side = model.input_shape[1]
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise ValueError(f"The image is {image.dtype} {image.shape}, not uint8 (H, W, 3).")
    if side is None or model.input_shape[2] != side:
        raise ValueError(
            f"{model.name} takes {model.input_shape}: build it for one size, a square."
        )
    if blended and (overlap % STEP or not STEP <= overlap <= side / 2):
        limit = f"use a multiple of {STEP}, up to half of the {side} pixels that {model.name} takes"
        raise ValueError(f"overlap={overlap}: {limit}.")
    height, width = image.shape[:2]
    out = np.zeros((height, width), "uint8") if out is None else out
    if out.shape != (height, width) or out.dtype != np.uint8:
        raise ValueError(f"out is {out.dtype} {out.shape}, but the image {image.shape[:2]}.")
    overlap = overlap if blended else 0
    window = _window(side, overlap)
    stride = side - overlap
    block = max(1, BLOCK // stride) * stride
    for top in range(0, height, block):
        for left in range(0, width, block):
            rows, columns = min(block, height - top), min(block, width - left)
            # Tiles that reach into the block, from the grid that all blocks share.
            places = [
                (y, x)
                for y in range(top - overlap, top + rows, stride)
                for x in range(left - overlap, left + columns, stride)
            ]
            total = np.zeros((rows, columns, model.output_shape[-1]), "float32")
            for (y, x), logits in _answers(model, image, places, side):
                _add(total, logits * window, y - top, x - left)
            out[top : top + rows, left : left + columns] = total.argmax(-1)
    return out


def _window(side: int, overlap: int) -> np.ndarray:
    """How much each pixel of a tile counts, (side, side, 1): neighbours' add up to 1."""
    if not overlap:
        return np.ones((side, side, 1), "float32")
    ramp = np.clip((np.arange(overlap) + 0.5 - overlap / 2) / BLEND + 0.5, 0, 1)
    line = np.ones(side)
    line[:overlap], line[side - overlap :] = ramp, ramp[::-1]
    return (line[:, None] * line)[..., None].astype("float32")


def _answers(
    model: keras.Model, image: np.ndarray, places: list[tuple[int, int]], side: int
) -> Iterator[tuple[tuple[int, int], np.ndarray]]:
    """The logits of the tiles at these places, in batches that are all of one size."""
    for start in range(0, len(places), BATCH):
        chosen = places[start : start + BATCH]
        # The last batch is filled up, as Keras would compile another size anew.
        tiles = np.zeros((BATCH, side, side, 3), "float32")
        for tile, (y, x) in zip(tiles, chosen, strict=False):
            tile[:] = _mirrored(image, y, x, side)
        yield from zip(chosen, model.predict_on_batch(tiles), strict=False)


def _mirrored(image: np.ndarray, top: int, left: int, side: int) -> np.ndarray:
    """A square of a picture, mirrored where it reaches beyond it."""
    rows, columns = (
        _inside(np.arange(start, start + side), length)
        for start, length in zip((top, left), image.shape, strict=False)
    )
    # A slice first, as picking by two lists reads a memmap pixel by pixel.
    part = image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    return part[rows - rows.min()][:, columns - columns.min()]


def _inside(places: np.ndarray, length: int) -> np.ndarray:
    """Places on a line that is mirrored at its ends, again and again where it is short."""
    period = max(2 * length - 2, 1)
    places = places % period
    return np.where(places < length, places, period - places)


def _add(total: np.ndarray, part: np.ndarray, top: int, left: int) -> None:
    """Add what of a part lies inside a total, from a place that may be outside."""
    rows, columns = total.shape[:2]
    height, width = part.shape[:2]
    y, x = max(top, 0), max(left, 0)
    down, right = min(top + height, rows), min(left + width, columns)
    if y < down and x < right:
        total[y:down, x:right] += part[y - top : down - top, x - left : right - left]
