"""One face, from its values to the pixels of a photograph."""

import cv2
import numpy as np
import numpy.typing as npt

from ferflow.faces.canvas import Canvas
from ferflow.faces.eyes import draw_upper_face
from ferflow.faces.head import Head, draw_behind, draw_hair, draw_skin
from ferflow.faces.identity import Identity, View
from ferflow.faces.mouth import draw_lower_face
from ferflow.faces.units import ActionUnits

SIDE = 48
OVERSAMPLE = 4


def draw_face(identity: Identity, units: ActionUnits, view: View) -> npt.NDArray[np.uint8]:
    """Return the picture of a person making a face: uint8, (48, 48), grey levels 0 to 255.

    The same values give the same pixels.
    """
    grain = np.random.default_rng(view.grain)
    canvas = Canvas(SIDE * OVERSAMPLE, _background(view, grain))
    head = Head(canvas, identity, units, view)
    draw_behind(head)
    cover = draw_skin(head)
    draw_upper_face(head)
    draw_lower_face(head)
    light = np.float32(1) + cover * (head.shading() - 1)
    draw_hair(head)
    return _photograph(canvas.paint * light, view, grain)


def _background(view: View, grain: np.random.Generator) -> npt.NDArray[np.float32]:
    """Return something out of focus behind the head, (side, side), 0 to 1."""
    side = SIDE * OVERSAMPLE
    coarse = np.rint(grain.uniform(0, 255, (4, 4))).astype(np.uint8)
    spots = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_LINEAR_EXACT)
    slope = np.linspace(-1, 1, side, dtype=np.float32) * np.float32(view.gradient)
    plane = (
        np.float32(view.background)
        + slope[None, :]
        + (spots.astype(np.float32) / 255 - np.float32(0.5)) * np.float32(0.25)
    )
    return plane.clip(0.02, 0.98)


def _photograph(
    scene: npt.NDArray[np.float32], view: View, grain: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Return what a small, noisy camera sees of the scene."""
    tones = np.float32(view.exposure * 255) * scene
    middle = np.float32(110)
    tones = (tones - middle) * np.float32(view.contrast) + middle
    fine = np.rint(tones).clip(0, 255).astype(np.uint8)
    if view.blur > 0:
        fine = cv2.GaussianBlur(fine, (0, 0), view.blur * OVERSAMPLE, hint=cv2.ALGO_HINT_ACCURATE)
    small = cv2.resize(fine, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    noisy = small + view.noise * grain.normal(0, 1, small.shape)
    return np.rint(noisy).clip(0, 255).astype(np.uint8)
