"""`ferflow track`: add to MLflow what it lacks of the results on disk, and nothing twice."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ferflow.base.errors import TrackingError
from ferflow.base.hashing import sha256
from ferflow.ui.tracking.dvc_lock import Lock, read_lock
from ferflow.ui.tracking.registry import Champion, has_alias, register_champion
from ferflow.ui.tracking.result_runs import Study, Training, read_output
from ferflow.ui.tracking.run_content import LOGGED, Content, Outcome, Point, git_tags, write_run
from ferflow.ui.tracking.store import FINGERPRINT, Store, connect

if TYPE_CHECKING:
    from mlflow.entities import Run

REGISTRATION = "reports/register/registration.json"


@dataclass
class SyncReport:
    """What a sync did.

    Attributes:
        outcomes: Outcome for the run of each stage, and for the champion's registration: `added`, `completed` (the run
            was incomplete), `updated` (the results have changed) or `unchanged`.
        skipped: By stage, why it is not shown and what to run.
        obsolete: Stages in dvc.lock that dvc.yaml no longer has; their results are not shown, their runs are kept.
    """

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    obsolete: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether anything was written."""
        return any(outcome != "unchanged" for outcome in self.outcomes.values())

    def __str__(self) -> str:
        """Return lines for people."""
        lines = [f"{outcome}: {stage}" for stage, outcome in self.outcomes.items() if outcome != "unchanged"]
        lines += [f"not shown: {stage}: {reason}" for stage, reason in self.skipped.items()]
        unchanged = list(self.outcomes.values()).count("unchanged")
        if unchanged:
            lines.append(f"up to date: {unchanged}")
        if not lines:
            lines.append("dvc.lock has no trained model yet. Run the pipeline: dvc repro")
        if self.obsolete:
            lines.append(
                f"no longer part of the pipeline (in dvc.lock, not in dvc.yaml): {', '.join(self.obsolete)}. "
                "Their runs in MLflow are kept as they are."
            )
        return "\n".join(lines)


def sync(root: Path, uri: str, *, dataset: str, budget: str) -> SyncReport:
    """Make MLflow show every training and every study in dvc.lock, and register the champion if there is none.

    A stage's run is found by its fingerprint; a missing run is created, an incomplete one completed. Only outputs on
    disk that match dvc.lock are shown; the report names the others. Runs whose stage dvc.lock no longer has are kept.

    Args:
        root: Project root.
        uri: Address of the store; see ferflow.ui.tracking.connect.
        dataset: Name of the dataset for stages whose dataset dvc.lock does not record.
        budget: Name of the budget for stages whose budget dvc.lock does not record.

    Raises:
        TrackingError: There is no dvc.lock, DVC cannot read dvc.yaml, or the store cannot be used.
    """
    lock = read_lock(root)
    work = _Sync(connect(uri, root), lock, dataset, budget, SyncReport(obsolete=lock.obsolete))
    for result in lock.children("models"):
        work.training(result)
    for model in lock.children("reports/tune"):
        work.study(model)
    work.champion()
    return work.report


def publish_champion(
    root: Path, uri: str, registration: Mapping[str, Any], card: str, *, budget: str
) -> Literal["registered", "unchanged"]:
    """Register the champion that passed the gates in MLflow's registry, linked to the run that trained it.

    Args:
        root: Project root. Its dvc.lock records which stage trained the champion.
        uri: Address of the store; see ferflow.ui.tracking.connect.
        registration: Content of registration.json: name, alias, model, model_sha256, dataset.
        card: Model card, which becomes the description of the version.
        budget: Name of the budget if dvc.lock does not record the one that the champion was trained with.

    Returns:
        `unchanged` if the alias already points to a version with these weights, else `registered`.

    Raises:
        ModelError: The model cannot be loaded, or its answers are not probabilities.
        ConfigError: The model's Keras backend cannot be used.
        TrackingError: There is no dvc.lock, or the store cannot be used.
    """
    work = _Sync(connect(uri, root), read_lock(root), registration["dataset"], budget)
    return work.publish(registration, card)


@dataclass
class _Sync:
    """One sync in progress.

    Attributes:
        store: MLflow store to write to.
        lock: dvc.lock.
        dataset: Name of the dataset if dvc.lock does not record it.
        budget: Name of the budget if dvc.lock does not record it.
        report: What the sync has done so far.
    """

    store: Store
    lock: Lock
    dataset: str
    budget: str
    report: SyncReport = field(default_factory=SyncReport)

    def training(self, result: str) -> None:
        """Show the training of a result, with its evaluation if that is up to date."""
        stage = self.lock.producer(f"models/{result}/model.keras")
        evaluation = self.lock.producer(f"reports/evaluate/{result}/metrics.json")
        self._show(Training, result, stage, evaluation)

    def study(self, model: str) -> None:
        """Show the search of a model with its trials, and with its figures if they are up to date."""
        stage = self.lock.producer(f"reports/tune/{model}/trials.csv")
        figures = self.lock.producer(f"reports/study/{model}/history.png")
        self._show(Study, model, stage, figures)

    def _show(self, kind: type[Training] | type[Study], name: str, stage: str | None, details: str | None) -> None:
        """Make MLflow show a training or a study.

        Args:
            kind: Class that reads its outputs.
            name: Name of the result, or of the searched model.
            stage: Stage that trained or searched; None shows nothing.
            details: Stage whose outputs the same run shows too, or None.
        """
        if stage is None or not self._matches(stage, self.lock.outdated(stage)):
            return
        if details and not self._matches(details, self.lock.outdated(details)):
            details = None
        shown = kind(self.lock, name, stage, details, *self._dataset_and_budget(stage))
        experiment = self.store.experiment(shown.dataset)
        run = self.store.find_run(experiment, self.lock.fingerprint(stage))
        if self._complete(stage, run, shown.digest) or not self._matches(stage, self.lock.changed(stage)):
            return
        if details and not self._matches(details, self.lock.changed(details)):
            shown = kind(self.lock, name, stage, None, shown.dataset, shown.budget)
            if self._complete(stage, run, shown.digest):
                return
        try:
            content, trials = shown.content(), shown.trials()
        except TrackingError as error:
            self.report.skipped[stage] = str(error)
            return
        run = run or self._adopt(experiment, stage, content.points)
        self._write(stage, experiment, run, shown.digest, content, trials)

    def champion(self) -> None:
        """Register the champion of registration.json if the registry has none under its alias."""
        stage = self.lock.producer(REGISTRATION)
        if stage is None:
            return
        if not self._matches(stage, self.lock.outdated(stage) or self.lock.changed(stage)):
            return
        registration = read_output(self.lock.root / REGISTRATION, stage)
        if not registration["promoted"]:
            return
        if has_alias(self.store, registration["name"], registration["alias"]):
            self.report.outcomes[stage] = "unchanged"
            return
        folder = f"models/{registration['model']}"
        network = self.lock.root / folder / "model.keras"
        if not network.is_file() or sha256(network) != registration["model_sha256"]:
            self.report.skipped[stage] = (
                f"{folder}/model.keras is missing or is not the champion. Run: dvc checkout {folder}"
            )
            return
        self.publish(registration, (self.lock.root / "reports/register/model_card.md").read_text(encoding="utf-8"))
        self.report.outcomes[stage] = "added"

    def publish(self, registration: Mapping[str, Any], card: str) -> Literal["registered", "unchanged"]:
        """Register a champion, linked to the run of its training if dvc.lock has that stage."""
        model, dataset = registration["model"], registration["dataset"]
        folder = self.lock.root / "models" / model
        stage = self.lock.producer(f"models/{model}/model.keras")
        settings = read_output(folder / "settings.yaml", stage or f"train@{model}")
        tags = {"ferflow.model": model, "ferflow.dataset": dataset, **git_tags(self.lock.root)}
        experiment = self.store.experiment(dataset)
        run = None
        if stage:
            if stage not in self.report.outcomes:
                self.training(model)
            tags |= {"ferflow.stage": stage, FINGERPRINT: self.lock.fingerprint(stage)}
            run = self.store.find_run(experiment, tags[FINGERPRINT])
        champion = Champion(
            name=registration["name"],
            alias=registration["alias"],
            model=model,
            backend=settings["backend"],
            folder=folder,
            sha256=registration["model_sha256"],
            card=card,
            tags=tags,
        )
        return register_champion(self.store, experiment, run.info.run_id if run else None, champion)

    def _dataset_and_budget(self, stage: str) -> tuple[str, str]:
        """Return the dataset and the budget that a stage ran with, as it or its nearest ancestor records them."""
        steps = (stage, *self.lock.ancestors(stage))
        recorded = {
            name: next((value for step in steps if (value := self.lock.param(step, name))), None)
            for name in ("dataset", "budget")
        }
        return str(recorded["dataset"] or self.dataset), str(recorded["budget"] or self.budget)

    def _matches(self, stage: str, difference: str | None) -> bool:
        """Return whether there is no difference; report one as the reason why the stage is not shown."""
        if difference:
            self.report.skipped[stage] = difference
        return difference is None

    def _complete(self, stage: str, run: "Run | None", digest: str) -> bool:
        complete = run is not None and run.data.tags.get(LOGGED) == digest
        if complete:
            self.report.outcomes[stage] = "unchanged"
        return complete

    def _write(
        self, stage: str, experiment: str, run: "Run | None", digest: str, content: Content, trials: Sequence[Content]
    ) -> None:
        """Write a run and its nested runs. The nested ones come first, since the parent is then known as complete."""
        outcome: Outcome = "added" if run is None else "updated" if LOGGED in run.data.tags else "completed"
        fingerprint = self.lock.fingerprint(stage)
        if run is None:
            run = self.store.create_run(experiment, fingerprint, content.name, content.tags)
        for trial in trials:
            nested_fingerprint = f"{fingerprint}/{trial.name}"
            tags = {**trial.tags, "mlflow.parentRunId": run.info.run_id}
            nested = self.store.find_run(experiment, nested_fingerprint)
            nested = nested or self.store.create_run(experiment, nested_fingerprint, trial.name, tags)
            if nested.data.tags.get(LOGGED) != digest:
                write_run(self.store, experiment, nested, digest, trial)
        write_run(self.store, experiment, run, digest, content)
        self.report.outcomes[stage] = outcome

    def _adopt(self, experiment: str, stage: str, points: Sequence[Point]) -> "Run | None":
        """Return the live run of the training that gave these metrics, with the fingerprint of dvc.lock, or None.

        DVC hashes a stage's code both before and after it runs. If the code is edited during the training, dvc.lock
        gets another fingerprint than the live run has; equal metrics at every step show that it is the same training.
        """
        if not points:
            return None
        expected = {(key, step): value for key, value, step in points}
        with self.store.session() as client:
            for run in client.search_runs([experiment], f"tags.`ferflow.stage` = '{stage}' and status = 'FINISHED'"):
                if LOGGED in run.data.tags:
                    continue
                logged = {
                    (metric.key, metric.step): metric.value
                    for key in {key for key, _, _ in points} & run.data.metrics.keys()
                    for metric in client.get_metric_history(run.info.run_id, key)
                }
                if logged.keys() == expected.keys() and all(
                    # history.csv has six significant digits, the live run all of them.
                    math.isclose(logged[point], expected[point], rel_tol=1e-4, abs_tol=1e-6)
                    for point in expected
                ):
                    client.set_tag(run.info.run_id, FINGERPRINT, self.lock.fingerprint(stage))
                    return client.get_run(run.info.run_id)
        return None
