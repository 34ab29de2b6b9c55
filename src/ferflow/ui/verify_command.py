"""The command `ferflow verify`."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from tabulate import tabulate

from ferflow.base.errors import DataError
from ferflow.reporting.set_names import set_label
from ferflow.reporting.text import listed, percent
from ferflow.settings import load_config
from ferflow.ui.params_file import PARAMS
from ferflow.ui.processor import other_processor
from ferflow.ui.verification import Verification, verify


def add_verify(parser: argparse.ArgumentParser) -> None:
    """Describe `ferflow verify`."""
    parser.add_argument(
        "revision", nargs="?", default="HEAD", help="git revision whose results must come out again; default: HEAD"
    )
    parser.set_defaults(command=_verify)


def _verify(arguments: argparse.Namespace) -> None:
    found = verify(Path(), arguments.revision)
    _check_complete()
    print(report(found, load_config(PARAMS).evaluate.confidence))
    if found.reasons:
        raise DataError(f"The results of {found.commit.label} did not come out again: {'; '.join(found.reasons)}.")


def _check_complete() -> None:
    """Check that the files on disk are those of dvc.lock: a clone that has run nothing would otherwise be verified.

    Raises:
        DataError: Files are missing or have changed.
    """
    dvc = Path(sys.executable).parent / "dvc"
    done = subprocess.run([dvc, "status", "--json"], check=False, text=True, capture_output=True)
    if done.returncode:
        raise DataError(f"dvc status failed with exit status {done.returncode}: {done.stderr.strip()}")
    if stages := sorted(json.loads(done.stdout)):
        raise DataError(
            f"The files on disk are not those of dvc.lock: {listed(stages, 5)}. To rerun every stage: "
            "ferflow run --force."
        )


def report(found: Verification, confidence: float) -> str:
    """Return what the command prints, without the final error.

    Args:
        found: What was compared.
        confidence: Confidence level of the intervals, in (0, 1).
    """
    label = found.commit.label
    if found.same_lock:
        return f"Verified: dvc.lock is the same to the byte as in {label}."
    lines = [
        f"dvc.lock differs from {label}: {len(found.differing)} of {found.stages} stages have other outputs. "
        + other_processor(found.made_on, found.kind)
    ]
    rows = [
        (
            row.result,
            set_label(row.part),
            {"accuracy": "accuracy", "macro_f1": "macro F1"}[row.metric],
            f"{_percent(row.before)} ({_percent(row.low)} to {_percent(row.high)})",
            _percent(row.now),
            "within" if row.within else "OUTSIDE",
        )
        for row in found.metrics
    ]
    header = ("result", "images", "metric", f"{label} ({100 * confidence:.0f} % interval)", "now", "")
    lines += ["", tabulate(rows, header, tablefmt="simple", disable_numparse=True), ""]
    if found.champions[0] != found.champions[1]:
        lines.append(f"The champion is {found.champions[1]}; in {label} it is {found.champions[0]}.")
    if not found.reasons:
        lines.append(f"Verified: all {len(rows)} metrics are within the intervals of {label}.")
    return "\n".join(lines)


def _percent(share: float) -> str:
    return percent(share, space=" ")
