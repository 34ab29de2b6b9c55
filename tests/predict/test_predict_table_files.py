"""The table in each format, and how a stopped run is continued."""

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferflow.base.errors import DataError
from ferflow.predict.rows import Row, Status, columns
from ferflow.predict.table_files import TerminalTable, open_table
from ferflow.use.face import Box
from ferflow.use.recognizer import Recognition

CLASSES = ("happy", "sad")
SUFFIXES = [".csv", ".jsonl", ".parquet"]


def found(path: str, share: float = 0.75, **more: int | float) -> Row:
    shares = {"happy": share, "sad": 1 - share}
    recognition = Recognition("happy", shares, Box(1.04, 2, 30.25, 40), 0.98765)
    return Row(path, face=1, recognition=recognition, probabilities=shares, **more)  # type: ignore[arg-type]


FAILED = Row('c, "odd"\nname.png', status=Status.FAILED, reason="damaged: ünd so")


def read(file: Path) -> list[dict[str, object]]:
    if file.suffix == ".csv":
        return [dict(row) for row in csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"), newline=""))]
    if file.suffix == ".parquet":
        import pyarrow.parquet as parquet

        return list(parquet.read_table(file).to_pylist())
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_has_the_same_rows(tmp_path: Path, suffix: str) -> None:
    table = open_table(tmp_path / f"deep/out{suffix}", CLASSES)
    table.write([found("a.mp4", frame=3, time=0.12345)])
    table.write([Row("b.png", status=Status.NO_FACE, reason="no face found"), FAILED])
    table.close()
    first, second, third = read(tmp_path / f"deep/out{suffix}")
    assert list(first) == columns(CLASSES)
    empty = "" if suffix == ".csv" else None
    expected = {"path": "a.mp4", "frame": 3, "time": 0.123, "face": 1, "x": 1.0, "width": 30.2, "score": 0.9877}
    expected |= {"answer": "happy", "p_happy": 0.75, "p_sad": 0.25, "status": "ok"}
    assert {key: first[key] for key in expected} == {
        key: str(value) if suffix == ".csv" else value for key, value in expected.items()
    }
    assert [second[key] for key in ("face", "x", "answer", "p_sad", "status")] == [empty] * 4 + ["no_face"]
    assert (third["path"], third["reason"]) == (FAILED.path, "damaged: ünd so")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_second_run_skips_what_is_done_and_does_the_last_item_again(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"out{suffix}"
    table = open_table(out, CLASSES)
    table.write([found("a"), found("a", 0.2)])
    table.write([FAILED])
    table.write([found("b")])
    table.close()
    table = open_table(out, CLASSES)
    assert table.done == {"a", FAILED.path}
    table.write([found("b", 0.6), found("b", 0.5)])
    table.close()
    assert [row["path"] for row in read(out)] == ["a", "a", FAILED.path, "b", "b"]
    assert float(str(read(out)[3]["p_happy"])) == 0.6
    assert open_table(out, CLASSES, overwrite=True).done == set()


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_file_cut_anywhere_is_continued_to_the_whole_table(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, data: st.DataObject
) -> None:
    out = tmp_path_factory.mktemp("cut") / f"out{suffix}"
    items = {"a": [found("a"), found("a")], FAILED.path: [FAILED], "é": [found("é")], "d": [found("d"), found("d")]}

    def run() -> None:
        table = open_table(out, CLASSES)
        for name, rows in items.items():
            if name not in table.done:
                table.write(rows)
        table.close()

    run()
    whole = out.read_bytes()
    out.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    run()
    assert out.read_bytes() == whole


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.csv", "path\nme.jpg\n"),
        ("one.csv", "a word"),
        ("other.csv", ",".join(columns(("calm", "angry"))) + "\n"),
        ("other.jsonl", '{"path": "a", "label": 3}\n'),
        ("notes.jsonl", "some notes\n"),
        ("no.parquet", "text"),
    ],
)
def test_a_file_that_is_another_table_is_left_alone(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match="--overwrite"):
        open_table(tmp_path / name, CLASSES)
    assert (tmp_path / name).read_text() == content


def test_the_suffix_is_the_format(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Received: .xlsx. Allowed: .csv \(CSV\), .jsonl \(JSON lines\)"):
        open_table(tmp_path / "out.xlsx", CLASSES)
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"cannot be written: (Not a directory|File exists)"):
        open_table(tmp_path / "file" / "out.csv", CLASSES)


def test_a_missing_parquet_package_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(DataError, match=r"needs the package pyarrow. Install it \(pip install pyarrow\)"):
        open_table(tmp_path / "out.parquet", CLASSES)


def test_on_a_terminal_a_line_says_what_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    screen = io.StringIO()
    table = TerminalTable(screen, CLASSES)
    table.write([found("a" * 70), found("clip.mp4", 0.3, frame=5, time=1.5)])
    table.write([Row("b.png", status=Status.NO_FACE, reason="no face found"), FAILED])
    first, second, third, fourth = screen.getvalue().splitlines()
    assert first.startswith("…aaa")
    assert first.endswith("face 1   happy  75.0 %  sad    25.0 %")
    assert "1.50 s  face 1   sad    70.0 %" in second
    assert third.endswith("no face")
    assert fourth.startswith('c, "odd"?name.png')  # no line break of a file's name reaches the terminal
    assert fourth.endswith("damaged: ünd so")
    assert max(map(len, (first, second, third))) <= 80
