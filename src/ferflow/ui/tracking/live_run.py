"""A training's run while the training goes on: every epoch shows in MLflow as it ends."""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ferflow.base.errors import TrackingError
from ferflow.ui.tracking.content import Point, flatten, known_steps, write_params, write_points
from ferflow.ui.tracking.fingerprint import of_running_stage
from ferflow.ui.tracking.lineage import run_tags
from ferflow.ui.tracking.store import Store, check_uri, connect

if TYPE_CHECKING:
    from mlflow.entities import Run


class LiveRun:
    """The run of a training that goes on, found by its fingerprint.

    A finished run of this fingerprint is left as it is; an unfinished one (the training was killed and is now resumed,
    or it failed) is continued, and an epoch that it has is not written again.

    A store that cannot be reached never ends a training: one warning, and a new try every `retry_after` seconds
    with all that has gathered. What is missing at the end, `ferflow track` adds.

    Leaving it as a context manager ends the run: FINISHED, KILLED by Ctrl-C, FAILED by any other exception.
    """

    def __init__(
        self,
        uri: str,
        root: Path,
        *,
        experiment: str,
        name: str,
        fingerprint: str | None,
        params: Mapping[str, Any],
        tags: Mapping[str, str],
        retry_after: float = 60.0,
    ) -> None:
        """Open the run.

        Args:
            uri: see ferflow.ui.tracking.connect.
            root: the project's folder.
            experiment: name of the experiment, the dataset's.
            name: of the run, the model's.
            fingerprint: of the DVC stage that trains; None logs nothing.
            params: nested or flat; see ferflow.ui.tracking.flatten.
            tags: by name.
            retry_after: seconds between two tries to reach a store that cannot be reached.

        Raises:
            TrackingError: MLflow can never use this address. (One that does not answer now only warns.)
        """
        check_uri(uri)
        self._uri = uri
        self._root = root
        self._experiment = experiment
        self._name = name
        self._fingerprint = fingerprint or ""
        self._params = flatten(params)
        self._tags = tags
        self._retry_after = retry_after
        self._quiet_until = 0.0
        self._warned = False
        self._store: Store | None = None
        self._run: Run | None = None
        self._over = fingerprint is None
        self._known: set[tuple[str, int]] = set()
        self._waiting: list[Point] = []
        self._try()

    def log_epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Write the metrics of an epoch.

        Args:
            epoch: from 1.
            metrics: by name, as in history.csv.
        """
        self._waiting += [(key, value, epoch) for key, value in metrics.items()]
        self._try()

    def finish(self, status: str = "FINISHED") -> None:
        """End the run.

        Args:
            status: FINISHED, FAILED or KILLED.
        """
        self._quiet_until = 0.0
        self._try(status)

    def __enter__(self) -> Self:
        """Return the run."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the run; an exception goes on its way."""
        if kind is None:
            self.finish()
        else:
            self.finish("KILLED" if issubclass(kind, KeyboardInterrupt) else "FAILED")

    def _try(self, status: str | None = None) -> None:
        """Write what waits and end the run with `status`, unless the store was found out of reach just now."""
        if self._over or time.monotonic() < self._quiet_until:
            return
        try:
            self._write(status)
        except TrackingError as error:
            self._quiet_until = time.monotonic() + self._retry_after
            if not self._warned:
                print(
                    f"warning: {error}\nThe training goes on. Its run appears in MLflow once that is mended: "
                    "ferflow track.",
                    file=sys.stderr,
                    flush=True,
                )
            self._warned = True

    def _write(self, status: str | None) -> None:
        if self._store is None:
            self._store = connect(self._uri, self._root, timeout=5, retries=1)
        if self._run is None:
            self._run = self._open(self._store)
        if self._over:
            return
        number = self._run.info.run_id
        new = [point for point in self._waiting if (point[0], point[2]) not in self._known]
        with self._store.speaking() as client:
            write_points(client, number, new)
            self._known |= {(key, step) for key, _, step in new}
            self._waiting.clear()
            if status:
                client.set_terminated(number, status)
                self._over = True

    def _open(self, store: Store) -> "Run":
        experiment = store.experiment(self._experiment)
        run = store.find_run(experiment, self._fingerprint)
        if run is None:
            run = store.create_run(experiment, self._fingerprint, self._name, self._tags)
        if run.info.status == "FINISHED":
            self._over = True
            return run
        with store.speaking() as client:
            client.update_run(run.info.run_id, status="RUNNING")
            write_params(client, run, self._params)
            for key in run.data.metrics:
                self._known |= {(key, step) for step in known_steps(client, run.info.run_id, key)}
        return run


def open_live_run(
    root: Path, uri: str, *, stage: str, dataset: str, model: str, budget: str, params: Mapping[str, Any]
) -> LiveRun:
    """Open the run of the training stage that DVC runs now; see LiveRun.

    Args:
        root: the project's folder.
        uri: see ferflow.ui.tracking.connect.
        stage: what DVC_STAGE says, such as `train@cnn`. If DVC does not know it, that is said and nothing is logged.
        dataset: its name, which is the experiment's too.
        model: name of the result, which is the run's too.
        budget: its name.
        params: the resolved config of the model.

    Raises:
        TrackingError: MLflow can never use this address.
    """
    check_uri(uri)
    fingerprint = None
    try:
        fingerprint = of_running_stage(root, stage)
    except TrackingError as error:
        print(f"warning: MLflow will not show this training as it goes on: {error}", file=sys.stderr, flush=True)
    tags = run_tags(root, stage, dataset, budget)
    return LiveRun(uri, root, experiment=dataset, name=model, fingerprint=fingerprint, params=params, tags=tags)
