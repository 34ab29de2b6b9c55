"""The live runs of a training or search whose code was edited meanwhile, found again by their metrics.

DVC hashes a stage's code both before and after it runs. If the code is edited while the stage runs, dvc.lock gets
another fingerprint than the live run has; equal metrics at every step show that it is the same training.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ferflow.ui.tracking.run_content import LOGGED, Content, Point
from ferflow.ui.tracking.store import FINGERPRINT, Store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

_PARENT = "mlflow.parentRunId"


def adopt_live_run(
    store: Store, experiment: str, stage: str, fingerprint: str, points: Sequence[Point]
) -> "Run | None":
    """Return the live run of the training that gave these metrics, and give it its fingerprint; None if there is none.

    Args:
        store: MLflow store.
        experiment: Id of the experiment.
        stage: Name of the stage.
        fingerprint: Fingerprint of the stage in dvc.lock.
        points: Key, value and step of every metric of the training.
    """
    if not points:
        return None
    with store.session() as client:
        for run in _finished(client, experiment, stage):
            if _shows(client, run, points):
                client.set_tag(run.info.run_id, FINGERPRINT, fingerprint)
                return client.get_run(run.info.run_id)
    return None


def adopt_live_study(
    store: Store, experiment: str, stage: str, fingerprint: str, trials: Sequence[Content]
) -> "Run | None":
    """Return the live run of the search with these trials, and give it and theirs their fingerprints; None if none.

    Args:
        store: MLflow store.
        experiment: Id of the experiment.
        stage: Name of the stage.
        fingerprint: Fingerprint of the stage in dvc.lock.
        trials: What the nested runs show.
    """
    if not any(trial.points for trial in trials):
        return None
    with store.session() as client:
        for run in _finished(client, experiment, stage):
            nested = client.search_runs([experiment], f"tags.`{_PARENT}` = '{run.info.run_id}'")
            by_name = {child.info.run_name: child for child in nested}
            if by_name.keys() != {trial.name for trial in trials}:
                continue
            if all(_shows(client, by_name[trial.name], trial.points) for trial in trials):
                for name, child in by_name.items():
                    client.set_tag(child.info.run_id, FINGERPRINT, f"{fingerprint}/{name}")
                client.set_tag(run.info.run_id, FINGERPRINT, fingerprint)
                return client.get_run(run.info.run_id)
    return None


def _finished(client: "MlflowClient", experiment: str, stage: str) -> "list[Run]":
    """Return the runs of a stage that ended well and that only a live run has written, without nested ones."""
    runs = client.search_runs([experiment], f"tags.`ferflow.stage` = '{stage}' and status = 'FINISHED'")
    return [run for run in runs if LOGGED not in run.data.tags and _PARENT not in run.data.tags]


def _shows(client: "MlflowClient", run: "Run", points: Sequence[Point]) -> bool:
    """Return whether a run has just these values at these steps, as far as their metrics go."""
    expected = {(key, step): value for key, value, step in points}
    logged = {
        (metric.key, metric.step): metric.value
        for key in {key for key, _, _ in points} & run.data.metrics.keys()
        for metric in client.get_metric_history(run.info.run_id, key)
    }
    return logged.keys() == expected.keys() and all(
        # Tables have six significant digits, the live run all of them.
        math.isclose(logged[point], expected[point], rel_tol=1e-4, abs_tol=1e-6)
        for point in expected
    )
