"""The middle of the face: nose, cheeks and the folds between them."""

from ferflow.faces.canvas import smooth
from ferflow.faces.head import SIDES, SLIGHT, Head


def draw_nose(head: Head) -> None:
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


def draw_cheek(head: Head, side: int, corner: tuple[float, float]) -> None:
    """Raise a cheek and cut the fold from the nose to the mouth.

    Args:
        head: whose.
        side: 0 for the viewer's left, 1 for the right.
        corner: of the mouth on that side: distance from the middle and y, face units.
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
