"""What an archive may cost: counted while it is unpacked, since its headers can lie."""

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ferflow.base.errors import DownloadError
from ferflow.settings import Unpack

CHUNK = 1 << 20  # bytes read and written at once
_HARMLESS = 1 << 20  # bytes that may come of any archive, so that a tiny one of equal images passes the ratio


class Budget:
    """Members and bytes that were unpacked, against the limits."""

    def __init__(self, limits: Unpack, packed: int) -> None:
        """Start at nothing.

        Args:
            limits: of params.yaml.
            packed: bytes of the archive.
        """
        self._limits = limits
        self._most = min(limits.max_bytes, max(_HARMLESS, limits.max_ratio * packed))
        self._packed = packed
        self.members = 0
        self.bytes = 0

    def member(self) -> None:
        """Count one more member.

        Raises:
            DownloadError: there are more than `unpack.max_files`.
        """
        self.members += 1
        if self.members > self._limits.max_files:
            raise DownloadError(
                f"The archive holds more than {self._limits.max_files} files, which unpack.max_files in params.yaml "
                "allows. Raise it if you trust the archive. Nothing was unpacked."
            )

    def spend(self, size: int) -> None:
        """Count `size` more unpacked bytes.

        Raises:
            DownloadError: they are more than `unpack.max_bytes`, or than `unpack.max_ratio` allows.
        """
        self.bytes += size
        if self.bytes <= self._most:
            return
        if self.bytes > self._limits.max_bytes:
            key, value = "max_bytes", f"{self._limits.max_bytes} bytes"
        else:
            key, value = "max_ratio", f"{self._limits.max_ratio} times its own {self._packed} bytes"
        raise DownloadError(
            f"The archive unpacks to more than {value}, which unpack.{key} in params.yaml allows: it may be a bomb. "
            "Raise the limit if you trust the archive. Nothing was unpacked."
        )


def write_new(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a file that must not exist yet, and the folders it needs.

    Raises:
        DownloadError: the name is taken, or a folder of the path is a file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as target:
            for chunk in chunks:
                target.write(chunk)
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise DownloadError(
            f"Two files of the source would be stored under one name, {path.name!r}. Nothing was stored. Rename "
            "one of them (this file system may not tell upper from lower case)."
        ) from None


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn what a full or unwritable disk raises while `folder` is filled into a message."""
    try:
        yield
    except OSError as error:
        if error.errno is None:  # not from the system
            raise
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DownloadError(
                f"{error.filename or folder} cannot be read or written: {error.strerror}. Check rights and disk."
            ) from None
        raise DownloadError(
            f"The disk is full: {folder} could not be written ({error.strerror}). Free some space, or move the project "
            "to a larger disk, and run again. Nothing half-written was left."
        ) from None
