import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tracking_helpers import STAGES, dvc, rows, runs_of, track

from ferflow.base.files import write_json
from ferflow.base.hashing import sha256
from ferflow.ui.tracking import LiveRun, Store, read_lock

NewStore = Callable[..., Store]


def test_everything_that_dvc_tells_of_appears(project: Path, new_store: NewStore) -> None:
    store = new_store(project)
    report = track(project)
    assert report.outcomes == dict.fromkeys(sorted(STAGES), "added")
    assert not report.skipped
    runs = runs_of(store)
    assert set(runs) == {"one", "two", "tune one", "trial 0", "trial 1", "trial 2", "trial 3"}

    one = runs["one"]
    assert one.info.status == "FINISHED"
    assert one.data.params == {
        "result": "one",
        "model": "one",
        "backend": "tensorflow",
        "network.dropout": "0.25",
        "train.epochs": "3",
        "trained.parameters": "123",
        "trained.best_epoch": "3",
        "trained.images": "70",
        "images.validation": "10",
        "images.test": "10",
        "images.PrivateTest": "10",
    }
    sections = {key.partition("/")[0] for key in one.data.metrics}
    assert min(sections) == min(sections, key=str.lower) == "Best", "the first section, however MLflow sorts"
    assert sections == {"Best", "best_epoch", "epochs", "PrivateTest", "test", "validation"}
    wanted = {"best_epoch/val_accuracy": 0.8, "epochs/loss": 0.333333}
    wanted |= {"validation/accuracy": 0.8, "test/accuracy": 0.8, "PrivateTest/accuracy": 0.7}
    wanted |= {"Best/validation_accuracy": 0.8, "Best/PrivateTest_accuracy": 0.7}
    assert wanted.items() <= one.data.metrics.items()
    assert not any("per_class" in key for key in one.data.metrics)
    history = store.client.get_metric_history(one.info.run_id, "epochs/val_accuracy")
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
    assert figures == {"training/learning_curves.png", "evaluation/confusion_test.png", "evaluation/index.html"}
    shown = store.client.download_artifacts(one.info.run_id, "evaluation/confusion_test.png")
    assert Path(shown).read_bytes() == (project / "reports/evaluate/one/confusion_test.png").read_bytes()

    inputs = {item.tags[0].value: item.dataset for item in one.inputs.dataset_inputs}
    assert set(inputs) == {"training", "validation", "test"}
    assert {item.name for item in inputs.values()} == {"drawn"}
    md5 = read_lock(project).outs("prepare")["data/prepare"]
    assert all(item.digest.startswith(md5[:24]) for item in inputs.values())
    assert json.loads(inputs["training"].profile) == {"num_rows": 70}
    source = json.loads(inputs["test"].source)
    assert source == {"dvc": "data/prepare", "md5": md5, "source": {"kind": "sample", "images": 70}}


def test_every_training_is_a_logged_model_of_its_run(project: Path, new_store: NewStore) -> None:
    # Both results end with the same weights, as a tuned one does if the first trial was the best.
    script = project / "stage.py"
    script.write_text(script.read_text().replace('f"weights of {name}"', '"the same weights"'))
    dvc(project, "repro")
    store = new_store(project)
    track(project)
    models = {model.name: model for model in store.client.search_logged_models([store.experiment("drawn")])}
    runs = runs_of(store)
    assert sorted(models) == ["one", "two"]
    for name, model in models.items():
        assert model.source_run_id == runs[name].info.run_id
        assert [output.model_id for output in runs[name].outputs.model_outputs] == [model.model_id]
        assert {metric.key: metric.value for metric in model.metrics}["Best/validation_accuracy"] == 0.8
    track(project)
    assert len(store.client.search_logged_models([store.experiment("drawn")])) == 2


def test_a_run_has_a_description_that_a_person_may_edit(project: Path, new_store: NewStore) -> None:
    store = new_store(project)
    track(project)
    one = runs_of(store)["one"]
    note = one.data.tags["mlflow.note.content"]
    assert note.startswith("**one**")
    store.client.set_tag(one.info.run_id, "mlflow.note.content", "my own words")
    (project / "judge.txt").write_text("mild")
    dvc(project, "repro", "evaluate@one")
    assert track(project).outcomes["train@one"] == "updated"
    assert runs_of(store)["one"].data.tags["mlflow.note.content"] == "my own words"


def test_a_run_shows_how_long_the_work_took(project: Path, new_store: NewStore) -> None:
    log = {"seconds": 123.4, "history_sha256": sha256(project / "reports/train/one/history.csv")}
    write_json(project / "logs/train/one.json", log)
    write_json(project / "logs/train/two.json", {**log, "history_sha256": "of another training"})
    runs = runs_of_tracked(project, new_store(project))
    assert runs["one"].info.end_time - runs["one"].info.start_time == 123400
    assert runs["two"].info.end_time == runs["two"].info.start_time, "not the time that writing the run took"


def runs_of_tracked(project: Path, store: Store) -> dict[str, Any]:
    track(project)
    return runs_of(store)


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
    assert parent.data.metrics == {"Best/best_val_accuracy": 0.75}
    assert parent.data.params["study.trials"] == "3"
    assert parent.data.params["model"] == "one"
    assert [item.path for item in store.client.list_artifacts(parent.info.run_id, "study")] == ["study/history.png"]
    trials = {name: run for name, run in runs.items() if name.startswith("trial ")}
    assert {run.data.tags["mlflow.parentRunId"] for run in trials.values()} == {parent.info.run_id}
    assert "mlflow.parentRunId" not in parent.data.tags
    assert trials["trial 1"].data.params == {"train.learning_rate": "0.01", "epochs": "2"}
    assert trials["trial 1"].data.metrics == {"Best/val_accuracy": 0.75, "epochs/val_accuracy": 0.75}
    curve = store.client.get_metric_history(trials["trial 1"].info.run_id, "epochs/val_accuracy")
    assert [(point.step, point.value) for point in curve] == [(1, 0.5), (2, 0.75)]
    assert trials["trial 2"].data.tags["ferflow.trial_state"] == "PRUNED"
    assert trials["trial 3"].info.status == "FAILED"
    assert trials["trial 3"].data.metrics == {}


def test_a_search_and_its_trials_have_the_time_that_they_took(project: Path, new_store: NewStore) -> None:
    store = new_store(project)
    digest = sha256(project / "reports/tune/one/trials.csv")
    log = {"seconds": 60.0, "trial_seconds": [10.0, 20.5, 4.5, 25.0], "trials_sha256": digest}
    (project / "logs/tune").mkdir(parents=True)
    (project / "logs/tune/one.json").write_text(json.dumps(log))
    track(project)
    runs = runs_of(store)

    def seconds(name: str) -> float:
        return (runs[name].info.end_time - runs[name].info.start_time) / 1000

    assert seconds("tune one") == 60.0
    assert [seconds(f"trial {number}") for number in range(4)] == [10.0, 20.5, 4.5, 25.0]
    assert runs["trial 1"].info.start_time == runs["trial 0"].info.end_time


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
    run_id = runs_of(store)["one"].info.run_id
    (project / "judge.txt").write_text("mild")
    dvc(project, "repro", "evaluate@one")
    report = track(project)
    assert report.outcomes == {"train@one": "updated", "train@two": "unchanged", "tune@one": "unchanged"}
    one = runs_of(store)["one"]
    assert one.info.run_id == run_id
    assert one.data.metrics["validation/accuracy"] == 0.9
    assert one.data.metrics["PrivateTest/accuracy"] == 0.7
    assert len(store.client.get_metric_history(run_id, "PrivateTest/accuracy")) == 1
    assert len(store.client.get_metric_history(run_id, "epochs/loss")) == 3


def test_a_live_run_gets_what_it_lacks(project: Path, new_store: NewStore) -> None:
    store = new_store(project)
    fingerprint = read_lock(project).fingerprint("train@one")
    live = LiveRun(
        store.uri,
        project,
        experiment="drawn",
        name="one",
        fingerprint=fingerprint,
        params={"result": "one"},
        tags={"ferflow.stage": "train@one", "mlflow.source.git.commit": "0" * 40},
    )
    live.log_epoch(1, {"loss": 1.0, "val_accuracy": 0.6})  # and then it was killed, the server too
    assert track(project).outcomes["train@one"] == "completed"
    one = runs_of(store)["one"]
    assert one.info.status == "FINISHED"
    history = store.client.get_metric_history(one.info.run_id, "epochs/loss")
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
        assert len(store.client.get_metric_history(runs[name].info.run_id, "epochs/loss")) == 3
        assert len(store.client.get_metric_history(runs[name].info.run_id, "test/accuracy")) == 1
        assert runs[name].info.status == "FINISHED"
