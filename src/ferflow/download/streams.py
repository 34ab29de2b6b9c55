"""Telling what a file is by its first bytes, and reading compressed ones as a stream."""

import bz2
import gzip
import io
import itertools
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from ferflow.base.errors import DownloadError
from ferflow.download.budget import CHUNK, Budget
from ferflow.ui.progress import progress

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Kind = Literal["zip", "tar", "packed", "csv", "other"]

_Opener = Callable[["io.BufferedReader[_Shown]"], io.BufferedIOBase]
_COMPRESSED: dict[bytes, _Opener] = {
    b"\x1f\x8b": lambda raw: gzip.GzipFile(fileobj=raw),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}
_OTHERS = {
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\x28\xb5\x2f\xfd": "a zstandard file",
    b"\xff\xd8\xff": "one JPEG image",
    b"\x89PNG": "one PNG image",
    b"%PDF": "a PDF",
}
_LARGEST_HEADER = 4 << 20  # bytes tarfile may ask for at once; it holds extended headers in memory
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error)


class DamagedError(DownloadError):
    """An archive is not what its maker wrote; another copy of it may be."""


class Readable(Protocol):
    """What chunks can be read from."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, none at the end."""


@contextmanager
def damage_told(path: Path) -> Iterator[None]:
    """Turn what the readers raise for a damaged archive into a DamagedError."""
    try:
        yield
    except (*_BROKEN, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # bz2 raises a bare one for bad data
            raise
        what = str(error).rstrip(".") or type(error).__name__
        raise DamagedError(
            f"{path.name} is damaged or cut off: {what}. Nothing was unpacked. Download or copy it again."
        ) from None


def kind_of(path: Path) -> Kind:
    """Return what a file is: `packed` is a single compressed file, `csv` a table, `other` nothing of use.

    Raises:
        What the readers raise for a damaged file; see damage_told.
    """
    with path.open("rb") as handle:
        head = handle.read(512)
    if head.startswith(b"PK"):
        return "zip"
    if _opener(head):
        with open_packed(path) as stream:
            return "tar" if _is_tar(stream.read(512)) else "packed"
    if _is_tar(head):
        return "tar"
    if path.suffix.lower() == ".csv" and b"\0" not in head:
        return "csv"
    return "zip" if zipfile.is_zipfile(path) else "other"


def describe(path: Path) -> str:
    """Say what a file of the kind `other` seems to be, for a message."""
    with path.open("rb") as handle:
        head = handle.read(512)
    if not head:
        return "empty"
    if head.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "a web page, not an archive; a browser saves one where it is not logged in"
    return next((text for magic, text in _OTHERS.items() if head.startswith(magic)), "no archive that can be read")


@contextmanager
def open_packed(path: Path) -> Iterator[io.BufferedIOBase]:
    """Open a gzip, bzip2 or xz file, or a plain one, for reading what is in it; shows how far it is."""
    with io.BufferedReader(_Shown(path), CHUNK) as raw:
        opener = _opener(raw.peek(6))
        if opener is None:
            yield raw
        else:
            with opener(raw) as stream:
                yield stream


def chunks_of(stream: Readable, budget: Budget) -> Iterator[bytes]:
    """Yield what is left of a stream; each chunk is counted before it is given."""
    while chunk := stream.read(CHUNK):
        budget.spend(len(chunk))
        yield chunk


class Forward(io.RawIOBase):
    """A stream for tarfile that only goes forward, gives no huge piece, and knows how it ended.

    Tarfile takes headers of any size into memory, waits for ever on some cut-off ones, and silently stops at a
    damaged one; this makes each of them an error.
    """

    def __init__(self, stream: Readable) -> None:
        """Read from `stream`, from where it stands."""
        self._stream = stream
        self._position = 0
        self._at_end = 0
        self.last = b""  # what was read last

    def read(self, size: int = -1) -> bytes:
        """Read `size` bytes, fewer at the end.

        Raises:
            tarfile.ReadError: more is asked for than any header needs, or the end was passed again and again.
        """
        if not 0 <= size <= _LARGEST_HEADER:
            raise tarfile.ReadError("a header in it is larger than any real one")
        self.last = self._stream.read(size)
        self._position += len(self.last)
        if size and not self.last:
            self._at_end += 1
            if self._at_end > 8:
                raise tarfile.ReadError("it ends in the middle of a header")
        return self.last

    def tell(self) -> int:
        """Return how many bytes were passed."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Skip to `offset`, which lies ahead.

        Raises:
            tarfile.ReadError: it lies behind.
        """
        if whence != io.SEEK_SET or offset < self._position:
            raise tarfile.ReadError("a header in it points backwards")
        while self._position < offset:
            skipped = len(self._stream.read(min(CHUNK, offset - self._position)))
            if not skipped:
                break
            self._position += skipped
        return self._position


class _Shown(io.FileIO):
    """A file that shows how much of it was read."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._shown = 0
        self._bar = progress(
            itertools.count(1), path.stat().st_size // CHUNK, f"unpacking {path.name}", unit="megabyte"
        )

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        size = super().readinto(buffer)
        for _ in range(self.tell() // CHUNK - self._shown):
            self._shown = next(self._bar)
        return size


def _opener(head: bytes) -> _Opener | None:
    return next((opener for magic, opener in _COMPRESSED.items() if head.startswith(magic)), None)


def _is_tar(head: bytes) -> bool:
    if len(head) < 512:
        return False
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True
