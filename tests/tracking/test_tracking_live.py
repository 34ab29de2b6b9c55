import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ferflow.ui.tracking import LiveRun, Store, live_run, open_live_run, read_lock

URI = "sqlite:///mlflow.db"
PARAMS = {
    "name": "cnn",
    "network": {"dropout": 0.25, "weights": None},
    "train": {"augment": {"flip": "random"}, "epochs": 3},
}
NewStore = Callable[..., Store]


def live(root: Path, fingerprint: str | None = "f" * 64, uri: str = URI, **options: Any) -> LiveRun:
    return LiveRun(
        uri,
        root,
        experiment="drawn",
        name="cnn",
        fingerprint=fingerprint,
        params=PARAMS,
        tags={"ferflow.stage": "train@cnn"},
        **options,
    )


def only_run(store: Store) -> Any:
    runs = store.client.search_runs([store.experiment("drawn")])
    assert len(runs) == 1, [run.data.tags for run in runs]
    return runs[0]


def steps(store: Store, run: Any, key: str) -> list[tuple[int, float]]:
    return [(point.step, point.value) for point in store.client.get_metric_history(run.info.run_id, key)]


def test_a_long_training_shows_processor_and_memory(
    tmp_path: Path, new_store: NewStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.2")
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING", "1")
    monkeypatch.setattr(live_run, "LONG", 0.0)
    store = new_store(tmp_path)
    with live(tmp_path) as run:
        run.log_epoch(1, {"loss": 1.0})
        ends = time.monotonic() + 60
        while "system/cpu_utilization_percentage" not in (shown := only_run(store).data.metrics):
            assert time.monotonic() < ends, shown
            time.sleep(0.2)
    assert only_run(store).info.status == "FINISHED"
    assert "system/system_memory_usage_megabytes" in only_run(store).data.metrics
    assert not [thread for thread in threading.enumerate() if "SystemMetrics" in thread.name]


def test_every_epoch_shows_as_it_ends(tmp_path: Path, new_store: NewStore) -> None:
    store = new_store(tmp_path)
    with live(tmp_path) as run:
        for epoch in (1, 2):
            run.log_epoch(epoch, {"loss": 1 / epoch, "val_accuracy": 0.5})
            assert steps(store, only_run(store), "epochs/loss") == [(1, 1.0), (2, 0.5)][:epoch]
        assert only_run(store).info.status == "RUNNING"
    shown = only_run(store)
    assert shown.info.status == "FINISHED"
    assert shown.info.run_name == "cnn"
    assert shown.data.params == {
        "name": "cnn",
        "network.dropout": "0.25",
        "network.weights": "null",
        "train.augment.flip": "random",
        "train.epochs": "3",
    }
    assert shown.data.tags["ferflow.fingerprint"] == "f" * 64
    assert shown.info.artifact_uri.startswith((tmp_path / "mlartifacts" / "drawn").as_uri())


def test_a_finished_training_is_never_logged_twice(tmp_path: Path, new_store: NewStore) -> None:
    store = new_store(tmp_path)
    for _ in range(2):
        with live(tmp_path) as run:
            run.log_epoch(1, {"loss": 0.5})
    assert steps(store, only_run(store), "epochs/loss") == [(1, 0.5)]


def test_another_fingerprint_is_another_run(tmp_path: Path, new_store: NewStore) -> None:
    store = new_store(tmp_path)
    for fingerprint in ("1" * 64, "2" * 64):
        live(tmp_path, fingerprint).finish()
    assert len(store.client.search_runs([store.experiment("drawn")])) == 2


def test_a_killed_training_is_continued_and_no_epoch_doubled(tmp_path: Path, new_store: NewStore) -> None:
    store = new_store(tmp_path)
    code = f"""
import os, signal, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from test_tracking_live import live
run = live(Path({str(tmp_path)!r}))
run.log_epoch(1, {{"loss": 1.0}})
run.log_epoch(2, {{"loss": 0.5}})
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    assert only_run(store).info.status == "RUNNING"
    with live(tmp_path) as run:  # resumes after epoch 1
        run.log_epoch(2, {"loss": 0.5})
        run.log_epoch(3, {"loss": 0.25})
    shown = only_run(store)
    assert steps(store, shown, "epochs/loss") == [(1, 1.0), (2, 0.5), (3, 0.25)]
    assert shown.info.status == "FINISHED"


@pytest.mark.parametrize(("error", "status"), [(ValueError, "FAILED"), (KeyboardInterrupt, "KILLED")])
def test_a_training_that_breaks_off_is_marked_and_continued(
    tmp_path: Path, new_store: NewStore, error: type[BaseException], status: str
) -> None:
    store = new_store(tmp_path)

    def train() -> None:
        with live(tmp_path) as run:
            run.log_epoch(1, {"loss": 1.0})
            raise error

    with pytest.raises(error):
        train()
    assert only_run(store).info.status == status
    with live(tmp_path) as run:
        assert only_run(store).info.status == "RUNNING"
        run.log_epoch(2, {"loss": 0.5})
    assert steps(store, only_run(store), "epochs/loss") == [(1, 1.0), (2, 0.5)]
    assert only_run(store).info.status == "FINISHED"


@pytest.fixture
def broken_server() -> Iterator[tuple[str, list[int]]]:
    """Its address, and a list that grows with each connection; it hangs up at once."""
    calls: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            while True:
                try:
                    listener.accept()[0].close()
                except OSError:
                    return
                calls.append(1)

        thread = threading.Thread(target=hang_up)
        thread.start()
        yield f"http://user:secret@127.0.0.1:{listener.getsockname()[1]}", calls
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_a_broken_server_costs_one_warning_and_few_tries(
    tmp_path: Path, broken_server: tuple[str, list[int]], capsys: pytest.CaptureFixture[str]
) -> None:
    uri, calls = broken_server
    with live(tmp_path, uri=uri, retry_after=3600.0) as run:
        for epoch in range(1, 50):
            run.log_epoch(epoch, {"loss": 1.0})
    assert 2 <= len(calls) <= 6  # at the start and at the end, each with its retries
    said = capsys.readouterr().err
    assert said.count("warning:") == 1
    assert "127.0.0.1" in said
    assert "ferflow track" in said
    assert "secret" not in said


def test_what_was_missed_is_written_once_the_store_answers(
    tmp_path: Path, new_store: NewStore, capsys: pytest.CaptureFixture[str]
) -> None:
    store = new_store(tmp_path)
    (tmp_path / "mlflow.db").rename(tmp_path / "away.db")
    (tmp_path / "mlflow.db").mkdir()  # no database can be opened or made there
    with live(tmp_path, retry_after=0.0) as run:
        run.log_epoch(1, {"loss": 1.0})
        assert "warning:" in capsys.readouterr().err
        (tmp_path / "mlflow.db").rmdir()
        (tmp_path / "away.db").rename(tmp_path / "mlflow.db")
        run.log_epoch(2, {"loss": 0.5})
        assert steps(store, only_run(store), "epochs/loss") == [(1, 1.0), (2, 0.5)]
    assert only_run(store).info.status == "FINISHED"


def open_stage(project: Path, stage: str, uri: str = URI) -> LiveRun:
    params = {"train": {"learning_rate": 0.002}, "network": {}}
    return open_live_run(project, uri, stage=stage, dataset="drawn", model="one", budget="smoke", params=params)


def test_a_stage_that_dvc_does_not_know_warns_and_trains(
    project: Path, new_store: NewStore, capsys: pytest.CaptureFixture[str]
) -> None:
    store = new_store(project)
    with open_stage(project, "train@three") as run:
        run.log_epoch(1, {"loss": 1.0})
    assert "train@three" in capsys.readouterr().err
    assert not store.client.search_runs([store.experiment("drawn")])


def test_the_run_carries_where_it_comes_from(project: Path, new_store: NewStore) -> None:
    store = new_store(project)
    open_stage(project, "train@one", store.uri).finish()
    run = only_run(store)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=project, capture_output=True, text=True, check=True)
    assert run.data.tags["mlflow.source.git.commit"] == commit.stdout.strip()
    assert run.data.tags["ferflow.git_dirty"] == "false"
    assert run.data.tags["ferflow.stage"] == "train@one"
    assert run.data.tags["ferflow.dataset"] == "drawn"
    assert run.data.tags["ferflow.budget"] == "smoke"
    assert run.data.tags["ferflow.fingerprint"] == read_lock(project).fingerprint("train@one")
    assert run.data.params == {"train.learning_rate": "0.002", "network": "{}"}
    assert run.info.run_name == "one"


def test_a_changed_tree_is_called_dirty_and_outputs_do_not_count(project: Path) -> None:
    from ferflow.ui.tracking.run_content import git_tags

    (project / "dvc.lock").write_text((project / "dvc.lock").read_text() + "\n")
    (project / "reports" / "new.json").write_text("{}")
    assert git_tags(project)["ferflow.git_dirty"] == "false"
    (project / "new_model.py").write_text("")
    assert git_tags(project)["ferflow.git_dirty"] == "true"
    assert git_tags(project.parent) == {}
