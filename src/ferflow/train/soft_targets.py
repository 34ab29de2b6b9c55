"""A teacher's predictions for the training images, as a file."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ferflow.base.arrays import Split
from ferflow.base.errors import DataError
from ferflow.base.files import reading, write_csv
from ferflow.train.recipe import NO_TEACHER


def write_soft_targets(path: Path, split: Split, probabilities: npt.NDArray[np.float32]) -> None:
    """Write class probabilities as CSV: the image's id, its label, and one column per class.

    Args:
        path: Destination of the file.
        split: The images.
        probabilities: Class probabilities, float32, (N, classes); five digits are written.
    """
    labels = np.array(split.classes)[split.labels]
    table = pd.DataFrame({"id": split.index["id"].to_numpy(), "label": labels})
    write_csv(path, pd.concat([table, pd.DataFrame(probabilities, columns=list(split.classes))], axis=1), "%.5f")


def read_soft_targets(path: Path, split: Split, teacher: str) -> npt.NDArray[np.float32] | None:
    """Read class probabilities, float32, (N, classes), each row with the sum 1; None if there is no teacher.

    Args:
        path: File that write_soft_targets wrote. `reports/teach/none/targets.csv`, which stands for no teacher, has no
            rows.
        split: Training split, whose images and classes the file must have, in the same order.
        teacher: Result whose network made the predictions, or `none`.

    Raises:
        DataError: The file is missing, or is about other images or classes.
    """
    stage = f"teach@{teacher}"
    with reading(path, stage):
        table = pd.read_csv(path, dtype={"id": str})
    if teacher == NO_TEACHER:
        return None
    ids = split.index["id"].astype(str).to_numpy()
    if tuple(table.columns) != ("id", "label", *split.classes) or not np.array_equal(table["id"].to_numpy(), ids):
        raise DataError(
            f"{path} is about other images or classes than data/prepare: {len(table)} images of "
            f"{len(table.columns) - 2} classes, where {len(split)} of {len(split.classes)} are expected. Run the stage "
            f"again: dvc repro -f {stage}."
        )
    with reading(path, stage):
        values = table[list(split.classes)].to_numpy(np.float64)
    if not (values >= 0).all() or not (values.sum(axis=1) > 0).all():
        raise DataError(
            f"{path} is invalid: a row does not hold probabilities. Run the stage again: dvc repro -f {stage}."
        )
    shares: npt.NDArray[np.float32] = (values / values.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares
