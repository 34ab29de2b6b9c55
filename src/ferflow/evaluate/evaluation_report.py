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
from ferflow.base.files import reading, whole_folder, write_csv, write_json, write_text
from ferflow.evaluate.evaluation_figures import draw_figures
from ferflow.evaluate.faces import Mistakes, draw_mistakes
from ferflow.evaluate.result_page import result_page
from ferflow.reporting.result_contracts import Metrics
from ferflow.reporting.set_names import shown_sets
from ferflow.scoring.evaluation_sets import evaluation_sets
from ferflow.scoring.predictions import Predictions

_REPORTED = {"precision", "recall", "f1", "support"}


@dataclass(frozen=True)
class TrainingReport:
    """The course of a training.

    Attributes:
        history: A row for each epoch, as reporting.learning_curves takes it.
        best_epoch: Epoch whose weights were kept, counted from 1.
    """

    history: pd.DataFrame
    best_epoch: int


@dataclass(frozen=True)
class Evaluation:
    """Everything that the report of one result shows.

    Attributes:
        metrics: Content of metrics.json.
        validation: Predictions on the validation images, not yet calibrated.
        test: Predictions on the test images, not yet calibrated.
        training: Course of the training, for the learning curves.
    """

    metrics: Metrics
    validation: Predictions
    test: Predictions
    training: TrainingReport

    @property
    def sets(self) -> dict[str, Predictions]:
        """Predictions on each set of images, by the set's name."""
        return evaluation_sets(self.validation, self.test)


def read_training(folder: Path, name: str) -> TrainingReport:
    """Read history.csv and summary.json from reports/train/<name>/.

    Raises:
        DataError: One of the two is missing, or the summary is invalid.
    """
    with reading(folder / "history.csv", f"train@{name}") as path:
        history = pd.read_csv(path)
    summary = read_contract(folder / "summary.json", TrainSummary, f"train@{name}")
    return TrainingReport(history, summary.best_epoch)


def write_report(folder: Path, evaluation: Evaluation, mistakes: Mistakes) -> None:
    """Write every file of reports/evaluate/<result>/.

    Args:
        folder: Folder to write: metrics.json, headline.json, confusion.csv, classification_report.csv and .txt, PNGs
            in figures/ and, with faces of the dataset, in faces/, and index.html, a page with all of it.
        evaluation: What the report shows.
        mistakes: Faces to show.
    """
    metrics, sets = evaluation.metrics, evaluation.sets
    write_json(folder / "metrics.json", metrics.to_json())
    write_json(folder / "headline.json", headline(metrics))
    # The columns that the `confusion` template of `dvc plots` takes.
    answers = evaluation.test.table()[["label", "predicted"]].rename(columns={"label": "actual"})
    write_csv(folder / "confusion.csv", answers)
    write_csv(folder / "classification_report.csv", _report_table(metrics))
    write_text(folder / "classification_report.txt", _report_text(metrics.model, sets))
    for folder_name, drawn in (
        ("figures", _all_figures(evaluation)),
        ("faces", draw_mistakes(metrics.model, mistakes)),
    ):
        with whole_folder(folder / folder_name) as temporary:
            for file_name, figure in drawn:
                figures.save_figure(figure, temporary / f"{file_name}.png")
    write_text(folder / "index.html", result_page(metrics, folder))


def _all_figures(evaluation: Evaluation) -> Iterator[tuple[str, Figure]]:
    training, model = evaluation.training, evaluation.metrics.model
    yield "learning_curves", figures.learning_curves(training.history, training.best_epoch, model)
    yield from draw_figures(evaluation.metrics, evaluation.sets)


def headline(metrics: Metrics) -> dict[str, dict[str, float]]:
    """Return accuracy and macro F1 of the sets that tables show, for a row of `dvc metrics show`."""
    return {
        name: {metric: metrics.sets[name].metric(metric) for metric in ("accuracy", "macro_f1")}
        for name in shown_sets(metrics.sets)
    }


def _report_table(metrics: Metrics) -> pd.DataFrame:
    """Return precision, recall, F1 and support of each class in each set, and their unweighted mean as `macro`."""
    rows: list[dict[str, Any]] = []
    for set_name, block in metrics.sets.items():
        rows += [
            {"set": set_name, "class": name, **scores.model_dump(include=_REPORTED)}
            for name, scores in block.per_class.items()
        ]
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
