"""FERflow: from a directory of face photographs to an emotion classifier with reproducible results."""

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ferflow.use.recognizer import Recognition as Recognition
    from ferflow.use.recognizer import Recognizer as Recognizer

try:
    __version__ = version("ferflow")
except PackageNotFoundError:  # on the path, but not installed
    __version__ = "0+unknown"

_LAZY = ("Recognition", "Recognizer")


def __getattr__(name: str) -> Any:
    """Import what users of a network need when they ask for it, so that the pipeline's stages do not."""
    if name in _LAZY:
        from ferflow.use import recognizer

        return getattr(recognizer, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
