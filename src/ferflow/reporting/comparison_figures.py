"""Figures that set models side by side."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from ferflow.reporting.style import BLUE, GREEN, PALETTE, new_figure, short_number, style

Box = tuple[float, float, float, float]  # left, bottom, right, top in pixels


@style()
def leaderboard_bars(scores: pd.DataFrame, title: str = "", unit: str = "accuracy") -> Figure:
    """Draw each model's score on each set with its confidence interval, first model on top.

    Args:
        scores: columns model, set, value, low, high (shares); models and sets in the order of their first
            row; six sets at most.
        title: the finding.
        unit: what the value is.
    """
    models, sets = list(dict.fromkeys(scores["model"])), list(dict.fromkeys(scores["set"]))
    figure = new_figure(title, height=1.3 + (0.22 * len(sets) + 0.24) * len(models))
    axes = figure.add_subplot()
    for place, (name, color) in enumerate(zip(sets, PALETTE, strict=False)):
        part = scores[scores["set"] == name]
        offset = (place - (len(sets) - 1) / 2) * 0.7 / len(sets)
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
    """Draw what each model reaches for its multiplications; a line joins those that none beats at less cost.

    Args:
        costs: model -> (multiply-accumulates an image, share reached), at least one.
        title: the finding.
        unit: what the share is.
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
    axes.set_ylim(min(shares) - 0.12 * span, max(shares) + 0.16 * span)
    # A factor of ten at least, so that the logarithmic axis has a number on it.
    margin = max(1.7, (10 / (max(macs) / min(macs))) ** 0.5)
    axes.set_xlim(min(macs) / margin, max(macs) * margin)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short_number(value)))
    axes.xaxis.set_minor_formatter("")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    axes.set_xlabel("multiply-accumulates an image")
    axes.set_ylabel(unit)
    _label_points(figure, costs)
    return figure


def _label_points(figure: Figure, costs: Mapping[str, tuple[float, float]]) -> None:
    """Write each point's name beside it, at the first place that covers no other name or point."""
    axes = figure.axes[0]
    figure.draw_without_rendering()
    scale = figure.dpi / 72
    spots = {name: axes.transData.transform(point) for name, point in costs.items()}
    taken: list[Box] = [(x - 5, y - 5, x + 5, y + 5) for x, y in spots.values()]
    places = [(side, step) for step in (0, 1, -1, 2, -2, 3, -3) for side in (1, -1)]
    for name, (x, y) in spots.items():
        width, height = 7.4 * scale * len(name), 14 * scale
        boxes: dict[tuple[int, int], Box] = {}
        for side, step in places:
            left = x + 8 * scale if side > 0 else x - 8 * scale - width
            bottom = y + (step - 0.5) * height
            boxes[side, step] = (left, bottom, left + width, bottom + height)
        free = [place for place, box in boxes.items() if not any(_overlap(box, other) for other in taken)]
        inside = [p for p in free if boxes[p][0] >= axes.bbox.x0 and boxes[p][2] <= axes.bbox.x1]
        side, step = (inside or free or places)[0]
        taken.append(boxes[side, step])
        axes.annotate(
            name, costs[name], xytext=(8 * side, 14 * step), textcoords="offset points",
            ha="left" if side > 0 else "right", va="center", size=11,
        )  # fmt: skip


def _overlap(one: Box, other: Box) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]
