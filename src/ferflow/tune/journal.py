"""The finished trials of a running study, on disk, so that a killed study resumes.

Optuna's own JournalStorage would leave a killed trial in the state RUNNING, and its number would shift the seeds of the
trials after it; this journal holds finished trials only, so that a resumed study draws the same ones.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from ferflow.base.files import write_text
from ferflow.base.hashing import digest_of, sha256


def study_key(settings: Any, paths: Iterable[Path] = ()) -> str:
    """Return a digest of settings (of JSON's types) and of every file at or below `paths`, names included."""
    files = {
        file.as_posix(): sha256(file)
        for path in paths
        for file in ([path] if path.is_file() else sorted(path.rglob("*")))
        if file.is_file() and file.suffix != ".pyc"
    }
    return digest_of([settings, files])


def read_journal(path: Path, key: str, space: dict[str, BaseDistribution]) -> list[FrozenTrial]:
    """Return the finished trials in order; none if the file is missing, damaged or of another study.

    Args:
        path: The journal.
        key: The study's key, as given to `write_journal`.
        space: Distributions that the params were drawn from.
    """
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return []
    if saved["key"] != key:
        return []
    return [
        create_trial(
            state=TrialState[trial["state"]],
            value=trial["value"],
            params=trial["params"],
            distributions=space,
            user_attrs=trial["notes"],
            intermediate_values={int(epoch): value for epoch, value in trial["epochs"].items()},
        )
        for trial in saved["trials"]
    ]


def write_journal(path: Path, key: str, trials: list[FrozenTrial]) -> None:
    """Write the finished trials atomically. Infinities and NaN are kept as Python writes them."""
    rows: list[dict[str, Any]] = [
        {
            "state": trial.state.name,
            "value": trial.value,
            "params": trial.params,
            "epochs": trial.intermediate_values,
            "notes": trial.user_attrs,
        }
        for trial in trials
    ]
    write_text(path, json.dumps({"key": key, "trials": rows}, indent=1) + "\n")
