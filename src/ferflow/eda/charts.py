"""The figures of the report. Their findings stand beside them on the page, so they carry no titles."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from ferflow.eda.pictures import Levels
from ferflow.eda.text import drawn, share
from ferflow.reporting import PALETTE, bare, new_figure, style
from ferflow.reporting.style import BLUE, GREY, INK, RED

WIDTH = 5.2  # inches: text of 12 points is still 11 pixels high on a phone
Points = npt.NDArray[np.float64]
_thousands = FuncFormatter(lambda value, _: f"{value:,.0f}")


@style()
def class_balance(counts: pd.DataFrame) -> Figure:
    """Draw the images of each class as bars, a panel for each part.

    Args:
        counts: rows are classes, columns are parts, values numbers of kept images.
    """
    rows, panels = counts.shape
    figure = new_figure(width=WIDTH, height=panels * (0.26 * rows + 0.75))
    for axes, part in zip(np.atleast_1d(figure.subplots(panels, 1)), counts.columns, strict=True):
        values = counts[part].to_numpy()
        places = np.arange(rows)
        axes.barh(places, values, color=BLUE, height=0.72)
        for place, value in zip(places, values, strict=True):
            axes.annotate(
                f"{value:,}  {share(value, values.sum())}",
                (value, place),
                (5, 0),
                textcoords="offset points",
                va="center",
                fontsize=10,
            )
        axes.set_yticks(places, [drawn(name) for name in counts.index])
        axes.set_xlim(0, max(1, values.max()) * 1.4)
        axes.invert_yaxis()
        axes.tick_params(length=0)
        axes.set_xticks([])
        axes.grid(False)
        axes.spines[["bottom"]].set_visible(False)
        axes.set_title(f"{drawn(part)}: {values.sum():,}", loc="left", fontsize=12, fontweight="bold")
    return figure


@style()
def distribution(
    values: pd.Series, labels: pd.Series, classes: Sequence[str], fences: tuple[float, float], unit: str
) -> Figure:
    """Draw how a number is spread over the images, the outliers marked, and over each class as a box.

    Args:
        values: one an image.
        labels: the class of each.
        classes: which to draw a box for, in order.
        fences: outside of these lie the outliers.
        unit: label of the axis.
    """
    figure = new_figure(width=WIDTH, height=2.5 + 0.28 * len(classes))
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[2.0, 0.28 * len(classes) + 0.1])
    low, high = fences
    spread = float(values.max() - values.min())
    bins = np.linspace(values.min(), values.max(), 61) if spread > 0 else np.array([-0.5, 0.5]) + values.iloc[0]
    outside = (values < low) | (values > high)
    top.hist(
        [values[~outside], values[outside]],
        bins=bins,
        stacked=True,
        color=[BLUE, RED],
        label=["within the fences", f"outliers ({int(outside.sum()):,})"],
    )
    for fence in fences:
        if values.min() <= fence <= values.max():
            top.axvline(fence, color=RED, linestyle="--", linewidth=1.2)
    if outside.any():
        _mark(top, values[outside])
    top.set_ylabel("images")
    top.yaxis.set_major_formatter(_thousands)
    top.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2, borderaxespad=0.0, handlelength=1.2)
    top.grid(False)
    bottom.boxplot(
        [values[labels == name] for name in classes],
        orientation="horizontal",
        whis=(5, 95),
        showfliers=False,
        widths=0.62,
        patch_artist=True,
        boxprops={"facecolor": "#CFE3F1", "edgecolor": BLUE, "linewidth": 1.2},
        medianprops={"color": INK, "linewidth": 2},
        whiskerprops={"color": BLUE, "linewidth": 1.2},
        capprops={"linewidth": 0},
    )
    bottom.set_yticks(range(1, len(classes) + 1), [drawn(name) for name in classes])
    bottom.invert_yaxis()
    bottom.tick_params(axis="y", length=0)
    bottom.set_xlabel(unit)
    return figure


def _mark(axes: Axes, values: pd.Series) -> None:
    """Draw a tick for every outlier, since a bar of one image in thousands cannot be seen."""
    below = np.full(len(values), -0.03)
    axes.plot(values, below, "|", color=RED, markersize=7, transform=axes.get_xaxis_transform(), clip_on=False)


@style()
def scatter_by_class(points: Points, labels: Sequence[str], classes: Sequence[str]) -> Figure:
    """Draw points once for each class: its own in colour, all others in grey behind them.

    In one panel the classes would hide each other; in many, place and colour both tell them apart.

    Args:
        points: (N, 2), in any unit.
        labels: N class names.
        classes: which to draw, in order.
    """
    columns = 2 if len(classes) in (1, 2, 4) else 3
    columns = min(columns, len(classes))
    rows = -(-len(classes) // columns)
    cell = WIDTH / columns
    figure = new_figure(width=WIDTH, height=rows * (cell + 0.25))
    panels = np.atleast_1d(figure.subplots(rows, columns, sharex=True, sharey=True)).ravel()
    # Outliers must not squeeze the rest into a dot: the view ends a little outside of the middle 99 %.
    low, high = np.percentile(points, [0.5, 99.5], axis=0)
    margin = 0.06 * np.maximum(high - low, 1e-9)
    names = np.asarray(labels, dtype=object)
    for number, axes in enumerate(panels):
        bare(axes)
        if number >= len(classes):
            axes.set_visible(False)
            continue
        own = names == classes[number]
        size = float(np.clip(3000 / max(len(points), 1), 2.0, 24.0))
        axes.scatter(*points[~own].T, s=size, color="#D5D5D5", linewidths=0)
        axes.scatter(*points[own].T, s=1.6 * size, color=PALETTE[number % len(PALETTE)], linewidths=0, alpha=0.8)
        axes.set_xlim(low[0] - margin[0], high[0] + margin[0])
        axes.set_ylim(low[1] - margin[1], high[1] + margin[1])
        axes.set_title(f"{drawn(classes[number])} ({int(own.sum()):,})", fontsize=11)
        for spine in axes.spines.values():
            spine.set_visible(True)
            spine.set_color("#C8C8C8")
    return figure


@style()
def agreement(matrix: pd.DataFrame) -> Figure:
    """Draw how the images of each label were voted, as shares of the label's row in percent.

    Args:
        matrix: counts; rows are the data's labels, columns what most people voted.
    """
    shares = matrix.to_numpy() / np.maximum(matrix.to_numpy().sum(axis=1, keepdims=True), 1)
    figure = new_figure(width=WIDTH, height=1.3 + 0.42 * len(matrix))
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.grid(False)
    for row, column in np.ndindex(*shares.shape):
        value = shares[row, column]
        axes.text(
            column,
            row,
            f"{100 * value:.0f}" if matrix.iat[row, column] else "·",
            ha="center",
            va="center",
            fontsize=10,
            fontweight="bold" if matrix.index[row] == matrix.columns[column] else "normal",
            color="white" if value > 0.55 else INK if matrix.iat[row, column] else GREY,
        )
    axes.set_xticks(range(matrix.shape[1]), [drawn(n) for n in matrix.columns], rotation=45, ha="right")
    axes.set_yticks(range(len(matrix)), [drawn(n) for n in matrix.index])
    axes.set_xlabel("most votes for")
    axes.set_ylabel("label of the data")
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


@style()
def histogram(shares: pd.Series) -> Figure:
    """Draw how many images have which share of the votes for one answer.

    Args:
        shares: 0 to 1, one an image.
    """
    figure = new_figure(width=WIDTH, height=3.4)
    axes = figure.add_subplot()
    counts = np.bincount(np.rint(10 * shares.to_numpy()).astype(np.int64), minlength=11)
    places = np.arange(len(counts))
    axes.bar(places, counts, color=[RED if place <= 5 else BLUE for place in places], width=0.82)
    axes.set_xticks(places[1:], [f"{10 * place}" for place in places[1:]])
    axes.set_xlim(0.4, 10.6)
    axes.set_xlabel("votes for the first answer in percent")
    axes.set_ylabel("images")
    axes.yaxis.set_major_formatter(_thousands)
    axes.grid(False, axis="x")
    axes.tick_params(axis="x", length=0)
    return figure


@style()
def picture_grid(pictures: Sequence[Levels], captions: Sequence[str], title: str) -> Figure:
    """Draw pictures in rows of at most eight, with a line under each.

    Args:
        pictures: (height, width) or (height, width, 3), at least one; their proportions are kept.
        captions: one for each.
        title: over all.
    """
    columns = min(8, len(pictures))
    rows = -(-len(pictures) // columns)
    cell = WIDTH / 8
    figure = new_figure(title, width=WIDTH, height=rows * (cell + 0.22))
    for number, axes in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
        bare(axes)
        if number < len(pictures):
            axes.imshow(pictures[number], cmap="gray", vmin=0, vmax=255)
            axes.set_xlabel(drawn(captions[number]), fontsize=8)
    return figure
