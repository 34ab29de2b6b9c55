"""The kept images as arrays, cut into training, validation and test; see prepare_arrays."""

from ferflow.prepare.arrays import prepare_arrays

__all__ = ["prepare_arrays"]
