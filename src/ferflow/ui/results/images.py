"""`docs/results/<dataset>/images.parquet`: every image of a dataset by the hash of its pixels, without the pixels.

Others can cite it: which images are copies, which were left out and why, how the rest was split, and, where known, how
ten annotators voted (FER+, Barsoum et al. 2016). Predictions refer to its rows.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from ferflow.base.errors import DataError
from ferflow.base.files import reading, whole_file
from ferflow.raw.ferplus import COLUMNS as VOTES
from ferflow.raw.manifest import read_manifest

IMAGES_FILE = "images.parquet"
COLUMNS = ("path", "pixels", "subset", "label", "verdict", "reason", "group", "split")
SPLITS = ("validation", "test")


def image_table(root: Path) -> pd.DataFrame:
    """Return a row for each readable image of the raw data, in the order of the manifest.

    Args:
        root: Project root, with data/clean and data/prepare.

    Returns:
        COLUMNS: path below data/raw, SHA-256 of the pixels, subset such as PrivateTest, label, verdict of clean and
        its reason, number of the group of copies, and the split it is in: train, validation, test, or empty if it was
        left out.

    Raises:
        DataError: A file is missing.
    """
    manifest = read_manifest(root / "data/clean/manifest.parquet")
    table = manifest.loc[manifest["pixels"] != "", list(COLUMNS[:-1])].reset_index(drop=True)
    split = pd.Series("", index=table["path"])
    for name in ("train", *SPLITS):
        with reading(root / f"data/prepare/{name}_index.parquet", "prepare") as path:
            ids = pd.read_parquet(path, columns=["id"])["id"]
        split[ids] = name
    return table.assign(split=split.to_numpy())


def add_votes(table: pd.DataFrame, votes: Path) -> pd.DataFrame:
    """Return the table with the ten columns of votes, uint8; images without votes have zeros.

    Args:
        table: What image_table returns.
        votes: CSV with the column `path`, as in the table, and the columns of fer2013new.csv.

    Raises:
        DataError: The file lacks a column, names an image twice, or knows none of the images.
    """
    with reading(votes, remedy="Give a table as CSV with the columns path and those of fer2013new.csv."):
        given = pd.read_csv(votes)
    given.columns = [name.strip().lower() for name in given.columns]
    if missing := [name for name in ("path", *VOTES) if name not in given.columns]:
        raise DataError(f"{votes} lacks the columns {', '.join(missing)}. Received: {', '.join(given.columns)}.")
    if given["path"].duplicated().any():
        raise DataError(f"{votes} names {given.loc[given['path'].duplicated(), 'path'].iloc[0]} twice.")
    if not given["path"].isin(table["path"]).any():
        raise DataError(f"{votes} knows none of the {len(table):,} images, such as {table['path'].iloc[0]}.")
    found = given.set_index("path")[list(VOTES)].reindex(table["path"]).fillna(0).astype(np.uint8)
    return pd.concat([table, found.reset_index(drop=True)], axis=1)


def write_images(folder: Path, table: pd.DataFrame) -> pd.DataFrame:
    """Write images.parquet, and return it; the votes of a present one are kept if the table has none.

    The split and the verdicts of a present file stay as well: they are those of the protocol without leaks, which is
    recorded first.

    Args:
        folder: docs/results/<dataset>.
        table: What image_table or add_votes returns.

    Raises:
        DataError: The present file is about other images.
    """
    path = folder / IMAGES_FILE
    if path.is_file():
        with reading(path, remedy=f"Restore it: git checkout {path}."):
            before = pd.read_parquet(path)
        if not before[["path", "pixels", "label"]].equals(table[["path", "pixels", "label"]]):
            raise DataError(
                f"{path} is about {len(before):,} images, and data/clean about {len(table):,} others, so the results "
                "do not belong together. Move or delete the folder."
            )
        if not set(VOTES) <= set(table.columns):
            return before
        table = pd.concat([before[list(COLUMNS)], table[list(VOTES)]], axis=1)
    with whole_file(path) as temporary:
        table.to_parquet(temporary, index=False, compression="zstd")
    return table
