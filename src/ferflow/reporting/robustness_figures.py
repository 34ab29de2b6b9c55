"""Figures of accuracy on corrupted images."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from ferflow.reporting.robustness import Robustness, corruption_label
from ferflow.reporting.style import INK, PALETTE, PercentTicks, bare, new_figure, style
from ferflow.reporting.text import percent

_DASHES = ("-", "--", ":", "-.")


@style()
def corruption_map(robustness: Robustness, clean: float, title: str = "") -> Figure:
    """Draw accuracy as a heat map, a row for each kind of corruption, a column for each severity, the worst kind last.

    Args:
        robustness: Scores on corrupted images.
        clean: Accuracy on the images as they are, in [0, 1].
        title: Model and test set, such as "cnn, test"; the finding follows. Defaults to the finding alone.
    """
    kinds = sorted(robustness.kinds, key=lambda kind: -robustness.kinds[kind].mean)
    worst = kinds[-1]
    finding = (
        f"{percent(robustness.mean_accuracy)} on corrupted images, {percent(clean)} on the images as they are; "
        f"under {corruption_label(worst)} {percent(robustness.kinds[worst].mean)} are left"
    )
    table = np.array([[clean, *robustness.kinds[kind].accuracy] for kind in kinds])
    figure = new_figure(f"{title}: {finding}" if title else finding, height=1.0 + 0.42 * len(kinds))
    axes = figure.add_subplot()
    axes.imshow(table, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.grid(False)
    for row, column in np.ndindex(*table.shape):
        value = table[row, column]
        axes.text(
            column, row, f"{100 * value:.0f}", ha="center", va="center", size=12, color="white" if value > 0.55 else INK
        )
    axes.set_xticks(range(1 + len(robustness.severities)), ["none", *map(str, robustness.severities)])
    axes.set_yticks(range(len(kinds)), [corruption_label(kind) for kind in kinds])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.axvline(0.5, color="white", lw=4)
    axes.set_xlabel("severity of the corruption; accuracy in %")
    return figure


@style()
def severity_lines(
    scores: Mapping[str, tuple[float, Sequence[float]]], severities: Sequence[int], title: str = ""
) -> Figure:
    """Draw the accuracy of each model over the severity of the corruption, the mean over all kinds.

    Args:
        scores: Accuracy on the images as they are and at each severity, in [0, 1], by model.
        severities: Severities of the corruption, ascending.
        title: Finding in one sentence. Defaults to no title.
    """
    figure = new_figure(title, height=4.4)
    axes = figure.add_subplot()
    places = [0, *severities]
    for number, (name, (clean, values)) in enumerate(scores.items()):
        color, dash = PALETTE[number % len(PALETTE)], _DASHES[number // len(PALETTE) % len(_DASHES)]
        axes.plot(places, [clean, *values], marker="o", ms=5, color=color, ls=dash, label=name)
    axes.set_xticks(places, ["none", *map(str, severities)])
    axes.set_xlabel("severity of the corruption")
    axes.set_ylabel("accuracy, mean over the kinds")
    axes.yaxis.set_major_formatter(PercentTicks())
    axes.set_ylim(bottom=0)
    figure.legend(loc="outside lower center", ncols=2 if len(scores) > 1 else 1)
    return figure


@style()
def corruption_sheet(
    face: npt.NDArray[np.uint8], corrupted: Mapping[str, Sequence[npt.NDArray[np.uint8]]], title: str = ""
) -> Figure:
    """Draw one face under each corruption, a row for each kind, a column for each severity.

    Args:
        face: Grey levels of the face as it is, uint8 (side, side).
        corrupted: The face at each severity, by kind.
        title: What one sees, in a sentence. Defaults to no title.
    """
    rows = [np.stack([face, *faces]) for faces in corrupted.values()]
    gap, side = max(1, len(face) // 16), len(face)
    step = side + gap
    sheet = np.full((len(rows) * step - gap, len(rows[0]) * step - gap), np.nan)
    for row, column in np.ndindex(len(rows), len(rows[0])):
        sheet[row * step : row * step + side, column * step : column * step + side] = rows[row][column]
    figure = new_figure(title, height=0.86 * len(rows))
    axes = figure.add_subplot()
    axes.imshow(sheet, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    bare(axes)
    middle = (side - 1) / 2
    names = ["as it is", *(f"severity {column}" for column in range(1, len(rows[0])))]
    axes.set_xticks([column * step + middle for column in range(len(names))], names)
    axes.set_yticks([row * step + middle for row in range(len(rows))], [corruption_label(kind) for kind in corrupted])
    axes.tick_params(length=0, top=False, bottom=False, labeltop=True, labelbottom=False, labelsize=10)
    return figure
