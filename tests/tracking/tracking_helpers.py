"""Helpers that the tests of tracking share."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ferflow.base.hashing import sha256
from ferflow.ui.tracking import Store, SyncReport, sync
from ferflow.ui.tracking.logged_models import Network
from ferflow.ui.tracking.registry import Candidate

IDENTITY = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.com",
}


def run(folder: Path, *command: str) -> str:
    """Run a command in a folder and return what it printed."""
    environment = {**os.environ, **IDENTITY, "DVC_NO_ANALYTICS": "1", "PYTHONPATH": ""}
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{command}: {result.stdout}\n{result.stderr}"
    return result.stdout


def dvc(folder: Path, *arguments: str) -> str:
    return run(folder, sys.executable, "-m", "dvc", *arguments)


CLASSES = ["happy", "sad", "neutral"]
SIDE = 12


def write_network(folder: Path, seed: int = 1, softmax: bool = True) -> Path:
    import keras

    keras.utils.set_random_seed(seed)
    layers = [keras.Input((SIDE, SIDE, 1)), keras.layers.Rescaling(1 / 255), keras.layers.Flatten()]
    last = keras.layers.Dense(len(CLASSES), activation="softmax" if softmax else "linear")
    folder.mkdir(parents=True, exist_ok=True)
    keras.Sequential([*layers, last]).save(folder / "model.keras")
    (folder / "classes.json").write_text(json.dumps(CLASSES))
    return folder


def faces(number: int = 5) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (number, SIDE, SIDE), dtype=np.uint8)


def served() -> Any:
    import mlflow

    return mlflow.pyfunc.load_model("models:/ferflow@champion")


GATES = {"min_accuracy": 0.0, "max_latency_ms": 10000.0, "significance": 0.05}


def registration_of(folder: Path, **changes: Any) -> dict[str, Any]:
    """What registration.json says about the network in a folder."""
    first = {
        "passed": True,
        "because": ["gate passed: validation accuracy 70.0 % reaches min_accuracy 0 %"],
        "model": "cnn",
        "dataset": "drawn",
        "name": "ferflow",
        "alias": "champion",
        "metric": "accuracy",
        "value": 0.7,
        "figures": {"accuracy": 0.7, "macro_f1": 0.6, "worst_recall": 0.5, "ece": 0.03, "size_mb": 0.1},
        "worst_class": "sad",
        "gates": GATES,
        "model_sha256": sha256(folder / "model.keras"),
        "views": "single",
        "temperature": 1.0,
    }
    return {**first, **changes}


def candidate_in(folder: Path, card: str = "# The card", **changes: Any) -> Candidate:
    """The network in a folder, as register takes it."""
    registration = registration_of(folder, **changes)
    tags = (("ferflow.dataset", "drawn"), ("ferflow.fingerprint", "f" * 64), ("ferflow.model", registration["model"]))
    served = {key: registration[key] for key in ("views", "temperature")}
    network = Network(registration["model"], "tensorflow", folder, registration["model_sha256"], tags=tags, **served)
    return Candidate(network, registration, card)


STAGES = {"train@one", "train@two", "tune@one"}


def track(project: Path, uri: str = "sqlite:///mlflow.db") -> SyncReport:
    return sync(project, uri, dataset="params say", budget="params say")


def runs_of(store: Store, dataset: str = "drawn") -> dict[str, Any]:
    runs = store.client.search_runs([store.experiment(dataset)])
    named = {run.info.run_name: run for run in runs}
    assert len(named) == len(runs), sorted(run.info.run_name for run in runs)
    return named


def rows(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Everything in the database."""
    with sqlite3.connect(store.uri.removeprefix("sqlite:///")) as database:
        names = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        return {name: sorted(database.execute(f"select * from {name}"), key=repr) for name in names}
