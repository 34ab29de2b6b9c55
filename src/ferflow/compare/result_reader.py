"""What evaluate and train left of each result, checked to belong together."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ferflow.base.errors import DataError
from ferflow.base.files import read_json

Labels = npt.NDArray[np.int64]

METRICS_KEYS = ("model", "validation", "test")
SUMMARY_KEYS = ("model", "parameters", "macs", "epochs_run", "best_epoch", "stopped")
PREDICTIONS_COLUMNS = ("id", "subset", "label", "predicted")


@dataclass(frozen=True)
class Result:
    """One trained and evaluated network.

    Attributes:
        name: such as `cnn_tuned`.
        metrics: metrics.json of evaluate; a block for each set of images.
        summary: summary.json of train.
        classes: names of the classes, in the order of the columns.
        labels: true classes of the validation images, (N,), positions in `classes`.
        predicted: answers on the validation images, (N,).
    """

    name: str
    metrics: dict[str, Any]
    summary: dict[str, Any]
    classes: tuple[str, ...]
    labels: Labels
    predicted: Labels

    @property
    def sets(self) -> list[str]:
        """Names of the sets of images that it was measured on, validation first."""
        return [name for name in self.metrics if name != "model"]


def read_results(names: Sequence[str], evaluations: Path, trainings: Path) -> list[Result]:
    """Read the results of these names, and no others that may stand in the folders.

    Args:
        names: at least one.
        evaluations: the folder with a folder for each name, as evaluate writes it.
        trainings: the same, as train writes it.

    Raises:
        DataError: a file is missing or damaged, says something else than another of its model (so one of them is
            old), or two models were measured on different images.
    """
    results = [_read_result(name, evaluations / name, trainings / name) for name in names]
    first = _images(evaluations / names[0])
    for result in results[1:]:
        for split, table in _images(evaluations / result.name).items():
            if not table.equals(first[split]):
                raise DataError(
                    f"{result.name} and {names[0]} were measured on different {split} images "
                    f"({len(table)} and {len(first[split])}), so they cannot be compared. Bring them up to date: "
                    f"dvc repro."
                )
        if result.sets != results[0].sets:
            raise DataError(
                f"{result.name} was measured on {', '.join(result.sets)}, but {names[0]} on "
                f"{', '.join(results[0].sets)}. Bring them up to date: dvc repro."
            )
    return results


def _read_result(name: str, evaluation: Path, training: Path) -> Result:
    metrics = _read_json(evaluation / "metrics.json", _stage("evaluate", name), METRICS_KEYS)
    summary = _read_json(training / "summary.json", _stage("train", name), SUMMARY_KEYS)
    for path, content in ((evaluation / "metrics.json", metrics), (training / "summary.json", summary)):
        if content.get("model") != name:
            raise DataError(f"{path} is about {content.get('model')!r}, not {name!r}. Make it anew: dvc repro.")
    table = _read_predictions(evaluation, "validation")
    classes = tuple(column.removeprefix("p_") for column in table.columns if column.startswith("p_"))
    labels, predicted = (pd.Categorical(table[kind], categories=classes).codes for kind in ("label", "predicted"))
    accuracy = float(np.mean(labels == predicted))
    told = metrics["validation"]["accuracy"]
    if abs(accuracy - told) > 1e-6 or metrics["validation"]["images"] != len(table):
        raise DataError(
            f"{evaluation}: metrics.json tells an accuracy of {told:.6f} on {metrics['validation']['images']} "
            f"validation images, predictions_validation.csv {accuracy:.6f} on {len(table)}; one of them is old. "
            f"Make them anew: dvc repro -f {_stage('evaluate', name)}."
        )
    return Result(name, metrics, summary, classes, labels.astype(np.int64), predicted.astype(np.int64))


def _images(evaluation: Path) -> dict[str, pd.DataFrame]:
    """Ids and labels of the images of each split."""
    return {split: _read_predictions(evaluation, split)[["id", "label"]] for split in ("validation", "test")}


def _read_predictions(evaluation: Path, split: str) -> pd.DataFrame:
    path = evaluation / f"predictions_{split}.csv"
    if not path.is_file():
        raise _missing(path, _stage("evaluate", evaluation.name))
    # An id may read as NA, and a class may be named null.
    table = pd.read_csv(path, dtype=dict.fromkeys(PREDICTIONS_COLUMNS, str), keep_default_na=False)
    _check_keys(path, table.columns, PREDICTIONS_COLUMNS, _stage("evaluate", evaluation.name))
    return table


def _read_json(path: Path, stage: str, keys: Sequence[str]) -> dict[str, Any]:
    if not path.is_file():
        raise _missing(path, stage)
    try:
        content: dict[str, Any] = read_json(path)
    except ValueError as error:
        raise DataError(f"{path} is damaged ({error}). Make it anew: dvc repro -f {stage}.") from None
    _check_keys(path, content, keys, stage)
    return content


def _check_keys(path: Path, found: Container[Any], keys: Sequence[str], stage: str) -> None:
    if lacking := [key for key in keys if key not in found]:
        raise DataError(f"{path} lacks {', '.join(lacking)}: it is old. Make it anew: dvc repro -f {stage}.")


def _missing(path: Path, stage: str) -> DataError:
    return DataError(f"{path} is missing. Run the stage that makes it: dvc repro {stage}.")


def _stage(kind: str, name: str) -> str:
    """Name the DVC stage that makes a result: evaluate@cnn, or evaluate_tuned@cnn for cnn_tuned."""
    model = name.removesuffix("_tuned")
    return f"{kind}@{name}" if model == name else f"{kind}_tuned@{model}"
