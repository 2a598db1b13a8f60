"""Sketch Fire: drawn scenes in which something burns, or only looks as if it did.

`draw_fire` draws one picture and its mask. A scene function (`SCENES`) paints a place on a `Stage`
and lights as many fires as the stage wants. The mask is the visible flames' opacity above one half,
with the slightly smooth outline of a human annotator: glow, smoke, reflections, embers and sparks
do not count as fire.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from drawing.fire_stage import (
    Layer,
    Stage,
    choose,
    look_up,
)
from drawing.fire_things import (
    GREENS,
    STRAW,
    Box,
    draw_bare_tree,
    draw_block,
    draw_bush,
    draw_car,
    draw_car_behind,
    draw_cone,
    draw_conifer,
    draw_container,
    draw_flowers,
    draw_grass,
    draw_house,
    draw_neon,
    draw_person,
    draw_pile,
    draw_ridge,
    draw_sign,
    draw_sky,
    draw_street_lamp,
    draw_tank,
    draw_tent,
    draw_tree,
    draw_truck,
    draw_warehouse,
    leaves_of,
)
from drawing.textures import (
    Array,
    Camera,
    Picture,
    blur,
    coordinates,
    photograph,
    smoothstep,
)

TIMES = ("day", "dusk", "night")
FIRE_FREE_SHARE = 0.18
LEAF_LITTER = ((196, 108, 38), (166, 76, 34), (212, 146, 54), (134, 84, 44))


# --- scenes ---------------------------------------------------------------------------------------


def scene_forest(stage: Stage) -> None:
    """Rows of trees in the haze; fire on the forest floor, in a crown, or along a front."""
    rng, h, w = stage.rng, stage.height, stage.width
    horizon = rng.uniform(0.42, 0.68) * h
    autumn = stage.chance(0.5)
    leaves = leaves_of(stage, autumn)
    draw_sky(stage, horizon)
    haze = rng.uniform(0.1, 0.6) if stage.time == "day" else rng.uniform(0, 0.25)
    draw_ridge(stage, horizon + 4, 0.2 * h, GREENS, haze, 0.04 * h)
    stage.ground(horizon, "earth" if stage.chance(0.5) else LEAF_LITTER, 0.35)
    rows = 3
    for row in range(rows):
        near = (row + 0.4) / rows
        y = horizon + (0.04 + 0.62 * near**1.4) * (h - horizon)
        canvas = stage.canvas()
        for x in rng.uniform(-0.05, 1.05, rng.integers(3, 8 - row * 2)) * w:
            tall = (0.35 + 0.75 * near) * h * rng.uniform(0.6, 1.1)
            kind = rng.random()
            foot = y + rng.normal(0, 0.02) * h
            if kind < 0.45:
                draw_conifer(stage, canvas, x, foot, tall)
            elif kind < 0.8:
                draw_tree(stage, canvas, x, foot, 0.8 * tall, leaves)
            else:
                draw_bare_tree(stage, canvas, x, foot, tall)
        stage.paint(canvas, 0.2, 0.8, haze * (1 - near) ** 2)
        if row < 2 and stage.wants_fire() and stage.chance(0.8):
            tall = stage.size * h * (0.6 + 0.5 * near)
            if stage.chance(0.45):  # a front along the floor
                stage.burn(
                    rng.uniform(0.2, 0.8) * w,
                    y + 0.03 * h,
                    rng.uniform(0.4, 0.9) * w,
                    0.75 * tall,
                    "forest floor",
                )
            else:
                stage.burn(
                    rng.uniform(0.15, 0.85) * w,
                    y + 0.02 * h,
                    tall * rng.uniform(0.4, 0.9),
                    1.1 * tall,
                    "tree",
                )
    while stage.wants_fire():
        tall = stage.size * h
        x, low, wide = (
            rng.uniform(0.15, 0.85) * w,
            rng.uniform(0.82, 0.99) * h,
            rng.uniform(0.5, 1.6),
        )
        stage.scorch(x, low, wide * tall, 0.1 * tall)
        stage.burn(x, low, wide * tall, tall, "undergrowth")
    front = stage.canvas()
    if stage.chance(0.35):
        draw_person(
            stage,
            front,
            rng.uniform(0.1, 0.9) * w,
            rng.uniform(0.8, 0.95) * h,
            rng.uniform(0.15, 0.3) * h,
        )
    if stage.chance(0.2):
        draw_tent(stage, front, rng.uniform(0.1, 0.9) * w, rng.uniform(0.8, 0.95) * h, 0.28 * h)
    for _ in range(rng.integers(0, 3)):
        x, thick = rng.uniform(0, 1) * w, rng.uniform(0.02, 0.06) * w
        bark = choose(rng, ((58, 46, 38), (90, 78, 66), (38, 32, 28)))
        bend = rng.normal(0, 0.03) * w
        front.polygon(
            [
                (x - thick / 2, 0),
                (x + thick / 2, 0),
                (x + bend + 0.7 * thick, 0.93 * h),
                (x + bend - 0.7 * thick, 0.93 * h),
            ],
            bark,
        )
    draw_grass(
        stage,
        front,
        h,
        rng.uniform(0.04, 0.16) * h,
        int(rng.integers(20, 120)),
        leaves if stage.chance(0.5) else GREENS,
    )
    stage.paint(front, 0.25, 0.7)


def scene_field(stage: Stage) -> None:
    """Open country: hills, dry grass, bushes, a fence, perhaps a lake that mirrors it all."""
    rng, h, w = stage.rng, stage.height, stage.width
    horizon = rng.uniform(0.35, 0.62) * h
    autumn = stage.chance(0.45)
    leaves = leaves_of(stage, autumn)
    draw_sky(stage, horizon)
    for k in range(rng.integers(1, 4)):
        draw_ridge(
            stage,
            horizon + 3,
            (0.26 - 0.06 * k) * h * rng.uniform(0.4, 1.2),
            (*GREENS, *STRAW),
            (0.65 - 0.2 * k) * (stage.time == "day"),
            0.012 * h,
        )
        if stage.wants_fire() and stage.chance(0.25):
            stage.burn(
                rng.uniform(0.15, 0.85) * w,
                horizon - 0.02 * h,
                stage.size * w * 0.7,
                0.5 * stage.size * h,
                "ridge",
            )
    stage.ground(horizon, STRAW if stage.chance(0.6) else "grass", 0.28)
    lake = stage.chance(0.3)
    middle = stage.canvas()
    y = horizon + rng.uniform(0.05, 0.2) * (h - horizon)
    for x in rng.uniform(0, 1, rng.integers(2, 7)) * w:
        r = rng.uniform(0.05, 0.12) * h
        if stage.chance(0.5):
            draw_tree(stage, middle, x, y, 3.2 * r, leaves)
        else:
            draw_bush(stage, middle, x, y + rng.uniform(0, 0.06) * h, r, leaves)
    if stage.chance(0.3):
        draw_house(stage, middle, rng.uniform(0.1, 0.9) * w, y, 0.26 * h, 0.18 * h)
    stage.paint(middle, 0.2)
    tall = stage.size * h
    shore = y + 0.06 * h
    if lake:
        wide = rng.uniform(0.35, 0.95) * w
        stage.burn(
            rng.uniform(0.2, 0.8) * w,
            y + 0.04 * h,
            wide * min(1, 0.4 + stage.size),
            0.8 * tall,
            "reeds",
        )
        canvas = stage.canvas()
        xs = np.linspace(-5, w + 5, 40)
        bank = shore + 0.012 * h * look_up(stage.tiles[0], xs * 0.6, np.full(40, 3.0))
        canvas.polygon(
            [*zip(xs, bank, strict=True), (w + 5.0, h), (-5.0, h)],
            choose(rng, ((52, 70, 84), (40, 56, 62), (70, 84, 90))),
        )
        stage.paint(canvas, 0.12, 0.9, 0, 3.0)
        cover = stage.layers[-1].alpha * rng.uniform(0.45, 0.8)
        stage.mirror(shore, cover, rng.uniform(0.6, 2.0), rng.uniform(1, 5))
        stage.drawn.add("lake")
    while stage.wants_fire():
        low = rng.uniform(min(shore / h + (0.28 if lake else 0.02), 0.9), 0.98) * h
        if stage.chance(0.5):
            x, wide = (
                rng.uniform(0.2, 0.8) * w,
                rng.uniform(0.5, 1.1) * w * min(1, 0.35 + stage.size),
            )
            stage.scorch(x, low, wide, 0.05 * h)
            stage.burn(x, low, wide, 0.6 * tall, "grass", str(rng.choice(["grey", "pale"])))
        else:
            canvas = stage.canvas()
            x = rng.uniform(0.15, 0.85) * w
            draw_bush(stage, canvas, x, low, 0.4 * tall, leaves)
            stage.scorch(x, low, 0.8 * tall, 0.12 * tall)
            stage.paint(canvas, 0.2)
            stage.burn(x, low + 1, tall * rng.uniform(0.6, 1.1), tall, "bush")
    front = stage.canvas()
    if stage.chance(0.35):
        y0 = rng.uniform(0.75, 0.9) * h
        wood = choose(rng, ((110, 92, 74), (70, 58, 48)))
        for x in np.arange(rng.uniform(0, 20), w, rng.uniform(22, 40)):
            front.line([(x, y0 + 0.08 * h), (x, y0 - 0.06 * h)], wood, 0.014 * h)
        for k in (-0.04, 0.02):
            front.line([(0, y0 + k * h), (w, y0 + k * h + rng.normal(0, 2))], wood, 0.008 * h)
    if stage.chance(0.3):
        draw_person(stage, front, rng.uniform(0.1, 0.9) * w, 0.92 * h, rng.uniform(0.12, 0.3) * h)
    if stage.chance(0.2):
        draw_tent(stage, front, rng.uniform(0.1, 0.9) * w, rng.uniform(0.75, 0.95) * h, 0.28 * h)
    if stage.chance(0.25) and not lake:
        draw_flowers(stage, front, rng.uniform(0.7, 0.9) * h, h, int(rng.integers(60, 260)))
    draw_grass(
        stage,
        front,
        h,
        rng.uniform(0.05, 0.2) * h,
        int(rng.integers(30, 220)),
        STRAW if stage.chance(0.6) else leaves,
    )
    stage.paint(front, 0.2)


def soot(stage: Stage, x: float, y: float, width: float, height: float) -> None:
    """A smear of soot on the wall above a burning window."""
    py, px = coordinates(*stage.shape)
    up = (y - py) / height
    across = np.abs(px - x) / width
    body = smoothstep(0.75, 0.2, across) * smoothstep(-0.1, 0.15, up) * smoothstep(1.2, 0.2, up)
    grain = np.clip(0.75 + 0.25 * stage.noise(1.2), 0.2, 1)
    stage.layers.append(Layer(0.85 * body * grain, np.full(3, 0.02, np.float32)))


def burn_windows(stage: Stage, boxes: Sequence[Box], share: float, where: str) -> None:
    """Flames that lick out of up to `wants_fire` windows, with soot above."""
    order = stage.rng.permutation(len(boxes))
    for k in order[: max(1, int(share * len(boxes)))]:
        if not stage.wants_fire():
            return
        x0, y0, x1, y1 = boxes[k]
        wide, tall = x1 - x0, y1 - y0
        grown = max(1.0, min(1.8, stage.size * stage.height / tall * 0.7))
        soot(stage, (x0 + x1) / 2, y0 + 0.3 * tall, 1.1 * wide, 2.2 * tall)
        stage.burn(
            (x0 + x1) / 2, y1, 0.95 * wide, grown * tall * stage.rng.uniform(1.1, 1.7), where
        )


def scene_house(stage: Stage) -> None:
    """Houses on a street; fire behind the roof, through it, out of windows, in the garden."""
    rng, h, w = stage.rng, stage.height, stage.width
    y = rng.uniform(0.7, 0.88) * h
    draw_sky(stage, 0.7 * h)
    autumn = stage.chance(0.5)
    leaves = leaves_of(stage, autumn)
    draw_ridge(stage, 0.62 * h, 0.2 * h, GREENS, 0.3 if stage.time == "day" else 0.0, 0.05 * h)
    stage.ground(0.62 * h, "grass" if stage.chance(0.6) else "stone", 0.22)
    back = stage.canvas()
    for x in rng.uniform(0, 1, rng.integers(0, 4)) * w:
        draw_tree(stage, back, x, y - 0.04 * h, rng.uniform(0.3, 0.6) * h, leaves)
    if stage.chance(0.6):
        draw_house(stage, back, rng.uniform(-0.05, 1.05) * w, y - 0.05 * h, 0.4 * w, 0.36 * h)
    stage.paint(back, 0.15)
    wide, tall = rng.uniform(0.5, 0.85) * w, rng.uniform(0.45, 0.68) * h
    x = rng.uniform(0.35, 0.65) * w
    plan = str(rng.choice(["roof", "windows", "both", "garden"], p=[0.3, 0.3, 0.25, 0.15]))
    burning = stage.wants_fire()
    holes = 0
    if burning and plan in ("roof", "both"):
        holes = int(rng.integers(0, 4))
        inside = stage.canvas()
        inside.box(x - 0.4 * wide, y - 0.75 * tall, x + 0.4 * wide, y, (24, 16, 12))
        stage.paint(inside, 0.4)
        fire = max(0.4 * tall, stage.size * h)
        stage.burn(
            x + rng.uniform(-0.15, 0.15) * wide,
            y - 0.6 * tall,
            rng.uniform(0.35, 0.85) * wide,
            0.35 * tall + 0.75 * fire,
            "roof",
        )
    front = stage.canvas()
    boxes, _ = draw_house(stage, front, x, y, wide, tall, holes)
    stage.paint(front, 0.07, 1.1)
    if plan in ("windows", "both"):
        burn_windows(stage, boxes, 0.6, "window")
    street = stage.canvas()
    if stage.chance(0.5):
        draw_street_lamp(
            stage,
            street,
            rng.uniform(0.02, 0.98) * w,
            y + 0.05 * h,
            rng.uniform(0.5, 0.75) * h,
            int(rng.choice([-1, 1])),
        )
    for bx in rng.uniform(0, 1, rng.integers(0, 5)) * w:
        draw_bush(
            stage, street, bx, y + rng.uniform(0.0, 0.06) * h, rng.uniform(0.04, 0.1) * h, leaves
        )
    stage.paint(street, 0.2)
    while stage.wants_fire():
        px, low, fire = rng.uniform(0.1, 0.9) * w, rng.uniform(y / h, 0.97) * h, stage.size * h
        canvas = stage.canvas()
        draw_pile(stage, canvas, px, low, 0.7 * fire, 0.35 * fire)
        stage.paint(canvas, 0.2)
        stage.burn(px, low, 0.6 * fire, fire, "pile")
    near = stage.canvas()
    if stage.chance(0.45):
        draw_car(
            stage,
            near,
            rng.uniform(0.1, 0.9) * w,
            0.96 * h,
            rng.uniform(0.3, 0.45) * w,
            int(rng.choice([-1, 1])),
        )
    for _ in range(rng.integers(0, 4)):
        draw_person(
            stage,
            near,
            rng.uniform(0.03, 0.97) * w,
            rng.uniform(0.9, 0.98) * h,
            rng.uniform(0.2, 0.3) * h,
        )
    stage.paint(near, 0.1)


def wet_ground(stage: Stage, line: float, top: float) -> None:
    """Puddles or a film of rain on the ground below `top` that mirror what stands on `line`."""
    y, _ = coordinates(*stage.shape)
    patches = smoothstep(stage.rng.uniform(-1.2, 0.8), 1.2, stage.noise(1.4, 3.0))
    cover = patches * smoothstep(top, top + 3, y) * stage.rng.uniform(0.3, 0.65)
    stage.mirror(line, cover, stage.rng.uniform(0.5, 1.6), stage.rng.uniform(3, 9))


def scene_car(stage: Stage) -> None:
    """Cars at the roadside, one of them perhaps ablaze, with cones, barrier and onlookers."""
    rng, h, w = stage.rng, stage.height, stage.width
    edge = rng.uniform(0.5, 0.68) * h
    draw_sky(stage, edge)
    leaves = leaves_of(stage, stage.chance(0.45))
    back = stage.canvas()
    if stage.chance(0.5):
        for x in np.arange(0, w + 40, rng.uniform(30, 60)):
            draw_block(stage, back, x, edge + 2, rng.uniform(28, 56), rng.uniform(0.2, 0.55) * h)
    else:
        for x in rng.uniform(0, 1, rng.integers(3, 9)) * w:
            draw_tree(stage, back, x, edge + 3, rng.uniform(0.25, 0.6) * h, leaves)
    if stage.chance(0.4):
        draw_truck(
            stage,
            back,
            rng.uniform(0.1, 0.9) * w,
            edge + 0.07 * h,
            0.45 * w,
            int(rng.choice([-1, 1])),
        )
    stage.ground(edge, ((70, 72, 76), (92, 92, 94), (60, 60, 64)), 0.16, 0.0)
    stage.paint(back, 0.12, 0.8, 0.15 if stage.time == "day" else 0.0)
    rail = stage.canvas()
    if stage.chance(0.5):
        rail.box(0, edge + 0.02 * h, w, edge + 0.05 * h, (150, 152, 154))
        for x in np.arange(0, w, 26):
            rail.box(x, edge + 0.02 * h, x + 2, edge + 0.09 * h, (110, 112, 114))
    for _ in range(rng.integers(0, 2)):
        draw_street_lamp(
            stage, rail, rng.uniform(0, 1) * w, edge + 0.06 * h, 0.62 * h, int(rng.choice([-1, 1]))
        )
    for _ in range(rng.integers(0, 3)):
        draw_car(
            stage,
            rail,
            rng.uniform(0, 1) * w,
            edge + rng.uniform(0.09, 0.16) * h,
            rng.uniform(0.25, 0.4) * w,
            int(rng.choice([-1, 1])),
        )
    stage.paint(rail, 0.08)
    y = rng.uniform(0.78, 0.9) * h
    x, length = rng.uniform(0.3, 0.7) * w, rng.uniform(0.45, 0.8) * w
    facing = int(rng.choice([-1, 1]))
    u, tall = length / 2, max(stage.size * h, 0.22 * length)
    burnt = stage.wants_fire() and stage.chance(0.75)
    if burnt:
        inside = stage.canvas()
        inside.box(x - 0.7 * u, y - 0.75 * u, x + 0.6 * u, y - 0.2 * u, (26, 20, 18))
        stage.paint(inside, 0.3)
        stage.burn(
            x - 0.15 * facing * u,
            y - 0.3 * u,
            rng.uniform(0.8, 1.4) * u,
            0.45 * u + tall,
            "car",
            str(rng.choice(["dark", "dark", "grey"])),
        )
    car = stage.canvas()
    draw_car(stage, car, x, y, length, facing, burnt)
    stage.paint(car, 0.45 if burnt else 0.06)
    if burnt and stage.chance(0.6):
        stage.fires = max(stage.fires, 1)
        stage.burn(
            x + 0.7 * facing * u,
            y - 0.3 * u,
            rng.uniform(0.4, 0.7) * u,
            max(0.6 * tall, 0.3 * u),
            "bonnet",
        )
    while stage.wants_fire():
        stage.burn(
            rng.uniform(0.1, 0.9) * w,
            rng.uniform(y / h, 0.97) * h,
            tall * rng.uniform(0.6, 1.6),
            0.8 * tall,
            "spilt fuel",
            "dark",
        )
    if stage.chance(0.45):
        wet_ground(stage, y + 1, edge + 0.1 * h)
    front = stage.canvas()
    for _ in range(rng.integers(0, 5)):
        low = rng.uniform(0.88, 0.99) * h
        draw_cone(stage, front, rng.uniform(0, 1) * w, low, rng.uniform(0.09, 0.18) * h)
    for _ in range(rng.integers(0, 3)):
        draw_person(
            stage,
            front,
            rng.choice([rng.uniform(0, 0.2), rng.uniform(0.8, 1)]) * w,
            0.96 * h,
            rng.uniform(0.3, 0.45) * h,
        )
    stage.paint(front, 0.08)


def scene_road(stage: Stage) -> None:
    """Driving along a road or street: cars ahead, lamps and signs, something burns on the way."""
    rng, h, w = stage.rng, stage.height, stage.width
    horizon = rng.uniform(0.4, 0.56) * h
    vanish = rng.uniform(0.35, 0.65) * w
    draw_sky(stage, horizon)
    leaves = leaves_of(stage, stage.chance(0.5))
    town = stage.chance(0.5)
    draw_ridge(stage, horizon + 2, 0.12 * h, GREENS, 0.4 * (stage.time == "day"), 0.03 * h)
    stage.ground(horizon, "grass" if not town else "stone", 0.22, 0.004)
    road = stage.canvas()
    half = rng.uniform(0.5, 0.9) * w
    road.polygon(
        [
            (vanish - 3, horizon + 1),
            (vanish + 3, horizon + 1),
            (vanish + half, h),
            (vanish - half, h),
        ],
        choose(rng, ((66, 68, 72), (88, 88, 90), (52, 54, 58))),
    )
    paint = choose(rng, ((226, 226, 220), (236, 190, 60)))
    for near in 0.86 ** np.arange(2, 24, 2):
        low, top = horizon + near * (h - horizon), horizon + 0.86 * near * (h - horizon)
        road.polygon(
            [
                (vanish - 0.014 * near * w, low),
                (vanish + 0.014 * near * w, low),
                (vanish + 0.012 * near * w, top),
                (vanish - 0.012 * near * w, top),
            ],
            paint,
        )
    for side in (-1, 1):
        road.polygon(
            [
                (vanish, horizon + 1),
                (vanish + side * 0.9 * half, h),
                (vanish + side * 0.87 * half, h),
            ],
            (214, 214, 208),
        )
    stage.paint(road, 0.1, 0.5)
    cover = stage.layers[-1].alpha
    sides = stage.canvas()
    places = np.sort(0.8 ** rng.uniform(0, 10, rng.integers(4, 9)))
    for near in places:
        y = horizon + near * (h - horizon)
        side = int(rng.choice([-1, 1]))
        x = vanish + side * near * half * rng.uniform(1.12, 1.7)
        kind = rng.random()
        if town and kind < 0.5:
            draw_block(
                stage,
                sides,
                x + side * near * 0.3 * w,
                y,
                (0.25 + 0.3 * near) * w,
                (0.3 + 0.9 * near) * h,
            )
            if stage.chance(0.6):
                draw_neon(stage, sides, x, y - (0.08 + 0.2 * near) * h, (0.08 + 0.14 * near) * w)
        elif kind < 0.6:
            draw_tree(stage, sides, x, y, (0.15 + near) * h * rng.uniform(0.7, 1.1), leaves)
        elif kind < 0.85:
            draw_street_lamp(stage, sides, x, y, (0.1 + near) * h, -side)
        else:
            draw_sign(stage, sides, x, y, (0.08 + 0.6 * near) * h)
    stage.paint(sides, 0.15)
    for near in np.sort(rng.uniform(0.08, 0.75, rng.integers(1, 5))):
        y = horizon + near * (h - horizon)
        lane = float(rng.choice([-0.45, 0.45]))
        x, wide = vanish + lane * near * half, 0.62 * near * half
        tall = stage.size * h
        canvas = stage.canvas()
        draw_car_behind(stage, canvas, x, y, max(wide, 5))
        ablaze = stage.wants_fire() and stage.chance(0.5)
        if ablaze:
            stage.burn(x, y - 0.3 * wide, 0.9 * wide, max(0.8 * tall, 0.9 * wide), "car", "dark")
        stage.paint(canvas, 0.08)
        if ablaze and stage.chance(0.5):
            stage.fires += 1
            stage.burn(
                x + 0.1 * wide, y, 0.8 * wide, 0.6 * max(0.8 * tall, 0.8 * wide), "car", "none"
            )
    line = horizon + rng.uniform(0.15, 0.5) * (h - horizon)
    while stage.wants_fire():
        tall = stage.size * h
        line = horizon + rng.uniform(0.1, 0.95) * (h - horizon)
        side = float(rng.choice([-1, 1]))
        near = (line - horizon) / (h - horizon)
        x = np.clip(vanish + side * rng.uniform(0.3, 1.3) * near * half, 0.05 * w, 0.95 * w)
        stage.burn(float(x), line, tall * rng.uniform(0.5, 1.5), tall, "roadside")
    if stage.chance(0.45):
        wet_ground(stage, line, line)
        stage.layers[-1].cover = stage.layers[-1].cover * cover
    front = stage.canvas()
    for _ in range(rng.integers(0, 4)):
        near = rng.uniform(0.3, 0.95)
        draw_cone(
            stage,
            front,
            vanish + rng.uniform(-1, 1) * near * half,
            horizon + near * (h - horizon),
            (0.05 + 0.13 * near) * h,
        )
    stage.paint(front, 0.06)


def scene_industrial(stage: Stage) -> None:
    """Halls, tanks, chimneys and containers in a yard; fire on a roof, in a door, on a tank."""
    rng, h, w = stage.rng, stage.height, stage.width
    y = rng.uniform(0.62, 0.78) * h
    draw_sky(stage, y)
    back = stage.canvas()
    for x in rng.uniform(0, 1, rng.integers(1, 4)) * w:
        top = y - rng.uniform(0.4, 0.65) * h
        thick = rng.uniform(0.02, 0.04) * w
        wall = choose(rng, ((150, 146, 140), (150, 92, 72)))
        back.polygon(
            [(x - thick, y), (x - 0.6 * thick, top), (x + 0.6 * thick, top), (x + thick, y)], wall
        )
        for k in (0.02, 0.1):
            back.box(
                x - 0.66 * thick,
                top + k * h,
                x + 0.66 * thick,
                top + (k + 0.035) * h,
                (196, 44, 36),
            )
        if stage.time != "day":
            back.lights.ellipse(x, top, 1.4, 1.4, (255, 40, 30))
    for x in rng.uniform(0, 1, rng.integers(0, 3)) * w:
        draw_tank(stage, back, x, y, rng.uniform(0.15, 0.25) * w, rng.uniform(0.15, 0.3) * h)
    stage.paint(back, 0.12, 0.8, 0.3 if stage.time == "day" else 0.0)
    if stage.chance(0.5):
        stage.smoke(rng.uniform(0.2, 0.8) * w, y - 0.5 * h, 0.06 * w, 0.6 * h, "pale", 0.5)
    stage.ground(y - 0.02 * h, ((96, 94, 92), (122, 116, 108), (76, 76, 78)), 0.2, 0.0)
    plan = str(rng.choice(["roof", "door", "tank", "yard"]))
    wide, tall = rng.uniform(0.55, 0.95) * w, rng.uniform(0.3, 0.45) * h
    x = rng.uniform(0.3, 0.7) * w
    fire = stage.size * h
    if plan == "roof" and stage.wants_fire():
        stage.burn(
            x + rng.uniform(-0.2, 0.2) * wide,
            y - 0.72 * tall,
            rng.uniform(0.4, 0.9) * wide,
            0.3 * tall + fire,
            "roof",
            "dark",
        )
    hall = stage.canvas()
    doors = draw_warehouse(stage, hall, x, y, wide, tall)
    stage.paint(hall, 0.1, 1.1)
    if plan == "door":
        burn_windows(stage, doors, 0.7, "door")
    yard = stage.canvas()
    for cx in rng.uniform(0, 1, rng.integers(0, 4)) * w:
        draw_container(
            stage, yard, cx, y + rng.uniform(0.02, 0.08) * h, rng.uniform(0.18, 0.34) * w
        )
    if plan == "tank":
        tx, ty = rng.uniform(0.25, 0.75) * w, y + rng.uniform(0.04, 0.12) * h
        tw, th = rng.uniform(0.22, 0.4) * w, rng.uniform(0.22, 0.4) * h
        draw_tank(stage, yard, tx, ty, tw, th)
        stage.paint(yard, 0.12)
        stage.burn(tx, ty - th + 1, 0.85 * tw, 0.4 * th + fire, "tank", "dark")
    else:
        stage.paint(yard, 0.12)
    while stage.wants_fire():
        px, low = rng.uniform(0.1, 0.9) * w, rng.uniform(y / h + 0.03, 0.96) * h
        pile = stage.canvas()
        draw_pile(stage, pile, px, low, 0.9 * fire, 0.4 * fire)
        stage.paint(pile, 0.2)
        stage.burn(px, low, fire * rng.uniform(0.5, 0.9), fire, "pallets")
    if stage.chance(0.35):
        wet_ground(stage, y + 0.05 * h, y + 0.06 * h)
    front = stage.canvas()
    if stage.chance(0.4):
        draw_truck(
            stage,
            front,
            rng.uniform(0, 1) * w,
            0.95 * h,
            rng.uniform(0.4, 0.6) * w,
            int(rng.choice([-1, 1])),
        )
    for _ in range(rng.integers(0, 4)):
        draw_person(stage, front, rng.uniform(0, 1) * w, 0.95 * h, rng.uniform(0.18, 0.28) * h)
    for _ in range(rng.integers(0, 3)):
        draw_cone(stage, front, rng.uniform(0, 1) * w, 0.97 * h, rng.uniform(0.07, 0.12) * h)
    stage.paint(front, 0.08)


def scene_close(stage: Stage) -> None:
    """A fire that fills the picture: burning wood close by, with people or trees behind it."""
    rng, h, w = stage.rng, stage.height, stage.width
    horizon = rng.uniform(0.45, 0.75) * h
    draw_sky(stage, horizon)
    leaves = leaves_of(stage, stage.chance(0.5))
    draw_ridge(stage, horizon + 3, 0.2 * h, GREENS, 0.1, 0.05 * h)
    stage.ground(horizon, "earth" if stage.chance(0.5) else "sand", 0.3)
    back = stage.canvas()
    for x in rng.uniform(0, 1, rng.integers(1, 5)) * w:
        draw_tree(stage, back, x, horizon + 0.04 * h, rng.uniform(0.4, 0.7) * h, leaves)
    for _ in range(rng.integers(0, 5)):
        draw_person(
            stage,
            back,
            rng.uniform(0, 1) * w,
            horizon + rng.uniform(0.1, 0.2) * h,
            rng.uniform(0.3, 0.5) * h,
        )
    stage.paint(back, 0.15)
    low, x = rng.uniform(0.86, 1.02) * h, rng.uniform(0.3, 0.7) * w
    wide, tall = rng.uniform(0.45, 1.1) * w, rng.uniform(0.65, 1.05) * h
    pile = stage.canvas()
    draw_pile(stage, pile, x, low, 1.1 * wide, 0.4 * h)
    stage.paint(pile, 0.25)
    stage.burn(x, low - 0.06 * h, 0.8 * wide, tall, "wood", veil=False)
    while stage.wants_fire():
        stage.burn(rng.uniform(0.1, 0.9) * w, low, 0.4 * wide, 0.4 * tall, "wood", "none")
    front = stage.canvas()
    for _ in range(rng.integers(2, 7)):
        a, cx = rng.normal(0, 0.3), x + rng.normal(0, 0.3) * wide
        wood = choose(rng, ((44, 32, 26), (86, 62, 44), (28, 22, 20)))
        front.line(
            [(cx - 0.22 * w, low - 0.22 * w * a), (cx + 0.22 * w, low + 0.22 * w * a)],
            wood,
            rng.uniform(0.025, 0.06) * h,
        )
    stage.paint(front, 0.35)


SCENES: dict[str, tuple[Callable[[Stage], None], float]] = {
    # name: how it is painted, share of the pictures
    "forest": (scene_forest, 0.17),
    "field": (scene_field, 0.17),
    "house": (scene_house, 0.18),
    "car": (scene_car, 0.13),
    "road": (scene_road, 0.13),
    "industrial": (scene_industrial, 0.12),
    "close": (scene_close, 0.1),
}


# --- the picture ----------------------------------------------------------------------------------


def outline(opacity: Array, seen: float) -> Array:
    """Visible flame opacity (H, W) -> mask uint8 (H, W), 0 or 1, as an annotator would draw it."""
    soft = blur(opacity, 1.1)
    mask = Image.fromarray(((soft > seen) * 255).astype(np.uint8))
    # Nobody outlines gaps or flecks of a pixel or two.
    mask = mask.filter(ImageFilter.MaxFilter(3)).filter(ImageFilter.MinFilter(3))
    mask = mask.filter(ImageFilter.MedianFilter(3))
    return (np.asarray(mask) > 127).astype(np.uint8)


def draw_fire(
    rng: np.random.Generator,
    scene: str | None = None,
    fire: bool | None = None,
    time: str | None = None,
) -> Picture:
    """Draw one picture of Sketch Fire.

    Args:
        scene: one of `SCENES`, None for a random one.
        fire: whether something burns; None is a draw with `FIRE_FREE_SHARE`.
        time: one of `TIMES`, None for a random one.

    Returns:
        a Picture: image uint8 (H, W, 3), mask uint8 (H, W) with 1 = fire, 0 = everything else, and
        facts: scene, time, has_fire, fire_share (of the pixels), burning (what burns), and things
        (names of what is drawn, distractors among them).

    Raises:
        ValueError: for an unknown scene or time.
    """
    for value, known in ((scene, tuple(SCENES)), (time, TIMES)):
        if value is not None and value not in known:
            raise ValueError(f"{value!r} is unknown; use one of {', '.join(known)}")
    names = list(SCENES)
    shares = np.array([SCENES[name][1] for name in names])
    scene = scene or str(rng.choice(names, p=shares / shares.sum()))
    time = time or str(rng.choice(TIMES, p=[0.4, 0.36, 0.24]))
    fire = bool(rng.random() >= FIRE_FREE_SHARE) if fire is None else fire
    if fire:
        for _ in range(8):  # now and then everything that burns hides behind something
            picture = draw_once(rng, scene, time, fire)
            if picture.mask.sum() >= 20:
                break
        return picture
    return draw_once(rng, scene, time, fire)


def draw_once(
    rng: np.random.Generator,
    scene: str,
    time: str,
    fire: bool,
    scenes: dict[str, tuple[Callable[[Any], None], float]] = SCENES,
    kind: type[Stage] = Stage,
    seen: float = 0.5,
) -> Picture:
    """One of the `scenes` on a stage of a `kind`; flames count from an opacity of `seen`."""
    area, ratio = rng.uniform(29e3, 45e3), np.exp(rng.normal(0.22, 0.22))
    height = int(np.clip(np.sqrt(area / ratio), 160, 300))
    width = int(np.clip(np.sqrt(area * ratio), 160, 300))
    size = float(
        rng.choice(
            [rng.uniform(0.07, 0.15), rng.uniform(0.15, 0.4), rng.uniform(0.4, 0.85)],
            p=[0.17, 0.4, 0.43],
        )
    )
    stage = kind(
        rng,
        height,
        width,
        time,
        int(rng.choice([1, 2, 3], p=[0.5, 0.3, 0.2])) if fire else 0,
        size,
        float(rng.normal(0, 0.22)),
        float(rng.random()),
    )
    scenes[scene][0](stage)
    if not fire and stage.chance(0.25):  # smoke without fire
        stage.smoke(
            rng.uniform(0, 1) * width,
            rng.uniform(0.5, 0.9) * height,
            0.2 * width,
            height,
            str(rng.choice(["grey", "pale", "dark"])),
            rng.uniform(0.2, 0.6),
        )
    if stage.lit and stage.chance(0.6 * stage.smoky + 0.15):
        stage.drift()
    light, opacity = stage.finish()
    level = float(np.clip(light, 0, 1).mean()) + 1e-3
    camera = Camera(
        # The meter lifts dark scenes and holds back bright ones, though never fully.
        exposure=rng.normal(0.1, 0.2) + float(np.clip(0.45 * np.log2(0.17 / level), -0.4, 2.4)),
        warmth=rng.normal(0.0, 0.07),
        contrast=float(np.exp(rng.normal(0.06, 0.10))),
        saturation=float(np.exp(rng.normal(0.0, 0.12))),
        focus=float(rng.choice([0.3, 0.5, 0.8], p=[0.5, 0.35, 0.15])),
        vignette=rng.uniform(0, 0.3),
        noise=float(np.exp(rng.normal(np.log(0.0038), 0.45))) * (1.4 if time == "night" else 1.0),
    )
    mask = outline(opacity, seen)
    facts: dict[str, Any] = {
        "scene": scene,
        "time": time,
        "has_fire": bool(mask.any()),
        "fire_share": float(mask.mean()),
        "burning": sorted(set(stage.lit)),
        "things": sorted(stage.drawn),
    }
    return Picture(photograph(rng, light, camera), mask, facts)
