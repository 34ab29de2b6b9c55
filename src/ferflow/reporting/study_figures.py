"""The figure of a study that the shared figures lack: the metric over each param."""

import math
from collections.abc import Iterable
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, PercentFormatter

from ferflow.reporting import PALETTE, new_figure, style
from ferflow.settings.training import Choice, FloatRange, IntRange, SearchSpace

BLUE, RED, GREY = PALETTE[0], PALETTE[1], "#6B6B6B"
COLUMNS = 2


@style()
def study_slices(trials: pd.DataFrame, space: SearchSpace, metric: str) -> Figure:
    """Draw the metric of every trial over each param, the best trial marked.

    Args:
        trials: as `trials_table` returns it, one trial COMPLETE at least.
        space: what was searched; gives the axes.
        metric: what the value is, a share; more is better.
    """
    keys = sorted(space)
    rows = math.ceil(len(keys) / COLUMNS)
    columns = min(len(keys), COLUMNS)
    done = trials[trials["state"] == "COMPLETE"]
    pruned = trials[(trials["state"] == "PRUNED") & trials["value"].notna()]
    best = done.iloc[int(done["value"].argmax())]
    setting = ", ".join(f"{_short(key)} {_written(best[key])}" for key in keys)
    figure = new_figure(f"Best at {setting}", height=0.4 + 2.9 * rows)
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for place, axes in enumerate(grid.flat):
        if place >= len(keys):
            axes.remove()
            continue
        key = keys[place]
        part = space[key]
        axes.scatter(_places(pruned[key], part), pruned["value"], marker="x", color=GREY, label="ended early", zorder=3)
        axes.scatter(_places(done[key], part), done["value"], color=BLUE, s=36, label="trial", zorder=4)
        axes.scatter(_places([best[key]], part), [best["value"]], color=RED, s=80, label="best", zorder=5)
        if isinstance(part, Choice):
            axes.set_xticks(range(len(part.choices)), [str(choice) for choice in part.choices])
            axes.set_xlim(-0.5, len(part.choices) - 0.5)
        elif isinstance(part, FloatRange) and part.log:
            axes.set_xscale("log")
            # Three of our own: the ticks of matplotlib overlap where the range is short.
            ticks = [part.low, math.sqrt(part.low * part.high), part.high]
            axes.set_xticks(ticks, [f"{tick:.2g}" for tick in ticks])
            axes.xaxis.set_minor_locator(NullLocator())
            axes.set_xlim(part.low / 1.15, part.high * 1.15)
        axes.set_xlabel(key)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    for row in grid:
        row[0].set_ylabel(metric)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def _places(values: Iterable[Any], part: FloatRange | IntRange | Choice) -> list[Any]:
    return [part.choices.index(value) for value in values] if isinstance(part, Choice) else list(values)


def _short(key: str) -> str:
    return key.rpartition(".")[2]


def _written(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
