"""Building blocks that both data sets draw with: noise, surfaces, palettes and a camera.

Conventions: a *scene* is a float32 array (H, W, 3) of linear light, where 1.0 is white paper in
full light; a *field* is a float32 array (H, W). Colours in palettes are sRGB (what a colour picker
shows) and go through `linear` before they are mixed, since light adds up linearly. `photograph`
turns a scene into the uint8 picture that a camera would have saved.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

Array = np.ndarray


@dataclass
class Picture:
    """A drawn picture with its truth.

    Attributes:
        image: uint8 (H, W, 3), sRGB.
        mask: uint8 (H, W), class values as the data set stores them.
        facts: what else is known (labels, boxes, scene names).
    """

    image: Array
    mask: Array
    facts: dict[str, Any] = field(default_factory=dict)


# --- colour ---------------------------------------------------------------------------------------

PALETTES: dict[str, tuple[tuple[int, int, int], ...]] = {
    "grass": ((92, 120, 48), (118, 140, 62), (70, 98, 40), (140, 150, 84), (160, 156, 100)),
    "foliage": ((44, 70, 34), (78, 104, 48), (110, 130, 66), (30, 44, 26), (150, 150, 90)),
    "autumn": ((178, 110, 40), (150, 76, 34), (196, 150, 62), (120, 66, 40), (90, 84, 44)),
    "earth": ((120, 96, 72), (150, 126, 98), (92, 74, 56), (172, 152, 124), (110, 100, 90)),
    "sand": ((206, 186, 152), (190, 166, 130), (222, 206, 178), (176, 156, 126)),
    "snow": ((236, 240, 246), (222, 230, 242), (244, 244, 246), (206, 216, 232)),
    "sky": ((150, 190, 228), (190, 212, 234), (116, 160, 210), (214, 222, 230)),
    "water": ((70, 104, 126), (96, 134, 150), (52, 78, 98), (130, 160, 170)),
    "stone": ((134, 130, 124), (160, 156, 150), (104, 102, 100), (184, 178, 168), (120, 112, 100)),
    "brick": ((156, 84, 64), (176, 104, 78), (132, 70, 56), (190, 126, 96), (146, 100, 84)),
    "wood": ((142, 98, 60), (176, 130, 84), (112, 74, 46), (200, 158, 110), (88, 58, 40)),
    "wall": ((226, 220, 206), (206, 200, 190), (190, 196, 200), (214, 200, 176), (180, 190, 172)),
    "fabric": ((120, 40, 46), (50, 70, 110), (190, 176, 154), (90, 96, 84), (170, 120, 130)),
    "vivid": ((196, 50, 44), (40, 90, 170), (230, 180, 50), (60, 140, 90), (150, 70, 150)),
    "linen": ((232, 226, 214), (214, 206, 196), (198, 204, 214), (224, 208, 204), (240, 238, 232)),
    "dark": ((34, 30, 30), (52, 46, 42), (24, 26, 32), (66, 60, 56), (44, 52, 50)),
    "fur": ((64, 50, 40), (150, 108, 66), (206, 170, 122), (238, 228, 212), (120, 112, 106)),
    "metal": ((130, 134, 140), (170, 174, 180), (90, 94, 100), (60, 62, 68)),
}


def linear(colour: Any) -> Array:
    """sRGB values 0..255 (any shape, last axis 3) -> float32 linear light 0..1."""
    value = np.asarray(colour, np.float32) / 255.0
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


def srgb(light: Array) -> Array:
    """Linear light (clipped to 0..1) -> float32 sRGB 0..1."""
    light = np.clip(light, 0.0, 1.0)
    return np.where(
        light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 1e-8) ** (1 / 2.4) - 0.055
    ).astype(np.float32)


def pick_colour(rng: np.random.Generator, palette: str, spread: float = 0.12) -> Array:
    """One linear-light colour near the palette's colours: float32 (3,)."""
    colours = linear(PALETTES[palette])
    weights = rng.dirichlet(np.full(len(colours), 0.5))
    colour = weights @ colours
    return (colour * np.exp(rng.normal(0, spread) + rng.normal(0, spread / 3, 3))).astype(
        np.float32
    )


# --- fields ---------------------------------------------------------------------------------------


def resize(values: Array, height: int, width: int, smooth: bool = True) -> Array:
    """Resize a float field or scene to (height, width[, 3]), bicubic or nearest."""
    how = Image.Resampling.BICUBIC if smooth else Image.Resampling.NEAREST
    if values.ndim == 3:
        return np.stack(
            [resize(values[..., c], height, width, smooth) for c in range(values.shape[2])], -1
        )
    picture = Image.fromarray(np.ascontiguousarray(values, np.float32))
    return np.asarray(picture.resize((width, height), how))


def coordinates(height: int, width: int) -> tuple[Array, Array]:
    """Pixel-centre coordinates (y, x), each float32 (H, W), in pixels."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    return y + 0.5, x + 0.5


def fractal_noise(
    rng: np.random.Generator,
    height: int,
    width: int,
    slope: float = 1.0,
    stretch: float = 1.0,
    angle: float = 0.0,
    largest: float | None = None,
) -> Array:
    """Noise whose amplitude falls as 1/frequency**slope, as in natural scenes: mean 0, std 1.

    Args:
        slope: 0 is white noise, 1 is natural, 2 is cloud-like.
        stretch: how many times longer the grain is along `angle` (radians) than across it.
        largest: wavelengths longer than this many pixels are faded out.
    """
    # A power-of-two canvas keeps the transform fast and hides the wrap-around.
    size = max(64, 1 << int(np.ceil(np.log2(max(height, width)))))
    fy = np.fft.fftfreq(size).astype(np.float32)[:, None]
    fx = np.fft.rfftfreq(size).astype(np.float32)[None, :]
    along = np.cos(angle) * fx + np.sin(angle) * fy
    across = -np.sin(angle) * fx + np.cos(angle) * fy
    frequency = np.sqrt((along * stretch) ** 2 + across**2)
    frequency[0, 0] = 1.0
    amplitude = frequency**-slope
    if largest is not None:
        amplitude = amplitude * (frequency * largest) ** 2 / (1.0 + (frequency * largest) ** 2)
    amplitude[0, 0] = 0.0
    white = rng.standard_normal((2, *frequency.shape), dtype=np.float32)
    noise = np.fft.irfft2((white[0] + 1j * white[1]) * amplitude, s=(size, size))
    top, left = rng.integers(0, size - height + 1), rng.integers(0, size - width + 1)
    noise = noise[top : top + height, left : left + width].astype(np.float32)
    return (noise - noise.mean()) / (noise.std() + 1e-6)


def smooth_noise(rng: np.random.Generator, height: int, width: int, cells: float) -> Array:
    """Soft blobs, about `cells` of them along the longer side: float32 (H, W), 0..1 or so."""
    scale = cells / max(height, width)
    rows, columns = max(2, round(height * scale)), max(2, round(width * scale))
    return resize(rng.random((rows + 1, columns + 1), dtype=np.float32), height, width)


def gradient(height: int, width: int, angle: float) -> Array:
    """A ramp from 0 to 1 in the direction `angle` (radians, 0 is to the right, pi/2 down)."""
    y, x = coordinates(height, width)
    ramp = np.cos(angle) * x + np.sin(angle) * y
    return (ramp - ramp.min()) / (np.ptp(ramp) + 1e-6)


def smoothstep(low: float | Array, high: float | Array, value: Array) -> Array:
    """0 below `low`, 1 above `high`, smooth in between."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def blur(values: Array, sigma: float) -> Array:
    """Gaussian blur of a field or scene; edges are repeated. Wide blurs work on a small copy."""
    if sigma < 0.25:
        return values
    height, width = values.shape[:2]
    if sigma > 6.0:
        factor = sigma / 3.0
        small = resize(
            blur(values, factor / 2), max(2, round(height / factor)), max(2, round(width / factor))
        )
        return resize(blur(small, 3.0), height, width)
    radius = int(np.ceil(2.5 * sigma))
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2).astype(np.float32)
    taps /= taps.sum()
    for axis, length in ((0, height), (1, width)):
        pad = [(0, 0)] * values.ndim
        pad[axis] = (radius, radius)
        padded = np.pad(values, pad, mode="edge")
        values = sum(
            tap * (padded[i : i + length] if axis == 0 else padded[:, i : i + length])
            for i, tap in enumerate(taps)
        )
    return values


def motion_blur(values: Array, length: float, angle: float) -> Array:
    """Average of shifted copies along a line of `length` pixels in direction `angle`."""
    steps = max(1, int(np.ceil(length)))
    total = np.zeros_like(values)
    for t in np.linspace(-0.5, 0.5, steps + 1):
        shift = (round(t * length * np.sin(angle)), round(t * length * np.cos(angle)))
        total += shifted(values, *shift)
    return total / (steps + 1)


def shifted(values: Array, down: int, right: int) -> Array:
    """A copy moved by whole pixels, edges repeated."""
    height, width = values.shape[:2]
    rows = np.clip(np.arange(height) - down, 0, height - 1)
    columns = np.clip(np.arange(width) - right, 0, width - 1)
    return values[rows][:, columns]


# --- shapes ---------------------------------------------------------------------------------------


def polygon(height: int, width: int, points: Any, soft: int = 2) -> Array:
    """Coverage 0..1 of a polygon given as (x, y) pairs in pixels, anti-aliased `soft` times."""
    canvas = Image.new("L", (width * soft, height * soft))
    ImageDraw.Draw(canvas).polygon([(x * soft, y * soft) for x, y in points], fill=255)
    small = canvas.resize((width, height), Image.Resampling.BOX) if soft > 1 else canvas
    return np.asarray(small, np.float32) / 255.0


def blob(
    rng: np.random.Generator, x: float, y: float, radius: float, rough: float = 0.25, n: int = 24
) -> list[tuple[float, float]]:
    """Points of a closed wobbly outline around (x, y); `rough` 0 is a circle or ellipse."""
    turn = np.linspace(0, 2 * np.pi, n, endpoint=False)
    squash, tilt = np.exp(rng.normal(0, 0.25)), rng.uniform(0, np.pi)
    r = np.ones(n)
    for k in range(2, 6):
        r += rough / k * rng.normal() * np.cos(k * turn + rng.uniform(0, 2 * np.pi))
    px, py = r * np.cos(turn) * squash, r * np.sin(turn) / squash
    return [
        (x + radius * (a * np.cos(tilt) - b * np.sin(tilt)),
         y + radius * (a * np.sin(tilt) + b * np.cos(tilt)))
        for a, b in zip(px, py, strict=True)
    ]  # fmt: skip


def over(scene: Array, colour: Array, alpha: Array) -> Array:
    """Paint `colour` (3,) or (H, W, 3) on the scene where `alpha` (H, W) is 1, mix in between."""
    return scene + alpha[..., None] * (colour - scene)


# --- surfaces -------------------------------------------------------------------------------------


def mottled(
    rng: np.random.Generator,
    height: int,
    width: int,
    palette: str | Array,
    slope: float | None = None,
    contrast: float | None = None,
    stretch: float = 1.0,
    angle: float = 0.0,
) -> Array:
    """Fractal noise in natural colours: two or three palette colours mixed by 1/f fields."""
    slope = rng.uniform(0.5, 1.5) if slope is None else slope
    contrast = rng.uniform(0.08, 0.4) if contrast is None else contrast
    if isinstance(palette, str):
        first, second = pick_colour(rng, palette), pick_colour(rng, palette)
    else:
        first = np.asarray(palette, np.float32)
        second = first * np.exp(rng.normal(0, 0.12, 3)).astype(np.float32)
    light = fractal_noise(rng, height, width, slope, stretch, angle)
    tint = smoothstep(-1.2, 1.2, fractal_noise(rng, height, width, slope + 0.3, stretch, angle))
    scene = first + tint[..., None] * (second - first)
    return scene * np.exp(contrast * light)[..., None]


def dead_leaves(
    rng: np.random.Generator,
    height: int,
    width: int,
    palettes: tuple[str, ...],
    count: int = 60,
    largest: float = 0.35,
    smallest: float = 0.02,
) -> Array:
    """Random textured shapes that hide each other, of all sizes, big ones at the back.

    This occlusion model has the edge and scale statistics of natural pictures
    (Lee, Mumford and Huang, IJCV 2001).

    Args:
        palettes: each shape takes its colour from one of these.
        largest: radius of the biggest shape as a share of the longer side; sizes follow 1/r**3.
    """
    side = max(height, width)
    scene = mottled(rng, height, width, str(rng.choice(palettes)))
    grain = fractal_noise(rng, height, width, 0.9)
    low, high = smallest**-2, largest**-2
    radii = (high + (low - high) * rng.random(count)) ** -0.5
    # Mostly from large to small, so that the big ones do not bury everything.
    for radius in sorted(radii * np.exp(rng.normal(0, 0.3, count)), reverse=True):
        x, y, r = rng.uniform(-0.1, 1.1) * width, rng.uniform(-0.1, 1.1) * height, radius * side
        reach = 1.8 * r + 2
        top, bottom = int(max(0, y - reach)), int(min(height, y + reach))
        left, right = int(max(0, x - reach)), int(min(width, x + reach))
        if bottom - top < 2 or right - left < 2:
            continue
        kind = rng.random()
        if kind < 0.6:
            points = blob(rng, x - left, y - top, r, rng.uniform(0, 0.6))
        else:
            a, ratio = rng.uniform(0, np.pi), np.exp(rng.normal(0, 0.5))
            corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [r * ratio, r / ratio] * 0.8
            turn = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
            points = [tuple(p) for p in corners @ turn + [x - left, y - top]]
        alpha = polygon(bottom - top, right - left, points)
        shade = 1.0 + rng.uniform(-0.45, 0.45) * (
            gradient(bottom - top, right - left, rng.uniform(0, 2 * np.pi)) - 0.5
        )
        rough = np.exp(rng.uniform(0.0, 0.35) * grain[top:bottom, left:right])
        colour = pick_colour(rng, str(rng.choice(palettes)))
        patch = scene[top:bottom, left:right]
        # A soft dark rim is the contact shadow that tells which shape lies in front.
        rim = blur(alpha, max(0.6, 0.1 * r)) * rng.uniform(0, 0.5)
        patch = patch * (1 - rim)[..., None]
        scene[top:bottom, left:right] = over(patch, colour * (shade * rough)[..., None], alpha)
    return scene


def bokeh(rng: np.random.Generator, scene: Array, sigma: float) -> Array:
    """Out-of-focus scene: blurred, with a few bright discs where highlights were."""
    height, width = scene.shape[:2]
    soft = blur(scene, sigma)
    for _ in range(rng.integers(0, 10)):
        x, y, r = rng.uniform(0, width), rng.uniform(0, height), sigma * rng.uniform(0.8, 2.0)
        disc = polygon(height, width, blob(rng, x, y, max(r, 1.5), 0.0))
        glow = scene[int(min(y, height - 1)), int(min(x, width - 1))] * rng.uniform(1.0, 2.2)
        soft = over(soft, glow, disc * rng.uniform(0.1, 0.45))
    return soft


# --- camera ---------------------------------------------------------------------------------------


@dataclass
class Camera:
    """How a scene becomes a picture; `Camera.random` draws everyday settings.

    Attributes:
        exposure: stops (powers of two) above or below the scene as painted.
        warmth: white balance error, above 0 is orange, below 0 is blue.
        contrast: strength of the tone curve around mid-grey, 1 is none.
        saturation: 0 is black and white, 1 is as painted.
        focus: Gaussian blur of the lens in pixels.
        shake: length of the motion blur in pixels, in direction `shake_angle`.
        vignette: how much darker the corners are, 0..1.
        noise: standard deviation of the sensor noise in a mid-grey, as a share of white.
        quality: JPEG quality of a first, lossy saving; None is none.
    """

    exposure: float = 0.0
    warmth: float = 0.0
    contrast: float = 1.0
    saturation: float = 1.0
    focus: float = 0.4
    shake: float = 0.0
    shake_angle: float = 0.0
    vignette: float = 0.1
    noise: float = 0.01
    quality: int | None = None

    @classmethod
    def random(cls, rng: np.random.Generator, strength: float = 1.0) -> Camera:
        """Everyday settings; `strength` 0 is a good camera, 1 is any camera."""
        return cls(
            exposure=rng.normal(0.0, 0.35 * strength),
            warmth=rng.normal(0.0, 0.12 * strength),
            contrast=float(np.exp(rng.normal(0.08, 0.18 * strength))),
            saturation=float(np.exp(rng.normal(0.0, 0.25 * strength))),
            focus=float(rng.choice([0.3, 0.5, 0.7, 1.0], p=[0.4, 0.3, 0.2, 0.1])),
            shake=float(rng.uniform(2, 5)) if rng.random() < 0.06 * strength else 0.0,
            shake_angle=rng.uniform(0, np.pi),
            vignette=rng.uniform(0, 0.35 * strength),
            noise=float(np.exp(rng.normal(np.log(0.010), 0.6 * strength))),
            quality=int(rng.integers(50, 90)) if rng.random() < 0.4 * strength else None,
        )


def photograph(rng: np.random.Generator, scene: Array, camera: Camera) -> Array:
    """Linear scene (H, W, 3) -> uint8 sRGB picture as `camera` sees it."""
    height, width = scene.shape[:2]
    light = blur(scene, camera.focus)
    if camera.shake:
        light = motion_blur(light, camera.shake, camera.shake_angle)
    y, x = coordinates(height, width)
    radius = ((y / height - 0.5) ** 2 + (x / width - 0.5) ** 2) * 2.0
    balance = np.exp(np.array([camera.warmth, 0.1 * camera.warmth, -camera.warmth]))
    gain = 2.0**camera.exposure * balance.astype(np.float32)
    light = light * gain * (1.0 - camera.vignette * radius)[..., None]
    # Highlights roll off as on film instead of clipping hard.
    light = np.where(light > 0.7, 0.7 + 0.3 * (1 - np.exp(-(light - 0.7) / 0.3)), light)
    picture = srgb(light)
    grey = picture.mean(-1, keepdims=True)
    picture = grey + camera.saturation * (picture - grey)
    picture = 0.45 + camera.contrast * (picture - 0.45)
    grain = rng.standard_normal((height, width, 3), dtype=np.float32)
    grain = 0.6 * grain + 0.8 * grain[..., :1]
    picture = picture + camera.noise * grain * (1.3 - 0.6 * np.clip(picture, 0, 1))
    image = (np.clip(picture, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
    if camera.quality is not None:
        image = np.asarray(Image.open(io.BytesIO(encode_jpeg(image, camera.quality))))
    return image


def encode_jpeg(image: Array, quality: int) -> bytes:
    """uint8 (H, W, 3) -> JPEG bytes."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality, optimize=True)
    return buffer.getvalue()


def encode_png(mask: Array) -> bytes:
    """uint8 (H, W) class values -> greyscale PNG bytes."""
    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
