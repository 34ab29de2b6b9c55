"""Build hostile archives: every kind that is read, damaged, lying, escaping, nested, linked, or far too large."""

import bz2
import gzip
import io
import lzma
import random
import stat
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Callable

FACE = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffdb004300") + bytes(200) + b"\xff\xd9"
NAMES = [
    "train/happy/1.jpg", "train/happy/2.jpg", "test/sad/1.jpg", "a.jpg", "../evil.jpg", "/tmp/evil.jpg",
    "a/../../evil.jpg", "C:\\evil.jpg", "..\\evil.jpg", "a\\b.jpg", "a//b.jpg", "./a.jpg", ".", "..", "/", "",
    " ", "a/", "a/.", "new\nline.jpg", "nul\0.jpg", ".git/config", ".dvc/config", "dvc.yaml", "x.dvc",
    ".dvcignore", "a/dvc.lock", "TRAIN/HAPPY/1.JPG", "é.jpg", "💥.jpg", "x" * 254 + ".jpg", "x" * 5000,
    "/".join("d" * 120) + "/1.jpg", "%41.jpg", "-rf", "con", "~/.ssh/x", "a.jpg/b.jpg", "\x7f.jpg",
    "\udcff.jpg", "__MACOSX/a.jpg", "inner.zip", "faces.csv", "~root", "$HOME/a.jpg", "a\u202egpj.exe",
]  # fmt: skip


def _content(chance: random.Random) -> bytes:
    return chance.choice(
        [FACE, FACE, FACE, b"", b"x", bytes(200_000), chance.randbytes(3_000), b"emotion,pixels\n0,1 2 3 4\n"]
    )


def some_zip(chance: random.Random) -> bytes:
    """A zip whose names, types, flags and compression are drawn."""
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w") as archive:
        warnings.simplefilter("ignore")  # of names that occur twice
        for _ in range(chance.randint(0, 6)):
            member = zipfile.ZipInfo(chance.choice(NAMES).encode("utf-8", "replace").decode())
            member.compress_type = chance.choice(
                [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
            )
            member.create_system = chance.choice([0, 3, 11])
            if chance.random() < 0.15:
                member.external_attr = (
                    chance.choice([stat.S_IFLNK, stat.S_IFIFO, stat.S_IFDIR, stat.S_IFCHR, stat.S_IFSOCK]) << 16
                )
            archive.writestr(member, _content(chance))
        if chance.random() < 0.1:
            archive.comment = chance.randbytes(100)
    return stream.getvalue()


def some_tar(chance: random.Random) -> bytes:
    """A tar, plain or compressed, whose names, types and sizes are drawn."""
    stream = io.BytesIO()
    style = chance.choice([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
    with tarfile.open(fileobj=stream, mode="w", format=style) as archive:
        for _ in range(chance.randint(0, 6)):
            member, data = tarfile.TarInfo(chance.choice(NAMES)), _content(chance)
            if chance.random() < 0.15:
                member.type = chance.choice(
                    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE]
                )
                member.linkname, data = chance.choice(["/etc/passwd", "../..", "a.jpg"]), b""
            member.size = len(data)
            if style == tarfile.PAX_FORMAT and chance.random() < 0.1:
                member.pax_headers = {
                    "size": chance.choice(["-1", "1e9", str(10**15)]),
                    "path": chance.choice(NAMES[:10]),
                }
            try:
                archive.addfile(member, io.BytesIO(data))
            except (ValueError, UnicodeError):
                continue  # a name that the format cannot hold
    return chance.choice([bytes, gzip.compress, bz2.compress, lambda data: lzma.compress(data, preset=1)])(
        stream.getvalue()
    )


def bomb(chance: random.Random) -> bytes:
    """An archive that unpacks to far more than it is."""
    zeros = bytes(chance.choice([3_000_000, 30_000_000]))
    kind = chance.choice(["zip", "tar", "csv", "twice", "members"])
    if kind == "zip":
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", chance.choice([zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])) as archive:
            archive.writestr("train/happy/1.jpg", zeros)
        return stream.getvalue()
    if kind == "members":
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for number in range(2_000):
                archive.writestr(f"{number}.jpg", b"")
        return stream.getvalue()
    if kind == "csv":
        return chance.choice([gzip.compress, bz2.compress])(zeros)
    if kind == "twice":
        return gzip.compress(gzip.compress(zeros))
    header = tarfile.TarInfo("x.jpg")
    header.size = chance.choice([10**12, 2**62, len(zeros)])
    return gzip.compress(header.tobuf(tarfile.GNU_FORMAT) + zeros)


def nested(chance: random.Random) -> bytes:
    """An archive in an archive in an archive."""
    data = some_zip(chance)
    for depth in range(chance.randint(1, 5)):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr(f"inner{depth}.{chance.choice(['zip', 'jpg', 'tar.gz'])}", data)
        data = stream.getvalue()
    return data


def damage(chance: random.Random, data: bytes) -> bytes:
    """A part of an archive, with flipped bits, extreme numbers, or another one in front or behind."""
    kind = chance.choice(["cut", "flip", "flip", "numbers", "joined", "hole"])
    a, b = sorted((chance.randint(0, len(data)), chance.randint(0, len(data))))
    if kind == "cut":
        return chance.choice([data[:a], data[b:]])
    if kind == "hole":
        return data[:a] + data[b:]
    if kind == "joined":
        return chance.choice([data + some_tar(chance), chance.randbytes(100) + data, data + bytes(1024), data + data])
    changed = bytearray(data)
    for _ in range(chance.choice([1, 3, 10])):
        if not changed:
            break
        near_end = chance.random() < 0.5 and len(changed) > 300
        at = (
            chance.randrange(len(changed) - 300, len(changed)) if near_end else chance.randrange(min(len(changed), 600))
        )
        if kind == "flip":
            changed[at] ^= 1 << chance.randrange(8)
        else:
            changed[at : at + 4] = struct.pack("<I", chance.choice([0, 1, 0xFFFFFFFF, 0x7FFFFFFF, len(data)]))
    return bytes(changed)


def other(chance: random.Random) -> bytes:
    """What only looks like an archive."""
    heads = [
        b"PK\x03\x04",
        b"PK\x05\x06",
        b"\x1f\x8b\x08",
        b"BZh9",
        b"\xfd7zXZ\0",
        b"Rar!",
        b"7z\xbc\xaf\x27\x1c",
        b"<html>",
        b"",
    ]
    return chance.choice(heads) + chance.randbytes(chance.choice([0, 20, 600]))


_SOURCES: list[Callable[[random.Random], bytes]] = [some_zip, some_zip, some_tar, some_tar, bomb, nested, other]


def some_archive(chance: random.Random) -> tuple[str, bytes]:
    """Return a file name and its content; the same from the same state of `chance`."""
    data = chance.choice(_SOURCES)(chance)
    if chance.random() < 0.5:
        data = damage(chance, data)
    return chance.choice(
        ["faces.zip", "faces.tar", "faces.tar.gz", "faces", "faces.csv", "faces.CSV.gz", "é.zip", " .zip"]
    ), data
