"""Sketch Pets: drawn photographs of cats and dogs with trimaps like those of Oxford-IIIT Pet."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageDraw

from drawing.animals import (
    BREEDS,
    POSES,
    WHITE,
    Build,
    Coat,
    assemble,
    make_pose,
    rest_pose,
    turned,
)
from drawing.scenes import FLOORS, THINGS, backdrop, in_front, place, sunlight, thing
from drawing.solids import (
    EYE,
    FUR,
    LIP,
    NOSE,
    TONGUE,
    Solid,
    Surface,
    View,
    outline_boxes,
    render,
    shadow_on_ground,
    unit,
)
from drawing.textures import (
    PALETTES,
    Array,
    Camera,
    Picture,
    blur,
    fractal_noise,
    linear,
    over,
    photograph,
    pick_colour,
    smoothstep,
    srgb,
)

Generator = np.random.Generator
PET, BACKGROUND, BORDER = 1, 2, 3  # as TFDS stores them
MELT = 0.014


# --- coats ----------------------------------------------------------------------------------------


def noise3(rng: Generator, points: Array, frequency: float, waves: int = 10) -> Array:
    """Smooth noise in space: points (n, 3) -> (n,), mean 0, std about 1."""
    directions = rng.normal(0, 2 * np.pi * frequency, (3, waves)).astype(np.float32)
    phases = rng.uniform(0, 2 * np.pi, waves).astype(np.float32)
    return np.sin(points @ directions + phases).sum(-1) / np.float32(np.sqrt(waves / 2))


def choose_colour(rng: Generator, colours: tuple, spread: float = 0.15) -> Array:
    """One of the sRGB colours, as linear light, a little changed."""
    colour = linear(colours[rng.integers(len(colours))])
    return (colour * np.exp(rng.normal(0, spread) + rng.normal(0, spread / 3, 3))).astype(
        np.float32
    )


def paint_coat(
    rng: Generator, coat: Coat, build: Build, surface: Surface, head: Array
) -> tuple[Array, Array]:
    """Colours of the fur.

    Args:
        surface: what the camera sees, with rest positions and marks.
        head: (3,) centre of the head in the rest pose.

    Returns:
        Linear colours (H, W, 3), and the iris colour (3,).
    """
    inside = surface.inside
    p = surface.rest[inside]
    mark = {name: values[inside] for name, values in surface.marks.items()}
    along = surface.along[inside]
    face = (p - head.astype(np.float32)) / np.float32(build.head)
    on_head = np.clip(mark["head"], 0, 1)
    body = 1 - on_head
    height = (p[:, 2] - build.leg - 0.5 * build.chest) / (0.5 * build.chest)
    soft = noise3(rng, p, 1.2)
    base, second = choose_colour(rng, coat.colours), choose_colour(rng, coat.second)
    colour = base * np.exp(0.10 * soft + 0.06 * noise3(rng, p, 6.0))[:, None]

    def mix(target: Array, amount: Array) -> None:
        nonlocal colour
        colour = colour + np.clip(amount, 0, 1)[:, None] * (target - colour)

    belly = smoothstep(-0.1, 1.0, -height) * body * (1 - np.clip(mark["leg"], 0, 1))
    pale = np.minimum(base * 1.5 + 0.08, 0.85)
    mix(pale, rng.uniform(0, 0.7) * np.maximum(belly, 0.6 * mark["muzzle"]))
    pattern = str(rng.choice(coat.patterns))
    if pattern == "tabby":
        warp = rng.uniform(0.4, 1.6) * noise3(rng, p, 1.5)
        wave = np.sin(2 * np.pi * along * rng.uniform(5, 8) + warp)
        brow = np.sin(face[:, 1] * rng.uniform(7, 10)) * smoothstep(-0.1, 0.5, face[:, 2])
        cheek = np.sin(face[:, 0] * 6 + face[:, 2] * 5) * smoothstep(0.3, 0.8, abs(face[:, 1]))
        wave = np.where(on_head > 0.5, np.maximum(brow, cheek), wave)
        mix(second, smoothstep(-0.1, 0.5, wave) * (1 - 0.7 * belly) * rng.uniform(0.55, 0.95)
            * (1 - mark["muzzle"]))  # fmt: skip
        mix(second, smoothstep(0.75, 1.0, height) * body * 0.6)
    elif pattern == "spots":
        blots = noise3(rng, p * [0.75, 1, 1], rng.uniform(2.2, 3.2), 14)
        mix(second, smoothstep(0.35, 0.75, blots) * (1 - 0.8 * mark["muzzle"]) * 0.9)
    elif pattern == "brindle":
        wave = np.sin(2 * np.pi * along * 14 + 3.5 * noise3(rng, p, 2.5))
        mix(second, smoothstep(-0.2, 0.8, wave) * 0.75)
    elif pattern == "ticked":
        flecks = noise3(rng, p, rng.uniform(5.0, 8.0), 16)
        mix(second, smoothstep(0.6, 1.1, flecks) * rng.uniform(0.4, 0.9))
        mix(second, smoothstep(0.9, 1.3, noise3(rng, p, 1.3)) * (rng.random() < 0.5))
        mix(second, np.clip(mark["ear"], 0, 1) * 0.8)
    elif pattern == "patches":
        blots = noise3(rng, p * [1, 0.8, 0.8], rng.uniform(0.7, 1.5), 8)
        mix(second, smoothstep(-0.05, 0.1, blots - rng.uniform(-0.3, 0.6)))
    elif pattern == "saddle":
        edge = height + 0.3 * soft - rng.uniform(-0.5, 0.3)
        mix(second, smoothstep(-0.15, 0.25, edge) * body * (1 - 1.2 * mark["leg"]))
        mix(second, smoothstep(0.3, 0.7, mark["tail"]) * 0.8)
    elif pattern == "points":
        muzzle = 1 - smoothstep(0.5, 1.15, np.linalg.norm(face - [0.85, 0, -0.15], axis=-1))
        share = np.maximum.reduce([muzzle * on_head, np.clip(mark["ear"], 0, 1),
                                   smoothstep(0.35, 0.9, mark["leg"]), mark["tail"] > 0])  # fmt: skip
        mix(second, share * 0.92)
    elif pattern == "grizzle":
        mix(second, smoothstep(0.0, 1.5, noise3(rng, p, 3.0) + height) * rng.uniform(0.2, 0.6))
    if rng.random() < coat.tan:
        tan = choose_colour(rng, ((176, 112, 62), (196, 140, 88)))
        brows = np.zeros_like(soft)
        for side in (1, -1):
            gap = np.linalg.norm(face - [0.72, 0.36 * side, 0.42], axis=-1)
            brows = np.maximum(brows, 1 - smoothstep(0.1, 0.24, gap))
        mix(tan, np.maximum.reduce([brows, mark["muzzle"] * (face[:, 2] < -0.12) * on_head,
                                    smoothstep(0.4, 0.8, mark["leg"]),
                                    0.8 * smoothstep(0.5, 0.9, mark["front"])]))  # fmt: skip
    if rng.random() < coat.white:
        reach = rng.uniform(0.2, 1.0)
        white = choose_colour(rng, (WHITE,), 0.05)
        blaze = (1 - smoothstep(0.1, 0.22 + 0.2 * reach, np.abs(face[:, 1]) + 0.06 * soft)) * (
            face[:, 0] > 0.2) * on_head * (rng.random() < 0.7)  # fmt: skip
        field = np.maximum.reduce([
            blaze * 1.2, mark["muzzle"] * on_head * 1.1, 1.2 * mark["front"],
            1.4 * mark["leg"], 0.9 * belly, 1.3 * smoothstep(0.75, 0.95, mark["tail"]),
        ])  # fmt: skip
        mix(white, smoothstep(0.0, 0.15, field + 0.15 * soft - 1.15 + 0.7 * reach))
    if rng.random() < coat.mask:
        dark = np.float32([0.02, 0.017, 0.015])
        gap = np.linalg.norm((face - [1.0, 0, -0.25]) * [0.8, 1, 1], axis=-1)
        mix(dark, (1 - smoothstep(0.5, rng.uniform(0.75, 1.1), gap)) * on_head * 0.9)
        mix(dark, np.clip(mark["ear"], 0, 1) * rng.uniform(0.4, 1.0))
    pink = np.float32([0.45, 0.2, 0.16]) * rng.uniform(0.5, 1.1)
    mix(0.4 * base + 0.6 * pink, smoothstep(1.3, 1.8, mark["ear"]) * 0.85)
    colours = np.zeros((*inside.shape, 3), np.float32)
    colours[inside] = colour
    return colours, choose_colour(rng, coat.eyes, 0.2)


# --- light ----------------------------------------------------------------------------------------


@dataclass
class Light:
    """How the scene is lit.

    Attributes:
        direction: (3,) towards the key light, in world axes.
        key: (3,) linear colour of the key light.
        above, below: (3,) linear colours of the light from the sky or room and from the ground.
        rim: strength of the glow along outlines.
        flash: the key light sits on the camera.
    """

    direction: Array
    key: Array
    above: Array
    below: Array
    rim: float
    flash: bool

    @classmethod
    def random(cls, rng: Generator, view: View, outdoors: bool) -> Light:
        """Sun or overcast outdoors; window, lamp or flash indoors."""
        tint = np.exp(rng.normal(0, 0.1) * np.array([1, 0.1, -1]))
        flash = not outdoors and rng.random() < 0.25
        if flash:
            toward = unit(view.turn[2] + 0.1 * rng.normal(size=3))
        else:
            toward = unit(np.append(rng.normal(size=2), rng.uniform(0.25, 2.0)))
            if rng.random() < 0.6 and toward @ view.turn[2] < 0:  # mostly not against the light
                toward = unit(toward - 1.6 * (toward @ view.turn[2]) * view.turn[2])
                toward[2] = abs(toward[2]) + 0.15
        share = rng.uniform(0.25, 0.85)
        glow = np.exp(rng.normal(0, 0.12) * np.array([-1, 0, 1.2]))
        return cls(
            unit(toward), 1.25 * share * tint, (1.15 - share) * glow,
            (1.15 - share) * rng.uniform(0.2, 0.7) * np.exp(rng.normal(0, 0.1, 3)),
            rng.uniform(0, 0.35), flash,
        )  # fmt: skip


def shade(
    rng: Generator, surface: Surface, colours: Array, light: Light, view: View, solids: list[Solid],
    iris: Array, cat: bool,
) -> Array:  # fmt: skip
    """Light a surface: linear colours (H, W, 3). Eyes, nose, lips and tongue are painted here."""
    normal = surface.normal
    toward = (view.turn @ light.direction).astype(np.float32)
    up = (view.turn @ np.array([0, 0, 1.0])).astype(np.float32)
    material = surface.material
    wet = {
        NOSE: np.float32([0.012, 0.01, 0.01]) if rng.random() < 0.75 or not cat
        else np.float32([0.35, 0.14, 0.12]),
        LIP: np.float32([0.02, 0.01, 0.01]),
        TONGUE: np.float32([0.55, 0.16, 0.18]),
        EYE: np.float32([0.01, 0.008, 0.007]),
    }  # fmt: skip
    for kind, tone in wet.items():
        colours[material == kind] = tone
    for i, solid in enumerate(solids):
        if solid.material == EYE and i in surface.boxes:
            paint_eye(rng, surface, colours, view, solid, i, iris, cat)
    facing = normal @ toward
    diffuse = np.clip((facing + 0.25) / 1.25, 0, 1)
    over_head = 0.5 + 0.5 * (normal @ up)
    size = max(np.sqrt(surface.inside.sum()), 8.0)
    weight = blur(surface.inside.astype(np.float32), 0.05 * size) + 1e-3
    around = blur(np.where(surface.inside, surface.depth, 0.0), 0.05 * size) / weight
    hidden = np.clip((around - surface.depth) / (0.12 * size), 0, 1.2)
    open_ = np.exp(-1.1 * hidden)
    ambient = light.below + over_head[..., None] * (light.above - light.below)
    lit = colours * (
        diffuse[..., None] * light.key * (0.4 + 0.6 * open_)[..., None] + ambient * open_[..., None]
    )
    edge = (1 - np.clip(normal[..., 2], 0, 1)) ** 3
    lit += (light.rim * edge * (0.3 + 0.7 * diffuse))[..., None] * (colours * 0.6 + 0.05)
    half = unit(toward + np.float32([0, 0, 1]))
    gleam = np.clip(normal @ half.astype(np.float32), 0, 1)
    shiny = np.where(material == FUR, 0.03, 0.0) * gleam**8
    shiny += np.where((material == NOSE) | (material == TONGUE), 0.3, 0.0) * gleam**25
    lit += shiny[..., None] * light.key
    return lit.astype(np.float32)


def paint_eye(
    rng: Generator, surface: Surface, colours: Array, view: View, solid: Solid, index: int,
    iris: Array, cat: bool,
) -> None:  # fmt: skip
    """Iris, pupil, lid and catch-light of one eye, straight into `colours`."""
    window = surface.boxes[index]
    point, scale = view.project(solid.centre[None])
    r = float(solid.radii[0] * scale[0])
    v, u = np.mgrid[window].astype(np.float32) + 0.5
    u, v = (u - point[0, 0]) / r, (v - point[0, 1]) / r
    out = np.stack([u, v, np.sqrt(np.clip(1 - u * u - v * v, 0, 1))], -1)
    axes = view.turn @ solid.axes
    ahead, side, up = (out @ axes[:, k].astype(np.float32) for k in range(3))
    # The pupil follows the camera a little, as eyes do.
    slit = rng.uniform(0.35, 1.0) if cat else 1.0
    aperture = rng.uniform(0.25, 0.55)
    away = np.sqrt((side / slit) ** 2 + up**2)
    mine = surface.index[window] == index
    target = colours[window]
    ring = smoothstep(0.45, 0.55, ahead)[..., None] * mine[..., None]
    target[:] = target + ring * (iris * (0.7 + 0.5 * np.clip(-up, -0.5, 1))[..., None] - target)
    pupil = (1 - smoothstep(aperture - 0.12, aperture + 0.12, away)) * (ahead > 0) * mine
    target[:] = target * (1 - pupil)[..., None]
    spark = np.exp(-((u + 0.25) ** 2 + (v + 0.3) ** 2) / 0.035) * mine
    target[:] = target + spark[..., None] * 1.2


# --- hair -----------------------------------------------------------------------------------------


def comb(
    rng: Generator, scene: Array, surface: Surface, length: float, wild: float, contrast: float
) -> tuple[Array, Array]:
    """Draw hairs over a body and out past its outline.

    Args:
        scene: lit colours (H, W, 3), valid inside the outline.
        length: of a hair where the mark `hair` is 1, in pixels.
        wild: how much hairs differ in direction (radians).
        contrast: how much they differ in brightness.

    Returns:
        Colours (H, W, 3) that also cover the hairs outside, and coverage (H, W).
    """
    inside = surface.inside
    height, width = inside.shape
    soft = blur(inside.astype(np.float32), max(0.9, min(0.35 * length, 2.0)))
    alpha = smoothstep(0.3, 0.7, soft)
    weight = blur(inside.astype(np.float32), 2.0)
    spread = blur(np.where(inside[..., None], scene, 0), 2.0) / np.maximum(weight, 1e-3)[..., None]
    full = np.where(inside[..., None], scene, spread)
    if length < 0.4:
        return full, alpha
    # Work at twice the size, in sRGB of half the light so that bright fur does not clip.
    canvas = Image.fromarray((srgb(full / 2) * 255 + 0.5).astype(np.uint8))
    canvas = canvas.resize((2 * width, 2 * height), Image.Resampling.BICUBIC)
    cover = Image.fromarray((alpha * 255 + 0.5).astype(np.uint8))
    cover = cover.resize((2 * width, 2 * height), Image.Resampling.BICUBIC)
    tones = srgb(blur(full, 1.5) / 2).repeat(2, 0).repeat(2, 1) * 255
    ink, veil = ImageDraw.Draw(canvas), ImageDraw.Draw(cover)
    fur = (surface.material == FUR) & inside
    edge = fur & (blur(inside.astype(np.float32), 2.0) < 0.93)
    rows, columns = np.nonzero(fur)
    if len(rows) == 0:
        return full, alpha
    edge_rows, edge_columns = np.nonzero(edge)
    count = min(int(1.3 * len(rows) / max(length, 2.0) ** 0.7), 3200)
    fringe = min(int(1.6 * len(edge_rows)), 2600)
    pick = rng.integers(0, len(rows), count)
    rows, columns = rows[pick], columns[pick]
    if len(edge_rows):
        pick = rng.integers(0, len(edge_rows), fringe)
        rows = np.concatenate([rows, edge_rows[pick]])
        columns = np.concatenate([columns, edge_columns[pick]])
    order = np.argsort(-rows, kind="stable")  # lower hairs first: those above lie on them
    rows, columns = rows[order], columns[order]
    n = len(rows)
    flow = surface.flow[rows, columns]
    outward = surface.normal[rows, columns, :2]
    steep = np.linalg.norm(outward, axis=-1, keepdims=True)
    way = 1.2 * flow + outward * steep**2 * 0.7 + np.array([0, 0.3]) + 1e-3
    way = way / np.linalg.norm(way, axis=-1, keepdims=True)
    turn = rng.normal(0, wild, n)
    long = length * surface.marks["hair"][rows, columns] * rng.uniform(0.3, 1.0, n)
    long = np.maximum(long, 0.8)
    tone = np.exp(rng.normal(0, contrast, n))
    start = np.stack([columns, rows], -1) * 2 + rng.uniform(0, 2, (n, 2))

    def heading(angle: Array) -> Array:
        c, s = np.cos(angle), np.sin(angle)
        return np.stack([c * way[:, 0] - s * way[:, 1], s * way[:, 0] + c * way[:, 1]], -1)

    bend = rng.normal(0, 0.35, n)
    middle = start + heading(turn) * long[:, None]
    end = middle + heading(turn + bend) * long[:, None]
    lines = np.concatenate([start, middle, end], 1).round(1).tolist()
    # Hairs at the outline catch the light from behind.
    tone = tone * (1 + 0.35 * steep[:, 0] ** 4)
    inks = np.clip(tones[2 * rows, 2 * columns] * tone[:, None], 0, 255).astype(int)
    limits = np.float32([width, height, width, height, width, height]) * 2
    ends = np.clip(np.array(lines), 0, limits - 1).astype(int)
    leaves = ~inside[ends[:, 5] // 2, ends[:, 4] // 2]
    for line, colour, out in zip(lines, map(tuple, inks.tolist()), leaves.tolist(), strict=True):
        ink.line(line, fill=colour)
        if out:
            veil.line(line, fill=150)
    small = canvas.resize((width, height), Image.Resampling.BOX)
    combed = 2 * linear(np.asarray(small))
    wet = blur((inside & ~fur).astype(np.float32), 0.5)[..., None]
    combed = combed + wet * (full - combed)
    alpha = np.asarray(cover.resize((width, height), Image.Resampling.BOX), np.float32) / 255
    return combed, alpha


# --- the picture ----------------------------------------------------------------------------------


def trimap(visible: Array) -> Array:
    """Coverage by the animal (H, W) -> uint8 mask with 1 pet, 2 background, 3 border.

    The border is a band along the outline, about as wide as in the original data set, and wider
    where hairs reach out.
    """
    half = 0.0205 * np.sqrt(visible.shape[0] * visible.shape[1])
    sigma = 0.8 * half
    core = blur((visible > 0.5).astype(np.float32), sigma)
    reach = blur((visible > 0.3).astype(np.float32), sigma)
    mask = np.full(visible.shape, BORDER, np.uint8)
    mask[core > 0.9] = PET
    mask[reach < 0.1] = BACKGROUND
    return mask


def picture_size(rng: Generator) -> tuple[int, int]:
    """Height and width, 150 to 320 pixels, landscape or portrait, never square."""
    long = int(np.clip(rng.normal(240, 35), 190, 320))
    short = int(np.clip(long / rng.choice([1.33, 1.33, 1.5, 1.2, 1.08]), 150, long - 8))
    return (short, long) if rng.random() < 0.66 else (long, short)


def frame_animal(
    rng: Generator, view: View, boxes: Array, is_head: Array, height: int, width: int
) -> View:
    """Choose lens and crop: the whole animal, or a portrait that the frame cuts."""
    whole = np.array([*boxes[:, :2].min(0), *boxes[:, 2:].max(0)])
    head = np.array([*boxes[is_head, :2].min(0), *boxes[is_head, 2:].max(0)])
    span = whole[2:] - whole[:2]
    fit = min(width / span[0], height / span[1])
    head_span = max(head[3] - head[1], 0.8 * (head[2] - head[0]))
    centre_whole, centre_head = (whole[:2] + whole[2:]) / 2, (head[:2] + head[2:]) / 2
    kind = rng.random()
    if kind < 0.56:
        focal = fit * (rng.uniform(0.7, 1.05) if rng.random() < 0.93 else rng.uniform(0.4, 0.7))
        slack = np.maximum(np.array([width, height]) - span * focal, 0.0)
        spot = np.array([width, height]) * [0.5, 0.53] + slack * rng.uniform(-0.35, 0.35, 2)
        centre = spot - focal * centre_whole
    else:
        focal = height * np.clip(np.exp(rng.normal(np.log(0.55), 0.3)), 0.25, 0.95) / head_span
        if kind < 0.78:
            focal = np.sqrt(focal * fit)
        focal = max(focal, 0.7 * fit)
        spot = np.array([rng.normal(0.5, 0.09) * width, rng.normal(0.42, 0.06) * height])
        centre = spot - focal * centre_head
    return view.framed(float(focal), (float(centre[0]), float(centre[1])))


def vary(rng: Generator, build: Build, amount: float = 0.1) -> Build:
    """An individual of the breed: every length a little different."""
    changed = {
        name: getattr(build, name) * float(np.exp(rng.normal(0, amount)))
        for name in ("chest", "width", "waist", "leg", "bone", "neck", "throat", "head", "muzzle",
                     "snout", "cheek", "ear_size", "tail", "tail_thick", "hair", "eye")
    }  # fmt: skip
    return replace(build, **changed)


@dataclass
class Animal:
    """An animal ready to be drawn."""

    breed: str
    pose: str
    build: Build
    coat: Coat
    solids: list[Solid]
    rest: list[Solid]
    rest_head: Array
    head: Array
    face: Array


def make_animal(
    rng: Generator, breed: str, forward: Array, camera: Array, shift: Array, difficulty: float
) -> Animal:
    """Build, pose and place an animal at `shift`, its body along `forward`, aware of a camera that
    lies in direction `camera`."""
    entry = BREEDS[breed]
    build = vary(rng, entry.build)
    coat = entry.coat
    shares = [0.16, 0.12, 0.27, 0.2, 0.06, 0.06, 0.08, 0.05]
    if not build.cat:
        shares = [0.22, 0.12, 0.27, 0.22, 0.02, 0.03, 0.07, 0.05]
    chances = np.array(shares) * [1, 1, 1, 1, 1, *(3 * [0.4 + 0.6 * difficulty])]
    name = str(rng.choice(POSES, p=chances / chances.sum()))
    pose = make_pose(rng, build, name)
    turn = np.arctan2(forward[1], forward[0])
    spin = turned("z", turn)
    seen = spin.T @ camera
    if rng.random() < 0.72:
        gaze = seen + rng.normal(0, 0.22, 3)
    else:
        gaze = np.array([1.0, 0, 0]) + rng.normal(0, 0.5, 3) * [1, 1, 0.5]
    if gaze[0] < -0.2:  # no owl: the head turns only so far
        gaze[0] = rng.uniform(-0.1, 0.3)
        gaze[1] += np.sign(gaze[1]) * 0.3
    gaze[2] = np.clip(gaze[2], -0.5, 0.75)
    gaze = unit(gaze)
    pose.neck = unit(unit(pose.neck) + 0.35 * gaze * [1, 1, 0.3])
    tilt = rng.normal(0, 0.13) if pose.roll == 0 else rng.normal(0, 0.5)
    mouth = float(rng.uniform(0.4, 1.0)) if not build.cat and rng.random() < 0.4 else 0.0
    solids, places = assemble(build, pose, gaze, tilt, mouth)
    rest, home = assemble(build, rest_pose(build), np.array([1.0, 0, 0]), 0.0)
    moved = place(solids, shift, turn, 1.0)
    for before, after in zip(solids, moved, strict=True):
        after.along = before.along
    return Animal(
        breed, name, build, coat, moved, rest, home["head"], spin @ places["head"] + shift,
        spin @ places["gaze"],
    )  # fmt: skip


@dataclass
class Layer:
    """Something painted: linear colours (H, W, 3), coverage (H, W), distance from the camera."""

    scene: Array
    alpha: Array
    distance: float
    animal: bool


def draw_animal(
    rng: Generator, animal: Animal, view: View, light: Light, height: int, width: int
) -> Layer:
    """Render, paint, light and comb one animal."""
    surface = render(animal.solids, animal.rest, view, height, width, MELT)
    colours, iris = paint_coat(rng, animal.coat, animal.build, surface, animal.rest_head)
    if rng.random() < (0.12 if animal.build.cat else 0.35):
        at = 2.0 + rng.uniform(0.35, 0.6) * (animal.build.neck + 0.1)
        band = (np.abs(surface.along - at) < 0.03) & (surface.marks["front"] > 0.2)
        band &= surface.marks["head"] < 0.4
        colours[band & surface.inside] = pick_colour(rng, str(rng.choice(["vivid", "dark"])))
    lit = shade(rng, surface, colours, light, view, animal.solids, iris, animal.build.cat)
    _, scale = view.project(animal.head[None])
    length = animal.build.hair * float(scale[0]) * rng.uniform(0.7, 1.2)
    scene, alpha = comb(rng, lit, surface, length, rng.uniform(0.15, 0.45), rng.uniform(0.08, 0.2))
    distance = float(np.linalg.norm(animal.head - view.eye))
    return Layer(scene, alpha, distance, True)


def draw_thing(
    rng: Generator, solids: list[Solid], home: list[Solid], coat: Coat, alike: float, view: View,
    light: Light, height: int, width: int,
) -> Layer | None:  # fmt: skip
    """Render a thing of the scene, with the probability `alike` in the coat of an animal and else in
    one colour; None if unseen."""
    surface = render(solids, home, view, height, width, 0.02)
    if surface.inside.sum() < 20:
        return None
    look = rng.random()
    build = BREEDS[str(rng.choice(list(BREEDS)))].build
    length = 0.0
    if look < alike:
        colours, _ = paint_coat(rng, coat, build, surface, np.array([50.0, 0, 0]))
        if rng.random() < 0.6:
            length = build.hair * float(np.median(view.project(solids[0].centre[None])[1]))
    else:
        from_palette = pick_colour(rng, str(rng.choice(list(PALETTES))))
        rough = np.exp(rng.uniform(0, 0.35) * fractal_noise(rng, height, width, 0.9))
        colours = from_palette * rough[..., None]
    lit = shade(rng, surface, colours, light, view, solids, np.zeros(3), False)
    scene, alpha = comb(rng, lit, surface, length, rng.uniform(0.2, 0.6), rng.uniform(0.08, 0.2))
    distance = float(np.linalg.norm(solids[0].centre - view.eye))
    return Layer(scene, alpha, distance, False)


def difference(scene: Array, layer: Layer) -> float:
    """How well an animal would stand out from a background: the distance of their mean colours as
    a share of how much the background varies, in logarithms of light."""
    inside = layer.alpha > 0.5
    around = (blur(layer.alpha, 12.0) > 0.02) & (layer.alpha < 0.1)
    if not inside.any() or not around.any():
        return 0.0
    back = np.log(np.maximum(scene[around], 1e-3))
    front = np.log(np.maximum(layer.scene[inside], 1e-3))
    gap = front.mean(0) - back.mean(0)
    # A difference in hue stands out more than one in brightness.
    weight = np.float32([1, 1, 1]) * gap.mean() * 0.6 + (gap - gap.mean()) * 1.6
    return float(np.linalg.norm(weight) / (0.6 + 0.6 * back.std(0).mean()))


def stand_apart(scene: Array, layers: list[Layer], gap: float) -> Array:
    """Darken or brighten the background until it differs from the animals by `gap` (a logarithm),
    as a photographer would by moving."""
    alpha = np.max([layer.alpha for layer in layers], 0)
    around = (blur(alpha, 8.0) > 0.1) & (alpha < 0.1)
    if not around.any() or alpha.max() < 0.5:
        return scene
    front = np.mean([layer.scene[layer.alpha > 0.5].mean() for layer in layers if
                     (layer.alpha > 0.5).any()])  # fmt: skip
    distance = float(np.log(max(front, 1e-3) / max(scene[around].mean(), 1e-3)))
    missing = max(gap - abs(distance), 0.0)
    return scene * np.exp(-missing if distance > 0 else missing)


def whiskers(rng: Generator, animal: Animal, view: View, height: int, width: int) -> Array:
    """Coverage (H, W) by the whiskers of a cat whose face is seen."""
    canvas = Image.new("L", (2 * width, 2 * height))
    pen = ImageDraw.Draw(canvas)
    r = animal.build.head
    facing = animal.face @ view.turn[2]
    if animal.build.cat and facing > 0.1:
        side_axis = unit(np.cross([0.0, 0.0, 1.0], animal.face))
        up = np.cross(animal.face, side_axis)
        for side in (1, -1):
            root = animal.head + r * (animal.face * 0.95 + side_axis * 0.3 * side - up * 0.36)
            for _ in range(5):
                reach = r * rng.uniform(0.9, 1.5)
                middle = root + reach * 0.5 * (side_axis * side + up * rng.normal(0.05, 0.2))
                tip = middle + reach * 0.5 * (side_axis * side + up * rng.normal(-0.25, 0.2))
                line, _ = view.project(np.stack([root, middle, tip]))
                pen.line([tuple(p) for p in (2 * line).round(1).tolist()], fill=200)
    small = canvas.resize((width, height), Image.Resampling.BOX)
    return np.asarray(small, np.float32) / 255


def draw_pets(rng: Generator, breed: str | None = None, difficulty: float = 0.0) -> Picture:
    """Draw one picture of one or two animals.

    Args:
        breed: one of `animals.BREEDS`; None picks one.
        difficulty: 0 (calm backgrounds, the animal stands out) to 1 (clutter in the animal's own
            colours, camouflage, things in front, poor light, odd views).

    Returns:
        A picture with mask values 1 pet, 2 background, 3 border, and the facts `breed`, `species`,
        `pose`, `scene` and `head_bbox` (ymin, xmin, ymax, xmax as shares of the picture).
    """
    breed = breed or str(rng.choice(list(BREEDS)))
    height, width = picture_size(rng)

    # The camera.
    odd = rng.random() < 0.2 * difficulty
    yaw = rng.uniform(-np.pi, np.pi) if odd else rng.normal(0, 0.75)
    rise = np.clip(abs(rng.normal(0.22, 0.3)), 0.02, 1.1)
    toward = np.array([np.cos(rise), 0, np.sin(rise)])
    forward = np.array([np.cos(yaw), np.sin(yaw), 0.0])
    main = make_animal(rng, breed, forward, toward, np.zeros(3), difficulty)
    centres = np.array([s.centre for s in main.solids])
    middle = centres.mean(0)
    target = middle + rng.uniform(0, 1) * (main.head - middle)
    eye = target + toward * np.exp(rng.uniform(np.log(2.0), np.log(7.0)))
    eye[2] = max(eye[2], 0.15)
    view = View.looking_at(eye, target, rng.normal(0, 0.09))
    boxes = outline_boxes(main.solids, view)
    is_head = np.array([s.marks.get("head", 0.0) > 0.5 for s in main.solids])
    view = frame_animal(rng, view, boxes, is_head, height, width)

    # The place and its light.
    kinds = [*FLOORS, "cloth", "collage", "plain"]
    weights = np.array([1.5, 1.6, 1.2, 1.2, 0.8, 0.7, 0.5, 0.8, 0.5, 0.9, 1.3, 1.7, 0.3, 0.4])
    weights[-2] += 0.6 * difficulty
    tries = [str(kind) for kind in rng.choice(kinds, 1 + round(5 * (1 - difficulty)),
                                              p=weights / weights.sum())]  # fmt: skip
    places = [(*backdrop(rng, height, width, view, kind), kind) for kind in tries]
    light = Light.random(rng, view, places[0][2])
    first = draw_animal(rng, main, view, light, height, width)
    scene, rough, _, kind = max(places, key=lambda found: difference(found[0], first))
    if rng.random() < 0.9 - 0.4 * difficulty:  # depth of field
        scene = blur(scene, rng.uniform(1.0, 4.0))
    if light.flash:
        scene = scene * rng.uniform(0.3, 0.9)

    # Who and what is there.
    animals = [main]
    if rng.random() < 0.07:
        other = breed if rng.random() < 0.5 else str(rng.choice(list(BREEDS)))
        beside = np.array([-rng.uniform(0.2, 0.9), rng.choice([-1, 1]) * rng.uniform(0.5, 1.1), 0])
        away = rng.uniform(-np.pi / 2, np.pi / 2)
        face = np.array([np.cos(away), np.sin(away), 0.0])
        animals.append(make_animal(rng, other, face, toward, beside, difficulty))
    things = []
    for _ in range(rng.poisson(0.4 + 0.9 * difficulty)):
        far = rng.random() < 0.8
        depth = -rng.uniform(0.5, 2.2) if far else rng.uniform(0.7, 1.3)
        where = np.array([depth, rng.choice([-1, 1]) * rng.uniform(0.35, 1.8), 0.0])
        home = thing(rng, str(rng.choice(THINGS)))
        size = np.exp(rng.normal(0.0, 0.45))
        things.append((place(home, where, rng.uniform(0, 6.3), size), home))
    for solids in [*(a.solids for a in animals), *(t[0] for t in things)]:
        cast = np.array(light.direction)
        cast[2] = max(cast[2], 0.45)
        soft = (0.01 + 0.02 * rough) * max(height, width)
        dark = 0.0 if light.flash else rng.uniform(0.2, 0.75) * (1 - 0.5 * rough)
        floor_shadow = shadow_on_ground(solids, view, unit(cast), height, width, soft)
        contact = shadow_on_ground(solids, view, np.array([0, 0, 1.0]), height, width, soft * 0.8)
        hide = np.maximum(dark * floor_shadow, rng.uniform(0.3, 0.6) * contact)
        scene = scene * (1 - hide)[..., None]

    layers = [first]
    layers += [draw_animal(rng, animal, view, light, height, width) for animal in animals[1:]]
    for solids, home in things:
        owner = animals[0].coat if rng.random() < 0.4 + 0.3 * difficulty else BREEDS[
            str(rng.choice(list(BREEDS)))].coat  # fmt: skip
        alike = 0.25 + 0.4 * difficulty
        layer = draw_thing(rng, solids, home, owner, alike, view, light, height, width)
        if layer is not None:
            layers.append(layer)
    scene = stand_apart(scene, layers[: len(animals)], 1.25 * (1 - difficulty))
    visible = np.zeros((height, width), np.float32)
    for layer in sorted(layers, key=lambda item: -item.distance):
        scene = over(scene, layer.scene, layer.alpha)
        visible = visible * (1 - layer.alpha)
        if layer.animal:
            visible = visible + layer.alpha
    for animal in animals:
        hairs = whiskers(rng, animal, view, height, width)
        scene = over(scene, np.float32([0.8, 0.8, 0.78]), 0.55 * hairs * visible)
    if rng.random() < 0.02 + 0.12 * difficulty:
        tones = [scene[visible > 0.9].mean(0) if (visible > 0.9).any() else np.full(3, 0.3)]
        front, cover = in_front(rng, height, width, tones)
        scene = over(scene, front, cover)
        visible = visible * (1 - cover)
    if rng.random() < 0.05 + 0.12 * difficulty:
        scene = scene * sunlight(rng, height, width)[..., None]

    # The camera meters the scene, not always well.
    bright = float(np.mean(scene @ np.float32([0.25, 0.6, 0.15])))
    wanted = np.exp(rng.normal(np.log(0.21), 0.3))
    scene = scene * (wanted / max(bright, 1e-3)) ** 0.75
    camera = Camera.random(rng, 0.5 + 0.5 * difficulty)
    camera.exposure *= 0.5
    camera.noise = min(camera.noise, 0.012 + 0.018 * difficulty)
    camera.saturation *= 0.78
    camera.contrast *= 1.2
    image = photograph(rng, np.maximum(scene, 0), camera)
    left, top = (boxes[is_head, :2].min(0) * view.focal + view.centre) / [width, height]
    right, bottom = (boxes[is_head, 2:].max(0) * view.focal + view.centre) / [width, height]
    bbox = tuple(float(np.clip(v, 0, 1)) for v in (top, left, bottom, right))
    mask = trimap(visible)
    if (mask == PET).mean() < 0.01:  # something in front hides all of it
        return draw_pets(rng, breed, difficulty)
    return Picture(
        image, mask,
        {"breed": breed, "species": BREEDS[breed].species, "pose": main.pose, "scene": kind,
         "head_bbox": bbox},
    )  # fmt: skip
