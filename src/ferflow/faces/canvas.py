"""A grey canvas drawn larger than the picture: soft shapes, relief, light.

Shapes are integer masks and everything after them is plain float arithmetic, so that the same values give the same
bytes on any machine.
"""

import cv2
import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]  # (N, 2), x to the right and y down, pixels of the canvas
Plane = npt.NDArray[np.float32]  # (side, side)
Region = tuple[slice, slice]


class Canvas:
    """What is painted on, and how it rises.

    Attributes:
        side: pixels along an edge.
        paint: how much light each point returns, 0 to 1.
        relief: height of each point over the shape below, in pixels.
    """

    def __init__(self, side: int, background: Plane) -> None:
        """Begin with `background` as paint and no relief."""
        self.side = side
        self.paint = background
        self.relief: Plane = np.zeros((side, side), np.float32)
        steps = np.arange(side, dtype=np.float32)
        self.x, self.y = steps[None, :], steps[:, None]

    def region(self, points: Points, margin: float) -> Region | None:
        """Return the rows and columns of the box round `points` and `margin` pixels more, or None outside."""
        left, top = np.floor(points.min(axis=0) - margin).astype(int).clip(0, self.side).tolist()
        right, bottom = np.ceil(points.max(axis=0) + margin + 1).astype(int).clip(0, self.side).tolist()
        return None if left >= right or top >= bottom else (slice(top, bottom), slice(left, right))

    def mask(
        self, points: Points, blur: float = 0.0, region: Region | None = None
    ) -> tuple[Region, Plane] | None:
        """Return where the filled outline `points` lies, as a region and its cover from 0 to 1.

        Args:
            points: the outline, closed by itself.
            blur: standard deviation in pixels by which its edge is softened.
            region: the region to give it for; by default the box round it.
        """
        region = region or self.region(points, 2 + 3 * blur)
        if region is None:
            return None
        rows, columns = region
        cover = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
        local = np.rint((points - (columns.start, rows.start)) * 16).astype(np.int32)
        cv2.fillPoly(cover, [local], 255, cv2.LINE_AA, 4)
        if blur > 0:
            cover = cv2.GaussianBlur(cover, (0, 0), blur, hint=cv2.ALGO_HINT_ACCURATE)
        return region, cover.astype(np.float32) * np.float32(1 / 255)

    def blend(self, region: Region, cover: Plane, shade: float | Plane) -> None:
        """Move the paint of `region` towards `shade` by `cover`."""
        part = self.paint[region]
        part += cover * (np.float32(shade) - part)

    def fill(self, points: Points, shade: float, alpha: float = 1.0, blur: float = 0.0) -> None:
        """Fill an outline with `shade`, `alpha` of it covering what was there."""
        found = self.mask(points, blur)
        if found is not None and alpha > 0:
            self.blend(found[0], found[1] * np.float32(alpha), shade)

    def line(
        self, points: Points, widths: Points | float, shade: float, alpha: float = 1.0, blur: float = 0.0
    ) -> None:
        """Draw a line through `points`; `widths` in pixels, one for all or one for each point, (N,)."""
        self.fill(ribbon(points, widths), shade, alpha, blur)

    def bump(self, points: Points, width: float, height: float) -> None:
        """Raise the relief along the line through `points` (a dot for one point), or lower it for height < 0.

        Args:
            points: the crest.
            width: pixels from the crest to where the bump ends.
            height: pixels at the crest.
        """
        region = self.region(points, width)
        if region is None or height == 0:
            return
        x, y = self.x[:, region[1]], self.y[region[0]]
        ends = points.astype(np.float32)
        squared = np.full((y.size, x.size), np.inf, np.float32)
        for (ax, ay), (bx, by) in zip(ends, ends[1:] if len(ends) > 1 else ends, strict=False):
            dx, dy = bx - ax, by - ay
            length = dx * dx + dy * dy
            if length > 0:
                along = (((x - ax) * dx + (y - ay) * dy) / length).clip(0, 1)
                distance = (x - ax - along * dx) ** 2 + (y - ay - along * dy) ** 2
            else:
                distance = (x - ax) ** 2 + (y - ay) ** 2
            np.minimum(squared, distance, out=squared)
        fall = np.maximum(0, 1 - squared * np.float32(1 / (width * width)))
        self.relief[region] += np.float32(height) * fall * fall


def ribbon(points: Points, widths: Points | float) -> Points:
    """Return the outline of a line through `points`, (N, 2), `widths` pixels wide, (N,) or one for all."""
    steps = np.gradient(points, axis=0)
    length = np.sqrt((steps**2).sum(axis=1, keepdims=True)) + 1e-9
    across = np.stack([-steps[:, 1], steps[:, 0]], axis=1) / length
    half = np.broadcast_to(np.asarray(widths, np.float64) / 2, len(points))[:, None]
    return np.concatenate([points + across * half, (points - across * half)[::-1]])


def smooth(points: list[tuple[float, float]] | Points, steps: int = 6, closed: bool = False) -> Points:
    """Return a curve through `points` (Catmull and Rom 1974), `steps` points for each stretch."""
    knots = np.asarray(points, np.float64)
    if closed:
        padded = np.concatenate([knots[-1:], knots, knots[:2]])
    else:
        padded = np.concatenate([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    t = (np.arange(steps) / steps)[None, :, None]
    p0, p1, p2, p3 = (padded[i : len(padded) - 3 + i, None] for i in range(4))
    curve = p1 + t / 2 * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0)))
    flat = curve.reshape(-1, 2)
    return flat if closed else np.concatenate([flat, knots[-1:]])
