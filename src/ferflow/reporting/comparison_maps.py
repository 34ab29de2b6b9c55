"""Heat maps that compare models: by class, and pair by pair."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure

from ferflow.reporting.style import INK, WIDTH, new_figure, style
from ferflow.reporting.text import DASH

_DARK = 0.55  # share of a color map above which text is white


@style()
def class_map(scores: pd.DataFrame, support: pd.Series, title: str = "", unit: str = "F1") -> Figure:
    """Draw a score of each class for each model; darker is better.

    Args:
        scores: Shares of 1; a row for each model, a column for each class.
        support: Number of images of each class.
        title: Finding in one sentence. Defaults to no title.
        unit: Name of the score. Defaults to "F1".
    """
    figure = new_figure(title, height=1.5 + 0.4 * len(scores))
    axes = figure.add_subplot()
    values = scores.to_numpy(np.float64)
    axes.imshow(values, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    size = 12 if len(scores.columns) <= 8 else 9
    for (row, column), value in np.ndenumerate(values):
        color = "white" if value > _DARK else INK
        axes.text(column, row, f"{100 * value:.0f}", ha="center", va="center", color=color, size=size)
    names = [f"{name} ({int(support[name]):,})" for name in scores.columns]
    axes.set_xticks(range(len(names)), names, rotation=35, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(scores)), [str(name) for name in scores.index])
    axes.set_xlabel(f"class (images); {unit} in percent")
    _bare_grid(figure)
    return figure


@style()
def pair_map(
    values: pd.DataFrame, bold: npt.NDArray[np.bool_], title: str = "", unit: str = "", diverging: bool = False
) -> Figure:
    """Draw a number for each pair of models.

    Args:
        values: A row and a column for each model, in the same order; the diagonal is not drawn. Missing values show a
            dash.
        bold: Which entries stand out, (N, N).
        title: Finding in one sentence. Defaults to no title.
        unit: What the numbers are, for the line below the map. Defaults to nothing.
        diverging: Whether the numbers are differences in points, drawn in two colors around zero; otherwise they are
            shares of 1, drawn in one color and in percent. Defaults to shares.
    """
    numbers = values.to_numpy(np.float64, copy=True)
    np.fill_diagonal(numbers, np.nan)
    count = len(values)
    figure = new_figure(title, height=min(1.9 + 0.46 * count, WIDTH))
    axes = figure.add_subplot()
    largest = float(np.nanmax(np.abs(numbers))) if np.isfinite(numbers).any() else 0.0
    limit = max(largest, 1.0 if diverging else 0.01)
    low = -limit if diverging else 0.0
    # The ends of the diverging map are too dark for black text, so that it is drawn on its middle part.
    high = limit if diverging else 1.0
    stretch = 1.6 if diverging else 1.0
    axes.imshow(numbers, cmap="RdBu" if diverging else "Blues", vmin=stretch * low, vmax=stretch * high, aspect="auto")
    size = 11 if count <= 6 else 9 if count <= 10 else 8
    digits = 1 if count <= 10 else 0
    for (row, column), value in np.ndenumerate(numbers):
        if row == column:
            continue
        text = DASH if np.isnan(value) else _signed(value, digits) if diverging else f"{100 * value:.0f}"
        color = "white" if not diverging and value > _DARK else INK
        weight = "bold" if bold[row, column] else "normal"
        axes.text(column, row, text, ha="center", va="center", color=color, size=size, weight=weight)
    axes.set_xticks(
        range(count), [str(name) for name in values.columns], rotation=35, ha="right", rotation_mode="anchor"
    )
    axes.set_yticks(range(count), [str(name) for name in values.index])
    axes.set_xlabel(unit)
    _bare_grid(figure)
    return figure


def _signed(value: float, digits: int) -> str:
    text = f"{value:+.{digits}f}"
    return text[1:] if not text.strip("+-0.") else text


def _bare_grid(figure: Figure) -> None:
    for axes in figure.axes:
        axes.grid(False)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
