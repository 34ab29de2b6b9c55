"""Figures that compare models."""

import math
from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from matplotlib.transforms import Bbox, BboxBase

from ferflow.reporting.style import BLUE, GREEN, GREY, PALETTE, PercentTicks, new_figure, style
from ferflow.reporting.text import short_number

FONT_SIZE = 11  # points, of the labels of cost_scatter
GAP = 6  # points between a model's point and its label


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
    axes.xaxis.set_major_formatter(PercentTicks())
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
    axes.yaxis.set_major_formatter(PercentTicks())
    axes.set_xlabel("multiply-accumulates per image")
    axes.set_ylabel(unit)
    _label_points(figure, costs)
    return figure


def _label_points(figure: Figure, costs: Mapping[str, tuple[float, float]]) -> None:
    """Write each model's name next to its point, at the nearest place where it covers nothing.

    A name that is not next to its point gets a thin line to it, so that it is clear which point it belongs to.
    adjustText would move names by random steps, and so draw another figure each time.
    """
    axes = figure.axes[0]
    # Twice: the constrained layout settles its margins only in the first drawing, and the axes move in the second.
    figure.draw_without_rendering()
    figure.draw_without_rendering()
    pixels = figure.dpi / 72  # per point
    gap, radius = GAP * pixels, 5 * pixels
    frontier = axes.lines[0].get_path().transformed(axes.transData)
    centres = {name: axes.transData.transform(point) for name, point in costs.items()}
    taken = [Bbox.from_extents(x - radius, y - radius, x + radius, y + radius) for x, y in centres.values()]
    for name, (x, y) in centres.items():
        text = axes.annotate(name, costs[name], size=FONT_SIZE, va="center", ha="left", annotation_clip=False)
        width, height = text.get_window_extent().size
        steps = [0.55 * height * step for step in range(2 * len(costs) + 6)]
        heights = dict.fromkeys(sign * step for step in steps for sign in (1, -1))
        # Offsets of the label's left edge and middle from the point: to the right, to the left, above and below.
        offsets = [(dx, dy) for dy in heights for dx in (gap, -gap - width, -width / 2)]
        boxes = [Bbox.from_bounds(x + dx, y + dy - height / 2, width, height) for dx, dy in offsets]
        penalties = [
            (
                box.count_overlaps(taken),
                not _within(box, axes.bbox),
                _distance(box, x, y) + height * frontier.intersects_bbox(box, filled=False),
            )
            for box in boxes
        ]
        chosen = penalties.index(min(penalties))
        taken.append(boxes[chosen].padded(gap, 0))
        dx, dy = offsets[chosen]
        text.set_position((dx / pixels, dy / pixels))
        text.anncoords = "offset points"
        if _distance(boxes[chosen], x, y) > 1.5 * gap:
            axes.annotate(
                "", costs[name], xytext=(min(max(0.0, dx), dx + width) / pixels, dy / pixels),
                textcoords="offset points", arrowprops={"arrowstyle": "-", "color": GREY, "lw": 0.8}, zorder=1,
            )  # fmt: skip


def _distance(box: Bbox, x: float, y: float) -> float:
    """Return the distance in pixels between a point and the nearest edge of a box; 0 inside it."""
    return math.hypot(max(box.x0 - x, x - box.x1, 0.0), max(box.y0 - y, y - box.y1, 0.0))


def _within(box: Bbox, frame: BboxBase) -> bool:
    return bool(frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1)
