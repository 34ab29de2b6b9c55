"""Names under which files from outside are stored: inside the folder, and such that DVC and people can take them."""

import hashlib
import re
from pathlib import PurePosixPath

from ferflow.base.errors import DownloadError

MAX_NAME = 255  # bytes; what Linux, macOS and Windows file systems take
MAX_PATH = 2000  # bytes below the raw folder, so that the whole path stays well under Linux's 4,096
MAX_DEPTH = 100  # folders; os.walk recurses in Python 3.11

# DVC would read these as its own or git's: leave them out of a tracked folder without a word, refuse the folder,
# forget all that is in it (`.dvc`), or run what `dvc.yaml` says.
_DVC_READS = re.compile(r".*\.dvc|\.dvcignore|\.git|\.hg|dvc\.yaml|dvc\.lock", re.DOTALL)
_TO_ESCAPE = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]|%(?=[0-9A-F]{2})")


def member_name(name: str) -> PurePosixPath:
    """Return where an archive's file may be stored, relative to the folder it is unpacked into.

    Args:
        name: as the archive has it; undecodable bytes as surrogates (`surrogateescape`).

    Raises:
        DownloadError: see check_member and stored_name.
    """
    check_member(name)
    return stored_name(name)


def check_member(name: str) -> None:
    """Refuse a name, of a file or a folder, that no honest archive has.

    Raises:
        DownloadError: it leaves the folder (`..`, absolute, a drive letter), or has a backslash or a NUL.
    """
    if name.startswith("/") or re.match(r"[A-Za-z]:", name) or "\\" in name or ".." in name.split("/"):
        raise DownloadError(
            f"The archive is not safe to unpack: the member {shown(name)} points outside its folder. Nothing was "
            "unpacked. Get the archive from a source you trust, or pack the images anew."
        )
    if "\0" in name:
        raise DownloadError(f"The archive is damaged or hostile: the name {shown(name)} has a NUL in it.")


def stored_name(name: str) -> PurePosixPath:
    r"""Return the relative path that stands for `name` in the raw folder; different names stay different.

    Most names stay as they are. Written as %XX, byte for byte, are: control characters, backslashes, bytes that are
    not UTF-8, a % that two hex digits follow, and the last dot of what DVC reads (`x.dvc`, `.dvcignore`, `dvc.yaml`,
    `dvc.lock`, `.git`, `.hg`). A part over 255 bytes is cut and ends in `~`, 16 digits of its SHA-256 and its suffix.

    Raises:
        DownloadError: the path is empty, over 2,000 bytes or over 100 folders deep.
    """
    parts = [_stored_part(part) for part in name.split("/") if part not in ("", ".")]
    path = PurePosixPath(*parts)
    if not parts:
        raise DownloadError(f"A member of the archive has no name: {shown(name)}. Pack the images anew.")
    if len(str(path).encode()) > MAX_PATH or len(parts) > MAX_DEPTH:
        raise DownloadError(
            f"The path {shown(name)} is too long: at most {MAX_PATH} bytes and {MAX_DEPTH} folders deep are stored. "
            "Shorten it."
        )
    return path


def shown(name: str, most: int = 80) -> str:
    """Return a name quoted for a message: printable, at most `most` characters of it."""
    return repr(name if len(name) <= most else name[: most - 1] + "…")


def _stored_part(part: str) -> str:
    stored = _TO_ESCAPE.sub(_percent, part)
    if _DVC_READS.fullmatch(stored):
        stored = "%2E".join(stored.rsplit(".", 1))
    if len(stored.encode()) <= MAX_NAME:
        return stored
    digest = hashlib.sha256(part.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    suffix = PurePosixPath(stored).suffix
    if len(suffix.encode()) > 16:
        suffix = ""
    room = MAX_NAME - len(suffix.encode()) - len(digest) - 1
    return f"{stored.encode()[:room].decode('utf-8', 'ignore')}~{digest}{suffix}"


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match.group().encode("utf-8", "surrogateescape"))
