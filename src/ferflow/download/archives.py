"""Unpacking zip, tar and single compressed files that come from outside."""

import stat
import tarfile
import zipfile
from pathlib import Path

from ferflow.base.errors import DownloadError
from ferflow.download.budget import CHUNK, Budget, write_new
from ferflow.download.names import check_member, member_name, shown, stored_name
from ferflow.download.streams import Forward, chunks_of, damage_told, describe, kind_of, open_packed
from ferflow.settings import Unpack
from ferflow.ui.progress import progress

_ENCRYPTED = 0x1 | 0x40 | 0x2000  # zip flags: encrypted, strongly encrypted, names hidden
_UTF8 = 0x800


def unpack(archive: Path, folder: Path, limits: Unpack) -> None:
    """Unpack an archive, or a table that stands alone, into an empty folder.

    Zip, tar, tar.gz, tar.bz2, tar.xz, a compressed CSV and a plain CSV are told by their bytes. Files get the names
    of names.stored_name, none of the archive's permissions, and folders without files are left out (DVC does
    not keep them).

    Raises:
        DownloadError: it is no archive, is damaged or encrypted, is over the limits, or has a member that is no plain
            file or folder, leaves the folder, or repeats a name. `folder` then holds rubbish.
        OSError: it cannot be read, or `folder` not be written.
    """
    budget = Budget(limits, archive.stat().st_size)
    with damage_told(archive):
        kind = kind_of(archive)
        if kind == "zip":
            _unpack_zip(archive, folder, budget)
        elif kind == "tar":
            _unpack_tar(archive, folder, budget)
        elif kind in ("packed", "csv"):
            name = archive.stem if kind == "packed" else archive.name
            with open_packed(archive) as stream:
                write_new(folder / stored_name(name), chunks_of(stream, budget))
        else:
            raise DownloadError(
                f"{archive.name} is {describe(archive)}. Name a zip, a tar (plain, .gz, .bz2 or .xz), a CSV of "
                "FER-2013 or a folder; unpack other archives yourself, and name the folder."
            )


def _unpack_zip(archive: Path, folder: Path, budget: Budget) -> None:
    try:
        source = zipfile.ZipFile(archive)
    except (UnicodeDecodeError, NotImplementedError, ValueError) as error:
        raise zipfile.BadZipFile(f"its list of files cannot be read ({error})") from None
    with source:
        members = source.infolist()
        for member in progress(members, len(members), f"unpacking {archive.name}", unit="file"):
            budget.member()
            name = _zip_name(member)
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _not_plain(name)
            if member.flag_bits & _ENCRYPTED:
                raise DownloadError(
                    f"{archive.name} is encrypted. Unpack it yourself with its password, and name the folder."
                )
            if name.endswith("/") or kind == stat.S_IFDIR:
                check_member(name)
                continue
            path = folder / member_name(name)
            try:
                with source.open(member) as stream:
                    write_new(path, chunks_of(stream, budget))
            except NotImplementedError as error:
                raise DownloadError(
                    f"{archive.name} is packed in a way that Python cannot read ({error}). Unpack it yourself, and "
                    "name the folder."
                ) from None


def _zip_name(member: zipfile.ZipInfo) -> str:
    """Return a member's name as it stands in the archive; without the UTF-8 flag it is UTF-8 if it can be."""
    if member.flag_bits & _UTF8:
        return member.orig_filename
    raw = member.orig_filename.encode("cp437")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return member.orig_filename


def _unpack_tar(archive: Path, folder: Path, budget: Budget) -> None:
    with open_packed(archive) as stream:
        forward = Forward(stream)
        source = tarfile.TarFile(fileobj=forward, encoding="utf-8", errors="surrogateescape")
        while (member := source.next()) is not None:
            source.members.clear()  # type: ignore[attr-defined]  # tarfile keeps them all
            budget.member()
            if not (member.isfile() or member.isdir()):
                raise _not_plain(member.name)
            data = source.extractfile(member)
            if data is None:  # a folder
                check_member(member.name)
            else:
                write_new(folder / member_name(member.name), chunks_of(data, budget))
        if len(forward.last) < tarfile.BLOCKSIZE or any(forward.last):
            raise tarfile.ReadError("a header in it cannot be read, or its end is missing")
        while rest := stream.read(CHUNK):  # to the end, where the checksum of a compressed file stands
            budget.spend(len(rest))
            if any(rest):
                raise tarfile.ReadError("more follows after its end")


def _not_plain(name: str) -> DownloadError:
    return DownloadError(
        f"The archive is not safe to unpack: the member {shown(name)} is a link or a device, not a file. Nothing was "
        "unpacked. Pack the files themselves (tar --hard-dereference -h)."
    )
