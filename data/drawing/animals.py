"""Cats and dogs as bodies of ellipsoids: breeds, builds and poses.

Lengths are in trunks: from the rump to the chest is 1. A body is assembled twice, in its pose and
in the rest pose (standing square), so that a coat can be painted on the rest pose.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from drawing.solids import EYE, LIP, NOSE, TONGUE, Solid, frame_along, unit
from drawing.textures import Array


@dataclass(frozen=True)
class Build:
    """Proportions of a breed.

    Attributes:
        chest, width: depth and width of the rib cage.
        waist: depth of the waist as a share of the chest's.
        leg: from the ground to the bottom of the chest.
        bone: radius of the lower leg.
        neck, throat: length and radius of the neck.
        head: radius of the skull; everything in the head is measured in it.
        muzzle, snout: length and radius of the muzzle.
        cheek: size of the cheeks, 1 is middling.
        ear, ear_size: prick, drop or fold, and its length.
        tail, tail_thick, tail_set: length, radius, and how it is carried (down, up, curl).
        hair: length of the hair on the body.
        fluff: how much ruff, trousers and plume stand out.
        eye: radius of the eyeball.
    """

    chest: float = 0.40
    width: float = 0.32
    waist: float = 0.78
    leg: float = 0.42
    bone: float = 0.05
    neck: float = 0.24
    throat: float = 0.13
    head: float = 0.18
    muzzle: float = 0.85
    snout: float = 0.42
    cheek: float = 1.0
    ear: str = "drop"
    ear_size: float = 0.9
    tail: float = 0.55
    tail_thick: float = 0.04
    tail_set: str = "up"
    hair: float = 0.02
    fluff: float = 0.0
    eye: float = 0.15
    cat: bool = False


CAT = Build(
    chest=0.36, width=0.29, waist=0.88, leg=0.33, bone=0.045, neck=0.15, throat=0.125, head=0.18,
    muzzle=0.2, snout=0.28, ear="prick", ear_size=0.85, tail=0.8, tail_thick=0.035,
    tail_set="down", hair=0.02, eye=0.21, cat=True,
)  # fmt: skip
DOG = Build()


@dataclass(frozen=True)
class Coat:
    """How a breed is coloured; each individual picks one of the listed colours and patterns.

    Attributes:
        colours: sRGB ground colours.
        second: sRGB colours of the markings.
        patterns: solid, tabby, spots, brindle, ticked, patches, saddle, points or grizzle.
        white: how likely white markings (bib, paws, blaze) are, 0..1, and how far they reach.
        mask: how likely a dark face is.
        tan: how likely tan points (brows, muzzle, legs) are.
        eyes: sRGB colours of the iris.
    """

    colours: tuple[tuple[int, int, int], ...]
    second: tuple[tuple[int, int, int], ...]
    patterns: tuple[str, ...] = ("solid",)
    white: float = 0.0
    mask: float = 0.0
    tan: float = 0.0
    eyes: tuple[tuple[int, int, int], ...] = ((70, 42, 24), (50, 30, 20))


BLACK, GREY, BROWN = (30, 27, 27), (118, 120, 126), (104, 70, 46)
RED, FAWN, CREAM, WHITE = (176, 112, 62), (202, 164, 120), (226, 208, 178), (240, 236, 228)
CAT_EYES = ((196, 170, 60), (150, 170, 70), (200, 120, 40), (110, 160, 110))


@dataclass(frozen=True)
class Breed:
    """A breed: its species, build and coat."""

    species: str
    build: Build
    coat: Coat


BREEDS: dict[str, Breed] = {
    "Abyssinian": Breed(
        "cat",
        replace(CAT, leg=0.38, neck=0.2, ear_size=1.15, chest=0.33, width=0.25, head=0.165),
        Coat(((176, 122, 76), (160, 104, 62), (150, 130, 110)), (BROWN,), ("ticked",), 0.0, 0.0,
             eyes=CAT_EYES),
    ),
    "Bengal": Breed(
        "cat",
        replace(CAT, leg=0.38, chest=0.36, muzzle=0.28, tail_thick=0.045),
        Coat(((186, 142, 92), (200, 170, 124), (168, 120, 70)), ((70, 46, 32),), ("spots",),
             eyes=CAT_EYES),
    ),
    "Bombay": Breed("cat", CAT, Coat((BLACK, (38, 32, 30)), (BLACK,), eyes=CAT_EYES[:3])),
    "British_Shorthair": Breed(
        "cat",
        replace(CAT, chest=0.44, width=0.38, waist=0.95, leg=0.28, head=0.215, cheek=1.35,
                neck=0.1, throat=0.16, ear_size=0.62, bone=0.055, hair=0.03),
        Coat(((112, 116, 126), (136, 138, 144), (92, 94, 102)), (GREY,), ("solid",),
             eyes=((206, 130, 40), (196, 160, 60))),
    ),
    "European_Shorthair": Breed(
        "cat",
        CAT,
        Coat(((150, 132, 110), (140, 138, 134), (190, 134, 82)), ((64, 54, 46), (58, 56, 56),
             (140, 84, 44)), ("tabby", "tabby", "patches"), 0.6, eyes=CAT_EYES),
    ),
    "Maine_Coon": Breed(
        "cat",
        replace(CAT, chest=0.42, width=0.36, hair=0.07, fluff=0.8, ear_size=1.0, muzzle=0.32,
                tail_thick=0.06, head=0.18),
        Coat(((150, 118, 84), (140, 134, 126), (186, 110, 58)), ((60, 48, 40), (120, 66, 34)),
             ("tabby",), 0.5, eyes=CAT_EYES),
    ),
    "Persian": Breed(
        "cat",
        replace(CAT, chest=0.46, width=0.42, waist=1.0, leg=0.22, hair=0.09, fluff=1.0, muzzle=0.05,
                cheek=1.4, head=0.22, ear_size=0.5, neck=0.08, throat=0.16, eye=0.23,
                tail_thick=0.06, tail=0.6),
        Coat((CREAM, WHITE, (196, 130, 78), (160, 158, 158)), (GREY, (150, 96, 56)),
             ("solid", "grizzle", "tabby"), 0.2, 0.2, eyes=((206, 130, 40), (196, 160, 60))),
    ),
    "Siamese": Breed(
        "cat",
        replace(CAT, leg=0.38, neck=0.2, chest=0.32, width=0.24, ear_size=1.15, head=0.16,
                muzzle=0.34, cheek=0.8),
        Coat((CREAM, (214, 196, 170), (224, 216, 206)), ((62, 44, 36), (90, 84, 88)), ("points",),
             eyes=((90, 140, 200), (110, 160, 210))),
    ),
    "Ragdoll": Breed(
        "cat",
        replace(CAT, chest=0.44, width=0.38, hair=0.07, fluff=0.8, cheek=1.15, tail_thick=0.06),
        Coat((CREAM, (226, 218, 206)), ((84, 64, 54), (110, 104, 108)), ("points",), 0.6,
             eyes=((90, 140, 200), (120, 165, 215))),
    ),
    "Sphynx": Breed(
        "cat",
        replace(CAT, leg=0.38, neck=0.2, ear_size=1.35, chest=0.36, width=0.27, hair=0.0,
                muzzle=0.24, cheek=0.85, tail_thick=0.022, throat=0.1),
        Coat(((206, 158, 136), (190, 140, 120), (150, 116, 106)), ((120, 90, 86),),
             ("solid", "patches"), 0.1, eyes=CAT_EYES),
    ),
    "basset_hound": Breed(
        "dog",
        replace(DOG, leg=0.17, chest=0.42, width=0.36, waist=0.9, bone=0.075, head=0.2, muzzle=1.05,
                snout=0.46, ear_size=1.75, tail_set="up", neck=0.24),
        Coat((RED, (190, 120, 66)), (BLACK, BROWN), ("saddle", "solid", "patches"), 1.0),
    ),
    "beagle": Breed(
        "dog",
        replace(DOG, leg=0.38, chest=0.42, ear_size=1.2, head=0.185),
        Coat(((178, 114, 64), (196, 140, 86)), (BLACK, (60, 44, 36)), ("saddle",), 0.95),
    ),
    "boxer": Breed(
        "dog",
        replace(DOG, leg=0.52, chest=0.46, waist=0.66, muzzle=0.5, snout=0.58, ear="fold",
                ear_size=0.7, neck=0.3, throat=0.15, head=0.19, cheek=1.2, tail=0.2),
        Coat(((186, 122, 70), (200, 146, 92)), ((70, 46, 34),), ("solid", "brindle"), 0.7, 0.9),
    ),
    "chihuahua": Breed(
        "dog",
        replace(DOG, leg=0.42, chest=0.36, width=0.28, head=0.215, muzzle=0.5, snout=0.3,
                ear="prick", ear_size=1.15, eye=0.21, neck=0.2, throat=0.1, bone=0.035, tail=0.5),
        Coat((FAWN, CREAM, BLACK, (190, 130, 80)), (BROWN, BLACK), ("solid", "patches"), 0.5, 0.1,
             0.4),
    ),
    "dachshund": Breed(
        "dog",
        replace(DOG, leg=0.13, chest=0.32, width=0.27, waist=0.85, head=0.145, muzzle=1.25,
                snout=0.34, ear_size=1.25, bone=0.05, neck=0.22, throat=0.105),
        Coat((BLACK, (150, 84, 48), BROWN), (BLACK,), ("solid",), 0.0, 0.0, 0.7),
    ),
    "english_setter": Breed(
        "dog",
        replace(DOG, leg=0.5, chest=0.42, hair=0.055, fluff=0.5, muzzle=1.05, ear_size=1.2,
                tail=0.6, neck=0.3),
        Coat((WHITE, (232, 226, 214)), (BLACK, (170, 110, 64)), ("ticked", "patches"), 0.2, 0, 0.3),
    ),
    "german_shepherd": Breed(
        "dog",
        replace(DOG, leg=0.46, chest=0.42, ear="prick", ear_size=0.95, muzzle=1.1, snout=0.36,
                hair=0.045, fluff=0.4, tail_set="down", tail=0.7, tail_thick=0.06),
        Coat(((178, 126, 76), (160, 112, 70)), (BLACK, (50, 40, 36)), ("saddle",), 0.0, 0.9),
    ),
    "golden_retriever": Breed(
        "dog",
        replace(DOG, leg=0.44, chest=0.44, width=0.36, hair=0.06, fluff=0.6, muzzle=0.9, snout=0.45,
                ear_size=0.95, tail=0.65, tail_thick=0.05),
        Coat(((206, 160, 104), (222, 190, 142), (190, 132, 76)), (RED,), ("solid", "grizzle")),
    ),
    "newfoundland": Breed(
        "dog",
        replace(DOG, leg=0.38, chest=0.5, width=0.44, hair=0.085, fluff=0.9, head=0.21, muzzle=0.7,
                snout=0.52, ear_size=0.85, cheek=1.2, bone=0.075, tail_set="down",
                tail_thick=0.07),
        Coat((BLACK, (58, 42, 34)), (BROWN,), ("solid",), 0.15),
    ),
    "pug": Breed(
        "dog",
        replace(DOG, leg=0.3, chest=0.46, width=0.42, waist=0.85, head=0.235, muzzle=0.22,
                snout=0.55, cheek=1.3, ear="fold", ear_size=0.62, eye=0.21, tail=0.4,
                tail_set="curl", neck=0.14, throat=0.17),
        Coat((FAWN, (214, 184, 146), (196, 168, 134)), (BLACK,), ("solid",), 0.0, 1.0),
    ),
    "saint_bernard": Breed(
        "dog",
        replace(DOG, leg=0.42, chest=0.5, width=0.42, hair=0.05, fluff=0.5, head=0.22, muzzle=0.6,
                snout=0.6, cheek=1.2, ear_size=0.85, bone=0.08, tail_set="down", tail_thick=0.06),
        Coat(((160, 92, 52), (178, 106, 60)), (WHITE,), ("patches",), 1.0, 0.6),
    ),
    "samoyed": Breed(
        "dog",
        replace(DOG, leg=0.4, chest=0.5, width=0.46, waist=0.92, hair=0.095, fluff=1.0, head=0.19,
                muzzle=0.75, snout=0.38, ear="prick", ear_size=0.62, cheek=1.25, tail_set="curl",
                tail_thick=0.08, throat=0.18),
        Coat((WHITE, (236, 230, 216), (150, 148, 146)), (GREY, BLACK), ("solid", "grizzle"), 0.0,
             0.1),
    ),
    "scottish_terrier": Breed(
        "dog",
        replace(DOG, leg=0.2, chest=0.44, width=0.38, waist=0.95, hair=0.07, fluff=0.6, head=0.19,
                muzzle=1.1, snout=0.46, ear="prick", ear_size=0.8, tail=0.35, tail_thick=0.05),
        Coat((BLACK, (54, 50, 50), (190, 170, 136)), (GREY,), ("solid", "grizzle", "brindle")),
    ),
    "shiba_inu": Breed(
        "dog",
        replace(DOG, leg=0.42, chest=0.42, width=0.36, hair=0.045, fluff=0.5, muzzle=0.7,
                snout=0.36, ear="prick", ear_size=0.65, cheek=1.2, tail_set="curl",
                tail_thick=0.07),
        Coat(((196, 128, 70), (180, 116, 66), BLACK), (CREAM,), ("solid",), 0.85, 0.0, 0.5),
    ),
    "wheaten_terrier": Breed(
        "dog",
        replace(DOG, leg=0.42, chest=0.42, width=0.36, waist=0.92, hair=0.085, fluff=0.7, head=0.2,
                muzzle=0.8, snout=0.5, ear="fold", ear_size=0.85, bone=0.07),
        Coat(((206, 176, 132), (190, 152, 108), (120, 116, 114)), (BROWN,), ("grizzle", "solid")),
    ),
    "yorkshire_terrier": Breed(
        "dog",
        replace(DOG, leg=0.3, chest=0.4, width=0.34, hair=0.1, fluff=0.9, head=0.21, muzzle=0.55,
                snout=0.36, ear="prick", ear_size=0.75, tail=0.3, eye=0.17, bone=0.055),
        Coat(((186, 130, 76), (200, 152, 98)), ((70, 70, 76), (46, 46, 52)), ("saddle",), 0.0),
    ),
}  # fmt: skip


@dataclass
class Pose:
    """Where the joints are. Points are (3,) in trunks; left and right come as pairs.

    Attributes:
        pelvis, withers: ends of the spine; `bend` is the control point between them.
        front, hind: where the four paws stand, (left, right).
        flat: the hind feet lie on the ground up to the hock.
        neck: direction of the neck.
        tail: first direction of the tail, and how it turns per step about the side axis and z.
        roll: the whole body turned about the x axis (lying on its side).
    """

    name: str
    pelvis: Array
    withers: Array
    bend: Array
    front: tuple[Array, Array]
    hind: tuple[Array, Array]
    flat: bool
    neck: Array
    tail: tuple[Array, float, float]
    roll: float = 0.0


POSES = ("stand", "walk", "sit", "lie", "loaf", "curl", "side", "bow")


def vector(x: float, y: float, z: float) -> Array:
    """A point or direction as float64 (3,)."""
    return np.array([x, y, z], float)


def rest_pose(build: Build) -> Pose:
    """Standing square, head forward: the pose that coats are painted on."""
    axis = build.leg + 0.5 * build.chest
    y = 0.27 * build.width
    return Pose(
        "rest", vector(0, 0, axis), vector(0.85, 0, axis), vector(0.42, 0, axis),
        (vector(0.8, y, 0), vector(0.8, -y, 0)), (vector(-0.08, y, 0), vector(-0.08, -y, 0)),
        False, vector(0.7, 0, 0.7), (vector(-1, 0, 0.1), 0.0, 0.0),
    )  # fmt: skip


def make_pose(rng: np.random.Generator, build: Build, name: str) -> Pose:
    """A random pose of the given kind (see `POSES`)."""
    pose = rest_pose(build)
    pose.name = name
    chest, width, leg = build.chest, build.width, build.leg
    y = 0.27 * width
    droop = rng.uniform(-0.9, 0.2) if build.tail_set == "down" else rng.uniform(0.2, 1.2)
    turn = {"curl": 0.75, "up": 0.15, "down": 0.1}[build.tail_set] * rng.uniform(0.6, 1.3)
    if build.cat and name in ("stand", "walk") and rng.random() < 0.4:
        droop, turn = rng.uniform(1.5, 6.0), rng.uniform(-0.15, 0.15)
    sweep = rng.normal(0, 0.15)
    pose.tail = (vector(-1, rng.normal(0, 0.2), droop), turn, sweep)
    high = rng.uniform(0.2, 1.2)
    pose.neck = vector(0.7, rng.normal(0, 0.2), high)
    if name in ("stand", "walk"):
        stride = rng.uniform(0.15, 0.4) * leg * (1 if name == "walk" else 0.35)
        a, b = stride * rng.choice([-1, 1]), stride * rng.choice([-1, 1])
        lift = 0.15 * leg * (rng.random() < 0.5) * (name == "walk")
        pose.front = (vector(0.8 + a, y, 0), vector(0.8 - a, -y, lift))
        pose.hind = (vector(-0.08 - b, y, 0), vector(-0.08 + b, -y, 0))
        pose.withers[1] = rng.normal(0, 0.12)
        pose.withers[2] += rng.uniform(-0.02, 0.06)
        if rng.random() < 0.2:  # sniffing or eating
            pose.neck = vector(0.9, rng.normal(0, 0.2), rng.uniform(-0.7, 0.0))
    elif name == "sit":
        reach = (leg + 0.4 * chest) * rng.uniform(0.9, 1.05)
        pelvis = 0.42 * chest * build.waist
        slope = np.arcsin(np.clip((reach - pelvis + 0.1 * chest) / 0.8, 0.45, 0.92))
        pose.pelvis = vector(0, 0, pelvis)
        rise = 0.8 * np.sin(slope)
        pose.withers = vector(0.8 * np.cos(slope), rng.normal(0, 0.08), pelvis + rise)
        pose.bend = vector(0.28 * np.cos(slope), 0, pelvis + 0.48 * np.sin(slope))
        x = pose.withers[0] + rng.uniform(-0.05, 0.1)
        pose.front = (vector(x, y, 0), vector(x + rng.normal(0, 0.04), -y, 0))
        spread = rng.uniform(0.55, 1.0) * width
        pose.hind = (vector(0.36, spread, 0), vector(0.36, -spread, 0))
        pose.flat = True
        pose.neck = vector(rng.uniform(0.0, 0.5), rng.normal(0, 0.15), 1.0)
        pose.tail = (vector(-1, rng.normal(0, 0.6), -0.3), 0.0, rng.normal(0, 0.35))
    elif name in ("lie", "loaf", "curl", "bow"):
        low = 0.46 * chest
        pose.pelvis = vector(0, 0, low * build.waist)
        pose.withers = vector(0.82, rng.normal(0, 0.12), low + rng.uniform(0.0, 0.12))
        pose.bend = vector(0.42, rng.normal(0, 0.1), low + rng.uniform(0.0, 0.1))
        long = (leg + 0.3 * chest) * rng.uniform(0.5, 1.0)
        x = pose.withers[0]
        pose.front = (
            vector(x + long, y + rng.normal(0, 0.06), 0),
            vector(x + long * rng.uniform(0.7, 1.0), -y + rng.normal(0, 0.06), 0),
        )
        hip = rng.normal(0, 0.2) * width
        pose.hind = (vector(0.3, 0.62 * width + hip, 0), vector(0.3, -0.62 * width + hip, 0))
        pose.flat = True
        pose.neck = vector(0.6, rng.normal(0, 0.25), rng.uniform(0.2, 1.3))
        pose.tail = (vector(-1, rng.normal(0, 0.6), -0.2), 0.0, rng.normal(0, 0.35))
        if name == "loaf":
            pose.front = (vector(x + 0.12, 0.7 * y, 0), vector(x + 0.1, -0.7 * y, 0))
        elif name == "curl":
            side = rng.choice([-1, 1])
            pose.bend = vector(0.42, -0.35 * side, low)
            pose.withers = vector(0.62, 0.25 * side, low)
            pose.neck = vector(0.1, 1.0 * side, rng.uniform(-0.3, 0.4))
            pose.front = (vector(0.75, 0.5 * side, 0), vector(0.62, 0.55 * side, 0))
            pose.hind = (vector(0.3, 0.45 * side, 0), vector(0.22, 0.5 * side, 0))
            pose.tail = (vector(-0.4, 0.9 * side, -0.1), 0.0, -0.35 * side)
        elif name == "bow":
            pose.pelvis = vector(0.05, 0, leg + 0.45 * chest)
            pose.bend = vector(0.42, 0, 0.5 * leg + 0.6 * chest)
            pose.hind = (vector(-0.05, y, 0), vector(-0.05, -y, 0))
            pose.flat = False
            pose.tail = (vector(-0.5, 0.1, 1.0), turn, sweep)
    elif name == "side":
        swing = rng.uniform(-0.2, 0.35, 4)
        pose.front = (vector(0.85 + swing[0], y, 0.1), vector(0.85 + swing[1], -y, 0.05))
        pose.hind = (vector(swing[2], y, 0.1), vector(swing[3], -y, 0.05))
        pose.roll = rng.choice([-1, 1]) * rng.uniform(1.2, 1.6)
        pose.neck = vector(0.9, 0, rng.uniform(-0.1, 0.6))
        pose.tail = (vector(-1, 0, rng.uniform(-0.5, 0.3)), 0.1, 0.0)
    return pose


def turned(axis: str, angle: float) -> Array:
    """Rotation matrix about a world axis."""
    c, s = np.cos(angle), np.sin(angle)
    if axis == "x":
        return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    if axis == "y":
        return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def knee(start: Array, end: Array, upper: float, lower: float, hint: Array) -> Array:
    """The middle joint of a two-bone chain from `start` to `end` that bends towards `hint`."""
    line = end - start
    distance = np.clip(np.linalg.norm(line), 1e-3, 0.999 * (upper + lower))
    x = np.clip((distance**2 + upper**2 - lower**2) / (2 * distance), -upper, upper)
    aim = unit(line)
    sideways = unit(hint - (hint @ aim) * aim)
    return start + aim * x + sideways * np.sqrt(max(upper**2 - x**2, 0.0))


class Assembly:
    """Collects the solids of one animal."""

    def __init__(self) -> None:
        self.solids: list[Solid] = []

    def add(
        self, centre: Array, axes: Array, radii: tuple, material: int = 0, along: float = 0.0,
        **marks: float,
    ) -> None:  # fmt: skip
        """One ellipsoid."""
        self.solids.append(
            Solid(
                np.array(centre, float),
                np.array(axes, float),
                np.array(radii, float),
                {"hair": 1.0, **marks},
                material,
                along,
            )
        )

    def bone(
        self, start: Array, end: Array, first: float, last: float, steps: int, flat: float = 1.0,
        along: float = 0.0, mark: str = "", values: tuple[float, float] = (0.0, 0.0),
        hair: float = 1.0, side: Array | None = None,
    ) -> None:  # fmt: skip
        """A tapered limb: `steps` ellipsoids from `start` to `end`, `flat` times as wide sideways
        as deep."""
        axes = frame_along(end - start, side)
        length = np.linalg.norm(end - start)
        for t in (np.arange(steps) + 0.5) / steps:
            r = first + (last - first) * t
            marks = {mark: values[0] + (values[1] - values[0]) * t} if mark else {}
            self.add(
                start + (end - start) * t, axes, (0.62 * length / steps + 0.6 * r, r * flat, r),
                along=along + length * (t - 0.5), hair=hair, **marks,
            )  # fmt: skip


def assemble(
    build: Build, pose: Pose, gaze: Array, tilt: float, mouth: float = 0.0
) -> tuple[list[Solid], dict[str, Array]]:
    """All solids of an animal in a pose.

    Args:
        gaze: (3,) the way the face looks; `tilt` turns the head about it (radians).
        mouth: 0 shut, 1 panting with the tongue out (dogs).

    Returns:
        The solids, always the same number in the same order for one build, and the places and
        directions that other parts of the picture need ("head", "gaze", "radius", "neck").
    """
    body = Assembly()
    chest, width = build.chest, build.width
    puff = 1.0 + 0.12 * build.fluff

    def spine(t: float) -> tuple[Array, Array]:
        a, b, c = pose.pelvis, pose.bend, pose.withers
        # The quadratic curve that passes through the middle point.
        control = 2 * b - 0.5 * (a + c)
        point = (1 - t) ** 2 * a + 2 * t * (1 - t) * control + t * t * c
        slope = 2 * (1 - t) * (control - a) + 2 * t * (c - control)
        return point, frame_along(slope)

    stations = np.linspace(-0.05, 1.04, 11)
    waist = build.waist
    depths = np.interp(
        stations, [-0.06, 0.1, 0.4, 0.75, 0.95, 1.04],
        [0.62 * waist + 0.1, 0.9 * waist, waist, 1.0, 0.92, 0.7],
    )  # fmt: skip
    for t, d in zip(stations, depths * chest / 2 * puff, strict=True):
        point, axes = spine(float(t))
        lift = 0.75 * (chest / 2 * puff - d)
        # Turned round, since the hair on the trunk lies backwards.
        body.add(
            point + axes[:, 2] * lift, axes @ np.diag([-1.0, -1.0, 1.0]),
            (0.2, d * width / chest * 1.05, d), along=-float(t),
        )  # fmt: skip
    point, axes = spine(1.02)
    body.add(
        point + axes @ vector(0.03, 0, -0.2 * chest), axes @ turned("y", np.pi / 2),
        (0.36 * chest * puff, 0.36 * width, 0.13 * puff), along=-1.05, front=1.0,
        hair=1.0 + 0.5 * build.fluff,
    )  # fmt: skip

    # Legs.
    lower = build.bone * (1.0 + 0.45 * build.fluff)
    front_length = (build.leg + 0.42 * chest) * 1.04
    hind_length = (build.leg + 0.5 * chest) * 1.12
    for side, paw, foot in ((1, pose.front[0], pose.hind[0]), (-1, pose.front[1], pose.hind[1])):
        point, axes = spine(0.88)
        lateral = axes[:, 1] * side
        shoulder = point - axes[:, 2] * 0.1 * chest + lateral * 0.3 * width
        wrist = paw + vector(0, 0, 1.5 * build.bone)
        elbow = knee(shoulder, wrist, 0.46 * front_length, 0.52 * front_length, -axes[:, 0])
        body.add(shoulder, axes, (0.13, 0.2 * width, 0.33 * chest), along=0.88)
        body.bone(shoulder, elbow, 0.24 * chest, 1.5 * lower, 3, 0.7, 0.2, "leg", (0.0, 0.35), 0.8)
        body.bone(elbow, wrist, 1.4 * lower, lower, 4, 1.0, 0.5, "leg", (0.4, 0.9), 0.6)
        toes = frame_along(vector(1, 0, 0) if pose.roll == 0 else unit(paw - elbow))
        body.add(
            paw + toes[:, 0] * 0.7 * build.bone + vector(0, 0, 0.75 * build.bone), toes,
            (1.7 * build.bone, 1.2 * build.bone, 0.85 * build.bone), along=0.8, leg=1.1, hair=0.4,
        )  # fmt: skip

        point, axes = spine(0.04)
        lateral = axes[:, 1] * side
        hip = point + lateral * 0.28 * width
        ankle = foot + vector(0, 0, 1.2 * build.bone)
        if pose.flat:
            hock = ankle - vector(0.2 * hind_length, 0, 0)
            bend = vector(0.8, 0.25 * side, 1.0)
        else:
            hock = ankle + vector(-0.1 * hind_length, 0, 0.24 * hind_length)
            bend = vector(1.0, 0.1 * side, 0.3)
        stifle = knee(hip, hock, 0.42 * hind_length, 0.42 * hind_length, bend)
        thigh = hip + 0.5 * (stifle - hip)
        frame = frame_along(stifle - hip)
        body.add(
            thigh, frame, (0.3 * hind_length, 0.24 * width * puff, 0.3 * chest * puff), along=0.1,
            leg=0.15, hair=1.0 + 0.4 * build.fluff,
        )  # fmt: skip
        body.bone(hip, stifle, 0.3 * chest, 1.8 * lower, 2, 0.75, 0.2, "leg", (0.0, 0.3), 0.9)
        body.bone(stifle, hock, 1.9 * lower, 1.05 * lower, 3, 0.9, 0.45, "leg", (0.35, 0.7), 0.7)
        body.bone(hock, ankle, 1.05 * lower, lower, 2, 1.0, 0.7, "leg", (0.75, 0.95), 0.5)
        body.add(
            foot + vector(0.8 * build.bone, 0, 0.75 * build.bone), np.eye(3),
            (1.8 * build.bone, 1.2 * build.bone, 0.85 * build.bone), along=0.9, leg=1.1, hair=0.4,
        )  # fmt: skip

    # Tail.
    point, axes = spine(-0.08)
    place = point + axes[:, 2] * 0.28 * chest
    heading = axes @ unit(pose.tail[0])
    steps = 8
    for i in range(steps):
        step = build.tail / steps
        heading = heading @ turned("y", pose.tail[1]).T @ turned("z", pose.tail[2]).T
        after = place + heading * step
        thick = build.tail_thick * (1.0 - 0.45 * i / steps) * (1 + 0.8 * build.fluff)
        if after[2] < thick:
            after[2] = thick
            heading = unit(after - place)
        body.bone(
            place, after, thick, thick * 0.95, 1, 1.0, i * step, "tail", ((i + 1) / steps,) * 2,
            1.0 + 0.6 * build.fluff,
        )  # fmt: skip
        place = after

    if pose.roll:
        spin = turned("x", pose.roll)
        for solid in body.solids:
            solid.centre, solid.axes = spin @ solid.centre, spin @ solid.axes
        sink = min(s.centre[2] - np.sqrt(((s.axes[2] * s.radii) ** 2).sum()) for s in body.solids)
        for solid in body.solids:
            solid.centre[2] -= sink
        base, axes = spine(1.0)
        base = spin @ (base + axes[:, 2] * 0.12 * chest) - vector(0, 0, sink)
        neck = spin @ unit(pose.neck)
    else:
        base, axes = spine(1.0)
        base = base + axes[:, 2] * 0.12 * chest
        neck = unit(pose.neck)

    # Neck and head.
    r = build.head
    top = base + neck * build.neck
    centre = top + gaze * 0.45 * r + vector(0, 0, 0.2 * r)
    low = centre[2] - 0.95 * r
    if low < 0:
        centre[2] -= low
        top[2] -= 0.7 * low
    thick = build.throat * (1 + 0.35 * build.fluff)
    start = base - neck * 0.1 - vector(0, 0, 0.12 * chest)
    body.bone(top, start, thick, max(1.35 * thick, 0.34 * chest), 4, 0.95, 2.0, "front",
              (0.3, 0.6), 1.0 + 0.8 * build.fluff)  # fmt: skip
    face = frame_along(gaze, np.cross([0.0, 0.0, 1.0], gaze))
    face = face @ turned("x", tilt)
    head_solids(body, build, centre, face, mouth)
    places = {"head": centre, "gaze": gaze, "radius": np.array([r]), "neck": top, "base": base}
    return body.solids, places


def head_solids(body: Assembly, build: Build, centre: Array, face: Array, mouth: float) -> None:
    """Skull, muzzle, ears, eyes, nose and mouth; lengths in skull radii along the face's axes."""
    r = build.head

    def put(place: tuple, radii: tuple, axes: Array | None = None, material: int = 0,
            **marks: float) -> None:  # fmt: skip
        marks = {"head": 1.0, "hair": 0.6, **marks}
        frame = face if axes is None else face @ axes
        if axes is None and material == 0:
            # Hair on the face lies backwards.
            frame = frame @ np.diag([-1.0, -1.0, 1.0])
        body.add(
            centre + face @ (np.array(place) * r), frame, tuple(np.array(radii) * r), material,
            along=place[1] * 0.6, **marks,
        )  # fmt: skip

    m, s, c = build.muzzle, build.snout, build.cheek
    put((0, 0, 0), (0.98, 0.9, 0.88))
    for side in (1, -1):
        put((0.12, 0.5 * side, -0.28), (0.6, 0.46 * c, 0.5 * c), hair=0.8 + 0.8 * build.fluff)
    if build.fluff > 0:
        for side in (1, -1):
            put((-0.3, 0.62 * side, -0.45), (0.5, 0.5, 0.6), hair=1.6)
    gap = 0.32 * mouth
    if build.cat:
        put((0.62, 0, -0.08), (0.45 + m, 0.3, 0.34), muzzle=0.4, hair=0.25)
        for side in (1, -1):
            put((0.72 + m, 0.2 * side, -0.34), (0.3, s, 0.24), muzzle=1.0, hair=0.25)
        put((0.68 + m, 0, -0.56), (0.24, 0.24, 0.18), muzzle=1.0, hair=0.3)
        tip = 0.98 + m
        put((tip, 0, -0.17), (0.1, 0.13, 0.09), material=NOSE)
        put((tip + 0.01, 0, -0.34), (0.05, 0.022, 0.12), material=LIP)
        for side in (1, -1):
            slant = turned("x", -0.5 * side)
            put((tip - 0.05, 0.13 * side, -0.47), (0.08, 0.15, 0.02), slant, LIP)
    else:
        steps = 4
        for t in np.linspace(0, 1, steps):
            width = s * (1.05 - 0.2 * t)
            put((0.6 + m * t, 0, -0.2 - 0.12 * t), (0.3 + 0.25 * m, width, s * (0.85 - 0.15 * t)),
                muzzle=0.4 + 0.6 * t, hair=0.3 + 0.5 * build.fluff)  # fmt: skip
        for side in (1, -1):
            put((0.55 + 0.75 * m, 0.5 * s * side, -0.45), (0.25 + 0.3 * m, 0.5 * s, 0.55 * s),
                muzzle=0.9, hair=0.4 + 1.0 * build.fluff)  # fmt: skip
        put((0.5 + 0.7 * m, 0, -0.62 - gap), (0.3 + 0.4 * m, 0.62 * s, 0.3 * s), muzzle=0.8,
            hair=0.4 + 1.2 * build.fluff)  # fmt: skip
        tip = 0.6 + m + 0.3 + 0.16 * m
        put((tip, 0, -0.12 - 0.05 * m), (0.16, 0.38 * s + 0.05, 0.32 * s + 0.03), material=NOSE)
        put((0.55 + 0.75 * m, 0, -0.62 - 0.3 * gap), (0.31 + 0.36 * m, 0.74 * s, 0.025 + 0.5 * gap),
            material=LIP)  # fmt: skip
        hang = turned("y", 0.5 + 0.5 * mouth)
        length = 0.05 + 0.5 * mouth
        put((0.7 + 0.8 * m, 0, -0.66 - 0.8 * gap), (length, 0.3 * s + 0.06, 0.05), hang, TONGUE)
        for side in (1, -1):
            put((0.55, 0.36 * side, 0.32), (0.32, 0.3, 0.26))
    e = build.eye
    spread = 0.42 if not build.cat else 0.4
    for side in (1, -1):
        place = (0.74 if not build.cat else 0.7, spread * side, 0.14 if not build.cat else 0.08)
        put(place, (e, e, e * 0.92), turned("z", 0.25 * side), EYE)
    for side in (1, -1):
        ear_solids(put, build, side)


def ear_solids(put, build: Build, side: int) -> None:
    """One ear as a chain of thin plates; the inner side of a pricked ear has mark ear = 2."""
    size, steps = build.ear_size, 9
    outward = 0.35 if build.cat else 0.25
    ts = (np.arange(steps) + 0.5) / steps
    if build.ear == "prick":
        base = np.array([-0.1, 0.52 * side, 0.5])
        along = unit(np.array([-0.05, outward * side, 1.0]))
        facing = unit(np.array([0.85, 0.55 * side, 0.1]))
        points = [base + along * size * t for t in ts]
        widths = 0.48 * size * (1.0 - ts) ** 0.75 + 0.03
        directions, normals = [along] * steps, [facing] * steps
    elif build.ear == "fold":
        base = np.array([-0.05, 0.6 * side, 0.55])
        up, fold = unit(np.array([-0.1, 0.6 * side, 1.0])), unit(np.array([0.5, 0.35 * side, -0.8]))
        points, directions, normals = [], [], []
        for t in ts:
            bent = t > 0.4
            at = base + up * size * min(t, 0.4) + fold * size * max(t - 0.4, 0.0)
            points.append(at)
            directions.append(fold if bent else up)
            normals.append(unit(np.array([0.7, 0.5 * side, 0.5])))
        widths = 0.36 * size * (1.0 - ts) ** 0.6 + 0.05
    else:
        points, directions, normals = [], [], []
        at = np.array([-0.15, 0.72 * side, 0.42])
        for t in ts:
            way = unit(np.array([0.12, side * max(0.9 - 3.0 * t, 0.05), -0.25 - 1.6 * t]))
            points.append(at + way * size / steps / 2)
            at = at + way * size / steps
            directions.append(way)
            normals.append(unit(np.array([0.25, side, 0.25])))
        widths = size * np.interp(ts, [0, 0.3, 0.75, 1.0], [0.2, 0.3, 0.34, 0.2])
    for layer in (0, 1):
        for point, way, normal, half in zip(points, directions, normals, widths, strict=True):
            normal = unit(normal - (normal @ way) * way)
            axes = np.stack([way, np.cross(normal, way), normal], 1)
            inner = layer and build.ear == "prick"
            shrink = 0.72 if layer else 1.0
            put(
                tuple(point + normal * (0.07 if inner else 0.0)),
                (0.9 * size / steps + 0.05, half * shrink, 0.09), axes,
                ear=2.0 if inner else 1.0, hair=0.5 + 0.8 * build.fluff,
            )  # fmt: skip
