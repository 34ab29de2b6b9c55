"""`ferflow track`: add to MLflow what it lacks of the results on disk, and nothing twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ferflow.base.arrays import Split, read_split
from ferflow.base.errors import DataError, FerflowError, ModelError, TrackingError
from ferflow.base.files import write_json
from ferflow.base.hashing import sha256
from ferflow.ui.tracking.adoption import adopt_live_run, adopt_live_study
from ferflow.ui.tracking.champions import DECISION, champion_of, usable
from ferflow.ui.tracking.dvc_lock import Lock, read_lock
from ferflow.ui.tracking.exported_files import EXPORT, attach_export
from ferflow.ui.tracking.logged_models import MODEL_SHA256, SERVED, served_as
from ferflow.ui.tracking.moved_project import follow_moved_project
from ferflow.ui.tracking.registration_turn import versions_of
from ferflow.ui.tracking.registry import Candidate, Registered, register
from ferflow.ui.tracking.result_runs import Study, Training
from ferflow.ui.tracking.run_content import LOGGED, Content, Outcome, git_tags, write_run
from ferflow.ui.tracking.source_snapshot import keep_uncommitted_changes
from ferflow.ui.tracking.store import FINGERPRINT, Store, connect
from ferflow.ui.tracking.sync_report import SyncReport
from ferflow.ui.tracking.tracked_files import PREPARED, read_output

if TYPE_CHECKING:
    from mlflow.entities import Run

REGISTRATION = "reports/register/registration.json"
DECISION_FILE = "logs/register/decision.json"
"""The last decision about a champion, for people. It depends on the registry and on the clock, so nothing tracks it."""


def sync(root: Path, uri: str, *, dataset: str, budget: str) -> SyncReport:
    """Make MLflow show every training and every study in dvc.lock, and register compare's choice if it is not yet.

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
    store = connect(uri, root)
    report = SyncReport(obsolete=lock.obsolete, moved=follow_moved_project(store))
    work = _Sync(store, lock, dataset, budget, report)
    for result in lock.children("models"):
        work.training(result)
    for model in lock.children("reports/tune"):
        work.study(model)
    work.champion()
    return work.report


def publish_champion(root: Path, uri: str, registration: Mapping[str, Any], card: str, *, budget: str) -> Registered:
    """Register compare's choice in MLflow's registry, linked to the run that trained it, and decide on the champion.

    The decision is written to logs/register/decision.json, too.

    Args:
        root: Project root. Its dvc.lock records which stage trained the network.
        uri: Address of the store; see ferflow.ui.tracking.connect.
        registration: Content of registration.json.
        card: Model card, which becomes the description of the version.
        budget: Name of the budget if dvc.lock does not record the one that the network was trained with.

    Raises:
        ModelError: The model cannot be loaded, or its answers are not probabilities.
        ConfigError: The model's Keras backend cannot be used.
        TrackingError: There is no dvc.lock, or the store cannot be used.
    """
    store = connect(uri, root)
    follow_moved_project(store)
    return _Sync(store, read_lock(root), registration["dataset"], budget).publish(registration, card)


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
        if isinstance(shown, Training):
            shown = replace(shown, comparison=self._comparison)
        experiment = self.store.experiment(shown.dataset)
        run = self.store.find_run(experiment, self.lock.fingerprint(stage))
        if self._complete(stage, run, shown.digest) or not self._matches(stage, self.lock.changed(stage)):
            return
        if details and not self._matches(details, self.lock.changed(details)):
            shown = replace(shown, details=None)
            if self._complete(stage, run, shown.digest):
                return
        try:
            content, trials = shown.content(), shown.trials()
        except TrackingError as error:
            self.report.skipped[stage] = str(error)
            return
        fingerprint = self.lock.fingerprint(stage)
        run = run or adopt_live_run(self.store, experiment, stage, fingerprint, content.points)
        run = run or adopt_live_study(self.store, experiment, stage, fingerprint, trials)
        try:
            self._write(stage, experiment, run, shown.digest, content, trials)
        except (ModelError, DataError) as error:
            self.report.skipped[stage] = str(error)

    def champion(self) -> None:
        """Register the network of registration.json if the registry has no version of it, and check the champion."""
        stage = self.lock.producer(REGISTRATION)
        if stage is None:
            return
        if not self._matches(stage, self.lock.outdated(stage) or self.lock.changed(stage)):
            return
        registration = read_output(self.lock.root / REGISTRATION, stage)
        if "temperature" not in registration:
            self.report.skipped[stage] = f"{REGISTRATION} is of an earlier version of FERflow. Run: dvc repro {stage}"
            return
        name, wanted = registration["name"], registration["model_sha256"]
        champion = champion_of(self.store, name, registration["alias"])
        loads = champion is None or usable(self.store, champion)
        served = served_as(registration["views"], registration["temperature"])
        decided = any(
            (version.tags.get(MODEL_SHA256), version.tags.get(SERVED)) == (wanted, served) and DECISION in version.tags
            for version in versions_of(self.store, name)
        )
        if decided and loads:
            self.report.outcomes[stage] = "unchanged"
            return
        if champion is not None and not loads and champion.tags.get(MODEL_SHA256) != wanted:
            self.report.skipped[f"{name}@{registration['alias']}"] = (
                f"version {champion.version} cannot be loaded, because its files are missing. Restore the folder "
                "mlartifacts, or promote another version: ferflow promote VERSION"
            )
            if decided:
                return
        folder = f"models/{registration['model']}"
        network = self.lock.root / folder / "model.keras"
        if not network.is_file() or sha256(network) != wanted:
            self.report.skipped[stage] = (
                f"{folder}/model.keras is missing or is not the network of {REGISTRATION}. Run: dvc checkout {folder}"
            )
            return
        card = (self.lock.root / "reports/register/model_card.md").read_text(encoding="utf-8")
        try:
            self.report.decision = str(self.publish(registration, card).decision)
        except TrackingError:
            raise
        except FerflowError as error:  # the network cannot be loaded here; the runs are shown all the same
            self.report.skipped[stage] = str(error)
            return
        self.report.outcomes[stage] = "added"

    def publish(self, registration: Mapping[str, Any], card: str) -> Registered:
        """Register a network, linked to the run of its training if dvc.lock has that stage, and decide on it."""
        model, dataset = registration["model"], registration["dataset"]
        folder = self.lock.root / "models" / model
        stage = self.lock.producer(f"models/{model}/model.keras")
        name = stage or f"train@{model}"
        settings = read_output(folder / "settings.yaml", name)
        tags = {**git_tags(self.lock.root), "ferflow.stage": name}
        experiment = self.store.experiment(dataset)
        run = None
        if stage:
            if stage not in self.report.outcomes:
                self.training(model)
            tags[FINGERPRINT] = self.lock.fingerprint(stage)
            run = self.store.find_run(experiment, tags[FINGERPRINT])
        training = Training(self.lock, model, name, None, dataset, self.budget)
        network = training.network(settings)
        network = replace(
            network,
            # What the card and the gates are about.
            views=registration["views"],
            temperature=registration["temperature"],
            tags=tuple({**dict(network.tags), **tags}.items()),
        )
        registered = register(
            self.store,
            experiment,
            run.info.run_id if run else None,
            Candidate(network, registration, card),
            self._validation(),
        )
        exported = self.lock.root / EXPORT
        attach_export(self.store, registration["name"], registered.decision.version, exported, network.sha256)
        if run:
            keep_uncommitted_changes(self.store, self.lock.root, run.info.run_id)
        write_json(self.lock.root / DECISION_FILE, registered.decision.to_json())
        return registered

    def _validation(self) -> Split | None:
        """Return the validation images, or None if they are not on disk."""
        try:
            return read_split(self.lock.root / PREPARED, "validation")
        except (DataError, OSError, ValueError):
            return None

    @cached_property
    def _comparison(self) -> str | None:
        """Stage that compared the results, if its outputs are up to date and on disk."""
        stage = self.lock.producer("reports/compare/leaderboard.csv")
        return None if stage is None or self.lock.outdated(stage) or self.lock.changed(stage) else stage

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
            run = self.store.create_run(experiment, fingerprint, content.name, content.tags, content.started)
        for trial in trials:
            nested_fingerprint = f"{fingerprint}/{trial.name}"
            tags = {**trial.tags, "mlflow.parentRunId": run.info.run_id}
            nested = self.store.find_run(experiment, nested_fingerprint)
            nested = nested or self.store.create_run(experiment, nested_fingerprint, trial.name, tags, trial.started)
            if nested.data.tags.get(LOGGED) != digest:
                write_run(self.store, experiment, nested, digest, trial)
        write_run(self.store, experiment, run, digest, content)
        self.report.outcomes[stage] = outcome
