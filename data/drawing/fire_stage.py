"""The stage on which a fire picture is built: flames, smoke, surfaces, lamps and their light.

A picture is a `Stage`: a list of layers from back to front, kept in linear light. Scenes paint
surfaces on it and, where something burns, call `Stage.burn`. `Stage.finish` then lights the layers
with daylight, lamps and the fires' own glow, mirrors what is wet, and returns the light together
with how opaque the visible flames are at each pixel.

Coordinates are pixels (x to the right, y down), sizes are pixels, colours are sRGB 0..255.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw

from drawing.textures import (
    PALETTES,
    Array,
    blur,
    coordinates,
    fractal_noise,
    linear,
    motion_blur,
    smoothstep,
)

Colour = tuple[int, int, int]
Points = Sequence[tuple[float, float]]

LAMP_REACH = 2.5  # lamps are far brighter than the film can show


# --- colour and noise -----------------------------------------------------------------------------


def choose(rng: np.random.Generator, colours: Sequence[Colour], spread: float = 0.08) -> Colour:
    """One of the colours, slightly lighter or darker and off in hue."""
    colour = np.array(colours[rng.integers(len(colours))], float)
    colour = colour * np.exp(rng.normal(0, spread)) + rng.normal(0, 60 * spread, 3)
    return tuple(int(v) for v in np.clip(colour, 0, 255))


def shade(colour: Colour, factor: float) -> Colour:
    """The colour darker (factor < 1) or lighter (factor > 1)."""
    return tuple(int(min(255, v * factor)) for v in colour)


def look_up(tile: Array, x: Array, y: Array) -> Array:
    """Bilinear samples of a wrapping noise tile at (x, y), any shape, in tile pixels.

    The tile is square and its side a power of two, so that wrapping is a cheap bit mask.
    """
    last = tile.shape[0] - 1
    x, y = np.asarray(x, np.float32), np.asarray(y, np.float32)
    left, top = np.floor(x), np.floor(y)
    right_share, low_share = x - left, y - top
    i, j = left.astype(np.int32) & last, top.astype(np.int32) & last
    i1, j1 = (i + 1) & last, (j + 1) & last
    upper = tile[j, i] + (tile[j, i1] - tile[j, i]) * right_share
    lower = tile[j1, i] + (tile[j1, i1] - tile[j1, i]) * right_share
    return upper + (lower - upper) * low_share


# --- flames and smoke -----------------------------------------------------------------------------


def flame_light(warm: Array) -> Array:
    """Light (..., 3), linear, of a flame that is `warm` (...): red at 0.4, orange at 1, white at 2."""
    return np.stack([1.55 * warm**0.8, 0.64 * warm**1.75 + 0.07 * warm, 0.15 * warm**3.2], -1)


def flame_sheet(
    rng: np.random.Generator,
    tiles: tuple[Array, Array, Array],
    shape: tuple[int, int],
    base: tuple[float, float],
    width: float,
    height: float,
    lean: float = 0.0,
    turbulence: float = 1.0,
    heat: float = 1.0,
    softness: float = 1.6,
) -> tuple[Array, Array]:
    """One sheet of fire: tongues that rise from a base line and break up towards their tips.

    Several tear-drop tongues stand on the base line. Their space is warped by three octaves of
    noise whose strength grows with height, as in a rising, ever more turbulent gas; ridged noise
    eats thin filaments and cuts flamelets off near the tips.

    Args:
        tiles: three wrapping noise tiles (N, N), mean 0 and standard deviation 1.
        shape: height and width of the result.
        base: (x, y) of the middle of the base line.
        width, height: extent of the flame; the warp lets it stray by about a fifth.
        lean: how far the tips are blown sideways, as a share of the height.
        heat: 1 is an everyday flame, less is redder, more is whiter.
        softness: width in pixels of the transition from flame to air.

    Returns:
        opacity float32 (H, W) in 0..1 and emitted light float32 (H, W, 3), linear.
    """
    alpha = np.zeros(shape, np.float32)
    light = np.zeros((*shape, 3), np.float32)
    # Python floats keep the arrays float32.
    base, width, height = (float(base[0]), float(base[1])), float(width), float(height)
    lean = float(lean)
    reach = 0.5 * width + 0.45 * height + abs(lean) * height
    top, bottom = (
        int(max(0, base[1] - 1.5 * height)),
        int(min(shape[0], base[1] + 0.12 * height + 3)),
    )
    left, right = int(max(0, base[0] - reach)), int(min(shape[1], base[0] + reach))
    if bottom - top < 3 or right - left < 3:
        return alpha, light
    y, x = np.mgrid[top:bottom, left:right].astype(np.float32)
    across, up = (x - base[0]) / height, (base[1] - y) / height
    half = 0.5 * width / height
    rise = np.clip(up, 0.0, 1.5)
    across = across - lean * rise**1.4
    shift = rng.uniform(0, tiles[0].shape[0], 8).astype(np.float32)
    # Small flames need their warp in pixels, not only in shares of their height.
    strength = turbulence * np.minimum(1.6 * rise + 0.1, 1.0)
    for k, (frequency, amount) in enumerate(((34, 0.11), (80, 0.055), (170, 0.019))):
        u, v = across * frequency, up * frequency * 0.55
        across = across + strength * amount * look_up(tiles[0], u + shift[k], v + shift[k + 1])
        up = up + 0.9 * strength * amount * look_up(tiles[1], u + shift[k + 2], v + shift[k + 3])
    count = int(np.clip(rng.poisson(1.5 + 8.0 * half), 2, 26))
    centres = np.sort(rng.uniform(-0.85 * half, 0.85 * half, count))
    heights = (1 - 0.5 * (centres / half) ** 2) * rng.uniform(0.35, 1.0, count)
    heights /= heights.max()
    widths = rng.uniform(0.6, 1.15, count) * np.minimum(0.75 * half, 0.13 + 0.12 * heights)
    body = np.full(y.shape, -1.0, np.float32)
    for centre, tall, wide in zip(centres, heights, widths, strict=True):
        s = up / tall
        profile = np.clip(1 - s, 0, None) ** 0.8 * (1 + 1.2 * np.clip(s, 0, 1))
        profile = np.where(s < 0, 1 + 14 * s, profile)
        inside = profile - np.abs(across - centre * (1 - 0.3 * s)) / wide
        body = np.maximum(body, np.where(s > 1, 1 - s - 0.15, inside))
    u, v = across * 105 + shift[6], up * 36 + shift[7]
    ridge = 1.0 - np.minimum(np.abs(look_up(tiles[2], u, v)) * 1.3, 1.3)
    body = body - turbulence * (0.08 + 0.6 * np.clip(up, 0, 1.2)) * np.clip(0.72 - ridge, 0, None)
    steep = np.hypot(*np.gradient(body)) + 0.012
    cover = smoothstep(-0.5, 0.5, body / (steep * softness)) * smoothstep(-0.45, -0.05, body)
    core = np.clip(body, 0, 1)
    warm = heat * (0.5 + 0.9 * core) * (0.5 + 0.7 * np.clip(ridge, 0, 1))
    warm = warm * (1.3 - 0.65 * np.clip(up, 0, 1.1))
    alpha[top:bottom, left:right] = cover * np.clip(0.5 + 0.9 * warm, 0, 0.98)
    light[top:bottom, left:right] = flame_light(warm)
    return alpha, light


def smoke_plume(
    rng: np.random.Generator,
    tiles: tuple[Array, Array, Array],
    shape: tuple[int, int],
    base: tuple[float, float],
    width: float,
    height: float,
    lean: float,
    density: float,
) -> tuple[Array, Array, Array]:
    """A billowing column of smoke that widens as it rises.

    Returns:
        opacity (H, W), and the relief seen from above and from below, both (H, W) around 1:
        how much of the sky's light and of the fire's light each billow catches.
    """
    base, width, height = (float(base[0]), float(base[1])), float(width), float(height)
    lean = float(lean)
    full = [np.zeros(shape, np.float32) for _ in range(3)]
    top, bottom = int(max(0, base[1] - 1.4 * height)), int(min(shape[0], base[1] + 0.2 * height))
    sway = [0.0, 2.0 * lean * height]
    reach = 2.2 * width + 0.25 * height
    left = int(max(0, base[0] + min(sway) - reach))
    right = int(min(shape[1], base[0] + max(sway) + reach))
    if bottom - top < 3 or right - left < 3:
        return full[0], full[1], full[2]
    y, x = np.mgrid[top:bottom, left:right].astype(np.float32)
    up = (base[1] - y) / height
    rise = np.clip(up, 0, 2)
    across = (x - base[0]) / height - lean * rise**1.3
    shift = rng.uniform(0, tiles[0].shape[0], 8).astype(np.float32)
    for k, (frequency, amount) in enumerate(((26, 0.10), (70, 0.045))):
        strength = amount * np.minimum(2 * rise + 0.15, 1)
        u, v = across * frequency, up * frequency
        across = across + strength * look_up(tiles[0], u + shift[k], v + shift[k + 1])
        up = up + strength * look_up(tiles[1], u + shift[k + 2], v + shift[k + 3])
    billow = 1 - np.abs(look_up(tiles[1], across * 60 + shift[5], up * 60 + shift[6]))
    billow += 0.45 * (1 - np.abs(look_up(tiles[0], across * 130 + shift[6], up * 130 + shift[4])))
    half = (0.5 * width / height) * (0.8 + 2.4 * np.clip(up, 0, 2) ** 0.8)
    body = 1 - (across / half) ** 2 + 0.5 * (billow - 0.8)
    body = body * smoothstep(-0.05, 0.12, up) * smoothstep(1.25, 0.55, up)
    alpha = density * smoothstep(0.05, 0.6, body)
    slope_y, slope_x = np.gradient(blur(billow, 0.8))
    scale = 0.03 * min(shape)
    above = np.clip(0.9 + scale * (0.75 * slope_y + 0.45 * slope_x), 0.4, 1.8)
    below = np.clip(0.8 - 1.1 * scale * slope_y, 0.15, 2.2)
    for whole, part in zip(full, (alpha, above, below), strict=True):
        whole[top:bottom, left:right] = part
    return full[0], full[1], full[2]


# --- the stage ------------------------------------------------------------------------------------


@dataclass
class Layer:
    """One sheet of the picture, from back to front.

    Attributes:
        alpha: opacity (H, W), 0..1.
        albedo: share of light that it returns (H, W, 3) or (3,), linear.
        glow: light of its own (H, W, 3), added on top; None is none.
        fire_albedo: as albedo, but for light that comes from a fire; None is the same.
        is_fire: its opacity counts towards the mask.
        is_sky: its glow is already in the daylight.
    """

    alpha: Array
    albedo: Array
    glow: Array | None = None
    fire_albedo: Array | None = None
    is_fire: bool = False
    is_sky: bool = False


@dataclass
class Mirror:
    """Still water or wet ground: below the line `y` the picture above it appears upside down."""

    y: float
    cover: Array
    ripple: float
    smear: float


class Canvas:
    """Flat shapes painted with Pillow at three times the size; `fill=None` cuts a hole.

    `lights` is a second canvas for what shines by itself: windows, lamps, screens.
    """

    ZOOM = 3

    def __init__(self, height: int, width: int) -> None:
        self.size = (height, width)
        self.picture = Image.new("RGBA", (width * self.ZOOM, height * self.ZOOM))
        self.draw = ImageDraw.Draw(self.picture)

    @property
    def lights(self) -> Canvas:
        """The canvas of shining things that lie on this one, made at first use."""
        if not hasattr(self, "_lights"):
            self._lights = Canvas(*self.size)
        return self._lights

    def _ink(self, fill: Colour | None) -> tuple[int, int, int, int]:
        return (0, 0, 0, 0) if fill is None else (*fill, 255)

    def polygon(self, points: Points, fill: Colour | None) -> None:
        """A filled polygon."""
        self.draw.polygon([(x * self.ZOOM, y * self.ZOOM) for x, y in points], self._ink(fill))

    def box(self, x0: float, y0: float, x1: float, y1: float, fill: Colour | None) -> None:
        """A filled upright rectangle."""
        self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], fill)

    def ellipse(self, x: float, y: float, rx: float, ry: float, fill: Colour | None) -> None:
        """A filled ellipse around (x, y)."""
        z = self.ZOOM
        box = [(x - rx) * z, (y - ry) * z, (x + rx) * z, (y + ry) * z]
        self.draw.ellipse(box, self._ink(fill))

    def line(self, points: Points, fill: Colour | None, width: float = 1.0) -> None:
        """A line of `width` pixels through the points."""
        scaled = [(x * self.ZOOM, y * self.ZOOM) for x, y in points]
        self.draw.line(scaled, self._ink(fill), max(1, round(width * self.ZOOM)), joint="curve")

    def pixels(self) -> tuple[Array, Array]:
        """(albedo (H, W, 3) linear, opacity (H, W)), both float32."""
        size = (self.picture.width // self.ZOOM, self.picture.height // self.ZOOM)
        small = np.asarray(self.picture.resize(size, Image.Resampling.BOX))
        return linear(small[..., :3]), small[..., 3].astype(np.float32) / 255.0


@dataclass
class Stage:
    """A picture in the making: its layers, its light, and whether and how large things burn.

    Attributes:
        size: height of an everyday fire as a share of the picture's height.
        fires: how many fires `burn` may still light; scene functions ask `wants_fire`.
        light: daylight (3,), linear.
        glow: how much of its fires' light falls on other things.
    """

    rng: np.random.Generator
    height: int
    width: int
    time: str
    fires: int
    size: float
    wind: float = 0.0
    smoky: float = 0.5
    light: Array = field(default_factory=lambda: np.ones(3, np.float32))
    glow: float = 1.0
    layers: list[Layer | Mirror] = field(default_factory=list)
    lit: list[str] = field(default_factory=list)
    drawn: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.tiles = tuple(fractal_noise(self.rng, 256, 256, s) for s in (1.75, 1.75, 1.45))
        level, tint = {
            "day": (self.rng.uniform(0.55, 1.0), (1.0, 1.0, 1.02)),
            "dusk": (self.rng.uniform(0.2, 0.5), (1.0, 0.86, 0.84)),
            "night": (self.rng.uniform(0.04, 0.15), (0.85, 0.92, 1.2)),
        }[self.time]
        self.light = level * np.array(tint, np.float32)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.height, self.width

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return bool(self.rng.random() < probability)

    def canvas(self) -> Canvas:
        """An empty, transparent canvas of the stage's size."""
        return Canvas(self.height, self.width)

    def noise(self, slope: float = 1.0, stretch: float = 1.0, angle: float = 0.0) -> Array:
        """Fractal noise of the stage's size."""
        tile = fractal_noise(self.rng, 256, 256, slope, stretch, angle)
        room = ((0, max(0, self.height - 256)), (0, max(0, self.width - 256)))
        return np.pad(tile, room, mode="wrap")[: self.height, : self.width]

    # - adding layers -

    def paint(
        self,
        canvas: Canvas,
        rough: float = 0.15,
        slope: float = 0.8,
        haze: float = 0.0,
        stretch: float = 1.0,
    ) -> None:
        """Add what is on the canvas, with a surface of fractal noise and aerial `haze` (0..1)."""
        albedo, alpha = canvas.pixels()
        albedo = albedo * np.exp(rough * self.noise(slope, stretch))[..., None]
        if haze:
            pale = np.array([0.42, 0.45, 0.5], np.float32)
            albedo = albedo + haze * (pale - albedo)
        self.layers.append(Layer(alpha, albedo))
        if hasattr(canvas, "_lights"):
            self.shine(canvas.lights, 2.0)

    def shine(self, canvas: Canvas, power: float) -> None:
        """Add what is on the canvas as a light source of its own colour."""
        colour, alpha = canvas.pixels()
        self.layers.append(Layer(alpha, np.zeros(3, np.float32), power * colour * alpha[..., None]))

    def ground(
        self, top: float, palette: str | Sequence[Colour], rough: float = 0.3, bumps: float = 0.01
    ) -> None:
        """A ground plane from `top` to the lower edge; its grain is coarser closer by."""
        colours = linear(PALETTES[palette] if isinstance(palette, str) else palette)
        first, second = colours[self.rng.permutation(len(colours))[:2]]
        y, x = coordinates(*self.shape)
        depth = np.clip((y - top) / max(self.height - top, 1), 0.004, 1)
        near = depth + 0.22
        u = (x - self.width / 2) * 0.8 / near
        v = self.rng.uniform(1.5, 2.2) * self.height * 0.5 * np.log(near)
        start = self.rng.uniform(0, 256, 2)
        grain = look_up(self.tiles[2], u + start[0], v + start[1])
        fine = self.noise(0.5, 1.6)
        mix = smoothstep(-1.3, 1.3, look_up(self.tiles[0], 0.5 * u + start[1], 0.6 * v))
        albedo = first + mix[..., None] * (second - first)
        grain = 0.6 * grain * np.sqrt(depth + 0.1) + 0.3 * fine * depth
        albedo = albedo * np.exp(rough * grain)[..., None]
        edge = top + bumps * self.height * look_up(self.tiles[0], x[:1] * 0.35 + start[0], y[:1])
        self.layers.append(Layer(smoothstep(-0.7, 0.7, y - edge), albedo))
        self.litter(
            top, [tuple(c) for c in PALETTES[palette]] if isinstance(palette, str) else palette
        )

    def litter(self, top: float, colours: Sequence[Colour]) -> None:
        """Tufts, stones and leaves that lie on the ground below `top`, smaller far away."""
        canvas, rng = self.canvas(), self.rng
        tufts = self.chance(0.6)
        for depth in np.sort(rng.uniform(0.02, 1, int(rng.integers(30, 150))) ** 0.8):
            x, y = rng.uniform(0, self.width), top + depth * (self.height - top)
            r = (0.3 + 2.2 * depth) * rng.uniform(0.4, 1.2)
            fill = shade(choose(rng, colours, 0.1), rng.uniform(0.55, 1.25))
            if tufts:
                for bend in rng.normal(0, 1.0, 3):
                    canvas.line([(x, y), (x + bend * r, y - 1.8 * r)], fill, 0.3 * r)
            else:
                canvas.ellipse(x, y + 0.25 * r, 0.6 * r, 0.25 * r, shade(fill, 0.5))
                canvas.ellipse(x, y, 0.55 * r, 0.3 * r, fill)
        self.paint(canvas, 0.1)

    def mirror(self, y: float, cover: Array, ripple: float = 1.0, smear: float = 2.0) -> None:
        """Make what lies below `y` reflect what stands above it, where `cover` (H, W) says."""
        self.layers.append(Mirror(y, cover, ripple, smear))
        self.drawn.add("reflection")

    # - fire -

    def wants_fire(self) -> bool:
        """Whether another fire may be lit in this picture."""
        return self.fires > 0

    def burn(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        where: str,
        smoke: str | None = None,
        veil: bool = True,
    ) -> None:
        """Light a fire on the base line around (x, y): smoke behind it, flames, sparks, embers.

        Args:
            where: what burns, for the facts.
            smoke: "dark", "grey", "pale" or None for a random choice, "none" for none.
            veil: whether thin smoke may drift in front.
        """
        if self.wants_fire():
            self.fires -= 1
            self.lit.append(where)
            self.blaze(x, y, width, height, smoke, veil)

    def blaze(
        self, x: float, y: float, width: float, height: float, smoke: str | None, veil: bool
    ) -> None:
        """Paint the fire that `burn` lights."""
        rng = self.rng
        lean = self.wind + rng.normal(0, 0.08)
        heat = float(np.clip(np.exp(rng.normal(0.05, 0.22)), 0.82, 1.8))
        kind = smoke or str(rng.choice(["dark", "grey", "pale"]))
        if kind != "none" and self.chance(0.35 + 0.6 * self.smoky):
            self.smoke(
                x + 0.3 * lean * height,
                y - 0.45 * height,
                0.9 * width + 0.15 * height,
                rng.uniform(1.4, 3.0) * height + 0.35 * self.height,
                kind,
            )
        softness = rng.uniform(1.3, 2.2)
        sheets = ((1.0, 1.0, 0.82), (0.8, 0.72, 1.08)) if height > 14 else ((1.0, 1.0, 1.05),)
        for wide, tall, warm in sheets:
            alpha, light = flame_sheet(
                rng,
                self.tiles,
                self.shape,
                (x + rng.normal(0, 0.03) * width, y),
                wide * width,
                tall * height,
                lean,
                rng.uniform(0.8, 1.25),
                heat * warm,
                softness,
            )
            self.flame(alpha, light)
        self.sparks(x, y, width, height, lean)
        if veil and kind != "none" and self.chance(0.3):
            self.smoke(
                x + lean * height,
                y - rng.uniform(0.45, 0.9) * height,
                width,
                1.5 * height + 0.2 * self.height,
                kind,
                rng.uniform(0.2, 0.5),
            )

    def flame(self, alpha: Array, light: Array) -> None:
        """Add flames of an opacity (H, W) and a light (H, W, 3)."""
        glow = light * alpha[..., None]
        self.layers.append(Layer(alpha, np.zeros(3, np.float32), glow, is_fire=True))

    def scorch(self, x: float, y: float, width: float, depth: float) -> None:
        """Blackened ground around the middle (x, y) of a fire's base line."""
        rows, columns = coordinates(*self.shape)
        far = ((columns - x) / (0.6 * width + 2)) ** 2 + ((rows - y) / (depth + 1.5)) ** 2
        burnt = smoothstep(1.1, 0.5, far + 0.25 * self.noise(1.0))
        self.layers.append(Layer(0.8 * burnt, np.full(3, 0.025, np.float32)))

    def smoke(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        kind: str,
        density: float | None = None,
    ) -> None:
        """A plume of "dark", "grey" or "pale" smoke that rises from (x, y)."""
        rng = self.rng
        density = rng.uniform(0.55, 0.97) if density is None else density
        tone = {"dark": 0.035, "grey": 0.16, "pale": 0.45}[kind] * np.exp(rng.normal(0, 0.25))
        tint = np.array([1.0, rng.uniform(0.9, 1.0), rng.uniform(0.82, 1.02)], np.float32)
        alpha, above, below = smoke_plume(
            rng,
            self.tiles,
            self.shape,
            (x, y),
            width,
            height,
            1.2 * self.wind + rng.normal(0, 0.12),
            density,
        )
        colour = (tone * tint).astype(np.float32)
        bounce = (0.12 + 0.5 * tone) * tint
        self.layers.append(Layer(alpha, colour * above[..., None], None, bounce * below[..., None]))
        self.drawn.add(f"{kind} smoke")

    def drift(self) -> None:
        """Thin smoke that hangs in the air behind the foremost layer and glows near the fire."""
        thick = smoothstep(-1.5, 2.0, self.noise(1.6, 2.0)) * self.rng.uniform(0.05, 0.25)
        tone = np.full(3, self.rng.uniform(0.2, 0.45), np.float32)
        self.layers.insert(-1, Layer(thick, tone, None, 0.8 * tone))
        self.drawn.add("haze")

    def sparks(self, x: float, y: float, width: float, height: float, lean: float) -> None:
        """Single glowing sparks above a fire; they are not part of the mask."""
        rng = self.rng
        count = int(rng.poisson(rng.choice([0, 6, 25], p=[0.4, 0.4, 0.2])) * min(1, height / 40))
        if not count:
            return
        canvas = self.canvas()
        for _ in range(count):
            up = rng.gamma(2.0, 0.45) * height
            px = x + rng.normal(0, 0.4) * (width + 0.3 * up) + lean * up
            length = rng.uniform(0.5, 3.0)
            turn = rng.normal(lean, 0.5)
            canvas.line(
                [(px, y - up), (px + turn * length, y - up - length)],
                choose(rng, ((255, 190, 90), (255, 140, 50))),
                0.5,
            )
        self.shine(canvas, 2.5)
        self.drawn.add("sparks")

    def lamp(self, x: float, y: float, radius: float, colour: Colour, power: float) -> None:
        """A small bright light with a halo."""
        canvas = self.canvas()
        canvas.ellipse(x, y, radius, radius, colour)
        self.shine(canvas, power)

    # - light -

    def finish(self) -> tuple[Array, Array]:
        """Light all layers: (scene (H, W, 3) linear, visible flame opacity (H, W))."""
        source = np.zeros((*self.shape, 3), np.float32)
        for layer in self.layers:
            if isinstance(layer, Layer) and layer.glow is not None:
                if layer.is_fire:
                    source = source * (1 - layer.alpha[..., None]) + layer.glow
                elif not layer.is_sky:
                    source = source + LAMP_REACH * layer.glow
        side = min(self.shape)
        glow = 1.1 * blur(source, 0.09 * side) + 1.6 * blur(source, 0.28 * side)
        glow = np.maximum(glow, 0) + 0.35 * source.mean((0, 1))
        # What a fire throws on its surroundings is orange, however red its outer sheets are.
        glow = self.glow * np.maximum(glow, glow[..., :1] * np.array([1.0, 0.38, 0.09], np.float32))
        scene = np.zeros_like(source)
        fire = np.zeros(self.shape, np.float32)
        for layer in self.layers:
            if isinstance(layer, Mirror):
                scene = self._reflect(scene, fire, layer)
                continue
            alpha = layer.alpha[..., None]
            if layer.is_fire:
                scene, fire = scene * (1 - alpha) + layer.glow, 1 - (1 - fire) * (1 - layer.alpha)
                continue
            by_fire = layer.albedo if layer.fire_albedo is None else layer.fire_albedo
            surface = layer.albedo * self.light + by_fire * glow
            scene = scene * (1 - alpha) + surface * alpha
            if layer.glow is not None:
                scene = scene + layer.glow
            fire = fire * (1 - layer.alpha)
        # Bright light spreads in the lens.
        excess = np.clip(scene - 0.75, 0, 3)
        scene = scene + 0.10 * blur(excess, 0.012 * side) + 0.10 * blur(excess, 0.06 * side)
        return np.maximum(scene, 0), fire

    def _reflect(self, scene: Array, fire: Array, mirror: Mirror) -> Array:
        y, x = coordinates(*self.shape)
        start = self.rng.uniform(0, 256, 2)
        depth = np.clip(y - mirror.y, 0, None)
        wave = look_up(self.tiles[2], x * 0.35 + start[0], y * 2.2 + start[1])
        source_y = mirror.y - depth * (1 + 0.04 * mirror.ripple * wave) - mirror.ripple * wave
        source_x = x + mirror.ripple * 0.08 * depth**0.6 * wave
        row = np.clip(source_y, 0, self.height - 1).astype(np.int32)
        column = np.clip(source_x, 0, self.width - 1).astype(np.int32)
        upside_down = motion_blur(scene[row, column], mirror.smear, np.pi / 2)
        cover = mirror.cover * (depth > 0) * (1 - fire)
        return scene + cover[..., None] * (0.85 * upside_down - scene * 0.85)
