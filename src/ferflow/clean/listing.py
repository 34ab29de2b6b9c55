"""What lies in the raw folder, without opening any of it."""

import os
from dataclasses import dataclass
from pathlib import Path

from ferflow.base.errors import DataError
from ferflow.clean import names
from ferflow.raw.manifest import manifest_path


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in the raw folder that is no folder.

    Attributes:
        relative: path below the raw folder as the system gives it, forward slashes.
        reason: link, special_file, system_file or unreadable where name and kind already tell; else empty.
        detail: the reason in words.
    """

    relative: str
    reason: str = ""
    detail: str = ""


def list_raw(raw: Path) -> list[Entry]:
    """List everything below `raw` but folders, sorted by path. Links are listed, never followed.

    A folder that cannot be listed is an entry itself, unreadable.

    Raises:
        DataError: there is no such folder, or it cannot be listed.
    """
    if not raw.is_dir():
        raise DataError(f"{raw} is missing. Run the stage that makes it: dvc repro download.")
    entries: list[Entry] = []
    folders = [("", False)]
    while folders:
        folder, system = folders.pop()
        try:
            items = list(os.scandir(raw / folder))
        except OSError as error:
            if not folder:
                raise DataError(f"{raw} cannot be listed: {error.strerror}. Check its permissions.") from None
            entries.append(Entry(folder, "unreadable", f"folder: {error.strerror}"))
            continue
        for item in items:
            relative = f"{folder}/{item.name}" if folder else item.name
            rubbish = system or names.is_system(item.name)
            try:
                if item.is_dir(follow_symlinks=False):
                    folders.append((relative, rubbish))
                else:
                    entries.append(_entry(item, relative, rubbish))
            except OSError as error:
                entries.append(Entry(relative, "unreadable", error.strerror or "cannot be examined"))
    return sorted(entries, key=lambda entry: entry.relative)


def _entry(item: "os.DirEntry[str]", relative: str, system: bool) -> Entry:
    if item.is_symlink():
        return Entry(relative, "link", f"to {manifest_path(str(Path(item.path).readlink()))}")
    if not item.is_file(follow_symlinks=False):
        return Entry(relative, "special_file", "pipe, socket or device")
    return Entry(relative, "system_file") if system else Entry(relative)
