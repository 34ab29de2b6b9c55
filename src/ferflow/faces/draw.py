"""Draw one face and photograph it."""

import cv2
import numpy as np
import numpy.typing as npt

from ferflow.faces.action_units import ActionUnits
from ferflow.faces.canvas import Canvas, Plane
from ferflow.faces.hair import FALLING, draw_back_hair, draw_hair
from ferflow.faces.head import Head, draw_body, draw_ears, draw_skin
from ferflow.faces.identity import Identity, View
from ferflow.faces.lower_face import draw_lower_face
from ferflow.faces.upper_face import draw_upper_face

SIDE = 48  # pixels along an edge of the finished image
OVERSAMPLE = 4  # pixels of the canvas per pixel of the finished image, along an edge


def draw_face(identity: Identity, units: ActionUnits, view: View) -> npt.NDArray[np.uint8]:
    """Return the photograph of a person with an expression; it is deterministic.

    Args:
        identity: The person.
        units: Facial action units of the expression.
        view: Pose, light and camera.

    Returns:
        uint8 array of shape (48, 48), grey levels 0 to 255.
    """
    grain = np.random.default_rng(view.grain)
    canvas = Canvas(SIDE * OVERSAMPLE, _background(view, grain))
    head = Head(canvas, identity, units, view)
    draw_back_hair(head)
    draw_body(head)
    if identity.style not in FALLING:
        draw_ears(head)
    _, skin = draw_skin(head)
    draw_upper_face(head)
    draw_lower_face(head)
    light = head.light()
    canvas.paint *= 1 + skin * (light - 1)
    draw_hair(head, light)
    return _photograph(canvas.paint, identity, view, grain)


def _background(view: View, grain: np.random.Generator) -> Plane:
    """Return a background that is out of focus, of shape (192, 192), 0 to 1."""
    side = SIDE * OVERSAMPLE
    coarse = grain.integers(0, 256, (4, 4), np.uint8)
    spots = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_LINEAR_EXACT)
    slope = np.linspace(-1, 1, side, dtype=np.float32) * np.float32(view.gradient)
    shade = np.float32(view.background - 0.125) + slope[None, :]
    plane: Plane = spots * np.float32(0.25 / 255) + shade
    return plane.clip(0.02, 0.98)


def _photograph(scene: Plane, identity: Identity, view: View, grain: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Return the scene as a small, noisy camera sees it whose exposure compensates for half of the skin's shade."""
    metered = (0.6 / identity.skin) ** 0.5
    tones = (np.float32(view.exposure * metered * 255) * scene - 110) * np.float32(view.contrast) + 110
    fine = np.rint(tones).clip(0, 255).astype(np.uint8)
    small = cv2.resize(fine, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    if view.blur > 0:
        small = cv2.GaussianBlur(small, (0, 0), view.blur, hint=cv2.ALGO_HINT_ACCURATE)
    noisy = small + view.noise * grain.standard_normal((SIDE, SIDE))
    photograph: npt.NDArray[np.uint8] = np.rint(noisy).clip(0, 255).astype(np.uint8)
    return photograph
