"""The outputs of clean: the same bytes for any number of processes and any order on disk."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from clean_helpers import Raw, jpeg

from defaults import section
from ferflow.base.errors import DataError
from ferflow.base.hashing import sha256
from ferflow.clean import clean_folder, image_reader
from ferflow.raw.manifest import read_manifest, write_manifest


def fill(raw: Raw, order: int = 1) -> None:
    files: list[tuple[str, bytes | int]] = [(f"train/happy/Training_{seed}.jpg", seed) for seed in range(20)]
    files += [(f"train/sad/Training_{seed}.jpg", seed + 15) for seed in range(20)]
    files += [(f"test/sad/PublicTest_{seed}.jpg", seed + 30) for seed in range(10)]
    files += [("train/happy/cut.jpg", jpeg(1)[:-9]), ("train/.DS_Store", b"x"), ("readme.txt", b"x")]
    for path, data in files[::order]:
        raw.put(path, data)


def bytes_of(raw: Raw, folder: Path, workers: int = 1) -> tuple[str, str]:
    cleaned = clean_folder(raw.folder, section("clean"), image_size=48, workers=workers)
    write_manifest(folder / "manifest.parquet", cleaned.manifest)
    return sha256(folder / "manifest.parquet"), cleaned.summary.model_dump_json()


def test_same_bytes_whatever_the_order_on_disk_and_the_processes(
    raw: Raw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(raw)
    first = bytes_of(raw, tmp_path)
    assert bytes_of(raw, tmp_path) == first
    shutil.rmtree(raw.folder)
    raw.folder.mkdir()
    fill(raw, order=-1)
    assert bytes_of(raw, tmp_path) == first
    monkeypatch.setattr(image_reader, "_PORTION", 7)
    assert bytes_of(raw, tmp_path, workers=3) == first


def test_the_manifest_reads_back_as_it_was(raw: Raw, tmp_path: Path) -> None:
    fill(raw)
    cleaned = raw.clean()
    write_manifest(tmp_path / "manifest.parquet", cleaned.manifest)
    pd.testing.assert_frame_equal(read_manifest(tmp_path / "manifest.parquet"), cleaned.manifest)
    assert cleaned.manifest["path"].is_monotonic_increasing


def test_the_summary_counts_over_all_readable_images(raw: Raw) -> None:
    fill(raw)
    summary = raw.clean().summary.model_dump(mode="json")
    assert summary["files"] == 53
    assert summary["readable"] == 50
    assert summary["duplicates"] == {"redundant": 10, "groups": 10, "conflicting_groups": 5}
    assert summary["leakage"] == {"test": 5, "private_test": 0, "public_test": 5, "training_copies": 5}
    assert summary["dropped_by_reason"] == {
        "system_file": 1,
        "outside_class": 1,
        "unreadable": 1,
        "leaked_copy": 5,
        "conflicting_copies": 10,
    }
    assert summary["kept"] == 35
    assert summary["classes"] == {"happy": 15, "sad": 20}
    assert summary["splits"] == {"test": 10, "train": 25}


@pytest.mark.parametrize("content", [[], ["readme.txt"], ["happy/.keep"], ["train/happy/broken.jpg"]])
def test_data_without_any_image(raw: Raw, content: list[str]) -> None:
    for path in content:
        raw.put(path, b"x")
    cleaned = raw.clean()
    assert cleaned.summary.files == len(cleaned.manifest) == len(content)
    assert cleaned.summary.kept == 0
    assert cleaned.summary.near_copies.largest_group == 0


def test_no_raw_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="dvc repro download"):
        clean_folder(tmp_path / "none", section("clean"), image_size=48)
