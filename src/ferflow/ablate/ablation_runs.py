"""The MLflow runs of an ablation: one for the ablation, with a nested one for each training."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ferflow.ablate.ablation_page import section
from ferflow.ablate.ablation_summary import AblationSummary
from ferflow.ablate.fold_training import FoldResult
from ferflow.base.errors import TrackingError
from ferflow.base.hashing import digest_of
from ferflow.base.metrics import accuracy, log_loss
from ferflow.train.recipe import ResultSettings
from ferflow.ui.tracking import connect
from ferflow.ui.tracking.run_content import (
    LAYOUT,
    LOGGED,
    Content,
    epoch_metric,
    glance_metric,
    run_tags,
    text_params,
    write_run,
)


class AblationRuns:
    """The runs of one ablation, found by their fingerprints, so that none appears twice.

    The parent run belongs to the file's name and to the baseline (its settings, data and code); an arm that is added
    later becomes a further nested run. Once the parent exists, no store ever ends an ablation: the first failure prints
    a warning, and what MLflow lacks is sent again at the end, and whenever the command runs again.
    """

    def __init__(self, root: Path, uri: str, dataset: str, budget: str, *, file: Path, key: str) -> None:
        """Open the parent run.

        Args:
            root: Project root.
            uri: Address of the store; see ferflow.ui.tracking.connect.
            dataset: Name of the dataset, which is that of the experiment.
            budget: Name of the budget.
            file: The ablation file.
            key: Key of the baseline's training on the first fold; see ferflow.ablate.fold_training.result_key.

        Raises:
            TrackingError: The store cannot be used.
        """
        self._name = file.stem
        self._tags = run_tags(root, "ablate", dataset, budget) | {
            "mlflow.source.name": f"ferflow ablate {file}",
            "ferflow.ablation": file.stem,
        }
        self._store = connect(uri, root)
        self._experiment = self._store.experiment(dataset)
        self._fingerprint = digest_of(["ablate", self._name, key])
        self._parent = self._store.find_run(self._experiment, self._fingerprint) or self._store.create_run(
            self._experiment, self._fingerprint, f"ablate {self._name}", self._tags
        )
        self._pending: list[Callable[[], None]] = []
        self._warned = False

    def show_fold(
        self, arm: str, fold: int, settings: ResultSettings, labels: npt.NDArray[np.int64], result: FoldResult
    ) -> None:
        """Show a finished training.

        Args:
            arm: Name of the arm.
            fold: Number of the fold, from 1.
            settings: What was trained.
            labels: True classes of the held-out images, int64, (N,).
            result: The training.
        """
        correct = accuracy(labels, result.probabilities.argmax(axis=1))
        loss = log_loss(labels, result.probabilities)
        content = Content(
            name=f"{arm} fold {fold}",
            params=text_params(settings.model_dump(mode="json")) | {"arm": arm, "fold": str(fold)},
            tags={**self._tags, "mlflow.parentRunId": self._parent.info.run_id},
            points=[
                (epoch_metric(str(column)), float(row[column]), int(row["epoch"]))
                for _, row in result.history.iterrows()
                for column in result.history.columns
                if column != "epoch"
            ],
            results={
                glance_metric("fold_accuracy"): correct,
                glance_metric("fold_log_loss"): loss,
                "training/seconds": result.seconds,
            },
            ended=result.ended,
        )
        fingerprint = f"{self._fingerprint}/{arm}/{fold}/{result.key[:16]}"
        started = result.ended - int(1000 * result.seconds)

        def show() -> None:
            run = self._store.find_run(self._experiment, fingerprint)
            run = run or self._store.create_run(self._experiment, fingerprint, content.name, content.tags, started)
            digest = digest_of([LAYOUT, result.key])
            if run.data.tags.get(LOGGED) != digest:
                write_run(self._store, self._experiment, run, digest, content)

        self._pending.append(show)
        self._show_pending()

    def show_ablation(self, summary: AblationSummary, report: Path, results: Sequence[FoldResult]) -> None:
        """Show what the ablation found, and end the parent run.

        Args:
            summary: What it found; its section of the page becomes the description of the run.
            report: The file that holds `summary`.
            results: Its trainings, at least one.
        """
        scores = {arm: entry.scores for arm, entry in summary.arms.items() if entry.scores}
        metrics = {glance_metric("highest_accuracy"): max(found.accuracy for found in scores.values())}
        for arm, found in scores.items():
            metrics |= {f"accuracy/{arm}": found.accuracy, f"log_loss/{arm}": found.log_loss}
            if found.accuracy_difference and found.log_loss_difference:
                metrics[f"accuracy_difference/{arm}"] = found.accuracy_difference.value
                metrics[f"log_loss_difference/{arm}"] = found.log_loss_difference.value
        whole = summary.to_json()
        content = Content(
            name=f"ablate {self._name}",
            params=text_params({key: whole[key] for key in ("model", "budget", "views", "seed", "base", "versions")}),
            tags=self._tags,
            results=metrics,
            figures={"ablation": [report]},
            note=section(summary),
            ended=max(result.ended for result in results),
        )

        def show() -> None:
            run = self._store.find_run(self._experiment, self._fingerprint) or self._parent
            digest = digest_of([LAYOUT, whole])
            if run.data.tags.get(LOGGED) != digest:
                write_run(self._store, self._experiment, run, digest, content)

        self._pending.append(show)
        self._show_pending()

    def _show_pending(self) -> None:
        """Write what MLflow lacks, in order, up to the first failure."""
        try:
            while self._pending:
                self._pending[0]()
                self._pending.pop(0)
        except TrackingError as error:
            if not self._warned:
                print(
                    f"warning: {error}\nThe ablation continues. Once the store can be used again, run the same command "
                    "again: it repeats no training, and adds to MLflow what is missing.",
                    file=sys.stderr,
                    flush=True,
                )
            self._warned = True
