"""FERflow: from a directory of face photographs to an emotion classifier with reproducible results."""

from importlib.metadata import version

__version__ = version("ferflow")
