"""Draw hair behind and over the head, beard and moustache."""

import numpy as np

from ferflow.faces.canvas import Plane, Points, moved, ring, smooth
from ferflow.faces.head import SIDES, Head, mirrored

FALLING = ("long", "bob", "scarf")  # styles that cover the ears


def draw_back_hair(head: Head) -> None:
    """Draw the hair that lies behind face and shoulders."""
    canvas, who = head.canvas, head.identity
    if who.style in FALLING:
        low = {"long": 2.2, "bob": 0.95, "scarf": 1.9}[who.style]
        side, top = 1.08 + who.volume, -1.25 - who.volume
        outline = mirrored([(0.0, top), (0.6, top + 0.1), (1.0, -0.7), (side, 0.1), (side, low), (0.0, low)])
        shade = who.cloth * 0.55 + 0.05 if who.style == "scarf" else who.hair * 0.75
        canvas.fill(head.rim(outline, -0.25), shade, soft=1)
    if who.style == "bun":
        knot = moved(ring(16) * (0.32, 0.28), 0.1 * who.part, -1.42)
        canvas.fill(head.rim(knot, -0.2), who.hair * 0.9, soft=1)


def draw_hair(head: Head, light: Plane) -> None:
    """Draw the hair over forehead and skull, with strands and sheen; `light` is the result of Head.light."""
    canvas, who = head.canvas, head.identity
    if who.style == "bald":
        return
    wide = 1.02 + who.volume * (0.75 if who.style == "curly" or who.style in FALLING else 0.35)
    ear = {"long": 0.5, "bob": 0.5, "scarf": 1.0, "curly": 0.05}.get(who.style, -0.12)
    top = 1.22 + who.volume
    side = [(-wide + 0.04, ear), (-wide, -0.4), (-wide * 0.86, -0.95), (-wide * 0.5, -top * 0.95)]
    crown = smooth([*side, (0.0, -top), *((-x, y) for x, y in side[::-1])], 5)
    shape = head.rim(np.concatenate([crown, smooth(_hairline(head), 5)[::-1]]), 0.2)
    region, cover = canvas.cover(shape, 1)
    lit = light[region]
    if who.style == "scarf":
        canvas.blend((region, cover), np.float32(who.cloth * 0.8 + 0.1) * lit)
        return
    grid = (32, 32) if who.style == "curly" else (8, 48)
    strands = head.rng.normal(0, 1, grid).astype(np.float32)
    strands = np.repeat(strands, canvas.side // grid[0], axis=0).repeat(canvas.side // grid[1], axis=1)
    shade = np.float32(who.hair) * (lit + np.float32(0.25)) + np.float32(0.09) * lit * lit * lit
    shade += strands[region] * np.float32(0.012 + 0.025 * who.hair)
    canvas.blend((region, cover), shade)


def _hairline(head: Head) -> list[tuple[float, float]]:
    """Return the lower edge of the hair from the viewer's left ear to the right one, face units."""
    who = head.identity
    low, part = who.hairline, 0.4 * who.part
    if who.style == "parted":
        inner = [(-0.75, low + 0.28), (part, low - 0.12), (0.75, low + 0.28)]
    elif who.style == "bob":
        inner = [(-0.8, -0.48), (-0.4, low + 0.25), (part, low + 0.15), (0.4, low + 0.25), (0.8, -0.48)]
    elif who.style == "long":
        inner = [(-0.82, -0.4), (-0.5, low + 0.08), (part, low - 0.14), (0.5, low + 0.08), (0.82, -0.4)]
    elif who.style == "curly":
        inner = [(-0.75, low + 0.22), (-0.4, low), (-0.1, low + 0.08), (0.3, low), (0.75, low + 0.22)]
    else:
        half = {
            "short": [(0.0, low - 0.02), (0.35, low), (0.72, low + 0.1)],
            "fringe": [(0.0, -0.6), (0.4, -0.56), (0.78, -0.52)],
            "receding": [(0.2, -1.05), (0.6, -1.1), (0.85, -0.75)],
            "bun": [(0.0, low - 0.12), (0.4, low - 0.08), (0.8, low + 0.15)],
            "scarf": [(0.0, low + 0.06), (0.4, low + 0.12), (0.78, -0.5)],
        }[who.style]
        inner = [*((-x, y) for x, y in half[:0:-1]), *half]
    end = [(0.93, 0.2), (0.86, 1.0)] if who.style in FALLING else [(0.93, -0.42), (0.99, -0.05)]
    return [*((-x, y) for x, y in end[::-1]), *inner, *end]


def draw_beard(head: Head, corners: tuple[tuple[float, float], tuple[float, float]]) -> None:
    """Draw a beard on the jaw and a moustache; `corners` are those of the mouth, left and right, in face units."""
    canvas, who, jaw = head.canvas, head.identity, head.jaw
    shade = min(who.hair * 0.9, who.skin * 0.6)
    if who.beard > 0:
        outer = [(0.97, 0.15), (0.93, 0.45), (who.jaw + 0.06, 0.82 + 0.6 * jaw), (who.chin + 0.18, 1.14 + jaw)]
        inner = [(0.3, 1.0 + 0.8 * jaw), (0.52, 0.75 + 0.3 * jaw), (0.72, 0.5), (0.88, 0.15)]
        half = np.concatenate([smooth([*outer, (0.0, 1.3 + jaw)], 4), smooth([(0.0, 1.06 + 0.9 * jaw), *inner], 4)])
        for side in SIDES:
            canvas.fill(head.rim(half * (side, 1), 0.1), shade, 0.85 * who.beard, 4)
    if who.moustache > 0:
        (left, left_y), (right, right_y) = corners
        tip = who.nose_length + 0.16
        low = (tip + who.mouth_height + 0.24 * jaw - 0.06) / 2
        line: Points = smooth([(-left - 0.02, left_y), (-0.2, low), (0.0, tip), (0.2, low), (right + 0.02, right_y)], 4)
        widths = head.px(0.1) * (1 - 0.6 * np.linspace(-1, 1, len(line)) ** 2)
        canvas.line(head.at(line, 0.05), widths, shade, 0.85 * who.moustache, 2)
