"""The manifest: its columns, its order, and how it writes paths."""

import os
import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferflow.base.errors import DataError
from ferflow.raw.manifest import COLUMNS, manifest_path, raw_path, read_manifest, table_row, write_manifest


def manifest(paths: list[str]) -> pd.DataFrame:
    zero = {"str": "", "int64": 0, "float64": 0.0, "uint64": 0, "bool": False}
    rows = pd.DataFrame({name: [zero[kind]] * len(paths) for name, kind in COLUMNS.items()})
    rows["path"] = paths
    rows["phash"] = [2**64 - 1] * len(paths)
    return rows


def test_round_trip_sorted_in_the_columns_order(tmp_path: Path) -> None:
    path = tmp_path / "manifest.parquet"
    rows = manifest(["b/2.png", "a/é.png", "b/1.png"])
    write_manifest(path, rows[sorted(rows.columns)].assign(extra=1))
    read = read_manifest(path)
    assert list(read.columns) == list(COLUMNS)
    assert read["path"].tolist() == ["a/é.png", "b/1.png", "b/2.png"]
    assert read["phash"].tolist() == [2**64 - 1] * 3


def test_same_bytes_whatever_the_order_of_the_rows(tmp_path: Path) -> None:
    rows = manifest(["b", "c", "a"])
    write_manifest(tmp_path / "1", rows)
    write_manifest(tmp_path / "2", rows.iloc[::-1])
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_a_missing_manifest_is_reported(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"is missing\. Run the stage that makes it: dvc repro clean"):
        read_manifest(tmp_path / "manifest.parquet")


def test_a_manifest_of_an_older_version_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "manifest.parquet"
    manifest(["a"]).drop(columns=["phash", "verdict"]).to_parquet(path)
    with pytest.raises(DataError, match="lacks the columns verdict, phash"):
        read_manifest(path)


NAMES = st.binary(min_size=1, max_size=12).filter(lambda name: b"/" not in name and b"\0" not in name)


@settings(deadline=None)
@given(st.lists(NAMES, min_size=1, max_size=3))
def test_any_name_is_written_as_valid_text_and_read_back(parts: list[bytes]) -> None:
    relative = os.fsdecode(b"/".join(parts))
    text = manifest_path(relative)
    text.encode("utf-8")
    assert not re.search(r"[\x00-\x1f\x7f]", text)
    assert table_row(text) is None
    assert os.fsencode(str(raw_path(Path("raw"), text))) == os.fsencode(str(Path("raw") / relative))


@settings(deadline=None)
@given(NAMES, NAMES)
def test_every_file_is_written_uniquely(one: bytes, two: bytes) -> None:
    same = manifest_path(os.fsdecode(one)) == manifest_path(os.fsdecode(two))
    assert same == (one == two)


def test_rows_of_a_table() -> None:
    assert table_row("a/fer2013.csv#17") == 17
    assert raw_path(Path("raw"), "a/fer2013.csv#17") == Path("raw/a/fer2013.csv")
    assert table_row("a/17.png") is None
    strange = manifest_path("a/fer2013.csv#17")  # a file with exactly that name
    assert table_row(strange) is None
    assert raw_path(Path("raw"), strange) == Path("raw/a/fer2013.csv#17")
