"""Differences in words and tables, for the terminal, for Markdown and for the page."""

from collections.abc import Mapping

from ferflow.reporting.set_names import set_label
from ferflow.reporting.text import DASH, count, listed, points
from ferflow.ui.diff.difference import Difference
from ferflow.ui.diff.result_changes import MISSING, OTHER_IMAGES, SetChange, Tested

METRIC_HEADER = (
    "result", "set", "accuracy, %", "points", "p", "macro F1, %", "points", "p", "log loss", "ECE, %",
)  # fmt: skip
_PER_INPUT = 3  # stages that are named for each input


def headline(difference: Difference) -> str:
    """Return the whole difference in one sentence."""
    if is_same(difference):
        return f"No difference to {difference.before.label}: dvc.lock is the same."
    if difference.same_lock:
        return f"dvc.lock is the same as at {difference.before.label}, but other files differ."
    changed = [change for change in difference.results if not change.same]
    results = list(dict.fromkeys(change.result for change in changed))
    what = f"the metrics of {listed(results, limit=6)} differ" if results else "no metric differs"
    return f"dvc.lock differs from that of {difference.before.label}; {what}."


def is_same(difference: Difference) -> bool:
    """Return whether nothing at all differs."""
    return difference.same_lock and not difference.params and not difference.pictures


def notes(difference: Difference) -> list[str]:
    """Return sentences on what the tables leave out, and what to do about it."""
    found = []
    if difference.same_lock and difference.params:
        found.append("params.yaml has changed since the pipeline last ran. To see the effect: dvc repro.")
    for reason in difference.unpaired:
        if reason == OTHER_IMAGES:
            found.append("Some results were measured on other images, so that their differences are not paired.")
        elif reason == MISSING.format(difference.before.label):
            found.append(
                f"The predictions of {difference.before.label} are not in this cache, so that differences have no "
                "interval and no p-value. If a remote has them: dvc fetch --all-commits."
            )
        else:
            found.append("The present predictions are not on disk. Restore them: dvc checkout, or: dvc repro.")
    champions = difference.champions
    if champions[0] != champions[1]:
        found.append(f"The champion is {champions[1] or 'unknown'}; it was {champions[0] or 'unknown'}.")
    for names, word in ((difference.added, "New"), (difference.removed, "Gone")):
        if names:
            texts = [f"{name} ({100 * value:.1f} % of validation)" for name, value in names.items()]
            found.append(f"{word}: {listed(texts)}.")
    return found


def metric_rows(difference: Difference) -> list[tuple[str, ...]]:
    """Return a row of METRIC_HEADER for each result and set whose metrics differ."""
    return [_metric_row(change) for change in difference.results if not change.same]


def metric_caption(difference: Difference) -> str:
    """Return what the table of metrics shows."""
    if not any(change.tested for change in difference.results):
        return "Metrics before and now. Points: difference."
    return (
        f"Metrics before and now. Points: difference with its {100 * difference.confidence:g} % interval, from a "
        "paired bootstrap over groups of copies. p: exact McNemar test (accuracy) or that bootstrap (macro F1), "
        "corrected over the results after Holm."
    )


def verdicts(difference: Difference) -> list[str]:
    """Return a sentence on the accuracy of each result on validation, which decides."""
    found = []
    for change in difference.results:
        if change.part != "validation" or change.same or "accuracy" not in change.tested:
            continue
        tested = change.tested["accuracy"]
        significant = tested.p_value < 1 - difference.confidence
        word = "statistically significant" if significant else "not statistically significant"
        found.append(
            f"{change.result}: {points(tested.value)} points ({_interval(tested)}) on validation, "
            f"{_p_value(tested)}: {word}."
        )
    return found


def param_rows(difference: Difference) -> list[tuple[str, str, str]]:
    """Return key, value before and value now of each key of params.yaml that differs."""
    return [
        (change.key, DASH if change.before is None else change.before, DASH if change.after is None else change.after)
        for change in difference.params
    ]


def stage_rows(difference: Difference) -> list[tuple[str, str]]:
    """Return what differs of the pipeline, and which stages it concerns."""
    stages = difference.stages
    rows = [(name, _stages(names)) for name, names in stages.inputs.items()]
    for word, names in (
        ("new stages", stages.added),
        ("removed stages", stages.removed),
        ("other outputs", stages.outputs),
    ):
        if names:
            rows.append((word, _stages(names)))
    return rows


def _stages(names: list[str]) -> str:
    """Return stages, those of several results together: `train of 3 results`."""
    groups: dict[str, list[str]] = {}
    for name in names:
        stage, _, result = name.partition("@")
        groups.setdefault(stage, []).append(result)
    return ", ".join(
        stage if results == [""] else f"{stage}@{results[0]}" if len(results) == 1
        else f"{stage} ({listed(results) if len(results) <= _PER_INPUT else count(len(results), 'result')})"
        for stage, results in groups.items()
    )  # fmt: skip


def _metric_row(change: SetChange) -> tuple[str, ...]:
    cells = [change.result, set_label(change.part)]
    for metric in ("accuracy", "macro_f1"):
        cells.append(_pair(change.before, change.after, metric, percent=True))
        tested = change.tested.get(metric)
        if tested:
            cells += [
                f"{points(tested.value)} ({_interval(tested)})",
                _p_value(tested).removeprefix("p ").lstrip("= "),
            ]
        elif metric in change.before and metric in change.after:
            cells += [points(change.after[metric] - change.before[metric]), DASH]
        else:
            cells += [DASH, DASH]
    cells.append(_pair(change.before, change.after, "log_loss", percent=False))
    cells.append(_pair(change.before, change.after, "ece", percent=True))
    return tuple(cells)


def _pair(before: Mapping[str, float], after: Mapping[str, float], metric: str, percent: bool) -> str:
    if metric not in before or metric not in after:
        return DASH
    texts = [f"{100 * side[metric]:.1f}" if percent else f"{side[metric]:.3f}" for side in (before, after)]
    return texts[0] if texts[0] == texts[1] else f"{texts[0]} → {texts[1]}"


def _interval(tested: Tested) -> str:
    return f"{points(tested.low)} to {points(tested.high)}"


def _p_value(tested: Tested) -> str:
    return "p < 0.001" if tested.p_value < 0.001 else f"p = {tested.p_value:.3f}"
