import bz2
import gzip
import io
import lzma
import shutil
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from download_helpers import FACES, tar_of, tree, zip_of

from defaults import section
from ferflow.base.errors import DownloadError
from ferflow.download import acquire, fingerprint
from ferflow.settings.datasets import LocalSource

CSV = b"emotion,pixels,Usage\n" + b"0," + b" ".join([b"7"] * 2304) + b",Training\n"


def zip_with(name: str, data: bytes = b"x", mode: int = 0, **changes: object) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        member = zipfile.ZipInfo(name)
        member.external_attr = mode << 16
        for key, value in changes.items():
            setattr(member, key, value)
        archive.writestr(member, data)
    return stream.getvalue()


@pytest.fixture
def take(tmp_path: Path) -> Callable[..., Path]:
    """Unpack bytes under a name into tmp_path/data/raw, and return that folder."""

    def unpack_bytes(data: bytes, name: str = "faces.zip", **limits: int) -> Path:
        archive = tmp_path / name
        archive.write_bytes(data)
        raw = tmp_path / "data" / "raw"
        acquire(
            "own",
            LocalSource(kind="local", path=str(archive)),
            raw=raw,
            cache=tmp_path / "data" / ".download",
            limits=section("unpack", **limits),
            seed=0,
            environment={},
        )
        return raw

    return unpack_bytes


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("faces.zip", zip_of(FACES)),
        ("faces.tar", tar_of(FACES)),
        ("faces.tar.gz", tar_of(FACES, "w:gz")),
        ("faces.tgz", tar_of(FACES, "w:gz")),
        ("faces.tar.bz2", tar_of(FACES, "w:bz2")),
        ("faces.tar.xz", tar_of(FACES, "w:xz")),
        ("named wrongly.zip", tar_of(FACES, "w:gz")),
        ("no suffix", zip_of(FACES)),
        ("old.tar", tar_of(FACES, style=tarfile.USTAR_FORMAT)),
    ],
)
def test_every_kind_of_archive_gives_the_same_tree(take: Callable[..., Path], name: str, data: bytes) -> None:
    assert tree(take(data, name)) == FACES


def test_an_archive_of_a_whole_folder_is_taken_without_its_folders(tmp_path: Path, take: Callable[..., Path]) -> None:
    for name, data in FACES.items():
        path = tmp_path / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (tmp_path / "mine" / "train" / "empty").mkdir()
    for kind in ("gztar", "zip"):
        packed = Path(shutil.make_archive(str(tmp_path / "packed"), kind, tmp_path / "mine"))
        raw = take(packed.read_bytes(), packed.name)
        assert tree(raw) == FACES
        assert not (raw / "train" / "empty").exists()  # DVC would not bring it back either


@pytest.mark.parametrize(
    ("name", "pack"),  # packed in the test: a .gz carries the time, and must not decide the test's name
    [
        ("fer2013.csv", bytes),
        ("fer2013.csv.gz", gzip.compress),
        ("fer2013.csv.bz2", bz2.compress),
        ("fer2013.csv.xz", lzma.compress),
        ("fer2013.zip", lambda table: zip_of({"fer2013.csv": table})),
    ],
)
def test_a_table_alone_may_be_packed_or_not(
    take: Callable[..., Path], name: str, pack: Callable[[bytes], bytes]
) -> None:
    assert tree(take(pack(CSV), name)) == {"fer2013.csv": CSV}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (zip_with("../evil.jpg"), "outside its folder"),
        (zip_with("/tmp/evil.jpg"), "outside its folder"),
        (zip_with("C:\\evil.jpg"), "outside its folder"),
        (zip_with("a\\..\\..\\evil.jpg"), "outside its folder"),
        (tar_of({"../evil.jpg": b"x"}), "outside its folder"),
        (tar_of({"/evil.jpg": b"x"}), "outside its folder"),
        (zip_of({**FACES, "../evil/": b""}), "outside its folder"),
        (tar_of({"../evil": b""}, type=tarfile.DIRTYPE), "outside its folder"),
        (zip_with("link.jpg", b"/etc/passwd", stat.S_IFLNK | 0o777), "link or a device"),
        (zip_with("fifo.jpg", b"", stat.S_IFIFO | 0o666), "link or a device"),
        (tar_of({"a.jpg": b""}, type=tarfile.SYMTYPE, linkname="/etc/passwd"), "link or a device"),
        (tar_of({"a.jpg": b""}, type=tarfile.LNKTYPE, linkname="b.jpg"), "link or a device"),
        (tar_of({"a.jpg": b""}, type=tarfile.CHRTYPE), "link or a device"),
        (tar_of({"a.jpg": b""}, type=tarfile.FIFOTYPE), "link or a device"),
        (tar_of({"a.jpg": b"1"})[:1024] + tar_of({"a.jpg": b"2"}), "under one name"),
        (tar_of({"a": b"1"})[:1024] + tar_of({"a/b.jpg": b"2"}), "under one name"),
        (tar_of({"a/b.jpg": b"1"})[:1024] + tar_of({"./a//b.jpg": b"2"}), "under one name"),
        (b"", "is empty"),
        (b"<!DOCTYPE html><html>Log in</html>", "web page"),
        (b"Rar!\x1a\x07\x00", "RAR"),
        (b"7z\xbc\xaf\x27\x1c\x00", "7z"),
        (b"\xff\xd8\xff\xe0 a picture", "a single JPEG image"),
        (b"\x00" * 5000, "not an archive that can be read"),
        (zip_of({"readme.txt": b"no faces"}), "No images found"),
        (zip_of({"__MACOSX/a.jpg": b"x", ".hidden/b.jpg": b"x"}), "No images found"),
        (zip_of({"inner.zip": zip_of(FACES)}), "another archive, 'inner.zip'"),
        (zip_of({}), "No images found"),
    ],
)
def test_a_hostile_or_useless_archive_is_refused_whole(
    take: Callable[..., Path], tmp_path: Path, data: bytes, said: str
) -> None:
    with pytest.raises(DownloadError, match=said):
        take(data)
    assert not list((tmp_path / "data").iterdir())


def test_a_zip_with_one_name_twice_is_refused(take: Callable[..., Path], tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.jpg", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.jpg", b"2")
    with pytest.raises(DownloadError, match=r"under one name, 'a\.jpg'"):
        take(stream.getvalue())


WINDOWS = {name.replace("/", "\\"): data for name, data in FACES.items()}


@pytest.mark.parametrize("made_on", [0, 3, 11])  # FAT, Unix, NTFS
@pytest.mark.parametrize("folders", [{}, {"train\\": b"", "train\\angry\\": b""}], ids=["files", "with folders"])
def test_backslashes_in_a_zip_are_folders_as_on_windows(
    take: Callable[..., Path], made_on: int, folders: dict[str, bytes]
) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in {**folders, **WINDOWS}.items():
            member = zipfile.ZipInfo(name)
            member.create_system = made_on
            archive.writestr(member, data)
    raw = take(stream.getvalue())
    assert tree(raw) == FACES
    assert not [path for path in raw.rglob("*") if "\\" in path.name or "%5C" in path.name]


def test_backslashes_in_a_tar_are_folders_too(take: Callable[..., Path]) -> None:
    assert tree(take(tar_of(WINDOWS), "faces.tar")) == FACES


@pytest.mark.parametrize(
    "name",
    ["..\\evil.jpg", "a\\..\\..\\evil.jpg", "\\evil.jpg", "\\\\host\\share\\evil.jpg", "C:\\evil.jpg", "c:evil.jpg"],
)
@pytest.mark.parametrize("pack", [zip_of, tar_of])
def test_backslashes_do_not_lead_out_of_the_folder(
    take: Callable[..., Path], tmp_path: Path, name: str, pack: Callable[..., bytes]
) -> None:
    for hostile in (name, f"{name}\\"):
        with pytest.raises(DownloadError, match="outside its folder"):
            take(pack({**FACES, hostile: b""}))
        assert not list((tmp_path / "data").iterdir())


def test_one_name_with_both_slashes_is_refused(take: Callable[..., Path]) -> None:
    with pytest.raises(DownloadError, match="under one name"):
        take(zip_of({"a/b.jpg": b"1", "a\\b.jpg": b"2"}))


def test_an_encrypted_zip_is_reported(take: Callable[..., Path]) -> None:
    data = bytearray(zip_with("a.jpg"))
    data[6] |= 1  # the flags of the local header, and of the central one
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(DownloadError, match="is encrypted"):
        take(bytes(data))


def test_an_unknown_compression_method_is_reported(take: Callable[..., Path]) -> None:
    data = bytearray(zip_with("a.jpg"))
    struct.pack_into("<H", data, 8, 97)
    struct.pack_into("<H", data, data.index(b"PK\x01\x02") + 10, 97)
    with pytest.raises(DownloadError, match="Python cannot read"):
        take(bytes(data))


BOMB = bytes(3_000_000)


@pytest.mark.parametrize(
    ("data", "limits", "key"),
    [
        (zip_with("a.jpg", BOMB, compress_type=zipfile.ZIP_DEFLATED), {}, "max_ratio"),
        (tar_of({"a.jpg": BOMB}, "w:gz"), {}, "max_ratio"),
        (tar_of({"a.jpg": BOMB}, "w:xz"), {}, "max_ratio"),
        (gzip.compress(BOMB), {}, "max_ratio"),
        (tar_of({"a.jpg": BOMB}), {"max_bytes": 2_999_999}, "max_bytes"),
        (zip_with("a.jpg", BOMB), {"max_bytes": 2_999_999}, "max_bytes"),
        (zip_of({f"{n}.jpg": b"x" for n in range(11)}), {"max_files": 10}, "max_files"),
        (tar_of({f"{n}.jpg": b"x" for n in range(11)}), {"max_files": 10}, "max_files"),
        (zip_of({f"empty{n}/": b"" for n in range(11)}), {"max_files": 10}, "max_files"),
        (tar_of({"a.jpg": b"x"}, "w:gz")[:-8] and gzip.compress(tar_of({"a.jpg": b"x"}) + BOMB), {}, "max_ratio"),
    ],
)
def test_bombs_are_stopped_while_unpacking(
    take: Callable[..., Path], tmp_path: Path, data: bytes, limits: dict[str, int], key: str
) -> None:
    with pytest.raises(DownloadError, match=rf"unpack\.{key}"):
        take(data, **limits)
    assert not list((tmp_path / "data").iterdir())


def test_a_zip_that_lies_about_its_size_is_stopped(take: Callable[..., Path], tmp_path: Path) -> None:
    data = bytearray(zip_with("a.jpg", BOMB, compress_type=zipfile.ZIP_DEFLATED))
    struct.pack_into("<I", data, 22, 10)
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, 10)
    with pytest.raises(DownloadError):
        take(bytes(data))
    assert not list((tmp_path / "data").iterdir())


@pytest.mark.parametrize("kind", ["pax", "longname"])
def test_a_huge_tar_header_is_not_taken_into_memory(take: Callable[..., Path], kind: str) -> None:
    header = tarfile.TarInfo("x")
    header.type = tarfile.XHDTYPE if kind == "pax" else tarfile.GNUTYPE_LONGNAME
    header.size = 50_000_000
    with pytest.raises(DownloadError, match="one of its headers is larger"):
        take(gzip.compress(header.tobuf() + bytes(50_000_000)), max_ratio=1_000_000)


def test_names_in_any_encoding_are_kept_readable(take: Callable[..., Path]) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("happy/\u00e9.jpg", b"flagged")
    unflagged = bytearray(zip_with("happy/ab.jpg", b"unflagged")).replace(b"ab.jpg", "é.jpg".encode())
    latin = bytearray(zip_with("happy/a.jpg", b"old")).replace(b"a.jpg", b"\x82.jpg")  # é in code page 437
    for data in (stream.getvalue(), bytes(unflagged), bytes(latin)):
        assert set(tree(take(data))) == {"happy/é.jpg"}
    tar = tar_of({"happy/ab.jpg": b"x"}, style=tarfile.GNU_FORMAT)
    broken = tar.replace(b"happy/ab.jpg", b"happy/\xe9b.jpg")
    header = bytearray(broken[:512])
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    assert set(tree(take(bytes(header) + broken[512:]))) == {"happy/%E9b.jpg"}


def test_the_fingerprint_of_an_archive_is_the_sha256_in_the_receipt(tmp_path: Path) -> None:
    archive = tmp_path / "faces.zip"
    archive.write_bytes(zip_of(FACES))
    receipt = acquire(
        "own",
        LocalSource(kind="local"),
        raw=tmp_path / "raw",
        cache=tmp_path / "cache",
        limits=section("unpack"),
        seed=0,
        environment={},
        archive=archive,
    )
    assert receipt.sha256 == fingerprint(archive)
    assert (receipt.source, receipt.origin, receipt.licence) == ("archive", "faces.zip", None)
    assert (receipt.files, receipt.bytes) == (len(FACES), sum(map(len, FACES.values())))
    assert str(tmp_path) not in repr(receipt)
