"""`data/clean/manifest.parquet`: one row for every file of the raw data, written by clean, read by eda and prepare."""

import os
import re
from pathlib import Path

import pandas as pd

from ferflow.base.errors import DataError
from ferflow.base.files import whole_file

COLUMNS: dict[str, str] = {
    "path": "str",  # relative to the raw folder, forward slashes; `file.csv#17` for row 17 (from 0) of a CSV
    "split": "str",  # train, validation, test; empty where the data does not tell (prepare cuts it then)
    "subset": "str",  # Training, PublicTest, PrivateTest as names or Usage tell; else the split's own name
    "label": "str",  # canonical class name; empty where there is none
    "verdict": "str",  # keep or drop
    "reason": "str",  # empty for a kept image in which nothing was found; see ferflow.clean for the others
    "detail": "str",  # for people: the error, or the path of the image that this one is a copy of
    "bytes": "int64",  # size of the file
    "sha256": "str",  # of the file's bytes; empty for links and for CSV rows
    "pixels": "str",  # SHA-256 of size and grey pixels; empty where unreadable. Exact copies share it.
    "width": "int64",  # pixels; 0 where unreadable
    "height": "int64",
    "mode": "str",  # Pillow's name as it came, such as L or RGB
    "mean": "float64",  # grey levels, 0 to 255; 0 where unreadable
    "std": "float64",
    "phash": "uint64",  # 64-bit perceptual hash of the DCT; 0 where unreadable
    "group": "int64",  # images with the same number are copies or near-copies of each other; -1 where unreadable
    "copy_in_train": "bool",  # a test or validation image whose pixels also stand in the raw training images
}


def write_manifest(path: Path, manifest: pd.DataFrame) -> None:
    """Write the manifest: the columns of COLUMNS in that order, sorted by path, the same bytes from the same rows."""
    ordered = manifest[list(COLUMNS)].astype(COLUMNS).sort_values("path", kind="stable", ignore_index=True)
    with whole_file(path) as temporary:
        ordered.to_parquet(temporary, index=False, compression="zstd")


def read_manifest(path: Path) -> pd.DataFrame:
    """Read the manifest.

    Raises:
        DataError: the file is missing or lacks a column.
    """
    if not path.is_file():
        raise DataError(f"{path} is missing. Run the stage that makes it: dvc repro clean.")
    manifest = pd.read_parquet(path)
    missing = [name for name in COLUMNS if name not in manifest.columns]
    if missing:
        raise DataError(f"{path} lacks the columns {', '.join(missing)}. Make it anew: dvc repro -f clean.")
    return manifest


def write_votes(path: Path, votes: pd.DataFrame) -> None:
    """Write the FER+ votes beside the manifest: `path` as there, then ferplus.COLUMNS; the same bytes every time."""
    with whole_file(path) as temporary:
        votes.to_parquet(temporary, index=False, compression="zstd")


def read_votes(path: Path) -> pd.DataFrame:
    """Read the FER+ votes.

    Raises:
        DataError: the file is missing.
    """
    if not path.is_file():
        raise DataError(f"{path} is missing: the data has no FER+ votes, or clean has not run. Run dvc repro clean.")
    return pd.read_parquet(path)


_ROW = re.compile(r"^(?P<table>.*\.csv)#(?P<row>[0-9]+)$", re.IGNORECASE | re.DOTALL)
_ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")
_NOT_TEXT = re.compile(r"[\x00-\x1f\x7f\\]")


def manifest_path(relative: str) -> str:
    """Return how the manifest writes a file's path: always valid text, and no two files alike.

    Args:
        relative: the path below the raw folder as the system gives it, bytes that are not UTF-8 as lone surrogates.

    Returns:
        The same path with `\\xNN` for each byte that is not UTF-8, for control characters and for backslashes.
    """
    text = _NOT_TEXT.sub(lambda match: f"\\x{ord(match[0]):02x}", relative)
    if _ROW.match(text):  # else it would read as a row of a table
        head, _, row = text.rpartition("#")
        text = f"{head}\\x23{row}"
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def raw_path(raw: Path, path: str) -> Path:
    """Return the file below `raw` that the manifest writes as `path`; for a table's row, the table."""
    return Path(raw_name(str(raw), path))


def raw_name(raw: str, path: str) -> str:
    """Return raw_path as the text that the system wants, which is sooner done."""
    table = _ROW.match(path) if "#" in path else None
    path = table["table"] if table else path
    if "\\" in path:
        path = os.fsdecode(_ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), path.encode("utf-8")))
    return f"{raw}/{path}"


def table_row(path: str) -> int | None:
    """Return the number of the row, from 0, where `path` is a table's row, as 17 in `fer2013.csv#17`; else None."""
    match = _ROW.match(path) if "#" in path else None
    return int(match["row"]) if match else None
