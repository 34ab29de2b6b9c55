"""Curves that compare models: their trainings on one axis, and averages of the best models by their number."""

from collections.abc import Mapping
from itertools import product

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ferflow.reporting.style import GREY, PALETTE, PercentTicks, new_figure, style

# Color and dashes: what is distinguishable by one alone for six models, and by both for eighteen.
_LOOKS = tuple((color, dashes) for dashes, color in product(("-", (0, (4, 1.5)), (0, (1, 1.2))), PALETTE))


@style()
def validation_curves(histories: Mapping[str, pd.DataFrame], best: Mapping[str, int], title: str = "") -> Figure:
    """Draw the validation accuracy of each training over its epochs on one axis; a point marks the epoch that is kept.

    Args:
        histories: History of each model, as history.csv has it, in the order of the legend. Models beyond the 18th
            repeat colors and dashes.
        best: Epoch whose weights are kept, from 1, of each model.
        title: Finding in one sentence. Defaults to no title.
    """
    columns = 1 if max(len(name) for name in histories) > 24 else 2
    figure = new_figure(title, height=4.2 + 0.24 * -(-len(histories) // columns))
    axes = figure.add_subplot()
    longest = max(len(history) for history in histories.values())
    # Trainings of very different lengths, such as 16 and 300 epochs, are all legible on a logarithmic axis.
    logarithmic = longest > 8 * min(len(history) for history in histories.values())
    for number, (name, history) in enumerate(histories.items()):
        color, dashes = _LOOKS[number % len(_LOOKS)]
        marker = "o" if len(history) < 4 else ""  # a line through a single point is invisible
        axes.plot(history["epoch"], history["val_accuracy"], color=color, ls=dashes, marker=marker, lw=1.8, label=name)
        kept = history[history["epoch"] == best[name]]
        axes.scatter(kept["epoch"], kept["val_accuracy"], color=color, s=46, zorder=4)
    if logarithmic:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:.0f}")
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.yaxis.set_major_formatter(PercentTicks())
    axes.set_xlabel("epoch")
    axes.set_ylabel("validation accuracy")
    figure.legend(loc="outside lower center", ncols=columns)
    return figure


@style()
def ensemble_curve(table: pd.DataFrame, alone: Mapping[str, float], chosen: int, title: str = "") -> Figure:
    """Draw the accuracy of the average of the best models over their number, with confidence intervals.

    Args:
        table: Columns size, set, accuracy, accuracy_low and accuracy_high (shares); at most six sets.
        alone: Accuracy of the best model alone on each set, drawn at 1.
        chosen: Number of models that is best on validation, marked by a dotted line.
        title: Finding in one sentence. Defaults to no title.
    """
    figure = new_figure(title, height=4.2)
    axes = figure.add_subplot()
    for place, ((name, share), color) in enumerate(zip(alone.items(), PALETTE, strict=False)):
        part = table[table["set"] == name]
        sizes = [1, *part["size"]]
        shift = 0.06 * (place - (len(alone) - 1) / 2)  # so that intervals do not cover each other
        axes.plot([size + shift for size in sizes], [share, *part["accuracy"]], color=color, marker="o", label=name)
        spread = [part["accuracy"] - part["accuracy_low"], part["accuracy_high"] - part["accuracy"]]
        axes.errorbar(part["size"] + shift, part["accuracy"], yerr=spread, fmt="none", color=color, elinewidth=1.4)
    axes.axvline(chosen, color=GREY, ls=":", lw=1.4)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.yaxis.set_major_formatter(PercentTicks())
    axes.set_xlabel("models averaged, the best on validation first")
    axes.set_ylabel("accuracy")
    figure.legend(loc="outside lower center", ncols=3)
    return figure
