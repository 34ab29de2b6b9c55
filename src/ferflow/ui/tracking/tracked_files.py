"""Read what DVC tracks of a result: mappings, histories, counts, the time that it took, and its dataset."""

import csv
import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ferflow.base.dotted import flatten
from ferflow.base.errors import TrackingError
from ferflow.base.files import read_json, reason_of
from ferflow.base.hashing import digest_of, sha256
from ferflow.ui.tracking.dvc_lock import Lock
from ferflow.ui.tracking.run_content import Point, epoch_metric

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

PREPARED = "data/prepare"


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
            (epoch_metric(key), float(value), int(row["epoch"]))
            for row in rows
            for key, value in row.items()
            if key != "epoch" and value
        ]
    except Exception as error:  # see ferflow.base.files.reading
        raise unreadable(path, error, stage) from error


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
    except Exception as error:  # see ferflow.base.files.reading
        raise unreadable(path, error, stage) from error
    if not isinstance(value, dict):
        raise TrackingError(
            f"{path} must contain a mapping of keys to values. Received: {type(value).__name__}. "
            f"Write it again: dvc repro -f {stage}"
        )
    return value


def unreadable(path: Path, error: Exception, stage: str) -> TrackingError:
    """Return the error that a file of a stage cannot be read."""
    return TrackingError(f"{path} cannot be read: {reason_of(error)}. Write it again: dvc repro -f {stage}")


def shares(values: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """Return the floats among nested values by dotted key: what becomes a metric.

    >>> shares({"images": 70, "best": {"loss": 0.5}, "passed": True, "model": "cnn"}, "test/")
    {'test/best.loss': 0.5}
    """
    return {f"{prefix}{key}": value for key, value in flatten(values).items() if isinstance(value, float)}


def whole_numbers(values: Mapping[str, Any]) -> dict[str, int]:
    """Return the integers among nested values by dotted key: counts, which become params.

    >>> whole_numbers({"images": 70, "best": {"loss": 0.5}, "passed": True, "model": "cnn"})
    {'images': 70}
    """
    return {
        key: value for key, value in flatten(values).items() if isinstance(value, int) and not isinstance(value, bool)
    }


def recorded_time(log: Path, key: str, output: Path) -> tuple[int | None, int | None]:
    """Return start and end of the work that wrote an output, in milliseconds since 1970, or None for both.

    Args:
        log: JSON file with `seconds`, which git and DVC do not track, so it may be missing or be about other work.
        key: Key of the log that holds the SHA-256 of `output`.
        output: The output.
    """
    try:
        content = json.loads(log.read_text(encoding="utf-8"))
        if content[key] != sha256(output):
            return None, None
        ended = int(1000 * log.stat().st_mtime)
        return ended - int(1000 * content["seconds"]), ended
    except (OSError, KeyError, ValueError, TypeError):
        return None, None


def recorded_trial_times(log: Path, trials: Path, count: int) -> list[tuple[int | None, int | None]]:
    """Return start and end of each trial of a search, in milliseconds since 1970, or None for both.

    Args:
        log: JSON file with `seconds` and `trial_seconds`; see recorded_time.
        trials: trials.csv.
        count: Number of trials.
    """
    start, _ = recorded_time(log, "trials_sha256", trials)
    seconds = json.loads(log.read_text(encoding="utf-8")).get("trial_seconds", []) if start is not None else []
    if start is None or len(seconds) != count:
        return [(None, None)] * count
    ends = [start + int(1000 * end) for end in itertools.accumulate(seconds)]
    return list(zip([start, *ends[:-1]], ends, strict=True))


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
