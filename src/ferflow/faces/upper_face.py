"""Draw the upper half of the face: forehead, brows, eyes and glasses."""

import numpy as np

from ferflow.faces.canvas import Points, moved, ribbon, ring, smooth
from ferflow.faces.head import SIDES, SLIGHT, Head

T = np.linspace(-1, 1, 9)  # along a lid, from the inner corner to the outer one
ARC = 1 - T**2
ALONG = (T + 1) / 2


def draw_upper_face(head: Head) -> None:
    """Draw forehead, eyes, brows and glasses."""
    _forehead(head)
    for side in SIDES:
        _eye(head, side)
        _folds(head, side)
        _brow(head, side)
    if head.identity.glasses > 0:
        _glasses(head)


def _forehead(head: Head) -> None:
    """Fold the forehead: horizontally for raised brows, vertically between lowered ones."""
    units, who, canvas = head.units, head.identity, head.canvas
    raised = max(units.au1, 0.8 * units.au2)
    wide = 0.28 + 0.22 * min(1.0, units.au2 / max(0.1, units.au1))
    for y, share in ((-0.58, 1.0), (-0.7, 0.9), (-0.82, 0.6)):
        depth = 0.9 * share * raised + 0.25 * who.age
        if depth > SLIGHT:
            fold = head.at([(-wide, y + 0.03), (0.0, y - 0.02), (wide, y + 0.03)])
            canvas.bump(fold, head.px(0.05), -head.px(0.016) * depth)
    frown = max(units.au4, 0.5 * units.au9)
    for x in (-0.075, 0.075) if frown + who.age > SLIGHT else ():
        crease = head.at([(x, -0.42), (x * 0.95, -0.3), (x * 0.9, -0.2)])
        canvas.bump(crease, head.px(0.05), -head.px(0.026) * (frown + 0.15 * who.age))
        canvas.line(crease, head.px(0.035), who.skin * 0.45, 0.5 * frown, 1)
    canvas.bump(head.at([(0.0, -0.34)]), head.px(0.16), head.px(0.03) * frown)


def _brow(head: Head, side: float) -> None:
    """Draw one brow: au1 raises its inner end, au2 its outer end, au4 and au9 lower it and draw it in."""
    units, who = head.units, head.identity
    y, gap = who.brow_height, who.eye_gap - 0.42
    lowered = 0.18 * units.au4 + 0.07 * units.au9 + 0.02 * units.au7
    inner = y + 0.02 - 0.2 * units.au1 + lowered * (1 - 0.6 * units.au1) + 0.03 * units.au9
    middle = y - who.brow_arch - 0.12 * units.au1 - 0.14 * units.au2 + 0.8 * lowered
    outer = y + 0.05 - 0.2 * units.au2 + 0.035 * units.au1 + 0.4 * lowered - who.eye_tilt
    start = 0.15 + gap - 0.055 * units.au4
    knots = [(start, inner), (0.33 + gap, (inner + middle) / 2 - 0.02), (0.54 + gap, middle), (0.73 + gap, outer)]
    points = head.at(smooth(knots, 4) * (side, 1), 0.05)
    t = np.linspace(0, 1, len(points))
    widths = head.px(who.brow_width) * (1.0 + 0.1 * units.au4) * np.minimum(1, 0.75 + t) * (1 - 0.75 * t**2)
    shade = min(who.hair * 0.8, who.skin - 0.2) * 0.85
    head.canvas.bump(points[::4], head.px(0.14), head.px(0.035))
    head.canvas.line(points, widths, shade, 0.85, 1)


def _lids(head: Head, side: float) -> tuple[Points, Points]:
    """Return the upper and the lower lid, (9, 2) each in face units from the inner to the outer corner."""
    units, who = head.units, head.identity
    size = who.eye_size
    up = size * (0.5 + 0.5 * units.au5 - 0.2 * units.au7 - 0.1 * units.au6 - 0.08 * units.au4)
    down = size * (0.32 + 0.1 * units.au5 - 0.24 * units.au7 - 0.22 * units.au6 - 0.08 * units.au9)
    up = max(up * (1 - units.au43) - 0.8 * down * units.au43, 0.02 * size - down)
    x = (who.eye_gap + T * size * (1 + 0.04 * units.au5)) * side
    tilt = who.eye_height - 0.015 * T - 2 * who.eye_tilt * ALONG + 0.03 * units.au1 * (0.8 * T - 0.2)
    return np.stack([x, tilt - up * ARC**0.75], axis=1), np.stack([x, tilt + down * ARC], axis=1)


def _eye(head: Head, side: float) -> None:
    """Draw one eye in its socket: ball, iris, lids and lashes."""
    canvas, units, who, view = head.canvas, head.units, head.identity, head.view
    upper, lower = _lids(head, side)
    size, x, y = who.eye_size, who.eye_gap * side, who.eye_height
    socket = np.concatenate([moved(upper, y=-0.075), moved(lower[::-1], y=0.03)])
    canvas.fill(head.at(socket), who.skin * 0.6, 0.4, 4)
    top, bottom = head.at(upper), head.at(lower)
    region, inside = opening = canvas.cover(np.concatenate([top, bottom[::-1]]))
    canvas.blend(opening, 0.84)
    centre = (x + 0.09 * view.gaze_x - 0.05 * view.yaw, y - 0.03 * size + 0.06 * view.gaze_y)
    for radius, shade in ((0.5, who.iris * 0.55), (0.42, who.iris), (0.22, 0.03)):
        disc = canvas.cover(head.at(centre + ring(14) * (size * radius)), 0, region)
        canvas.blend(disc, shade, inside)
    spark = head.at(moved(centre + ring(8) * 0.028, 0.05 * view.light_x - 0.02, -0.06))
    canvas.blend(canvas.cover(spark, 0, region), 0.95, inside)
    canvas.blend(canvas.cover(ribbon(top, head.px(0.09)), 2, region), 0.15, inside * np.float32(0.45))
    lashes = head.px(0.03 + 0.022 * who.makeup) * (0.6 + 0.8 * ALONG)
    canvas.line(top, lashes, who.skin * (0.32 - 0.2 * who.makeup), 0.9)
    canvas.line(bottom, head.px(0.022), who.skin * 0.45, 0.55, 1)
    room = 0.028 + 0.055 * (1 - units.au5) * (1 - 0.5 * units.au4)
    crease = upper - np.stack([np.zeros(9), room * ARC**0.5], axis=1)
    canvas.line(head.at(crease), head.px(0.022), who.skin * 0.5, 0.5, 1)


def _folds(head: Head, side: float) -> None:
    """Deepen the eye socket, swell the lower lid and fold the skin at the outer corner of the eye."""
    canvas, units, who = head.canvas, head.units, head.identity
    _, lower = _lids(head, side)
    x, y = who.eye_gap, who.eye_height
    canvas.bump(head.at([((x - 0.1) * side, y - 0.05), ((x + 0.1) * side, y - 0.03)]), head.px(0.3), -head.px(0.1))
    canvas.bump(head.at([(x * side, y)]), head.px(0.24), head.px(0.055))
    squeezed = max(units.au6, 0.7 * units.au7, 0.5 * units.au9)
    bag = head.at((lower + np.stack([np.zeros(9), 0.04 + 0.055 * ARC], axis=1))[1:8:3])
    canvas.bump(bag, head.px(0.05), -head.px(0.012) * (0.4 * who.age + 1.2 * squeezed))
    canvas.bump(head.at(moved(lower[::4], y=0.03)), head.px(0.06), head.px(0.02) * squeezed)
    crow, out = units.au6 * (0.9 + 0.3 * who.age) + 0.1 * who.age, x + who.eye_size
    for rise in (-0.07, 0.0, 0.07) if crow > SLIGHT else ():
        feet = head.at([(side * (out + 0.05), y + rise * 0.5), (side * (out + 0.17), y + rise * 1.4)])
        canvas.bump(feet, head.px(0.035), -head.px(0.012) * crow)


def _glasses(head: Head) -> None:
    """Draw frames, bridge and temples."""
    canvas, who = head.canvas, head.identity
    width, shade = head.px(who.glasses), 0.08 if who.texture % 3 else 0.4
    circle = ring(24)
    rim = np.sign(circle) * np.abs(circle) ** (1.0 if who.texture % 2 else 0.6) * (0.33, 0.27)
    y = who.eye_height
    for side in SIDES:
        points = head.at(moved(rim, side * 0.44, y + 0.04), 0.12)
        canvas.fill(points, 0.95, 0.07)
        canvas.line(np.concatenate([points, points[:2]]), width, shade, 0.9)
        temple = head.at([(side * 0.77, y - 0.06), (side * 1.0, y - 0.1)], 0.05)
        canvas.line(temple, width, shade, 0.9)
    bridge = head.at([(-0.12, y), (0.0, y - 0.04), (0.12, y)], 0.15)
    canvas.line(bridge, width, shade, 0.9)
