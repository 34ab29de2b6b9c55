"""The lower half of the face: nose, cheeks, beard, mouth and chin."""

import math

import numpy as np
import numpy.typing as npt

from ferflow.faces.canvas import Points, ribbon, smooth
from ferflow.faces.eyes import SIDES
from ferflow.faces.head import Head

T = np.linspace(-1, 1, 17)  # along the mouth, from the viewer's left corner to the right one
ARC = 1 - T**2
Curve = npt.NDArray[np.float64]


def draw_lower_face(head: Head) -> None:
    """Draw nose, cheeks, beard, mouth and chin."""
    _nose(head)
    _cheeks(head)
    _beard(head)
    _mouth(head)


def _nose(head: Head) -> None:
    """Draw the nose; au9 shortens it, spreads its wings and wrinkles its bridge."""
    canvas, units, who = head.canvas, head.units, head.identity
    tip = who.nose_length - 0.06 * units.au9 - 0.015 * units.au10
    wide = who.nose_width * (1 + 0.16 * units.au9 + 0.06 * units.au12)
    ridge = head.at([(0.0, -0.12), (0.0, tip - 0.1)], 0.1)
    canvas.bump(ridge, head.px(0.17), head.px(0.1))
    canvas.bump(head.at([(0.0, tip - 0.03)], 0.2), head.px(0.2), head.px(0.1))
    for side in SIDES:
        wing_y = tip + 0.02 - 0.03 * units.au9
        canvas.bump(head.at([(side * wide * 0.75, wing_y)], 0.1), head.px(0.12), head.px(0.06))
        wing = smooth([(wide * 0.95, wing_y - 0.1), (wide * 1.12, wing_y), (wide * 0.95, wing_y + 0.07)], 3)
        canvas.line(
            head.at(wing * (side, 1), 0.05), head.px(0.035), who.skin * 0.5, 0.5 + 0.3 * units.au9, 1.3
        )
        nostril = smooth(
            [(wide * 0.28, tip + 0.085), (wide * 0.55, tip + 0.055), (wide * 0.8, tip + 0.075)], 3
        )
        canvas.line(head.at(nostril * (side, 1), 0.14), head.px(0.05), who.skin * 0.22, 0.8, 1.2)
        flank = [(side * 0.1, 0.0), (side * wide * 0.6, tip - 0.12)]
        canvas.line(head.at(flank, 0.05), head.px(0.06), who.skin * 0.7, 0.25, 2.5)
    for k in range(3):
        y = -0.06 + 0.075 * k
        fold = head.at(smooth([(-0.15, y - 0.04), (0.0, y + 0.01), (0.15, y - 0.04)], 3), 0.1)
        canvas.bump(fold, head.px(0.04), -head.px(0.022) * units.au9)
        canvas.line(fold, head.px(0.03), who.skin * 0.45, 0.45 * units.au9, 1.2)
    under = head.at(smooth([(-wide * 0.7, tip + 0.12), (0.0, tip + 0.14), (wide * 0.7, tip + 0.12)], 3), 0.05)
    canvas.line(under, head.px(0.08), who.skin * 0.6, 0.4, 2.2)


def _cheeks(head: Head) -> None:
    """Raise the cheeks and cut the folds from the nose to the mouth."""
    canvas, units, who = head.canvas, head.units, head.identity
    for k, side in enumerate(SIDES):
        smile, upper, dimple = (units.sides(name)[k] for name in ("au12", "au10", "au14"))
        lifted = max(units.au6, 0.8 * smile)
        canvas.bump(
            head.at([(side * 0.56, 0.44 - 0.1 * lifted)]), head.px(0.3), head.px(0.05 + 0.06 * lifted)
        )
        corner, low = _corner(head, k)
        start = (who.nose_width * 1.15, who.nose_length - 0.02 - 0.05 * max(units.au9, upper))
        out = max(0.42, corner + 0.1)
        fold = smooth(
            [start, ((start[0] + out) / 2 + 0.06, (start[1] + low) / 2 - 0.04), (out, low - 0.02)], 4
        )
        depth = min(1.0, 0.2 + 0.3 * who.age + 0.75 * max(smile, units.au9, 0.8 * upper, 0.4 * units.au15))
        points = head.at(fold * (side, 1))
        canvas.bump(points, head.px(0.07), -head.px(0.035) * depth)
        canvas.line(points, head.px(0.035), who.skin * 0.5, 0.5 * depth, 1.5)
        if dimple > 0.05:
            pit = head.at([(side * (corner + 0.05), low - 0.05), (side * (corner + 0.06), low + 0.05)])
            canvas.bump(pit, head.px(0.07), -head.px(0.06) * dimple)
            canvas.line(pit, head.px(0.05), who.skin * 0.35, 0.7 * dimple, 1.2)
    crumple = head.at(
        [(-0.12, who.mouth_height + 0.33 + head.jaw * 0.7), (0.12, who.mouth_height + 0.33 + head.jaw * 0.7)]
    )
    canvas.bump(crumple, head.px(0.16), head.px(0.05) * (1 + units.au17))
    for x in (-0.1, 0.0, 0.1):
        pit = [
            (x, who.mouth_height + 0.3 + head.jaw * 0.7),
            (x * 1.2, who.mouth_height + 0.37 + head.jaw * 0.7),
        ]
        canvas.bump(head.at(pit), head.px(0.04), -head.px(0.02) * units.au17)


def _corner(head: Head, side: int) -> tuple[float, float]:
    """Return distance from the middle and y of a mouth's corner; side 0 is the viewer's left, 1 the right."""
    units, who = head.units, head.identity
    smile, dimple, upper = (units.sides(name)[side] for name in ("au12", "au14", "au10"))
    x = who.mouth_width + 0.13 * smile + 0.15 * units.au20 + 0.04 * dimple - 0.05 * units.au23
    x -= 0.13 * units.au26 * (1 - 0.7 * min(1.0, smile + units.au20)) + 0.03 * units.au17 + 0.02 * units.au24
    y = who.mouth_height - who.mouth_bow - 0.16 * smile + 0.14 * units.au15 - 0.05 * dimple - 0.02 * upper
    return x, y + 0.03 * units.au20 + 0.45 * head.jaw


def _lines(head: Head) -> tuple[Curve, Curve, Curve, Curve, Curve]:
    """Return x and the y of the upper lip's outer and inner edge and the lower lip's inner and outer edge."""
    units, who = head.units, head.identity
    (left, left_y), (right, right_y) = _corner(head, 0), _corner(head, 1)
    x = np.where(T < 0, T * left, T * right)
    ends = np.where(T < 0, left_y, right_y)
    weights = np.where(T < 0, 1 - max(0.0, units.skew), 1 + min(0.0, units.skew))
    thin = 1 - 0.45 * units.au23 - 0.6 * units.au24 - 0.2 * units.au20 - 0.2 * units.au12
    full = who.lips * max(0.2, thin)
    parted = units.au25 * (1 - 0.7 * units.au24)
    rest = who.mouth_height + 0.03 * units.au12 - 0.06 * units.au17 * (1 - parted) - 0.03 * units.au15
    above = rest - 0.05 * parted - (0.1 * units.au10 + 0.04 * units.au9) * weights + 0.05 * head.jaw
    below = rest + 0.07 * parted + 0.07 * units.au16 * parted + 1.05 * head.jaw * (0.2 + 0.8 * parted)
    above = np.minimum(above, below)
    bow = ARC ** (0.85 if units.au26 < 0.3 else 0.6)
    inner_top = ends * (1 - ARC) + above * ARC
    inner_low = ends * (1 - bow) + below * bow
    inner_low = np.maximum(inner_low, inner_top)
    dip = np.exp(-((T / 0.16) ** 2)) * 0.022
    outer_top = inner_top - full * 0.085 * ARC**0.7 + dip * full
    outer_low = inner_low + full * 0.115 * (1 + 0.3 * units.au17) * ARC**0.8 + 0.02 * units.au16 * ARC
    return x, outer_top, inner_top, inner_low, outer_low


def _mouth(head: Head) -> None:
    """Draw lips, teeth, tongue and the dark between them."""
    canvas, units, who = head.canvas, head.units, head.identity
    x, outer_top, inner_top, inner_low, outer_low = _lines(head)

    def place(y: Curve, lift: float = 0.0) -> Points:
        return head.at(np.stack([x, y], axis=1), lift)

    top, bottom, upper, lower = place(outer_top), place(outer_low), place(inner_top), place(inner_low)
    lip = who.skin * (0.72 - 0.24 * who.makeup)
    canvas.fill(np.concatenate([top, upper[::-1]]), lip * 0.85, 0.8, 1.2)
    canvas.fill(np.concatenate([lower, bottom[::-1]]), lip, 0.8, 1.2)
    middle = slice(4, 13)
    canvas.bump(place((inner_low + outer_low) / 2)[middle], head.px(0.07), head.px(0.03))
    canvas.line(place(outer_low + 0.05)[middle], head.px(0.06), who.skin * 0.6, 0.45, 2.0)
    gap = float((inner_low - inner_top).max())
    if gap > 0.02:
        found = canvas.mask(np.concatenate([upper, lower[::-1]]), 0.7)
        if found is not None:
            region, cover = found
            canvas.blend(region, cover, 0.06)
            tongue = np.stack([T * 0.2, inner_low[8] - 0.07 + 0.06 * T**2 + 0.02], axis=1)
            _, soft = canvas.mask(
                head.at(np.concatenate([tongue, [[0.2, 2.0], [-0.2, 2.0]]])), 2.5, region
            ) or (region, cover)
            canvas.blend(region, soft * cover * np.float32(min(1.0, 2.5 * head.jaw)), who.skin * 0.4)
            shown = min(0.1, 0.6 * gap) * min(1.0, 0.5 + max(units.au12, units.au10, units.au20, units.au16))
            _, teeth = canvas.mask(
                np.concatenate([upper - (0, 9), place(inner_top + shown * ARC**0.3)[::-1]]), 0.8, region
            ) or (region, cover)
            canvas.blend(region, teeth * cover, 0.88)
            bared = units.au16 * (1 - units.au26)
            if bared > 0.25:
                _, teeth = canvas.mask(
                    np.concatenate(
                        [lower + (0, 9), place(inner_low - min(0.06, 0.4 * gap) * ARC**0.3)[::-1]]
                    ),
                    0.8,
                    region,
                ) or (region, cover)
                canvas.blend(region, teeth * cover, 0.78)
    canvas.fill(
        ribbon(upper, head.px(0.03 + 0.012 * units.au24) * (0.6 + 0.4 * ARC)), who.skin * 0.25, 0.85, 0.9
    )
    for end, k in ((0, 0), (-1, 1)):
        tight = 0.4 + 0.6 * max(units.sides("au12")[k], units.sides("au14")[k], units.au15, units.au20)
        canvas.fill(place(inner_top)[[end]] + _ring(head.px(0.03)), who.skin * 0.3, 0.6 * tight, 1.5)


def _ring(radius: float) -> Points:
    """Return a circle of 10 points round the origin, pixels."""
    angle = np.arange(10) / 10 * 2 * math.pi
    return np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius


def _beard(head: Head) -> None:
    """Draw stubble or beard on the jaw, and a moustache."""
    canvas, who, jaw = head.canvas, head.identity, head.jaw
    shade = min(who.hair * 0.9, who.skin * 0.6)
    if who.beard > 0:
        right = [
            (0.97, 0.15),
            (0.93, 0.45),
            (who.jaw + 0.06, 0.82 + 0.6 * jaw),
            (who.chin + 0.18, 1.14 + jaw),
            (0.0, 1.3 + jaw),
        ]
        inner = [
            (0.0, 1.05 + 0.9 * jaw),
            (0.3, 1.0 + 0.8 * jaw),
            (0.5, 0.75 + 0.3 * jaw),
            (0.72, 0.5),
            (0.88, 0.15),
        ]
        half = np.concatenate([smooth(right, 4), smooth(inner, 4)])
        for side in SIDES:
            canvas.fill(head.at(half * (side, 1), 0.1, flat=True), shade, 0.85 * who.beard, head.px(0.05))
    if who.moustache > 0:
        tip, low = who.nose_length + 0.13, who.mouth_height + 0.3 * jaw - 0.06
        (left, left_y), (right_x, right_y) = _corner(head, 0), _corner(head, 1)
        line = [
            (-left - 0.03, left_y + 0.02),
            (-0.2, (tip + low) / 2),
            (0.0, tip + 0.03),
            (0.2, (tip + low) / 2),
            (right_x + 0.03, right_y + 0.02),
        ]
        points = head.at(smooth(line, 4), 0.05)
        widths = head.px(0.11) * (0.45 + 0.55 * (1 - np.linspace(-1, 1, len(points)) ** 2))
        canvas.line(points, widths, shade, 0.85 * who.moustache, head.px(0.03))
