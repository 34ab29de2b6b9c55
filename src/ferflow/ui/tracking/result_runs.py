"""What the runs of one training and of one study show, read from what DVC tracks."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ferflow.base.hashing import digest_of, sha256
from ferflow.ui.tracking.dvc_lock import Lock
from ferflow.ui.tracking.logged_models import Network
from ferflow.ui.tracking.run_content import (
    LAYOUT,
    TRIAL_STATE,
    Content,
    epoch_metric,
    glance_metric,
    run_tags,
    text_params,
)
from ferflow.ui.tracking.run_notes import training_note
from ferflow.ui.tracking.tracked_files import (
    dataset_inputs,
    read_history,
    read_output,
    recorded_time,
    recorded_trial_times,
    shares,
    unreadable,
    whole_numbers,
)

# Blocks of metrics.json that the page of the result shows.
_TABLES = ("per_class", "thirds", "by_views", "robustness", "agreement")
_TRIAL_COLUMNS = ("number", "state", "value", "epochs", "macs", "pareto")  # of trials.csv; the others are params


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
        comparison: Stage that compared all results, or None if it has not run since. Defaults to None.
    """

    lock: Lock
    result: str
    stage: str
    details: str | None
    dataset: str
    budget: str
    comparison: str | None = None

    @property
    def digest(self) -> str:
        """Digest of all outputs that the run is made from."""
        stages = [stage for stage in (self.stage, self.details, self.details and self.comparison) if stage]
        return digest_of([LAYOUT, *(self.lock.outs(stage) for stage in stages)])

    def content(self) -> Content:
        """Read what the run shows.

        Raises:
            TrackingError: A file is missing or invalid.
        """
        root = self.lock.root
        settings = read_output(root / f"models/{self.result}/settings.yaml", self.stage)
        summary = read_output(root / f"reports/train/{self.result}/summary.json", self.stage)
        counts = {f"trained.{key}": value for key, value in whole_numbers(summary).items()}
        results = {key.replace("best.", "best_epoch/", 1): value for key, value in shares(summary).items()}
        rows = {"training": summary.get("images"), "validation": None}
        figures = {"training": self.lock.files(self.stage, ".png")}
        blocks: dict[str, Mapping[str, Any]] = {}
        if self.details:
            metrics = read_output(root / f"reports/evaluate/{self.result}/metrics.json", self.details)
            blocks = {name: block for name, block in metrics.items() if isinstance(block, Mapping)}
            for name, block in blocks.items():
                plain = {key: value for key, value in block.items() if key not in _TABLES}
                results |= shares(plain, f"{name}/")
                counts |= {f"{key}.{name}": value for key, value in whole_numbers(plain).items()}
            results |= {"validation/temperature": float(metrics.get("temperature", 1.0))} | _at_a_glance(blocks)
            rows |= {name: blocks[name].get("images") for name in ("validation", "test") if name in blocks}
            figures["evaluation"] = [*self.lock.files(self.details, ".png"), *self.lock.files(self.details, ".html")]
        log, history = root / f"logs/train/{self.result}.json", root / f"reports/train/{self.result}/history.csv"
        started, ended = recorded_time(log, "history_sha256", history)
        return Content(
            name=self.result,
            params=text_params(settings) | text_params(counts),
            tags=run_tags(root, self.stage, self.dataset, self.budget),
            points=read_history(root / f"reports/train/{self.result}/history.csv", self.stage),
            results=results,
            figures=figures,
            datasets=dataset_inputs(self.lock, self.stage, self.dataset, rows),
            network=self.network(settings),
            note=training_note(root, self.result, summary, blocks, self.details and self.comparison),
            started=started,
            ended=ended,
        )

    def network(self, settings: Mapping[str, Any]) -> Network:
        """Return the trained network, with tags that give its origin.

        Args:
            settings: Content of models/<result>/settings.yaml.
        """
        folder = self.lock.root / "models" / self.result
        measured = {}
        if self.details:
            measured = read_output(self.lock.root / f"reports/evaluate/{self.result}/metrics.json", self.details)
        return Network(
            model=self.result,
            backend=settings.get("backend", "tensorflow"),
            folder=folder,
            sha256=sha256(folder / "model.keras"),
            views=measured.get("views", "single"),
            temperature=measured.get("temperature", 1.0),
            tags=(("ferflow.model", self.result), ("ferflow.dataset", self.dataset), ("ferflow.stage", self.stage)),
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
        return digest_of([LAYOUT, *(self.lock.outs(stage) for stage in stages)])

    def content(self) -> Content:
        """Read what the parent run shows: the best params, the best value, and the figures.

        Raises:
            TrackingError: A file is missing or invalid.
        """
        best = self._best()
        params, metric = best.get("params", {}), best.get("metric", "value")
        plain = {key: value for key, value in best.items() if key != "params"}
        results = shares(plain, "study/")
        if "study/value" in results:
            results[glance_metric(f"best_{metric}")] = results.pop("study/value")
        counts = {f"study.{key}": value for key, value in whole_numbers(plain).items()}
        started, ended = recorded_time(self._log, "trials_sha256", self._folder / "trials.csv")
        return Content(
            name=f"tune {self.result}",
            params=text_params({"model": self.result, "metric": metric, "best": params}) | text_params(counts),
            tags=run_tags(self.lock.root, self.stage, self.dataset, self.budget),
            results=results,
            note=f"Search for the settings of {self.result}; each trial is a nested run.",
            started=started,
            ended=ended,
            figures={"study": self.lock.files(self.details, ".png")} if self.details else {},
            datasets=dataset_inputs(self.lock, self.stage, self.dataset, {"training": None, "validation": None}),
        )

    def trials(self) -> list[Content]:
        """Read what the nested runs show: the params, the curve, the value and the final state of each trial.

        Raises:
            TrackingError: trials.csv is missing or invalid.
        """
        metric = str(self._best().get("metric", "value"))
        tags = run_tags(self.lock.root, self.stage, self.dataset, self.budget)
        path = self._folder / "trials.csv"
        try:
            with path.open(encoding="utf-8", newline="") as handle:
                rows = list(csv.DictReader(handle))
            times = recorded_trial_times(self._log, path, len(rows))
            curves = self._curves()
            return [
                Content(
                    name=f"trial {row['number']}",
                    params={
                        **{key: value for key, value in row.items() if key not in _TRIAL_COLUMNS},
                        "epochs": row["epochs"],
                    },
                    tags={**tags, TRIAL_STATE: row["state"]},
                    points=[(epoch_metric(metric), value, epoch) for epoch, value in curves.get(row["number"], [])],
                    results={
                        name: float(row[column])
                        for name, column in ((glance_metric(metric), "value"), (glance_metric("macs"), "macs"))
                        if row.get(column)
                    },
                    status="FAILED" if row["state"] == "FAIL" else "FINISHED",
                    started=started,
                    ended=ended,
                )
                for row, (started, ended) in zip(rows, times, strict=True)
            ]
        except (OSError, KeyError, ValueError) as error:
            raise unreadable(path, error, self.stage) from error

    def _curves(self) -> dict[str, list[tuple[int, float]]]:
        """Return epochs and values by the number of the trial; empty for a search of before there were curves."""
        path = self._folder / "curves.csv"
        curves: dict[str, list[tuple[int, float]]] = {}
        if path.exists():
            with path.open(encoding="utf-8", newline="") as handle:
                for row in csv.DictReader(handle):
                    curves.setdefault(row["number"], []).append((int(row["epoch"]), float(row["value"])))
        return curves

    @property
    def _folder(self) -> Path:
        return self.lock.root / "reports" / "tune" / self.result

    @property
    def _log(self) -> Path:
        return self.lock.root / f"logs/tune/{self.result}.json"

    def _best(self) -> dict[str, Any]:
        return read_output(self._folder / "best.json", self.stage)


def _at_a_glance(blocks: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Return the metrics that come first: accuracy and macro F1 on validation and on the test set that counts."""
    names = ["validation", "PrivateTest" if "PrivateTest" in blocks else "test"]
    return {
        glance_metric(f"{name}_{metric}"): float(blocks[name][metric])
        for name in names
        for metric in ("accuracy", "macro_f1")
        if metric in blocks.get(name, {})
    }
