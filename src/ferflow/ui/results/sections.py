"""Sections of a results page that need only the records: tables of runs, seeds, protocols, machines."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ferflow.base.metrics import mcnemar
from ferflow.compare.leaderboard import board_rows, board_sets, p_text
from ferflow.reporting.set_names import WITHOUT_COPIES, set_label, shown_sets, whole_sets
from ferflow.reporting.text import DASH, listed, markdown_table, percent
from ferflow.ui.results.predictions import kept_predictions
from ferflow.ui.results.records import ResultRecord, Run

VIEWS = {
    "single": "each image is predicted as it is",
    "flip": "predictions are averaged over each image and its mirror image",
    "ten_crop": "predictions are averaged over ten crops of each image",
}
_WEIGHTS = {"": "", "none": " (random weights)", "imagenet": " (ImageNet weights)"}
_LEVEL = 0.05


def run_section(run: Run, images: pd.DataFrame | None) -> str:
    """Return the section of one run: who is best, the table, how to reproduce it, and the machines.

    Args:
        run: The run.
        images: Content of images.parquet, or None if no run of the dataset has predictions.
    """
    parts = [
        f"## Budget `{run.about.budget}`: {run.about.description}",
        _best(run, images),
        run_table(run),
        _commands(run),
        _machines(run.results),
    ]
    return "\n\n".join(parts)


def run_table(run: Run) -> str:
    """Return the table of a run, best validation accuracy first, and what its columns mean."""
    board = pd.DataFrame([{"model": record.result, **record.board} for record in run.results])
    sets = shown_sets(board_sets(board))
    header, rows = board_rows(board, sets)
    header.append("minutes")
    for row, record in zip(rows, run.results, strict=True):
        row[0] += _WEIGHTS.get(record.weights, f" ({record.weights})")
        row.append(DASH if record.log is None else f"{record.log.seconds / 60:.1f}")
    counts = ", ".join(f"{run.about.images[name]:,} {set_label(name)}" for name in sets)
    # MACs are counted for one image; a network that sees several views of it pays for each.
    return (
        f"{markdown_table(header, rows)}\n\nAccuracy in percent with its {100 * run.about.confidence:g} % interval; "
        f"{VIEWS[run.about.views]}. Images: {counts}. Minutes cover training and validation; {DASH} if unknown. "
        + _decided(run)
    )


def _decided(run: Run) -> str:
    if run.about.leaks:
        return f"These numbers are not honest, on purpose: {run.about.leaks}."
    return "Epochs and ranking were chosen on validation; the test sets influenced no decision."


def _best(run: Run, images: pd.DataFrame | None) -> str:
    """Return which result is best on validation, and whether that is more than chance."""
    first = run.results[0]
    value = float(first.board["validation_accuracy"])
    text = f"{first.result} has the best validation accuracy, {percent(value, space=' ')}"
    if len(run.results) == 1:
        return f"{text}; it is the only result."
    second = run.results[1]
    behind = float(second.board["validation_accuracy"])
    text += f", {100 * (value - behind):.1f} points ahead of {second.result} ({percent(behind, space=' ')})"
    if images is None or first.predictions is None or second.predictions is None:
        return f"{text}."
    ours, theirs = (kept_predictions(run, record, images)["validation"] for record in (first, second))
    _, _, p_value = mcnemar(ours.predicted == ours.labels, theirs.predicted == theirs.labels)
    verdict = "statistically significant" if p_value < _LEVEL else "not statistically significant"
    return f"{text}; {verdict} (McNemar's test, {p_text(p_value)})."


def seeds_section(run: Run) -> str:
    """Return mean and spread of the models that were trained with several seeds; empty if there is none."""
    groups: dict[str, list[ResultRecord]] = {}
    for record in run.results:
        if not record.result.endswith("_tuned"):
            groups.setdefault(record.model, []).append(record)
    sets = _sets(run)
    rows = []
    for model, records in sorted(groups.items()):
        if len(records) < 2:
            continue
        cells = []
        for name in sets:
            values = 100 * np.array([float(record.board[f"{name}_accuracy"]) for record in records])
            cells.append(f"{values.mean():.1f} ± {values.std(ddof=1):.1f}")
        rows.append([model, str(len(records)), *cells])
    if not rows:
        return ""
    table = markdown_table(["model", "seeds", *(f"{set_label(name)}, %" for name in sets)], rows)
    return (
        f"### Several seeds\n\n{table}\n\nMean and standard deviation over trainings that differ in their seed alone."
    )


def protocol_section(ours: Run | None, theirs: Sequence[Run]) -> str:
    """Return what the usual protocol would have reported for the same networks; empty if none was trained that way.

    Args:
        ours: The run of budget `full`, or None.
        theirs: Runs whose protocol leaks.
    """
    honest = {} if ours is None else {record.result: record for record in ours.results}
    sections = []
    for run in theirs:
        theirs_last, ours_last = _last_set(run), "" if ours is None else _last_set(ours)
        rows = []
        for record in run.results:
            mine = honest.get(record.result)
            leaky = float(record.board[f"{theirs_last}_accuracy"])
            cells = [record.result, f"{100 * leaky:.1f}"]
            if mine is None:
                cells += [DASH, DASH]
            else:
                value = float(mine.board[f"{ours_last}_accuracy"])
                cells += [f"{100 * value:.1f}", f"{100 * (leaky - value):+.1f}"]
            rows.append(cells)
        table = markdown_table(["model", "as most publish it, %", "as we measure it, %", "difference"], rows)
        test = set_label(ours_last) if ours_last else "test"
        sections.append(
            f"## What the protocol is worth\n\nThe same networks and settings, trained as most publications do: "
            f"{run.about.leaks}. Accuracy on {test}:\n\n{table}\n\n"
            f"Images: {run.about.images['validation']:,} to choose the epoch, {run.about.images[theirs_last]:,} to "
            "report on."
        )
    return "\n\n".join(sections)


def _sets(run: Run) -> list[str]:
    board = pd.DataFrame([record.board for record in run.results])
    return shown_sets(board_sets(board))


def _last_set(run: Run) -> str:
    """Return the set that the table ends with: PrivateTest, or test where the data has no subsets."""
    return whole_sets([name for name in _sets(run) if not name.endswith(WITHOUT_COPIES)])[-1]


def _commands(run: Run) -> str:
    models = list(dict.fromkeys(record.model for record in run.results))
    tuned = [record.model for record in run.results if record.result.endswith("_tuned")]
    words = [f"DATASET={run.about.dataset}", f"BUDGET={run.about.budget}", f'MODELS="{" ".join(models)}"']
    words.append(f'TUNE="{" ".join(tuned) or "none"}"')
    if repeats := max(record.repeat for record in run.results):
        words.append(f"REPEATS={repeats + 1}")
    if run.about.source in ("archive", "folder"):
        words.append(f'ARCHIVE="{run.about.origin}"')
    return f"### How to reproduce these numbers\n\n```sh\nmake repro {' '.join(words)}\nmake results\n```"


def _machines(records: Sequence[ResultRecord]) -> str:
    """Return a line for each machine and set of versions, with the results trained on it."""
    groups: dict[str, list[str]] = {}
    for record in records:
        if record.log is None:
            text = "not recorded"
        else:
            versions = ", ".join(f"{package} {number}" for package, number in record.log.versions.items())
            text = f"{record.log.cpu}, {record.log.cores} cores; backend {record.log.backend}; {versions}"
        groups.setdefault(text, []).append(f"`{record.result}`")
    return "### Machines\n\n" + "\n".join(f"- {listed(names)}: {text}" for text, names in groups.items())
