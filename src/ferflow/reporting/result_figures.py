"""Figures of one model's results; the title of each states the finding."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure

from ferflow.reporting.style import BLUE, GREY, INK, ORANGE, PALE, PercentTicks, new_figure, style
from ferflow.reporting.text import percent


@style()
def confusion_matrix(matrix: npt.NDArray[np.int64], classes: Sequence[str], title: str = "") -> Figure:
    """Draw the confusion matrix, each entry as its share of the true class in percent.

    Args:
        matrix: Counts, (K, K): rows are true classes, columns predicted ones.
        classes: Names of the K classes.
        title: Model and test set, such as "cnn, PublicTest"; the finding follows. Defaults to the finding alone.
    """
    total = int(matrix.sum())
    support = matrix.sum(axis=1)
    shares = matrix / np.maximum(support, 1)[:, None]
    finding = f"{percent(np.trace(matrix) / max(total, 1))} of {total:,} images correct"
    wrong = np.where(np.eye(len(classes), dtype=bool), -1.0, shares)
    true, predicted = divmod(int(wrong.argmax()), len(classes))
    if wrong[true, predicted] > 0:
        finding += (
            f"; {classes[true]} is most often mistaken for {classes[predicted]} ({percent(wrong[true, predicted], 0)})"
        )
    figure = new_figure(f"{title}: {finding}" if title else finding, height=5.6)
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.grid(False)
    for row, column in np.ndindex(*matrix.shape):
        share = shares[row, column]
        weight = "bold" if row == column else "normal"
        color = "white" if share > 0.55 else INK
        axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", weight=weight, color=color, size=12)
    positions = range(len(classes))
    axes.set_xticks(positions, classes, rotation=35, ha="right", rotation_mode="anchor")
    axes.set_yticks(positions, [f"{name} ({count:,})" for name, count in zip(classes, support, strict=True)])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("predicted, % of the true class")
    axes.set_ylabel("true (images)")
    return figure


@style()
def per_class_bars(per_class: Mapping[str, Mapping[str, float]], title: str = "") -> Figure:
    """Draw F1 of each class as a bar with precision and recall as markers, the best class on top.

    Args:
        per_class: Precision, recall, f1 (shares) and support (images) of each class.
        title: Model and test set; the finding follows. Defaults to the finding alone.
    """
    ordered = sorted(per_class, key=lambda name: (per_class[name]["f1"], name))
    worst, best = ordered[0], ordered[-1]
    f1 = [per_class[name]["f1"] for name in ordered]
    finding = f"{best} has the highest F1 ({f1[-1]:.2f}), {worst} the lowest ({f1[0]:.2f})"
    figure = new_figure(f"{title}: {finding}" if title else finding, height=1.3 + 0.46 * len(ordered))
    axes = figure.add_subplot()
    positions = range(len(ordered))
    axes.barh(positions, f1, height=0.62, color=PALE, label="F1")
    for kind, color, marker in (("precision", BLUE, "D"), ("recall", ORANGE, "o")):
        values = [per_class[name][kind] for name in ordered]
        axes.scatter(values, positions, color=color, marker=marker, s=42, label=kind, zorder=4, clip_on=False)
    axes.set_yticks(positions, [f"{name} ({int(per_class[name]['support']):,})" for name in ordered])
    for position, value in zip(positions, f1, strict=True):
        text = f"{value:.2f}"
        axes.annotate(text, (1.0, position), xytext=(10, 0), textcoords="offset points", va="center")
    axes.annotate("F1", (1.0, len(ordered) - 0.45), xytext=(10, 0), textcoords="offset points", weight="bold")
    axes.set_xlim(0, 1)
    axes.set_ylim(-0.6, len(ordered) - 0.4)
    axes.grid(False, axis="y")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


@style()
def reliability_diagram(bins: pd.DataFrame, title: str = "", before: pd.DataFrame | None = None) -> Figure:
    """Draw accuracy over confidence, and how many images have each confidence (Guo et al. 2017, section 2).

    Args:
        bins: One row per bin with the columns low and high (ends of the bin), images (count), confidence (mean
            probability of the predicted class) and accuracy; the last two are ignored where images is 0.
        title: Model and test set; the finding follows. Defaults to the finding alone.
        before: The same bins before the temperature, to be compared with. Defaults to none.
    """
    used = bins[bins["images"] > 0]
    gap, error = _calibration_gap(bins)
    word = "overconfident" if gap >= 0 else "underconfident"
    finding = f"{word} by {100 * abs(gap):.1f} points on average (expected calibration error {percent(error)}"
    finding += ")" if before is None else f", {percent(_calibration_gap(before)[1])} before the temperature)"
    figure = new_figure(f"{title}: {finding}" if title else finding, height=5.4)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3.4, 1))
    middle, width = (used["low"] + used["high"]) / 2, (used["high"] - used["low"]) * 0.9
    above.bar(middle, used["accuracy"], width=width, color=PALE)
    above.plot([0, 1], [0, 1], color=GREY, ls="--", lw=1.4, label="perfect calibration")
    if before is not None:
        filled = before[before["images"] > 0]
        above.plot(filled["confidence"], filled["accuracy"], color=ORANGE, marker="s", ms=4, lw=1.4, label="before")
    label = "this model" if before is None else "after the temperature"
    above.plot(used["confidence"], used["accuracy"], color=BLUE, marker="o", ms=5, label=label)
    above.set_ylabel("accuracy")
    above.set_ylim(0, 1.02)
    below.bar(middle, used["images"], width=width, color=GREY)
    below.set_ylabel("images")
    below.set_xlabel("confidence (probability of the predicted class)")
    below.set_xlim(0, 1.02)
    for axis in (above.xaxis, above.yaxis):
        axis.set_major_formatter(PercentTicks())
    figure.align_ylabels()
    figure.legend(loc="outside lower center", ncols=3)  # inside, it could cover a bar
    return figure


def _calibration_gap(bins: pd.DataFrame) -> tuple[float, float]:
    """Return how much confidence exceeds accuracy on average, and the expected calibration error."""
    used = bins[bins["images"] > 0]
    share = used["images"] / used["images"].sum()
    gaps = used["confidence"] - used["accuracy"]
    return float((share * gaps).sum()), float((share * gaps.abs()).sum())
