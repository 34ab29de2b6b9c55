"""A training's live run whose code was edited meanwhile, found again by its metrics."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ferflow.ui.tracking.run_content import LOGGED, Point
from ferflow.ui.tracking.store import FINGERPRINT, Store

if TYPE_CHECKING:
    from mlflow.entities import Run


def adopt_live_run(
    store: Store, experiment: str, stage: str, fingerprint: str, points: Sequence[Point]
) -> "Run | None":
    """Return the live run of the training that gave these metrics, and give it its fingerprint; None if there is none.

    DVC hashes a stage's code both before and after it runs. If the code is edited during the training, dvc.lock gets
    another fingerprint than the live run has; equal metrics at every step show that it is the same training.

    Args:
        store: MLflow store.
        experiment: Id of the experiment.
        stage: Name of the stage.
        fingerprint: Fingerprint of the stage in dvc.lock.
        points: Key, value and step of every metric of the training.
    """
    if not points:
        return None
    expected = {(key, step): value for key, value, step in points}
    with store.session() as client:
        for run in client.search_runs([experiment], f"tags.`ferflow.stage` = '{stage}' and status = 'FINISHED'"):
            if LOGGED in run.data.tags:
                continue
            logged = {
                (metric.key, metric.step): metric.value
                for key in {key for key, _, _ in points} & run.data.metrics.keys()
                for metric in client.get_metric_history(run.info.run_id, key)
            }
            if logged.keys() == expected.keys() and all(
                # history.csv has six significant digits, the live run all of them.
                math.isclose(logged[point], expected[point], rel_tol=1e-4, abs_tol=1e-6)
                for point in expected
            ):
                client.set_tag(run.info.run_id, FINGERPRINT, fingerprint)
                return client.get_run(run.info.run_id)
    return None
