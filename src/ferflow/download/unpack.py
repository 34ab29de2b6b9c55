"""Unpack untrusted zip, tar and compressed files, under names that the file system and DVC can store."""

import hashlib
import re
import stat
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from ferflow.base.errors import DownloadError
from ferflow.download.archive_reader import (
    CHUNK,
    Budget,
    ForwardStream,
    convert_damage,
    describe,
    detect_kind,
    open_compressed,
    read_chunks,
)
from ferflow.settings.datasets import Unpack
from ferflow.ui.progress import progress

MAX_NAME = 255  # bytes; the limit of Linux, macOS and Windows file systems
MAX_PATH = 2000  # bytes below the raw folder, so that the whole path stays well under Linux's limit of 4,096
MAX_DEPTH = 100  # folders; os.walk recurses in Python 3.11

# DVC reads these as its own or Git's: it would silently leave them out of a tracked folder, refuse the folder, drop
# everything in it (`.dvc`), or run what `dvc.yaml` says.
_DVC_READS = re.compile(r".*\.dvc|\.dvcignore|\.git|\.hg|dvc\.yaml|dvc\.lock", re.DOTALL)
_TO_ESCAPE = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]|%(?=[0-9A-F]{2})")
_ENCRYPTED = 0x1 | 0x40 | 0x2000  # zip flags: encrypted, strongly encrypted, names encrypted
_UTF8 = 0x800  # zip flag: the name is UTF-8


def unpack(archive: Path, folder: Path, limits: Unpack) -> None:
    """Unpack an archive, a compressed CSV or a plain CSV into an empty folder.

    Zip, tar, tar.gz, tar.bz2, tar.xz and CSV are detected by their content. Files are stored under the names that
    `stored_name` returns and without the archive's permissions. Folders without files are left out, since DVC does
    not store them.

    Args:
        archive: The file to unpack.
        folder: An empty folder. If an error is raised, its content is incomplete and must be removed.
        limits: The section `unpack:` of params.yaml, against archive bombs.

    Raises:
        DownloadError: The file is not an archive, is encrypted, exceeds the limits, or has a member that is neither
            a file nor a folder, lies outside the folder, or repeats a name.
        DamagedError: The archive is damaged or truncated.
        OSError: `archive` cannot be read or `folder` cannot be written.
    """
    budget = Budget(limits, archive.stat().st_size)
    with convert_damage(archive):
        kind = detect_kind(archive)
        if kind == "zip":
            _unpack_zip(archive, folder, budget)
        elif kind == "tar":
            _unpack_tar(archive, folder, budget)
        elif kind in ("compressed", "csv"):
            name = archive.stem if kind == "compressed" else archive.name
            with open_compressed(archive) as stream:
                write_new(folder / stored_name(name), read_chunks(stream, budget))
        else:
            raise DownloadError(
                f"{archive.name} is {describe(archive)}. Supported are zip, tar (plain, .gz, .bz2 or .xz), the CSV of "
                "FER-2013, and folders. Unpack any other archive yourself and pass the folder: ARCHIVE=path."
            )


def _unpack_zip(archive: Path, folder: Path, budget: Budget) -> None:
    try:
        source = zipfile.ZipFile(archive)
    except (UnicodeDecodeError, NotImplementedError, ValueError) as error:
        raise zipfile.BadZipFile(f"its list of files cannot be read ({error})") from None
    with source:
        members = source.infolist()
        for member in progress(members, len(members), f"unpacking {archive.name}", unit="file"):
            budget.count_member()
            name = with_slashes(_zip_name(member))
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _not_a_file(name)
            if member.flag_bits & _ENCRYPTED:
                raise DownloadError(
                    f"{archive.name} is encrypted. Unpack it yourself with its password and pass the folder: "
                    "ARCHIVE=path."
                )
            if name.endswith("/") or kind == stat.S_IFDIR:
                check_member(name)
                if member.file_size:
                    raise zipfile.BadZipFile(f"{name} is a folder in its list of files, but holds data")
                continue
            path = folder / member_path(name)
            try:
                with source.open(member) as stream:
                    write_new(path, read_chunks(stream, budget))
            except NotImplementedError as error:
                raise DownloadError(
                    f"{archive.name} uses a compression method that Python cannot read ({error}). Unpack it yourself "
                    "and pass the folder: ARCHIVE=path."
                ) from None


def with_slashes(name: str) -> str:
    r"""Return a member's name with forward slashes, since old Windows tools write a backslash between folders.

    >>> with_slashes("train\\happy\\1.jpg")
    'train/happy/1.jpg'
    """
    return name.replace("\\", "/")


def _zip_name(member: zipfile.ZipInfo) -> str:
    """Return a member's name before zipfile cleaned it; without the UTF-8 flag, UTF-8 is tried before code page 437."""
    if member.flag_bits & _UTF8:
        return member.orig_filename
    raw = member.orig_filename.encode("cp437")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return member.orig_filename


def _unpack_tar(archive: Path, folder: Path, budget: Budget) -> None:
    with open_compressed(archive) as stream:
        forward = ForwardStream(stream)
        source = tarfile.TarFile(fileobj=forward, encoding="utf-8", errors="surrogateescape")
        while (member := source.next()) is not None:
            source.members.clear()  # type: ignore[attr-defined]  # tarfile would keep every header in memory
            budget.count_member()
            name = with_slashes(member.name)
            if not (member.isfile() or member.isdir()):
                raise _not_a_file(name)
            data = source.extractfile(member)
            if data is None:  # a folder
                check_member(name)
            else:
                write_new(folder / member_path(name), read_chunks(data, budget))
        # tarfile also stops without an error at a damaged header; only a block of zeros is the real end.
        if len(forward.last_read) < tarfile.BLOCKSIZE or any(forward.last_read):
            raise tarfile.ReadError("one of its headers cannot be read, or its end is missing")
        while rest := stream.read(CHUNK):  # to the end of the file, where the checksum of gzip, bzip2 and xz is
            budget.count_bytes(len(rest))
            if any(rest):
                raise tarfile.ReadError("data follows after its end")


def _not_a_file(name: str) -> DownloadError:
    return DownloadError(
        f"The archive is unsafe: the member {quoted(name)} is a link or a device, not a file. Nothing was unpacked. "
        "Pack the files that the links point to instead: tar --hard-dereference -h."
    )


def write_new(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a file that must not exist yet, and create its parent folders.

    Args:
        path: The file to create.
        chunks: Content of the file.

    Raises:
        DownloadError: The name is taken, or a folder of the path is a file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as target:
            for chunk in chunks:
                target.write(chunk)
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise DownloadError(
            f"Two files of the source would be stored under one name, {path.name!r}. Nothing was stored. Rename one of "
            "them (file systems may ignore the case of letters)."
        ) from None


def member_path(name: str) -> PurePosixPath:
    r"""Return where an archive's file is stored, relative to the folder that the archive is unpacked into.

    Args:
        name: Name in the archive, with undecodable bytes as surrogates (`surrogateescape`).

    Raises:
        DownloadError: `check_member` or `stored_name` refuses the name.

    >>> str(member_path("./train/caf\udce9.jpg"))
    'train/caf%E9.jpg'
    """
    check_member(name)
    return stored_name(name)


def check_member(name: str) -> None:
    """Check that an archive's file or folder lies inside the archive's folder.

    Args:
        name: Name in the archive, with forward slashes, see with_slashes.

    Raises:
        DownloadError: The name is absolute, has a drive letter, `..`, a backslash or a NUL character.
    """
    if name.startswith("/") or re.match(r"[A-Za-z]:", name) or "\\" in name or ".." in name.split("/"):
        raise DownloadError(
            f"The archive is unsafe: the member {quoted(name)} points outside its folder. Nothing was unpacked. Get "
            "the archive from a source you trust, or pack the images again."
        )
    if "\0" in name:
        raise DownloadError(
            f"The archive is damaged or hostile: the name {quoted(name)} contains a NUL character. Nothing was "
            "unpacked. Get the archive from a source you trust, or pack the images again."
        )


def stored_name(name: str) -> PurePosixPath:
    r"""Return the relative path under which a file is stored in the raw folder.

    Different names give different paths, and most names stay as they are. Escaped as %XX, byte by byte, are control
    characters, backslashes, bytes that are not UTF-8, a % in front of two hex digits, and the last dot of names that
    DVC reads (`x.dvc`, `.dvcignore`, `dvc.yaml`, `dvc.lock`, `.git`, `.hg`). A part over 255 bytes is truncated and
    ends in `~`, 16 digits of its SHA-256, and its suffix.

    Args:
        name: Relative path with forward slashes, undecodable bytes as surrogates (`surrogateescape`).

    Raises:
        DownloadError: The path is empty, over 2,000 bytes, or over 100 folders deep.

    >>> str(stored_name("new\nline.jpg"))
    'new%0Aline.jpg'
    """
    parts = [_stored_part(part) for part in name.split("/") if part not in ("", ".")]
    path = PurePosixPath(*parts)
    if not parts:
        raise DownloadError(f"A member of the archive has no name: {quoted(name)}. Pack the images again.")
    if len(str(path).encode()) > MAX_PATH or len(parts) > MAX_DEPTH:
        raise DownloadError(
            f"The path {quoted(name)} is too long: the maximum is {MAX_PATH} bytes and {MAX_DEPTH} folders. Shorten it."
        )
    return path


def quoted(name: str, max_length: int = 80) -> str:
    """Return a name in quotes for a message, with unprintable characters escaped and at most `max_length` long."""
    return repr(name if len(name) <= max_length else name[: max_length - 1] + "…")


def _stored_part(part: str) -> str:
    stored = _TO_ESCAPE.sub(_percent_encoded, part)
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


def _percent_encoded(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match.group().encode("utf-8", "surrogateescape"))
