"""The description of a training's run: its place on the leaderboard, its numbers, and what it confuses."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tabulate import tabulate

from ferflow.base.files import read_json

_MAX_NOTE = 7500  # MLflow accepts 8000 characters in a tag of a run


def training_note(
    root: Path, result: str, summary: Mapping[str, Any], blocks: Mapping[str, Mapping[str, Any]], comparison: str | None
) -> str:
    """Return the description of a training's run as Markdown.

    A part whose file is missing or has another form is left out: the description is a convenience.

    Args:
        root: Project root.
        result: Name of the result.
        summary: Content of reports/train/<result>/summary.json.
        blocks: Blocks of reports/evaluate/<result>/metrics.json by the name of the set; empty before the evaluation.
        comparison: Stage whose leaderboard is up to date, or None.
    """
    parts = [_head(result, summary), _place(root, result) if comparison else "", _sets(blocks)]
    if blocks:
        parts.append(_confusion(root / f"reports/evaluate/{result}/confusion.csv"))
    text = ""
    for part in parts:
        if part and len(text) + len(part) <= _MAX_NOTE:
            text += f"{part}\n\n"
    return text.strip()


def _head(result: str, summary: Mapping[str, Any]) -> str:
    try:
        return (
            f"**{result}**: {summary['architecture']}, {summary['parameters']:,} parameters, {summary['macs']:,} MACs "
            f"per image; weights of epoch {summary['best_epoch']} of {summary['epochs_run']} (stopped by "
            f"{summary['stopped']})."
        )
    except (KeyError, ValueError, TypeError):
        return f"**{result}**"


def _place(root: Path, result: str) -> str:
    try:
        with (root / "reports/compare/leaderboard.csv").open(encoding="utf-8", newline="") as handle:
            ranking = [row["model"] for row in csv.DictReader(handle)]
        reason = read_json(root / "reports/compare/champion.json")["reason"]
        return f"Rank {ranking.index(result) + 1} of {len(ranking)} on validation. {reason}"
    except (OSError, KeyError, ValueError, TypeError):
        return ""


def _sets(blocks: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        [name.replace("_", " "), f"{block['images']:,}", _interval(block, "accuracy"), _interval(block, "macro_f1")]
        for name, block in blocks.items()
        if {"images", "accuracy", "accuracy_low", "macro_f1", "macro_f1_low"} <= block.keys()
    ]
    return _table(["set", "images", "accuracy", "macro F1"], rows) if rows else ""


def _interval(block: Mapping[str, Any], metric: str) -> str:
    value, low, high = (100 * block[f"{metric}{end}"] for end in ("", "_low", "_high"))
    return f"{value:.1f} % ({low:.1f} to {high:.1f})"


def _confusion(path: Path) -> str:
    """Return the confusion matrix of the test images from a file with a row for each image: actual, predicted."""
    counts: dict[tuple[str, str], int] = {}
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            for row in csv.DictReader(handle):
                pair = (row["actual"], row["predicted"])
                counts[pair] = counts.get(pair, 0) + 1
    except (OSError, KeyError, ValueError):
        return ""
    classes = sorted({name for pair in counts for name in pair})
    rows = [[f"**{actual}**", *(f"{counts.get((actual, name), 0):,}" for name in classes)] for actual in classes]
    return "Confusion matrix of test, a row for each true class:\n\n" + _table(["", *classes], rows)


def _table(header: list[str], rows: list[list[str]]) -> str:
    return tabulate(rows, header, tablefmt="pipe", disable_numparse=True)
