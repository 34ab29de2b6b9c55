"""Figures of a training and of a study."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ferflow.reporting.style import BLUE, GREEN, GREY, ORANGE, RED, new_figure, percent, style


@style()
def learning_curves(history: pd.DataFrame, best_epoch: int | None = None, title: str = "") -> Figure:
    """Draw accuracy, loss and learning rate over the epochs.

    Args:
        history: a row for each epoch with the columns epoch (from 1), loss, accuracy, val_loss, val_accuracy,
            val_macro_f1, learning_rate, as in history.csv. At least one row.
        best_epoch: the epoch whose weights were kept; None: the first with the highest val_accuracy.
        title: the model's name; the finding follows it.
    """
    epochs = history["epoch"].to_numpy()
    kept = int(epochs[history["val_accuracy"].to_numpy().argmax()]) if best_epoch is None else best_epoch
    row = history.loc[history["epoch"] == kept].iloc[0]
    finding = (
        f"validation accuracy {percent(row['val_accuracy'])} in epoch {kept} of {len(epochs)}, "
        f"training {percent(row['accuracy'])}"
    )
    figure = new_figure(f"{title}: {finding}" if title else finding[0].upper() + finding[1:], height=6.4)
    above, middle, below = figure.subplots(3, 1, sharex=True, height_ratios=(3, 2.4, 1))
    marker = "o" if len(epochs) < 4 else ""  # a line through one point is invisible
    above.plot(epochs, history["accuracy"], color=ORANGE, marker=marker, label="training")
    above.plot(epochs, history["val_accuracy"], color=BLUE, marker=marker, label="validation")
    macro = history["val_macro_f1"]
    above.plot(epochs, macro, color=GREEN, ls="--", marker=marker, label="validation macro F1")
    above.scatter([kept], [row["val_accuracy"]], s=70, color=BLUE, zorder=5)
    above.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
    above.set_ylabel("accuracy")
    middle.plot(epochs, history["loss"], color=ORANGE, marker=marker)
    middle.plot(epochs, history["val_loss"], color=BLUE, marker=marker)
    middle.set_ylabel("loss")
    below.plot(epochs, history["learning_rate"], color=GREY, marker=marker)
    below.set_ylabel("rate")
    below.ticklabel_format(axis="y", scilimits=(-2, 3))
    below.set_ylim(bottom=0)
    below.set_xlabel("epoch")
    below.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    for axes in (above, middle, below):
        axes.axvline(kept, color=GREY, ls=":", lw=1.2)
    below.set_xlim(epochs.min() - 0.5, epochs.max() + 0.5)
    figure.align_ylabels()
    figure.legend(loc="outside lower center", ncols=3)
    return figure


@style()
def study_history(trials: pd.DataFrame, objective: str = "validation accuracy") -> Figure:
    """Draw each trial's value and the best so far.

    Args:
        trials: columns number (from 0), value (a share; NaN where there is none) and state (COMPLETE, PRUNED,
            FAIL).
        objective: what the value is; more is better.
    """
    done = trials[(trials["state"] == "COMPLETE") & trials["value"].notna()]
    pruned = trials[(trials["state"] == "PRUNED") & trials["value"].notna()]
    ended = int((trials["state"] == "PRUNED").sum())
    if len(done):
        best = done.iloc[int(done["value"].to_numpy().argmax())]
        finding = f"Best {objective} {percent(best['value'])} in trial {int(best['number'])}"
    else:
        finding = "No trial was finished"
    figure = new_figure(f"{finding}; {len(trials)} trials, {ended} ended early", height=3.6)
    axes = figure.add_subplot()
    if len(pruned):
        axes.scatter(pruned["number"], pruned["value"], marker="x", color=GREY, label="ended early", zorder=3)
    if len(done):
        axes.scatter(done["number"], done["value"], color=BLUE, s=45, label="trial", zorder=4)
        numbers = np.append(done["number"].to_numpy(), trials["number"].max())
        record = np.maximum.accumulate(done["value"].to_numpy())
        record = np.append(record, record[-1])
        axes.plot(numbers, record, drawstyle="steps-post", color=RED, label="best so far")
        figure.legend(loc="outside lower center", ncols=3)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel("trial")
    axes.set_ylabel(objective)
    return figure


@style()
def param_importance(importance: Mapping[str, float], title: str = "") -> Figure:
    """Draw the share of the difference between trials that each param explains.

    Args:
        importance: param -> share in [0, 1], at least one.
        title: replaces the finding.
    """
    ordered = sorted(importance.items(), key=lambda item: (item[1], item[0]))
    name, share = ordered[-1]
    finding = f"{name} explains {percent(share, 0)} of the difference between trials"
    figure = new_figure(title or finding, height=0.9 + 0.45 * len(ordered))
    axes = figure.add_subplot()
    bars = axes.barh([name for name, _ in ordered], [share for _, share in ordered], color=BLUE, height=0.62)
    axes.bar_label(bars, [percent(share, 0) for _, share in ordered], padding=4)
    axes.set_xlim(0, max(0.05, share) * 1.15)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
    axes.grid(False, axis="y")
    return figure
