"""`data/clean/manifest.parquet`: one row for every file of the raw data, written by clean, read by eda and prepare."""

from pathlib import Path

import pandas as pd

from ferflow.errors import DataError
from ferflow.files import whole_file

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
