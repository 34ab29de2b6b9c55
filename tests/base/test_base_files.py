"""Files are written atomically, and the same values give the same bytes."""

import hashlib
import os
import stat
from pathlib import Path

import numpy as np
import pytest

from ferflow.base.files import (
    read_json,
    whole_file,
    whole_folder,
    write_archive,
    write_json,
    write_text,
    write_yaml,
)
from ferflow.base.hashing import sha256


class HaltError(Exception):
    pass


def half_write(path: Path) -> None:
    path.write_text("ha")
    raise HaltError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_at_the_end_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deep" / "a.csv"
    with whole_file(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
        assert temporary.parent == path.parent, "a rename is whole only within one file system"
        temporary.write_text("whole")
    assert path.read_text() == "whole"
    assert names(path.parent) == ["a.csv"]


@pytest.mark.parametrize("name", ["a.csv", "a.npz", "a.tar.gz"])
def test_the_temporary_name_keeps_the_suffix_and_is_hidden(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with whole_file(path) as temporary:
        assert temporary.suffix == path.suffix
        assert temporary.name.startswith(".")
        assert temporary != path
        temporary.touch()
    assert names(tmp_path) == [name]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(HaltError), whole_file(path) as temporary:
        half_write(temporary)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_file_is_replaced(tmp_path: Path) -> None:
    for text in ("old and long", "new"):
        write_text(tmp_path / "a.txt", text)
    assert (tmp_path / "a.txt").read_text() == "new"


def test_a_body_that_writes_nothing_is_an_error_and_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), whole_file(path):
        pass
    assert path.read_text() == "old"


def test_a_folder_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "out"
    for name in ("old", "new"):
        with whole_folder(path) as temporary:
            (temporary / name).mkdir()
            (temporary / name / "file").write_text(name)
            assert temporary != path
    assert names(path) == ["new"]
    assert names(tmp_path) == ["out"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o755, "a folder that others may read"


def test_a_failure_leaves_the_old_folder_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.mkdir()
    (path / "file").write_text("old")
    with pytest.raises(HaltError), whole_folder(path) as temporary:
        half_write(temporary / "file")
    assert (path / "file").read_text() == "old"
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [1.0, -float("inf")]])
def test_json_has_no_nan(tmp_path: Path, value: object) -> None:
    path = tmp_path / "a.json"
    write_json(path, 1)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"x": value})
    assert read_json(path) == 1
    assert names(tmp_path) == ["a.json"]


def test_json_and_yaml_keep_order_and_words(tmp_path: Path) -> None:
    value = {"b": 1, "a": [0.1, None, True], "ü": "é"}
    write_json(tmp_path / "a.json", value)
    assert (tmp_path / "a.json").read_bytes() == (
        '{\n  "b": 1,\n  "a": [\n    0.1,\n    null,\n    true\n  ],\n  "ü": "é"\n}\n'.encode()
    )
    assert read_json(tmp_path / "a.json") == value
    assert list(read_json(tmp_path / "a.json")) == ["b", "a", "ü"]
    write_yaml(tmp_path / "a.yaml", value)
    assert (tmp_path / "a.yaml").read_bytes() == "b: 1\na:\n- 0.1\n- null\n- true\nü: é\n".encode()


def test_sha256(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(os.urandom(200_000))
    assert sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_archive_has_the_same_bytes_with_every_python(tmp_path: Path) -> None:
    """np.savez writes other headers with Python 3.11.2 than with 3.11.7, so that the digest is stated here."""
    arrays = {"kinds": np.array(["blur", "noise"]), "predicted": np.arange(6, dtype=np.uint8).reshape(2, 3)}
    write_archive(tmp_path / "a.npz", **arrays)
    assert sha256(tmp_path / "a.npz") == "65eb8179f55bc689964a089f288471659a9a7c70513490c3a3869e1dfaf3d026"
    with np.load(tmp_path / "a.npz", allow_pickle=False) as content:
        assert content.files == list(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(content[name], array)


def test_objects_are_not_archived(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Object arrays"):
        write_archive(tmp_path / "a.npz", names=np.array([{}]))
    assert names(tmp_path) == []
