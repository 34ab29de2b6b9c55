"""`reports/infer/<result>/`: a network's predictions on validation and test, and how they were made."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from ferflow.base.arrays import INDEX_COLUMNS, Split
from ferflow.base.contracts import Contract
from ferflow.base.errors import DataError
from ferflow.base.files import reading, write_archive

Views = Literal["single", "flip", "ten_crop"]
"""Test-time views that a prediction is the mean over: the image; the image and its mirror image; ten crops."""

_FIXED = (*INDEX_COLUMNS, "label", "predicted")
_TEXT = ("id", "subset", "label", "predicted")


class InferSummary(Contract):
    """`reports/infer/<result>/summary.json`: how the predictions were made.

    Attributes:
        model: Name of the result, such as `cnn_tuned`.
        views: Test-time views that each prediction is the mean over.
        layer: Layer whose features Grad-CAM explains, or None if no mistake is explained.
    """

    model: str
    views: Views
    layer: str | None


@dataclass(frozen=True)
class Predictions:
    """What a network predicts on a set of images.

    Attributes:
        index: The images' rows of the split's index: id, subset, group, copy_in_train.
        labels: True classes, int64 (N,), positions in `classes`.
        probabilities: Predicted probabilities, float (N, K), not yet calibrated; rows sum to 1 up to rounding.
        classes: Names of the K classes.
    """

    index: pd.DataFrame
    labels: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.floating[Any]]
    classes: tuple[str, ...]

    @classmethod
    def on(cls, split: Split, probabilities: npt.NDArray[np.floating[Any]]) -> "Predictions":
        """Join a split with the probabilities that a network predicts on it, rounded as they are written."""
        return cls(split.index[list(INDEX_COLUMNS)], split.labels, as_written(probabilities), split.classes)

    @property
    def predicted(self) -> npt.NDArray[np.int64]:
        """The most probable class, int64 (N,); the first one on ties."""
        return np.asarray(self.probabilities.argmax(axis=1), np.int64)

    @property
    def groups(self) -> npt.NDArray[np.int64]:
        """Number of the group of copies and near-copies that each image belongs to, int64 (N,)."""
        return self.index["group"].to_numpy(np.int64)

    def select(self, mask: npt.NDArray[np.bool_]) -> "Predictions":
        """Return the predictions where the mask, bool (N,), is true."""
        return Predictions(self.index[mask], self.labels[mask], self.probabilities[mask], self.classes)

    def table(self) -> pd.DataFrame:
        """Return the content of predictions_<split>.csv.

        The columns are id, subset, group, copy_in_train, label, predicted, and p_<class> for each class.
        """
        names = np.array(self.classes)
        columns = {column: self.index[column].to_numpy() for column in INDEX_COLUMNS}
        columns |= {"label": names[self.labels], "predicted": names[self.predicted]}
        columns |= {f"p_{name}": self.probabilities[:, position] for position, name in enumerate(self.classes)}
        return pd.DataFrame(columns)


def as_written(probabilities: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    """Return probabilities with six significant digits, as predictions_<split>.csv has them.

    Significant digits and not decimals: log loss and temperature depend on how small a probability is.

    >>> as_written(np.array([[0.123456789, 1.23456789e-9]])).tolist()
    [[0.123457, 1.23457e-09]]
    """
    flat = np.array([float(f"{value:.6g}") for value in probabilities.ravel().tolist()], np.float64)
    return flat.reshape(probabilities.shape)


def read_predictions(folder: Path, split: str) -> Predictions:
    """Read predictions_<split>.csv.

    Args:
        folder: reports/infer/<result>, as infer writes it.
        split: `validation` or `test`.

    Raises:
        DataError: The file is missing or invalid; the message names the stage to run.
    """
    stage = f"infer@{folder.name}"
    with reading(folder / f"predictions_{split}.csv", stage) as path:
        # Without keep_default_na, the id NA and the class null would become missing values.
        table = pd.read_csv(path, dtype=dict.fromkeys(_TEXT, str), keep_default_na=False)
    if missing := [column for column in _FIXED if column not in table.columns]:
        raise DataError(f"{path} is invalid: {', '.join(missing)}: missing. Run again: dvc repro -f {stage}.")
    columns = [column for column in table.columns if column.startswith("p_")]
    classes = tuple(column.removeprefix("p_") for column in columns)
    labels = pd.Categorical(table["label"], categories=list(classes)).codes.astype(np.int64)
    if (labels < 0).any():
        unknown = sorted(set(table["label"]) - set(classes))
        raise DataError(
            f"{path} is invalid: it has no probabilities of {', '.join(unknown)}. Run again: dvc repro -f {stage}."
        )
    with reading(path, stage):
        probabilities = table[columns].to_numpy(np.float64)
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise DataError(f"{path} is invalid: a probability is not from 0 to 1. Run again: dvc repro -f {stage}.")
    return Predictions(table[list(INDEX_COLUMNS)], labels, probabilities, classes)


@dataclass(frozen=True)
class ViewedPredictions:
    """What a network predicts over several kinds of test-time views.

    Attributes:
        views: Kinds of views, `single`, `flip` or `ten_crop`; none if they are not compared.
        splits: Predicted classes by split, `validation` and `test`: uint8 (views, N), positions in the classes.
    """

    views: tuple[str, ...]
    splits: dict[str, npt.NDArray[np.uint8]]


def write_viewed(path: Path, viewed: ViewedPredictions) -> None:
    """Write views.npz, the same bytes from the same values."""
    write_archive(path, views=np.array(viewed.views, "U16"), **viewed.splits)


def read_viewed(folder: Path, images: dict[str, int]) -> ViewedPredictions:
    """Read views.npz.

    Args:
        folder: reports/infer/<result>, as infer writes it.
        images: Number of images of each split that it must be about.

    Raises:
        DataError: The file is missing, damaged or about other images; the message names the stage to run.
    """
    stage = f"infer@{folder.name}"
    with reading(folder / "views.npz", stage) as path, np.load(path, allow_pickle=False) as content:
        views = tuple(str(name) for name in content["views"])
        splits = {name: content[name] for name in images}
    for name, count in images.items():
        if splits[name].shape != (len(views), count):
            raise DataError(
                f"{path} has {name} predictions of shape {splits[name].shape}, but {count} images over {len(views)} "
                f"kinds of views need {(len(views), count)}. Run again: dvc repro -f {stage}."
            )
    return ViewedPredictions(views, splits)
