"""List, copy and fingerprint the user's folder without following links."""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from ferflow.base.errors import DownloadError
from ferflow.base.hashing import sha256
from ferflow.download.archive_reader import CHUNK
from ferflow.download.unpack import stored_name, write_new
from ferflow.ui.progress import progress


def walk(folder: Path) -> tuple[list[str], int]:
    """List all regular files below a folder.

    Returns:
        The relative paths, sorted by their bytes, and the number of other entries: links, which are not followed,
        devices, sockets and pipes. Folders without files are not counted.

    Raises:
        DownloadError: A folder cannot be read.
    """
    found: list[str] = []
    others = 0
    pending = [""]
    while pending:
        parent = pending.pop()
        try:
            with os.scandir(folder / parent) as entries:
                for entry in entries:
                    mode = entry.stat(follow_symlinks=False).st_mode
                    name = f"{parent}{entry.name}"
                    if stat.S_ISDIR(mode):
                        pending.append(name + "/")
                    elif stat.S_ISREG(mode):
                        found.append(name)
                    else:
                        others += 1
        except PermissionError as error:
            raise _unreadable(error) from None
    return sorted(found, key=os.fsencode), others


def copy(source: Path, folder: Path) -> tuple[str, int]:
    """Copy the regular files of a folder into another, empty one, under the names that `stored_name` returns.

    Args:
        source: Folder to copy.
        folder: Empty folder to copy into.

    Returns:
        The fingerprint of `source`, and the number of entries left out because they are not regular files.

    Raises:
        DownloadError: A folder cannot be read, or a path is too long.
        OSError: A file cannot be read or written.
    """
    names, others = walk(source)
    return digest(_copied(source, folder, names)), others


def digest(entries: Iterable[tuple[str, str]]) -> str:
    """Return one SHA-256 over pairs of relative path and the file's SHA-256, in the order given, as 64 hex digits."""
    total = hashlib.sha256()
    for name, file_digest in entries:
        total.update(os.fsencode(name) + b"\0" + file_digest.encode() + b"\n")
    return total.hexdigest()


def fingerprint(path: Path) -> str:
    """Return the digest that identifies a source, the receipt's `sha256`.

    Args:
        path: A file, whose digest is the SHA-256 of its bytes, or a folder, whose digest is the SHA-256 over the sorted
            relative paths of its regular files and the SHA-256 of each.

    Returns:
        64 hex digits.

    Raises:
        DownloadError: `path` does not exist or cannot be read.
    """
    path = path.expanduser()
    try:
        if not path.is_dir():
            return sha256(path)
        names, _ = walk(path)
        names_with_progress = progress(names, len(names), f"reading {path.name}", unit="file")
        return digest((name, sha256(path / name)) for name in names_with_progress)
    except FileNotFoundError:
        raise missing(path) from None
    except PermissionError as error:
        raise _unreadable(error) from None


def missing(path: Path) -> DownloadError:
    """Return the error for an archive or folder that does not exist."""
    return DownloadError(
        f"There is no file or folder {str(path)!r}. Check the path in ARCHIVE= or in datasets.<name>.source.path; "
        "relative paths start at the project root."
    )


def _copied(source: Path, folder: Path, names: list[str]) -> Iterator[tuple[str, str]]:
    for name in progress(names, len(names), f"copying {source.name}", unit="file"):
        file_digest = hashlib.sha256()
        write_new(folder / stored_name(name), _hashed(source / name, file_digest))
        yield name, file_digest.hexdigest()


def _hashed(path: Path, into: "hashlib._Hash") -> Iterator[bytes]:
    """Yield a file in chunks and hash it on the way, so that it is read once and the digest is of what was copied."""
    with path.open("rb") as handle:
        while chunk := handle.read(CHUNK):
            into.update(chunk)
            yield chunk


def _unreadable(error: OSError) -> DownloadError:
    return DownloadError(
        f"{error.filename!r} cannot be read ({error.strerror}). Give your user read permission: chmod -R u+rX PATH."
    )
