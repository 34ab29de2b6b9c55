"""The leaderboard and the champion, both decided on validation alone, and their wording for people."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ferflow.compare.result_reader import Result
from ferflow.reporting.result_contracts import Champion
from ferflow.reporting.set_names import WITHOUT_COPIES, set_label
from ferflow.reporting.text import percent, short_number

BOARD_METRICS = ("accuracy", "accuracy_low", "accuracy_high", "macro_f1", "balanced_accuracy")
METRIC_LABELS = {"accuracy": "accuracy", "macro_f1": "macro F1", "balanced_accuracy": "balanced accuracy"}


def rank(results: Sequence[Result], metric: str) -> list[Result]:
    """Sort results by a validation metric, best first; ties by fewer parameters, then fewer MACs, then name."""

    def key(result: Result) -> tuple[float, int, int, str]:
        return (-result.validation(metric), result.summary.parameters, result.summary.macs, result.name)

    return sorted(results, key=key)


def leaderboard(ranked: Sequence[Result]) -> pd.DataFrame:
    """Return a row for each result, best first.

    The columns are rank, model; `<set>_<metric>` for each set of images, validation first, and each of accuracy,
    accuracy_low, accuracy_high, macro_f1 and balanced_accuracy; parameters, macs, epochs, best_epoch, stopped.
    """
    rows = []
    for position, result in enumerate(ranked, start=1):
        row: dict[str, Any] = {"rank": position, "model": result.name}
        for name, block in result.metrics.sets.items():
            row |= {f"{name}_{metric}": block.metric(metric) for metric in BOARD_METRICS}
        summary = result.summary
        row |= {"parameters": summary.parameters, "macs": summary.macs, "epochs": summary.epochs_run}
        row |= {"best_epoch": summary.best_epoch, "stopped": summary.stopped}
        rows.append(row)
    return pd.DataFrame(rows)


def choose_champion(
    ranked: Sequence[Result], significance: pd.DataFrame, dataset: str, metric: str, confidence: float
) -> Champion:
    """Return the first result, how far it is ahead, and whether the difference is statistically significant.

    Args:
        ranked: Results, best first.
        significance: Table that significance_table returns.
        dataset: Name of the dataset in params.yaml.
        metric: Metric that ranked the results.
        confidence: A corrected p-value below 1 - confidence is statistically significant.
    """
    winner, others = ranked[0], ranked[1:]
    p_value = None
    if others:
        pair = (significance["better"] == winner.name) & (significance["worse"] == others[0].name)
        p_value = float(f"{significance.loc[pair, 'p_holm'].iloc[0]:.6g}")
    return Champion(
        model=winner.name,
        dataset=dataset,
        metric=metric,
        value=winner.validation(metric),
        majority_accuracy=round(float(np.bincount(winner.labels).max() / len(winner.labels)), 6),
        runner_up=others[0].name if others else None,
        p_value_vs_runner_up=p_value,
        reason=_reason(ranked, metric, p_value, 1 - confidence),
        views=winner.metrics.views,
        temperature=winner.metrics.temperature,
        sets=winner.metrics.sets,
    )


def _reason(ranked: Sequence[Result], metric: str, p_value: float | None, level: float) -> str:
    winner = ranked[0]
    value = winner.validation(metric)
    score = f"the best validation {METRIC_LABELS[metric]}, {percent(value, space=' ')}"
    if p_value is None:
        return f"{winner.name} has {score}; it is the only result."
    second = ranked[1]
    behind = second.validation(metric)
    if behind == value:
        tie = f"{winner.name} and {second.name} share {score}"
        for label, mine, theirs in (
            ("parameters", winner.summary.parameters, second.summary.parameters),
            ("MACs", winner.summary.macs, second.summary.macs),
        ):
            if mine < theirs:
                return f"{tie}; {winner.name} has fewer {label} ({mine:,} compared with {theirs:,})."
        return f"{tie}, with as many parameters and MACs; {winner.name} is first by name."
    verdict = "statistically significant" if p_value < level else "not statistically significant"
    return (
        f"{winner.name} has {score}, {100 * (value - behind):.1f} points ahead of {second.name} "
        f"({percent(behind, space=' ')}); {verdict} ({p_text(p_value)})."
    )


def p_text(p_value: float) -> str:
    """Return a p-value for people.

    >>> p_text(0.31), p_text(0.0001)
    ('p = 0.310', 'p < 0.001')
    """
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


def board_sets(board: pd.DataFrame) -> list[str]:
    """Return all sets of images that a leaderboard has columns for, validation first."""
    ending = "_accuracy_low"
    return [column.removesuffix(ending) for column in board.columns if column.endswith(ending)]


def board_rows(board: pd.DataFrame, sets: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of the leaderboard for people; accuracies in percent with their intervals.

    Args:
        board: Table that `leaderboard` returns.
        sets: Sets of images to show.
    """
    last = next(name for name in reversed(sets) if not name.endswith(WITHOUT_COPIES))
    accuracies = [f"{set_label(name)}, %" for name in sets]
    header = ["model", *accuracies, f"macro F1, {last}", "parameters", "MACs", "epochs"]
    rows = []
    for record in board.to_dict("records"):
        cells = [str(record["model"])]
        for name in sets:
            low, high = record[f"{name}_accuracy_low"], record[f"{name}_accuracy_high"]
            cells.append(f"{100 * record[f'{name}_accuracy']:.1f} ({100 * low:.1f} to {100 * high:.1f})")
        cells.append(f"{record[f'{last}_macro_f1']:.3f}")
        cells += [short_number(float(record[key])) for key in ("parameters", "macs")]
        cells.append(str(record["epochs"]))
        rows.append(cells)
    return header, rows
