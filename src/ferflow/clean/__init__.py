"""Give every raw file a verdict; see clean_folder."""

from ferflow.clean.manifest_builder import Cleaned, clean_folder

__all__ = ["Cleaned", "clean_folder"]
