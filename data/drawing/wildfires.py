"""Fires as strangers photograph them: daylight, dense smoke, any place; for networks that ship.

Sketch Fire is there to be learned from in minutes: its fires glow, and dusk is its favourite hour.
Photographs of fires show other things: orange and red flames that light nothing up, as it is day;
flames torn to patches in and behind black smoke; façades, roofs from above, grounds of any kind.
`draw_wildfire` draws these, on a stage whose fires differ more from each other than Sketch Fire's.
It also draws Sketch Fire's own scenes on that stage.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from drawing import scenes
from drawing.fire_stage import Canvas, Layer, Stage, choose, flame_light, flame_sheet, shade
from drawing.fire_things import (
    AUTUMN,
    CAR_PAINTS,
    GREENS,
    ROOFS,
    THINGS,
    WALLS,
    WARNING_ORANGE,
    draw_sky,
    draw_windows,
)
from drawing.fires import SCENES, burn_windows, draw_once
from drawing.textures import (
    PALETTES,
    Array,
    Picture,
    blur,
    coordinates,
    dead_leaves,
    mottled,
    smoothstep,
)

FIRE_FREE_SHARE = 0.25
SEEN = 0.33  # opacity from which a flame in smoke is outlined


@dataclass
class WildStage(Stage):
    """A stage whose fires share a tint and a heat, drawn anew for each picture.

    Attributes:
        tint: what the light of every flame is multiplied by, (3,).
        heat: of every flame, as in `flame_sheet`.
        torn: share of the fires that are patches rather than tongues.
        dense: how dense smoke is, 0..1.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        rng = self.rng
        self.glow = float(rng.choice([0.0, 0.15, 0.5, 1.0], p=[0.3, 0.35, 0.2, 0.15]))
        power = np.exp(rng.normal(-0.25, 0.35))
        self.tint = np.array(
            [power, power * rng.uniform(0.25, 0.95), power * rng.uniform(0.05, 0.6)], np.float32
        )
        self.heat = float(np.exp(rng.normal(0, 0.3)))
        self.torn = float(rng.choice([0.0, 0.5, 1.0]))
        self.dense = float(rng.random())
        if self.time == "day" and self.chance(0.5):  # a grey day: light without a colour
            self.light = np.full(3, rng.uniform(0.4, 1.0), np.float32)

    def blaze(
        self, x: float, y: float, width: float, height: float, smoke: str | None, veil: bool
    ) -> None:
        """As `Stage.blaze`; whether there is smoke is the stage's to say."""
        rng = self.rng
        lean = self.wind + rng.normal(0, 0.15)
        if smoke in (None, "none"):
            smoke = str(rng.choice(["dark", "grey", "pale"], p=[0.55, 0.3, 0.15]))
        height = float(height * np.exp(rng.normal(0, 0.2)))
        if self.chance(0.8):  # the column behind
            for _ in range(rng.integers(1, 4)):
                self.smoke(
                    x + rng.normal(0, 0.4) * width,
                    y - rng.uniform(-0.2, 0.5) * height,
                    rng.uniform(0.7, 2.5) * width + 0.3 * height,
                    rng.uniform(1.2, 3.0) * height + rng.uniform(0, 0.6) * self.height,
                    smoke,
                    0.5 + 0.48 * self.dense,
                )
        for _ in range(1 if height < 14 else 2):
            if self.chance(self.torn):
                self.patches(x, y - 0.45 * height, width, height, lean)
            else:
                self.tongues(x, y, width * rng.uniform(0.6, 1.0), height, lean)
        if self.chance(0.3):
            self.beams(x, y, width, height)
        if self.chance(0.15):
            self.sparks(x, y, width, height, lean)
        for _ in range(rng.integers(0, 3) if veil else 0):  # what drifts in front
            self.smoke(
                x + rng.normal(0, 0.5) * width,
                y - rng.uniform(-0.1, 0.8) * height,
                rng.uniform(0.3, 1.2) * width,
                rng.uniform(0.6, 1.8) * height + 0.1 * self.height,
                smoke,
                rng.uniform(0.2, 0.5 + 0.4 * self.dense),
            )

    def tongues(self, x: float, y: float, width: float, height: float, lean: float) -> None:
        """A sheet of tongues, as in Sketch Fire, in this stage's colours."""
        rng = self.rng
        alpha, light = flame_sheet(
            rng,
            self.tiles,
            self.shape,
            (x + rng.normal(0, 0.05) * width, y),
            width,
            height * rng.uniform(0.7, 1.0),
            lean,
            rng.uniform(0.8, 1.8),
            self.heat * float(np.exp(rng.normal(0, 0.15))),
            rng.uniform(1.0, 3.0),
        )
        self.flame(alpha, light * self.tint)

    def patches(self, x: float, y: float, width: float, height: float, lean: float) -> None:
        """Flames torn to pieces around the middle (x, y): what a plume shows where it is thin."""
        rng = self.rng
        rows, columns = coordinates(*self.shape)
        up = (y - rows) / (0.5 * height + 1)
        across = (columns - x - lean * (y - rows)) / (0.5 * width + 1)
        inside = 1 - np.hypot(across, up) ** 2
        coarse = self.noise(rng.uniform(1.3, 1.8), rng.uniform(1.0, 2.0), np.pi / 2)
        fine = self.noise(rng.uniform(0.8, 1.3), 1.5, np.pi / 2)
        body = inside + rng.uniform(0.3, 0.9) * coarse + rng.uniform(0.1, 0.4) * fine
        body = body - rng.uniform(-0.1, 0.8)
        body = np.where(inside > -1.2, body, -1)
        steep = np.hypot(*np.gradient(body)) + 0.05
        alpha = smoothstep(-0.5, 0.5, body / (steep * rng.uniform(1.0, 3.0)))
        warm = self.heat * np.clip(0.35 + 0.8 * body + 0.15 * fine - 0.1 * up, 0.15, 1.8)
        self.flame(0.97 * alpha, flame_light(warm.astype(np.float32)) * self.tint)

    def beams(self, x: float, y: float, width: float, height: float) -> None:
        """Charred posts, frames and branches that stand before a fire."""
        rng, canvas = self.rng, self.canvas()
        for _ in range(rng.integers(1, 7)):
            foot = np.array([x, y]) + rng.uniform(-0.5, 0.5, 2) * (width, 0.3 * height)
            turn = rng.choice([0.0, np.pi / 2, rng.uniform(0, np.pi)])
            tip = foot + rng.uniform(0.2, 1.0) * height * np.array([np.cos(turn), -np.sin(turn)])
            thick = rng.uniform(0.01, 0.1) * height + 0.5
            canvas.line([tuple(foot), tuple(tip)], choose(rng, ((30, 26, 24), (60, 52, 46))), thick)
        self.paint(canvas, 0.3)

    def finish(self) -> tuple[Array, Array]:
        """As `Stage.finish`; now and then through haze, which may be red."""
        if self.chance(0.2):
            tone = self.rng.uniform(0.1, 0.5) * self.rng.uniform((0.9, 0.7, 0.6), (1.1, 1.0, 1.05))
            thick = self.rng.uniform(0.1, 0.5) * smoothstep(-2.5, 1.0, self.noise(1.6, 2.0))
            self.layers.append(Layer(thick, tone.astype(np.float32)))
        return super().finish()

    def cover(self, scene: Array, alpha: Array | None = None) -> None:
        """Add a surface (H, W, 3), linear, that fills the picture or lies where `alpha` says."""
        full = np.ones(self.shape, np.float32)
        self.layers.append(Layer(full if alpha is None else alpha, scene.astype(np.float32)))

    def things(self, count: int, low: float, high: float) -> None:
        """Vehicles, people, plants, signs and more, standing between two heights, 0 is the top."""
        rng, canvas = self.rng, self.canvas()
        for foot in np.sort(rng.uniform(low, high, count)) * self.height:
            draw = THINGS[str(rng.choice(list(THINGS)))]
            tall = rng.uniform(0.08, 0.4) * self.height
            draw(self, canvas, rng.uniform(0, 1) * self.width, float(foot), float(tall))
        self.paint(canvas, rng.uniform(0.05, 0.2), 0.8, rng.choice([0.0, 0.3]))


# --- scenes ---------------------------------------------------------------------------------------


def scene_wall(stage: WildStage) -> None:
    """A front of bricks, boards or panels close by, straight or in perspective: windows burn."""
    rng, h, w = stage.rng, stage.height, stage.width
    draw_sky(stage, h)
    if stage.chance(0.5):
        stage.smoke(rng.uniform(0, 1) * w, 0.8 * h, 0.5 * w, h, "dark", stage.dense)
    if stage.chance(0.6):
        wall = scenes.bricks(rng, h, w)
    else:
        wall = mottled(rng, h, w, str(rng.choice(["wall", "stone", "wood", "linen"])), 1.2, 0.1)
    y, x = coordinates(h, w)
    left, right = rng.uniform(-0.5, 0.35) * w, rng.uniform(0.65, 1.5) * w
    top = rng.uniform(-0.6, 0.4) * h + rng.normal(0, 0.4) * (x - w / 2)
    inside = smoothstep(-1, 1, x - left) * smoothstep(-1, 1, right - x) * smoothstep(-1, 1, y - top)
    stage.cover(wall, inside)
    canvas = stage.canvas()
    rows, columns = int(rng.integers(1, 6)), int(rng.integers(1, 6))
    box = (
        left + 0.05 * w,
        max(0.1 * h, float(top.min())),
        right - 0.05 * w,
        rng.uniform(0.8, 1.3) * h,
    )
    windows = draw_windows(stage, canvas, box, rows, columns, 0.3)
    stage.paint(canvas, 0.1)
    seen = [b for b in windows if 0 < b[0] + b[2] < 2 * w and 0 < b[1] + b[3] < 2 * h]
    if seen and stage.chance(0.6):
        burn_windows(stage, seen, 1.0, "window")
    while stage.wants_fire():  # along an edge, or up the front
        edge = rng.choice([left, right, rng.uniform(0, 1) * w])
        foot = rng.uniform(0.5, 1.05) * h
        tall = stage.size * h * rng.uniform(0.8, 2.0)
        stage.burn(
            float(np.clip(edge, 0, w)), foot, stage.size * w * rng.uniform(0.2, 0.7), tall, "front"
        )
    if stage.chance(0.6):
        stage.things(int(rng.integers(1, 5)), 0.85, 1.2)


def roof(stage: Stage, canvas: Canvas, x: float, y: float, long: float, wide: float) -> None:
    """A building from above and aslant: its roof around (x, y), and two walls in the light."""
    rng = stage.rng
    turn, deep = rng.uniform(0, np.pi), rng.uniform(0.1, 0.7) * wide
    axis, side = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    corners = [
        np.array([x, y]) + a * long / 2 * axis + b * wide / 2 * side
        for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    ]
    wall = choose(rng, WALLS)
    down = np.array([0, deep])
    for first, second, light in zip(
        corners, corners[1:] + corners[:1], (1, 0.8, 1.05, 0.7), strict=True
    ):
        canvas.polygon(
            [tuple(p) for p in (first, second, second + down, first + down)], shade(wall, light)
        )
        for t in np.linspace(0.1, 0.9, int(rng.integers(2, 9))):
            foot = first + t * (second - first) + 0.3 * down
            canvas.line([tuple(foot), tuple(foot + 0.35 * down)], (52, 56, 62), 0.03 * long)
    tone = choose(rng, (*ROOFS, (150, 150, 150), (196, 194, 190), (90, 92, 96)))
    canvas.polygon([tuple(p) for p in corners], tone)
    if stage.chance(0.5):
        a, b = (corners[0] + corners[3]) / 2, (corners[1] + corners[2]) / 2
        canvas.polygon([tuple(p) for p in (a, b, corners[2], corners[3])], shade(tone, 0.8))


def scene_above(stage: WildStage) -> None:
    """Seen from the air: roofs, streets, cars and trees, or open country; smoke drifts over it."""
    rng, h, w = stage.rng, stage.height, stage.width
    palette = str(rng.choice(["grass", "earth", "stone", "foliage", "autumn"]))
    stage.cover(mottled(rng, h, w, palette, rng.uniform(0.6, 1.3), rng.uniform(0.1, 0.4)))
    canvas = stage.canvas()
    for _ in range(rng.integers(0, 3)):
        a, b = rng.uniform(-0.2, 1.2, (2, 2)) * (w, h)
        tone = choose(rng, ((96, 96, 98), (130, 128, 124), (70, 72, 76)))
        canvas.line(
            [tuple(a - 3 * (b - a)), tuple(b + 3 * (b - a))], tone, rng.uniform(0.04, 0.15) * h
        )
    for _ in range(rng.integers(0, 40)):
        r = rng.uniform(0.01, 0.06) * h
        x, y = rng.uniform(0, w), rng.uniform(0, h)
        canvas.ellipse(x + 0.4 * r, y + 0.4 * r, r, r, (30, 34, 28))
        canvas.ellipse(x, y, r, r, choose(rng, GREENS))
    for _ in range(rng.integers(0, 25)):
        x, y, r = rng.uniform(0, w), rng.uniform(0, h), rng.uniform(0.012, 0.03) * h
        canvas.box(x - r, y - 0.6 * r, x + r, y + 0.6 * r, choose(rng, CAR_PAINTS))
    stage.paint(canvas, 0.3, 0.6)
    homes = stage.canvas()
    places = rng.uniform(0.1, 0.9, (rng.integers(0, 6), 2)) * (w, h)
    for x, y in places:
        long = rng.uniform(0.15, 0.8) * w
        roof(stage, homes, x, y, long, long * rng.uniform(0.3, 0.8))
    stage.paint(homes, 0.12)
    while stage.wants_fire():
        x, y = places[-1] if len(places) else rng.uniform(0.2, 0.8, 2) * (w, h)
        x, y = x + rng.normal(0, 0.1) * w, y + rng.normal(0, 0.1) * h
        flat = stage.size * h * rng.uniform(0.4, 1.0)
        stage.scorch(x, y, 1.3 * flat, 0.8 * flat)
        stage.burn(x, y + 0.4 * flat, flat * rng.uniform(0.7, 2.0), flat, "from above")


def petals(stage: WildStage) -> None:
    """Flowers close by, in the colours of fire, sharp or not."""
    rng, h, w = stage.rng, stage.height, stage.width
    for _ in range(rng.integers(1, 7)):
        canvas = stage.canvas()
        middle, r = rng.uniform(0, 1, 2) * (w, h), rng.uniform(0.06, 0.6) * h
        tone = choose(
            rng, (*AUTUMN, *WARNING_ORANGE, (250, 204, 30), (226, 36, 30), (250, 230, 120))
        )
        round_, count = rng.uniform(0.1, 0.35), int(rng.integers(5, 26))
        for ring in (1.0, 0.7, 0.45)[: rng.integers(1, 4)]:
            for turn in rng.permutation(count) * 2 * np.pi / count + rng.normal(0, 0.1, count):
                t = np.linspace(0, np.pi, 9)
                along, across = ring * r * (1 - np.cos(t)) / 2, ring * r * round_ * np.sin(t)
                x = np.concatenate([along, along[::-1]])
                y = np.concatenate([across, -across[::-1]])
                c, s = np.cos(turn), np.sin(turn)
                outline = np.stack([middle[0] + c * x - s * y, middle[1] + s * x + c * y], 1)
                canvas.polygon([*map(tuple, outline)], shade(tone, rng.uniform(0.65, 1.2)))
        canvas.ellipse(*middle, 0.15 * r, 0.15 * r, choose(rng, ((90, 50, 20), (240, 200, 40))))
        stage.paint(canvas, rng.uniform(0.05, 0.25))
        layer, soft = stage.layers[-1], float(rng.choice([0.3, 1.0, 4.0]))
        alpha = blur(layer.alpha, soft)
        layer.albedo = blur(layer.albedo * layer.alpha[..., None], soft)
        layer.albedo, layer.alpha = layer.albedo / np.maximum(alpha, 0.02)[..., None], alpha


def scene_anywhere(stage: WildStage) -> None:
    """A background of any kind, things of any kind before it, and perhaps a fire among them."""
    rng, h, w = stage.rng, stage.height, stage.width
    kind = str(rng.choice(["garden", "room", "cloth", "shapes", "foliage", "petals", "noise"]))
    if kind == "garden":
        scene = scenes.garden(rng, h, w, rng.uniform(0.4, 0.9) * h)
    elif kind == "room":
        scene = scenes.room(rng, h, w)
    elif kind == "cloth":
        scene = scenes.cloth(rng, h, w)
    elif kind in ("foliage", "petals"):
        scene = scenes.foliage(rng, h, w)
    elif kind == "shapes":
        palettes = tuple(rng.choice(list(PALETTES), 4))
        scene = dead_leaves(rng, h, w, palettes, int(rng.integers(20, 120)), rng.uniform(0.1, 0.5))
    else:
        scene = mottled(rng, h, w, str(rng.choice(list(PALETTES))))
    stage.cover(scene * rng.uniform(0.6, 1.2))
    if kind == "petals":
        petals(stage)
    if stage.chance(0.5):
        stage.ground(
            rng.uniform(0.4, 0.9) * h, str(rng.choice(["grass", "earth", "stone", "sand"]))
        )
    stage.things(int(rng.integers(0, 7)), 0.5, 1.1)
    while stage.wants_fire():
        tall = stage.size * h
        stage.burn(
            rng.uniform(0.05, 0.95) * w,
            rng.uniform(0.3, 1.05) * h,
            tall * np.exp(rng.normal(-0.3, 0.5)),
            tall,
            "anything",
        )
    stage.things(int(rng.integers(0, 5)), 0.8, 1.2)


WILD: dict[str, tuple[Callable[[WildStage], None], float]] = {
    **SCENES,
    "wall": (scene_wall, 0.2),
    "above": (scene_above, 0.2),
    "anywhere": (scene_anywhere, 0.35),
}


def draw_wildfire(rng: np.random.Generator) -> Picture:
    """Draw one picture, with or without a fire; as `fires.draw_fire`, of `WILD` scenes."""
    names = list(WILD)
    shares = np.array([WILD[name][1] for name in names])
    scene = str(rng.choice(names, p=shares / shares.sum()))
    time = str(rng.choice(["day", "dusk", "night"], p=[0.75, 0.12, 0.13]))
    fire = bool(rng.random() >= FIRE_FREE_SHARE)
    return draw_once(rng, scene, time, fire, WILD, WildStage, SEEN)
