"""One style for every figure, and deterministic PNG files."""

import io
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ferflow.base.files import whole_file

# Okabe & Ito (2008), "Color universal design": distinguishable with every kind of colour blindness. Yellow is
# left out, since it is illegible on white.
BLUE, ORANGE, GREEN, RED, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
PALETTE = (BLUE, RED, GREEN, ORANGE, PURPLE, SKY)
INK, GREY, FAINT, PALE = "#1A1A1A", "#6B6B6B", "#E3E3E3", "#BFDCEE"

WIDTH = 6.4  # inches
DPI = 160  # 1,024 pixels wide: sharp on a phone, where text of 12 points is still 10 pixels high

_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same glyphs on every machine
    "font.size": 12,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": cycler(color=PALETTE),
    "grid.color": FAINT,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "legend.frameon": False,
    "legend.fontsize": 11,
    "lines.linewidth": 2.2,
    "figure.constrained_layout.w_pad": 0.1,
    "figure.constrained_layout.h_pad": 0.08,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}
# A user's matplotlibrc must not change a tracked figure, so every other setting is reset to matplotlib's default.
# The backend is left alone: it belongs to the process, and nothing here draws through pyplot.
_PROCESS_WIDE = ("backend", "backend_fallback", "interactive", "toolbar")


class PercentTicks(PercentFormatter):
    """Labels shares in percent, with as many decimals as the ticks of the axis need: 22.5 % is not 23 %."""

    def __init__(self) -> None:
        """Take no options: all figures have the same labels."""
        super().__init__(1.0, decimals=0, symbol=" %")

    def format_ticks(self, values: list[float]) -> list[str]:
        """Return the labels of all ticks."""
        percents = 100 * np.asarray(values, np.float64)
        self.decimals = next((n for n in range(3) if np.allclose(percents, np.round(percents, n), atol=1e-6)), 3)
        return list(super().format_ticks(values))


@contextmanager
def style() -> Iterator[None]:
    """Apply the style within a `with` block or, as a decorator, within a function; rcParams are restored afterwards."""
    default = matplotlib.rcParamsDefault
    look: dict[Any, Any] = {key: default[key] for key in default if key not in _PROCESS_WIDE}
    with matplotlib.rc_context(look | _STYLE):
        yield


def new_figure(title: str = "", width: float = WIDTH, height: float = 4.0) -> Figure:
    """Create an empty figure; call it inside `style()`.

    Args:
        title: Finding in one sentence, wrapped to the width. Defaults to no title.
        width: Width in inches. Defaults to 6.4.
        height: Height in inches without the title, for which space is added. Defaults to 4.
    """
    lines = _balanced(title, max(20, int(width * 8.6)))
    figure = Figure(figsize=(width, height + 0.26 * len(lines)), layout="constrained")
    if lines:
        text = "\n".join(lines)
        figure.suptitle(text, x=0.015, ha="left", fontsize=13, fontweight="bold", linespacing=1.25)
    return figure


def _balanced(text: str, limit: int) -> list[str]:
    """Wrap text into as few lines as `limit` characters per line allow, of lengths as equal as possible."""
    lines = textwrap.wrap(text, limit, break_on_hyphens=False)
    while len(narrower := textwrap.wrap(text, limit - 1, break_on_hyphens=False)) == len(lines) > 1:
        lines, limit = narrower, limit - 1
    return lines


def bare(axes: Axes) -> None:
    """Remove grid, ticks and frame, as for pictures."""
    axes.grid(False)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def png_bytes(figure: Figure) -> bytes:
    """Return a figure as PNG without date or program name: the same figure gives the same bytes."""
    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    with style():  # some settings are read only when the figure is drawn
        figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG atomically; its folder is created if missing."""
    data = png_bytes(figure)
    with whole_file(path) as temporary:
        temporary.write_bytes(data)
