"""The files that train, infer and evaluate wrote for each result, checked to belong together."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ferflow.base.contracts import TrainSummary, read_contract
from ferflow.base.errors import DataError
from ferflow.base.files import reading
from ferflow.base.metrics import accuracy
from ferflow.reporting.result_contracts import Metrics
from ferflow.scoring.predictions import Predictions, read_predictions

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Result:
    """One trained and evaluated network.

    Attributes:
        name: Name of the result, such as `cnn_tuned`.
        metrics: Metrics of each set of images.
        summary: Summary of the training.
        predictions: Predictions on the splits `validation` and `test`, not yet calibrated.
        history: History of the training, as history.csv has it.
    """

    name: str
    metrics: Metrics
    summary: TrainSummary
    predictions: dict[str, Predictions]
    history: pd.DataFrame

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes in the order of the probabilities."""
        return self.predictions["validation"].classes

    @property
    def labels(self) -> Labels:
        """True classes of the validation images, int64 (N,), positions in `classes`."""
        return self.predictions["validation"].labels

    @property
    def predicted(self) -> Labels:
        """Predicted classes of the validation images, int64 (N,)."""
        return self.predictions["validation"].predicted

    @property
    def groups(self) -> Labels:
        """Group of copies and near-copies of each validation image, int64 (N,)."""
        return self.predictions["validation"].groups

    def validation(self, metric: str) -> float:
        """Return a validation metric by its name."""
        return self.metrics.sets["validation"].metric(metric)


def read_results(names: Sequence[str], evaluations: Path, inferences: Path, trainings: Path) -> list[Result]:
    """Read the results of these names; others in the folders are ignored.

    Args:
        names: Names of the results, at least one.
        evaluations: Folder with a folder for each result, as evaluate writes it.
        inferences: Folder with a folder for each result, as infer writes it.
        trainings: Folder with a folder for each result, as train writes it.

    Raises:
        DataError: A file is missing, damaged or out of date, files of one result contradict each other, or two results
            were measured on different images.
    """
    results = [_read_result(name, evaluations / name, inferences / name, trainings / name) for name in names]
    first = results[0]
    for result in results[1:]:
        for split, found in result.predictions.items():
            expected = first.predictions[split]
            if not _same_images(found, expected):
                raise DataError(
                    f"{result.name} and {first.name} were measured on different {split} images "
                    f"({len(found.labels)} and {len(expected.labels)}), so they cannot be compared. Bring them up to "
                    f"date: dvc repro."
                )
        if list(result.metrics.sets) != list(first.metrics.sets):
            raise DataError(
                f"{result.name} was measured on {', '.join(result.metrics.sets)}, but {first.name} on "
                f"{', '.join(first.metrics.sets)}. Bring them up to date: dvc repro."
            )
    return results


def _same_images(one: Predictions, other: Predictions) -> bool:
    return (
        one.classes == other.classes
        and one.index["id"].tolist() == other.index["id"].tolist()
        and np.array_equal(one.labels, other.labels)
    )


def _read_result(name: str, evaluation: Path, inference: Path, training: Path) -> Result:
    metrics = read_contract(evaluation / "metrics.json", Metrics, f"evaluate@{name}")
    summary = read_contract(training / "summary.json", TrainSummary, f"train@{name}")
    for path, stage, model in (
        (evaluation / "metrics.json", "evaluate", metrics.model),
        (training / "summary.json", "train", summary.model),
    ):
        if model != name:
            raise DataError(f"{path} is about {model!r}, not {name!r}. Run again: dvc repro -f {stage}@{name}.")
    predictions = {split: read_predictions(inference, split) for split in ("validation", "test")}
    for split, found in predictions.items():
        measured, reported = accuracy(found.labels, found.predicted), metrics.sets[split]
        if abs(measured - reported.accuracy) > 1e-6 or reported.images != len(found.labels):
            raise DataError(
                f"{evaluation}: metrics.json reports an accuracy of {reported.accuracy:.6f} on {reported.images} "
                f"{split} images, but predictions_{split}.csv has {measured:.6f} on {len(found.labels)}; one of them "
                f"is out of date. Run again: dvc repro -f evaluate@{name}."
            )
    with reading(training / "history.csv", f"train@{name}") as path:
        history = pd.read_csv(path)
    return Result(name, metrics, summary, predictions, history)
