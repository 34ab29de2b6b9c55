"""Figures that compare models."""

import math
from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from ferflow.reporting.style import BLUE, GREEN, PALETTE, new_figure, style
from ferflow.reporting.text import short_number

Box = tuple[float, float, float, float]  # left, bottom, right, top in pixels
FONT_SIZE = 11  # points, of the labels of cost_scatter


@style()
def leaderboard_bars(scores: pd.DataFrame, title: str = "", unit: str = "accuracy") -> Figure:
    """Draw each model's score on each test set with its confidence interval, the first model on top.

    Args:
        scores: Columns model, set, value, low and high (shares); models and sets are drawn in the order of their first
            row. At most six sets.
        title: Finding in one sentence. Defaults to no title.
        unit: Name of the score. Defaults to "accuracy".
    """
    models, sets = list(dict.fromkeys(scores["model"])), list(dict.fromkeys(scores["set"]))
    figure = new_figure(title, height=1.3 + (0.22 * len(sets) + 0.24) * len(models))
    axes = figure.add_subplot()
    for index, (name, color) in enumerate(zip(sets, PALETTE, strict=False)):
        part = scores[scores["set"] == name]
        offset = (index - (len(sets) - 1) / 2) * 0.7 / len(sets)
        positions = [models.index(model) + offset for model in part["model"]]
        spread = [part["value"] - part["low"], part["high"] - part["value"]]
        values = part["value"].tolist()
        axes.errorbar(values, positions, xerr=spread, fmt="o", ms=6, color=color, elinewidth=2.4, label=name)
        for value, position in zip(values, positions, strict=True):
            axes.text(
                1.015, position, f"{100 * value:.1f}", color=color, size=11, va="center",
                transform=axes.get_yaxis_transform(),
            )  # fmt: skip
    for edge in range(1, len(models)):
        axes.axhline(edge - 0.5, color="#D0D0D0", lw=0.8)
    axes.set_yticks(range(len(models)), models)
    axes.set_ylim(len(models) - 0.5, -0.5)
    axes.grid(False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    axes.locator_params(axis="x", nbins=6)
    axes.set_xlabel(f"{unit}, with confidence interval")
    figure.legend(loc="outside lower center", ncols=min(3, len(sets)))
    return figure


@style()
def cost_scatter(costs: Mapping[str, tuple[float, float]], title: str = "", unit: str = "accuracy") -> Figure:
    """Draw the score of each model over its computational cost; a dashed line joins the Pareto-optimal models.

    Args:
        costs: Multiply-accumulates per image and score (a share) of each model; at least one model.
        title: Finding in one sentence. Defaults to no title.
        unit: Name of the score. Defaults to "accuracy".
    """
    figure = new_figure(title, height=4.2)
    axes = figure.add_subplot()
    frontier: list[tuple[float, float]] = []
    for cost, value in sorted(costs.values(), key=lambda pair: (pair[0], -pair[1])):
        if not frontier or value > frontier[-1][1]:
            frontier.append((cost, value))
    axes.plot(*zip(*frontier, strict=True), color=GREEN, lw=1.6, ls="--", zorder=2)
    axes.set_xscale("log")
    macs, shares = zip(*costs.values(), strict=True)
    axes.scatter(macs, shares, color=BLUE, s=60, zorder=3)
    span = max(max(shares) - min(shares), 0.02)
    axes.set_ylim(min(shares) - 0.16 * span, max(shares) + 0.16 * span)
    # At least one factor of ten, so that the logarithmic axis has a labelled tick.
    margin = max(1.7, (10 / (max(macs) / min(macs))) ** 0.5)
    axes.set_xlim(min(macs) / margin, max(macs) * margin)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short_number(value)))
    axes.xaxis.set_minor_formatter("")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    axes.set_xlabel("multiply-accumulates per image")
    axes.set_ylabel(unit)
    _label_points(figure, costs)
    return figure


def _label_points(figure: Figure, costs: Mapping[str, tuple[float, float]]) -> None:
    """Write each model's name at the nearest free position around its point.

    Positions are tried from near to far: right and left, above and below, then the same shifted by half lines. A label
    that is not next to its point gets a thin line to it, so that it is clear which point it belongs to.
    """
    axes = figure.axes[0]
    # Twice: the constrained layout settles its margins only in the first drawing, and the axes move in the second.
    figure.draw_without_rendering()
    figure.draw_without_rendering()
    pixels = figure.dpi / 72  # per point
    centres = {name: axes.transData.transform(point) for name, point in costs.items()}
    gap = 7 * pixels
    taken: list[Box] = [(x - 5 * pixels, y - 5 * pixels, x + 5 * pixels, y + 5 * pixels) for x, y in centres.values()]
    for name, (x, y) in centres.items():
        text = axes.annotate(name, costs[name], size=FONT_SIZE, va="center", ha="left", annotation_clip=False)
        extent = text.get_window_extent()
        width, height = extent.width, extent.height
        candidates: list[tuple[float, float]] = []  # offsets of the label's left edge and middle from the point
        for step in (0.0, 0.5, -0.5, 1.0, -1.0, 1.5, -1.5, 2.0, -2.0, 2.5, -2.5, 3.0, -3.0):
            candidates += [(gap, step * height), (-gap - width, step * height)]
        for step in (1.0, -1.0, 2.0, -2.0, 3.0, -3.0):
            candidates.append((-width / 2, step * height))
        candidates.sort(key=lambda offset: _distance(offset, width, height))
        boxes = [_label_box(x + dx, y + dy, width, height) for dx, dy in candidates]
        free = [index for index, box in enumerate(boxes) if not any(_overlap(box, other) for other in taken)]
        inside = [index for index in free if _within(boxes[index], axes.bbox.extents)]
        chosen = (inside or free or [0])[0]
        taken.append(boxes[chosen])
        dx, dy = candidates[chosen]
        text.set_position((dx / pixels, dy / pixels))
        text.anncoords = "offset points"
        if _distance((dx, dy), width, height) > 1.5 * gap:
            axes.annotate(
                "", costs[name], xytext=(min(max(0.0, dx), dx + width) / pixels, dy / pixels),
                textcoords="offset points", arrowprops={"arrowstyle": "-", "color": "#6B6B6B", "lw": 0.8},
            )  # fmt: skip


def _label_box(left: float, middle: float, width: float, height: float) -> Box:
    return left, middle - height / 2, left + width, middle + height / 2


def _distance(offset: tuple[float, float], width: float, height: float) -> float:
    """Return the distance in pixels between a point and the nearest edge of a label at an offset from it."""
    dx, dy = offset
    return math.hypot(max(dx, 0.0, -(dx + width)), max(abs(dy) - height / 2, 0.0))


def _overlap(one: Box, other: Box) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


def _within(box: Box, frame: Box) -> bool:
    return frame[0] <= box[0] and box[2] <= frame[2] and frame[1] <= box[1] and box[3] <= frame[3]
