"""Links, pipes, hidden files and unusual names."""

import os
import socket
from pathlib import Path

import pytest
from clean_helpers import Raw, jpeg

from ferflow.raw.manifest import raw_path


def test_system_files_and_files_in_system_folders(raw: Raw) -> None:
    names = [".DS_Store", "Thumbs.db", "desktop.ini", "._a.jpg", ".hidden.jpg", "Icon\r"]
    for name in names:
        raw.put(f"train/happy/{name}", jpeg(1))
    raw.put("__MACOSX/train/happy/a.jpg", jpeg(1))
    raw.put(".git/train/happy/b.jpg", jpeg(1))
    raw.put("THUMBS.DB", b"x")
    found = raw.reasons()
    assert len(found) == len(names) + 3
    assert set(found.values()) == {"drop system_file"}


def test_links_are_never_followed(raw: Raw, tmp_path: Path) -> None:
    secret = tmp_path / "outside"
    secret.mkdir()
    (secret / "a.jpg").write_bytes(jpeg(1))
    raw.put("train/happy/real.jpg", 2)
    folder = raw.folder / "train/happy"
    (folder / "file.jpg").symlink_to(secret / "a.jpg")
    (folder / "inside.jpg").symlink_to("real.jpg")
    (folder / "folder").symlink_to(secret)
    (folder / "nowhere.jpg").symlink_to("gone")
    (folder / "itself.jpg").symlink_to("itself.jpg")
    (raw.folder / "round").symlink_to(raw.folder)
    rows = raw.rows()
    assert rows.loc["train/happy/real.jpg", "verdict"] == "keep"
    links = rows.drop("train/happy/real.jpg")
    assert len(links) == 6
    assert set(links["reason"]) == {"link"}
    assert set(links["sha256"]) == {""}
    assert links.loc["train/happy/inside.jpg", "detail"] == "to real.jpg"


@pytest.mark.timeout(30)
def test_pipes_sockets_and_devices_are_not_opened(raw: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    raw.put("train/happy/real.jpg", 2)
    os.mkfifo(raw.folder / "train/happy/pipe.jpg")
    monkeypatch.chdir(raw.folder / "train/happy")  # the name of a socket has to be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.jpg")
        found = raw.reasons()
    assert found["train/happy/pipe.jpg"] == found["train/happy/socket.jpg"] == "drop special_file"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(raw: Raw) -> None:
    raw.put("train/happy/a.jpg", 1).chmod(0)
    closed = raw.put("train/sad/b.jpg", 2).parent
    closed.chmod(0)
    try:
        assert raw.reasons() == {"train/happy/a.jpg": "drop unreadable", "train/sad": "drop unreadable"}
    finally:
        closed.chmod(0o755)


ODD_NAMES = [
    "with space.jpg",
    " leading and trailing .jpg",
    "emoji 😀👍🏽.jpg",
    "лицо 顔 وجه.jpg",
    "e\u0301 and \u00e9.jpg",
    "quote'\"`$(x)`;&|<>*?[]{}~!.jpg",
    "-rf.jpg",
    "a.b.c.d.jpg",
    "100% \\x41 back\\slash.jpg",
    "new\nline\ttab\x07bell.jpg",
    "table.csv#3",
    "#1.jpg",
    "\u202eexe.jpg",
    "x" * 250 + ".jpg",
    os.fsdecode(b"latin-1 \xe9\xff.jpg"),
    os.fsdecode(b"\x80\x81"),
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names(raw: Raw, name: str) -> None:
    raw.put(f"train/happy/{name}", 1)
    (path,) = raw.reasons()
    path.encode("utf-8")  # valid text
    assert path.isprintable() or "\u202e" in path
    assert raw_path(raw.folder, path).read_bytes() == jpeg(1)


def test_every_name_is_written_uniquely(raw: Raw) -> None:
    for number, name in enumerate([*ODD_NAMES, "latin-1 \\xe9\\xff.jpg", "new\\x0aline.jpg", "new\nline.jpg"]):
        raw.put(f"train/happy/{name}", number)
    rows = raw.rows()
    assert rows.index.is_unique
    assert len(rows) == len(ODD_NAMES) + 3


def test_odd_names_of_folders_become_valid_labels(raw: Raw) -> None:
    raw.put(os.fsdecode(b"caf\xe9/a.jpg"), 1)
    raw.put("thé 😀/b.jpg", 2)
    assert raw.clean().summary.classes == {"caf\\xe9": 1, "thé 😀": 1}


def test_deep_nesting(raw: Raw) -> None:
    raw.put("train/happy/" + "deeper/" * 200 + "a.jpg", 1)
    raw.put("test/happy/b.jpg", 2)
    assert set(raw.reasons().values()) == {"keep"}


def test_deeper_than_the_system_can_name(raw: Raw) -> None:
    raw.put("train/happy/a.jpg", 1)
    here = os.open(raw.folder / "train/happy", os.O_RDONLY)
    for _ in range(60):  # 60 x 100 is more than the 4096 bytes of a path
        os.mkdir("d" * 100, dir_fd=here)
        below = os.open("d" * 100, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    found = raw.reasons()
    assert found.pop("train/happy/a.jpg") == "keep"
    assert list(found.values()) == ["drop unreadable"]


def test_names_do_not_decide_what_is_an_image(raw: Raw) -> None:
    raw.put("train/happy/notes.txt", 1)
    raw.put("train/happy/program.exe", 2)
    assert set(raw.reasons().values()) == {"keep"}


def test_nothing_raw_is_changed(raw: Raw) -> None:
    file = raw.put("train/happy/a.jpg", 1)
    raw.put("train/happy/b.jpg", b"damaged")
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in raw.folder.rglob("*") if path.is_file()}
    raw.clean()
    after = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in raw.folder.rglob("*") if path.is_file()}
    assert file in before
    assert before == after
