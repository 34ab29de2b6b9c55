"""What one MLflow run shows, and how it is written: only what the run lacks is sent to the store.

MLflow's UI makes a section of charts for each part of a metric's name before the slash, and sorts the sections by name:
`Best/` comes first, with the few numbers that one looks for, then the curves and each set of images.
"""

import json
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ferflow.base.dotted import flatten
from ferflow.base.hashing import digest_of
from ferflow.ui.tracking.logged_models import Network, log_network
from ferflow.ui.tracking.store import GLANCE, Store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput, Metric, Run

LOGGED = "ferflow.logged"
"""Tag that is set last: the digest of everything that a run shows. A run without it is incomplete."""

LAYOUT = 2
"""Number of the way in which results are shown; a higher one makes `ferflow track` complete the runs of a lower one."""

TRIAL_STATE = "ferflow.trial_state"
"""Tag that tells how a trial of a search ended: COMPLETE, PRUNED or FAIL."""

NOTE = "mlflow.note.content"
"""Tag that MLflow's UI shows as the description of a run."""
_OWN_NOTE = "ferflow.note"  # digest of the description as ferflow wrote it; one that a person has edited is kept

Outcome = Literal["added", "completed", "updated", "unchanged"]
Point = tuple[str, float, int]
"""Name, value and step of a metric."""

# MLflow's limits for one request.
_MAX_METRICS = 1000
_MAX_PARAMS = 100


@dataclass(frozen=True)
class Content:
    """Everything that a run shows.

    Attributes:
        name: Name of the run, for people.
        params: Params as text by dotted key; see `text_params`.
        tags: Tags by name.
        points: Metrics that have a value at each step, such as those of every epoch.
        results: Metrics with a single value, at step 0; a new value replaces the previous one.
        figures: Images and pages by the folder of the run's artifacts that they are copied to.
        datasets: Inputs of the run.
        status: Final status of the run, FINISHED or FAILED.
        network: Network that the run trained, which becomes a logged model of the run, or None.
        note: Description of the run as Markdown.
        started: Start of the work in milliseconds since 1970, or None if it is not recorded.
        ended: End of the work in milliseconds since 1970, or None if it is not recorded.
    """

    name: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    points: Sequence[Point] = ()
    results: Mapping[str, float] = field(default_factory=dict)
    figures: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    datasets: Sequence["DatasetInput"] = ()
    status: str = "FINISHED"
    network: Network | None = None
    note: str = ""
    started: int | None = None
    ended: int | None = None


def write_run(store: Store, experiment: str, run: "Run", digest: str, content: Content) -> None:
    """Make a run show `content`, sending only what it lacks, and mark it as complete.

    Args:
        store: MLflow store to write to.
        experiment: Id of the run's experiment.
        run: The run as the store returned it last.
        digest: Digest of all outputs that the content is made from. It recognizes a complete run without reading them.
        content: What the run shows.

    Raises:
        ModelError: The content's network is not one for square grey images.
        TrackingError: The store cannot be used.
    """
    from mlflow.entities import RunTag

    run_id, data = run.info.run_id, run.data
    model_id = log_network(store, experiment, run_id, content.network) if content.network else None
    with store.session() as client:
        write_params(client, run, content.params)
        started = {key for key, _, _ in content.points if key in data.metrics}
        logged = {(key, step) for key in started for step in logged_steps(client, run_id, key)}
        points = [point for point in content.points if (point[0], point[2]) not in logged]
        write_points(client, run_id, points)
        results = [(key, value, 0) for key, value in content.results.items() if data.metrics.get(key) != value]
        write_points(client, run_id, results, model_id)
        for folder, files in content.figures.items():
            for file in files:
                client.log_artifact(run_id, str(file), folder)
        present = {item.dataset.digest for item in run.inputs.dataset_inputs}
        inputs = [item for item in content.datasets if item.dataset.digest not in present]
        if inputs:
            client.log_inputs(run_id, inputs)
        if run.info.status != content.status:
            # The time that this process takes to write a run would be shown as the time that the work took.
            ended = content.ended if run.info.status != "RUNNING" or content.ended else run.info.start_time
            client.set_terminated(run_id, content.status, end_time=ended)
        # Tags that the run has win: a live run knows the commit that it was trained at, this process only today's.
        tags = {**content.tags, **data.tags, **_note_tags(content.note, data.tags), LOGGED: digest}
        client.log_batch(
            run_id, tags=[RunTag(key, value) for key, value in tags.items() if data.tags.get(key) != value]
        )


def _note_tags(note: str, present: Mapping[str, str]) -> dict[str, str]:
    """Return the tags of a description, or none if a person has written or edited it."""
    edited = NOTE in present and present.get(_OWN_NOTE) != digest_of(present[NOTE])
    return {} if edited or not note else {NOTE: note, _OWN_NOTE: digest_of(note)}


def epoch_metric(key: str) -> str:
    """Return the name in MLflow of a metric of history.csv.

    >>> epoch_metric("val_loss")
    'epochs/val_loss'
    """
    return f"epochs/{key}"


def glance_metric(key: str) -> str:
    """Return the name in MLflow of one of the few metrics that come first.

    >>> glance_metric("validation_accuracy")
    'Best/validation_accuracy'
    """
    return f"{GLANCE}/{key}"


def write_params(client: "MlflowClient", run: "Run", params: Mapping[str, str]) -> None:
    """Write the params that a run does not have yet. MLflow does not allow changing the others."""
    from mlflow.entities import Param

    missing = [Param(key, value) for key, value in params.items() if key not in run.data.params]
    for start in range(0, len(missing), _MAX_PARAMS):
        client.log_batch(run.info.run_id, params=missing[start : start + _MAX_PARAMS])


def write_points(client: "MlflowClient", run_id: str, points: Sequence[Point], model_id: str | None = None) -> None:
    """Write metrics to the run with this id, and to the logged model with that id if there is one."""
    metrics = as_metrics(points, model_id)
    for start in range(0, len(metrics), _MAX_METRICS):
        client.log_batch(run_id, metrics=metrics[start : start + _MAX_METRICS])


def as_metrics(points: Iterable[Point], model_id: str | None = None) -> "list[Metric]":
    """Return points as MLflow metrics with the current time, of a logged model if its id is given."""
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    return [Metric(key, float(value), now, step, model_id=model_id) for key, value, step in points]


def logged_steps(client: "MlflowClient", run_id: str, key: str) -> set[int]:
    """Return the steps at which the run with this id has the metric `key`."""
    return {metric.step for metric in client.get_metric_history(run_id, key)}


def text_params(values: Mapping[str, Any]) -> dict[str, str]:
    """Return nested values as text by dotted key, since MLflow stores params as text.

    Strings are kept and everything else becomes JSON, so that a value from Python and the same value from YAML give
    the same text.

    >>> text_params({"train": {"epochs": 3, "optimizer": "adam"}, "weights": None})
    {'train.epochs': '3', 'train.optimizer': 'adam', 'weights': 'null'}
    """
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in flatten(values).items()}


def run_tags(root: Path, stage: str, dataset: str, budget: str) -> dict[str, str]:
    """Return the tags that every run has: its stage, dataset and budget, and the git commit where there is one."""
    return {
        "mlflow.source.name": f"dvc repro {stage}",
        "mlflow.source.type": "LOCAL",
        "ferflow.stage": stage,
        "ferflow.dataset": dataset,
        "ferflow.budget": budget,
        **git_tags(root),
    }


def git_tags(root: Path) -> dict[str, str]:
    """Return the git commit, and whether the working tree differs from it, as tags.

    Files that the pipeline itself writes (dvc.lock, reports/, settings/) are ignored; new files count as changes.

    Returns:
        `mlflow.source.git.commit` (40 hex digits) and `ferflow.git_dirty` (`true` or `false`). Empty outside a git
        repository, before its first commit, or if git is not installed.
    """
    status = ["--no-optional-locks", "status", "--porcelain", "--", "."]
    written_by_stages = [f":(exclude){path}" for path in ("dvc.lock", "reports", "settings")]
    try:
        commit = _git(root, "rev-parse", "HEAD")
        changes = _git(root, *status, *written_by_stages)
    except (OSError, subprocess.CalledProcessError):
        return {}
    return {"mlflow.source.git.commit": commit, "ferflow.git_dirty": "true" if changes else "false"}


def _git(root: Path, *arguments: str) -> str:
    result = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True)
    return result.stdout.strip()
