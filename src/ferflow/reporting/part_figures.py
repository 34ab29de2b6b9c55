"""Scores of parts of the test images: by brightness, by contrast, and by how much the annotators agreed."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ferflow.reporting.set_metrics import AgreementBin, Third, Thirds
from ferflow.reporting.style import BLUE, ORANGE, PALE, PercentTicks, new_figure, style
from ferflow.reporting.text import percent

_NAMES = {"brightness": ("dark", "middle", "bright"), "contrast": ("flat", "middle", "rich")}


@style()
def thirds_figure(thirds: Thirds, title: str = "") -> Figure:
    """Draw accuracy with its interval, and macro F1, by thirds of brightness and contrast.

    Args:
        thirds: Scores of each third.
        title: Model and test set; the finding follows. Defaults to the finding alone.
    """
    finding = "accuracy differs by " + " and ".join(
        f"{_gap(getattr(thirds, kind))} between thirds of {kind}" for kind in _NAMES
    )
    figure = new_figure(f"{title}: {finding}" if title else finding, height=3.8)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, kind in zip(panels, _NAMES, strict=True):
        _draw_thirds(axes, getattr(thirds, kind), _NAMES[kind])
        axes.set_title(kind, fontsize=12, loc="left")
    panels[0].yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    panels[0].yaxis.set_major_formatter(PercentTicks())
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="outside lower center", ncols=2)
    return figure


def _draw_thirds(axes: Axes, thirds: Sequence[Third], names: Sequence[str]) -> None:
    used = [number for number, third in enumerate(thirds) if third.images]
    accuracy = [thirds[number].accuracy or 0.0 for number in used]
    below = [value - (thirds[number].accuracy_low or 0.0) for number, value in zip(used, accuracy, strict=True)]
    above = [(thirds[number].accuracy_high or 0.0) - value for number, value in zip(used, accuracy, strict=True)]
    # An interval of a bootstrap can end at the value itself; rounding must not make it negative.
    ends = [[max(0.0, gap) for gap in side] for side in (below, above)]
    axes.errorbar(used, accuracy, yerr=ends, color=BLUE, marker="o", ms=7, lw=0, elinewidth=2, label="accuracy")
    scores = [thirds[number].macro_f1 or 0.0 for number in used]
    beside = [number + 0.14 for number in used]
    axes.plot(beside, scores, color=ORANGE, marker="D", ms=6, lw=0, label="macro F1")
    labels = [f"{name}\n{third.images:,}" for name, third in zip(names, thirds, strict=True)]
    axes.set_xticks(range(3), labels)
    axes.set_xlim(-0.5, 2.5)
    axes.grid(False, axis="x")


def _gap(thirds: Sequence[Third]) -> str:
    values = [third.accuracy for third in thirds if third.accuracy is not None]
    return f"{100 * (max(values) - min(values)):.1f} points"


@style()
def agreement_figure(bins: Sequence[AgreementBin], title: str = "") -> Figure:
    """Draw accuracy by the share of votes for the annotators' most frequent answer.

    Args:
        bins: Accuracy and number of images of each bin; at least one has images.
        title: Model and test set; the finding follows. Defaults to the finding alone.
    """
    used = [part for part in bins if part.accuracy is not None]
    first, last = used[0].accuracy or 0.0, used[-1].accuracy or 0.0
    finding = f"accuracy is {percent(first)} where the annotators agree least, {percent(last)} where they agree most"
    figure = new_figure(f"{title}: {finding}" if title else finding, height=3.6)
    axes = figure.add_subplot()
    axes.bar(range(len(used)), [part.accuracy or 0.0 for part in used], width=0.7, color=PALE)
    for place, part in enumerate(used):
        axes.annotate(
            percent(part.accuracy or 0.0), (place, part.accuracy or 0.0), xytext=(0, 4), textcoords="offset points",
            ha="center",
        )  # fmt: skip
    labels = [f"{100 * part.low:.0f} to {100 * part.high:.0f} %\n{part.images:,}" for part in used]
    axes.set_xticks(range(len(used)), labels)
    axes.set_ylim(0, 1.08)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
    axes.yaxis.set_major_formatter(PercentTicks())
    axes.grid(False, axis="x")
    axes.set_xlabel("share of the votes for the most frequent answer, and images")
    axes.set_ylabel("accuracy")
    return figure
