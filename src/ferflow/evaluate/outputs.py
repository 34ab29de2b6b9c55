"""What evaluate writes for people, for compare and for `dvc plots`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import classification_report

from ferflow import figures
from ferflow.evaluate.scores import calibration, confusion
from ferflow.evaluate.sets import Answers
from ferflow.files import write_json, write_text


def write_outputs(folder: Path, metrics: Mapping[str, Any], sets: Mapping[str, Answers]) -> None:
    """Write every file of reports/evaluate/<model>/.

    Args:
        folder: where to.
        metrics: what metrics.json is to hold.
        sets: as from evaluation_sets.
    """
    name, test = metrics["model"], sets["test"]
    write_json(folder / "metrics.json", metrics)
    for split in ("validation", "test"):
        _write_csv(folder / f"predictions_{split}.csv", sets[split].table())
    _write_csv(folder / "confusion.csv", _confusion_table(test))
    _write_csv(folder / "classification_report.csv", _report_table(metrics))
    write_text(folder / "classification_report.txt", _report_text(name, sets))
    for set_name in shown_sets(list(sets)):
        part = sets[set_name]
        counts = confusion(part.labels, part.predicted, len(part.classes))
        figure = figures.confusion_matrix(counts, part.classes, f"{name}, {set_name}")
        figures.save_figure(figure, folder / f"confusion_{set_name}.png")
    per_class = figures.per_class_bars(metrics["test"]["per_class"], f"{name}, test")
    figures.save_figure(per_class, folder / "per_class.png")
    bins = calibration(test.labels, test.probabilities)
    figures.save_figure(figures.reliability_diagram(bins, f"{name}, test"), folder / "reliability.png")


def shown_sets(names: list[str]) -> list[str]:
    """Return the sets that get a confusion matrix: validation, and the subsets of test or else test."""
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
