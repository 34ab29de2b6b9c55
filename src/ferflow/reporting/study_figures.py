"""Figures of a hyperparameter search; the title of each states the finding."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from ferflow.reporting.style import BLUE, GREY, RED, PercentTicks, new_figure, style
from ferflow.reporting.text import percent
from ferflow.train.recipe.search_space import Choice, FloatRange, IntRange

SpacePart = FloatRange | IntRange | Choice

METRICS = {"val_accuracy": "validation accuracy", "val_macro_f1": "validation macro F1"}
COLUMNS = 2  # panels side by side in study_slices


def study_figures(
    trials: pd.DataFrame,
    curves: pd.DataFrame,
    space: Mapping[str, SpacePart],
    shares: Mapping[str, float],
    metric: str,
) -> dict[str, Figure]:
    """Return the figures of a search by name: history, curves, slices, importance, and with two objectives pareto.

    Args:
        trials: One row per trial: number (from 0), state (COMPLETE, PRUNED or FAIL), value (the metric, a share; NaN
            if there is none), epochs, and one column per param; with two objectives also macs and pareto. At least one
            trial is COMPLETE.
        curves: One row for each epoch of each trial: number, epoch (from 1) and value.
        space: What was searched: each param with its range or choices.
        shares: Share of the variance of the metric that each param explains, in [0, 1].
        metric: Name of the metric, such as val_accuracy; higher is better.
    """
    metric = METRICS.get(metric, metric)
    figures = {
        "history": study_history(trials, metric),
        "curves": study_curves(trials, curves, metric),
        "slices": study_slices(trials, space, metric),
        "importance": param_importance(shares),
    }
    if "pareto" in trials:
        figures["pareto"] = study_front(trials, metric)
    return figures


@style()
def study_history(trials: pd.DataFrame, metric: str) -> Figure:
    """Draw the metric of each trial and the best so far; see study_figures for the arguments."""
    completed = trials[(trials["state"] == "COMPLETE") & trials["value"].notna()]
    pruned = trials[(trials["state"] == "PRUNED") & trials["value"].notna()]
    stopped = int((trials["state"] == "PRUNED").sum())
    if len(completed):
        best = completed.iloc[int(completed["value"].to_numpy().argmax())]
        finding = f"Best {metric} {percent(best['value'])} in trial {int(best['number'])}"
    else:
        finding = "No trial was completed"
    figure = new_figure(f"{finding}; {len(trials)} trials, {stopped} stopped early", height=3.6)
    axes = figure.add_subplot()
    if len(pruned):
        axes.scatter(pruned["number"], pruned["value"], marker="x", color=GREY, label="stopped early", zorder=3)
    if len(completed):
        axes.scatter(completed["number"], completed["value"], color=BLUE, s=45, label="completed", zorder=4)
        numbers = np.append(completed["number"].to_numpy(), trials["number"].max())
        record = np.maximum.accumulate(completed["value"].to_numpy())
        record = np.append(record, record[-1])
        axes.plot(numbers, record, drawstyle="steps-post", color=RED, label="best so far")
        figure.legend(loc="outside lower center", ncols=3)
    axes.yaxis.set_major_formatter(PercentTicks())
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel("trial")
    axes.set_ylabel(metric)
    return figure


@style()
def study_curves(trials: pd.DataFrame, curves: pd.DataFrame, metric: str) -> Figure:
    """Draw the metric of every trial after each of its epochs, the best trial marked; see study_figures."""
    completed = trials[trials["state"] == "COMPLETE"]
    best = completed.iloc[int(completed["value"].to_numpy().argmax())]
    longest, pruned = int(trials["epochs"].max()), trials[trials["state"] == "PRUNED"]
    finding = f"{len(trials)} trials of up to {longest} epochs"
    if len(pruned):
        share = percent(float((longest - pruned["epochs"]).sum()) / (longest * len(trials)), 0)
        finding += f"; {len(pruned)} stopped early, which saved {share} of the epochs"
    figure = new_figure(finding, height=4.0)
    axes = figure.add_subplot()
    looks: dict[str, dict[str, Any]] = {
        "PRUNED": {
            "color": GREY,
            "linewidth": 1.0,
            "marker": "x",
            "markersize": 4,
            "zorder": 3,
            "label": "stopped early",
        },
        "COMPLETE": {"color": BLUE, "linewidth": 1.2, "marker": ".", "zorder": 4, "label": "completed"},
    }
    for state, look in looks.items():
        for number in trials.loc[trials["state"] == state, "number"]:
            if number != best["number"]:
                curve = curves[curves["number"] == number]
                axes.plot(curve["epoch"], curve["value"], **look)
                look["label"] = "_"  # matplotlib lists no label that starts so: one entry for all
    curve = curves[curves["number"] == best["number"]]
    axes.plot(
        curve["epoch"], curve["value"], color=RED, marker=".", zorder=5, label=f"best: trial {int(best['number'])}"
    )
    axes.yaxis.set_major_formatter(PercentTicks())
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel("epoch")
    axes.set_ylabel(metric)
    figure.legend(loc="outside lower center", ncols=3)
    return figure


@style()
def study_front(trials: pd.DataFrame, metric: str) -> Figure:
    """Draw the metric of every completed trial over its operations, and the Pareto front; see study_figures."""
    completed = trials[trials["state"] == "COMPLETE"].assign(mmac=lambda rows: rows["macs"].astype(float) / 1e6)
    on_front = completed["pareto"].astype(bool)
    front, others = completed[on_front].sort_values("mmac"), completed[~on_front]
    small, large = front.iloc[0], front.iloc[-1]
    finding = f"{percent(large['value'])} with {large['mmac']:.3g} MMAC"
    if len(front) > 1:
        finding += f", {percent(small['value'])} with {small['mmac']:.3g}"
    figure = new_figure(f"{finding}; {len(front)} of {len(completed)} trials are on the Pareto front", height=4.0)
    axes = figure.add_subplot()
    if len(others):
        axes.scatter(others["mmac"], others["value"], color=GREY, s=36, label="dominated", zorder=3)
    axes.plot(front["mmac"], front["value"], drawstyle="steps-post", color=RED, linewidth=1.2, zorder=4)
    axes.scatter(front["mmac"], front["value"], color=RED, s=45, label="on the Pareto front", zorder=5)
    axes.yaxis.set_major_formatter(PercentTicks())
    axes.set_xlabel("million multiply-accumulate operations for a face")
    axes.set_ylabel(metric)
    figure.legend(loc="outside lower center", ncols=2)
    return figure


@style()
def study_slices(trials: pd.DataFrame, space: Mapping[str, SpacePart], metric: str) -> Figure:
    """Draw the metric of every trial over each param, the best trial marked; see study_figures for the arguments."""
    keys = sorted(space)
    rows = math.ceil(len(keys) / COLUMNS)
    completed = trials[trials["state"] == "COMPLETE"]
    pruned = trials[(trials["state"] == "PRUNED") & trials["value"].notna()]
    best = completed.iloc[int(completed["value"].argmax())]
    drawn = [key for key in keys if not space[key].when or not pd.isna(best[key])]
    best_params = ", ".join(f"{key.rpartition('.')[2]} {_short_value(best[key])}" for key in drawn)
    figure = new_figure(f"Best {metric} with {best_params}", height=0.4 + 2.9 * rows)
    grid = figure.subplots(rows, min(len(keys), COLUMNS), sharey=True, squeeze=False)
    for index, axes in enumerate(grid.flat):
        if index >= len(keys):
            axes.remove()
            continue
        key = keys[index]
        part = space[key]
        for group, look in (
            (pruned, {"marker": "x", "color": GREY, "label": "stopped early", "zorder": 3}),
            (completed, {"color": BLUE, "s": 36, "label": "completed", "zorder": 4}),
            (completed.loc[[best.name]], {"color": RED, "s": 80, "label": "best", "zorder": 5}),
        ):
            # A gap under a condition is a trial that did not search this key; elsewhere it is the choice null.
            with_key = group[group[key].notna()] if part.when else group
            axes.scatter(_positions(with_key[key], part), with_key["value"], **look)
        _scale_axis(axes, part)
        axes.set_xlabel(key)
        axes.yaxis.set_major_formatter(PercentTicks())
    for row in grid:
        row[0].set_ylabel(metric)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def _scale_axis(axes: Axes, part: SpacePart) -> None:
    """Give the horizontal axis the scale and the ticks of a param's range or choices."""
    if isinstance(part, Choice):
        axes.set_xticks(range(len(part.values)), [str(value) for value in part.values])
        axes.set_xlim(-0.5, len(part.values) - 0.5)
    elif isinstance(part, FloatRange) and part.log:
        axes.set_xscale("log")
        # Three fixed ticks: those of matplotlib overlap if the range is short.
        ticks = [part.low, math.sqrt(part.low * part.high), part.high]
        axes.set_xticks(ticks, [f"{tick:.2g}" for tick in ticks])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlim(part.low / 1.15, part.high * 1.15)
    elif isinstance(part, IntRange):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def _positions(values: Iterable[Any], part: SpacePart) -> list[Any]:
    """Return where the values of a param are drawn: numbers as they are, choices by their index."""
    if not isinstance(part, Choice):
        return list(values)
    texts = [str(value) for value in part.values]
    # By text as well: trials.csv does not tell a choice "1" from 1, nor true from "True", nor null from a gap.
    return [part.values.index(v) if v in part.values else texts.index(_choice_text(v)) for v in values]


def _choice_text(value: Any) -> str:
    return "None" if value is None or value != value else str(value)


def _short_value(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) and not math.isnan(value) else _choice_text(value)


@style()
def param_importance(shares: Mapping[str, float]) -> Figure:
    """Draw the share of the metric's variance that each param explains (functional ANOVA, Hutter et al. 2014).

    Args:
        shares: Share of each param in [0, 1], at least one param.
    """
    ordered = sorted(shares.items(), key=lambda item: (item[1], item[0]))
    name, largest = ordered[-1]
    finding = f"{name} explains {percent(largest, 0)} of the variance between trials"
    figure = new_figure(finding, height=0.9 + 0.45 * len(ordered))
    axes = figure.add_subplot()
    bars = axes.barh([name for name, _ in ordered], [share for _, share in ordered], color=BLUE, height=0.62)
    axes.bar_label(bars, [percent(share, 0) for _, share in ordered], padding=4)
    axes.set_xlim(0, max(0.05, largest) * 1.15)
    axes.xaxis.set_major_formatter(PercentTicks())
    axes.grid(False, axis="y")
    return figure
