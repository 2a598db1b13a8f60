"""What lesson 6 draws: slides under a microscope, and a folder of them as people have folders.

A slide shows cells, which have a dark nucleus, stains that look like cells but have none, and rare
thin crystals. All is drawn at one scale, so that a network that learned from small pictures can
read a large one.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from data.tasks import Task

SLIDES = Task(
    "slides", ("background", "cell", "crystal"), ("#0072B2", "#D55E00", "#F0E442"), void=255
)
KINDS = {"cell": 0.52, "stain": 0.42, "crystal": 0.06}  # and their shares
COUNT, DETAILS, SIDE = 12, 6, 128  # slides, pictures of each, and pixels a side


def draw_slide(
    rng: np.random.Generator, height: int, width: int, stain: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """A picture, uint8 (H, W, 3), and its mask, uint8 (H, W): 1 = cell, 2 = crystal.

    `stain` says how a slide is coloured, three numbers about 0; details of one slide share it.
    """
    stain = rng.normal(0, 1, 3) if stain is None else stain
    coarse = rng.normal((214, 196, 208), 9, (height // 40 + 3, width // 40 + 3, 3)) + 8 * stain
    ground = Image.fromarray(coarse.clip(0, 255).astype("uint8"))
    picture = ground.resize((width, height), Image.Resampling.BICUBIC)
    mask = Image.new("L", (width, height))
    paint, label = ImageDraw.Draw(picture), ImageDraw.Draw(mask)
    kinds = rng.choice([*KINDS], rng.poisson(height * width / 550), p=[*KINDS.values()])
    for kind in kinds:
        x, y = rng.uniform(-8, width + 8), rng.uniform(-8, height + 8)
        if kind == "crystal":
            angle, length = rng.uniform(0, np.pi), rng.uniform(5, 10)
            step = length * np.array([np.cos(angle), np.sin(angle)])
            ends = [(x - step[0], y - step[1]), (x + step[0], y + step[1])]
            paint.line(ends, tuple(int(v) for v in rng.normal((236, 240, 226), 4)), 3)
            label.line(ends, 2, 3)
            continue
        wide, tall = rng.uniform(5, 11, 2)
        colour = np.array([168, 118, 160]) + 12 * stain + rng.normal(0, 9, 3)
        box = (x - wide, y - tall, x + wide, y + tall)
        paint.ellipse(box, tuple(colour.astype(int)), tuple((colour - 18).astype(int)))
        label.ellipse(box, int(kind == "cell"))
        if kind == "cell":
            dx, dy = rng.uniform(-0.3, 0.3, 2) * (wide, tall)
            core = (
                x + dx - 0.35 * wide,
                y + dy - 0.35 * tall,
                x + dx + 0.35 * wide,
                y + dy + 0.35 * tall,
            )
            paint.ellipse(core, tuple((colour - 62).astype(int)))
    soft = np.asarray(picture.filter(ImageFilter.GaussianBlur(0.8)), "float32")
    grain = rng.normal(0, 3, (height, width, 1)).astype("float32")
    return (soft + grain).clip(0, 255).astype("uint8"), np.asarray(mask)


def write_folder(place: Path) -> None:
    """A new folder as a colleague might send it: `pictures/`, `masks/`, `new/`, and faults.

    Six pictures of each of twelve slides. Masks are called `_mask`; where the colleague was not
    sure, they hold 255.
    """
    for name in ("pictures", "masks", "new"):
        (place / name).mkdir(parents=True)
    for slide in range(1, COUNT + 1):
        rng = np.random.default_rng(slide)
        stain = rng.normal(0, 1, 3)
        for detail in range(1, DETAILS + 1):
            picture, mask = draw_slide(rng, SIDE, SIDE, stain)
            mask = mask.copy()
            if detail == 1:  # a corner that is out of focus
                mask[: SIDE // 4, : SIDE // 3] = 255
            stem = f"slide {slide} ({detail})"
            Image.fromarray(picture).save(place / f"pictures/{stem}.jpg", quality=92)
            Image.fromarray(mask).save(place / f"masks/{stem}_mask.png")
    for number, size in enumerate(((128, 128), (220, 300), (128, 256)), start=1):
        picture, _ = draw_slide(np.random.default_rng(100 + number), *size)
        Image.fromarray(picture).save(place / f"new/today {number}.jpg", quality=92)
    _spoil(place / "pictures", place / "masks")


def _spoil(pictures: Path, masks: Path) -> None:
    """Six faults that folders have."""
    jpeg = masks / "slide 2 (4)_mask.png"
    Image.open(jpeg).point(lambda value: 100 * value).save(jpeg.with_suffix(".jpg"))
    jpeg.unlink()
    cut = pictures / "slide 5 (1).jpg"
    cut.write_bytes(cut.read_bytes()[:2000])
    small = masks / "slide 7 (3)_mask.png"
    Image.open(small).resize((64, 64), Image.Resampling.NEAREST).save(small)
    brush = masks / "slide 9 (2)_mask.png"
    painted = Image.open(brush)
    ImageDraw.Draw(painted).ellipse((60, 60, 72, 70), 7)
    painted.save(brush)
    (masks / "slide 11 (5)_mask.png").unlink()
    twin = pictures / "slide 12 (6).jpg"
    twin.write_bytes((pictures / "slide 1 (2).jpg").read_bytes())
    (masks / "slide 12 (6)_mask.png").write_bytes((masks / "slide 1 (2)_mask.png").read_bytes())
    (pictures / "notes.txt").write_text("Crystals only where I was sure.\n", encoding="utf-8")
