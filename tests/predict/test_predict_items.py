"""What the arguments of `ferflow predict` stand for."""

from pathlib import Path

import pytest

from ferflow.base.errors import DataError
from ferflow.predict.items import Item, Kind, find_items


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("pics/b.JPG", "pics/a.png", "pics/deep/c.webp", "pics/clip.mp4", "pics/notes.txt", "pics/.hidden.png"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    (tmp_path / "pics/.cache").mkdir()
    (tmp_path / "pics/.cache/d.png").touch()
    return tmp_path


def test_a_folder_is_searched_in_sorted_order_without_other_files(folder: Path) -> None:
    assert find_items(["pics"]) == [
        Item("pics/a.png", Kind.PICTURE, "a.png"),
        Item("pics/b.JPG", Kind.PICTURE, "b.JPG"),
        Item("pics/clip.mp4", Kind.VIDEO, "clip.mp4"),
        Item("pics/deep/c.webp", Kind.PICTURE, "deep/c.webp"),
    ]


def test_patterns_files_and_cameras(folder: Path) -> None:
    assert [item.name for item in find_items(["pics/**/*.[pw]*"])] == ["pics/a.png", "pics/deep/c.webp"]
    assert find_items(["0"]) == [Item("0", Kind.CAMERA, "camera0.mp4")]
    Path("0").touch()
    assert find_items(["0"]) == [Item("0", Kind.PICTURE, "0")]  # a file of that name wins
    assert find_items(["none.mov"]) == [Item("none.mov", Kind.VIDEO, "none.mov")]


def test_a_name_with_brackets_is_a_file_if_there_is_one(folder: Path) -> None:
    Path("a[1].jpg").touch()
    assert find_items(["a[1].jpg"])[0].name == "a[1].jpg"


def test_nothing_is_looked_at_twice(folder: Path) -> None:
    assert len(find_items(["pics", "pics/a.png", "pics/*.png"])) == 4


def test_addresses(folder: Path) -> None:
    assert find_items(["https://host/x/me.jpg?size=2", "HTTP://host"]) == [
        Item("https://host/x/me.jpg?size=2", Kind.URL, "me.jpg"),
        Item("HTTP://host", Kind.URL, "picture"),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_lists_paths_relative_to_itself(folder: Path, delimiter: str) -> None:
    table = folder / "pics/list.csv"
    rows = [["id", "file"], ["1", "a.png"], ["2", ""], ["3", "deep/c.webp"], ["4", "http://host/e.png"]]
    table.write_text("\ufeff" + "\n".join(delimiter.join(row) for row in rows), encoding="utf-8")
    assert find_items(["pics/list.csv"], "file") == [
        Item("pics/a.png", Kind.PICTURE, "a.png"),
        Item("pics/deep/c.webp", Kind.PICTURE, "deep/c.webp"),
        Item("http://host/e.png", Kind.URL, "e.png"),
    ]
    with pytest.raises(DataError, match=r"has no column 'path'; name it with --column. Its columns: id, file\."):
        find_items(["pics/list.csv"])


def test_a_parquet_table_lists_paths(folder: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    parquet.write_table(pyarrow.table({"path": ["a.png", None, "../elsewhere/x.png"]}), "pics/list.parquet")
    found = find_items(["pics/list.parquet"])
    assert [item.name for item in found] == ["pics/a.png", "pics/../elsewhere/x.png"]
    assert found[1].place == "x.png"  # an annotated copy never leaves its folder
    with pytest.raises(DataError, match="Its columns: path"):
        find_items(["pics/list.parquet"], "image")
    Path("bad.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(DataError, match=r"bad.parquet cannot be read as a table"):
        find_items(["bad.parquet"])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("empty", "empty and its subfolders contain no picture and no video"),
        ("*.gif", r"\*\.gif matches no file"),
        ("empty.csv", "has no column 'path'"),
        ("header.csv", "Column 'path' of header.csv has no rows"),
        ("binary.csv", "binary.csv cannot be read as a table"),
    ],
)
def test_what_stands_for_nothing_is_told(folder: Path, name: str, message: str) -> None:
    Path("empty").mkdir()
    Path("empty.csv").touch()
    Path("header.csv").write_text("path\n")
    Path("binary.csv").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(DataError, match=message):
        find_items([name])
