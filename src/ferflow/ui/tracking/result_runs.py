"""What the runs of one training and of one study show, read from what DVC tracks."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ferflow.base.dotted import flatten
from ferflow.base.errors import TrackingError
from ferflow.base.files import read_json
from ferflow.base.hashing import digest_of
from ferflow.ui.tracking.dvc_lock import Lock
from ferflow.ui.tracking.run_content import Content, Point, run_tags, text_params

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

PREPARED = "data/prepare"
_TRIAL_COLUMNS = ("number", "state", "value", "epochs")  # of trials.csv; the other columns are params


@dataclass(frozen=True)
class Training:
    """A finished training in dvc.lock, and its evaluation.

    Attributes:
        lock: dvc.lock.
        result: Name of the result, such as `cnn` or `cnn_tuned`.
        stage: Stage that trained it, such as `train@cnn`.
        details: Stage that evaluated it, or None if it has not been evaluated since it was trained.
        dataset: Name of the dataset.
        budget: Name of the budget.
    """

    lock: Lock
    result: str
    stage: str
    details: str | None
    dataset: str
    budget: str

    @property
    def digest(self) -> str:
        """Digest of all outputs that the run is made from."""
        stages = [self.stage, *([self.details] if self.details else [])]
        return digest_of([self.lock.outs(stage) for stage in stages])

    def content(self) -> Content:
        """Read what the run shows.

        Raises:
            TrackingError: A file is missing or invalid.
        """
        root = self.lock.root
        settings = read_output(root / f"models/{self.result}/settings.yaml", self.stage)
        summary = read_output(root / f"reports/train/{self.result}/summary.json", self.stage)
        results = numbers(summary)
        rows = {"training": summary.get("images"), "validation": None}
        figures = {"training": self.lock.files(self.stage, ".png")}
        if self.details:
            metrics = read_output(root / f"reports/evaluate/{self.result}/metrics.json", self.details)
            blocks = {name: block for name, block in metrics.items() if isinstance(block, Mapping)}
            for name, block in blocks.items():
                results |= numbers({key: value for key, value in block.items() if key != "per_class"}, f"{name}.")
            rows |= {name: blocks[name].get("images") for name in ("validation", "test") if name in blocks}
            figures["evaluation"] = self.lock.files(self.details, ".png")
        return Content(
            name=self.result,
            params=text_params(settings),
            tags=run_tags(root, self.stage, self.dataset, self.budget),
            points=read_history(root / f"reports/train/{self.result}/history.csv", self.stage),
            results=results,
            figures=figures,
            datasets=dataset_inputs(self.lock, self.stage, self.dataset, rows),
        )

    def trials(self) -> list[Content]:
        """Return an empty list: the run of a training has no nested runs."""
        return []


@dataclass(frozen=True)
class Study:
    """A finished hyperparameter search in dvc.lock: a parent run with one nested run for each trial.

    Attributes:
        lock: dvc.lock.
        result: Name of the block of `models:` in params.yaml that was searched.
        stage: Stage that searched, such as `tune@cnn`.
        details: Stage that drew the figures of the search, or None if it has not run since.
        dataset: Name of the dataset.
        budget: Name of the budget.
    """

    lock: Lock
    result: str
    stage: str
    details: str | None
    dataset: str
    budget: str

    @property
    def digest(self) -> str:
        """Digest of all outputs that the runs are made from."""
        stages = [self.stage, *([self.details] if self.details else [])]
        return digest_of([self.lock.outs(stage) for stage in stages])

    def content(self) -> Content:
        """Read what the parent run shows: the best params, the best value, and the figures.

        Raises:
            TrackingError: A file is missing or invalid.
        """
        best = self._best()
        params = best.get("params", {})
        results = numbers({key: value for key, value in best.items() if key != "params"}, "best.")
        return Content(
            name=f"tune {self.result}",
            params=text_params({"model": self.result, "metric": best.get("metric", ""), "best": params}),
            tags=run_tags(self.lock.root, self.stage, self.dataset, self.budget),
            results=results,
            figures={"study": self.lock.files(self.details, ".png")} if self.details else {},
            datasets=dataset_inputs(self.lock, self.stage, self.dataset, {"training": None, "validation": None}),
        )

    def trials(self) -> list[Content]:
        """Read what the nested runs show: the params, the value and the final state of each trial.

        Raises:
            TrackingError: trials.csv is missing or invalid.
        """
        metric = str(self._best().get("metric", "value"))
        tags = run_tags(self.lock.root, self.stage, self.dataset, self.budget)
        path = self._folder / "trials.csv"
        try:
            with path.open(encoding="utf-8", newline="") as handle:
                rows = list(csv.DictReader(handle))
            return [
                Content(
                    name=f"trial {row['number']}",
                    params={key: value for key, value in row.items() if key not in _TRIAL_COLUMNS},
                    tags={**tags, "ferflow.trial_state": row["state"]},
                    results={
                        name: float(row[column])
                        for name, column in ((metric, "value"), ("epochs", "epochs"))
                        if row.get(column)
                    },
                    status="FAILED" if row["state"] == "FAIL" else "FINISHED",
                )
                for row in rows
            ]
        except (OSError, KeyError, ValueError) as error:
            raise _unreadable(path, error, self.stage) from error

    @property
    def _folder(self) -> Path:
        return self.lock.root / "reports" / "tune" / self.result

    def _best(self) -> dict[str, Any]:
        return read_output(self._folder / "best.json", self.stage)


def read_history(path: Path, stage: str) -> list[Point]:
    """Read the metrics of every epoch from history.csv, in the file's order.

    Args:
        path: The file. It has a column `epoch` (from 1) and one column for each metric; an empty cell is skipped.
        stage: Stage that writes it, for the error message.

    Raises:
        TrackingError: The file is missing, or a value is not a number.
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
        raise _unreadable(path, error, stage) from error


def read_output(path: Path, stage: str) -> dict[str, Any]:
    """Read a JSON or YAML file that contains a mapping.

    Args:
        path: The file; the suffix `.json` means JSON, any other YAML.
        stage: Stage that writes it, for the error message.

    Raises:
        TrackingError: The file is missing, cannot be parsed, or contains something else than a mapping.
    """
    try:
        value = read_json(path) if path.suffix == ".json" else yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise _unreadable(path, error, stage) from error
    if not isinstance(value, dict):
        raise TrackingError(
            f"{path} must contain a mapping of keys to values. Received: {type(value).__name__}. "
            f"Write it again: dvc repro -f {stage}"
        )
    return value


def _unreadable(path: Path, error: Exception, stage: str) -> TrackingError:
    return TrackingError(f"{path} cannot be read: {error}. Write it again: dvc repro -f {stage}")


def numbers(values: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """Return the numbers among nested values by dotted key.

    >>> numbers({"images": 70, "best": {"loss": 0.5}, "passed": True, "model": "cnn"}, "test.")
    {'test.images': 70.0, 'test.best.loss': 0.5}
    """
    return {
        f"{prefix}{key}": float(value)
        for key, value in flatten(values).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def dataset_inputs(lock: Lock, stage: str, dataset: str, rows: Mapping[str, int | None]) -> "list[DatasetInput]":
    """Return the splits of the dataset that a stage used, as MLflow inputs.

    The digest identifies the arrays: it is DVC's hash of them with the name of the split. The source names the origin
    of the raw images, as params.yaml had it when they were downloaded; it contains no path of this machine.

    Args:
        lock: dvc.lock.
        stage: Stage that depends on the prepared arrays.
        dataset: Name of the dataset.
        rows: Number of images of each split used (training, validation, test), or None if it is unknown.
    """
    from mlflow.entities import Dataset, DatasetInput, InputTag

    arrays = {path: md5 for path, md5 in lock.deps(stage).items() if Path(path).is_relative_to(PREPARED)}
    md5 = arrays.get(PREPARED) or digest_of(arrays)
    origins = (lock.param(step, f"datasets.{dataset}.source") for step in lock.ancestors(stage))
    origin = next((origin for origin in origins if origin is not None), None)
    source = {"dvc": PREPARED, "md5": md5} | ({} if origin is None else {"source": origin})
    return [
        DatasetInput(
            Dataset(
                name=dataset,
                digest=f"{md5[:24]}-{split}",
                source_type="dvc",
                source=json.dumps(source, sort_keys=True),
                profile=None if images is None else json.dumps({"num_rows": images}),
            ),
            [InputTag("mlflow.data.context", split)],
        )
        for split, images in rows.items()
    ]
