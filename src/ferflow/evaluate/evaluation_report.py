"""The files of reports/evaluate/<result>/: for people, for compare and for `dvc plots`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.metrics import classification_report

from ferflow import reporting as figures
from ferflow.base.contracts import TrainSummary, read_contract
from ferflow.base.files import require, whole_folder, write_csv, write_json, write_text
from ferflow.evaluate.predictions import Predictions
from ferflow.evaluate.scores import calibration
from ferflow.reporting.confusion import confusion
from ferflow.reporting.result_contracts import Metrics
from ferflow.reporting.set_names import shown_sets, whole_sets


@dataclass(frozen=True)
class TrainingReport:
    """The course of a training.

    Attributes:
        history: A row for each epoch, as reporting.learning_curves takes it.
        best_epoch: Epoch whose weights were kept, counted from 1.
    """

    history: pd.DataFrame
    best_epoch: int


def read_training(folder: Path, name: str) -> TrainingReport:
    """Read history.csv and summary.json from reports/train/<name>/.

    Raises:
        DataError: One of the two is missing, or the summary is invalid.
    """
    history = pd.read_csv(require(folder / "history.csv", f"train@{name}"))
    summary = read_contract(folder / "summary.json", TrainSummary, f"train@{name}")
    return TrainingReport(history, summary.best_epoch)


def write_report(
    folder: Path, metrics: Metrics, predictions: Mapping[str, Predictions], training: TrainingReport
) -> None:
    """Write every file of reports/evaluate/<result>/.

    Args:
        folder: Folder to write.
        metrics: Content of metrics.json.
        predictions: Predictions on each set of images, by the set's name.
        training: Course of the training, for the learning curves.
    """
    write_json(folder / "metrics.json", metrics.to_json())
    write_json(folder / "headline.json", headline(metrics))
    for split in ("validation", "test"):
        write_csv(folder / f"predictions_{split}.csv", predictions[split].table())
    # The columns that the `confusion` template of `dvc plots` takes.
    answers = predictions["test"].table()[["label", "predicted"]].rename(columns={"label": "actual"})
    write_csv(folder / "confusion.csv", answers)
    write_csv(folder / "classification_report.csv", _report_table(metrics))
    write_text(folder / "classification_report.txt", _report_text(metrics.model, predictions))
    with whole_folder(folder / "figures") as temporary:
        for file_name, figure in _figures(metrics, predictions, training):
            figures.save_figure(figure, temporary / f"{file_name}.png")


def headline(metrics: Metrics) -> dict[str, dict[str, float]]:
    """Return accuracy and macro F1 of the sets that tables show, for a row of `dvc metrics show`."""
    return {
        name: {metric: metrics.sets[name].metric(metric) for metric in ("accuracy", "macro_f1")}
        for name in shown_sets(metrics.sets)
    }


def _figures(
    metrics: Metrics, predictions: Mapping[str, Predictions], training: TrainingReport
) -> Iterator[tuple[str, Figure]]:
    name = metrics.model
    yield "learning_curves", figures.learning_curves(training.history, training.best_epoch, name)
    for set_name in whole_sets(predictions):
        part = predictions[set_name]
        counts = confusion(part.labels, part.predicted, len(part.classes))
        yield f"confusion_{set_name}", figures.confusion_matrix(counts, part.classes, f"{name}, {set_name}")
    per_class = {label: scores.to_json() for label, scores in metrics.sets["test"].per_class.items()}
    yield "per_class", figures.per_class_bars(per_class, f"{name}, test")
    bins = calibration(predictions["test"].labels, predictions["test"].probabilities)
    yield "reliability", figures.reliability_diagram(bins, f"{name}, test")


def _report_table(metrics: Metrics) -> pd.DataFrame:
    """Return precision, recall, F1 and support of each class in each set, and their unweighted mean as `macro`."""
    rows: list[dict[str, Any]] = []
    for set_name, block in metrics.sets.items():
        rows += [{"set": set_name, "class": name, **scores.to_json()} for name, scores in block.per_class.items()]
        means = {kind: block.metric(f"macro_{kind}") for kind in ("precision", "recall", "f1")}
        rows.append({"set": set_name, "class": "macro", **means, "support": block.images})
    return pd.DataFrame(rows)


def _report_text(name: str, predictions: Mapping[str, Predictions]) -> str:
    parts = []
    for set_name, part in predictions.items():
        table = classification_report(
            part.labels,
            part.predicted,
            labels=np.arange(len(part.classes)),
            target_names=list(part.classes),
            digits=3,
            zero_division=0.0,
        )
        parts.append(f"{name}, {set_name}: {len(part.labels)} images\n\n{table}")
    return "\n\n".join(parts)
