"""The figures of the report. They have no titles, since the page states the findings next to them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from ferflow.raw.images import Grey
from ferflow.reporting import PALETTE, bare, new_figure, style
from ferflow.reporting.style import BLUE, GREY, INK, RED
from ferflow.reporting.text import percent_of, printable

WIDTH = 5.2  # inches, so that 12-point text is 11 pixels high on a phone
Points = npt.NDArray[np.float64]
_thousands = FuncFormatter(lambda value, _: f"{value:,.0f}")


def figure_label(name: str) -> str:
    r"""Return the name of a class for a figure: printable, short, and with `$` escaped, since `$` starts a formula.

    >>> figure_label(""), figure_label("a$b")
    ('no label', 'a\\$b')
    """
    return printable(name or "no label", 24).replace("$", r"\$")


@style()
def class_balance(counts: pd.DataFrame) -> Figure:
    """Draw the number of images of each class as bars, one panel per part.

    Args:
        counts: Numbers of kept images; rows are classes, columns parts.
    """
    rows, panels = counts.shape
    figure = new_figure(width=WIDTH, height=panels * (0.26 * rows + 0.75))
    for axes, part in zip(np.atleast_1d(figure.subplots(panels, 1)), counts.columns, strict=True):
        values = counts[part].to_numpy()
        positions = np.arange(rows)
        axes.barh(positions, values, color=BLUE, height=0.72)
        for position, value in zip(positions, values, strict=True):
            axes.annotate(
                f"{value:,}  {percent_of(value, values.sum())}",
                (value, position),
                (5, 0),
                textcoords="offset points",
                va="center",
                fontsize=10,
            )
        axes.set_yticks(positions, [figure_label(name) for name in counts.index])
        axes.set_xlim(0, max(1, values.max()) * 1.4)
        axes.invert_yaxis()
        axes.tick_params(length=0)
        axes.set_xticks([])
        axes.grid(False)
        axes.spines[["bottom"]].set_visible(False)
        axes.set_title(f"{figure_label(part)}: {values.sum():,}", loc="left", fontsize=12, fontweight="bold")
    return figure


@style()
def distribution(
    values: pd.Series, labels: pd.Series, classes: Sequence[str], limits: tuple[float, float], unit: str
) -> Figure:
    """Draw the histogram of a number over the images, with the outliers marked, and a box plot per class.

    Args:
        values: One number per image.
        labels: Class of each image.
        classes: Classes to draw a box for, in order.
        limits: Values below the first and above the second are outliers.
        unit: Label of the axis.
    """
    figure = new_figure(width=WIDTH, height=2.5 + 0.28 * len(classes))
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[2.0, 0.28 * len(classes) + 0.1])
    low, high = limits
    spread = float(values.max() - values.min())
    bins = np.linspace(values.min(), values.max(), 61) if spread > 0 else np.array([-0.5, 0.5]) + values.iloc[0]
    outside = (values < low) | (values > high)
    top.hist(
        [values[~outside], values[outside]],
        bins=bins,
        stacked=True,
        color=[BLUE, RED],
        label=["within the limits", f"outliers ({int(outside.sum()):,})"],
    )
    for limit in limits:
        if values.min() <= limit <= values.max():
            top.axvline(limit, color=RED, linestyle="--", linewidth=1.2)
    if outside.any():
        _mark_outliers(top, values[outside])
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
    bottom.set_yticks(range(1, len(classes) + 1), [figure_label(name) for name in classes])
    bottom.invert_yaxis()
    bottom.tick_params(axis="y", length=0)
    bottom.set_xlabel(unit)
    return figure


def _mark_outliers(axes: Axes, values: pd.Series) -> None:
    """Draw a tick for every outlier, since a bar of one image in thousands is invisible."""
    below = np.full(len(values), -0.03)
    axes.plot(values, below, "|", color=RED, markersize=7, transform=axes.get_xaxis_transform(), clip_on=False)


@style()
def scatter_by_class(points: Points, labels: Sequence[str], classes: Sequence[str]) -> Figure:
    """Draw one panel per class: its points in colour, all others in grey behind them.

    In a single panel the classes would hide each other.

    Args:
        points: Coordinates, (N, 2), in any unit.
        labels: Class of each point.
        classes: Classes to draw, in order.
    """
    columns = 2 if len(classes) in (1, 2, 4) else 3
    columns = min(columns, len(classes))
    rows = -(-len(classes) // columns)
    cell = WIDTH / columns
    figure = new_figure(width=WIDTH, height=rows * (cell + 0.25))
    panels = np.atleast_1d(figure.subplots(rows, columns, sharex=True, sharey=True)).ravel()
    # Outliers must not squeeze the rest into a dot, so the view shows the middle 99 % and a margin.
    low, high = np.percentile(points, [0.5, 99.5], axis=0)
    margin = 0.06 * np.maximum(high - low, 1e-9)
    names = np.asarray(labels, dtype=object)
    for index, axes in enumerate(panels):
        bare(axes)
        if index >= len(classes):
            axes.set_visible(False)
            continue
        in_class = names == classes[index]
        size = float(np.clip(3000 / max(len(points), 1), 2.0, 24.0))
        axes.scatter(*points[~in_class].T, s=size, color="#D5D5D5", linewidths=0)
        axes.scatter(*points[in_class].T, s=1.6 * size, color=PALETTE[index % len(PALETTE)], linewidths=0, alpha=0.8)
        axes.set_xlim(low[0] - margin[0], high[0] + margin[0])
        axes.set_ylim(low[1] - margin[1], high[1] + margin[1])
        axes.set_title(f"{figure_label(classes[index])} ({int(in_class.sum()):,})", fontsize=11)
        for spine in axes.spines.values():
            spine.set_visible(True)
            spine.set_color("#C8C8C8")
    return figure


@style()
def vote_agreement(matrix: pd.DataFrame) -> Figure:
    """Draw which answer most annotators gave to the images of each label, in percent of the label.

    Args:
        matrix: Numbers of images; rows are labels of the data, columns the answers with most votes.
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
    axes.set_xticks(range(matrix.shape[1]), [figure_label(n) for n in matrix.columns], rotation=45, ha="right")
    axes.set_yticks(range(len(matrix)), [figure_label(n) for n in matrix.index])
    axes.set_xlabel("answer with most votes")
    axes.set_ylabel("label of the data")
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


@style()
def vote_shares(shares: pd.Series) -> Figure:
    """Draw a histogram of the share of the votes that the most frequent answer has.

    Args:
        shares: One share per image, 0 to 1.
    """
    figure = new_figure(width=WIDTH, height=3.4)
    axes = figure.add_subplot()
    counts = np.bincount(np.rint(10 * shares.to_numpy()).astype(np.int64), minlength=11)
    tenths = np.arange(len(counts))
    axes.bar(tenths, counts, color=[RED if tenth <= 5 else BLUE for tenth in tenths], width=0.82)
    axes.set_xticks(tenths[1:], [f"{10 * tenth}" for tenth in tenths[1:]])
    axes.set_xlim(0.4, 10.6)
    axes.set_xlabel("votes for the most frequent answer in percent")
    axes.set_ylabel("images")
    axes.yaxis.set_major_formatter(_thousands)
    axes.grid(False, axis="x")
    axes.tick_params(axis="x", length=0)
    return figure


@style()
def image_grid(images: Sequence[Grey], captions: Sequence[str], title: str) -> Figure:
    """Draw images in rows of at most eight, with a caption below each.

    Args:
        images: At least one uint8 image, (height, width) or (height, width, 3); proportions are kept.
        captions: One line for each image.
        title: Title of the figure.
    """
    columns = min(8, len(images))
    rows = -(-len(images) // columns)
    cell = WIDTH / 8
    figure = new_figure(title, width=WIDTH, height=rows * (cell + 0.22))
    for index, axes in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
        bare(axes)
        if index < len(images):
            axes.imshow(images[index], cmap="gray", vmin=0, vmax=255)
            axes.set_xlabel(figure_label(captions[index]), fontsize=8)
    return figure
