"""The head: where its points fall in the picture, and its skin, ears, neck and hair."""

import math

import numpy as np

from ferflow.faces.canvas import Canvas, Plane, Points, smooth
from ferflow.faces.identity import Identity, View
from ferflow.faces.units import ActionUnits

DEPTH = 0.85  # how far the face's middle stands before its rim, face units


class Head:
    """A person's head in a pose on a canvas.

    Attributes:
        unit: pixels of the canvas for a face unit.
        jaw: how far the chin has dropped, face units.
    """

    def __init__(self, canvas: Canvas, identity: Identity, units: ActionUnits, view: View) -> None:
        """Place the head; nothing is drawn yet."""
        self.canvas, self.identity, self.units, self.view = canvas, identity, units, view
        factor = canvas.side / 48
        self.unit = view.scale * factor
        self.jaw = 0.26 * units.au26 + 0.03 * units.au25
        middle = canvas.side / 2
        self.centre = (middle + view.shift_x * factor, middle + view.shift_y * factor)
        self.turn = (
            math.sin(view.yaw), math.cos(view.yaw), math.sin(view.pitch), math.cos(view.pitch),
            math.sin(view.roll), math.cos(view.roll),
        )  # fmt: skip
        self.rng = np.random.default_rng(identity.texture)

    def at(self, points: list[tuple[float, float]] | Points, lift: float = 0.0, flat: bool = False) -> Points:
        """Return where points of the face, (N, 2) in face units, fall on the canvas, (N, 2) in pixels.

        Args:
            points: x from the face's middle, y from the line between the eyes downwards.
            lift: how far they stand out from the face.
            flat: the points lie on the rim, such as hair and ears, instead of the face's curved front.
        """
        knots = np.asarray(points, np.float64)
        x, y = knots[:, 0] * self.identity.width, knots[:, 1] * self.identity.length
        if flat:
            z = np.full(len(knots), lift)
        else:
            z = DEPTH * np.sqrt(np.maximum(0.04, 1 - (x / 1.05) ** 2 - ((y - 0.1) / 1.55) ** 2)) + lift
        sin_yaw, cos_yaw, sin_pitch, cos_pitch, sin_roll, cos_roll = self.turn
        x, z = x * cos_yaw + z * sin_yaw, z * cos_yaw - x * sin_yaw
        y = (y - 0.1) * cos_pitch - z * sin_pitch
        across, down = x * cos_roll - y * sin_roll, x * sin_roll + y * cos_roll
        return np.stack([across, down], axis=1) * self.unit + self.centre

    def px(self, length: float) -> float:
        """Return a length in face units as pixels of the canvas."""
        return length * self.unit

    def outline(self) -> Points:
        """Return the rim of the face, skull to chin, in pixels."""
        who, jaw = self.identity, self.jaw
        right = [
            (0.0, -1.22), (0.45, -1.15), (0.78, -0.92), (0.95, -0.5), (0.985, -0.1), (who.cheek, 0.35),
            (who.jaw, 0.8 + 0.6 * jaw), (who.chin + 0.12, 1.1 + 0.95 * jaw), (who.chin * 0.5, 1.21 + jaw),
            (0.0, 1.24 + jaw),
        ]  # fmt: skip
        both = right + [(-x, y) for x, y in right[-2:0:-1]]
        return self.at(smooth(both, 5, closed=True), 0.12, flat=True)

    def shading(self) -> Plane:
        """Return the light on skin for the whole canvas: an ellipsoid's, changed by the relief. 1 is full light."""
        canvas, view, who = self.canvas, self.view, self.identity
        middle = self.at([(0.0, 0.02 + self.jaw / 2)], 0.1, flat=True)[0]
        _, _, _, _, sin_roll, cos_roll = (np.float32(value) for value in self.turn)
        x, y = canvas.x - np.float32(middle[0]), canvas.y - np.float32(middle[1])
        wide = np.float32(1 / self.px(1.12 * who.width))
        high = np.float32(1 / self.px((1.5 + self.jaw / 2) * who.length))
        u, v = (x * cos_roll + y * sin_roll) * wide, (y * cos_roll - x * sin_roll) * high
        nz = np.sqrt(np.maximum(np.float32(0.1), 1 - u * u - v * v))
        nx, ny = u * cos_roll - v * sin_roll, u * sin_roll + v * cos_roll
        rise = canvas.relief
        nx[:, 1:-1] -= (rise[:, 2:] - rise[:, :-2]) * np.float32(0.5)
        ny[1:-1] -= (rise[2:] - rise[:-2]) * np.float32(0.5)
        light = nx * np.float32(view.light_x) + ny * np.float32(view.light_y) + nz * np.float32(view.light_z)
        light *= 1 / np.sqrt(nx * nx + ny * ny + nz * nz)
        direct = np.maximum(0, light) * np.float32((1 - view.ambient) * 1.1)
        return direct + np.float32(view.ambient)


def draw_behind(head: Head) -> None:
    """Draw what lies behind the face: shoulders, neck, long hair, ears."""
    canvas, who = head.canvas, head.identity
    jaw, hair, volume = head.jaw, who.hair, who.volume
    if who.style in ("long", "bob", "scarf"):
        low = {"long": 2.2, "bob": 0.95, "scarf": 1.9}[who.style]
        side = 1.08 + volume
        right = [(0.0, -1.3 - volume), (0.6, -1.2 - volume), (1.0, -0.7), (side, 0.1), (side + 0.02, low)]
        both = smooth(right + [(-x, y) for x, y in right[:0:-1]], 5, closed=True)
        canvas.fill(head.at(both, -0.25, flat=True), hair * 0.85, blur=1.5)
    if who.style == "bun":
        angle = np.arange(16) / 16 * 2 * math.pi
        knot = np.stack([0.3 * np.cos(angle) + 0.1 * who.part, 0.26 * np.sin(angle) - 1.42], axis=1)
        canvas.fill(head.at(knot, -0.2, flat=True), hair * 0.9, blur=1.5)
    neck = 0.5 if who.makeup > 0.15 else 0.62
    collar = [
        (-neck, 0.7),
        (neck, 0.7),
        (neck + 0.02, 1.5),
        (1.1, 1.75),
        (1.1, 2.6),
        (-1.1, 2.6),
        (-1.1, 1.75),
        (-neck - 0.02, 1.5),
    ]
    canvas.fill(head.at(collar, -0.1, flat=True), who.skin * 0.62, blur=1.2)
    cloth = [
        (-2.6, 1.75),
        (-1.0, 1.5),
        (-0.35, 1.72 + jaw / 2),
        (0.35, 1.72 + jaw / 2),
        (1.0, 1.5),
        (2.6, 1.75),
        (2.6, 3.5),
        (-2.6, 3.5),
    ]
    canvas.fill(head.at(smooth(cloth, 3, closed=True), -0.2, flat=True), who.cloth, blur=1.2)
    if who.style not in ("long", "bob", "scarf"):
        for side in (-1.0, 1.0):
            ear = [(0.93, -0.16), (1.06, -0.2), (1.13, -0.05), (1.08, 0.2), (0.98, 0.38), (0.92, 0.3)]
            canvas.fill(
                head.at(smooth([(side * x, y) for x, y in ear], 4, closed=True), -0.15, flat=True),
                who.skin * 0.88,
                blur=1.0,
            )
            fold = [(1.01, -0.1), (1.07, 0.0), (1.02, 0.2)]
            canvas.line(
                head.at([(side * x, y) for x, y in fold], -0.15, flat=True),
                head.px(0.04),
                who.skin * 0.5,
                0.6,
                1.0,
            )


def draw_skin(head: Head) -> Plane:
    """Fill the face with skin; return its cover of the canvas, 0 to 1."""
    canvas, who = head.canvas, head.identity
    everywhere = (slice(0, canvas.side), slice(0, canvas.side))
    found = canvas.mask(head.outline(), 1.2, everywhere)
    assert found is not None
    canvas.blend(everywhere, found[1], who.skin)
    return found[1]


def draw_hair(head: Head) -> None:
    """Draw the hair over the forehead and round the skull, with strands."""
    canvas, who = head.canvas, head.identity
    if who.style == "bald":
        return
    edge, top = _hairline(who), 1.24 + who.volume
    wide = 1.02 + who.volume * (0.75 if who.style in ("curly", "long", "bob", "scarf") else 0.35)
    ear = {"long": 0.5, "bob": 0.5, "scarf": 1.0, "curly": 0.05}.get(who.style, -0.12)
    left = [(-wide + 0.04, ear), (-wide, -0.4), (-wide * 0.86, -0.95), (-wide * 0.5, -top * 0.95)]
    crown = [*left, (0.0, -top), *[(-x, y) for x, y in left[::-1]]]
    shape = np.concatenate([smooth(crown, 5), smooth(edge, 5)[::-1]])
    shade = who.cloth * 0.8 + 0.1 if who.style == "scarf" else who.hair
    canvas.fill(head.at(shape, 0.2, flat=True), shade, blur=1.8)
    if who.style == "scarf":
        return
    inside = canvas.mask(head.at(shape, 0.2, flat=True), 1.8)
    if inside is None:
        return
    region, cover = inside
    grain = head.rng.normal(0, 1, (canvas.side // 6 + 1, canvas.side // 6 + 1)).astype(np.float32)
    texture = np.repeat(np.repeat(grain, 6, axis=0), 6, axis=1)[region]
    canvas.paint[region] += cover * texture * np.float32(0.018 + 0.03 * who.hair)


def _hairline(who: Identity) -> list[tuple[float, float]]:
    """Return the lower edge of the hair from the viewer's left ear to the right one, face units."""
    low = who.hairline
    ends = ((-0.99, -0.05), (-0.93, -0.42)), ((0.93, -0.42), (0.99, -0.05))
    middle = {
        "short": [(-0.72, low + 0.1), (-0.35, low), (0.0, low - 0.02), (0.35, low), (0.72, low + 0.1)],
        "parted": [(-0.75, low + 0.28), (0.45 * who.part, low - 0.12), (0.75, low + 0.28)],
        "fringe": [(-0.78, -0.5), (-0.4, -0.52), (0.0, -0.56), (0.4, -0.52), (0.78, -0.5)],
        "curly": [
            (-0.75, low + 0.22),
            (-0.4, low + 0.02),
            (-0.1, low + 0.08),
            (0.3, low),
            (0.75, low + 0.22),
        ],
        "receding": [(-0.85, -0.75), (-0.6, -1.1), (-0.2, -1.05), (0.2, -1.05), (0.6, -1.1), (0.85, -0.75)],
        "bun": [
            (-0.8, low + 0.15),
            (-0.4, low - 0.08),
            (0.0, low - 0.12),
            (0.4, low - 0.08),
            (0.8, low + 0.15),
        ],
        "bob": [
            (-0.8, -0.48),
            (-0.4, low + 0.25),
            (0.3 * who.part, low + 0.15),
            (0.4, low + 0.25),
            (0.8, -0.48),
        ],
        "long": [
            (-0.82, -0.4),
            (-0.5, low + 0.08),
            (0.3 * who.part, low - 0.14),
            (0.5, low + 0.08),
            (0.82, -0.4),
        ],
        "scarf": [(-0.78, -0.5), (-0.4, low + 0.12), (0.0, low + 0.06), (0.4, low + 0.12), (0.78, -0.5)],
    }[who.style]
    if who.style in ("long", "bob", "scarf"):
        ends = ((-0.86, 1.0), (-0.93, 0.2)), ((0.93, 0.2), (0.86, 1.0))
    return [*ends[0], *middle, *ends[1]]
