"""What stands around in a fire picture: skies, plants, people, signs, vehicles and buildings.

Many of these are there because colour alone would call them fire: sunsets, autumn trees, lamps, lit
windows, red cars, cones, orange jackets. Each `draw_*` paints one thing on a `Canvas` (a sky or a
ridge: on the `Stage` itself) and notes its name in `Stage.drawn`. `(x, y)` is where it touches the
ground, in the middle, unless a function says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from drawing.fire_stage import Canvas, Colour, Layer, Stage, choose, look_up, shade
from drawing.textures import blur, coordinates, linear, smoothstep

AUTUMN: tuple[Colour, ...] = (
    (222, 120, 24),
    (198, 70, 22),
    (236, 176, 46),
    (164, 48, 28),
    (240, 146, 30),
    (140, 84, 34),
)
WARNING_ORANGE: tuple[Colour, ...] = ((255, 112, 16), (244, 84, 20), (255, 144, 24))
CAR_PAINTS: tuple[Colour, ...] = (
    (190, 24, 26),
    (226, 96, 20),
    (200, 42, 30),
    (228, 178, 40),
    (222, 224, 226),
    (40, 44, 50),
    (44, 78, 140),
    (120, 124, 130),
)


# --- sky ------------------------------------------------------------------------------------------

SKIES: dict[str, tuple[tuple[str, Colour, Colour, Colour], ...]] = {
    # name, zenith, horizon, clouds
    "day": (
        ("blue", (84, 134, 196), (190, 212, 228), (236, 238, 240)),
        ("pale", (160, 176, 190), (214, 218, 218), (236, 236, 234)),
        ("overcast", (128, 134, 142), (178, 182, 184), (150, 154, 160)),
        ("smoggy", (150, 130, 108), (206, 176, 132), (170, 140, 110)),
    ),
    "dusk": (
        ("sunset", (58, 60, 100), (255, 140, 40), (255, 110, 50)),
        ("red sunset", (66, 44, 70), (250, 84, 30), (255, 150, 50)),
        ("golden", (120, 124, 140), (255, 196, 100), (255, 176, 90)),
        ("lilac", (70, 80, 128), (214, 160, 170), (180, 130, 150)),
    ),
    "night": (
        ("clear night", (8, 10, 22), (26, 30, 46), (22, 24, 34)),
        ("city night", (18, 16, 22), (92, 58, 36), (70, 46, 34)),
        ("black night", (4, 4, 6), (10, 10, 13), (12, 12, 14)),
    ),
}


# The colour of the light that falls on everything under such a sky.
SKY_LIGHT: dict[str, tuple[float, float, float]] = {
    "smoggy": (1.05, 0.9, 0.68),
    "sunset": (1.2, 0.78, 0.5),
    "red sunset": (1.2, 0.68, 0.46),
    "golden": (1.3, 0.92, 0.52),
    "city night": (1.2, 0.8, 0.5),
}


def draw_sky(stage: Stage, horizon: float) -> None:
    """Sky down to the line `horizon`: clouds, sun, moon and stars; sunsets rival any flame."""
    rng = stage.rng
    name, zenith, low, cloud = SKIES[stage.time][rng.integers(len(SKIES[stage.time]))]
    power = {"day": 1.0, "dusk": rng.uniform(0.7, 1.25), "night": 0.7}[stage.time]
    stage.light = stage.light * np.array(SKY_LIGHT.get(name, (1, 1, 1)), np.float32)
    y, x = coordinates(*stage.shape)
    up = np.clip((horizon - y) / max(horizon, 1.0), 0, 1)
    top, bottom, fluff = linear(zenith), linear(low), linear(cloud)
    fade = (1 - up) ** rng.uniform(0.8, 3.0)
    glow = top + fade[..., None] * (bottom - top)
    stretch = rng.uniform(1.5, 4.0)
    field_ = stage.noise(rng.uniform(1.3, 1.8), stretch)
    cover = smoothstep(rng.uniform(-0.6, 1.0), 2.2, field_) * rng.uniform(0.3, 1.0)
    relief = np.clip(1 + 2.2 * np.gradient(blur(field_, 1.5), axis=0), 0.6, 1.5)
    # At dusk the sun reaches under the clouds: near it they blaze, further up they are embers.
    blaze = rng.uniform(0.15, 0.7)
    near_sun = blaze + (1 - blaze) * fade if stage.time == "dusk" else np.ones_like(fade)
    glow = glow + cover[..., None] * (fluff * (relief * near_sun)[..., None] - glow)
    if stage.time == "dusk" and "lilac" not in name and stage.chance(0.7):
        sx, sy = rng.uniform(0.1, 0.9) * stage.width, horizon * rng.uniform(0.55, 1.02)
        far = np.hypot(x - sx, (y - sy) * 1.2) / stage.height
        glow = glow + linear((255, 190, 70)) * (1.4 * np.exp(-far / 0.09))[..., None]
        glow = glow + linear((255, 226, 150)) * (2.5 * smoothstep(0.045, 0.03, far))[..., None]
        stage.drawn.add("low sun")
    if stage.time == "night" and stage.chance(0.35):
        mx, my, r = rng.uniform(0, 1) * stage.width, rng.uniform(0.05, 0.6) * horizon, 0.03
        far = np.hypot(x - mx, y - my) / stage.height
        glow = glow + linear((250, 240, 210)) * smoothstep(r, 0.7 * r, far)[..., None]
        glow = glow + linear((200, 200, 220)) * (0.10 * np.exp(-far / 0.08))[..., None]
        stage.drawn.add("moon")
    if name == "clear night":
        stars = rng.random(stage.shape) > 0.9985
        glow = glow + (stars * rng.random(stage.shape) * 0.5)[..., None].astype(np.float32)
    stage.layers.append(
        Layer(
            np.ones(stage.shape, np.float32),
            np.zeros(3, np.float32),
            (power * glow).astype(np.float32),
            is_sky=True,
        )
    )
    stage.drawn.add(f"{name} sky" if "night" not in name else name)


# --- plants and hills -----------------------------------------------------------------------------


def draw_shadow(canvas: Canvas, x: float, y: float, half: float) -> None:
    """The dark patch where a thing of twice the width `half` touches the ground."""
    canvas.ellipse(x + 0.15 * half, y, half, 0.16 * half, (34, 31, 29))


def draw_ridge(
    stage: Stage,
    y: float,
    height: float,
    colours: Sequence[Colour],
    haze: float,
    jagged: float = 0.0,
) -> None:
    """A far range of hills, or of tree tops where `jagged` is above 0."""
    rng, w = stage.rng, stage.width
    xs = np.linspace(0, w, 90)
    line = look_up(stage.tiles[0], xs * 0.5 + rng.uniform(0, 256), np.full(90, 9.5))
    spikes = np.abs(look_up(stage.tiles[2], xs * 3.0, np.full(90, rng.uniform(0, 256))))
    tops = y - height * np.clip(0.5 + 0.35 * line, 0.05, 1.4) - jagged * spikes
    canvas = stage.canvas()
    points = [(0.0, float(stage.height)), *zip(xs, tops, strict=True), (float(w), stage.height)]
    canvas.polygon(points, choose(rng, colours))
    stage.paint(canvas, 0.25, 0.9, haze)


def draw_conifer(stage: Stage, canvas: Canvas, x: float, y: float, height: float) -> None:
    """A fir: drooping tiers of dark branches."""
    rng = stage.rng
    colour = choose(rng, ((24, 44, 30), (32, 56, 36), (44, 64, 40), (20, 34, 28)))
    draw_shadow(canvas, x, y, 0.1 * height)
    canvas.box(x - 0.02 * height, y - 0.2 * height, x + 0.02 * height, y, (44, 34, 28))
    tiers = max(4, int(height / 7))
    wide = rng.uniform(0.15, 0.24) * height
    for i in range(tiers):
        low = y - 0.1 * height - 0.86 * height * i / tiers
        half = wide * (1 - i / tiers) ** 0.9 + 0.015 * height
        tall = 1.9 * height / tiers
        jag = [
            (x - half + 2 * half * t, low + rng.uniform(-0.2, 0.45) * tall * 0.5)
            for t in np.linspace(0, 1, 7)
        ]
        canvas.polygon([(x, low - tall), *jag[::-1]], shade(colour, rng.uniform(0.75, 1.3)))


def draw_tree(
    stage: Stage, canvas: Canvas, x: float, y: float, height: float, colours: Sequence[Colour]
) -> None:
    """A broad-leaved tree: clusters of leaves around a forked trunk."""
    rng = stage.rng
    bark = choose(rng, ((58, 46, 38), (84, 72, 60), (40, 34, 30)))
    draw_shadow(canvas, x, y, 0.09 * height)
    for side in (-0.14, 0.02, 0.15):
        tip = (x + side * height, y - 0.62 * height)
        canvas.line(
            [(x, y), (x + 0.3 * side * height, y - 0.3 * height), tip], bark, 0.035 * height
        )
    base = choose(rng, colours)
    wide = rng.uniform(1.0, 1.5)
    for _ in range(rng.integers(8, 13)):
        turn, far = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.26)
        cx, cy = x + wide * far * height * np.cos(turn), y - (0.68 + far * np.sin(turn)) * height
        r = rng.uniform(0.10, 0.17) * height
        lit = 0.7 + 0.5 * np.clip((y - cy) / height, 0, 1)
        canvas.ellipse(cx, cy, 0.8 * r, 0.65 * r, shade(base, 0.55 * lit))
        count = int(np.clip(r * 4.5, 10, 80))
        turns, far = rng.uniform(0, 2 * np.pi, count), r * np.sqrt(rng.uniform(0, 1.25, count))
        sizes, light = rng.uniform(0.07, 0.19, count) * r + 0.3, rng.uniform(0.65, 1.25, count)
        tints = [base, base, base, choose(rng, colours, 0.1), choose(rng, (base,), 0.12)]
        for k in range(count):
            a, d, leaf = turns[k], far[k], sizes[k]
            lift = lit * light[k] * (1 - 0.3 * np.sin(a) * d / r)
            canvas.ellipse(
                cx + d * np.cos(a), cy + d * np.sin(a), leaf, 0.7 * leaf, shade(tints[k % 5], lift)
            )


def draw_bare_tree(stage: Stage, canvas: Canvas, x: float, y: float, height: float) -> None:
    """A leafless, perhaps charred tree."""
    rng = stage.rng
    bark = choose(rng, ((30, 26, 24), (52, 44, 38), (76, 66, 56)))

    def grow(px: float, py: float, angle: float, length: float, thick: float, depth: int) -> None:
        qx, qy = px + length * np.sin(angle), py - length * np.cos(angle)
        canvas.line([(px, py), (qx, qy)], bark, max(thick, 0.35))
        if depth:
            for _ in range(rng.integers(2, 4)):
                grow(
                    qx,
                    qy,
                    angle + rng.normal(0, 0.5),
                    length * rng.uniform(0.55, 0.8),
                    0.6 * thick,
                    depth - 1,
                )

    grow(x, y, rng.normal(0, 0.06), 0.36 * height, 0.04 * height, 4)


def draw_bush(
    stage: Stage, canvas: Canvas, x: float, y: float, radius: float, colours: Sequence[Colour]
) -> None:
    """A bush: one low cluster of leaves."""
    rng = stage.rng
    base = choose(rng, colours)
    draw_shadow(canvas, x, y, radius)
    canvas.ellipse(x, y - 0.32 * radius, 0.85 * radius, 0.36 * radius, shade(base, 0.5))
    for _ in range(int(np.clip(6 * radius, 18, 130))):
        a, d = rng.uniform(np.pi, 2 * np.pi), radius * np.sqrt(rng.random())
        leaf = rng.uniform(0.05, 0.13) * radius + 0.3
        canvas.ellipse(
            x + d * np.cos(a),
            y + 0.8 * d * np.sin(a),
            leaf,
            0.8 * leaf,
            shade(base, rng.uniform(0.6, 1.3)),
        )


def draw_grass(
    stage: Stage, canvas: Canvas, y: float, height: float, count: int, colours: Sequence[Colour]
) -> None:
    """Blades of grass or stubble along the line `y` and below it."""
    rng = stage.rng
    for _ in range(count):
        x, low = rng.uniform(-5, stage.width + 5), y + abs(rng.normal(0, 0.3)) * height
        tall, bend = height * rng.uniform(0.4, 1.2), rng.normal(0.15, 0.35)
        canvas.line(
            [(x, low), (x + 0.3 * bend * tall, low - 0.6 * tall), (x + bend * tall, low - tall)],
            choose(rng, colours, 0.15),
            rng.uniform(0.35, 1.0),
        )


GREENS: tuple[Colour, ...] = ((62, 92, 40), (84, 116, 50), (48, 74, 38), (104, 124, 60))
STRAW: tuple[Colour, ...] = ((196, 168, 104), (174, 142, 82), (216, 190, 128), (150, 124, 74))


def leaves_of(stage: Stage, autumn: bool) -> Sequence[Colour]:
    """The colours of leaves: green, or autumn's reds and oranges (noted as a distractor)."""
    if autumn:
        stage.drawn.add("autumn leaves")
        return AUTUMN
    return GREENS


# --- people, signs, lamps -------------------------------------------------------------------------


def draw_person(stage: Stage, canvas: Canvas, x: float, y: float, height: float) -> None:
    """Somebody standing, now and then in an orange or red jacket or in a firefighter's gear."""
    rng = stage.rng
    bright = stage.chance(0.6)
    jacket = choose(rng, WARNING_ORANGE if bright else ((60, 70, 90), (90, 80, 70), (40, 44, 48)))
    legs = choose(rng, ((36, 38, 46), (70, 66, 60), (44, 52, 76)))
    step = rng.uniform(0.03, 0.09) * height
    draw_shadow(canvas, x, y, 0.2 * height)
    for side in (-1, 1):
        canvas.line([(x, y - 0.48 * height), (x + side * step, y)], legs, 0.1 * height)
    canvas.polygon(
        [
            (x - 0.12 * height, y - 0.8 * height),
            (x + 0.12 * height, y - 0.8 * height),
            (x + 0.11 * height, y - 0.42 * height),
            (x - 0.11 * height, y - 0.42 * height),
        ],
        jacket,
    )
    reach = rng.uniform(-0.05, 0.2) * height
    for side in (-1, 1):
        canvas.line(
            [
                (x + side * 0.11 * height, y - 0.77 * height),
                (x + side * (0.15 * height + max(reach, 0)), y - 0.5 * height),
            ],
            shade(jacket, 0.85),
            0.07 * height,
        )
    if bright:
        band = (232, 232, 190)
        canvas.box(x - 0.11 * height, y - 0.6 * height, x + 0.11 * height, y - 0.57 * height, band)
        stage.drawn.add("orange jacket")
    canvas.ellipse(x, y - 0.89 * height, 0.065 * height, 0.08 * height, (176, 132, 108))
    hat = choose(rng, ((60, 44, 34), (236, 200, 50), (200, 40, 30), (40, 36, 34)))
    canvas.ellipse(x, y - 0.94 * height, 0.072 * height, 0.05 * height, hat)
    stage.drawn.add("person")


def draw_cone(stage: Stage, canvas: Canvas, x: float, y: float, height: float) -> None:
    """A traffic cone: orange with white bands."""
    colour = choose(stage.rng, WARNING_ORANGE)
    half = 0.33 * height
    draw_shadow(canvas, x, y, 1.4 * half)
    canvas.box(x - 1.2 * half, y - 0.08 * height, x + 1.2 * half, y, shade(colour, 0.7))
    for low, high, fill in (
        (0.06, 0.35, colour),
        (0.35, 0.55, (236, 236, 230)),
        (0.55, 0.72, colour),
        (0.72, 0.84, (236, 236, 230)),
        (0.84, 1.0, colour),
    ):
        a, b = half * (1 - 0.85 * low), half * (1 - 0.85 * high)
        canvas.polygon(
            [
                (x - a, y - low * height),
                (x - b, y - high * height),
                (x + b, y - high * height),
                (x + a, y - low * height),
            ],
            fill,
        )
    stage.drawn.add("traffic cone")


def draw_sign(stage: Stage, canvas: Canvas, x: float, y: float, height: float) -> None:
    """A road sign on a pole: orange diamond, red ring, red triangle or amber board."""
    rng = stage.rng
    canvas.box(x - 0.02 * height, y - height, x + 0.02 * height, y, (120, 124, 126))
    r, cy, kind = 0.2 * height, y - 0.95 * height, rng.integers(4)
    orange, red = choose(rng, WARNING_ORANGE), (204, 30, 34)
    if kind == 0:
        canvas.polygon([(x - r, cy), (x, cy - r), (x + r, cy), (x, cy + r)], orange)
        canvas.line(
            [(x - 0.3 * r, cy + 0.3 * r), (x + 0.2 * r, cy - 0.3 * r)], (30, 26, 22), 0.15 * r
        )
    elif kind == 1:
        canvas.ellipse(x, cy, r, r, red)
        canvas.ellipse(x, cy, 0.72 * r, 0.72 * r, (238, 238, 234))
    elif kind == 2:
        canvas.polygon([(x - r, cy + 0.8 * r), (x, cy - r), (x + r, cy + 0.8 * r)], red)
        canvas.polygon(
            [(x - 0.55 * r, cy + 0.5 * r), (x, cy - 0.5 * r), (x + 0.55 * r, cy + 0.5 * r)],
            (240, 232, 210),
        )
    else:
        canvas.box(x - 1.6 * r, cy - 0.6 * r, x + 1.6 * r, cy + 0.6 * r, orange)
        for k in (-0.25, 0.1):
            canvas.box(
                x - 1.2 * r,
                cy + k * r,
                x + rng.uniform(0.3, 1.2) * r,
                cy + (k + 0.15) * r,
                (40, 30, 24),
            )
    stage.drawn.add("road sign")


def draw_tent(stage: Stage, canvas: Canvas, x: float, y: float, width: float) -> None:
    """A ridge tent, mostly orange or red."""
    colour = choose(stage.rng, (*WARNING_ORANGE, (210, 50, 36), (70, 110, 150), (230, 170, 50)))
    top, half = y - 0.62 * width, width / 2
    draw_shadow(canvas, x, y, 1.05 * half)
    canvas.polygon(
        [
            (x - half, y),
            (x - 0.1 * width, top),
            (x + 0.3 * width, top * 0.97 + 0.03 * y),
            (x + half, y),
        ],
        shade(colour, 0.8),
    )
    canvas.polygon([(x - half, y), (x - 0.1 * width, top), (x + 0.16 * width, y)], colour)
    canvas.polygon(
        [(x - 0.24 * width, y), (x - 0.1 * width, top), (x - 0.02 * width, y)], (40, 32, 30)
    )
    stage.drawn.add("tent")


def draw_flowers(stage: Stage, canvas: Canvas, top: float, bottom: float, count: int) -> None:
    """A bed of red, orange and yellow flowers between two lines, larger closer by."""
    rng = stage.rng
    colours = ((226, 40, 26), (246, 120, 20), (250, 190, 40))
    main = choose(rng, colours)
    for low in np.sort(rng.uniform(0, 1, count) ** 0.8):
        x, y = rng.uniform(0, 1) * stage.width, top + low * (bottom - top)
        r = (0.6 + 2.6 * low) * rng.uniform(0.6, 1.2)
        fill = choose(rng, (main, main, *colours), 0.12)
        canvas.ellipse(x, y, r, 0.75 * r, fill)
        canvas.ellipse(x + 0.3 * r, y - 0.3 * r, 0.45 * r, 0.35 * r, shade(fill, 1.25))
    stage.drawn.add("flowers")


def draw_neon(stage: Stage, canvas: Canvas, x: float, y: float, width: float) -> None:
    """A glowing shop sign: a box with a few strokes of red, orange or yellow light."""
    rng = stage.rng
    canvas.box(x - width / 2, y - 0.2 * width, x + width / 2, y + 0.2 * width, (40, 30, 34))
    colour = choose(rng, ((255, 70, 30), (255, 140, 40), (255, 200, 70), (255, 50, 60)))
    for k in np.linspace(-0.4, 0.3, int(rng.integers(3, 6))):
        kind = rng.random()
        x0, x1 = x + k * width, x + (k + 0.12) * width
        canvas.lights.line(
            [
                (x0, y - 0.1 * width),
                (x0 if kind < 0.5 else x1, y + 0.1 * width),
                (x1, y + 0.1 * width if kind < 0.7 else y),
            ],
            colour,
            0.04 * width,
        )
    stage.drawn.add("neon sign")


def draw_street_lamp(
    stage: Stage, canvas: Canvas, x: float, y: float, height: float, side: int
) -> None:
    """A street lamp whose arm points to `side` (-1, 1); sodium orange or white when it is dark."""
    rng = stage.rng
    tip = x + side * 0.22 * height
    canvas.line(
        [(x, y), (x, y - 0.93 * height), (x + side * 0.06 * height, y - height), (tip, y - height)],
        (70, 74, 78),
        0.022 * height,
    )
    canvas.ellipse(tip, y - 0.985 * height, 0.06 * height, 0.02 * height, (190, 190, 180))
    if stage.time != "day":
        colour = choose(rng, ((255, 170, 70), (255, 196, 110), (255, 240, 214)), 0.03)
        canvas.lights.ellipse(tip, y - 0.975 * height, 0.05 * height, 0.022 * height, colour)
        stage.drawn.add("street lamp")


# --- vehicles -------------------------------------------------------------------------------------


def draw_wheel(canvas: Canvas, x: float, y: float, r: float) -> None:
    """A wheel with rim, centred at (x, y)."""
    canvas.ellipse(x, y, r, r, (24, 24, 26))
    canvas.ellipse(x, y, 0.6 * r, 0.6 * r, (130, 132, 136))
    canvas.ellipse(x, y, 0.22 * r, 0.22 * r, (60, 62, 66))


def draw_car(
    stage: Stage,
    canvas: Canvas,
    x: float,
    y: float,
    length: float,
    facing: int,
    burnt: bool = False,
) -> None:
    """A car from the side; (x, y) is the middle of its tyres' line, `facing` is -1 or 1.

    A burnt one has charred paint and holes for windows, through which a fire behind is seen.
    """
    rng = stage.rng
    paint = choose(rng, ((52, 46, 42), (96, 84, 76), (70, 56, 48)) if burnt else CAR_PAINTS)
    if not burnt and paint[0] > 150 and paint[2] < 90:
        stage.drawn.add("red or orange car")
    u = length / 2
    tall = rng.choice([1.0, 1.12, 0.92])
    van = stage.chance(0.25)

    def at(px: float, py: float) -> tuple[float, float]:
        return x + facing * px * u, y - py * u * tall

    canvas.ellipse(x, y + 0.01 * u, 1.02 * u, 0.05 * u, (14, 14, 16))
    roof = (-0.92, 0.45) if van else (-0.6, 0.22)
    body = [
        (-1, 0.14),
        (-1.0, 0.42),
        (roof[0] - 0.1, 0.5),
        (roof[0] + 0.03, 0.8),
        (roof[1], 0.8),
        (roof[1] + 0.3, 0.5),
        (0.9, 0.44),
        (1.0, 0.34),
        (1.0, 0.14),
    ]
    canvas.polygon([at(*p) for p in body], paint)
    canvas.polygon([at(-1, 0.14), at(-1, 0.26), at(1, 0.26), at(1, 0.14)], shade(paint, 0.62))
    canvas.line([at(-0.98, 0.45), at(0.9, 0.42)], shade(paint, 1.3), 0.02 * u)
    glass = None if burnt else choose(rng, ((46, 56, 64), (80, 94, 104), (30, 36, 42)))
    middle = (roof[0] + roof[1]) / 2 + 0.05
    for a, b in ((roof[0] + 0.06, middle - 0.04), (middle, roof[1] - 0.02)):
        back = 0.06 if a < middle - 0.1 else 0.0
        front = 0.22 if b > middle else 0.0
        canvas.polygon([at(a - back, 0.5), at(a, 0.74), at(b, 0.74), at(b + front, 0.5)], glass)
    canvas.line([at(middle - 0.02, 0.5), at(middle - 0.03, 0.16)], shade(paint, 0.5), 0.012 * u)
    for wheel in (-0.6, 0.6):
        cx, cy = at(wheel, 0.14)
        canvas.ellipse(cx, cy, 0.21 * u, 0.21 * u, (16, 16, 18))
        draw_wheel(canvas, cx, cy, 0.165 * u)
    if not burnt:
        canvas.polygon([at(-1, 0.3), at(-1, 0.4), at(-0.93, 0.4), at(-0.93, 0.3)], (190, 20, 24))
        canvas.polygon([at(1, 0.3), at(0.93, 0.38), at(0.86, 0.36), at(0.9, 0.3)], (236, 232, 214))
        if stage.time != "day" and stage.chance(0.7):
            for px, colour in ((-0.98, (255, 40, 24)), (0.95, (255, 236, 190))):
                lx, ly = at(px, 0.35)
                canvas.lights.ellipse(lx, ly, 0.05 * u, 0.04 * u, colour)
            stage.drawn.add("car lights")
    stage.drawn.add("burnt car" if burnt else "car")


def draw_car_behind(stage: Stage, canvas: Canvas, x: float, y: float, width: float) -> None:
    """A car seen from behind (or from the front): tail lights, rear window, number plate."""
    rng = stage.rng
    paint = choose(rng, CAR_PAINTS)
    if paint[0] > 150 and paint[2] < 90:
        stage.drawn.add("red or orange car")
    w = width
    canvas.ellipse(x, y, 0.56 * w, 0.05 * w, (12, 12, 14))
    for side in (-1, 1):
        canvas.box(
            x + side * 0.36 * w - 0.08 * w,
            y - 0.2 * w,
            x + side * 0.36 * w + 0.08 * w,
            y,
            (22, 22, 24),
        )
    canvas.polygon(
        [
            (x - 0.5 * w, y - 0.12 * w),
            (x - 0.5 * w, y - 0.4 * w),
            (x - 0.42 * w, y - 0.5 * w),
            (x - 0.33 * w, y - 0.78 * w),
            (x + 0.33 * w, y - 0.78 * w),
            (x + 0.42 * w, y - 0.5 * w),
            (x + 0.5 * w, y - 0.4 * w),
            (x + 0.5 * w, y - 0.12 * w),
        ],
        paint,
    )
    canvas.polygon(
        [
            (x - 0.36 * w, y - 0.5 * w),
            (x - 0.29 * w, y - 0.73 * w),
            (x + 0.29 * w, y - 0.73 * w),
            (x + 0.36 * w, y - 0.5 * w),
        ],
        (50, 60, 68),
    )
    canvas.box(x - 0.5 * w, y - 0.24 * w, x + 0.5 * w, y - 0.12 * w, shade(paint, 0.6))
    canvas.box(x - 0.12 * w, y - 0.34 * w, x + 0.12 * w, y - 0.27 * w, (226, 222, 200))
    front = stage.chance(0.35)
    for side in (-1, 1):
        cx, cy = x + side * 0.4 * w, y - 0.38 * w
        canvas.box(
            cx - 0.09 * w,
            cy - 0.05 * w,
            cx + 0.09 * w,
            cy + 0.05 * w,
            (232, 232, 224) if front else (188, 18, 22),
        )
        if stage.time != "day":
            colour = (255, 240, 206) if front else (255, 36, 20)
            canvas.lights.ellipse(cx, cy, 0.08 * w, 0.05 * w, colour)
            stage.drawn.add("car lights")
    stage.drawn.add("car")


def draw_truck(
    stage: Stage, canvas: Canvas, x: float, y: float, length: float, facing: int
) -> None:
    """A lorry from the side: cab, box or tank; red ones are fire engines with blue lights."""
    rng = stage.rng
    u = length / 2
    engine = stage.chance(0.45)
    cab = (206, 26, 24) if engine else choose(rng, CAR_PAINTS)
    cargo = (
        cab
        if engine
        else choose(rng, ((200, 204, 206), (170, 90, 50), (70, 100, 140), (214, 110, 40)))
    )

    def at(px: float, py: float) -> tuple[float, float]:
        return x + facing * px * u, y - py * u

    canvas.ellipse(x, y, 1.03 * u, 0.04 * u, (12, 12, 14))
    canvas.polygon([at(-1, 0.14), at(-1, 0.78), at(0.5, 0.78), at(0.5, 0.14)], cargo)
    canvas.polygon([at(0.55, 0.14), at(0.55, 0.7), at(0.82, 0.7), at(1, 0.42), at(1, 0.14)], cab)
    canvas.polygon([at(0.68, 0.44), at(0.68, 0.64), at(0.8, 0.64), at(0.93, 0.44)], (56, 68, 78))
    if engine:
        canvas.polygon([at(-1, 0.3), at(-1, 0.36), at(1, 0.36), at(1, 0.3)], (238, 232, 200))
        for px in (-0.7, -0.35, 0.0):
            canvas.polygon(
                [at(px, 0.4), at(px, 0.7), at(px + 0.28, 0.7), at(px + 0.28, 0.4)],
                shade(cargo, 0.6),
            )
        lx, ly = at(0.68, 0.74)
        canvas.ellipse(lx, ly, 0.06 * u, 0.035 * u, (50, 90, 230))
        canvas.lights.ellipse(lx, ly, 0.05 * u, 0.03 * u, (60, 110, 255))
        stage.drawn.add("fire engine")
    else:
        for px in np.arange(-0.9, 0.45, 0.17):
            canvas.line([at(px, 0.16), at(px, 0.76)], shade(cargo, 0.85), 0.012 * u)
        stage.drawn.add("lorry")
    for wheel in (-0.75, -0.48, 0.72):
        draw_wheel(canvas, *at(wheel, 0.11), 0.13 * u)


# --- buildings ------------------------------------------------------------------------------------

Box = tuple[float, float, float, float]
WALLS: tuple[Colour, ...] = (
    (214, 206, 190),
    (176, 96, 72),
    (190, 170, 140),
    (150, 154, 156),
    (226, 190, 130),
    (196, 120, 90),
    (230, 228, 222),
)
ROOFS: tuple[Colour, ...] = ((168, 74, 46), (96, 56, 44), (70, 70, 76), (188, 92, 52), (60, 52, 50))
WARM_WINDOWS: tuple[Colour, ...] = ((255, 190, 96), (255, 160, 60), (255, 222, 160), (240, 130, 50))


def draw_windows(
    stage: Stage, canvas: Canvas, wall: Box, rows: int, columns: int, lit_share: float
) -> list[Box]:
    """A grid of windows on a wall, some lit when it is not day; returns their boxes."""
    rng = stage.rng
    x0, y0, x1, y1 = wall
    cell_w, cell_h = (x1 - x0) / columns, (y1 - y0) / rows
    w, h = cell_w * rng.uniform(0.36, 0.56), cell_h * rng.uniform(0.42, 0.6)
    frame = choose(rng, ((236, 234, 228), (90, 70, 56), (60, 62, 66)))
    boxes = []
    for i in range(rows):
        for j in range(columns):
            cx, cy = x0 + (j + 0.5) * cell_w, y0 + (i + 0.5) * cell_h
            box = (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)
            edge = max(0.06 * w, 0.5)
            canvas.box(box[0] - edge, box[1] - edge, box[2] + edge, box[3] + edge, frame)
            canvas.box(*box, choose(rng, ((40, 48, 58), (58, 70, 82), (28, 32, 38))))
            if stage.time != "day" and stage.chance(lit_share):
                warm = choose(rng, WARM_WINDOWS)
                canvas.lights.box(*box, shade(warm, rng.uniform(0.5, 0.95)))
                canvas.lights.line([(cx, box[1]), (cx, box[3])], None, 0.07 * w)
                if stage.chance(0.5):  # a curtain
                    canvas.lights.box(box[0], box[1], box[0] + 0.3 * w, box[3], shade(warm, 0.45))
                stage.drawn.add("lit window")
            else:
                canvas.line([(cx, box[1]), (cx, box[3])], frame, 0.07 * w)
                canvas.line([(box[0], cy), (box[2], cy)], frame, 0.05 * w)
            boxes.append(box)
    return boxes


def draw_house(
    stage: Stage, canvas: Canvas, x: float, y: float, width: float, height: float, holes: int = 0
) -> tuple[list[Box], float]:
    """A house front whose ground line's middle is (x, y); `holes` are burnt through its roof.

    Returns:
        the boxes of its windows, and the height (y) of its eaves.
    """
    rng = stage.rng
    wall, roof = choose(rng, WALLS), choose(rng, ROOFS)
    eaves, ridge = y - 0.62 * height, y - height
    x0, x1 = x - width / 2, x + width / 2
    gable = stage.chance(0.4)
    if gable:
        top = [(x0, eaves), (x, ridge), (x1, eaves)]
        canvas.polygon([(x0, y), *top, (x1, y)], wall)
    else:
        slant = rng.uniform(0.02, 0.16) * width
        top = [
            (x0 - 0.04 * width, eaves),
            (x0 + slant, ridge),
            (x1 - slant, ridge),
            (x1 + 0.04 * width, eaves),
        ]
        canvas.box(x0, eaves, x1, y, wall)
    if stage.chance(0.5):  # courses of bricks or boards
        for k in np.arange(eaves, y, max(height / 26, 1.6)):
            canvas.line([(x0, k), (x1, k)], shade(wall, 0.86), 0.35)
    if gable:
        canvas.line(
            [
                (x0 - 0.05 * width, eaves + 0.03 * height),
                (x, ridge),
                (x1 + 0.05 * width, eaves + 0.03 * height),
            ],
            roof,
            0.05 * height,
        )
    else:
        canvas.polygon(top, roof)
        for t in np.linspace(0.1, 1.0, 8):
            k = ridge + t * (eaves - ridge)
            left = top[1][0] + t * (top[0][0] - top[1][0])
            right = top[2][0] + t * (top[3][0] - top[2][0])
            canvas.line([(left, k), (right, k)], shade(roof, 0.8), 0.5)
    if stage.chance(0.6):
        cx = x + rng.uniform(-0.3, 0.3) * width
        canvas.box(
            cx - 0.03 * width,
            ridge - 0.12 * height,
            cx + 0.03 * width,
            ridge + (0.14 if gable else 0.05) * height,
            shade(wall, 0.75),
        )
    for _ in range(holes):
        cx, cy = x + rng.uniform(-0.3, 0.3) * width, ridge + rng.uniform(0.1, 0.7) * (eaves - ridge)
        turn = np.linspace(0, 2 * np.pi, 14, endpoint=False)
        r = rng.uniform(0.5, 1.2, 14)
        canvas.polygon(
            [
                (cx + 0.14 * width * a * np.cos(t), cy + 0.13 * height * a * np.sin(t))
                for a, t in zip(r, turn, strict=True)
            ],
            None,
        )
    columns, rows = max(2, round(width / height * 2.6)), int(rng.integers(1, 3))
    boxes = draw_windows(
        stage,
        canvas,
        (x0 + 0.04 * width, eaves + 0.04 * height, x1 - 0.04 * width, y - 0.06 * height),
        rows,
        columns,
        0.5,
    )
    door = x0 + (rng.integers(columns) + 0.5) * width / columns
    canvas.box(
        door - 0.05 * width,
        y - 0.27 * height,
        door + 0.05 * width,
        y,
        choose(rng, ((120, 50, 36), (60, 76, 70), (96, 70, 48))),
    )
    stage.drawn.add("house")
    return boxes, eaves


def draw_block(
    stage: Stage, canvas: Canvas, x: float, y: float, width: float, height: float
) -> list[Box]:
    """A block of flats or an office, with many windows; returns the windows' boxes."""
    wall = choose(stage.rng, ((120, 116, 112), (150, 130, 112), (96, 98, 104), (166, 110, 84)))
    box = (x - width / 2, y - height, x + width / 2, y)
    canvas.box(*box, wall)
    canvas.box(x - width / 2, y - height, x - 0.4 * width, y, shade(wall, 0.8))
    stage.drawn.add("block of flats")
    rows, columns = max(2, round(height / 20)), max(2, round(width / 16))
    return draw_windows(stage, canvas, box, rows, columns, 0.35)


def draw_warehouse(
    stage: Stage, canvas: Canvas, x: float, y: float, width: float, height: float
) -> list[Box]:
    """A hall of corrugated metal with roller doors; returns the boxes of its doors."""
    rng = stage.rng
    wall = choose(rng, ((158, 164, 168), (120, 140, 156), (186, 180, 164), (172, 84, 60)))
    x0, x1, top = x - width / 2, x + width / 2, y - 0.8 * height
    canvas.polygon([(x0, y), (x0, top), (x, y - height), (x1, top), (x1, y)], wall)
    for k in np.arange(x0, x1, max(width / 40, 2.0)):
        canvas.line([(k, top + 1), (k, y)], shade(wall, rng.uniform(0.8, 0.9)), 0.6)
    canvas.line([(x0 - 2, top), (x, y - height), (x1 + 2, top)], shade(wall, 0.6), 1.6)
    boxes = []
    count = int(rng.integers(2, 4))
    door = choose(rng, ((90, 96, 104), (60, 90, 130), (206, 96, 36), (70, 72, 74)))
    for i in range(count):
        cx, w = x0 + (i + 0.5) * width / count, 0.56 * width / count
        box = (cx - w / 2, y - 0.48 * height, cx + w / 2, y)
        canvas.box(*box, shade(door, 0.9) if stage.chance(0.6) else (22, 22, 24))
        for k in np.arange(box[1], y, 2.4):
            canvas.line([(box[0], k), (box[2], k)], shade(door, 0.7), 0.4)
        if stage.time != "day" and stage.chance(0.6):
            canvas.lights.ellipse(
                cx,
                box[1] - 0.05 * height,
                0.04 * w + 0.8,
                0.02 * w + 0.6,
                choose(rng, WARM_WINDOWS),
            )
        boxes.append(box)
    stage.drawn.add("warehouse")
    return boxes


def draw_tank(
    stage: Stage, canvas: Canvas, x: float, y: float, width: float, height: float
) -> None:
    """A round storage tank with a ladder and a rusty band."""
    rng = stage.rng
    wall = choose(rng, ((206, 206, 200), (170, 172, 174), (190, 150, 110)))
    for k in range(12):  # a cylinder is dark at its sides
        a, b = -1 + k / 6, -1 + (k + 1) / 6
        light = 0.55 + 0.5 * (1 - abs(a + 0.3)) ** 0.7 if abs(a + 0.3) < 1 else 0.55
        canvas.box(x + a * width / 2, y - height, x + b * width / 2, y, shade(wall, light))
    canvas.ellipse(x, y - height, width / 2, 0.09 * width, shade(wall, 0.9))
    canvas.line([(x + 0.3 * width, y), (x + 0.3 * width, y - height)], (80, 70, 64), 1.0)
    canvas.box(
        x - width / 2,
        y - 0.55 * height,
        x + width / 2,
        y - 0.48 * height,
        choose(rng, ((170, 70, 40), (60, 90, 140), shade(wall, 0.8))),
    )
    stage.drawn.add("tank")


def draw_container(stage: Stage, canvas: Canvas, x: float, y: float, width: float) -> None:
    """A shipping container, often in rust red or orange."""
    rng = stage.rng
    paint = choose(
        rng, ((206, 90, 30), (170, 50, 36), (40, 90, 130), (70, 110, 80), (224, 130, 40))
    )
    tall = 0.42 * width
    canvas.box(x - width / 2, y - tall, x + width / 2, y, paint)
    for k in np.linspace(x - width / 2, x + width / 2, 14):
        canvas.line([(k, y - tall + 1), (k, y - 1)], shade(paint, 0.78), 0.8)
    canvas.box(x - width / 2, y - tall, x + width / 2, y - tall + 1.2, shade(paint, 1.15))
    stage.drawn.add("container")


def draw_pile(
    stage: Stage, canvas: Canvas, x: float, y: float, width: float, height: float
) -> None:
    """A heap of logs, planks and pallets, charred here and there."""
    rng = stage.rng
    for _ in range(int(rng.integers(14, 26))):
        cx = x + rng.normal(0, 0.24) * width
        cy = y - abs(rng.normal(0, 0.3)) * height * max(0.1, 1 - abs(cx - x) / width * 1.6)
        a, length = rng.normal(0, 0.45), rng.uniform(0.2, 0.42) * width
        wood = choose(rng, ((60, 42, 30), (96, 70, 48), (34, 26, 22), (128, 96, 64)))
        dx, dy = 0.5 * length * np.cos(a), 0.5 * length * np.sin(a)
        thick = rng.uniform(0.05, 0.12) * height + 1.0
        canvas.line([(cx - dx, cy - dy), (cx + dx, cy + dy)], wood, thick)
        canvas.line(
            [(cx - dx, cy - dy - 0.25 * thick), (cx + dx, cy + dy - 0.25 * thick)],
            shade(wood, 1.3),
            0.2 * thick,
        )
    stage.drawn.add("wood pile")


# --- all of them ----------------------------------------------------------------------------------

THINGS: dict[str, Callable[[Stage, Canvas, float, float, float], object]] = {
    # name: paints one, given the stage, a canvas, where it stands (x, y), and its height
    "conifer": draw_conifer,
    "tree": lambda s, c, x, y, h: draw_tree(s, c, x, y, h, GREENS),
    "autumn tree": lambda s, c, x, y, h: draw_tree(s, c, x, y, h, leaves_of(s, True)),
    "bare tree": draw_bare_tree,
    "bush": lambda s, c, x, y, h: draw_bush(s, c, x, y, 0.7 * h, GREENS),
    "person": draw_person,
    "traffic cone": draw_cone,
    "road sign": draw_sign,
    "tent": lambda s, c, x, y, h: draw_tent(s, c, x, y, 1.5 * h),
    "street lamp": lambda s, c, x, y, h: draw_street_lamp(s, c, x, y, h, 1),
    "car": lambda s, c, x, y, h: draw_car(s, c, x, y, 2.3 * h, 1 if s.chance(0.5) else -1),
    "car from behind": lambda s, c, x, y, h: draw_car_behind(s, c, x, y, 1.25 * h),
    "lorry": lambda s, c, x, y, h: draw_truck(s, c, x, y, 2.4 * h, 1 if s.chance(0.5) else -1),
    "house": lambda s, c, x, y, h: draw_house(s, c, x, y, 1.2 * h, h),
    "block of flats": lambda s, c, x, y, h: draw_block(s, c, x, y, 0.7 * h, h),
    "warehouse": lambda s, c, x, y, h: draw_warehouse(s, c, x, y, 2.0 * h, h),
    "tank": lambda s, c, x, y, h: draw_tank(s, c, x, y, 0.9 * h, h),
    "container": lambda s, c, x, y, h: draw_container(s, c, x, y, 2.4 * h),
    "wood pile": lambda s, c, x, y, h: draw_pile(s, c, x, y, 1.8 * h, h),
}
