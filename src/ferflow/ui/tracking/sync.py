"""`ferflow track`: whatever MLflow lacks of the results on disk, it gets; never twice."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ferflow.base.hashing import sha256
from ferflow.ui.tracking.content import LOGGED, Content, Outcome, Point, write_run
from ferflow.ui.tracking.lineage import git_tags
from ferflow.ui.tracking.lock import Lock, read_lock
from ferflow.ui.tracking.registry import Champion, has_alias, register_champion
from ferflow.ui.tracking.store import FINGERPRINT, Store, connect
from ferflow.ui.tracking.studies import Study
from ferflow.ui.tracking.trainings import Training, read_output

if TYPE_CHECKING:
    from mlflow.entities import Run


@dataclass
class SyncReport:
    """What a sync did.

    Attributes:
        outcomes: of each stage's run, and of the champion's registration: `added`, `completed` (the run was
            unfinished), `updated` (the results changed) or `unchanged`.
        skipped: why something could not be shown, and what to run, by stage.
    """

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether anything was written."""
        return any(outcome != "unchanged" for outcome in self.outcomes.values())

    def __str__(self) -> str:
        """Return lines for people."""
        lines = [f"{outcome}: {stage}" for stage, outcome in self.outcomes.items() if outcome != "unchanged"]
        lines += [f"not shown: {stage}: {why}" for stage, why in self.skipped.items()]
        same = list(self.outcomes.values()).count("unchanged")
        if same:
            lines.append(f"up to date: {same}")
        return "\n".join(lines) or "dvc.lock tells of no trained model yet: dvc repro"


def sync(root: Path, uri: str, *, dataset: str, budget: str) -> SyncReport:
    """Make MLflow show every trained model and every study that dvc.lock tells of, and the champion if it has none.

    A run is found by the fingerprint of its stage; a missing one is made, an unfinished one completed. Only outputs
    that stand on disk as dvc.lock tells are shown; what is missing is named. Runs of which dvc.lock no longer tells
    are left alone.

    Args:
        root: the project's folder.
        uri: see ferflow.ui.tracking.connect.
        dataset: its name, where dvc.lock does not tell what a stage was run with.
        budget: its name, where dvc.lock does not tell.

    Raises:
        TrackingError: there is no dvc.lock, an output is broken, or the store cannot be used.
    """
    lock = read_lock(root)
    work = _Sync(connect(uri, root), lock, dataset, budget)
    for model in lock.children("models"):
        work.training(model)
    for model in lock.children("reports/tune"):
        work.study(model)
    work.champion()
    return work.report


def publish_champion(
    root: Path, uri: str, registration: Mapping[str, Any], card: str, *, budget: str
) -> Literal["registered", "unchanged"]:
    """Give MLflow's registry the champion that passed the gates, tied to the run that trained it.

    Args:
        root: the project's folder; its dvc.lock tells which stage trained the model.
        uri: see ferflow.ui.tracking.connect.
        registration: what registration.json holds: name, alias, model, model_sha256, dataset.
        card: the model card, which becomes the version's description.
        budget: its name, where dvc.lock does not tell what the model was trained with.

    Returns:
        `unchanged` when the alias leads to a version with these weights already.

    Raises:
        ModelError: the model cannot be served.
        TrackingError: there is no dvc.lock, or the store cannot be used.
    """
    work = _Sync(connect(uri, root), read_lock(root), registration["dataset"], budget)
    return work.publish(registration, card)


@dataclass
class _Sync:
    store: Store
    lock: Lock
    dataset: str
    budget: str
    report: SyncReport = field(default_factory=SyncReport)

    def training(self, model: str) -> None:
        """Show one trained model, with its evaluation when that is of this very model."""
        stage = self.lock.maker(f"models/{model}/model.keras")
        if stage is None or not self._current(stage):
            return
        evaluation = self.lock.maker(f"reports/evaluate/{model}/metrics.json")
        if evaluation and not self._current(evaluation):
            evaluation = None
        training = Training(self.lock, model, stage, evaluation, *self._made_with(stage))
        experiment = self.store.experiment(training.dataset)
        run = self.store.find_run(experiment, self.lock.fingerprint(stage))
        if self._complete(stage, run, training.digest) or not self._on_disk(stage):
            return
        if evaluation and not self._on_disk(evaluation):
            training = replace(training, evaluation=None)
            if self._complete(stage, run, training.digest):
                return
        content = training.content()
        run = run or self._adopt(experiment, stage, content.points)
        self._write(stage, experiment, run, training.digest, content)

    def study(self, model: str) -> None:
        """Show one study: its trials nested in its run."""
        stage = self.lock.maker(f"reports/tune/{model}/trials.csv")
        if stage is None or not self._current(stage):
            return
        study = Study(self.lock, model, stage, *self._made_with(stage))
        experiment = self.store.experiment(study.dataset)
        fingerprint = self.lock.fingerprint(stage)
        run = self.store.find_run(experiment, fingerprint)
        if self._complete(stage, run, study.digest) or not self._on_disk(stage):
            return
        content = study.content()
        parent = run or self.store.create_run(experiment, fingerprint, content.name, content.tags)
        for trial in study.trials():
            number = f"{fingerprint}/{trial.name}"
            nested = self.store.find_run(experiment, number) or self.store.create_run(
                experiment, number, trial.name, {**trial.tags, "mlflow.parentRunId": parent.info.run_id}
            )
            if nested.data.tags.get(LOGGED) != study.digest:
                write_run(self.store, experiment, nested, study.digest, trial)
        self._write(stage, experiment, parent, study.digest, content)
        if run is None:
            self.report.outcomes[stage] = "added"

    def champion(self) -> None:
        """Register the champion of registration.json if the registry has none under its alias."""
        path = "reports/register/registration.json"
        stage = self.lock.maker(path)
        if stage is None or not self._current(stage) or not self._on_disk(stage):
            return
        registration = read_output(self.lock.root / path)
        if not registration["promoted"]:
            return
        if has_alias(self.store, registration["name"], registration["alias"]):
            self.report.outcomes[stage] = "unchanged"
            return
        network = self.lock.root / "models" / registration["model"] / "model.keras"
        if not network.is_file() or sha256(network) != registration["model_sha256"]:
            self.report.skipped[stage] = f"{network} is not the champion's: dvc checkout {network.parent}"
            return
        self.publish(registration, (self.lock.root / "reports/register/model_card.md").read_text(encoding="utf-8"))
        self.report.outcomes[stage] = "added"

    def publish(self, registration: Mapping[str, Any], card: str) -> Literal["registered", "unchanged"]:
        """Register a champion, tied to the run of its training where dvc.lock tells of it."""
        model, dataset = registration["model"], registration["dataset"]
        stage = self.lock.maker(f"models/{model}/model.keras")
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
            folder=self.lock.root / "models" / model,
            sha256=registration["model_sha256"],
            card=card,
            tags=tags,
        )
        return register_champion(self.store, experiment, run.info.run_id if run else None, champion)

    def _made_with(self, stage: str) -> tuple[str, str]:
        """Return the dataset and the budget that a stage was run with."""
        steps = (stage, *self.lock.ancestors(stage))
        known = {
            name: next((value for step in steps if (value := self.lock.param(step, name))), None)
            for name in ("dataset", "budget")
        }
        return str(known["dataset"] or self.dataset), str(known["budget"] or self.budget)

    def _current(self, stage: str) -> bool:
        why = self.lock.outdated(stage)
        if why:
            self.report.skipped[stage] = why
        return why is None

    def _on_disk(self, stage: str) -> bool:
        why = self.lock.changed(stage)
        if why:
            self.report.skipped[stage] = why
        return why is None

    def _complete(self, stage: str, run: "Run | None", digest: str) -> bool:
        complete = run is not None and run.data.tags.get(LOGGED) == digest
        if complete:
            self.report.outcomes[stage] = "unchanged"
        return complete

    def _write(self, stage: str, experiment: str, run: "Run | None", digest: str, content: Content) -> None:
        outcome: Outcome = "added" if run is None else "updated" if LOGGED in run.data.tags else "completed"
        if run is None:
            run = self.store.create_run(experiment, self.lock.fingerprint(stage), content.name, content.tags)
        write_run(self.store, experiment, run, digest, content)
        self.report.outcomes[stage] = outcome

    def _adopt(self, experiment: str, stage: str, points: Sequence[Point]) -> "Run | None":
        """Return the run that was written live for the training that gave these points, under its new fingerprint.

        DVC hashes a stage's code before and after it runs. Who edits the code during an hour of training gets a
        dvc.lock with another fingerprint than the live run has; the same numbers tell that it is the same training.
        """
        with self.store.speaking() as client:
            runs = client.search_runs([experiment], f"tags.`ferflow.stage` = '{stage}' and status = 'FINISHED'")
            for run in runs:
                if LOGGED in run.data.tags or not points:
                    continue
                keys = {key for key, _, _ in points} & run.data.metrics.keys()
                shown = {
                    (metric.key, metric.step): metric.value
                    for key in keys
                    for metric in client.get_metric_history(run.info.run_id, key)
                }
                wanted = {(key, step): value for key, value, step in points}
                if shown.keys() == wanted.keys() and all(
                    math.isclose(shown[point], wanted[point], rel_tol=1e-4, abs_tol=1e-6) for point in wanted
                ):
                    client.set_tag(run.info.run_id, FINGERPRINT, self.lock.fingerprint(stage))
                    return client.get_run(run.info.run_id)
        return None
