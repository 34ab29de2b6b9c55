"""The runs of a search in progress, which `ferflow track` completes or makes again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ferflow.ui.tracking import LiveStudy, Store

NewStore = Callable[..., Store]


def live(root: Path) -> LiveStudy:
    return LiveStudy(
        "sqlite:///mlflow.db",
        root,
        experiment="drawn",
        model="cnn",
        metric="val_accuracy",
        fingerprint="f" * 64,
        tags={"ferflow.stage": "tune@cnn"},
    )


def runs_of(store: Store) -> dict[str, Any]:
    return {run.info.run_name: run for run in store.client.search_runs([store.experiment("drawn")])}


def curve(store: Store, run: Any) -> list[tuple[int, float]]:
    history = store.client.get_metric_history(run.info.run_id, "epochs/val_accuracy")
    return [(point.step, point.value) for point in history]


def test_trials_are_nested_runs_with_curves_while_they_run(tmp_path: Path, new_store: NewStore) -> None:
    store = new_store(tmp_path)
    with live(tmp_path) as study:
        study.started(0, {"train.learning_rate": 0.01, "train.augment.flip": None})
        study.started(1, {"train.learning_rate": 0.1})
        study.epoch(0, 1, 0.4)
        study.epoch(1, 1, 0.2)
        runs = runs_of(store)
        assert set(runs) == {"tune cnn", "trial 0", "trial 1"}
        assert {run.info.status for run in runs.values()} == {"RUNNING"}
        parent = runs["tune cnn"].info.run_id
        assert {runs[f"trial {k}"].data.tags["mlflow.parentRunId"] for k in (0, 1)} == {parent}
        assert runs["trial 0"].data.params == {"train.learning_rate": "0.01", "train.augment.flip": "null"}
        assert curve(store, runs["trial 0"]) == [(1, 0.4)]
        study.ended(1, "PRUNED", 0.2)
        assert runs_of(store)["trial 1"].info.status == "FINISHED"
        assert runs_of(store)["trial 1"].data.tags["ferflow.trial_state"] == "PRUNED"
        study.ended(0, "FAIL", None)
    runs = runs_of(store)
    assert runs["trial 0"].info.status == "FAILED"
    assert runs["tune cnn"].info.status == "FINISHED"


def test_a_trial_that_is_started_again_continues_its_run(tmp_path: Path, new_store: NewStore) -> None:
    store = new_store(tmp_path)
    killed = live(tmp_path)
    killed.started(0, {"train.learning_rate": 0.01})
    killed.epoch(0, 1, 0.4)
    with live(tmp_path) as study:
        study.started(0, {"train.learning_rate": 0.01})
        for epoch, value in ((1, 0.4), (2, 0.5)):
            study.epoch(0, epoch, value)
        study.ended(0, "COMPLETE", 0.5)
    runs = runs_of(store)
    assert set(runs) == {"tune cnn", "trial 0"}
    assert curve(store, runs["trial 0"]) == [(1, 0.4), (2, 0.5)]
    assert runs["trial 0"].data.tags["ferflow.trial_state"] == "COMPLETE"
