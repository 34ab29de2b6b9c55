"""Detect what a file is from its first bytes, and read archives as streams within the limits of params.yaml."""

import bz2
import errno
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
from ferflow.settings.datasets import Unpack
from ferflow.ui.progress import progress

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNK = 1 << 20  # bytes read and written at once
Kind = Literal["zip", "tar", "compressed", "csv", "other"]

_Opener = Callable[["io.BufferedReader[_FileWithProgress]"], io.BufferedIOBase]
_COMPRESSED: dict[bytes, _Opener] = {
    b"\x1f\x8b": lambda raw: gzip.GzipFile(fileobj=raw),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}
_OTHERS = {
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard file",
    b"\xff\xd8\xff": "a single JPEG image",
    b"\x89PNG": "a single PNG image",
    b"%PDF": "a PDF",
}
_LARGEST_HEADER = 4 << 20  # bytes; tarfile holds extended headers in memory, and a hostile one asks for gigabytes
_ALWAYS_ALLOWED = 1 << 20  # bytes; a small archive of identical images compresses beyond any sensible ratio
_LONGEST_REASON = 200  # characters
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error)


class DamagedError(DownloadError):
    """An archive differs from what its author packed, so another copy of it may be intact."""


class Readable(Protocol):
    """Anything that returns bytes in chunks."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, and none at the end."""


class Budget:
    """A running count of unpacked members and bytes, checked against the limits of `unpack:` in params.yaml.

    The sizes in an archive's headers can lie, so what is really unpacked is counted.

    Attributes:
        members: Number of members counted so far.
        bytes: Number of unpacked bytes counted so far.
    """

    def __init__(self, limits: Unpack, archive_bytes: int) -> None:
        """Start counting at zero.

        Args:
            limits: The section `unpack:` of params.yaml.
            archive_bytes: Size of the archive in bytes, the base of `max_ratio`.
        """
        self._limits = limits
        self._archive_bytes = archive_bytes
        self._max_bytes = min(limits.max_bytes, max(_ALWAYS_ALLOWED, limits.max_ratio * archive_bytes))
        self.members = 0
        self.bytes = 0

    def count_member(self) -> None:
        """Count one more member.

        Raises:
            DownloadError: There are more than `unpack.max_files`.
        """
        self.members += 1
        if self.members > self._limits.max_files:
            raise DownloadError(
                f"The archive contains more than {self._limits.max_files} files, the limit of unpack.max_files in "
                "params.yaml. Nothing was unpacked. If you trust the archive, raise the limit."
            )

    def count_bytes(self, size: int) -> None:
        """Count `size` more unpacked bytes.

        Raises:
            DownloadError: The total exceeds `unpack.max_bytes`, or what `unpack.max_ratio` allows.
        """
        self.bytes += size
        if self.bytes <= self._max_bytes:
            return
        if self.bytes > self._limits.max_bytes:
            key, value = "max_bytes", f"{self._limits.max_bytes} bytes"
        else:
            key, value = "max_ratio", f"{self._limits.max_ratio} times its size of {self._archive_bytes} bytes"
        raise DownloadError(
            f"The archive unpacks to more than {value}, the limit of unpack.{key} in params.yaml: it may be an archive "
            "bomb. Nothing was unpacked. If you trust the archive, raise the limit."
        )


@contextmanager
def convert_damage(path: Path) -> Iterator[None]:
    """Convert what the standard library raises for a damaged archive to a DamagedError that names `path`."""
    try:
        yield
    except (*_BROKEN, OSError) as error:
        # bz2 raises one without errno for invalid data; an offset in a zip that points before its start gives EINVAL.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        reason = str(error).rstrip(".") or type(error).__name__
        if len(reason) > _LONGEST_REASON:  # it may quote a name of any length
            reason = f"{reason[:_LONGEST_REASON]}…"
        raise DamagedError(
            f"{path.name} is damaged or truncated: {reason}. Nothing was unpacked. Download or copy it again."
        ) from None


def detect_kind(path: Path) -> Kind:
    """Return what a file is, judged by its content.

    Returns:
        `compressed` is a single compressed file, `csv` a plain table, `other` nothing that can be unpacked.

    Raises:
        Exception: Whatever the standard library raises for a damaged file; `convert_damage` converts it.
    """
    with path.open("rb") as handle:
        head = handle.read(512)
    if head.startswith(b"PK"):
        return "zip"
    if _opener(head):
        with open_compressed(path) as stream:
            return "tar" if _is_tar(stream.read(512)) else "compressed"
    if _is_tar(head):
        return "tar"
    if path.suffix.lower() == ".csv" and b"\0" not in head:
        return "csv"
    return "zip" if zipfile.is_zipfile(path) else "other"


def describe(path: Path) -> str:
    """Return what a file of the kind `other` appears to be, for an error message."""
    with path.open("rb") as handle:
        head = handle.read(512)
    if not head:
        return "empty"
    if head.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "a web page, not an archive; browsers save one if you are not logged in"
    return next((text for magic, text in _OTHERS.items() if head.startswith(magic)), "not an archive that can be read")


@contextmanager
def open_compressed(path: Path) -> Iterator[io.BufferedIOBase]:
    """Open a gzip, bzip2, xz or plain file for reading its uncompressed content, and show the progress."""
    with io.BufferedReader(_FileWithProgress(path), CHUNK) as raw:
        opener = _opener(raw.peek(6))
        if opener is None:
            yield raw
        else:
            with opener(raw) as stream:
                yield stream


def read_chunks(stream: Readable, budget: Budget) -> Iterator[bytes]:
    """Yield the rest of a stream in chunks, counting each one in `budget` before it is yielded."""
    while chunk := stream.read(CHUNK):
        budget.count_bytes(len(chunk))
        yield chunk


class ForwardStream(io.RawIOBase):
    """A forward-only stream for tarfile that turns invalid headers into errors.

    tarfile reads headers of any size into memory, loops forever on some truncated ones, and silently stops at a
    damaged one. This stream limits the size of a read, raises if the end is read repeatedly, and records what was
    read last, so that the caller can check that the archive ended with a block of zeros.

    Attributes:
        last_read: Bytes returned by the latest call of `read`.
    """

    def __init__(self, stream: Readable) -> None:
        """Read from `stream`, starting at its current position, which counts as 0."""
        self._stream = stream
        self._position = 0
        self._reads_at_end = 0
        self.last_read = b""

    def read(self, size: int = -1) -> bytes:
        """Return `size` bytes, or fewer at the end.

        Raises:
            tarfile.ReadError: `size` is more than any header needs, or the end was read more than eight times.
        """
        if not 0 <= size <= _LARGEST_HEADER:
            raise tarfile.ReadError("one of its headers is larger than any valid one")
        self.last_read = self._stream.read(size)
        self._position += len(self.last_read)
        if size and not self.last_read:
            self._reads_at_end += 1
            if self._reads_at_end > 8:
                raise tarfile.ReadError("it ends in the middle of a header")
        return self.last_read

    def tell(self) -> int:
        """Return the number of bytes read or skipped."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Skip forward to `offset` and return the new position, which is smaller if the stream ends first.

        Raises:
            tarfile.ReadError: `offset` lies before the current position.
        """
        if whence != io.SEEK_SET or offset < self._position:
            raise tarfile.ReadError("one of its headers points backwards")
        while self._position < offset:
            skipped = len(self._stream.read(min(CHUNK, offset - self._position)))
            if not skipped:
                break
            self._position += skipped
        return self._position


class _FileWithProgress(io.FileIO):
    """A file that shows in megabytes how much of it was read."""

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
