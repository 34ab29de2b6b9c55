"""Draw the lower half of the face: nose, cheeks, beard, mouth and chin."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ferflow.faces.canvas import Points, moved, ring, smooth
from ferflow.faces.hair import draw_beard
from ferflow.faces.head import SIDES, SLIGHT, Head

T = np.linspace(-1, 1, 17)  # along the mouth, from the viewer's left corner to the right one
ARC = 1 - T**2
DIP = np.exp(-((T / 0.16) ** 2))  # the dip in the middle of the upper lip
LEFT = T < 0
Curve = npt.NDArray[np.float64]  # (17,)
Corner = tuple[float, float]  # distance from the middle, y


@dataclass(frozen=True)
class Lips:
    """The lines of the mouth in face units: x and, for each x, the y of four lines from top to bottom."""

    x: Curve
    top: Curve
    upper: Curve
    lower: Curve
    bottom: Curve

    def at(self, head: Head, y: Curve) -> Points:
        """Return where the line at height `y` falls on the canvas, (17, 2)."""
        return head.at(np.stack([self.x, y], axis=1))


def draw_lower_face(head: Head) -> None:
    """Draw nose, cheeks, chin, beard and mouth."""
    corners = _corner(head, 0), _corner(head, 1)
    _nose(head)
    for side in (0, 1):
        _cheek(head, side, corners[side])
    _chin(head)
    draw_beard(head, corners)
    lips = _lips(head, corners)
    _outside(head, lips)
    _inside(head, lips)
    _corners(head, lips)


def _nose(head: Head) -> None:
    """Draw the nose; au9 shortens it, spreads its wings and wrinkles its bridge."""
    canvas, units, who = head.canvas, head.units, head.identity
    tip = who.nose_length - 0.06 * units.au9 - 0.015 * units.au10
    wide = who.nose_width * (1 + 0.16 * units.au9 + 0.06 * units.au12)
    canvas.bump(head.at([(0.0, -0.12), (0.0, tip - 0.1)], 0.1), head.px(0.17), head.px(0.1))
    canvas.bump(head.at([(0.0, tip - 0.03)], 0.2), head.px(0.2), head.px(0.1))
    y = tip + 0.02 - 0.03 * units.au9
    wing = smooth([(wide * 0.95, y - 0.1), (wide * 1.12, y), (wide * 0.95, y + 0.07)], 3)
    nostril = smooth([(wide * 0.28, tip + 0.085), (wide * 0.55, tip + 0.055), (wide * 0.8, tip + 0.075)], 3)
    for side in SIDES:
        canvas.bump(head.at([(side * wide * 0.75, y)], 0.1), head.px(0.12), head.px(0.06))
        edge = 0.5 + 0.3 * units.au9
        canvas.line(head.at(wing * (side, 1), 0.05), head.px(0.035), who.skin * 0.5, edge, 1)
        canvas.line(head.at(nostril * (side, 1), 0.14), head.px(0.05), who.skin * 0.22, 0.8, 1)
        flank = head.at([(side * 0.1, 0.0), (side * wide * 0.6, tip - 0.12)], 0.05)
        canvas.line(flank, head.px(0.06), who.skin * 0.7, 0.25, 2)
    for y in (-0.06, 0.015, 0.09) if units.au9 > SLIGHT else ():
        wrinkle = head.at([(-0.15, y - 0.04), (0.0, y + 0.01), (0.15, y - 0.04)], 0.1)
        canvas.bump(wrinkle, head.px(0.04), -head.px(0.022) * units.au9)
        canvas.line(wrinkle, head.px(0.03), who.skin * 0.45, 0.45 * units.au9, 1)
    under = head.at([(-wide * 0.7, tip + 0.12), (0.0, tip + 0.14), (wide * 0.7, tip + 0.12)], 0.05)
    canvas.line(under, head.px(0.08), who.skin * 0.6, 0.4, 2)


def _cheek(head: Head, side: int, corner: tuple[float, float]) -> None:
    """Raise a cheek and draw the fold from the nose to the mouth.

    Args:
        head: The head to draw on.
        side: 0 for the viewer's left, 1 for the right.
        corner: Corner of the mouth on that side: distance from the middle and y, in face units.
    """
    canvas, units, who = head.canvas, head.units, head.identity
    smile, upper, dimple = (units.sides(name)[side] for name in ("au12", "au10", "au14"))
    lifted = max(units.au6, 0.8 * smile)
    cheek = head.at([(SIDES[side] * 0.56, 0.44 - 0.1 * lifted)])
    canvas.bump(cheek, head.px(0.3), head.px(0.05 + 0.06 * lifted))
    x, y = corner
    start = (who.nose_width * 1.15, who.nose_length - 0.02 - 0.05 * max(units.au9, upper))
    out = max(0.42, x + 0.1)
    knots = [start, ((start[0] + out) / 2 + 0.06, (start[1] + y) / 2 - 0.04), (out, y - 0.02)]
    fold = head.at(smooth(knots, 4) * (SIDES[side], 1))
    depth = min(1.0, 0.15 + 0.3 * who.age + 0.75 * max(smile, units.au9, 0.8 * upper, 0.4 * units.au15))
    canvas.bump(fold[::2], head.px(0.07), -head.px(0.035) * depth)
    canvas.line(fold, head.px(0.035), who.skin * 0.5, 0.5 * depth, 1)
    if dimple < SLIGHT:
        return
    pit = head.at([(SIDES[side] * (x + 0.05), y - 0.06), (SIDES[side] * (x + 0.06), y + 0.06)])
    canvas.bump(pit, head.px(0.07), -head.px(0.03) * dimple)
    canvas.line(pit, head.px(0.05), who.skin * 0.35, 0.7 * dimple, 1)


def _corner(head: Head, side: int) -> Corner:
    """Return where a corner of the mouth is; side 0 is the viewer's left, 1 the right."""
    units, who = head.units, head.identity
    smile, dimple, upper = (units.sides(name)[side] for name in ("au12", "au14", "au10"))
    x = who.mouth_width + 0.13 * smile + 0.16 * units.au20 + 0.04 * dimple - 0.05 * units.au23
    x -= 0.16 * units.au26 * (1 - 0.7 * min(1.0, smile + units.au20)) + 0.03 * units.au17 + 0.02 * units.au24
    y = who.mouth_height - who.mouth_bow - 0.2 * smile + 0.17 * units.au15 - 0.06 * dimple - 0.02 * upper
    return x, y + 0.03 * units.au20 + 0.45 * head.jaw


def _lips(head: Head, corners: tuple[Corner, Corner]) -> Lips:
    """Return the lines of the mouth between its corners, as the action units raise, lower, part and press them."""
    units, who = head.units, head.identity
    (left, left_y), (right, right_y) = corners
    ends = np.where(LEFT, left_y, right_y)
    lifted = np.where(LEFT, *units.sides("au10"))
    thin = 1 - 0.45 * units.au23 - 0.6 * units.au24 - 0.2 * units.au20 - 0.2 * units.au12
    full = who.lips * max(0.2, thin)
    parted = units.au25 * (1 - 0.7 * units.au24)
    rest = who.mouth_height + 0.015 + 0.03 * units.au12 - 0.06 * units.au17 * (1 - parted) - 0.03 * units.au15
    above = rest - 0.05 * parted - 0.1 * lifted - 0.04 * units.au9 + 0.05 * head.jaw
    below = rest + (0.07 + 0.07 * units.au16 + 0.06 * units.au12) * parted
    below += 1.05 * head.jaw * (0.2 + 0.8 * parted)
    bow = ARC ** (0.9 - 0.3 * units.au26)
    upper = ends * (1 - ARC) + np.minimum(above, below) * ARC
    lower = np.maximum(ends * (1 - bow) + below * bow, upper)
    top = upper - full * 0.085 * ARC**0.7 + full * 0.022 * DIP
    bottom = lower + full * 0.115 * (1 + 0.3 * units.au17) * ARC**0.8 + 0.02 * units.au16 * ARC
    return Lips(np.where(LEFT, T * left, T * right), top, upper, lower, bottom)


def _chin(head: Head) -> None:
    """Raise the chin; au17 crumples it."""
    canvas, push = head.canvas, head.units.au17
    y = head.identity.mouth_height + 0.33 + head.jaw * 0.7
    canvas.bump(head.at([(-0.12, y), (0.12, y)]), head.px(0.18), head.px(0.03) * (1 + push))
    for x in (-0.1, 0.0, 0.1) if push > SLIGHT else ():
        canvas.bump(head.at([(x, y - 0.03), (x * 1.2, y + 0.04)]), head.px(0.04), -head.px(0.007) * push)


def _outside(head: Head, lips: Lips) -> None:
    """Draw both lips and the shadow under them."""
    canvas, who = head.canvas, head.identity
    shade = who.skin * (0.72 - 0.24 * who.makeup)
    upper, lower = lips.at(head, lips.upper), lips.at(head, lips.lower)
    canvas.fill(np.concatenate([lips.at(head, lips.top), upper[::-1]]), shade * 0.85, 0.8, 1)
    canvas.fill(np.concatenate([lower, lips.at(head, lips.bottom)[::-1]]), shade, 0.8, 1)
    middle = lips.at(head, (lips.lower + lips.bottom) / 2)[4:13:4]
    canvas.bump(middle, head.px(0.07), head.px(0.025))
    canvas.line(lips.at(head, lips.bottom + 0.05)[4:13], head.px(0.06), who.skin * 0.6, 0.45, 2)


def _inside(head: Head, lips: Lips) -> None:
    """Draw what an open mouth shows: a dark cavity, the tongue and the teeth."""
    canvas, units, who = head.canvas, head.units, head.identity
    gap = float((lips.lower - lips.upper).max())
    if gap < 0.02:
        return
    upper, lower = lips.at(head, lips.upper), lips.at(head, lips.lower)
    region, inside = opening = canvas.cover(np.concatenate([upper, lower[::-1]]))
    canvas.blend(opening, 0.06)
    tongue = head.at(moved(ring(14) * 0.2, y=lips.lower[8] + 0.12))
    canvas.blend(canvas.cover(tongue, 2, region), who.skin * 0.4, inside * np.float32(min(1, 2.5 * head.jaw)))
    bared = max(units.au12, units.au10, units.au20, units.au16)
    edge = lips.upper + min(0.11, 0.65 * gap) * min(1.0, 0.4 + bared) * ARC**0.3
    teeth = np.concatenate([moved(upper, y=-head.px(0.1)), lips.at(head, edge)[::-1]])
    canvas.blend(canvas.cover(teeth, 0, region), 0.9, inside)
    low = max(units.au16, 0.8 * units.au20) * (1 - 0.6 * units.au26)
    edge = lips.lower - min(0.08, 0.45 * gap) * low * ARC**0.3
    teeth = np.concatenate([moved(lower, y=head.px(0.1)), lips.at(head, edge)[::-1]])
    canvas.blend(canvas.cover(teeth, 0, region), 0.8, inside * np.float32(min(1, 2 * low)))


def _corners(head: Head, lips: Lips) -> None:
    """Draw the line between the lips and the shadows at its ends."""
    canvas, units, who = head.canvas, head.units, head.identity
    line = lips.at(head, lips.upper)
    canvas.line(line, head.px(0.03 + 0.012 * units.au24) * (0.6 + 0.4 * ARC), who.skin * 0.25, 0.85)
    for side, end in ((0, line[:1]), (1, line[-1:])):
        tight = max(units.sides("au12")[side], units.sides("au14")[side], units.au15, units.au20)
        canvas.fill(end + ring(10) * head.px(0.03), who.skin * 0.3, 0.25 + 0.35 * tight, 1)
