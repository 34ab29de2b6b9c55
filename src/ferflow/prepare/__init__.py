"""Write the kept images as arrays, split into training, validation and test; see prepare_arrays."""

from ferflow.prepare.array_writer import prepare_arrays

__all__ = ["prepare_arrays"]
