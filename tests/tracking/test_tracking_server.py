import json
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from mlflow_server import MlflowServer

from ferflow.base.errors import TrackingError
from ferflow.ui.tracking import LiveRun, connect, read_lock, sync
from ferflow.ui.tracking.mlflow_page import show

SETTINGS = {"dataset": "drawn", "budget": "smoke"}


@pytest.fixture
def silent_server() -> Iterator[str]:
    """Accepts connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_live_and_sync_with_a_server(project: Path, server: str) -> None:
    fingerprint = read_lock(project).fingerprint("train@one")
    options = {
        "experiment": "drawn",
        "name": "one",
        "fingerprint": fingerprint,
        "params": {"result": "one"},
        "tags": {},
    }
    LiveRun(server, project, **options).log_epoch(1, {"loss": 1.0, "val_accuracy": 0.6})
    assert sync(project, server, **SETTINGS).outcomes == {
        "train@one": "completed",
        "train@two": "added",
        "tune@one": "added",
    }
    assert not sync(project, server, **SETTINGS).changed
    store = connect(server, project)
    runs = {run.info.run_name: run for run in store.client.search_runs([store.experiment("drawn")])}
    assert len(runs) == 7
    one = runs["one"]
    assert one.data.metrics["PrivateTest/accuracy"] == 0.7
    assert [point.step for point in store.client.get_metric_history(one.info.run_id, "epochs/loss")] == [1, 2, 3]
    shown = store.client.download_artifacts(one.info.run_id, "training/learning_curves.png")
    assert Path(shown).read_bytes() == (project / "reports/train/one/learning_curves.png").read_bytes()
    assert len(one.inputs.dataset_inputs) == 3
    assert not (project / "mlflow.db").exists()
    assert not (project / "mlartifacts").exists()


def test_an_absent_server_is_named_soon_and_without_its_password(project: Path) -> None:
    with pytest.raises(TrackingError, match=r"127\.0\.0\.1:9") as caught:
        sync(project, "http://me:secret@127.0.0.1:9", **SETTINGS)
    assert "secret" not in str(caught.value)
    assert "MLFLOW_TRACKING_URI" in str(caught.value)


def test_a_silent_server_is_given_up(tmp_path: Path, silent_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(TrackingError, match="cannot be used"):
        connect(silent_server, tmp_path)


def test_a_database_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").mkdir()
    with pytest.raises(TrackingError, match=r"mlflow\.db"):
        connect("sqlite:///mlflow.db", tmp_path)
    shutil.rmtree(tmp_path / "mlflow.db")
    (tmp_path / "mlflow.db").write_text("this is no database" * 100)
    with pytest.raises(TrackingError, match="not a database"):
        connect("sqlite:///mlflow.db", tmp_path)


def test_the_address_of_the_runs_is_printed(server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = connect(server, tmp_path)
    experiment = store.experiment("shown")
    show(store, experiment, 5000, browser=False)
    address = capsys.readouterr().out.split()[-1]
    assert address.startswith(f"{server}/#/experiments/{experiment}/runs?")
    query = parse_qs(address.partition("?")[2])
    assert query == {
        "workflowType": ["machine_learning"],
        "compareRunsMode": ["CHART"],
        "viewStateShareKey": ["ferflow"],
    }
    view = json.loads(store.client.get_experiment(experiment).tags["mlflow.sharedViewState.ferflow"])
    assert (view["orderByKey"], view["orderByAsc"]) == ("metrics.`Best/validation_accuracy`", False)
    assert "params.`trained.parameters`" in view["selectedColumns"]


def test_a_server_that_is_killed_in_a_training_and_comes_back_misses_nothing(
    tmp_path: Path, empty_database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(empty_database, tmp_path / "server.db")
    server = MlflowServer(tmp_path)
    server.start()
    try:
        options = {"experiment": "drawn", "name": "one", "fingerprint": "f" * 64, "params": {}, "tags": {}}
        with LiveRun(server.address, tmp_path, **options, retry_after=0.0) as run:
            run.log_epoch(1, {"loss": 1.0})
            server.kill()
            begun = time.monotonic()
            run.log_epoch(2, {"loss": 0.5})
            assert time.monotonic() - begun < 30, "a training does not wait for MLflow"
            assert "ferflow track" in capsys.readouterr().err
            server.start()
            run.log_epoch(3, {"loss": 0.25})
        store = connect(server.address, tmp_path)
        (shown,) = store.client.search_runs([store.experiment("drawn")])
        points = store.client.get_metric_history(shown.info.run_id, "epochs/loss")
        assert [(point.step, point.value) for point in points] == [(1, 1.0), (2, 0.5), (3, 0.25)]
        assert shown.info.status == "FINISHED"
    finally:
        server.stop()
