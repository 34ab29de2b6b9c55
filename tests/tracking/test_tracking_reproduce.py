"""From a registered version back to its code, params and data, and to the same weights."""

from collections.abc import Callable
from pathlib import Path

import pytest
from test_tracking_champion import with_champion
from tracking_helpers import dvc, run

from ferflow.base.errors import FerflowError, TrackingError
from ferflow.base.hashing import sha256
from ferflow.ui.tracking import Store, sync
from ferflow.ui.tracking.reproduce import command, read_origin, restore, train_again

NewStore = Callable[..., Store]
URI = "models:/ferflow/1"


def registered(project: Path, new_store: NewStore) -> Store:
    store = new_store(project)
    sync(project, store.uri, dataset="drawn", budget="smoke")
    return store


@pytest.fixture
def committed(project: Path, network: Path) -> Path:
    with_champion(project, network)
    run(project, "git", "add", "-A")
    run(project, "git", "commit", "-qm", "results")
    return project


def test_a_version_is_restored_trained_again_and_equal(committed: Path, new_store: NewStore, tmp_path: Path) -> None:
    params = committed / "params.yaml"
    params.write_text(params.read_text().replace("budget: smoke", "budget: large"))  # and never committed
    dvc(committed, "repro")
    run(committed, "git", "add", "dvc.lock")
    status = run(committed, "git", "status", "--porcelain", "--untracked-files=no")
    store = registered(committed, new_store)
    assert run(committed, "git", "status", "--porcelain", "--untracked-files=no") == status, "what is staged stays so"

    origin = read_origin(store, URI)
    assert (origin.model, origin.stage, origin.version) == ("one", "train@one", "1")
    assert read_origin(store, "models:/ferflow@champion") == origin
    folder = tmp_path / "restored"
    said = restore(store, committed, origin, folder)
    assert "uncommitted changes" in said[0]
    assert origin.fingerprint[:12] in said[1]
    assert "budget: large" in (folder / "params.yaml").read_text()
    assert (folder / "data/prepare/train_images.npy").is_file()
    assert not (folder / "models/one").exists()
    assert command(origin) == ["repro", "--force", "--single-item", "train@one"]
    assert train_again(origin, folder) == f"weights sha256 equal: {sha256(committed / 'models/one/model.keras')}"
    with pytest.raises(FerflowError, match=r"restored exists already.*--into"):
        restore(store, committed, origin, folder)

    weights = next((folder / "network").glob("*.keras"))
    weights.write_bytes(weights.read_bytes() + b" ")
    with pytest.raises(FerflowError, match="The weights differ"):
        train_again(origin, folder)


def test_changed_code_that_nobody_kept_is_found_out(committed: Path, new_store: NewStore, tmp_path: Path) -> None:
    script = committed / "stage.py"
    script.write_text(script.read_text() + "# changed, in no commit, and none of FERflow's own files\n")
    dvc(committed, "repro")
    store = registered(committed, new_store)
    with pytest.raises(FerflowError, match="is not the origin of version 1: train@one has the fingerprint"):
        restore(store, committed, read_origin(store, URI), tmp_path / "restored")


def test_what_is_missing_is_named(committed: Path, new_store: NewStore, tmp_path: Path) -> None:
    store = registered(committed, new_store)
    origin = read_origin(store, URI)
    other = tmp_path / "other"
    other.mkdir()
    run(other, "git", "init", "-q")
    with pytest.raises(FerflowError, match=f"does not have commit {origin.commit}.*git fetch"):
        restore(store, other, origin, tmp_path / "restored")
    for wrong in ("models:/ferflow", "ferflow/1", "models:/ferflow/latest"):
        with pytest.raises(TrackingError, match="models:/NAME/VERSION"):
            read_origin(store, wrong)
    with pytest.raises(TrackingError, match="cannot be used"):
        read_origin(store, "models:/ferflow/9")
    store.client.delete_model_version_tag("ferflow", "1", "mlflow.source.git.commit")
    with pytest.raises(TrackingError, match=r"does not record mlflow\.source\.git\.commit"):
        read_origin(store, URI)
