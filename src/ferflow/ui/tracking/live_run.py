"""The MLflow run of a training in progress: every epoch appears as it ends."""

import logging
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import yaml

from ferflow.base.errors import TrackingError
from ferflow.ui.tracking.dvc_lock import fingerprint_of_running_stage
from ferflow.ui.tracking.run_content import (
    Point,
    epoch_metric,
    logged_steps,
    run_tags,
    text_params,
    write_params,
    write_points,
)
from ferflow.ui.tracking.store import Store, connect

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor


LONG = 60.0
"""Seconds after which a training is long: from then on its run shows the use of processor and memory, too."""


class LiveRun:
    """The run of a training in progress, identified by its fingerprint.

    A finished run with this fingerprint is left as it is. An unfinished one (the training was killed and now resumes,
    or it failed) is continued, and an epoch that it already shows is not written again.

    No store ever ends a training, whether it cannot be reached or MLflow does not support its address: the first
    failure prints a warning, and all pending epochs are sent again after `retry_after` seconds. What is missing at the
    end, `ferflow track` adds.

    As a context manager it ends the run at exit: FINISHED, KILLED by Ctrl-C, FAILED by any other exception.
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
        parent: "LiveRun | None" = None,
    ) -> None:
        """Open the run.

        Args:
            uri: Address of the store; see ferflow.ui.tracking.connect.
            root: Project root.
            experiment: Name of the experiment, which is that of the dataset.
            name: Name of the run, which is that of the result.
            fingerprint: Fingerprint of the DVC stage that trains, or None to log nothing.
            params: Nested values; see ferflow.ui.tracking.run_content.text_params.
            tags: Tags by name.
            retry_after: Seconds between two attempts to reach a store that does not answer. Defaults to 60 seconds.
            parent: Run that this one is nested in; it opens the store for both. Defaults to none.
        """
        self._uri = uri
        self._root = root
        self._experiment = experiment
        self._name = name
        self._fingerprint = fingerprint or ""
        self._params = text_params(params)
        self._tags = dict(tags)
        self._parent = parent
        self._retry_after = retry_after
        self._next_attempt = 0.0
        self._warned = False
        self._store: Store | None = None
        self._run: Run | None = None
        self._closed = fingerprint is None
        self._logged: set[tuple[str, int]] = set()
        self._pending: list[Point] = []
        self._opened = time.monotonic()
        self._monitor: SystemMetricsMonitor | None = None
        self._last_tags: dict[str, str] = {}
        self._flush()

    def log_epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Write the metrics of an epoch.

        Args:
            epoch: Number of the epoch, from 1.
            metrics: Values by name, as in history.csv.
        """
        self._pending += [(epoch_metric(key), value, epoch) for key, value in metrics.items()]
        self._flush()

    def finish(self, status: str = "FINISHED", tags: Mapping[str, str] | None = None) -> None:
        """End the run.

        Args:
            status: FINISHED, FAILED or KILLED. Defaults to FINISHED.
            tags: Tags that tell how it ended. Defaults to none.
        """
        self._last_tags = dict(tags or {})
        self._next_attempt = 0.0
        if self._monitor:
            self._monitor.finish()
        self._flush(status)

    def __enter__(self) -> Self:
        """Return the run."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the run, and let an exception propagate."""
        if kind is None:
            self.finish()
        else:
            self.finish("KILLED" if issubclass(kind, KeyboardInterrupt) else "FAILED")

    def _flush(self, status: str | None = None) -> None:
        """Write all pending points, and end the run if a status is given, unless the store failed a moment ago."""
        if self._closed or time.monotonic() < self._next_attempt:
            return
        try:
            self._write(status)
        except TrackingError as error:
            self._next_attempt = time.monotonic() + self._retry_after
            if not self._warned:
                print(
                    f"warning: {error}\nThe training continues. Once the store can be used again, add the training's "
                    "run to it: ferflow track",
                    file=sys.stderr,
                    flush=True,
                )
            self._warned = True

    def _write(self, status: str | None) -> None:
        if self._parent is not None and self._run is None:
            self._parent._flush()
            if self._parent._store is None or self._parent._run is None:
                return  # the parent has said that the store is away
            self._store = self._parent._store
            self._tags["mlflow.parentRunId"] = self._parent._run.info.run_id
        if self._store is None:
            self._store = connect(self._uri, self._root, timeout=5, retries=1)
        if self._run is None:
            self._run = self._open(self._store)
        if self._closed:
            return
        run_id = self._run.info.run_id
        points = [point for point in self._pending if (point[0], point[2]) not in self._logged]
        with self._store.session() as client:
            write_points(client, run_id, points)
            self._logged |= {(key, step) for key, _, step in points}
            self._pending.clear()
            if status:
                for key, value in self._last_tags.items():
                    client.set_tag(run_id, key, value)
                client.set_terminated(run_id, status)
                self._closed = True
            elif self._parent is None and self._monitor is None and time.monotonic() - self._opened > LONG:
                self._monitor = _monitor(run_id, self._store.uri)

    def _open(self, store: Store) -> "Run":
        experiment = store.experiment(self._experiment)
        run = store.find_run(experiment, self._fingerprint)
        if run is None:
            run = store.create_run(experiment, self._fingerprint, self._name, self._tags)
        if run.info.status == "FINISHED":
            self._closed = True
            return run
        with store.session() as client:
            client.update_run(run.info.run_id, status="RUNNING")
            write_params(client, run, self._params)
            for key in run.data.metrics:
                self._logged |= {(key, step) for step in logged_steps(client, run.info.run_id, key)}
        return run


def _monitor(run_id: str, uri: str) -> "SystemMetricsMonitor":
    """Start the thread that samples processor, memory and GPU and writes them to the run."""
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

    logging.getLogger("mlflow.system_metrics").setLevel(logging.ERROR)  # a store that is away has its own warning
    monitor = SystemMetricsMonitor(run_id, resume_logging=True, tracking_uri=uri)
    monitor.start()
    return monitor


def open_live_run(
    root: Path, uri: str, *, stage: str, dataset: str, model: str, budget: str, params: Mapping[str, Any]
) -> LiveRun:
    """Open the run of the training stage that DVC is running; see LiveRun.

    Args:
        root: Project root.
        uri: Address of the store; see ferflow.ui.tracking.connect.
        stage: Name of the stage as in DVC_STAGE, such as `train@cnn`. If dvc.yaml has no such stage, a warning is
            printed and nothing is logged.
        dataset: Name of the dataset, and so of the experiment.
        model: Name of the result, and so of the run.
        budget: Name of the budget.
        params: Settings of the result, as in its settings.yaml.
    """
    fingerprint = None
    try:
        fingerprint = fingerprint_of_running_stage(root, stage)
    except TrackingError as error:
        print(f"warning: MLflow does not show this training while it runs: {error}", file=sys.stderr, flush=True)
    tags = run_tags(root, stage, dataset, budget)
    return LiveRun(uri, root, experiment=dataset, name=model, fingerprint=fingerprint, params=params, tags=tags)


def selected_names(root: Path) -> tuple[str, str]:
    """Return the names of the selected dataset and budget.

    Training itself depends on neither name: its settings and arrays decide. They only name the experiment and a tag, so
    they are read here and not by the stage.

    Args:
        root: Project root, where params.yaml is.
    """
    params = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))
    return str(params["dataset"]), str(params["budget"])
