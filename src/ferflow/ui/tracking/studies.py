"""What the runs of one study show: the search as the parent, its trials nested below."""

import csv
from dataclasses import dataclass
from pathlib import Path

from ferflow.base.errors import TrackingError
from ferflow.ui.tracking.content import Content, digest_of, flatten
from ferflow.ui.tracking.lineage import run_tags
from ferflow.ui.tracking.lock import Lock
from ferflow.ui.tracking.trainings import dataset_inputs, numbers, read_output

_NOT_PARAMS = ("number", "state", "value", "epochs")


@dataclass(frozen=True)
class Study:
    """A finished search in dvc.lock.

    Attributes:
        lock: dvc.lock.
        model: the model that was tuned.
        stage: the stage that tuned it.
        dataset: name of the dataset.
        budget: name of the budget.
    """

    lock: Lock
    model: str
    stage: str
    dataset: str
    budget: str

    @property
    def digest(self) -> str:
        """The digest of all outputs that the runs are made from."""
        return digest_of(self.lock.outs(self.stage))

    @property
    def folder(self) -> Path:
        """Where the study's files are."""
        return self.lock.root / "reports" / "tune" / self.model

    def content(self) -> Content:
        """Read what the parent run shows: the best params, the best value, the figures.

        Raises:
            TrackingError: a file is missing or not what it should be.
        """
        best = read_output(self.folder / "best.json")
        params = best.get("params", {})
        results = numbers({key: value for key, value in best.items() if key != "params"}, "best.")
        return Content(
            name=f"tune {self.model}",
            params=flatten({"model": self.model, "metric": best.get("metric", ""), "best": params}),
            tags=run_tags(self.lock.root, self.stage, self.dataset, self.budget),
            results=results,
            figures={"study": self.lock.files(self.stage, ".png")},
            datasets=dataset_inputs(self.lock, self.stage, self.dataset, {"training": None, "validation": None}),
        )

    def trials(self) -> list[Content]:
        """Read what the nested runs show: each trial's params, its value, and how it ended.

        Raises:
            TrackingError: trials.csv is missing or not what it should be.
        """
        path = self.folder / "trials.csv"
        metric = str(read_output(self.folder / "best.json").get("metric", "value"))
        tags = run_tags(self.lock.root, self.stage, self.dataset, self.budget)
        try:
            with path.open(encoding="utf-8", newline="") as handle:
                rows = list(csv.DictReader(handle))
            return [
                Content(
                    name=f"trial {row['number']}",
                    params={key: value for key, value in row.items() if key not in _NOT_PARAMS},
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
            raise TrackingError(f"{path} cannot be read: {error}. Tune again: dvc repro {self.stage}.") from error
