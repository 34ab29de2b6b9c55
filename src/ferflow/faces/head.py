"""Project points of the head onto the canvas, and draw its skin, light, ears and body."""

import math

import numpy as np

from ferflow.faces.action_units import ActionUnits
from ferflow.faces.canvas import Canvas, Cover, Plane, Points, smooth
from ferflow.faces.identity import Identity, View

DEPTH = 0.85  # distance of the face's middle in front of its rim, face units
SLIGHT = 0.05  # folds of the skin less deep than this are not drawn
SIDES = (-1.0, 1.0)  # the viewer's left and right


class Head:
    """A person's head in a pose on a canvas.

    Attributes:
        unit: Length of a face unit in pixels of the canvas.
        centre: Middle of the face without its depth, (x, y) in pixels of the canvas.
        jaw: How far the chin has dropped, in face units.
        rng: Source of randomness for the strands of hair.
    """

    def __init__(self, canvas: Canvas, identity: Identity, units: ActionUnits, view: View) -> None:
        """Position the head on the canvas without drawing anything."""
        self.canvas, self.identity, self.units, self.view = canvas, identity, units, view
        factor = canvas.side / 48
        self.unit = view.scale * factor
        self.centre = (canvas.side / 2 + view.shift_x * factor, canvas.side / 2 + view.shift_y * factor)
        self.jaw = 0.32 * units.au26 + 0.03 * units.au25
        self.rng = np.random.default_rng(identity.texture)
        yaw, pitch, roll = ((math.sin(a), math.cos(a)) for a in (view.yaw, view.pitch, view.roll))
        self._roll = roll
        turned = ((yaw[1], yaw[0] * pitch[0]), (0.0, pitch[1]), (yaw[0], -yaw[1] * pitch[0]))
        self._axes = [
            ((x * roll[1] - y * roll[0]) * self.unit, (x * roll[0] + y * roll[1]) * self.unit) for x, y in turned
        ]

    def at(self, points: list[tuple[float, float]] | Points, lift: float = 0.0, flat: bool = False) -> Points:
        """Project points of the face onto the canvas.

        Args:
            points: Points in face units, (N, 2): x from the middle of the face, y down from the line between the eyes.
            lift: Height of the points above the face in face units. Defaults to 0.
            flat: Whether the points lie on the rim, as hair and ears do, and not on the curved front of the face.
                Defaults to false.

        Returns:
            Points in pixels of the canvas, (N, 2).
        """
        knots = np.asarray(points, np.float64)
        x, y = knots[:, 0] * self.identity.width, knots[:, 1] * self.identity.length - 0.1
        z: Points | float = lift
        if not flat:
            z = np.sqrt(np.maximum(0.04, 1 - x * x * 0.91 - y * y * 0.42)) * DEPTH + lift
        (xx, xy), (yx, yy), (zx, zy) = self._axes
        placed = np.empty_like(knots)
        placed[:, 0] = x * xx + y * yx + (z * zx + self.centre[0])
        placed[:, 1] = x * xy + y * yy + (z * zy + self.centre[1])
        return placed

    def rim(self, points: list[tuple[float, float]] | Points, lift: float = 0.0) -> Points:
        """Project points of the head's rim onto the canvas; see `at`."""
        return self.at(points, lift, flat=True)

    def px(self, length: float) -> float:
        """Return a length in face units as pixels of the canvas."""
        return length * self.unit

    def light(self) -> Plane:
        """Return the light on an ellipsoid with the canvas's relief, for the whole canvas (Lambert's cosine law).

        The values range from `View.ambient` in the shade to about 1.
        """
        canvas, view, who = self.canvas, self.view, self.identity
        middle = self.rim([(0.0, 0.02 + self.jaw / 2)], 0.1)[0]
        sin, cos = (np.float32(value) for value in self._roll)
        x, y = canvas.x - np.float32(middle[0]), canvas.y - np.float32(middle[1])
        wide = np.float32(1 / self.px(1.12 * who.width))
        high = np.float32(1 / self.px((1.5 + self.jaw / 2) * who.length))
        u, v = (x * cos + y * sin) * wide, (y * cos - x * sin) * high
        nz = np.sqrt(np.maximum(np.float32(0.1), 1 - u * u - v * v))
        nx, ny = u * cos - v * sin, u * sin + v * cos
        rise = canvas.relief * np.float32(0.25)
        nx[:, 1:-1] -= rise[:, 2:] - rise[:, :-2]
        ny[1:-1] -= rise[2:] - rise[:-2]
        towards = nx * np.float32(view.light_x) + ny * np.float32(view.light_y) + nz * np.float32(view.light_z)
        towards /= np.sqrt(nx * nx + ny * ny + nz * nz)
        direct = np.maximum(0, towards) * np.float32((1 - view.ambient) * 1.1)
        light: Plane = direct + np.float32(view.ambient)
        return light.repeat(2, axis=0).repeat(2, axis=1)


def mirrored(half: list[tuple[float, float]], steps: int = 5) -> Points:
    """Return a symmetric closed curve, given its right half, which begins and ends on the middle line."""
    return smooth([*half, *((-x, y) for x, y in half[-2:0:-1])], steps, closed=True)


def draw_body(head: Head) -> None:
    """Draw neck and shoulders."""
    canvas, who = head.canvas, head.identity
    neck = 0.5 if who.makeup > 0.15 else 0.62
    skin = [(0.0, 0.7), (neck, 0.7), (neck + 0.02, 1.5), (1.1, 1.75), (1.1, 2.6), (0.0, 2.6)]
    canvas.fill(head.rim(mirrored(skin, 2), -0.1), who.skin * 0.6, soft=1)
    low = 1.72 + head.jaw / 2
    cloth = [(0.0, low), (0.35, low), (1.0, 1.5), (2.6, 1.75), (2.6, 3.5), (0.0, 3.5)]
    canvas.fill(head.rim(mirrored(cloth, 3), -0.2), who.cloth, soft=1)


def draw_ears(head: Head) -> None:
    """Draw both ears."""
    canvas, skin = head.canvas, head.identity.skin
    ear = smooth([(0.93, -0.16), (1.06, -0.2), (1.13, -0.05), (1.08, 0.2), (0.98, 0.38), (0.92, 0.3)], 4, True)
    for side in SIDES:
        canvas.fill(head.rim(ear * (side, 1), -0.15), skin * 0.85, soft=1)
        fold = head.rim([(side * 1.01, -0.1), (side * 1.07, 0.0), (side * 1.02, 0.2)], -0.15)
        canvas.line(fold, head.px(0.04), skin * 0.5, 0.6, 1)


def draw_skin(head: Head) -> Cover:
    """Fill the face with skin, and return the area that it covers on the whole canvas."""
    canvas, who, jaw = head.canvas, head.identity, head.jaw
    chin = [(who.chin + 0.12, 1.1 + 0.95 * jaw), (who.chin * 0.5, 1.21 + jaw), (0.0, 1.24 + jaw)]
    skull = [(0.0, -1.22), (0.45, -1.15), (0.78, -0.92), (0.95, -0.5), (0.985, -0.1)]
    outline = mirrored([*skull, (who.cheek, 0.35), (who.jaw, 0.8 + 0.6 * jaw), *chin])
    everywhere = (slice(0, canvas.side), slice(0, canvas.side))
    face = canvas.cover(head.rim(outline, 0.12), 1, everywhere)
    canvas.blend(face, who.skin)
    return face
