"""The leaderboard, and the champion that validation alone chooses."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ferflow.compare.reading import Result
from ferflow.compare.words import p_words, percent

FIGURES = ("accuracy", "accuracy_low", "accuracy_high", "macro_f1", "balanced_accuracy")
WORDS = {"accuracy": "accuracy", "macro_f1": "macro F1", "balanced_accuracy": "balanced accuracy"}


def rank(results: Sequence[Result], metric: str) -> list[Result]:
    """Sort by a metric of the validation set, best first; ties by fewer parameters, then fewer MACs, then name."""

    def key(result: Result) -> tuple[float, int, int, str]:
        summary = result.summary
        return (-result.metrics["validation"][metric], summary["parameters"], summary["macs"], result.name)

    return sorted(results, key=key)


def leaderboard(ranked: Sequence[Result]) -> pd.DataFrame:
    """Return a row for each result, best first.

    Columns: rank, model; `<set>_<figure>` for each set of images, validation first, and each of accuracy,
    accuracy_low, accuracy_high, macro_f1 and balanced_accuracy; parameters, macs, epochs, best_epoch, stopped.
    """
    rows = []
    for place, result in enumerate(ranked, start=1):
        row: dict[str, Any] = {"rank": place, "model": result.name}
        for name in result.sets:
            row |= {f"{name}_{figure}": result.metrics[name][figure] for figure in FIGURES}
        summary = result.summary
        row |= {key: summary[key] for key in ("parameters", "macs")}
        row |= {"epochs": summary["epochs_run"], "best_epoch": summary["best_epoch"], "stopped": summary["stopped"]}
        rows.append(row)
    return pd.DataFrame(rows)


def champion(
    ranked: Sequence[Result], significance: pd.DataFrame, dataset: str, metric: str, confidence: float
) -> dict[str, Any]:
    """Say which result won, by how much, and whether that is more than luck.

    Args:
        ranked: best first.
        significance: as from significance_table.
        dataset: its name in params.yaml.
        metric: that ranked them.
        confidence: a corrected p-value below 1 minus this counts as clear.

    Returns:
        model, dataset, metric, value (of the metric on validation), majority_accuracy (on validation, of always
        answering with its most frequent class), runner_up and p_value_vs_runner_up (corrected; both None where there
        is no other result), reason (a sentence), and the block of each set of images.
    """
    winner, others = ranked[0], ranked[1:]
    value = winner.metrics["validation"][metric]
    p_value = None
    if others:
        pair = (significance["better"] == winner.name) & (significance["worse"] == others[0].name)
        p_value = float(f"{significance.loc[pair, 'p_holm'].iloc[0]:.6g}")
    return {
        "model": winner.name,
        "dataset": dataset,
        "metric": metric,
        "value": value,
        "majority_accuracy": round(float(np.bincount(winner.labels).max() / len(winner.labels)), 6),
        "runner_up": others[0].name if others else None,
        "p_value_vs_runner_up": p_value,
        "reason": _reason(ranked, metric, p_value, 1 - confidence),
        **{name: winner.metrics[name] for name in winner.sets},
    }


def _reason(ranked: Sequence[Result], metric: str, p_value: float | None, level: float) -> str:
    winner = ranked[0]
    value = winner.metrics["validation"][metric]
    told = f"{winner.name} has the best validation {WORDS[metric]}, {percent(value)}"
    if p_value is None:
        return f"{told}; it is the only model."
    second = ranked[1]
    behind = second.metrics["validation"][metric]
    if behind == value:
        for key, word in (("parameters", "parameters"), ("macs", "MACs")):
            own, others = winner.summary[key], second.summary[key]
            if own < others:
                return f"{told}, as {second.name} has; it has fewer {word} ({own:,} against {others:,})."
        return f"{told}, as {second.name} has, with as many parameters and MACs; it is first by name."
    verdict = "more than luck explains" if p_value < level else "which may be luck"
    return (
        f"{told}, {100 * (value - behind):.1f} points before {second.name} ({percent(behind)}), {verdict} "
        f"({p_words(p_value)})."
    )
