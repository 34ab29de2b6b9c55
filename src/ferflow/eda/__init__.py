"""The stage eda: a page that shows what the data contains."""

from ferflow.eda.data_report import write_report

__all__ = ["write_report"]
