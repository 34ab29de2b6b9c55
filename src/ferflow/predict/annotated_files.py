"""Write annotated copies of pictures and videos, each under its own name."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from ferflow.base.errors import DataError
from ferflow.use.face import Rgb

if TYPE_CHECKING:
    from ferflow.predict.video import VideoWriter

_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp"})  # in other formats a copy is PNG
_QUALITY = 92


class AnnotatedFiles:
    """Where annotated copies go: a folder that mirrors the inputs' names, or one file."""

    def __init__(self, target: Path, is_file: bool) -> None:
        """Remember where copies go.

        Args:
            target: The folder or the file.
            is_file: Whether it is a file, for a single input.
        """
        self._target, self._is_file = target, is_file
        self._taken: set[Path] = set()

    def picture(self, place: str, image: Rgb) -> None:
        """Write a picture.

        Args:
            place: Name below the folder, with `/` between its parts.
            image: The annotated picture.

        Raises:
            DataError: The file cannot be written.
        """
        path = self._path(place)
        if path.suffix.lower() not in _PICTURES:
            path = path.with_name(f"{path.name}.png")
        with self._whole(path) as temporary, _told(path):
            Image.fromarray(image).save(temporary, quality=_QUALITY)

    @contextlib.contextmanager
    def video(self, place: str, rate: float) -> "Iterator[VideoWriter]":
        """Yield the writer of an MP4 video; it has its name only once it is whole.

        Args:
            place: Name below the folder, with `/` between its parts.
            rate: Frames a second of the source.

        Raises:
            DataError: The file cannot be written.
        """
        from ferflow.predict.video import VideoWriter

        path = self._path(place)
        if not self._is_file:
            path = path.with_suffix(".mp4")
        with self._whole(path) as temporary, VideoWriter(temporary, rate) as writer:
            yield writer

    def _path(self, place: str) -> Path:
        if self._is_file:
            return self._target
        path = self._target / place
        number = 2
        while path in self._taken:  # of two inputs with one name, the later one gets a number
            path = (self._target / place).with_stem(f"{Path(place).stem}-{number}")
            number += 1
        self._taken.add(path)
        return path

    @contextlib.contextmanager
    def _whole(self, path: Path) -> Iterator[Path]:
        """Yield a temporary path, renamed to `path` on success; base.files has the same, but needs pandas."""
        temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
        with _told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            with _told(path):
                temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"The annotated copy {path} cannot be written: {reason}.") from None
