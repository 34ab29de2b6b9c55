"""FERflow: from a folder of face photographs to an emotion classifier that can prove its numbers."""

__version__ = "0.1.0"
