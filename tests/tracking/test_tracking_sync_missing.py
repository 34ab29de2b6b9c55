"""What sync reports about results that are missing, changed, or no longer in dvc.lock or dvc.yaml."""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from tracking_helpers import STAGES, dvc, rows, runs_of, track

from ferflow.base.errors import TrackingError
from ferflow.ui.tracking import LiveRun, LiveStudy, Store, read_lock

NewStore = Callable[..., Store]


def test_what_is_not_on_disk_is_named_and_shown_after_checkout(project: Path, new_store: NewStore) -> None:
    store = new_store(project)
    shutil.rmtree(project / "models" / "one")
    report = track(project)
    assert set(report.outcomes) == {"train@two", "tune@one"}
    assert "dvc checkout models/one" in report.skipped["train@one"]
    assert "dvc checkout models/one" in str(report)
    dvc(project, "checkout", "models/one")
    assert track(project).outcomes["train@one"] == "added"
    assert "one" in runs_of(store)


@pytest.mark.parametrize("path", ["reports/train/one/history.csv", "models/one/settings.yaml"])
def test_an_output_that_is_not_what_dvc_tells_is_not_shown(project: Path, new_store: NewStore, path: str) -> None:
    new_store(project)
    text = (project / path).read_text()
    (project / path).unlink()  # DVC may have linked it to its cache
    (project / path).write_text(text.replace("3", "4"))
    report = track(project)
    assert "differs from dvc.lock" in report.skipped["train@one"]
    assert "train@one" not in report.outcomes


def test_without_its_evaluation_a_training_is_shown_and_completed_later(project: Path, new_store: NewStore) -> None:
    store = new_store(project)
    metrics = project / "reports/evaluate/one/metrics.json"
    text = metrics.read_text()
    metrics.write_text("{}")
    report = track(project)
    assert report.outcomes["train@one"] == "added"
    assert "reports/evaluate/one" in report.skipped["evaluate@one"]
    assert "test/accuracy" not in runs_of(store)["one"].data.metrics
    metrics.write_text(text)
    assert track(project).outcomes["train@one"] == "updated"
    assert runs_of(store)["one"].data.metrics["test/accuracy"] == 0.8


def test_results_of_data_that_is_no_longer_there_wait_for_their_stage(project: Path, new_store: NewStore) -> None:
    store = new_store(project)
    params = project / "params.yaml"
    params.write_text(
        params.read_text()
        .replace("dataset: drawn", "dataset: other")
        .replace("  drawn: {", "  other: {source: {kind: local}, labels: {kind: folder}}\n  drawn: {")
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


def test_code_edited_during_a_search_does_not_make_second_runs(project: Path, new_store: NewStore) -> None:
    store = new_store(project)

    def search(fingerprint: str, curves: dict[int, list[float]]) -> None:
        live = LiveStudy(
            *(store.uri, project),
            experiment="drawn",
            model="one",
            metric="val_accuracy",
            fingerprint=fingerprint,
            tags={"ferflow.stage": "tune@one"},
        )
        with live as study:
            for number, curve in curves.items():
                study.started(number, {"train.learning_rate": 0.01})
                for epoch, value in enumerate(curve, start=1):
                    study.epoch(number, epoch, value)
                study.ended(number, "COMPLETE" if curve else "FAIL", None)

    curves = {0: [0.25, 0.5], 1: [0.5, 0.75], 2: [0.25], 3: []}
    search("1" * 64, curves | {1: [0.5, 0.625]})  # others of this stage, some day before
    search("2" * 64, {0: curves[0], 1: curves[1], 2: curves[2]})
    search("3" * 64, curves)
    assert track(project).outcomes["tune@one"] == "completed"
    fingerprint = read_lock(project).fingerprint("tune@one")
    found = store.client.search_runs([store.experiment("drawn")], "tags.`ferflow.stage` = 'tune@one'")
    prints = Counter(run.data.tags["ferflow.fingerprint"].partition("/")[0] for run in found)
    assert prints == {"1" * 64: 5, "2" * 64: 4, fingerprint: 5}
    assert track(project).outcomes["tune@one"] == "unchanged"


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
    experiment = store.experiment("drawn")
    store.client.delete_experiment(experiment)
    with pytest.raises(TrackingError, match=f"restore -x {experiment}"):
        track(project)


def test_a_run_made_twice_at_once_stays_one(project: Path, new_store: NewStore) -> None:
    store = new_store(project)
    experiment = store.experiment("drawn")
    first = store.create_run(experiment, "f", "one", {})
    assert store.create_run(experiment, "f", "one", {}).info.run_id == first.info.run_id
    assert len(runs_of(store)) == 1


def test_figures_of_a_study_are_added_once_they_are_there(project: Path, new_store: NewStore) -> None:
    store = new_store(project)
    shutil.rmtree(project / "reports/study")
    report = track(project)
    assert report.outcomes["tune@one"] == "added"
    assert "reports/study/one is missing" in report.skipped["study@one"]
    parent = runs_of(store)["tune one"].info.run_id
    assert not store.client.list_artifacts(parent, "study")
    dvc(project, "checkout", "reports/study/one")
    assert track(project).outcomes["tune@one"] == "updated"
    assert [item.path for item in store.client.list_artifacts(parent, "study")] == ["study/history.png"]
    assert len(runs_of(store)) == 7


def test_what_git_keeps_is_not_looked_for_in_the_cache_of_dvc(project: Path, new_store: NewStore) -> None:
    new_store(project)
    (project / "reports/train/one/history.csv").unlink()
    assert track(project).skipped["train@one"] == (
        "reports/train/one/history.csv is missing. Take it from git, or run: dvc repro train@one"
    )


def test_stages_that_dvc_yaml_no_longer_has_are_named_and_left(project: Path, new_store: NewStore) -> None:
    store = new_store(project)
    track(project)
    before = rows(store)
    dvc_yaml = (project / "dvc.yaml").read_text()
    (project / "dvc.yaml").write_text(dvc_yaml.replace("[one, two]", "[one]"))
    report = track(project)
    assert sorted(report.obsolete) == ["evaluate@two", "settings@two", "train@two"]
    assert set(report.outcomes) == {"train@one", "tune@one"}
    assert not report.changed
    assert not report.skipped
    assert "no longer part of the pipeline" in str(report)
    assert "dvc repro" not in str(report)
    assert rows(store) == before
    lock = read_lock(project)
    assert lock.leftovers == [
        "models/two",
        "reports/evaluate/two",
        "reports/train/two/history.csv",
        "reports/train/two/learning_curves.png",
        "reports/train/two/summary.json",
        "settings/two.yaml",
    ]
    shutil.rmtree(project / "models/two")
    assert "models/two" not in read_lock(project).leftovers


def test_what_a_present_stage_writes_is_never_left_over(project: Path) -> None:
    lock = project / "dvc.lock"
    content = yaml.safe_load(lock.read_text())
    outs = [{"path": path, "md5": "0" * 32} for path in ("models/one", "models", "reports/train/one/history.csv")]
    content["stages"]["earlier@one"] = {"cmd": "./stage.py earlier", "outs": outs}
    lock.write_text(yaml.safe_dump(content, sort_keys=False))
    assert read_lock(project).leftovers == []


def test_an_output_belongs_to_the_stage_that_dvc_yaml_has_now(project: Path, new_store: NewStore) -> None:
    """An entry of an earlier pipeline may come first in dvc.lock, and name the same outputs."""
    store = new_store(project)
    lock = project / "dvc.lock"
    content = yaml.safe_load(lock.read_text())
    old = {**content["stages"]["train@two"], "cmd": "./stage.py earlier"}
    content["stages"] = {"train_tuned@two": old, **content["stages"]}
    lock.write_text(yaml.safe_dump(content, sort_keys=False))
    report = track(project)
    assert report.obsolete == ["train_tuned@two"]
    assert report.outcomes == dict.fromkeys(sorted(STAGES), "added")
    assert runs_of(store)["two"].data.tags["ferflow.fingerprint"] == read_lock(project).fingerprint("train@two")


def test_an_invalid_output_is_named_and_the_others_are_shown(project: Path, new_store: NewStore) -> None:
    store = new_store(project)
    script = project / "stage.py"
    script.write_text(script.read_text().replace('models/{name}/settings.yaml"', 'models/{name}/config.yaml"'))
    dvc(project, "repro", "-s", "-f", "train@one")
    report = track(project)
    assert "settings.yaml cannot be read" in report.skipped["train@one"]
    assert "dvc repro -f train@one" in report.skipped["train@one"]
    assert "tune one" in runs_of(store)


def test_a_broken_dvc_yaml_is_named(project: Path, new_store: NewStore) -> None:
    new_store(project)
    (project / "dvc.yaml").write_text("stages: [")
    with pytest.raises(TrackingError, match=r"dvc\.yaml"):
        track(project)
