"""Describe the person who is drawn, and the photograph. Lengths are in face units: a mean face is 2 units wide."""

import math
from dataclasses import dataclass

import numpy as np

HAIR_STYLES = ("bald", "short", "parted", "fringe", "curly", "receding", "bun", "bob", "long", "scarf")


@dataclass(frozen=True)
class Identity:
    """What stays the same from one photograph of a person to the next.

    Attributes:
        skin, hair, iris, cloth: Shades from 0 (black) to 1 (white).
        width, length: Size of the head relative to the mean, which is 1.
        cheek, jaw, chin: Half widths of the face next to the nose, at the corners of the mouth and at the chin's tip.
        eye_gap, eye_height, eye_size, eye_tilt: Half the distance between the centres of the eyes, their y (downwards),
            half the width of an eye, and the height of the outer corner above the inner one.
        brow_height, brow_arch, brow_width: y of the brows, the rise in their middle, and their thickness.
        nose_length, nose_width: y of the tip of the nose, and half the width of its wings.
        mouth_height, mouth_width, lips: y of the mouth, half its width, and fullness of the lips relative to the mean.
        mouth_bow: Shape of the mouth at rest; positive values turn the corners up.
        age: Depth of the wrinkles, from 0 (smooth) to 1 (furrowed).
        style: Hair style, one of HAIR_STYLES.
        hairline, volume: y of the lower edge of the hair over the forehead, and thickness of the hair.
        part: Position of the parting, from -1 (left) to 1 (right).
        beard, moustache: Density, 0 to 1.
        glasses: Thickness of the frames, 0 for no glasses.
        makeup: Darkness of lashes and lips, 0 to 1.
        texture: Seed of the strands of hair; it also selects the frames of the glasses.
    """

    skin: float
    hair: float
    iris: float
    cloth: float
    width: float
    length: float
    cheek: float
    jaw: float
    chin: float
    eye_gap: float
    eye_height: float
    eye_size: float
    eye_tilt: float
    brow_height: float
    brow_arch: float
    brow_width: float
    nose_length: float
    nose_width: float
    mouth_height: float
    mouth_width: float
    lips: float
    mouth_bow: float
    age: float
    style: str
    hairline: float
    volume: float
    part: float
    beard: float
    moustache: float
    glasses: float
    makeup: float
    texture: int


@dataclass(frozen=True)
class View:
    """One photograph: pose, light and camera.

    Attributes:
        yaw, pitch, roll: Rotations in radians; positive values turn to the viewer's right, up, and clockwise.
        scale: Length of a face unit in pixels of the finished image of 48 x 48 pixels.
        shift_x, shift_y: Offset of the face's centre from the image's, in pixels of the finished image.
        gaze_x, gaze_y: Direction of the eyes, -1 to 1.
        light_x, light_y, light_z: Unit vector towards the lamp; y points down, z to the viewer.
        ambient: Share of the light that comes from all directions, 0 to 1.
        background, gradient: Shade behind the head (0 to 1), and its change from left to right.
        exposure, contrast: Factor of the brightness, and factor of the distance from grey level 110.
        blur: Standard deviation of the lens blur in pixels of the finished image.
        noise: Standard deviation of the sensor noise in grey levels (0 to 255).
        grain: Seed of background and noise.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    scale: float = 18.0
    shift_x: float = 0.0
    shift_y: float = 0.0
    gaze_x: float = 0.0
    gaze_y: float = 0.0
    light_x: float = 0.0
    light_y: float = -0.6
    light_z: float = 0.8
    ambient: float = 0.45
    background: float = 0.5
    gradient: float = 0.0
    exposure: float = 1.0
    contrast: float = 1.0
    blur: float = 0.3
    noise: float = 3.0
    grain: int = 0


def random_identity(rng: np.random.Generator) -> Identity:
    """Return a random person."""

    def about(mean: float, deviation: float) -> float:
        return mean + deviation * max(-2.2, min(2.2, float(rng.normal())))

    female = rng.random() < 0.5
    age = float(rng.beta(1.3, 1.8))
    skin = float(rng.choice([0.78, 0.68, 0.55, 0.42], p=[0.4, 0.27, 0.2, 0.13])) + about(0, 0.035)
    hair = float(rng.choice([0.07, 0.16, 0.3, 0.5], p=[0.4, 0.3, 0.18, 0.12])) + about(0, 0.025)
    if age > 0.7 and rng.random() < 0.6:
        hair = about(0.68, 0.05)
    elif skin < 0.6:
        hair = min(hair, 0.12)
    chances = (
        [0.01, 0.12, 0.14, 0.14, 0.1, 0.0, 0.1, 0.16, 0.18, 0.05]
        if female
        else [0.12, 0.36, 0.18, 0.1, 0.1, 0.12, 0.0, 0.0, 0.02, 0.0]
    )
    style = HAIR_STYLES[int(rng.choice(len(HAIR_STYLES), p=chances))]
    bearded = not female and rng.random() < 0.4
    return Identity(
        skin=skin,
        hair=max(0.04, hair),
        iris=float(rng.choice([0.1, 0.18, 0.35], p=[0.55, 0.25, 0.2])),
        cloth=float(rng.uniform(0.08, 0.9)),
        width=about(1.0, 0.04),
        length=about(1.0, 0.04),
        cheek=about(0.93, 0.03),
        jaw=about(0.72 if female else 0.79, 0.045),
        chin=about(0.3 if female else 0.38, 0.05),
        eye_gap=about(0.42, 0.025),
        eye_height=about(-0.02, 0.03),
        eye_size=about(0.25, 0.014),
        eye_tilt=about(0.015, 0.018),
        brow_height=about(-0.3, 0.018),
        brow_arch=about(0.07, 0.02),
        brow_width=about(0.07 if female else 0.1, 0.015),
        nose_length=about(0.44, 0.035),
        nose_width=about(0.2 if skin > 0.6 else 0.23, 0.018),
        mouth_height=about(0.79, 0.02),
        mouth_width=about(0.36, 0.022),
        lips=about(1.1 if female else 0.9, 0.15),
        mouth_bow=about(0.0, 0.01),
        age=age,
        style=style,
        hairline=about(-0.86, 0.07),
        volume=max(0.04, about(0.15, 0.05)),
        part=float(rng.uniform(-1, 1)),
        beard=float(rng.uniform(0.15, 0.9)) if bearded else 0.0,
        moustache=float(rng.uniform(0.2, 0.9)) if bearded or (not female and rng.random() < 0.08) else 0.0,
        glasses=float(rng.uniform(0.025, 0.06)) if rng.random() < 0.16 else 0.0,
        makeup=float(rng.uniform(0.2, 1.0)) if female else 0.1,
        texture=int(rng.integers(2**31)),
    )


def random_view(rng: np.random.Generator) -> View:
    """Return a random pose, light and camera, mostly frontal as in FER-2013."""

    def about(deviation: float) -> float:
        return deviation * max(-2.2, min(2.2, float(rng.normal())))

    x, y, z = about(0.42), -0.35 + about(0.3), float(rng.uniform(0.55, 1.0))
    length = math.sqrt(x * x + y * y + z * z)
    looks_away = rng.random() < 0.3
    return View(
        yaw=about(0.12),
        pitch=about(0.06),
        roll=about(0.07),
        scale=19.8 + about(0.7),
        shift_x=about(0.7),
        shift_y=-0.8 + about(0.7),
        gaze_x=about(0.45) if looks_away else about(0.1),
        gaze_y=about(0.25) if looks_away else about(0.08),
        light_x=x / length,
        light_y=y / length,
        light_z=z / length,
        ambient=float(rng.uniform(0.25, 0.6)),
        background=float(rng.uniform(0.05, 0.95)),
        gradient=about(0.15),
        exposure=1.0 + about(0.12),
        contrast=1.0 + about(0.15),
        blur=float(rng.uniform(0.0, 0.55)),
        noise=float(rng.uniform(1.0, 4.5)),
        grain=int(rng.integers(2**31)),
    )
