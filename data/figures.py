"""How the course draws: one style, class colours, outlines, errors, curves, networks, tables.

`unet_helpers` shows these figures; here is only what they look like.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from IPython import get_ipython
from IPython.display import Markdown, display
from matplotlib import patches, patheffects
from matplotlib.colors import to_rgb
from PIL import Image as Pillow

WIDTH = 9  # inches, of a page
DPI = 150
VOID = "#DDDDDD"
ERRORS = {"found": "#CC79A7", "false": "#E69F00", "missed": "#000000"}

plt.rcParams |= {"figure.constrained_layout.use": True, "axes.grid": True, "grid.alpha": 0.3}
plt.rcParams |= {"axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 10}
plt.rcParams |= {"axes.axisbelow": True, "image.interpolation": "nearest"}


def encoded(figure: plt.Figure) -> tuple[bytes, str]:
    """Close a figure into the bytes of a picture, and its format.

    A figure that shows photographs is a JPEG in full colour. Any other is a PNG with a palette.
    """
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=DPI)
    shown = [image.get_array() for axis in figure.axes for image in axis.get_images()]
    plt.close(figure)
    picture = Pillow.open(drawn).convert("RGB")
    if any(pixels.ndim == 3 for pixels in shown):
        picture.save(small, "jpeg", quality=80, subsampling="4:2:2", progressive=True)
        return small.getvalue(), "jpeg"
    with_palette(picture).save(small, "png", optimize=True)
    return small.getvalue(), "png"


def with_palette(picture: Pillow.Image) -> Pillow.Image:
    """A picture in its 256 commonest colours, which stay exactly what they are.

    Pillow's own `quantize` shifts them all, so that white is no longer white.
    """
    places = (1 << 16, 1 << 8, 1)
    packed = np.asarray(picture) @ np.array(places)
    held, numbers, counts = np.unique(packed, return_inverse=True, return_counts=True)
    colours = held[:, None] // places % 256
    palette = colours[np.argsort(-counts)[:256]]
    nearest = np.square(colours[:, None] - palette).sum(-1).argmin(1)
    result = Pillow.fromarray(nearest[numbers].reshape(packed.shape).astype("uint8"), "P")
    result.putpalette(palette.astype("uint8").tobytes())
    return result


def grid(rows: dict[str, Sequence]) -> tuple[plt.Figure, np.ndarray]:
    """A figure with a named row of panels for each entry, without axes; its panels (rows, columns)."""
    counts = {name: len(row) for name, row in rows.items()}
    if len(set(counts.values())) > 1:
        raise ValueError(f"The rows differ in their number of panels: {counts}.")
    columns = max(counts.values())
    side = min(WIDTH / columns, 4 if columns < 2 else 2.8)
    size = (max(side * columns, 4.5), 1.07 * len(rows) * side + 0.4)
    figure, axes = plt.subplots(len(rows), columns, figsize=size, squeeze=False)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.grid(False)
        axis.spines[:].set_visible(False)
    for axis, name in zip(axes[:, 0], rows, strict=True):
        axis.set_ylabel(name)
    return figure, axes


def legend(figure: plt.Figure, colours: dict[str, str]) -> None:
    """Say below a figure what its colours mean."""
    squares = [patches.Patch(facecolor=c, edgecolor="#444444", lw=0.5) for c in colours.values()]
    figure.legend(squares, colours, loc="outside lower center", ncols=4, frameon=False)


def labelled(colours: Sequence[str]) -> dict[str, object]:
    """How `imshow` draws class numbers 0..C-1 in the colours of their classes, and void."""
    colormap = matplotlib.colors.ListedColormap(colours).with_extremes(over=VOID)
    return {"cmap": colormap, "vmin": 0, "vmax": len(colours) - 1}


def outline(axis: plt.Axes, mask: np.ndarray, classes: Sequence[str]) -> None:
    """Draw one thin line around what is not background, or around each class where none is."""
    shapes = []
    if "background" in classes:
        shapes = [(mask != classes.index("background")) & (mask < len(classes))]
    for shape in shapes or [mask == number for number in range(len(classes))]:
        if shape.any() and not shape.all():
            line = axis.contour(shape, [0.5], colors="white", linewidths=0.9)
            line.set_path_effects([patheffects.withStroke(linewidth=2, foreground="#333333")])


def pictures(
    rows: dict[str, Sequence[np.ndarray]],
    titles: dict[str, Sequence[str]],
    classes: Sequence[str],
    colours: Sequence[str],
) -> plt.Figure:
    """Pictures, (H, W, 3), with the outlines of the masks, (H, W), that stand in rows below them."""
    figure, axes = grid(rows)
    for (name, row), line in zip(rows.items(), axes, strict=True):
        for column, (axis, values) in enumerate(zip(line, row, strict=True)):
            axis.set_title(titles[name][column] if name in titles else "")
            if values.ndim == 3:
                axis.imshow(np.clip(values, 0, 255).astype("uint8"))
                outline(axis, rows["mask"][column], classes)
            else:
                axis.imshow(values, **labelled(colours))
    void = any((mask >= len(classes)).any() for mask in rows["mask"])
    legend(figure, dict(zip(classes, colours, strict=True)) | ({"void": VOID} if void else {}))
    return figure


def outlined(
    images: Sequence[np.ndarray],
    masks: Sequence[np.ndarray],
    titles: Sequence[str],
    classes: Sequence[str],
) -> plt.Figure:
    """Pictures of any sizes, four to a row, with a line around what is not background."""
    count = 4 * -(-len(images) // 4)
    figure, axes = grid({" " * row: range(4) for row in range(count // 4)})
    for axis, image, mask, title in zip(axes.flat, images, masks, titles, strict=False):
        axis.imshow(image)
        outline(axis, mask, classes)
        axis.set_title(title, fontsize=8)
    return figure


def errors(
    images: Sequence[np.ndarray],
    masks: Sequence[np.ndarray],
    predictions: dict[str, Sequence[np.ndarray]],
    titles: dict[str, Sequence[str]],
    wanted: str,
) -> plt.Figure:
    """Pictures above what is found, falsely seen and missed of class 1, called `wanted`, in each."""
    figure, axes = grid({"picture": images} | predictions)
    for axis, image in zip(axes[0], images, strict=True):
        axis.imshow(np.clip(image, 0, 255).astype("uint8"))
    for (name, answers), line in zip(predictions.items(), axes[1:], strict=True):
        for column, (axis, answer) in enumerate(zip(line, answers, strict=True)):
            guessed = (answer == 1) & (masks[column] < 2)  # void is neither right nor wrong
            axis.imshow(error_map(images[column], masks[column] == 1, guessed))
            axis.set_title(titles[name][column] if name in titles else "")
    kinds = zip(ERRORS, ("{} found", "false {}", "missed {}"), strict=True)
    legend(figure, {text.format(wanted): ERRORS[kind] for kind, text in kinds})
    return figure


def error_map(image: np.ndarray, true: np.ndarray, guessed: np.ndarray) -> np.ndarray:
    """A pale grey picture, uint8 (H, W, 3), with the right and wrong pixels of a class in colour."""
    grey = np.clip(image, 0, 255).mean(axis=-1, keepdims=True)
    shown = np.repeat(160 + 0.35 * grey, 3, axis=-1)
    for where, colour in zip(
        (true & guessed, ~true & guessed, true & ~guessed), ERRORS.values(), strict=True
    ):
        shown[where] = np.multiply(255, to_rgb(colour))
    return shown.astype("uint8")


def answer(
    image: np.ndarray, mask: np.ndarray, classes: Sequence[str], colours: Sequence[str], title: str
) -> plt.Figure:
    """A picture of any shape beside itself with the classes of a mask laid over it."""
    height, found = image.shape[0] / image.shape[1], set(np.unique(mask).tolist())
    side = min(WIDTH / 2, 6 / height)
    size = (max(2 * side, 4.5), side * height + 0.7)
    figure, (left, right) = plt.subplots(1, 2, figsize=size)
    numbers = np.minimum(mask, len(classes))  # void is the last
    tint = np.array([np.multiply(255, to_rgb(colour)) for colour in (*colours, VOID)])[numbers]
    there = np.array([name != "background" for name in (*classes, "void")])[numbers][..., None]
    left.imshow(image)
    left.set_title("picture")
    right.imshow(np.where(there, 0.45 * image + 0.55 * tint, image).astype("uint8"))
    right.set_title(title)
    outline(right, mask, classes)
    for axis in (left, right):
        axis.axis("off")
    named = [n for n in range(len(classes)) if classes[n] != "background" and n in found]
    meant = {classes[n]: colours[n] for n in named}
    meant |= {"void": VOID} if (numbers == len(classes)).any() else {}
    legend(figure, meant or {"background only": "white"})
    return figure


def curves(history: dict[str, list[float]]) -> plt.Figure:
    """Loss and mean IoU per epoch, in training and validation; a dot marks the epoch kept."""
    figure, axes = plt.subplots(1, 2, figsize=(8, 2.8))
    epochs, best = history["epoch"], int(np.argmax(history["val_mean_iou"]))
    for axis, key, label in zip(axes, ("loss", "mean_iou"), ("loss", "mean IoU"), strict=True):
        axis.plot(epochs, history[key], color="#0072B2", label="training")
        axis.plot(epochs, history[f"val_{key}"], color="#D55E00", label="validation")
        axis.plot(epochs[best], history[f"val_{key}"][best], "o", color="#D55E00", label="kept")
        axis.set(xlabel="epoch", ylabel=label)
    lines = axes[0].get_legend_handles_labels()
    figure.legend(*lines, loc="outside lower center", ncols=3, frameon=False)
    return figure


# Networks ----------------------------------------------------------------------------------------

OURS, GIVEN, DARK = "#A9D8B8", "#9DC3E6", "#444444"
Shape = tuple[int, int, int]  # height, width and channels of what a stage takes or returns


def network(
    stages: dict[str, tuple[Shape | None, Shape]],
    words: dict[str, str],
    picture: np.ndarray,
    mask: np.ndarray,
    colours: Sequence[str],
    parameters: int,
) -> plt.Figure:
    """A U of boxes, from what each stage takes and returns, from the pixels to the last map.

    `words` name, for the legend, what happens in a `stage`, on the way `down` and `up`, across by a
    `skip` and at the `end`, and maybe what the `mask` is. A stage that takes None has a box only for
    what it returns.
    """
    depth, places, x = len(stages) // 2, [], 1.35
    tall = 5.9 if depth < 5 else 6.9
    figure, axis = plt.subplots(figsize=(WIDTH, tall))
    for step, (name, (enters, leaves)) in enumerate(stages.items()):
        level = min(step, 2 * depth - step)
        y = 1.29 * (depth - level) + 0.085 * level * (level - 1)
        first = None
        if enters:
            shades = [GIVEN] if step <= depth else [GIVEN, OURS]
            first = _box(axis, x, y, enters, shades)
            right = x + first[2]
            _arrow(axis, (right + 0.03, y + 0.1), (right + 0.3, y + 0.1), DARK, words["stage"])
            x = right + 0.33
        last = _box(axis, x, y, leaves, [GIVEN if step <= depth else OURS])
        if step or enters:  # else it would stand in the picture's way
            text = f"{name}\n{'×'.join(map(str, leaves))}"
            style = {"fontsize": 8, "linespacing": 1.3}
            if step < depth:
                axis.text(x - 0.05, y - 0.06, text, ha="right", va="top", **style)
            elif depth < step < 2 * depth:
                axis.text(x + last[2] + 0.06, y - 0.15, text, va="bottom", **style)
            else:
                axis.text(x + 0.02, y - 0.06, text, va="top", **style)
        places.append((first or last, last))
        if step == 2 * depth:
            x += last[2]
        elif not enters:
            x += 0.55
    for level in range(depth):
        (_, (x0, y0, wide, high)), ((x1, y1, _, _), _) = places[level], places[-1 - level]
        below, risen = places[level + 1][0], places[-2 - level][1]
        end = (below[0] + 0.09, below[1] + 1.2 * below[3] + 0.03)
        start = (x0 + 0.09 if below[0] == x0 else x0 + 0.7 * wide, y0 - 0.03)
        _arrow(axis, start, end, "#C0392B", words["down"])
        across = y0 + 0.62 * high
        _arrow(axis, (x0 + wide + 0.05, across), (x1 - 0.05, across), "#999999", words["skip"])
        start, end = (risen[0] + 0.09, risen[1] + 1.2 * risen[3] + 0.03), (x1 + 0.09, y1 - 0.03)
        _arrow(axis, start, end, "#1E8449", words["up"])
    top = places[0][0]
    middle, ends = (
        top[1] + top[3] / 2,
        ((0, picture, "picture"), (x + 0.6, mask, words.get("mask", "mask"))),
    )
    for left, values, name in ends:
        extent = (left, left + 1, top[1], top[1] + 1)
        axis.imshow(values, extent=extent, zorder=3, **labelled(colours))
        label = f"{name}\n{'×'.join(map(str, values.shape))}"
        axis.text(left + 0.5, top[1] - 0.06, label, ha="center", va="top", fontsize=8)
    _arrow(axis, (1.03, middle), (1.32, middle), "#888888", None)
    _arrow(axis, (x + 0.1, middle), (x + 0.57, middle), "#8E44AD", words["end"])
    axis.set(xlim=(0, x + 1.65), ylim=(-0.5, top[1] + 1.3), aspect="equal")
    axis.axis("off")
    axis.legend(loc="lower left", frameon=False, fontsize=8.5)
    axis.text(x + 1.6, -0.3, f"{parameters:,} parameters", ha="right", fontsize=9)
    return figure


def _box(
    axis: plt.Axes, x: float, y: float, shape: Shape, colours: Sequence[str]
) -> tuple[float, float, float, float]:
    """Draw a map as a box with its foot at (x, y); return x, y, width, height."""
    tall, wide = 0.24 + 0.19 * max(0, np.log2(shape[0] / 8)), 0.026 * shape[2] ** 0.5
    deep, parts = 0.2 * tall, len(colours)
    for part, colour in enumerate(colours):
        left, right = x + part * wide / parts, x + (part + 1) * wide / parts
        front = [(left, y), (right, y), (right, y + tall), (left, y + tall)]
        top = [front[3], front[2], *np.add([front[2], front[3]], deep)]
        side = [front[1], np.add(front[1], deep), np.add(front[2], deep), front[2]]
        for shade, face in ((1, top), (0.9, front), (0.75, side)):
            paint = shade * np.array(to_rgb(colour))
            axis.add_patch(patches.Polygon(face, fc=paint, ec=DARK, lw=0.6))
    axis.text(x + wide + deep + 0.03, y + tall + deep, shape[2], fontsize=9, va="center")
    return x, y, wide + deep, tall


def _arrow(
    axis: plt.Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    colour: str,
    label: str | None,
) -> None:
    """Draw an arrow; the first one with a label enters the legend."""
    style = {"arrowstyle": "-|>", "color": colour, "lw": 1.8, "shrinkA": 0, "shrinkB": 0}
    axis.annotate("", end, start, arrowprops=style)
    if label and label not in axis.get_legend_handles_labels()[1]:
        axis.plot([], [], color=colour, lw=2.5, label=label)


def say(text: str) -> None:
    """Show a sentence in a notebook, print it elsewhere."""
    display(Markdown(text)) if hasattr(get_ipython(), "kernel") else print(text)


def table(rows: Sequence[dict[str, object]]) -> Markdown:
    """A Markdown table: a row for each dict, a column for each key.

    Numbers stand on the right, fractions with three decimals, thousands with commas.
    """

    def text(value: object) -> str:
        if isinstance(value, float | np.floating):
            return f"{value:.3f}"
        return f"{value:,}" if isinstance(value, int | np.integer) else str(value)

    texts = [[text(value) for value in row.values()] for row in rows]
    numbers = [
        all(re.fullmatch(r"[-+]?[\d.,]+( ?%)?|nan|", t) for t in column)
        for column in zip(*texts, strict=True)
    ]
    lines = [list(rows[0]), ["--:" if number else ":--" for number in numbers], *texts]
    return Markdown("\n".join(f"| {' | '.join(line)} |" for line in lines))
