"""Figures in one style, whose titles state the finding, and numbers and lists as text."""

from ferflow.reporting.comparison_figures import cost_scatter, leaderboard_bars
from ferflow.reporting.result_figures import confusion_matrix, per_class_bars, reliability_diagram
from ferflow.reporting.robustness_figures import corruption_map, corruption_sheet, severity_lines
from ferflow.reporting.style import PALETTE, bare, new_figure, png_bytes, save_figure, style
from ferflow.reporting.training_figures import learning_curves

__all__ = [
    "PALETTE",
    "bare",
    "confusion_matrix",
    "corruption_map",
    "corruption_sheet",
    "cost_scatter",
    "leaderboard_bars",
    "learning_curves",
    "new_figure",
    "per_class_bars",
    "png_bytes",
    "reliability_diagram",
    "save_figure",
    "severity_lines",
    "style",
]
