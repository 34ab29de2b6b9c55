"""Symbolic links in data folders: those that DVC makes of its cache, and data folders that lie on another disk."""

import errno
import os
import re
from pathlib import Path

from ferflow.base.errors import DataError

# DVC names a cached file by the MD5 of its content, in every cache: the project's, a shared one, an external one.
_IN_DVC_CACHE = re.compile(r"(?:^|/)files/md5/[0-9a-f]{2}/[0-9a-f]{30}$")


def cached_file(path: str | Path) -> str | None:
    """Return the file in DVC's cache that a symbolic link names; None for any other link, and for what is no link.

    With `cache.type symlink`, DVC puts such a link in place of each file that it tracks, so it stands for the file.

    Args:
        path: A link or anything else.
    """
    try:
        target = os.readlink(path)  # noqa: PTH115 (called for each of many thousands of files)
    except OSError:
        return None
    return os.path.join(os.path.dirname(path), target) if _IN_DVC_CACHE.search(target) else None  # noqa: PTH118, PTH120


def open_file(path: str | Path) -> int:
    """Open a file for reading and return its descriptor; of links, only those into DVC's cache are followed.

    Opening does not wait for a pipe.

    Args:
        path: The file.

    Raises:
        OSError: The file cannot be opened, or is a link that DVC did not make.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        return os.open(path, flags)
    except OSError as error:
        target = cached_file(path) if error.errno == errno.ELOOP else None
        if target is None:
            raise
        return os.open(target, flags)


def check_trackable(folder: Path) -> None:
    """Check, before any work, that DVC can track an output folder.

    DVC writes a .gitignore next to its outputs, and fails after the stage if that place is outside the repository.

    Args:
        folder: Output of a stage, such as data/raw. It may itself be a link to another disk, but not its parent.

    Raises:
        DataError: The parent of `folder` leads outside the git repository.
    """
    parents = [parent for parent in folder.absolute().parents if not parent.is_symlink()]
    root = next((parent.resolve() for parent in parents if (parent / ".git").exists()), None)
    place = folder.parent.resolve()
    if root is None or place.is_relative_to(root):
        return
    raise DataError(
        f"DVC cannot track {folder}: {folder.parent} is a link that leads outside the git repository, to {place}. "
        f"Keep {folder.parent} a folder of the project and link the folder in it instead: rm {folder.parent}; "
        f"mkdir {folder.parent}; ln -s {place / folder.name} {folder}. Or only move DVC's cache to the other disk: "
        "dvc cache dir PATH; dvc config cache.type symlink."
    )
