"""Draw soft shapes and a relief on a grey canvas that is larger than the finished image.

Shapes are rasterized as integer masks, and everything after that is elementary arithmetic, so that the result is
reproducible to the byte on any machine.
"""

import functools
import math

import cv2
import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]  # (N, 2), x to the right and y down, pixels of the canvas
Plane = npt.NDArray[np.float32]  # (side, side), or a part of it
Region = tuple[slice, slice]  # rows, columns
Cover = tuple[Region, Plane]  # a region, and the share of each of its pixels that is covered, 0 to 1


class Canvas:
    """A square canvas with paint and a relief.

    Attributes:
        side: Pixels along an edge.
        paint: Share of the light that each pixel reflects, 0 to 1, float32 of shape (side, side).
        relief: Height above the underlying shape in pixels, float32 of shape (side / 2, side / 2): it is
            smooth, so half the resolution is enough.
        x, y: Pixel coordinates of the relief's columns, (1, side / 2), and rows, (side / 2, 1).
    """

    def __init__(self, side: int, background: Plane) -> None:
        """Start with `background` as the paint and a flat relief."""
        self.side = side
        self.paint = background
        self.relief: Plane = np.zeros((side // 2, side // 2), np.float32)
        steps = np.arange(side // 2, dtype=np.float32) * 2 + np.float32(0.5)
        self.x, self.y = steps[None, :], steps[:, None]

    def region(self, points: Points, margin: float) -> Region:
        """Return the part of the canvas within `margin` pixels of the bounding box of `points`; it may be empty."""
        (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        rows = slice(max(0, int(top - margin)), min(self.side, int(bottom + margin) + 2))
        columns = slice(max(0, int(left - margin)), min(self.side, int(right + margin) + 2))
        return rows, columns

    def cover(self, points: Points, soft: int = 0, region: Region | None = None) -> Cover:
        """Return the coverage of a region by a filled outline.

        Args:
            points: The outline, (N, 2) in pixels; the last point is joined to the first.
            soft: Radius in pixels of the box filter that softens the edge; it is applied twice. Defaults to 0.
            region: Region to return. Defaults to the bounding box of the outline.
        """
        rows, columns = region or self.region(points, 2 + 2 * soft)
        size = (max(0, rows.stop - rows.start), max(0, columns.stop - columns.start))
        if not all(size):
            return (slice(0, 0), slice(0, 0)), np.zeros((0, 0), np.float32)
        mask = np.zeros(size, np.uint8)
        sixteenths = np.rint((points - (columns.start, rows.start)) * 16).astype(np.int32)
        cv2.fillPoly(mask, [sixteenths], 255, cv2.LINE_AA, 4)
        if soft > 0:
            box = (2 * soft + 1, 2 * soft + 1)
            mask = cv2.blur(cv2.blur(mask, box), box)
        return (rows, columns), np.multiply(mask, np.float32(1 / 255), dtype=np.float32)

    def blend(self, cover: Cover, shade: float | Plane, alpha: float | Plane = 1.0) -> None:
        """Blend `shade` over the paint with an opacity of `alpha` times the coverage."""
        region, share = cover
        part = self.paint[region]
        part += share * np.float32(alpha) * (np.float32(shade) - part)

    def fill(self, points: Points, shade: float, alpha: float = 1.0, soft: int = 0) -> None:
        """Fill an outline with `shade` and an opacity of `alpha` (0 to 1)."""
        if alpha > 0.01:
            self.blend(self.cover(points, soft), shade, alpha)

    def line(self, points: Points, widths: Points | float, shade: float, alpha: float = 1.0, soft: int = 0) -> None:
        """Draw a line through `points`; `widths` in pixels is one number or one per point, (N,)."""
        if alpha > 0.01:
            self.fill(ribbon(points, widths), shade, alpha, soft)

    def bump(self, points: Points, width: float, height: float) -> None:
        """Raise the relief along the line through `points`, or lower it if `height` is negative.

        Args:
            points: Line of the crest, (N, 2) in pixels; a single point gives a round bump.
            width: Distance in pixels from the crest to the edge of the bump.
            height: Height at the crest in pixels.
        """
        rows, columns = self.region(points, width)
        if abs(height) < 0.02 or rows.start >= rows.stop or columns.start >= columns.stop:
            return
        rows = slice(rows.start // 2, (rows.stop + 1) // 2)
        columns = slice(columns.start // 2, (columns.stop + 1) // 2)
        x, y = self.x[:, columns], self.y[rows]
        ends = [(np.float32(px), np.float32(py)) for px, py in points.tolist()]
        nearest: Plane | None = None
        for (ax, ay), (bx, by) in zip(ends, ends[1:] or ends, strict=False):
            dx, dy, right, down = bx - ax, by - ay, x - ax, y - ay
            if dx or dy:
                length = 1 / (dx * dx + dy * dy)
                along = np.minimum(1, np.maximum(0, right * (dx * length) + down * (dy * length)))
                right, down = right - along * dx, down - along * dy
            squared = right * right + down * down
            nearest = squared if nearest is None else np.minimum(nearest, squared)
        assert nearest is not None
        fall = np.maximum(0, 1 - nearest * np.float32(1 / (width * width)))
        fall *= fall
        fall *= np.float32(height)
        self.relief[rows, columns] += fall


def moved(points: Points, x: float = 0.0, y: float = 0.0) -> Points:
    """Return `points` moved to the right by `x` and down by `y`."""
    shifted: Points = points + np.array((x, y))
    return shifted


def ribbon(points: Points, widths: Points | float) -> Points:
    """Return the outline, (2 N, 2), of a line through `points`, (N, 2), `widths` pixels wide (one number or (N,))."""
    steps = np.empty_like(points)
    steps[1:-1] = points[2:] - points[:-2]
    steps[0], steps[-1] = points[1] - points[0], points[-1] - points[-2]
    x, y = steps[:, 0], steps[:, 1]
    half = widths / (2 * np.sqrt(x * x + y * y) + 1e-9)
    outline = np.empty((2 * len(points), 2))
    across = outline[: len(points)]
    across[:, 0], across[:, 1] = -y * half, x * half
    outline[len(points) :] = (points - across)[::-1]
    across += points
    return outline


@functools.cache
def _weights(count: int, steps: int, closed: bool) -> Points:
    """Return the matrix with which `smooth` multiplies `count` knots: Catmull-Rom weights, one row per point."""
    stretches = count if closed else count - 1
    rows = np.zeros((stretches * steps + (not closed), count))
    for row in range(len(rows)):
        k, t = divmod(row / steps, 1)
        shares = (-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2)
        for offset, share in zip((-1, 0, 1, 2), shares, strict=True):
            knot = int(k) + offset
            if closed or 0 <= knot < count:
                rows[row, knot % count] += share / 2
            elif share:  # beyond its ends the line continues straight
                end, inner = (0, 1) if knot < 0 else (count - 1, count - 2)
                rows[row, end] += share
                rows[row, inner] -= share / 2
    return rows


def smooth(points: list[tuple[float, float]] | Points, steps: int = 6, closed: bool = False) -> Points:
    """Return a curve through `points` (Catmull and Rom 1974), with `steps` points between two knots."""
    curve: Points = _weights(len(points), steps, closed) @ np.asarray(points, np.float64)
    return curve


@functools.cache
def ring(count: int) -> Points:
    """Return `count` points on the unit circle, (count, 2)."""
    return np.array([(math.cos(2 * math.pi * k / count), math.sin(2 * math.pi * k / count)) for k in range(count)])
