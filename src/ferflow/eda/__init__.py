"""The stage eda: a page that shows what is in the data."""

from ferflow.eda.report import write_report

__all__ = ["write_report"]
