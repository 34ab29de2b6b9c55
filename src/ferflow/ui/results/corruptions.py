"""FER-2013-C: accuracy of the recorded networks on corrupted test images."""

from ferflow.compare.robustness import BASELINE, Baseline, stored_baseline
from ferflow.reporting.robustness import corruption_label, mean_corruption_error
from ferflow.reporting.text import DASH, count, markdown_table
from ferflow.ui.results.records import Run


def corruption_section(run: Run) -> str:
    """Return the table of the corrupted test images; empty if no network of the run was tested on them.

    Args:
        run: The run.
    """
    tested = {record.result: record.corruptions for record in run.results if record.corruptions is not None}
    if not tested:
        return ""
    first = next(iter(tested.values()))
    baseline = _baseline(run) or stored_baseline(run.about.dataset, first.severities)
    rows = []
    for name, scores in sorted(tested.items(), key=lambda item: -item[1].mean_accuracy):
        error = mean_corruption_error(scores, baseline.errors) if baseline else None
        means = [f"{100 * row.mean:.1f}" for row in scores.kinds.values()]
        mce = DASH if error is None else f"{100 * error:.1f}"
        rows.append([name, f"{100 * scores.mean_accuracy:.1f}", mce, *means])
    header = ["model", "mean, %", "mCE, %", *(corruption_label(kind) for kind in first.kinds)]
    kinds, severities = count(len(first.kinds), "kind"), count(len(first.severities), "severity", "severities")
    versus = f"compared with {baseline.name} (100 %); lower is better" if baseline else f"needs {BASELINE}"
    return (
        f"### On corrupted images\n\n{markdown_table(header, rows)}\n\nAccuracy in percent on all test images under "
        f"{kinds} of corruption, the mean over {severities} (FER-2013-C, [docs/fer2013-c.md](../fer2013-c.md)). mCE is "
        f"the mean corruption error, {versus}."
    )


def _baseline(run: Run) -> Baseline | None:
    """Return the errors of the run's best result of the baseline's architecture; None if it has none."""
    for record in run.results:
        if record.model == BASELINE and record.corruptions is not None:
            errors = {kind: [1 - value for value in row.accuracy] for kind, row in record.corruptions.kinds.items()}
            return Baseline(record.result, errors)
    return None
