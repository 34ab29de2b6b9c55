"""What lies in the raw folder, without opening any of it."""

import os
from dataclasses import dataclass
from pathlib import Path

from ferflow.clean import names
from ferflow.errors import DataError


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in the raw folder that is no folder.

    Attributes:
        relative: path below the raw folder as the system gives it, forward slashes.
        reason: link, special_file, system_file or unreadable where name and kind already tell; else empty.
        detail: the reason in words.
        bytes: size of the file.
    """

    relative: str
    reason: str = ""
    detail: str = ""
    bytes: int = 0


def list_raw(raw: Path) -> list[Entry]:
    """List everything below `raw` but folders, sorted by path. Links are listed, never followed.

    A folder that cannot be listed is an entry itself, unreadable.

    Raises:
        DataError: there is no such folder.
    """
    if not raw.is_dir():
        raise DataError(f"{raw} is missing. Run the stage that makes it: dvc repro download.")
    entries: list[Entry] = []
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(raw / folder if folder else raw) as found:
                for item in found:
                    relative = f"{folder}/{item.name}" if folder else item.name
                    if item.is_dir(follow_symlinks=False):
                        folders.append(relative)
                    else:
                        entries.append(_entry(item, relative))
        except OSError as error:
            entries.append(Entry(folder, "unreadable", f"folder: {error.strerror}"))
    return sorted(entries, key=lambda entry: os.fsencode(entry.relative))


def _entry(item: "os.DirEntry[str]", relative: str) -> Entry:
    try:
        status = item.stat(follow_symlinks=False)
        if item.is_symlink():
            return Entry(
                relative,
                "link",
                f"to {os.fsencode(os.readlink(item.path)).decode('utf-8', 'backslashreplace')}",
            )
        if not item.is_file(follow_symlinks=False):
            return Entry(relative, "special_file", "pipe, socket or device")
    except OSError as error:
        return Entry(relative, "unreadable", error.strerror or "")
    if names.is_system(relative):
        return Entry(relative, "system_file", "", status.st_size)
    return Entry(relative, bytes=status.st_size)
