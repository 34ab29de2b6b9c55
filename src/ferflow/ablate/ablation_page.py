"""docs/results/ablations.md: a section for each ablation, written from the summaries."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ferflow.ablate.ablation_summary import AblationSummary, Arm, Difference
from ferflow.base.errors import DataError
from ferflow.base.files import write_text
from ferflow.reporting.text import DASH, count, listed, markdown_table, percent

HEADER = (
    "arm", "what changes", "accuracy", "difference, points", "p", "p, Holm", "folds ahead", "log loss",
    "difference, nats", "macro F1", "recall, rarest", "seconds",
)  # fmt: skip
_LEFT = 2  # columns of text, which are aligned left
_INTRODUCTION = """\
Each section is an ablation: variants of one model (arms), trained on folds of the training images. `ferflow ablate
ablations/<name>.yaml` trains what has no result yet and rewrites this page; docs/training.md describes the file.

The images are FER-2013's Training, or the training and validation images of another dataset, divided into folds with
equal shares of each class; copies and near-copies of an image are in one fold. Each arm is trained once per fold, with
that fold held out, for a fixed number of epochs. The weights after the last epoch predict the held-out images, so that
nothing is chosen by them. The arms are compared on the same images, each predicted by a network that has not seen it.
PublicTest and PrivateTest are not involved.

Differences are relative to the first arm, the baseline. Intervals come from a bootstrap over groups of copies, and p
from the exact McNemar test (McNemar 1947); "p, Holm" corrects it for the number of arms (Holm 1979). Intervals and p
treat the trained networks as given. How much initial weights and the order of batches matter is shown by an arm that
changes nothing but the seed."""


def write_page(page: Path, reports: Path) -> None:
    """Write the page from all summaries.

    Args:
        page: File to write.
        reports: Folder with a folder per dataset, and in it a summary per ablation.

    Raises:
        DataError: A summary cannot be read.
    """
    sections = [section(read_summary(path)) for path in sorted(reports.glob("*/*.json"))]
    parts = ["# Ablations", "<!-- `ferflow ablate` writes this page from reports/ablate. -->", _INTRODUCTION, *sections]
    write_text(page, "\n\n".join(parts) + "\n")


def read_summary(path: Path) -> AblationSummary:
    """Read the summary of an ablation.

    Raises:
        DataError: The file is not one of this version of ferflow.
    """
    try:
        return AblationSummary.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise DataError(
            f"{path} is not the summary of an ablation: {error.errors(include_url=False)[0]['msg']}. Delete it, and "
            f"write it again: ferflow ablate ablations/{path.stem}.yaml."
        ) from None


def section(summary: AblationSummary) -> str:
    """Return the section of one ablation as Markdown, without a final newline."""
    left = summary.folds - summary.folds_run
    folds = f"{summary.folds_run} of {summary.folds} folds" if left else f"{summary.folds} folds"
    base = f" In all arms: {_written(summary.base)}." if summary.base else ""
    versions = ", ".join(f"{name} {version}" for name, version in summary.versions.items())
    sentences = (
        f"Model `{summary.model}` with the budget `{summary.budget}`, {count(summary.epochs, 'epoch')} in the "
        f"baseline, {folds}: {count(summary.images, 'held-out image')} in {count(summary.groups, 'group')}, views "
        f"`{summary.views}`, seed {summary.seed}.{base}"
    )
    note = (
        f"Intervals: {percent(summary.confidence, 0)}, {summary.resamples:,} resamples. The rarest class is "
        f"{summary.rarest}. Seconds are those of one "
        f"training, the mean over the folds{_processors(summary.arms)}. Libraries: {versions}."
    )
    failures = [f"`{name}` could not be trained: {arm.failed}" for name, arm in summary.arms.items() if arm.failed]
    rows = [_row(name, arm, summary.folds_run) for name, arm in summary.arms.items()]
    parts = [f"## {summary.name} on {summary.dataset}", summary.description, sentences]
    return "\n\n".join([*parts, markdown_table(HEADER, rows, left=_LEFT), note, *failures])


def _row(name: str, arm: Arm, folds: int) -> list[str]:
    row = [f"`{name}`", _written(arm.changes) or DASH]
    scores = arm.scores
    if scores is None:
        return row + [DASH] * (len(HEADER) - len(row))
    row.append(percent(scores.accuracy))
    if scores.accuracy_difference is None or scores.log_loss_difference is None:
        row += [DASH] * 4 + [f"{scores.log_loss:.3f}", DASH]
    else:
        row += [
            _difference(scores.accuracy_difference, 100, 2),
            _p_value(scores.p_mcnemar),
            _p_value(scores.p_holm),
            f"{scores.folds_ahead} of {folds}",
            f"{scores.log_loss:.3f}",
            _difference(scores.log_loss_difference, 1, 3),
        ]
    row += [f"{scores.macro_f1:.3f}", percent(scores.rarest_recall)]
    return [*row, DASH if arm.seconds is None else f"{arm.seconds:.0f}"]


def _difference(difference: Difference, scale: float, digits: int) -> str:
    value, low, high = (
        f"{scale * number:+.{digits}f}" for number in (difference.value, difference.low, difference.high)
    )
    return f"{value} ({low} to {high})"


def _p_value(value: float | None) -> str:
    if value is None:
        return DASH
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _written(changes: Mapping[str, Any]) -> str:
    return ", ".join(f"`{key}: {_flow(value)}`" for key, value in changes.items())


def _flow(value: Any) -> str:
    """Return a value as it is written in YAML's flow style."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    return value if isinstance(value, str) else json.dumps(value)


def _processors(arms: Mapping[str, Arm]) -> str:
    """Return on what the arms were trained: nothing, one kind for all, or the arms of each kind."""
    kinds: dict[str, list[str]] = {}
    for name, arm in arms.items():
        if arm.processors:
            kinds.setdefault(listed(arm.processors), []).append(f"`{name}`")
    if len(kinds) == 1:
        return f", on {next(iter(kinds))}"
    return "".join(f"; on {kind}: {listed(names)}" for kind, names in kinds.items())
