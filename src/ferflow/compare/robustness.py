"""Which network bears corrupted images best: accuracy by kind and severity, and the mean corruption error."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ferflow.base.contracts import Contract, read_contract
from ferflow.compare.result_reader import Result
from ferflow.reporting.page import PageSection, PageTable, ReportFiles
from ferflow.reporting.robustness import Robustness, corruption_label, mean_corruption_error
from ferflow.reporting.robustness_figures import severity_lines
from ferflow.reporting.text import DASH, count, percent

BASELINE = "mini_xception"
"""Architecture whose errors count as 1: the small network that most applications with FER-2013 run."""

REFERENCE = Path(__file__).with_name("fer2013_c_reference.json")
"""Errors of mini_xception on FER-2013-C, for comparisons without it; tools/fer2013_c_reference.py writes the file."""

REFERENCE_DATASET = "fer2013"
ALL = "all"
COLUMNS = ("model", "kind", "accuracy", "relative", "corruption_error")


class Reference(Contract):
    """Errors of the baseline on the test images of FER-2013.

    Attributes:
        severities: Severities of the errors.
        errors: Error at each severity, in [0, 1], by kind of corruption.
    """

    severities: list[int]
    errors: dict[str, list[float]]


@dataclass(frozen=True)
class Baseline:
    """What corruption errors are divided by.

    Attributes:
        name: Its name for people.
        errors: Error at each severity, in [0, 1], by kind of corruption.
    """

    name: str
    errors: dict[str, list[float]]


def baseline_of(ranked: Sequence[Result], dataset: str, reference: Path = REFERENCE) -> Baseline | None:
    """Return the baseline of the corruption errors: mini_xception among the results, else the stored reference.

    Args:
        ranked: Results, best on validation first; of several of that architecture, the best is the baseline.
        dataset: Name of the dataset in params.yaml; the reference is of fer2013 alone.
        reference: File of the reference.

    Returns:
        None if there is neither.
    """
    for result in ranked:
        scores = result.metrics.sets["test"].robustness
        if scores and result.summary.architecture == BASELINE:
            errors = {kind: [1 - value for value in row.accuracy] for kind, row in scores.kinds.items()}
            return Baseline(result.name, errors)
    tested = next((scores for result in ranked if (scores := result.metrics.sets["test"].robustness)), None)
    return None if tested is None else stored_baseline(dataset, tested.severities, reference)


def stored_baseline(dataset: str, severities: Sequence[int], reference: Path = REFERENCE) -> Baseline | None:
    """Return the stored errors of the baseline; None for another dataset than FER-2013, or other severities.

    Args:
        dataset: Name of the dataset in params.yaml.
        severities: Severities that were tested.
        reference: File of the reference.
    """
    if dataset != REFERENCE_DATASET or not reference.is_file():
        return None
    stored = read_contract(reference, Reference, "compare")
    if not set(severities) <= set(stored.severities):
        return None
    places = [stored.severities.index(severity) for severity in severities]
    errors = {kind: [row[place] for place in places] for kind, row in stored.errors.items()}
    return Baseline(f"the stored errors of {BASELINE} on FER-2013-C", errors)


def robustness_table(ranked: Sequence[Result], baseline: Baseline | None) -> pd.DataFrame:
    """Return the scores on corrupted test images.

    Args:
        ranked: Results, best on validation first.
        baseline: What the errors are divided by, or None.

    Returns:
        A row for each result and kind of corruption, and one with the kind `all`: model, kind; accuracy, the mean over
        the severities; relative, that divided by the accuracy on the images as they are; corruption_error, the sum of
        the errors divided by the baseline's, in the row `all` their mean (mCE). The last is missing without a baseline.
        No rows if no result was tested.
    """
    rows: list[tuple[str, str, float, float | None, float | None]] = []
    for result in ranked:
        scores = result.metrics.sets["test"].robustness
        if scores is None:
            continue
        rows.append((result.name, ALL, scores.mean_accuracy, scores.relative, _error(scores, baseline)))
        for kind, row in scores.kinds.items():
            alone = scores.model_copy(update={"kinds": {kind: row}})
            rows.append((result.name, kind, row.mean, row.relative, _error(alone, baseline)))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype({"accuracy": "float64", "relative": "float64", "corruption_error": "float64"})


def _error(scores: Robustness, baseline: Baseline | None) -> float | None:
    return mean_corruption_error(scores, baseline.errors) if baseline else None


def robustness_section(ranked: Sequence[Result], baseline: Baseline | None, files: ReportFiles) -> PageSection | None:
    """Return the section on corrupted images, and add `corruptions.png`; None if no result was tested.

    Args:
        ranked: Results, best on validation first.
        baseline: What the errors are divided by, or None.
        files: Receives the figure.
    """
    tested = {result.name: scores for result in ranked if (scores := result.metrics.sets["test"].robustness)}
    if not tested:
        return None
    best = max(tested, key=lambda name: tested[name].mean_accuracy)
    share = percent(tested[best].mean_accuracy)
    first = next(iter(tested.values()))
    costs = {kind: sum(scores.kinds[kind].mean for scores in tested.values()) / len(tested) for kind in first.kinds}
    worst, mildest = min(costs, key=lambda kind: costs[kind]), max(costs, key=lambda kind: costs[kind])
    findings = [
        f"Accuracy on corrupted test images, the mean over {count(len(first.kinds), 'kind')} of corruption and "
        f"{count(len(first.severities), 'severity', 'severities')}: {best} is best with {share}. "
        f"On average, {corruption_label(worst)} costs most ({percent(costs[worst])} are left) and "
        f"{corruption_label(mildest)} least ({percent(costs[mildest])}).",
        f"mCE is the mean corruption error compared with {baseline.name} (100 %); lower is better."
        if baseline
        else f"Without {BASELINE} among the results there is no mean corruption error (mCE), which compares with it.",
    ]
    clean = {result.name: result.metrics.sets["test"].accuracy for result in ranked}
    lines = {
        name: (clean[name], [sum(row) / len(row) for row in zip(*_accuracies(scores), strict=True)])
        for name, scores in tested.items()
    }
    chart = files.add_chart(
        "corruptions",
        severity_lines(lines, first.severities, f"{best} is most accurate on corrupted images, {share} on average"),
        "Lines: accuracy over the severity of the corruption.",
    )
    rows = []
    for name, scores in tested.items():
        error = _error(scores, baseline)
        means = [f"{100 * row.mean:.1f}" for row in scores.kinds.values()]
        rows.append(
            (name, f"{100 * scores.mean_accuracy:.1f}", DASH if error is None else f"{100 * error:.1f}", *means)
        )
    header = ("model", "mean, %", "mCE, %", *(corruption_label(kind) for kind in first.kinds))
    caption = "Accuracy on corrupted test images by kind, the mean over the severities, %"
    table = PageTable(caption, header, rows, frozenset(range(1, len(header))), True)
    return PageSection("corruptions", "Corrupted images", findings, [chart, table])


def _accuracies(scores: Robustness) -> list[list[float]]:
    return [row.accuracy for row in scores.kinds.values()]
