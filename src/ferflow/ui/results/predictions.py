"""`docs/results/<dataset>/<run>/<result>.parquet`: what a network answers for each validation and test image."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ferflow.base.errors import DataError
from ferflow.base.files import whole_file
from ferflow.base.hashing import sha256
from ferflow.scoring.evaluation_sets import evaluation_sets
from ferflow.scoring.predictions import Predictions, read_predictions
from ferflow.ui.results.images import SPLITS
from ferflow.ui.results.records import ResultRecord, Run


def keep_predictions(inferred: Path, images: pd.DataFrame, path: Path) -> str:
    """Write a result's probabilities as float16, which is exact to three digits, and return the file's SHA-256.

    Args:
        inferred: reports/infer/<result>.
        images: Content of images.parquet.
        path: File to write. Its columns are split, row (of images.parquet), copy_in_train, and a column a class.

    Raises:
        DataError: Predictions are missing, or are about unknown images.
    """
    rows = pd.Series(np.arange(len(images), dtype=np.int32), index=images["path"])
    tables = []
    for split in SPLITS:
        part = read_predictions(inferred, split)
        if unknown := sorted(set(part.index["id"]) - set(rows.index)):
            raise DataError(f"{inferred} predicts images that data/clean does not know, such as {unknown[0]}.")
        table = pd.DataFrame(_half(part), columns=list(part.classes))
        table.insert(0, "copy_in_train", part.index["copy_in_train"].to_numpy(bool))
        table.insert(0, "row", rows[part.index["id"]].to_numpy())
        table.insert(0, "split", split)
        tables.append(table)
    with whole_file(path) as temporary:
        pd.concat(tables, ignore_index=True).to_parquet(temporary, index=False, compression="zstd")
    return sha256(path)


def _half(part: Predictions) -> npt.NDArray[np.float16]:
    """Return the probabilities as float16, of which the most probable class stays the same."""
    rows = np.arange(len(part.labels))
    half = part.probabilities.astype(np.float16)
    top = half[rows, part.predicted]
    # Two probabilities that differ in the fourth digit become equal: the lower one is lowered by one step.
    tied = (half == top[:, None]) & (np.arange(half.shape[1]) != part.predicted[:, None])
    return np.where(tied, np.nextafter(half, np.float16(0)), half)


def kept_predictions(run: Run, record: ResultRecord, images: pd.DataFrame) -> dict[str, Predictions]:
    """Return what a result predicts on each set of images, by the set's name; see evaluation_sets.

    The predictions' index has the column `row` (of images.parquet) beside those of the prepared arrays.

    Args:
        run: The run.
        record: One of its results, with predictions.
        images: Content of images.parquet.

    Raises:
        DataError: The file is missing, or not the one that the record names.
    """
    return evaluation_sets(**kept_splits(run, record, images))


def kept_splits(run: Run, record: ResultRecord, images: pd.DataFrame) -> dict[str, Predictions]:
    """Return the same on `validation` and `test`."""
    path = run.folder / f"{record.result}.parquet"
    if not path.is_file() or sha256(path) != record.predictions:
        raise DataError(f"{path} is not the file that {record.result}.json describes. Restore it: git checkout {path}.")
    table = pd.read_parquet(path)
    parts = {}
    for split in SPLITS:
        part = table[table["split"] == split]
        about = images.iloc[part["row"].to_numpy()]
        index = about[["subset", "group"]].assign(
            id=about["path"], copy_in_train=part["copy_in_train"].to_numpy(), row=part["row"].to_numpy()
        )
        labels = pd.Categorical(about["label"], categories=list(run.about.classes)).codes.astype(np.int64)
        probabilities = part[list(run.about.classes)].to_numpy(np.float64)
        parts[split] = Predictions(index.reset_index(drop=True), labels, probabilities, run.about.classes)
    return parts
