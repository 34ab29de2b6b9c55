"""Figures in one style: titles carry the finding, files have the same bytes from the same values."""

from ferflow.reporting.comparison import cost_scatter, leaderboard_bars
from ferflow.reporting.results import (
    confusion_matrix,
    per_class_bars,
    reliability_diagram,
)
from ferflow.reporting.style import (
    PALETTE,
    bare,
    new_figure,
    percent,
    png_bytes,
    save_figure,
    short_number,
    style,
)
from ferflow.reporting.training import learning_curves, param_importance, study_history

__all__ = [
    "PALETTE",
    "bare",
    "confusion_matrix",
    "cost_scatter",
    "leaderboard_bars",
    "learning_curves",
    "new_figure",
    "param_importance",
    "per_class_bars",
    "percent",
    "png_bytes",
    "reliability_diagram",
    "save_figure",
    "short_number",
    "study_history",
    "style",
]
