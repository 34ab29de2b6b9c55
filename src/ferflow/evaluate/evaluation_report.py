"""What evaluate writes for people, for compare and for `dvc plots`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.metrics import classification_report

from ferflow import reporting as figures
from ferflow.base.errors import DataError
from ferflow.base.files import read_json, whole_folder, write_json, write_text
from ferflow.evaluate.scores import calibration, confusion
from ferflow.evaluate.sets import Answers


@dataclass(frozen=True)
class TrainingReport:
    """How a network was trained.

    Attributes:
        history: as figures.learning_curves takes it.
        best_epoch: the epoch whose weights were kept, from 1.
    """

    history: pd.DataFrame
    best_epoch: int


def read_training(folder: Path, name: str) -> TrainingReport:
    """Read reports/train/<name>/.

    Raises:
        DataError: a file of it is missing.
    """
    try:
        history = pd.read_csv(folder / "history.csv")
        return TrainingReport(history, int(read_json(folder / "summary.json")["best_epoch"]))
    except FileNotFoundError as error:
        raise DataError(f"{error.filename} is missing. Run the stage that makes it: dvc repro train@{name}.") from None


def write_outputs(
    folder: Path, metrics: Mapping[str, Any], sets: Mapping[str, Answers], training: TrainingReport
) -> None:
    """Write every file of reports/evaluate/<model>/.

    Args:
        folder: where to.
        metrics: what metrics.json is to hold.
        sets: as from evaluation_sets.
        training: for the learning curves.
    """
    name = metrics["model"]
    write_json(folder / "metrics.json", metrics)
    write_json(folder / "headline.json", headline(metrics))
    for split in ("validation", "test"):
        _write_csv(folder / f"predictions_{split}.csv", sets[split].table())
    _write_csv(folder / "confusion.csv", _confusion_table(sets["test"]))
    _write_csv(folder / "classification_report.csv", _report_table(metrics))
    write_text(folder / "classification_report.txt", _report_text(name, sets))
    with whole_folder(folder / "figures") as pictures:
        for file_name, figure in _figures(name, metrics, sets, training):
            figures.save_figure(figure, pictures / f"{file_name}.png")


def headline(metrics: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Return accuracy and macro F1 of a few sets: what fits into a row of `dvc metrics show`.

    These are validation, the subsets of test or else test, and the last of them without its copies.
    """
    shown = shown_sets([name for name in metrics if name != "model"])
    shown += [name for name in (f"{shown[-1]}_without_copies",) if name in metrics]
    return {name: {figure: metrics[name][figure] for figure in ("accuracy", "macro_f1")} for name in shown}


def _figures(
    name: str, metrics: Mapping[str, Any], sets: Mapping[str, Answers], training: TrainingReport
) -> Iterator[tuple[str, Figure]]:
    yield "learning_curves", figures.learning_curves(training.history, training.best_epoch, name)
    for set_name in shown_sets(list(sets)):
        part = sets[set_name]
        counts = confusion(part.labels, part.predicted, len(part.classes))
        yield f"confusion_{set_name}", figures.confusion_matrix(counts, part.classes, f"{name}, {set_name}")
    yield "per_class", figures.per_class_bars(metrics["test"]["per_class"], f"{name}, test")
    bins = calibration(sets["test"].labels, sets["test"].probabilities)
    yield "reliability", figures.reliability_diagram(bins, f"{name}, test")


def shown_sets(names: list[str]) -> list[str]:
    """Return the sets that are looked at: validation, and the subsets of test or else test."""
    whole = [name for name in names if not name.endswith("_without_copies")]
    return [name for name in whole if name != "test"] if len(whole) > 2 else whole


def _confusion_table(part: Answers) -> pd.DataFrame:
    """One row for each image, as the `confusion` template of `dvc plots` takes it."""
    table = part.table()
    return pd.DataFrame({"actual": table["label"], "predicted": table["predicted"]})


def _report_table(metrics: Mapping[str, Any]) -> pd.DataFrame:
    """Precision, recall, F1 and support of each class in each set, and their plain mean as `macro`."""
    rows: list[dict[str, Any]] = []
    for set_name, block in metrics.items():
        if set_name == "model":
            continue
        rows += [{"set": set_name, "class": name, **values} for name, values in block["per_class"].items()]
        mean = {kind: block[f"macro_{kind}"] for kind in ("precision", "recall", "f1")}
        rows.append({"set": set_name, "class": "macro", **mean, "support": block["images"]})
    return pd.DataFrame(rows)


def _report_text(name: str, sets: Mapping[str, Answers]) -> str:
    parts = []
    for set_name, part in sets.items():
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


def _write_csv(path: Path, table: pd.DataFrame) -> None:
    write_text(path, table.to_csv(index=False, lineterminator="\n"))
