"""A verdict for every raw file; see clean_folder."""

from ferflow.clean.folder import Cleaned, clean_folder

__all__ = ["Cleaned", "clean_folder"]
