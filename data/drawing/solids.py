"""A small 3-D renderer for soft bodies: ellipsoids, seen in perspective, melted together.

World axes: x forward, y left, z up; the ground is z = 0. Camera axes: x right, y down, z towards
the viewer. Each ellipsoid is a covariance-like matrix A (p' A^-1 p = 1 on its surface), so that
its outline and its depth follow from the algebra of Gaussian conditioning: the outline is the
upper 2x2 block of A, the depth is the conditional mean plus the root of the conditional variance.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from drawing.textures import Array, blur

FUR, NOSE, EYE, TONGUE, LIP = range(5)


def unit(vector: Array) -> Array:
    """The vector (3,) at length 1."""
    return vector / (np.linalg.norm(vector) + 1e-9)


def frame_along(axis: Array, side: Array | None = None) -> Array:
    """Rotation matrix whose columns are `axis`, the direction nearest to `side`, and the third."""
    x = unit(np.asarray(axis, float))
    side = np.array([0.0, 1.0, 0.0]) if side is None else side
    if abs(x @ side) > 0.95:
        side = np.array([0.0, 0.0, 1.0])
    y = unit(side - (side @ x) * x)
    return np.stack([x, y, np.cross(x, y)], 1)


@dataclass
class Solid:
    """One ellipsoid.

    Attributes:
        centre: (3,) world position.
        axes: (3, 3) rotation, columns are the ellipsoid's own axes; the first runs along the bone
            and is the way the hair lies.
        radii: (3,) half lengths along those axes.
        marks: values that the coat reads, blended between neighbours like the surface itself.
        material: FUR melts into its neighbours; everything else keeps a sharp outline.
        along: distance along the chain of bones at the centre, for stripes.
    """

    centre: Array
    axes: Array
    radii: Array
    marks: dict[str, float]
    material: int = FUR
    along: float = 0.0


MARKS = ("head", "muzzle", "ear", "leg", "tail", "under", "hair", "front")


@dataclass
class View:
    """A pinhole camera.

    Attributes:
        eye: (3,) world position.
        turn: (3, 3), rows are the camera's right, down and towards-the-viewer directions.
        focal: focal length in pixels.
        centre: (x, y) pixel that the camera points at.
    """

    eye: Array
    turn: Array
    focal: float
    centre: tuple[float, float]

    @classmethod
    def looking_at(cls, eye: Array, target: Array, roll: float) -> View:
        """A view of focal length 1 around (0, 0), to be framed by `framed`."""
        back = unit(eye - target)
        right = unit(np.cross([0.0, 0.0, 1.0], back))
        up = np.cross(back, right)
        tilted = np.cos(roll) * right + np.sin(roll) * up
        down = -(np.cos(roll) * up - np.sin(roll) * right)
        return cls(eye, np.stack([tilted, down, back]), 1.0, (0.0, 0.0))

    def framed(self, focal: float, centre: tuple[float, float]) -> View:
        """The same camera with another lens and crop."""
        return View(self.eye, self.turn, focal, centre)

    def project(self, points: Array) -> tuple[Array, Array]:
        """World points (N, 3) -> pixel positions (N, 2) and pixels per world unit there (N,)."""
        local = (points - self.eye) @ self.turn.T
        scale = self.focal / np.maximum(-local[:, 2], 0.05)
        return local[:, :2] * scale[:, None] + np.array(self.centre), scale

    def ground(self, height: int, width: int) -> tuple[Array, Array, Array]:
        """Where each pixel's ray meets the ground: x, y and distance, (H, W); inf above the
        horizon."""
        v, u = np.mgrid[0:height, 0:width].astype(np.float32) + 0.5
        rays = np.stack(
            [u - self.centre[0], v - self.centre[1], np.full_like(u, -self.focal)], -1
        ) @ self.turn.astype(np.float32)
        down = -rays[..., 2]
        t = np.where(down > 1e-4 * self.focal, self.eye[2] / np.maximum(down, 1e-6), np.inf)
        x = self.eye[0] + rays[..., 0] * np.where(np.isinf(t), 0, t)
        y = self.eye[1] + rays[..., 1] * np.where(np.isinf(t), 0, t)
        return x, y, t * self.focal


@dataclass
class Surface:
    """What the camera sees of a body, each field (H, W) unless stated.

    Attributes:
        inside: bool, the body's outline.
        depth: pixels towards the viewer.
        normal: (H, W, 3) in camera axes.
        rest: (H, W, 3) position on the body in its rest pose, for coats.
        flow: (H, W, 2) the way the hair lies, in the picture.
        along: distance along the bones.
        marks: name -> field.
        material, index: which kind of solid and which solid is in front (-1 is none).
    """

    inside: Array
    depth: Array
    normal: Array
    rest: Array
    flow: Array
    along: Array
    marks: dict[str, Array]
    material: Array
    index: Array
    boxes: dict[int, tuple[slice, slice]] = field(default_factory=dict)


def outline_boxes(solids: list[Solid], view: View) -> Array:
    """Bounding boxes (N, 4) of the solids in the picture: left, top, right, bottom."""
    points, scale = view.project(np.array([s.centre for s in solids]))
    boxes = []
    for solid, point, zoom in zip(solids, points, scale, strict=True):
        local = view.turn @ solid.axes * solid.radii * zoom
        reach = np.sqrt((local[:2] ** 2).sum(1))
        boxes.append([*(point - reach), *(point + reach)])
    return np.array(boxes)


def render(
    solids: list[Solid],
    rest: list[Solid],
    view: View,
    height: int,
    width: int,
    melt: float = 0.03,
) -> Surface:
    """Draw the solids into buffers.

    Args:
        rest: the same solids in the rest pose, in the same order.
        melt: radius of the smooth union, in world units.
    """
    points, scale = view.project(np.array([s.centre for s in solids]))
    local_depth = (np.array([s.centre for s in solids]) - view.eye) @ view.turn[2]
    typical = float(np.median(scale))
    depths = (local_depth - local_depth.mean()) * typical
    sharpness = 1.0 / max(melt * typical, 0.7)
    channels = 3 + 3 + 1 + len(MARKS)
    total = np.zeros((height, width), np.float64)
    sums = np.zeros((height, width, channels), np.float32)
    nearest = np.full((height, width), -np.inf, np.float32)
    index = np.full((height, width), -1, np.int32)
    hard: list[tuple[int, Array, tuple[slice, slice]]] = []
    boxes = {}
    for i, (solid, home) in enumerate(zip(solids, rest, strict=True)):
        local = view.turn @ solid.axes
        spread = local * (solid.radii * scale[i])
        a = spread @ spread.T
        reach = np.sqrt(np.diag(a)[:2]) + 1
        left, top = np.floor(points[i] - reach).astype(int)
        right, bottom = np.ceil(points[i] + reach).astype(int) + 1
        left, top = max(left, 0), max(top, 0)
        right, bottom = min(right, width), min(bottom, height)
        if right <= left or bottom <= top:
            continue
        window = (slice(top, bottom), slice(left, right))
        boxes[i] = window
        v, u = np.mgrid[top:bottom, left:right].astype(np.float32) + 0.5
        u, v = u - np.float32(points[i, 0]), v - np.float32(points[i, 1])
        b = np.linalg.inv(a[:2, :2] + 0.05 * np.eye(2))
        mean = a[2, :2] @ b
        variance = max(a[2, 2] - mean @ a[:2, 2], 0.0)
        q = b[0, 0] * u * u + 2 * b[0, 1] * u * v + b[1, 1] * v * v
        hit = q < 1.0
        lift = mean[0] * u + mean[1] * v + np.sqrt(variance * np.clip(1.0 - q, 0.0, 1.0))
        depth = np.where(hit, lift + depths[i], -np.inf).astype(np.float32)
        if solid.material != FUR:
            hard.append((i, depth, window))
            continue
        offset = np.stack([u, v, lift], -1) / scale[i]
        own = (offset @ (view.turn @ solid.axes)).astype(np.float32)
        weight = np.where(hit, np.exp(np.clip(depth * sharpness, -80, 80)), 0.0)
        values = np.empty((*u.shape, channels), np.float32)
        values[..., :3] = home.centre + own @ home.axes.T.astype(np.float32)
        values[..., 3:6] = local[:, 0]
        values[..., 6] = solid.along + own[..., 0]
        for k, name in enumerate(MARKS):
            values[..., 7 + k] = solid.marks.get(name, 0.0)
        # Weights span many powers of ten; the running mean keeps the sums in range.
        before = total[window]
        after = before + weight
        share = np.where(after > 0, weight / np.maximum(after, 1e-300), 0.0).astype(np.float32)
        sums[window] += share[..., None] * (values - sums[window])
        total[window] = after
        front = depth > nearest[window]
        nearest[window] = np.where(front, depth, nearest[window])
        index[window] = np.where(front, i, index[window])
    inside = total > 0
    depth = np.where(inside, np.log(np.maximum(total, 1e-300)) / sharpness, 0.0).astype(np.float32)
    material = np.where(inside, FUR, -1)
    for i, near, window in hard:
        front = near > np.where(inside[window], depth[window], -np.inf) - 0.5
        front &= np.isfinite(near)
        depth[window] = np.where(front, near, depth[window])
        inside[window] |= front
        material[window] = np.where(front, solids[i].material, material[window])
        index[window] = np.where(front, i, index[window])
    weight = blur(inside.astype(np.float32), 1.2)
    filled = blur(np.where(inside, depth, 0.0).astype(np.float32), 1.2) / np.maximum(weight, 1e-3)
    smooth = np.where(inside, filled, depth)
    flat = np.where(inside, smooth, filled)
    dy, dx = np.gradient(flat)
    normal = np.stack([-dx, -dy, np.ones_like(dx)], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    flow = sums[..., 3:5].copy()
    return Surface(
        inside=inside,
        depth=depth,
        normal=normal.astype(np.float32),
        rest=sums[..., :3],
        flow=flow,
        along=sums[..., 6],
        marks={name: sums[..., 7 + k] for k, name in enumerate(MARKS)},
        material=material,
        index=index,
        boxes=boxes,
    )


def shadow_on_ground(
    solids: list[Solid], view: View, light: Array, height: int, width: int, soft: float
) -> Array:
    """The shadow that the solids cast on z = 0 under a light from direction `light`: 0..1.

    Each ellipsoid is flattened onto the ground along the light, which keeps it an ellipse.

    Args:
        soft: blur of the shadow's edge in pixels.
    """
    slant = np.eye(3) - np.outer(light, [0.0, 0.0, 1.0]) / light[2]
    feet = np.array([slant @ s.centre for s in solids])
    points, scale = view.project(feet)
    dark = np.zeros((height, width), np.float32)
    for i, solid in enumerate(solids):
        spread = view.turn @ slant @ solid.axes * (solid.radii * scale[i])
        a = spread[:2] @ spread[:2].T + 0.3 * np.eye(2)
        reach = np.sqrt(np.diag(a)) + 1
        left, top = np.maximum(np.floor(points[i] - reach).astype(int), 0)
        right, bottom = np.ceil(points[i] + reach).astype(int) + 1
        right, bottom = min(right, width), min(bottom, height)
        if right <= left or bottom <= top:
            continue
        v, u = np.mgrid[top:bottom, left:right].astype(np.float32) + 0.5
        u, v = u - np.float32(points[i, 0]), v - np.float32(points[i, 1])
        b = np.linalg.inv(a)
        q = b[0, 0] * u * u + 2 * b[0, 1] * u * v + b[1, 1] * v * v
        part = dark[top:bottom, left:right]
        np.maximum(part, (q < 1.0).astype(np.float32), out=part)
    return blur(dark, soft)
