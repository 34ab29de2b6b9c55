"""What the run of one trained model shows, read from what DVC tracks."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ferflow.base.errors import TrackingError
from ferflow.base.files import read_json
from ferflow.ui.tracking.content import Content, Point, digest_of, flatten
from ferflow.ui.tracking.lineage import run_tags
from ferflow.ui.tracking.lock import Lock

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

PREPARED = "data/prepare"


@dataclass(frozen=True)
class Training:
    """A trained model in dvc.lock.

    Attributes:
        lock: dvc.lock.
        model: name of the result, such as `cnn` or `cnn_tuned`.
        stage: the stage that trained it.
        evaluation: the stage that evaluated it, when its results belong to this very model.
        dataset: name of the dataset.
        budget: name of the budget.
    """

    lock: Lock
    model: str
    stage: str
    evaluation: str | None
    dataset: str
    budget: str

    @property
    def digest(self) -> str:
        """The digest of all outputs that the run is made from."""
        stages = [self.stage, *([self.evaluation] if self.evaluation else [])]
        return digest_of([self.lock.outs(stage) for stage in stages])

    def content(self) -> Content:
        """Read what the run shows.

        Raises:
            TrackingError: a file is missing or not what it should be.
        """
        root = self.lock.root
        config = read_output(root / f"models/{self.model}/config.yaml")
        summary = read_output(root / f"reports/train/{self.model}/summary.json")
        results = numbers(summary)
        rows = {"training": summary.get("images"), "validation": None}
        figures = {"training": self.lock.files(self.stage, ".png")}
        if self.evaluation:
            metrics = read_output(root / f"reports/evaluate/{self.model}/metrics.json")
            blocks = {name: block for name, block in metrics.items() if isinstance(block, Mapping)}
            for name, block in blocks.items():
                results |= numbers({key: value for key, value in block.items() if key != "per_class"}, f"{name}.")
            rows |= {name: blocks[name].get("images") for name in ("validation", "test") if name in blocks}
            figures["evaluation"] = self.lock.files(self.evaluation, ".png")
        return Content(
            name=self.model,
            params=flatten(config),
            tags=run_tags(root, self.stage, self.dataset, self.budget),
            points=read_history(root / f"reports/train/{self.model}/history.csv"),
            results=results,
            figures=figures,
            datasets=dataset_inputs(self.lock, self.stage, self.dataset, rows),
        )


def read_history(path: Path) -> list[Point]:
    """Read history.csv: the metrics of every epoch, in the file's order.

    Raises:
        TrackingError: it is missing, or a value is not a number.
    """
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            rows = list(csv.DictReader(handle))
        return [
            (key, float(value), int(row["epoch"]))
            for row in rows
            for key, value in row.items()
            if key != "epoch" and value
        ]
    except (OSError, KeyError, ValueError) as error:
        raise TrackingError(f"{path} cannot be read: {error}. Train again: dvc repro.") from error


def read_output(path: Path) -> dict[str, Any]:
    """Read a JSON or YAML file that holds keys and values.

    Raises:
        TrackingError: it is missing or not what it should be.
    """
    try:
        value = read_json(path) if path.suffix == ".json" else yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise TrackingError(f"{path} cannot be read: {error}. Make it anew: dvc repro.") from error
    if not isinstance(value, dict):
        raise TrackingError(f"{path} must hold keys and values. Received: {type(value).__name__}.")
    return value


def numbers(values: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """Return the numbers among nested values by dotted key."""
    found: dict[str, float] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            found |= numbers(value, f"{prefix}{key}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[f"{prefix}{key}"] = float(value)
    return found


def dataset_inputs(lock: Lock, stage: str, dataset: str, rows: Mapping[str, int | None]) -> "list[DatasetInput]":
    """Return the parts of the dataset that a stage used, as MLflow inputs.

    The digest tells the very arrays: it is DVC's hash of them with the part's name. No path of a machine is in it.

    Args:
        lock: dvc.lock.
        stage: one that depends on the prepared arrays.
        dataset: its name.
        rows: number of images of each part used (training, validation, test), or None where it is not known.
    """
    from mlflow.entities import Dataset, DatasetInput, InputTag

    arrays = {path: md5 for path, md5 in lock.deps(stage).items() if Path(path).is_relative_to(PREPARED)}
    md5 = arrays.get(PREPARED) or digest_of(arrays)
    origins = [lock.param(step, f"datasets.{dataset}") for step in lock.ancestors(stage)]
    origin = next((origin for origin in origins if isinstance(origin, dict)), {})
    source = {**origin, "dvc": PREPARED, "md5": md5}
    return [
        DatasetInput(
            Dataset(
                name=dataset,
                digest=f"{md5[:24]}-{part}",
                source_type="dvc",
                source=json.dumps(source, sort_keys=True),
                profile=None if count is None else json.dumps({"num_rows": count}),
            ),
            [InputTag("mlflow.data.context", part)],
        )
        for part, count in rows.items()
    ]
