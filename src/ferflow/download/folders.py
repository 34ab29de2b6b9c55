"""List, copy and fingerprint the user's folder without following links."""

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ferflow.base.errors import DownloadError
from ferflow.base.formats import IMAGE_SUFFIXES
from ferflow.base.hashing import sha256
from ferflow.base.links import cached_file
from ferflow.download.archive_reader import CHUNK
from ferflow.download.unpack import quoted, stored_name, write_new
from ferflow.ui.progress import progress

_SHOWN = 5  # names in a message


@dataclass
class Listing:
    """What a folder contains, at any depth.

    Attributes:
        files: Relative paths of the regular files, sorted by their bytes; a link into DVC's cache counts as its file.
        links: Relative paths of links to files and of links that lead nowhere.
        linked_folders: Relative paths of links to folders.
        loops: Number of links to the folder itself, or to one above it.
        others: Number of devices, sockets and pipes.
    """

    files: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    linked_folders: list[str] = field(default_factory=list)
    loops: int = 0
    others: int = 0

    @property
    def left_out(self) -> int:
        """Number of entries that are neither regular files nor folders."""
        return len(self.links) + len(self.linked_folders) + self.loops + self.others


def walk(folder: Path) -> Listing:
    """List everything below a folder except folders without files; links are not followed.

    Raises:
        DownloadError: A folder cannot be read.
    """
    found = Listing()
    whole = folder.resolve()
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
                    elif stat.S_ISREG(mode) or (cached_file(entry.path) and Path(entry.path).is_file()):
                        found.files.append(name)
                    elif not stat.S_ISLNK(mode):
                        found.others += 1
                    elif not _is_folder(entry):
                        found.links.append(name)
                    elif whole.is_relative_to(Path(entry.path).resolve()):
                        found.loops += 1
                    else:
                        found.linked_folders.append(name)
        except PermissionError as error:
            raise _unreadable(error) from None
    found.files.sort(key=os.fsencode)
    return found


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, or into a folder that is closed to the user
        return False


def check_links(source: Path, listing: Listing) -> None:
    """Check that links, which are not followed, hide no whole folder: the data would then mean something else.

    Args:
        source: The user's folder.
        listing: What it contains.

    Raises:
        DownloadError: A folder is a link, or all images in a folder are links.
    """
    with_files = {name.rpartition("/")[0] for name in listing.files}
    linked = Counter(name.rpartition("/")[0] for name in listing.links if _is_image_name(name))
    all_linked = [
        f"{parent or source.name} (each of its {linked[parent]:,} images is a link)"
        for parent in linked.keys() - with_files
    ]
    hidden = [*sorted(listing.linked_folders), *sorted(all_linked)]
    if not hidden:
        return
    shown = ", ".join(quoted(name) for name in hidden[:_SHOWN]) + (", ..." if len(hidden) > _SHOWN else "")
    raise DownloadError(
        f"Links would leave out whole folders of {source.name!r}: {shown}. Links in a folder are not followed, so a "
        "split or a class could be missing, and the data would mean something else. Pass a copy with real files: "
        "cp -rL FOLDER COPY, then ARCHIVE=COPY. Or remove the links, if these images are not meant."
    )


def copy(source: Path, folder: Path) -> tuple[str, int]:
    """Copy the regular files of a folder into another, empty one, under the names that `stored_name` returns.

    Args:
        source: Folder to copy.
        folder: Empty folder to copy into.

    Returns:
        The fingerprint of `source`, and the number of entries left out because they are not regular files.

    Raises:
        DownloadError: A folder cannot be read, links hide a whole folder (see check_links), or a path is too long.
        OSError: A file cannot be read or written.
    """
    listing = walk(source)
    check_links(source, listing)
    return digest(_copied(source, folder, listing.files)), listing.left_out


def _is_image_name(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES | {".csv"}


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
        names = walk(path).files
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
