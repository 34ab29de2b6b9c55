"""sync registers the champion of a whole project."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from tracking_helpers import dvc, faces, served

from ferflow.ui.tracking import Store, publish_champion, read_lock, sync
from ferflow.ui.tracking.registry import has_alias

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
        content = {"promoted": PROMOTED, "name": "ferflow", "alias": "champion", "model": "one", "dataset": "drawn"}
        write("reports/register/registration.json", json.dumps({**content, "model_sha256": digest}))
        write("reports/register/model_card.md", "# The card of one")
"""


def with_champion(project: Path, network: Path, promoted: bool = True) -> Path:
    """Give the project a real network and a register stage, and run them."""
    script = project / "stage.py"
    copying = 'import shutil\n        [shutil.copy(file, f"models/{name}") for file in Path("network").iterdir()]'
    text = script.read_text()
    text = text.replace("        rows = [f", f"        {copying}\n        rows = [f", 1)
    text = text.replace("\n\ndef write", CODE.replace("PROMOTED", str(promoted)) + "\n\ndef write", 1)
    script.write_text(text)
    shutil.copytree(network, project / "network")
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
    assert publish_champion(project, store.uri, registration, "# The card of one", budget="smoke") == "unchanged"

    store = new_store(project, "new.db")
    shutil.rmtree(project / "models" / "one")
    report = sync(project, store.uri, **settings)
    assert "dvc checkout" in report.skipped["register"]
    assert not has_alias(store, "ferflow", "champion")


def test_sync_registers_nothing_that_was_not_promoted(project: Path, new_store: NewStore, network: Path) -> None:
    with_champion(project, network, promoted=False)
    store = new_store(project)
    assert "register" not in sync(project, store.uri, dataset="drawn", budget="smoke").outcomes
    assert not store.client.search_registered_models()
