"""What one MLflow run shows, and how it gets there: only what the run lacks is written."""

import hashlib
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ferflow.ui.tracking.store import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput, Metric, Run

LOGGED = "ferflow.logged"
"""Tag set last: the digest of all that a run shows. A run without it is unfinished."""

Outcome = Literal["added", "completed", "updated", "unchanged"]
Point = tuple[str, float, int]
"""A metric's name, its value and its step."""

_METRICS = 1000  # most that a request may carry
_PARAMS = 100


@dataclass(frozen=True)
class Content:
    """All that a run shows.

    Attributes:
        name: of the run, for people.
        params: by dotted key; see `flatten`.
        tags: by name.
        points: metrics by step, such as those of every epoch.
        results: metrics that stand for themselves; a new value takes the place of an old one.
        figures: files by the folder of the run's artifacts that they go to.
        datasets: MLflow inputs.
        status: FINISHED or FAILED.
    """

    name: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    points: Sequence[Point] = ()
    results: Mapping[str, float] = field(default_factory=dict)
    figures: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    datasets: Sequence["DatasetInput"] = ()
    status: str = "FINISHED"


def write_run(store: Store, experiment: str, run: "Run", digest: str, content: Content) -> None:
    """Make a run show `content`, as far as it does not yet, and mark it as finished.

    Args:
        store: where.
        experiment: id of the run's experiment.
        run: as the store gave it last.
        digest: of all that the content is made from, so that a complete run is known without looking closer.
        content: what to show.

    Raises:
        TrackingError: the store cannot be used.
    """
    from mlflow.entities import RunTag

    number, data = run.info.run_id, run.data
    with store.speaking() as client:
        write_params(client, run, content.params)
        begun = {key for key, _, _ in content.points if key in data.metrics}
        known = {(key, step) for key in begun for step in known_steps(client, number, key)}
        points = [point for point in content.points if (point[0], point[2]) not in known]
        points += [(key, value, 0) for key, value in content.results.items() if data.metrics.get(key) != value]
        write_points(client, number, points)
        for folder, files in content.figures.items():
            for file in files:
                client.log_artifact(number, str(file), folder)
        used = {item.dataset.digest for item in run.inputs.dataset_inputs}
        inputs = [item for item in content.datasets if item.dataset.digest not in used]
        if inputs:
            client.log_inputs(number, inputs)
        if run.info.status != content.status:
            client.set_terminated(number, content.status)
        tags = {**content.tags, **data.tags, LOGGED: digest}
        client.log_batch(
            number, tags=[RunTag(key, value) for key, value in tags.items() if data.tags.get(key) != value]
        )


def write_params(client: "MlflowClient", run: "Run", params: Mapping[str, str]) -> None:
    """Write the params that a run does not have yet."""
    from mlflow.entities import Param

    missing = [Param(key, value) for key, value in params.items() if key not in run.data.params]
    for start in range(0, len(missing), _PARAMS):
        client.log_batch(run.info.run_id, params=missing[start : start + _PARAMS])


def write_points(client: "MlflowClient", run: str, points: Sequence[Point]) -> None:
    """Write metrics to the run with this id."""
    metrics = as_metrics(points)
    for start in range(0, len(metrics), _METRICS):
        client.log_batch(run, metrics=metrics[start : start + _METRICS])


def as_metrics(points: Iterable[Point]) -> "list[Metric]":
    """Return points as MLflow's metrics, with the time now."""
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    return [Metric(key, float(value), now, step) for key, value, step in points]


def known_steps(client: "MlflowClient", run: str, key: str) -> set[int]:
    """Return the steps at which the run with this id has the metric `key`."""
    return {metric.step for metric in client.get_metric_history(run, key)}


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested values as text by dotted key: {"train": {"epochs": 3}} gives {"train.epochs": "3"}.

    Text stands as it is, everything else as JSON, so that a value reads the same whether it comes from
    Python or from YAML.
    """
    flat: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value if isinstance(value, str) else json.dumps(value)
    return flat


def digest_of(value: Any) -> str:
    """Return the SHA-256 of a JSON value, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
