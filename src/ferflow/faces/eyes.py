"""The upper half of the face: forehead, brows, eyes, glasses."""

import math

import numpy as np

from ferflow.faces.canvas import Points, ribbon, smooth
from ferflow.faces.head import Head

SIDES = (-1.0, 1.0)
ARC = 1 - np.linspace(-1, 1, 9) ** 2  # 0 at both ends, 1 in the middle


def draw_upper_face(head: Head) -> None:
    """Draw forehead, eyes, brows and glasses."""
    _forehead(head)
    for side in SIDES:
        _eye(head, side)
        _brow(head, side)
    if head.identity.glasses > 0:
        _glasses(head)


def _forehead(head: Head) -> None:
    """Raise the brow ridge and fold the forehead: across for raised brows, upright between lowered ones."""
    units, who, canvas = head.units, head.identity, head.canvas
    raised = max(units.au1, 0.8 * units.au2)
    for k, y in enumerate((-0.58, -0.7, -0.82)):
        wide = 0.5 if units.au2 > 0.4 * units.au1 else 0.28
        depth = (0.9 * raised * (1.0, 0.9, 0.6)[k] + 0.25 * who.age) * head.px(0.016)
        lines = [(-wide, y + 0.03), (0.0, y - 0.02), (wide, y + 0.03)]
        canvas.bump(head.at(smooth(lines, 3)), head.px(0.05), -depth)
    frown = max(units.au4, 0.5 * units.au9)
    for x in (-0.075, 0.075):
        crease = head.at([(x, -0.42), (x * 0.9, -0.2)])
        canvas.bump(crease, head.px(0.05), -head.px(0.026) * (frown + 0.15 * who.age))
        canvas.line(crease, head.px(0.035), who.skin * 0.45, 0.55 * frown, 1.2)
    canvas.bump(head.at([(0.0, -0.34)]), head.px(0.16), head.px(0.03) * frown)


def _brow(head: Head, side: float) -> None:
    """Draw one brow: au1 raises its inner end, au2 its outer end, au4 and au9 lower and draw it in."""
    units, who = head.units, head.identity
    y, gap = who.brow_height, who.eye_gap - 0.42
    lowered = 0.15 * units.au4 + 0.07 * units.au9 + 0.02 * units.au7
    inner = y + 0.02 - 0.17 * units.au1 + lowered + 0.03 * units.au9
    middle = y - who.brow_arch - 0.1 * units.au1 - 0.12 * units.au2 + 0.8 * lowered
    outer = y + 0.05 - 0.17 * units.au2 + 0.035 * units.au1 + 0.4 * lowered - who.eye_tilt
    start = 0.15 + gap - 0.055 * units.au4
    curve = smooth(
        [
            (start, inner),
            (0.33 + gap, (inner + middle) / 2 - 0.02),
            (0.54 + gap, middle),
            (0.73 + gap, outer),
        ],
        4,
    )
    curve[:, 0] *= side
    points = head.at(curve, 0.05)
    t = np.linspace(0, 1, len(points))
    widths = head.px(who.brow_width) * (1.0 + 0.1 * units.au4) * np.minimum(1, 0.75 + t) * (1 - 0.75 * t**2)
    shade = min(who.hair, who.skin - 0.12) * 0.85
    head.canvas.bump(points, head.px(0.14), head.px(0.035))
    head.canvas.line(points, widths, shade, 0.85, 1.3)


def _lids(head: Head, side: float) -> tuple[Points, Points, float]:
    """Return the upper and the lower lid, (9, 2) each in face units from inner to outer corner, and the opening."""
    units, who = head.units, head.identity
    size = who.eye_size
    up = size * (0.5 + 0.5 * units.au5 - 0.2 * units.au7 - 0.1 * units.au6 - 0.08 * units.au4)
    down = size * (0.32 + 0.1 * units.au5 - 0.24 * units.au7 - 0.22 * units.au6 - 0.08 * units.au9)
    up = up * (1 - units.au43) - down * 0.8 * units.au43
    up = max(up, 0.02 * size - down)
    x = np.linspace(-size, size, 9) * (1 + 0.04 * units.au5)
    tilt = np.linspace(0.015, -0.015 - 2 * who.eye_tilt, 9) + 0.03 * units.au1 * np.linspace(-1, 0.6, 9)
    upper = np.stack([(who.eye_gap + x) * side, who.eye_height + tilt - up * ARC**0.75], axis=1)
    lower = np.stack([(who.eye_gap + x) * side, who.eye_height + tilt + down * ARC], axis=1)
    return upper, lower, up + down


def _eye(head: Head, side: float) -> None:
    """Draw one eye in its socket: ball, iris, lids, lashes and the folds round it."""
    canvas, units, who, view = head.canvas, head.units, head.identity, head.view
    upper, lower, opening = _lids(head, side)
    size = who.eye_size
    x, y = who.eye_gap * side, who.eye_height
    canvas.bump(
        head.at([(x - 0.1 * side, y - 0.05), (x + 0.1 * side, y - 0.03)]), head.px(0.3), -head.px(0.1)
    )
    canvas.bump(head.at([(x, y)]), head.px(0.24), head.px(0.055))
    socket = np.concatenate([upper - (0, 0.075), lower[::-1] + (0, 0.03)])
    canvas.fill(head.at(socket), who.skin * 0.6, 0.4, head.px(0.05))
    top, bottom = head.at(upper), head.at(lower)
    found = canvas.mask(np.concatenate([top, bottom[::-1]]), 0.8)
    if found is not None:
        region, cover = found
        canvas.blend(region, cover, 0.8)
        turn = head.view.yaw * 0.25
        centre = np.array([x + (0.09 * view.gaze_x - turn * 0.2), y - 0.03 * size + 0.06 * view.gaze_y])
        angle = np.arange(14) / 14 * 2 * math.pi
        ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        for radius, shade in ((0.5, who.iris * 0.55), (0.42, who.iris), (0.22, 0.03)):
            _, disc = canvas.mask(head.at(centre + ring * size * radius), 0.6, region) or (region, cover)
            canvas.blend(region, disc * cover, shade)
        _, spark = canvas.mask(
            head.at(centre + (0.05 * view.light_x - 0.02, -0.06) + ring * 0.028), 0.5, region
        ) or (region, cover)
        canvas.blend(region, spark * cover, 0.95)
        shadow, dim = canvas.mask(ribbon(top, head.px(0.09)), 2.0, region) or (region, cover)
        canvas.blend(shadow, dim * cover * np.float32(0.45), 0.15)
    t = np.linspace(0, 1, len(top))
    dark = who.skin * (0.32 - 0.2 * who.makeup)
    canvas.line(top, head.px(0.03 + 0.022 * who.makeup) * (0.6 + 0.8 * t), dark, 0.9, 0.8)
    canvas.line(bottom, head.px(0.022), who.skin * 0.45, 0.55, 1.0)
    crease = upper - np.stack(
        [np.zeros(9), (0.028 + 0.055 * (1 - units.au5) * (1 - 0.5 * units.au4)) * ARC**0.5], axis=1
    )
    canvas.line(head.at(crease), head.px(0.022), who.skin * 0.5, 0.5, 1.2)
    bag = lower + np.stack([np.zeros(9), 0.04 + 0.055 * ARC], axis=1)
    squeezed = max(units.au6, 0.7 * units.au7, 0.5 * units.au9)
    canvas.bump(head.at(bag[1:-1]), head.px(0.05), -head.px(0.012) * (0.4 * who.age + 1.2 * squeezed))
    canvas.bump(head.at(lower + (0, 0.03)), head.px(0.06), head.px(0.02) * squeezed)
    crow = 0.9 * units.au6 + 0.3 * who.age * (0.3 + units.au6)
    outer = (abs(x) + size, y)
    for rise in (-0.07, 0.0, 0.07):
        feet = [
            (side * (outer[0] + 0.05), outer[1] + rise * 0.5),
            (side * (outer[0] + 0.17), outer[1] + rise * 1.4),
        ]
        canvas.bump(head.at(feet), head.px(0.035), -head.px(0.012) * crow)


def _glasses(head: Head) -> None:
    """Draw frames, bridge and temples."""
    canvas, who = head.canvas, head.identity
    width, shade = head.px(who.glasses), 0.08 if who.texture % 3 else 0.4
    angle = np.arange(24) / 24 * 2 * math.pi
    square = 1.0 if who.texture % 2 else 0.6
    cos, sin = np.cos(angle), np.sin(angle)
    rim = np.stack(
        [np.sign(cos) * np.abs(cos) ** square * 0.33, np.sign(sin) * np.abs(sin) ** square * 0.27], axis=1
    )
    for side in SIDES:
        points = head.at(rim + (side * 0.44, who.eye_height + 0.04), 0.12)
        canvas.fill(points, 0.95, 0.07)
        closed = np.concatenate([points, points[:2]])
        canvas.line(closed, width, shade, 0.9, 0.7)
        temple = head.at([(side * 0.77, who.eye_height - 0.06), (side * 1.0, who.eye_height - 0.1)], 0.05)
        canvas.line(temple, width, shade, 0.9, 0.8)
    bridge = smooth([(-0.12, who.eye_height), (0.0, who.eye_height - 0.05), (0.12, who.eye_height)], 3)
    canvas.line(head.at(bridge, 0.15), width, shade, 0.9, 0.7)
