"""sync registers the champion of a whole project."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from tracking_helpers import candidate_in, dvc, faces, registration_of, served, write_network

from ferflow.ui.tracking import Store, connect, publish_champion, read_lock, sync
from ferflow.ui.tracking.champions import champion_of
from ferflow.ui.tracking.registry import register

NewStore = Callable[..., Store]

REGISTER = """
  register:
    cmd: ./stage.py register
    deps: [models/one/model.keras]
    outs:
      - reports/register/registration.json: {cache: false}
      - reports/register/model_card.md: {cache: false}
"""
CODE = """
    elif stage == "register":
        import hashlib
        digest = hashlib.sha256(Path("models/one/model.keras").read_bytes()).hexdigest()
        content = {**json.loads(Path("registration.txt").read_text()), "model_sha256": digest}
        write("reports/register/registration.json", json.dumps(content))
        write("reports/register/model_card.md", "# The card of one")
"""


def with_champion(project: Path, network: Path, passed: bool = True) -> Path:
    """Give the project a real network and a register stage, and run them."""
    script = project / "stage.py"
    copying = 'import shutil\n        [shutil.copy(file, f"models/{name}") for file in Path("network").iterdir()]'
    text = script.read_text()
    text = text.replace("        rows = [f", f"        {copying}\n        rows = [f", 1)
    text = text.replace("\n\ndef write", CODE + "\n\ndef write", 1)
    script.write_text(text)
    shutil.copytree(network, project / "network")
    (project / "registration.txt").write_text(json.dumps(registration_of(network, model="one", passed=passed)))
    (project / "dvc.yaml").write_text((project / "dvc.yaml").read_text() + REGISTER)
    dvc(project, "repro")
    return project


def test_sync_gives_a_new_registry_its_champion(project: Path, new_store: NewStore, network: Path) -> None:
    with_champion(project, network)
    store = new_store(project)
    settings = {"dataset": "drawn", "budget": "smoke"}
    report = sync(project, store.uri, **settings)
    assert report.outcomes == dict.fromkeys(["train@one", "train@two", "tune@one", "register"], "added")
    version = store.client.get_model_version_by_alias("ferflow", "champion")
    assert version.description == "# The card of one"
    run = store.client.get_run(version.run_id)
    assert run.info.run_name == "one"
    assert version.tags["ferflow.fingerprint"] == read_lock(project).fingerprint("train@one")
    assert version.tags["ferflow.stage"] == "train@one"
    assert len(version.tags["mlflow.source.git.commit"]) == 40
    assert len(served().predict(faces())) == 5
    report = sync(project, store.uri, **settings)
    assert report.outcomes["register"] == "unchanged"
    assert not report.changed

    registration = json.loads((project / "reports/register/registration.json").read_text())
    published = publish_champion(project, store.uri, registration, "# The card of one", budget="smoke")
    assert published.outcome == "unchanged"
    decision = json.loads((project / "logs/register/decision.json").read_text())
    assert decision["promoted"] is True
    assert json.loads(version.tags["ferflow.decision"]) == decision

    store = new_store(project, "new.db")
    shutil.rmtree(project / "models" / "one")
    report = sync(project, store.uri, **settings)
    assert "dvc checkout" in report.skipped["register"]
    assert champion_of(store, "ferflow", "champion") is None


def test_what_fails_a_gate_is_a_challenger_and_no_champion(project: Path, new_store: NewStore, network: Path) -> None:
    with_champion(project, network, passed=False)
    store = new_store(project)
    report = sync(project, store.uri, dataset="drawn", budget="smoke")
    assert report.outcomes["register"] == "added"
    assert "version 1 of ferflow, is not promoted" in str(report)
    assert champion_of(store, "ferflow", "champion") is None
    assert str(store.client.get_model_version_by_alias("ferflow", "challenger").version) == "1"
    assert not sync(project, store.uri, dataset="drawn", budget="smoke").changed


def test_after_the_project_moved_its_champion_and_figures_are_found(
    project: Path, new_store: NewStore, network: Path, tmp_path: Path
) -> None:
    with_champion(project, network)
    new_store(project)
    settings = {"dataset": "drawn", "budget": "smoke"}
    sync(project, "sqlite:///mlflow.db", **settings)
    moved = tmp_path / "moved é"
    project.rename(moved)
    forget_places()
    report = sync(moved, "sqlite:///mlflow.db", **settings)
    assert report.moved
    assert "The project was moved" in str(report)
    assert not report.skipped
    assert set(report.outcomes.values()) == {"unchanged"}
    store = connect("sqlite:///mlflow.db", moved)
    set_uris(store.uri)
    assert len(served().predict(faces())) == 5
    run = store.client.search_runs([store.experiment("drawn")], "attributes.run_name = 'one'")[0]
    assert store.client.list_artifacts(run.info.run_id, "training")
    assert not sync(moved, "sqlite:///mlflow.db", **settings).moved


def test_a_champion_whose_files_are_lost_is_never_up_to_date(project: Path, new_store: NewStore, network: Path) -> None:
    with_champion(project, network)
    store = new_store(project)
    settings = {"dataset": "drawn", "budget": "smoke"}
    sync(project, store.uri, **settings)
    shutil.rmtree(project / "mlartifacts")
    report = sync(project, store.uri, **settings)  # the weights are still there, so it is registered again
    assert report.outcomes["register"] == "added"
    set_uris(store.uri)
    assert len(served().predict(faces())) == 5
    assert not sync(project, store.uri, **settings).changed

    shutil.rmtree(project / "mlartifacts")
    shutil.rmtree(project / "models" / "one")
    report = sync(project, store.uri, **settings)
    assert "register" not in report.outcomes
    assert "dvc checkout models/one" in report.skipped["register"]


def test_a_lost_champion_of_other_weights_is_named(project: Path, new_store: NewStore, network: Path) -> None:
    with_champion(project, network)
    store = new_store(project)
    settings = {"dataset": "drawn", "budget": "smoke"}
    other = write_network(project.parent / "other", seed=3)
    register(store, store.experiment("drawn"), None, candidate_in(other), None)
    shutil.rmtree(project / "mlartifacts")
    report = sync(project, store.uri, **settings)
    assert "version 1 cannot be loaded" in report.skipped["ferflow@champion"]
    report = sync(project, store.uri, **settings)
    assert "version 1 cannot be loaded" in str(report)


def forget_places() -> None:
    """MLflow keeps for the life of a process where a run's artifacts are; a project is not moved under a process."""
    from mlflow.tracking._tracking_service import utils

    utils._artifact_repos_cache.clear()


def set_uris(uri: str) -> None:
    import mlflow

    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
