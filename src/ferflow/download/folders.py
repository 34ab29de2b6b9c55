"""The user's own folder: walked without following links, copied, and told apart by one hash."""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from ferflow.base.errors import DownloadError
from ferflow.base.hashing import sha256
from ferflow.download.budget import CHUNK, write_new
from ferflow.download.names import stored_name
from ferflow.ui.progress import progress


def walk(folder: Path) -> tuple[list[str], int]:
    """Return the relative paths of all plain files below a folder, sorted by their bytes, and how many others.

    Others are links, which are not followed, and devices, sockets and pipes. Folders without files do not show.

    Raises:
        DownloadError: a folder cannot be read.
    """
    found: list[str] = []
    others = 0
    todo = [""]
    while todo:
        below = todo.pop()
        try:
            with os.scandir(folder / below) as entries:
                for entry in entries:
                    mode = entry.stat(follow_symlinks=False).st_mode
                    name = f"{below}{entry.name}"
                    if stat.S_ISDIR(mode):
                        todo.append(name + "/")
                    elif stat.S_ISREG(mode):
                        found.append(name)
                    else:
                        others += 1
        except PermissionError as error:
            raise _unreadable(error) from None
    return sorted(found, key=os.fsencode), others


def copy(source: Path, folder: Path) -> tuple[str, int]:
    """Copy the plain files of a folder into another, empty one.

    Returns:
        The fingerprint of `source`, and how many entries were left out because they are no plain files.

    Raises:
        DownloadError: a folder cannot be read, or a path is too long.
        OSError: a file cannot be read or written.
    """
    names, others = walk(source)
    return digest(_copied(source, folder, names)), others


def digest(entries: Iterable[tuple[str, str]]) -> str:
    """Return the SHA-256 over relative paths and the SHA-256 of each file, in the order given."""
    total = hashlib.sha256()
    for name, file_digest in entries:
        total.update(os.fsencode(name) + b"\0" + file_digest.encode() + b"\n")
    return total.hexdigest()


def fingerprint(path: Path) -> str:
    """Return what tells one source from another, as the receipt has it in `sha256`.

    Args:
        path: a file (the SHA-256 of its bytes), or a folder (one over the sorted relative paths of its plain files
            and the SHA-256 of each).

    Raises:
        DownloadError: it is missing or cannot be read.
    """
    path = path.expanduser()
    try:
        if not path.is_dir():
            return sha256(path)
        names, _ = walk(path)
        listed = progress(names, len(names), f"reading {path.name}", unit="file")
        return digest((name, sha256(path / name)) for name in listed)
    except FileNotFoundError:
        raise missing(path) from None
    except PermissionError as error:
        raise _unreadable(error) from None


def missing(path: Path) -> DownloadError:
    """Return the error for an archive or folder that is not there."""
    return DownloadError(
        f"There is no file or folder {str(path)!r}. Check the path given by ARCHIVE= or datasets.<name>.path; relative "
        "ones start at the project's folder."
    )


def _copied(source: Path, folder: Path, names: list[str]) -> Iterator[tuple[str, str]]:
    for name in progress(names, len(names), f"copying {source.name}", unit="file"):
        file_digest = hashlib.sha256()
        write_new(folder / stored_name(name), _hashed(source / name, file_digest))
        yield name, file_digest.hexdigest()


def _hashed(path: Path, into: "hashlib._Hash") -> Iterator[bytes]:
    with path.open("rb") as handle:
        while chunk := handle.read(CHUNK):
            into.update(chunk)
            yield chunk


def _unreadable(error: OSError) -> DownloadError:
    return DownloadError(f"{error.filename!r} cannot be read ({error.strerror}). Give yourself the right to read it.")
