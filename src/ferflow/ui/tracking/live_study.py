"""The MLflow runs of a search in progress: each trial is a nested run, whose curve grows as it trains."""

import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ferflow.base.errors import TrackingError
from ferflow.ui.tracking.dvc_lock import fingerprint_of_running_stage
from ferflow.ui.tracking.live_run import LiveRun
from ferflow.ui.tracking.run_content import TRIAL_STATE, run_tags, text_params


class LiveStudy:
    """The run of a search with a nested run for each trial; see LiveRun for what holds of all of them.

    A trial that is started again continues its run, because the fingerprint of the search and its number name it.
    """

    def __init__(
        self,
        uri: str,
        root: Path,
        *,
        experiment: str,
        model: str,
        metric: str,
        fingerprint: str | None,
        tags: Mapping[str, str],
    ) -> None:
        """Open the run of the search.

        Args:
            uri: Address of the store; see ferflow.ui.tracking.connect.
            root: Project root.
            experiment: Name of the experiment, which is that of the dataset.
            model: Model that is searched.
            metric: Name of the metric, such as val_accuracy.
            fingerprint: Fingerprint of the DVC stage that searches, or None to log nothing.
            tags: Tags of all runs by name.
        """
        self._uri, self._root, self._experiment = uri, root, experiment
        self._metric, self._fingerprint, self._tags = metric, fingerprint, tags
        params = {"model": model, "metric": metric}
        self._parent = self._run(f"tune {model}", fingerprint, params)
        self._trials: dict[int, LiveRun] = {}

    def started(self, position: int, params: Mapping[str, Any]) -> None:
        """Show that a trial has been started."""
        if self._fingerprint is None or position in self._trials:
            return
        name = f"trial {position}"
        self._trials[position] = self._run(name, f"{self._fingerprint}/{name}", params, self._parent)

    def epoch(self, position: int, epoch: int, value: float) -> None:
        """Show the metric of a trial after an epoch."""
        if position in self._trials:
            self._trials[position].log_epoch(epoch, {self._metric: value})

    def ended(self, position: int, state: str, value: float | None) -> None:
        """Show how a trial ended: COMPLETE, PRUNED or FAIL."""
        if position in self._trials:
            status = "FAILED" if state == "FAIL" else "FINISHED"
            self._trials.pop(position).finish(status, {TRIAL_STATE: state})

    def __enter__(self) -> Self:
        """Return the study."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the runs of trials that have not ended, and the run of the search; let an exception propagate."""
        status = "KILLED" if kind is not None and issubclass(kind, KeyboardInterrupt) else "FAILED"
        for run in self._trials.values():
            run.finish(status)
        self._trials.clear()
        self._parent.finish("FINISHED" if kind is None else status)

    def _run(
        self, name: str, fingerprint: str | None, params: Mapping[str, Any], parent: LiveRun | None = None
    ) -> LiveRun:
        return LiveRun(
            self._uri,
            self._root,
            experiment=self._experiment,
            name=name,
            fingerprint=fingerprint,
            params=text_params(params),
            tags=self._tags,
            parent=parent,
        )


def open_live_study(
    root: Path, uri: str, *, stage: str, dataset: str, model: str, budget: str, metric: str
) -> LiveStudy:
    """Open the runs of the search that DVC is running; see LiveStudy.

    Args:
        root: Project root.
        uri: Address of the store; see ferflow.ui.tracking.connect.
        stage: Name of the stage as in DVC_STAGE, such as `tune@cnn`. If dvc.yaml has no such stage, a warning is
            printed and nothing is logged.
        dataset: Name of the dataset, and so of the experiment.
        model: Model that is searched.
        budget: Name of the budget.
        metric: Name of the metric, such as val_accuracy.
    """
    fingerprint = None
    try:
        fingerprint = fingerprint_of_running_stage(root, stage)
    except TrackingError as error:
        print(f"warning: MLflow does not show this search while it runs: {error}", file=sys.stderr, flush=True)
    tags = run_tags(root, stage, dataset, budget)
    return LiveStudy(uri, root, experiment=dataset, model=model, metric=metric, fingerprint=fingerprint, tags=tags)
