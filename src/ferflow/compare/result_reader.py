"""The files that train and evaluate wrote for each result, checked to belong together."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ferflow.base.contracts import TrainSummary, read_contract
from ferflow.base.errors import DataError
from ferflow.base.files import require
from ferflow.base.metrics import accuracy
from ferflow.reporting.result_contracts import Metrics

Labels = npt.NDArray[np.int64]

PREDICTIONS_COLUMNS = ("id", "subset", "label", "predicted")


@dataclass(frozen=True)
class Result:
    """One trained and evaluated network.

    Attributes:
        name: Name of the result, such as `cnn_tuned`.
        metrics: Metrics of each set of images.
        summary: Summary of the training.
        classes: Names of the classes in the order of the prediction columns.
        labels: True classes of the validation images, int64 (N,), positions in `classes`.
        predicted: Predicted classes of the validation images, int64 (N,).
    """

    name: str
    metrics: Metrics
    summary: TrainSummary
    classes: tuple[str, ...]
    labels: Labels
    predicted: Labels

    def validation(self, metric: str) -> float:
        """Return a validation metric by its name."""
        return self.metrics.sets["validation"].metric(metric)


def read_results(names: Sequence[str], evaluations: Path, trainings: Path) -> list[Result]:
    """Read the results of these names; others in the folders are ignored.

    Args:
        names: Names of the results, at least one.
        evaluations: Folder with a folder for each result, as evaluate writes it.
        trainings: Folder with a folder for each result, as train writes it.

    Raises:
        DataError: A file is missing, damaged or out of date, files of one result contradict each other, or two results
            were measured on different images.
    """
    results = [_read_result(name, evaluations / name, trainings / name) for name in names]
    first = _read_images(evaluations / names[0])
    for result in results[1:]:
        for split, table in _read_images(evaluations / result.name).items():
            if not table.equals(first[split]):
                raise DataError(
                    f"{result.name} and {names[0]} were measured on different {split} images "
                    f"({len(table)} and {len(first[split])}), so they cannot be compared. Bring them up to date: "
                    f"dvc repro."
                )
        if list(result.metrics.sets) != list(results[0].metrics.sets):
            raise DataError(
                f"{result.name} was measured on {', '.join(result.metrics.sets)}, but {names[0]} on "
                f"{', '.join(results[0].metrics.sets)}. Bring them up to date: dvc repro."
            )
    return results


def _read_result(name: str, evaluation: Path, training: Path) -> Result:
    metrics = read_contract(evaluation / "metrics.json", Metrics, f"evaluate@{name}")
    summary = read_contract(training / "summary.json", TrainSummary, f"train@{name}")
    for path, stage, model in (
        (evaluation / "metrics.json", "evaluate", metrics.model),
        (training / "summary.json", "train", summary.model),
    ):
        if model != name:
            raise DataError(f"{path} is about {model!r}, not {name!r}. Run again: dvc repro -f {stage}@{name}.")
    table = _read_predictions(evaluation, "validation")
    classes = tuple(column.removeprefix("p_") for column in table.columns if column.startswith("p_"))
    labels, predicted = (pd.Categorical(table[kind], categories=classes).codes for kind in ("label", "predicted"))
    measured = accuracy(labels, predicted)
    reported = metrics.sets["validation"]
    if abs(measured - reported.accuracy) > 1e-6 or reported.images != len(table):
        raise DataError(
            f"{evaluation}: metrics.json reports an accuracy of {reported.accuracy:.6f} on {reported.images} "
            f"validation images, but predictions_validation.csv has {measured:.6f} on {len(table)}; one of them is "
            f"out of date. Run again: dvc repro -f evaluate@{name}."
        )
    return Result(name, metrics, summary, classes, labels.astype(np.int64), predicted.astype(np.int64))


def _read_images(evaluation: Path) -> dict[str, pd.DataFrame]:
    """Return ids and labels of the images of each split."""
    return {split: _read_predictions(evaluation, split)[["id", "label"]] for split in ("validation", "test")}


def _read_predictions(evaluation: Path, split: str) -> pd.DataFrame:
    stage = f"evaluate@{evaluation.name}"
    path = require(evaluation / f"predictions_{split}.csv", stage)
    # Without keep_default_na, the id NA and the class null would become missing values.
    table = pd.read_csv(path, dtype=dict.fromkeys(PREDICTIONS_COLUMNS, str), keep_default_na=False)
    if missing := [column for column in PREDICTIONS_COLUMNS if column not in table.columns]:
        raise DataError(f"{path} is invalid: {', '.join(missing)}: missing. Run again: dvc repro -f {stage}.")
    return table
