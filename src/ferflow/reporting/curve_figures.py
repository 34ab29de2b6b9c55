"""Curves of one model's results: each class against the rest, and risk over coverage."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ferflow.reporting.style import BLUE, GREEN, GREY, INK, PALETTE, PercentTicks, new_figure, style
from ferflow.reporting.text import listed, percent

Floats = npt.NDArray[np.float64]
ClassCurve = tuple[Floats, Floats, float]
"""x, y and the area of a class, whose curve is defined."""


@style()
def roc_figure(curves: Mapping[str, ClassCurve | None], title: str = "") -> Figure:
    """Draw the ROC curve of each class against the rest, and list the areas.

    Args:
        curves: False-positive rates, true-positive rates and area of each class; None where there is no curve.
        title: Model and test set; the finding follows. Defaults to the finding alone.
    """
    figure, axes = _class_curves(curves, title, "area under the ROC curve", steps=False)
    axes.plot([0, 1], [0, 1], color=GREY, ls="--", lw=1.2, zorder=1)
    axes.set_xlabel("false-positive rate")
    axes.set_ylabel("true-positive rate")
    return figure


@style()
def precision_recall_figure(curves: Mapping[str, ClassCurve | None], title: str = "") -> Figure:
    """Draw precision over recall of each class against the rest, and list the average precisions.

    Args:
        curves: Recalls, precisions and average precision of each class; None where there is no curve.
        title: Model and test set; the finding follows. Defaults to the finding alone.
    """
    figure, axes = _class_curves(curves, title, "average precision", steps=True)
    axes.set_xlabel("recall")
    axes.set_ylabel("precision")
    return figure


def _class_curves(
    curves: Mapping[str, ClassCurve | None], title: str, area: str, *, steps: bool
) -> tuple[Figure, Axes]:
    defined = {name: curve for name, curve in curves.items() if curve is not None}
    ranked = sorted(defined, key=lambda name: (-defined[name][2], name))
    finding = f"no class has an {area}"
    if ranked:
        best, worst = ranked[0], ranked[-1]
        finding = f"{best} has the highest {area} ({defined[best][2]:.2f})"
        finding += f", {worst} the lowest ({defined[worst][2]:.2f})" if len(ranked) > 1 else ""
    if missing := [name for name in curves if name not in defined]:
        finding += f"; no curve for {listed(missing)}"
    figure = new_figure(f"{title}: {finding}" if title else finding, height=4.2)
    axes = figure.add_subplot()
    # A class keeps its colour in every figure of a result, whatever its rank.
    styles = {name: (PALETTE[n % len(PALETTE)], "-" if n < len(PALETTE) else "--") for n, name in enumerate(curves)}
    for name in ranked:
        x, y, value = defined[name]
        color, line = styles[name]
        axes.plot(
            x, y, color=color, ls=line, lw=1.8, label=f"{name} {value:.2f}", drawstyle="steps-pre" if steps else None
        )
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)
    _in_percent(axes)
    if ranked:
        figure.legend(loc="outside right center")
    return figure, axes


@style()
def risk_coverage_figure(coverage: Floats, risk: Floats, area: float, shown: float, title: str = "") -> Figure:
    """Draw the share of wrong answers over the share of images that are answered, the most confident first.

    Args:
        coverage: Shares of the images that are answered, ascending, float64 (N,).
        risk: Share of these that are wrong, float64 (N,).
        area: Area under the curve (AURC).
        shown: Coverage to mark, in (0, 1).
        title: Model and test set; the finding follows. Defaults to the finding alone.
    """
    place = int(np.searchsorted(coverage, shown - 1e-9))
    marked, everything = float(risk[place]), float(risk[-1])
    finding = (
        f"answering only for the surest {percent(shown, 0)} of the images raises accuracy from "
        f"{percent(1 - everything)} to {percent(1 - marked)}"
    )
    if marked >= everything:
        finding = f"confidence does not tell which of the answers are wrong ({percent(everything)} of all)"
    figure = new_figure(f"{title}: {finding}" if title else finding, height=4.2)
    axes = figure.add_subplot()
    wrong = round(everything * len(risk))
    # The perfect order has every mistake at the end.
    best = np.maximum(0, np.arange(1, len(risk) + 1) - (len(risk) - wrong)) / np.arange(1, len(risk) + 1)
    axes.plot([0, 1], [everything, everything], color=GREY, ls="--", lw=1.4, label="random order")
    axes.plot(coverage, risk, color=BLUE, label=f"this model (area {area:.3f})")
    axes.plot(coverage, best, color=GREEN, ls=":", lw=1.8, label="perfect order")
    axes.plot([coverage[place]], [marked], color=INK, marker="o", ms=6, zorder=5)
    axes.set_xlim(0, 1.01)
    axes.set_ylim(0, None)
    axes.set_xlabel("coverage (share of the images that are answered)")
    axes.set_ylabel("risk (share of wrong answers)")
    _in_percent(axes)
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def _in_percent(axes: Axes) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        axis.set_major_formatter(PercentTicks())
