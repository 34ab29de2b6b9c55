import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tracking_helpers import dvc

from ferflow.errors import TrackingError
from ferflow.tracking import LiveRun, Store, SyncReport, read_lock, sync

STAGES = {"train@one", "train@two", "tune"}
NewStore = Callable[..., Store]


def track(project: Path, uri: str = "sqlite:///mlflow.db") -> SyncReport:
    return sync(project, uri, dataset="params say", budget="params say")


def runs_of(store: Store, dataset: str = "drawn") -> dict[str, Any]:
    runs = store.client.search_runs([store.experiment(dataset)])
    named = {run.info.run_name: run for run in runs}
    assert len(named) == len(runs), sorted(run.info.run_name for run in runs)
    return named


def rows(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Everything in the database."""
    with sqlite3.connect(store.uri.removeprefix("sqlite:///")) as database:
        names = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        return {name: sorted(database.execute(f"select * from {name}"), key=repr) for name in names}


def test_everything_that_dvc_tells_of_appears(project: Path, new_store: NewStore) -> None:
    store = new_store(project)
    report = track(project)
    assert report.outcomes == dict.fromkeys(sorted(STAGES), "added")
    assert not report.skipped
    runs = runs_of(store)
    assert set(runs) == {"one", "two", "tune one", "trial 0", "trial 1", "trial 2", "trial 3"}

    one = runs["one"]
    assert one.info.status == "FINISHED"
    assert one.data.params == {"name": "one", "network.dropout": "0.25", "train.epochs": "3"}
    wanted = {"parameters": 123, "best_epoch": 3, "best.val_accuracy": 0.8, "images": 70, "loss": 0.333333}
    wanted |= {"validation.accuracy": 0.8, "test.accuracy": 0.8, "PrivateTest.accuracy": 0.7, "test.images": 10}
    assert wanted.items() <= one.data.metrics.items()
    assert not any("per_class" in key for key in one.data.metrics)
    history = store.client.get_metric_history(one.info.run_id, "val_accuracy")
    assert [(point.step, point.value) for point in history] == [(1, 0.6), (2, 0.7), (3, 0.8)]

    tags = one.data.tags
    assert tags["ferflow.fingerprint"] == read_lock(project).fingerprint("train@one")
    assert (tags["ferflow.stage"], tags["ferflow.dataset"], tags["ferflow.budget"]) == ("train@one", "drawn", "smoke")
    assert len(tags["mlflow.source.git.commit"]) == 40
    assert tags["ferflow.git_dirty"] == "false"

    figures = {
        item.path
        for folder in ("training", "evaluation")
        for item in store.client.list_artifacts(one.info.run_id, folder)
    }
    assert figures == {"training/learning_curves.png", "evaluation/confusion_test.png"}
    shown = store.client.download_artifacts(one.info.run_id, "evaluation/confusion_test.png")
    assert Path(shown).read_bytes() == (project / "reports/evaluate/one/confusion_test.png").read_bytes()

    inputs = {item.tags[0].value: item.dataset for item in one.inputs.dataset_inputs}
    assert set(inputs) == {"training", "validation", "test"}
    assert {item.name for item in inputs.values()} == {"drawn"}
    md5 = read_lock(project).outs("prepare")["data/prepare"]
    assert all(item.digest.startswith(md5[:24]) for item in inputs.values())
    assert json.loads(inputs["training"].profile) == {"num_rows": 70}
    source = json.loads(inputs["test"].source)
    assert source == {"dvc": "data/prepare", "md5": md5, "source": "sample", "licence": "MIT"}


def test_no_path_of_this_machine_is_in_what_runs_say(project: Path, new_store: NewStore) -> None:
    store = new_store(project)
    track(project)
    for run in runs_of(store).values():
        said = [run.data.params, run.data.tags, [item.dataset.source for item in run.inputs.dataset_inputs]]
        assert str(project.parent) not in json.dumps(said)


def test_a_study_is_a_parent_with_its_trials_nested(project: Path, new_store: NewStore) -> None:
    store = new_store(project)
    track(project)
    runs = runs_of(store)
    parent = runs["tune one"]
    assert parent.data.params["best.train.learning_rate"] == "0.01"
    assert parent.data.metrics["best.value"] == 0.75
    trials = {name: run for name, run in runs.items() if name.startswith("trial ")}
    assert {run.data.tags["mlflow.parentRunId"] for run in trials.values()} == {parent.info.run_id}
    assert "mlflow.parentRunId" not in parent.data.tags
    assert trials["trial 1"].data.params == {"train.learning_rate": "0.01"}
    assert trials["trial 1"].data.metrics == {"val_accuracy": 0.75, "epochs": 2}
    assert trials["trial 2"].data.tags["ferflow.trial_state"] == "PRUNED"
    assert trials["trial 3"].info.status == "FAILED"
    assert trials["trial 3"].data.metrics == {"epochs": 0}


def test_a_second_time_nothing_is_written(project: Path, new_store: NewStore) -> None:
    store = new_store(project)
    track(project)
    before = rows(store)
    report = track(project)
    assert report.outcomes == dict.fromkeys(sorted(STAGES), "unchanged")
    assert not report.changed
    assert str(report) == "up to date: 3"
    assert rows(store) == before


def test_a_second_time_needs_no_outputs_on_disk(project: Path, new_store: NewStore) -> None:
    new_store(project)
    track(project)
    shutil.rmtree(project / "models")
    shutil.rmtree(project / "reports")
    assert not track(project).changed


def test_a_lost_database_is_rebuilt(project: Path, new_store: NewStore) -> None:
    lost, store = new_store(project), new_store(project, "new.db")
    track(project)
    shutil.rmtree(project / "mlartifacts")
    assert track(project, store.uri).outcomes == dict.fromkeys(sorted(STAGES), "added")
    first, again = runs_of(lost), runs_of(store)
    assert first.keys() == again.keys()
    for name, run in again.items():
        assert run.info.run_id != first[name].info.run_id
        assert run.data.metrics == first[name].data.metrics
        assert run.data.params == first[name].data.params
        assert run.data.tags["ferflow.fingerprint"] == first[name].data.tags["ferflow.fingerprint"]
    assert store.client.list_artifacts(again["one"].info.run_id, "evaluation")


def test_a_new_evaluation_updates_the_run_of_the_training(project: Path, new_store: NewStore) -> None:
    store = new_store(project)
    track(project)
    number = runs_of(store)["one"].info.run_id
    (project / "judge.txt").write_text("mild")
    dvc(project, "repro", "evaluate@one")
    report = track(project)
    assert report.outcomes == {"train@one": "updated", "train@two": "unchanged", "tune": "unchanged"}
    one = runs_of(store)["one"]
    assert one.info.run_id == number
    assert one.data.metrics["validation.accuracy"] == 0.9
    assert one.data.metrics["PrivateTest.accuracy"] == 0.7
    assert len(store.client.get_metric_history(number, "PrivateTest.accuracy")) == 1
    assert len(store.client.get_metric_history(number, "loss")) == 3


def test_a_live_run_gets_what_it_lacks(project: Path, new_store: NewStore) -> None:
    store = new_store(project)
    fingerprint = read_lock(project).fingerprint("train@one")
    live = LiveRun(
        store.uri,
        project,
        experiment="drawn",
        name="one",
        fingerprint=fingerprint,
        params={"name": "one"},
        tags={"ferflow.stage": "train@one", "mlflow.source.git.commit": "0" * 40},
    )
    live.log_epoch(1, {"loss": 1.0, "val_accuracy": 0.6})  # and then it was killed, the server too
    assert track(project).outcomes["train@one"] == "completed"
    one = runs_of(store)["one"]
    assert one.info.status == "FINISHED"
    history = store.client.get_metric_history(one.info.run_id, "loss")
    assert [(point.step, point.value) for point in history] == [(1, 1.0), (2, 0.5), (3, 0.333333)]
    assert one.data.params["train.epochs"] == "3"
    assert one.data.tags["mlflow.source.git.commit"] == "0" * 40  # of the training, not of the sync


@pytest.mark.parametrize("calls", [1, 2, 4, 8, 16])
def test_a_sync_that_is_cut_off_anywhere_is_completed(
    project: Path, new_store: NewStore, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = new_store(project)
    left = [calls]

    class Cut(BaseException):
        """What a kill does: no handler runs."""

    from mlflow import MlflowClient

    with monkeypatch.context() as patch:
        for name in ("create_run", "log_batch", "log_artifact", "log_inputs", "set_terminated"):
            whole = getattr(MlflowClient, name)

            def counted(*arguments: Any, _whole: Any = whole, **options: Any) -> Any:
                if not left[0]:
                    raise Cut
                left[0] -= 1
                return _whole(*arguments, **options)

            patch.setattr(MlflowClient, name, counted)
        with pytest.raises(Cut):
            track(project)
    assert track(project).changed
    assert not track(project).changed
    runs = runs_of(store)
    assert len(runs) == 7
    for name in ("one", "two"):
        assert len(store.client.get_metric_history(runs[name].info.run_id, "loss")) == 3
        assert len(store.client.get_metric_history(runs[name].info.run_id, "test.accuracy")) == 1
        assert runs[name].info.status == "FINISHED"


def test_what_is_not_on_disk_is_named_and_shown_after_checkout(project: Path, new_store: NewStore) -> None:
    store = new_store(project)
    shutil.rmtree(project / "models" / "one")
    report = track(project)
    assert set(report.outcomes) == {"train@two", "tune"}
    assert "dvc checkout models/one" in report.skipped["train@one"]
    assert "dvc checkout models/one" in str(report)
    dvc(project, "checkout", "models/one")
    assert track(project).outcomes["train@one"] == "added"
    assert "one" in runs_of(store)


@pytest.mark.parametrize("path", ["reports/train/one/history.csv", "models/one/config.yaml"])
def test_an_output_that_is_not_what_dvc_tells_is_not_shown(project: Path, new_store: NewStore, path: str) -> None:
    new_store(project)
    text = (project / path).read_text()
    (project / path).unlink()  # DVC may have linked it to its cache
    (project / path).write_text(text.replace("3", "4"))
    report = track(project)
    assert "is not what dvc.lock tells" in report.skipped["train@one"]
    assert "train@one" not in report.outcomes


def test_without_its_evaluation_a_training_is_shown_and_completed_later(project: Path, new_store: NewStore) -> None:
    store = new_store(project)
    metrics = project / "reports/evaluate/one/metrics.json"
    text = metrics.read_text()
    metrics.write_text("{}")
    report = track(project)
    assert report.outcomes["train@one"] == "added"
    assert "reports/evaluate/one" in report.skipped["evaluate@one"]
    assert "test.accuracy" not in runs_of(store)["one"].data.metrics
    metrics.write_text(text)
    assert track(project).outcomes["train@one"] == "updated"
    assert runs_of(store)["one"].data.metrics["test.accuracy"] == 0.8


def test_results_of_data_that_is_no_longer_there_wait_for_their_stage(project: Path, new_store: NewStore) -> None:
    store = new_store(project)
    params = project / "params.yaml"
    params.write_text(
        params.read_text()
        .replace("dataset: drawn", "dataset: other")
        .replace("  drawn: {", "  other: {source: local}\n  drawn: {")
    )
    script = project / "stage.py"
    script.write_text(script.read_text().replace("a face", "another face"))
    dvc(project, "repro", "prepare")
    report = track(project)
    assert not report.outcomes
    assert "dvc repro train@one" in report.skipped["train@one"]
    dvc(project, "repro")
    assert track(project).outcomes == dict.fromkeys(sorted(STAGES), "added")
    assert len(runs_of(store, "other")) == 7
    assert not runs_of(store)


def test_runs_of_which_dvc_no_longer_tells_stay(project: Path, new_store: NewStore) -> None:
    store = new_store(project)
    track(project)
    before = rows(store)
    (project / "dvc.lock").write_text("schema: '2.0'\nstages: {}\n")
    report = track(project)
    assert not report.outcomes
    assert "dvc repro" in str(report)
    assert rows(store) == before


def test_code_edited_during_a_training_does_not_make_a_second_run(project: Path, new_store: NewStore) -> None:
    store = new_store(project)

    def train(fingerprint: str, epochs: int) -> None:
        with LiveRun(
            store.uri,
            project,
            experiment="drawn",
            name="one",
            fingerprint=fingerprint,
            params={},
            tags={"ferflow.stage": "train@one"},
        ) as live:
            for epoch in range(1, epochs + 1):
                live.log_epoch(epoch, {"loss": 1 / epoch, "val_accuracy": 0.5 + epoch / 10})

    train("1" * 64, 2)  # another training of this stage, some day before
    train("2" * 64, 3)
    assert track(project).outcomes["train@one"] == "completed"
    prints = {
        run.data.tags["ferflow.fingerprint"]
        for run in store.client.search_runs([store.experiment("drawn")], "tags.`ferflow.stage` = 'train@one'")
    }
    assert prints == {"1" * 64, read_lock(project).fingerprint("train@one")}


def test_before_the_first_run_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(TrackingError, match="dvc repro"):
        track(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_lock_with_merge_marks_is_refused(project: Path) -> None:
    text = (project / "dvc.lock").read_text()
    (project / "dvc.lock").write_text("<<<<<<< HEAD\n" + text + "=======\n" + text + ">>>>>>> other\n")
    with pytest.raises(TrackingError, match=r"dvc\.lock"):
        track(project)


def test_a_deleted_experiment_is_explained(project: Path, new_store: NewStore) -> None:
    store = new_store(project)
    number = store.experiment("drawn")
    store.client.delete_experiment(number)
    with pytest.raises(TrackingError, match=f"restore -x {number}"):
        track(project)


def test_a_run_made_twice_at_once_stays_one(project: Path, new_store: NewStore) -> None:
    store = new_store(project)
    experiment = store.experiment("drawn")
    first = store.create_run(experiment, "f", "one", {})
    assert store.create_run(experiment, "f", "one", {}).info.run_id == first.info.run_id
    assert len(runs_of(store)) == 1
