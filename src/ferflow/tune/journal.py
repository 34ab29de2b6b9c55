"""The finished trials of a running study, on disk, so that a killed study resumes.

Optuna's own JournalStorage would leave a killed trial in the state RUNNING, and its number would shift the seeds of the
trials after it; this journal holds finished trials only, so that a resumed study draws the same ones.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from ferflow.base.files import write_text
from ferflow.base.hashing import digest_of, sha256


def study_key(settings: Any, data: Path, code: Iterable[Path]) -> str:
    """Return a digest of everything that decides the outcome of a study, as 64 hex digits.

    Files enter with their names relative to the folders that hold them, so that a study resumes after the project was
    moved.

    Args:
        settings: What is searched and how, of JSON's types.
        data: Folder whose files the trials read, at any depth.
        code: Source files of the trials, at least one.
    """
    arrays = [path for path in data.rglob("*") if path.is_file()]
    sources = list(code)
    package = Path(os.path.commonpath([source.parent for source in sources]))
    return digest_of([settings, _digests(arrays, data), _digests(sources, package)])


def _digests(files: Iterable[Path], root: Path) -> dict[str, str]:
    return {file.relative_to(root).as_posix(): sha256(file) for file in files}


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
