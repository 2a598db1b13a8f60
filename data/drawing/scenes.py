"""Backgrounds: floors in perspective, walls, furniture, gardens, clutter and things in front.

Every background is a scene (linear light). What lies on the ground is painted in ground
coordinates through the same camera that sees the animal, so perspective and scale agree.
"""

from __future__ import annotations

import numpy as np

from drawing.solids import FUR, Solid, View, frame_along, unit
from drawing.textures import (
    PALETTES,
    Array,
    blob,
    blur,
    bokeh,
    coordinates,
    dead_leaves,
    fractal_noise,
    gradient,
    linear,
    mottled,
    over,
    pick_colour,
    polygon,
    smooth_noise,
    smoothstep,
)

Generator = np.random.Generator


def sample(texture: Array, x: Array, y: Array) -> Array:
    """Look up a square texture (n, n[, 3]) at real coordinates in pixels, wrapped, bilinear."""
    n = texture.shape[0]
    x0, y0 = np.floor(x), np.floor(y)
    fx, fy = (x - x0).astype(np.float32), (y - y0).astype(np.float32)
    i, j = x0.astype(np.int64) % n, y0.astype(np.int64) % n
    i1, j1 = (i + 1) % n, (j + 1) % n
    if texture.ndim == 3:
        fx, fy = fx[..., None], fy[..., None]
    top = texture[j, i] * (1 - fx) + texture[j, i1] * fx
    return top * (1 - fy) + (texture[j1, i] * (1 - fx) + texture[j1, i1] * fx) * fy


# --- floors ---------------------------------------------------------------------------------------


def floor(
    rng: Generator, kind: str, x: Array, y: Array, pixel: Array, size: float
) -> tuple[Array, float]:
    """Colour of the ground.

    Args:
        kind: one of `FLOORS`.
        x, y: ground coordinates (H, W), in trunks.
        pixel: size of a picture's pixel on the ground, (H, W): finer detail than this fades out.
        size: length of the animal's trunk in the floor's own scale (a chihuahua is small).

    Returns:
        Linear scene (H, W, 3) and how rough the ground is (softness of the contact shadow).
    """
    angle = rng.uniform(0, np.pi)
    u = (np.cos(angle) * x + np.sin(angle) * y) * size
    v = (-np.sin(angle) * x + np.cos(angle) * y) * size
    pixel = pixel * size
    grain = fractal_noise(rng, 256, 256, rng.uniform(0.3, 1.0))
    fine = 1.0 / (1.0 + (pixel * 40.0) ** 2)
    spots = sample(grain, u * 90, v * 90) * fine + 0.7 * sample(grain.T, u * 17, v * 17)
    if kind == "tiles":
        width = rng.uniform(0.3, 1.0)
        first, second = pick_colour(rng, "stone"), pick_colour(rng, str(rng.choice(HARD)))
        if rng.random() < 0.6:
            second = first
        i, j = np.floor(u / width), np.floor(v / width)
        odd = ((i + j) % 2)[..., None]
        tint = sample(grain, i * 37.3, j * 61.7)
        colour = first + odd * (second - first)
        colour = colour * np.exp(0.1 * spots + rng.uniform(0, 0.12) * tint)[..., None]
        edge = np.minimum(np.abs(u / width - np.round(u / width)),
                          np.abs(v / width - np.round(v / width))) * width  # fmt: skip
        joint = 1 - smoothstep(0.008, 0.02 + pixel, edge)
        joint = joint * np.minimum(1.0, 0.03 / (pixel + 1e-6))
        return over(colour, pick_colour(rng, "stone") * 0.6, joint), 0.0
    if kind == "planks":
        width = rng.uniform(0.12, 0.35)
        row = np.floor(v / width)
        shift = sample(grain, row * 23.1, row * 7.7) * 3
        tint = sample(grain, row * 91.3 + np.floor((u + shift) / 2.2) * 11.1, row * 3.3)
        lines = sample(grain, u * 9 + row * 31, v * 120) * fine
        colour = pick_colour(rng, str(rng.choice(["wood", "wood", "stone", "earth"])))
        colour = colour * np.exp(0.14 * lines + 0.16 * tint)[..., None]
        edge = np.abs(v / width - np.round(v / width)) * width
        joint = (1 - smoothstep(0.004, 0.012 + pixel, edge)) * np.minimum(1, 0.02 / (pixel + 1e-6))
        return colour * (1 - rng.uniform(0.3, 0.9) * joint)[..., None], 0.0
    if kind == "rug":
        first, second = (pick_colour(rng, str(rng.choice(SOFT))) for _ in range(2))
        period = rng.uniform(0.15, 0.8)
        waves = [np.sin(2 * np.pi * u / period), np.sin(2 * np.pi * v / period)]
        style = rng.integers(3)
        figure = waves[0] if style == 0 else waves[0] * waves[1] if style == 1 else (
            np.maximum(*waves))  # fmt: skip
        share = smoothstep(-0.15, 0.15, figure - rng.uniform(-0.4, 0.6))
        share = share * np.minimum(1.0, 0.3 * period / (pixel + 1e-6))
        colour = first + share[..., None] * (second - first)
        return colour * np.exp(rng.uniform(0.05, 0.2) * spots)[..., None], 0.6
    if kind in ("lawn", "meadow"):
        first, second = pick_colour(rng, "grass"), pick_colour(rng, "grass")
        dry = pick_colour(rng, "earth")
        patch = smoothstep(-1, 1, sample(grain, u * 6, v * 6))
        colour = first + patch[..., None] * (second - first)
        bare = smoothstep(0.8, 2.0, sample(grain.T, u * 11, v * 11)) * rng.uniform(0, 1)
        colour = over(colour, dry, bare)
        blades = sample(grain, u * 200, v * 200) * fine
        return colour * np.exp(0.35 * blades + 0.15 * spots)[..., None], 1.0
    palette = {"sand": "sand", "snow": "snow", "earth": "earth", "leaves": "autumn",
               "paving": "stone", "carpet": str(rng.choice(SOFT))}[kind]  # fmt: skip
    first, second = pick_colour(rng, palette), pick_colour(rng, palette)
    patch = smoothstep(-1.5, 1.5, sample(grain, u * 8, v * 8))
    colour = first + patch[..., None] * (second - first)
    strength = {"snow": 0.06, "sand": 0.12, "carpet": 0.15, "leaves": 0.6}.get(kind, 0.25)
    if kind == "leaves":
        colour = over(colour, pick_colour(rng, "grass"), smoothstep(0.2, 0.8, spots))
    return colour * np.exp(strength * spots)[..., None], 0.5


HARD = ("stone", "wood", "wall", "brick", "dark")
SOFT = ("fabric", "linen", "wall", "earth", "vivid", "dark", "sand", "fur")
FLOORS = (
    "tiles", "planks", "rug", "lawn", "meadow", "sand", "snow", "earth", "leaves", "paving",
    "carpet",
)  # fmt: skip
OUTDOORS = ("lawn", "meadow", "sand", "snow", "earth", "leaves", "paving")


# --- walls, gardens and furniture -----------------------------------------------------------------


def cloth(rng: Generator, height: int, width: int, palette: str | None = None) -> Array:
    """A blanket or a curtain: folds that catch the light, plain, striped, checked or printed."""
    angle = rng.uniform(0, np.pi)
    folds = fractal_noise(rng, height, width, rng.uniform(2.0, 2.7), rng.uniform(1, 5), angle)
    folds = blur(folds, 1.2)
    dy, dx = np.gradient(folds)
    slope = (np.cos(angle + 1.3) * dx + np.sin(angle + 1.3) * dy) * rng.uniform(2.0, 9.0)
    shade = 1.0 + 0.5 * np.tanh(slope * max(height, width) / 90.0)
    palette = palette or str(rng.choice(SOFT))
    colour = np.broadcast_to(pick_colour(rng, palette), (height, width, 3))
    style = rng.random()
    if style < 0.45:
        y, x = coordinates(height, width)
        y, x = y + 4 * folds, x - 3 * folds
        turn = rng.uniform(0, np.pi)
        u, v = np.cos(turn) * x + np.sin(turn) * y, -np.sin(turn) * x + np.cos(turn) * y
        period = rng.uniform(6, 45)
        stripe = smoothstep(-0.2, 0.2, np.sin(2 * np.pi * u / period) - rng.uniform(-0.5, 0.5))
        if style < 0.25:
            second = smoothstep(-0.2, 0.2, np.sin(2 * np.pi * v / period) - rng.uniform(-0.5, 0.5))
            stripe = 0.5 * (stripe + second) if style < 0.15 else stripe * second
        colour = over(colour, pick_colour(rng, str(rng.choice(SOFT))), stripe)
    elif style < 0.6:
        patches = fractal_noise(rng, height, width, 2.2, largest=rng.uniform(10, 40))
        colour = over(colour, pick_colour(rng, str(rng.choice(SOFT))),
                      smoothstep(0.4, 0.6, patches))  # fmt: skip
    weave = fractal_noise(rng, height, width, 0.3)
    return colour * (shade * np.exp(rng.uniform(0, 0.12) * weave))[..., None]


def bricks(rng: Generator, height: int, width: int) -> Array:
    """A brick or block wall, seen straight on."""
    tall = rng.uniform(8, 24)
    y, x = coordinates(height, width)
    row = np.floor(y / tall)
    long = tall * rng.uniform(1.8, 3.2)
    column = np.floor(x / long + 0.5 * (row % 2))
    grain = fractal_noise(rng, 256, 256, 0.8)
    tint = sample(grain, column * 37.7, row * 71.3)
    rough = sample(grain, x, y)
    palette = str(rng.choice(["brick", "brick", "stone", "wall"]))
    colour = pick_colour(rng, palette) * np.exp(0.22 * tint + 0.15 * rough)[..., None]
    edge = np.minimum(
        np.abs(y / tall - np.round(y / tall)) * tall,
        np.abs(x / long + 0.5 * (row % 2) - np.round(x / long + 0.5 * (row % 2))) * long,
    )
    joint = 1 - smoothstep(0.5, 1.6, edge)
    return over(colour, pick_colour(rng, "stone"), joint * 0.85)


def foliage(rng: Generator, height: int, width: int) -> Array:
    """Leaves and twigs with light and dark between them, near or out of focus."""
    scene = mottled(rng, height, width, "foliage", 0.9, rng.uniform(0.4, 0.8))
    leaves = dead_leaves(
        rng, height, width, ("foliage", "foliage", "grass", "autumn"), 70, 0.1, 0.012
    )
    scene = over(scene, leaves, smoothstep(-0.5, 0.5, fractal_noise(rng, height, width, 1.2)))
    gaps = smoothstep(0.9, 1.6, fractal_noise(rng, height, width, 1.0))
    scene = over(scene, pick_colour(rng, "sky"), gaps * (rng.random() < 0.5))
    return bokeh(rng, scene, rng.uniform(0.3, 6.0))


def room(rng: Generator, height: int, width: int) -> Array:
    """An inside wall with what hangs and stands there: frames, doors, shelves, a window."""
    kind = rng.random()
    if kind < 0.15:
        scene = bricks(rng, height, width)
    elif kind < 0.35:
        scene = cloth(rng, height, width)
    else:
        scene = mottled(rng, height, width, str(rng.choice(["wall", "wall", "linen", "fabric",
                        "wood", "dark"])), 1.3, rng.uniform(0.02, 0.12))  # fmt: skip
    scene = scene * (0.65 + 0.7 * gradient(height, width, rng.uniform(0, 2 * np.pi)))[..., None]
    for _ in range(rng.integers(0, 5)):
        w, h = rng.uniform(0.08, 0.5) * width, rng.uniform(0.1, 0.8) * height
        left, top = rng.uniform(-0.2, 1.0) * width, rng.uniform(-0.2, 0.6) * height
        lean = rng.normal(0, 0.04)
        corners = [(left, top), (left + w, top + lean * w), (left + w + lean * h, top + h),
                   (left + lean * h, top + h - lean * w)]  # fmt: skip
        alpha = polygon(height, width, corners)
        scene = scene * (1 - 0.35 * blur(alpha, 3.0) * (1 - alpha))[..., None]
        what = rng.random()
        if what < 0.2:  # a window, brighter than the room
            inner = mottled(rng, height, width, str(rng.choice(["sky", "foliage", "snow"])), 1.2)
            inner = blur(inner, 3.0) * rng.uniform(0.9, 2.2)
        elif what < 0.5:
            inner = dead_leaves(rng, height, width, ("vivid", "fabric", "wood", "wall"), 25)
        else:
            tone = pick_colour(rng, str(rng.choice(["wood", "wall", "dark", "metal", "vivid"])))
            inner = tone * (0.6 + 0.8 * gradient(height, width, rng.uniform(0, 6)))[..., None]
        scene = over(scene, inner, alpha)
    return scene


def garden(rng: Generator, height: int, width: int, horizon: float) -> Array:
    """What stands behind an open floor: sky, trees, a hedge, a fence, a house, hills."""
    sky_top, sky_low = pick_colour(rng, "sky"), pick_colour(rng, "sky") * 1.15
    ramp = gradient(height, width, np.pi / 2)[..., None]
    scene = (sky_top + ramp * (sky_low - sky_top)) * rng.uniform(0.6, 1.2)
    clouds = smoothstep(0, 1.5, fractal_noise(rng, height, width, 1.6, 2.0))
    scene = over(scene, np.float32([0.9, 0.9, 0.92]), clouds * rng.uniform(0, 0.8))
    kind = rng.random()
    y, x = coordinates(height, width)
    profile = fractal_noise(rng, 64, max(width, 64), 1.2)[0, :width]
    top = horizon - height * (rng.uniform(0.0, 0.9) + 0.08 * profile[None, :])
    if kind < 0.6:
        scene = over(scene, foliage(rng, height, width), smoothstep(-2, 2, y - top))
    elif kind < 0.75:
        wall = bricks(rng, height, width) if rng.random() < 0.5 else room(rng, height, width)
        scene = over(scene, wall, smoothstep(-1, 1, y - (horizon - height * rng.uniform(0.2, 1))))
    elif kind < 0.9:  # a fence
        period = rng.uniform(8, 26)
        posts = smoothstep(0.1, 0.25, np.abs((x / period) % 1 - 0.5) * 2)
        posts = posts * smoothstep(-1, 1, y - (horizon - height * rng.uniform(0.15, 0.7)))
        scene = over(foliage(rng, height, width), pick_colour(rng, "wood")
                     * np.exp(0.2 * fractal_noise(rng, height, width, 0.8, 5.0, np.pi / 2))[
                         ..., None], posts)  # fmt: skip
    for _ in range(rng.integers(0, 4)):
        trunk = rng.uniform(0, width)
        half = rng.uniform(0.01, 0.06) * width
        scene = over(scene, mottled(rng, height, width, "wood", 0.9, 0.4, 4.0, np.pi / 2) * 0.6,
                     1 - smoothstep(half - 1, half + 1, np.abs(x - trunk + 0.05 * y)))  # fmt: skip
    return scene


# --- things ---------------------------------------------------------------------------------------


def thing(rng: Generator, kind: str) -> list[Solid]:
    """A solid object about one unit long, lying on the ground at the origin.

    The kinds share the animals' surfaces, hair and light, but not their outline: only shape tells.
    """
    eye = np.eye(3)

    def piece(centre: tuple, radii: tuple, axes: Array = eye) -> Solid:
        return Solid(np.array(centre, float), axes, np.array(radii, float), {"hair": 1.0}, FUR,
                     float(centre[0]))  # fmt: skip

    if kind == "cushion":
        a, h = rng.uniform(0.3, 0.7), rng.uniform(0.12, 0.3)
        b = a * rng.uniform(0.6, 1.0)
        return [piece((sx * 0.35 * a, sy * 0.35 * b, h), (0.72 * a, 0.72 * b, h))
                for sx in (-1, 1) for sy in (-1, 1)]  # fmt: skip
    if kind == "log":
        a, r = rng.uniform(0.3, 0.9), rng.uniform(0.08, 0.25)
        return [piece((t, 0, r), (0.4 * a, r, r)) for t in np.linspace(-a, a, 5)]
    if kind == "ball":
        r = rng.uniform(0.08, 0.3)
        return [piece((0, 0, r), (r, r, r))]
    if kind == "bottle":
        r, h = rng.uniform(0.06, 0.16), rng.uniform(0.3, 0.8)
        return [piece((0, 0, h / 2), (r, r, h / 2)), piece((0, 0, h), (r * 0.5, r * 0.5, h * 0.4))]
    if kind == "person":  # a leg or an arm coming in from outside the picture
        lean = unit(np.array([rng.normal(0, 0.3), rng.normal(0, 0.3), 1.0]))
        r = rng.uniform(0.12, 0.25)
        axes = frame_along(lean)
        parts = [piece(tuple(lean * t), (0.35, r, r), axes) for t in np.linspace(0.1, 2.4, 8)]
        return [*parts, piece((0.15, 0, 0.08), (0.28, 0.11, 0.1))]
    # rocks, bags and heaps: a lump of several
    n = rng.integers(2, 9)
    size = rng.uniform(0.15, 0.45)
    return [
        piece((rng.normal(0, size), rng.normal(0, 0.6 * size), abs(rng.normal(0.5, 0.4)) * size),
              tuple(size * np.exp(rng.normal(-0.2, 0.35, 3))),
              frame_along(rng.normal(size=3)))
        for _ in range(n)
    ]  # fmt: skip


THINGS = ("cushion", "log", "ball", "bottle", "person", "heap", "heap")


def place(solids: list[Solid], where: Array, turn: float, scale: float) -> list[Solid]:
    """The same solids turned about z, scaled and moved to `where` (3,)."""
    c, s = np.cos(turn), np.sin(turn)
    spin = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    return [
        Solid(spin @ q.centre * scale + where, spin @ q.axes, q.radii * scale, q.marks, q.material,
              q.along * scale)
        for q in solids
    ]  # fmt: skip


def backdrop(
    rng: Generator, height: int, width: int, view: View, kind: str
) -> tuple[Array, float, bool]:
    """The whole background without things.

    Args:
        kind: a floor of `FLOORS`, or "cloth", "collage", "plain".

    Returns:
        Linear scene (H, W, 3), softness of the contact shadow, and whether it is outdoors.
    """
    if kind == "cloth":
        return cloth(rng, height, width), 0.8, False
    if kind == "collage":
        palettes = tuple(rng.choice(list(PALETTES), 4))
        scene = dead_leaves(
            rng, height, width, palettes, int(rng.integers(20, 120)), rng.uniform(0.15, 0.6)
        )
        return scene, 0.5, bool(rng.random() < 0.5)
    if kind == "plain":
        scene = mottled(rng, height, width, str(rng.choice(list(PALETTES))), 1.4,
                        rng.uniform(0.0, 0.2))  # fmt: skip
        ramp = 0.5 + gradient(height, width, rng.uniform(0, 2 * np.pi))
        return scene * ramp[..., None], 0.5, bool(rng.random() < 0.5)
    x, y, distance = view.ground(height, width)
    pixel = np.where(np.isinf(distance), 1e3, distance / view.focal)
    outdoors = kind in OUTDOORS
    size = np.exp(rng.normal(0, 0.4))
    ground, rough = floor(rng, kind, x, y, pixel, size)
    down = -view.turn[2]  # the way the camera looks
    forward = unit(np.array([down[0], down[1], 0.0]))
    ahead = (x - view.eye[0]) * forward[0] + (y - view.eye[1]) * forward[1]
    limit = np.hypot(view.eye[0], view.eye[1]) + np.exp(rng.normal(-0.1, 0.8))
    if outdoors:
        limit = limit + rng.uniform(1, 14)
    lean = rng.normal(0, 0.35)
    across = -(x - view.eye[0]) * forward[1] + (y - view.eye[1]) * forward[0]
    ahead = np.where(np.isinf(distance), 1e3, ahead + lean * across)
    behind = smoothstep(-0.02, 0.02, (ahead - limit) / (1 + pixel * 30))
    if behind.max() < 0.5:
        return ground, rough, outdoors
    rows = np.nonzero(behind.max(1) > 0.5)[0]
    horizon = float(rows.max())
    wall = garden(rng, height, width, horizon) if outdoors else room(rng, height, width)
    if not outdoors and rng.random() < 0.5:  # a skirting board and the shadow above it
        strip = smoothstep(0.0, 0.01, (ahead - limit)) - behind
        wall = over(wall, pick_colour(rng, "wall"), np.clip(strip, 0, 1))
    if not outdoors:
        dark = np.exp(-np.abs(ahead - limit) * 4) * rng.uniform(0, 0.5)
        ground = ground * (1 - dark)[..., None]
    return over(ground, wall, behind), rough, outdoors


def in_front(rng: Generator, height: int, width: int, colours: list[Array]) -> tuple[Array, Array]:
    """Something between the camera and the animal: a scene (H, W, 3) and its coverage (H, W).

    Args:
        colours: linear colours of the animal; half of the things take theirs from it.
    """
    kind = rng.choice(["grass", "edge", "bars", "blanket", "hand"])
    if kind == "grass":
        alpha = np.zeros((height, width), np.float32)
        scene = np.zeros((height, width, 3), np.float32)
        tall = rng.uniform(0.08, 0.35) * height
        for _ in range(int(rng.integers(25, 90))):
            x0, bend = rng.uniform(0, width), rng.normal(0, 0.3) * tall
            reach, half = tall * rng.uniform(0.3, 1.2), rng.uniform(0.6, 2.2)
            base = height + 2
            blade = polygon(height, width, [
                (x0 - half, base), (x0 + bend * 0.35 - half * 0.6, base - reach * 0.6),
                (x0 + bend, base - reach), (x0 + bend * 0.4 + half * 0.6, base - reach * 0.6),
                (x0 + half, base)])  # fmt: skip
            tone = pick_colour(rng, "grass", 0.3)
            scene = over(scene, tone, blade)
            alpha = np.maximum(alpha, blade)
        return scene, alpha
    if kind == "bars":
        y, x = coordinates(height, width)
        period, tilt = rng.uniform(0.12, 0.4) * width, rng.normal(0, 0.1)
        offset = rng.uniform(0, 1)
        half = rng.uniform(0.06, 0.16)
        alpha = smoothstep(-0.02, 0.02, half - np.abs((x + tilt * y) / period % 1 - offset))
        if rng.random() < 0.5:
            alpha = alpha * (np.abs(x / width - rng.uniform(0.2, 0.8)) < 0.25)
        scene = mottled(rng, height, width, str(rng.choice(["wood", "metal", "wall"])), 1.0, 0.1)
        return scene, alpha.astype(np.float32)
    if kind == "hand":
        start = np.array([rng.choice([-0.1, 1.1]) * width, rng.uniform(0.3, 1.1) * height])
        end = np.array([rng.uniform(0.25, 0.75) * width, rng.uniform(0.4, 0.9) * height])
        end = start + (end - start) * rng.uniform(0.4, 0.9)
        normal = np.array([-(end - start)[1], (end - start)[0]])
        normal = normal / (np.linalg.norm(normal) + 1e-6) * rng.uniform(0.05, 0.1) * width
        outline = [tuple(start + normal), tuple(end + 0.8 * normal), tuple(end - 0.8 * normal),
                   tuple(start - normal)]  # fmt: skip
        alpha = polygon(height, width, outline)
        for t in np.linspace(-0.8, 0.8, 4):
            finger = end + normal * t + unit(end - start) * rng.uniform(0.02, 0.06) * width
            round_ = blob(rng, *finger, 0.3 * np.linalg.norm(normal), 0.1)
            alpha = np.maximum(alpha, polygon(height, width, round_))
        skin = linear(np.array([214, 160, 130]) * rng.uniform(0.45, 1.1))
        if rng.random() < 0.4:
            skin = pick_colour(rng, str(rng.choice(SOFT)))
        shade = 0.7 + 0.6 * blur(alpha, 4.0) * gradient(height, width, rng.uniform(0, 6))
        return skin * shade[..., None], alpha
    if kind == "blanket":
        y, x = coordinates(height, width)
        wave = fractal_noise(rng, 64, max(64, width), 1.6)[0, :width]
        top = height * (rng.uniform(0.72, 0.95) + 0.04 * wave)[None, :] + rng.normal(0, 0.15) * (
            x - width / 2)  # fmt: skip
        scene = cloth(rng, height, width)
        return scene, smoothstep(-1, 1, y - top)
    x, y = rng.choice([0.0, 1.0]) * width, rng.uniform(0.4, 1.0) * height
    alpha = polygon(height, width, blob(rng, x, y, rng.uniform(0.1, 0.3) * width, 0.4))
    if rng.random() < 0.5:
        tone = colours[rng.integers(len(colours))] * np.exp(rng.normal(0, 0.3))
        scene = tone * np.exp(0.2 * fractal_noise(rng, height, width, 0.8))[..., None]
    else:
        scene = dead_leaves(rng, height, width, ("vivid", "foliage", "wood", "fabric"), 20)
    soft = rng.choice([0.5, 2.0, 5.0])
    return scene * (0.5 + gradient(height, width, rng.uniform(0, 6)))[..., None], blur(alpha, soft)


def sunlight(rng: Generator, height: int, width: int) -> Array:
    """How much light falls where, (H, W): window bars, dappled leaves or one soft shadow."""
    kind = rng.random()
    low = rng.uniform(0.25, 0.7)
    if kind < 0.4:
        pattern = smoothstep(-0.4, 0.4, fractal_noise(rng, height, width, rng.uniform(1.0, 1.8)))
    elif kind < 0.6:
        y, x = coordinates(height, width)
        a, period = rng.uniform(0, np.pi), rng.uniform(0.2, 0.8) * width
        pattern = smoothstep(
            -0.3,
            0.3,
            np.sin(2 * np.pi * (np.cos(a) * x + np.sin(a) * y) / period) + rng.uniform(-0.5, 0.7),
        )
    else:
        a = rng.uniform(0, 2 * np.pi)
        edge = rng.uniform(0.25, 0.75)
        ramp = gradient(height, width, a) + 0.06 * (smooth_noise(rng, height, width, 5) - 0.5)
        pattern = smoothstep(edge - 0.03, edge + rng.uniform(0.03, 0.4), ramp)
    return blur((low + (1.35 - low) * pattern).astype(np.float32), rng.uniform(0.5, 3.0))
