"""A registered version carries the export folder of its own weights."""

from collections.abc import Callable
from pathlib import Path

import mlflow
import pytest
from tracking_helpers import candidate_in

from ferflow.base.files import write_json
from ferflow.base.hashing import sha256
from ferflow.ui.tracking import Store
from ferflow.ui.tracking.exported_files import attach_export
from ferflow.ui.tracking.registry import register


@pytest.fixture
def store(tmp_path: Path, new_store: Callable[..., Store]) -> Store:
    return new_store(tmp_path)


def folder_of(path: Path, fingerprint: str, content: str = "a network") -> Path:
    path.mkdir(exist_ok=True)
    (path / "model.onnx").write_text(content)
    write_json(path / "card.json", {"fingerprint": fingerprint, "files": {"model.onnx": content}})
    return path


def artifacts(store: Store, name: str) -> dict[str, str]:
    with store.session():
        mlflow.set_tracking_uri(store.uri)
        mlflow.set_registry_uri(store.uri)
        root = Path(mlflow.artifacts.download_artifacts(artifact_uri=f"models:/{name}@champion"))
    return {path.name: path.read_text() for path in (root / "export").glob("*")}


def test_the_champions_address_gives_the_folder(store: Store, network: Path, tmp_path: Path) -> None:
    candidate = candidate_in(network)
    version = register(store, store.experiment("drawn"), None, candidate, None).decision.version
    weights = sha256(network / "model.keras")
    folder = folder_of(tmp_path / "export", weights)
    assert attach_export(store, candidate.name, version, folder, weights)
    assert artifacts(store, candidate.name) == {
        "model.onnx": "a network",
        "card.json": (folder / "card.json").read_text(),
    }
    folder_of(folder, weights, "the same weights, exported otherwise")
    assert attach_export(store, candidate.name, version, folder, weights)
    assert artifacts(store, candidate.name)["model.onnx"] == "the same weights, exported otherwise"


def test_a_folder_of_other_weights_is_left_out(store: Store, network: Path, tmp_path: Path) -> None:
    candidate = candidate_in(network)
    version = register(store, store.experiment("drawn"), None, candidate, None).decision.version
    folder = folder_of(tmp_path / "export", "0" * 64)
    weights = sha256(network / "model.keras")
    assert not attach_export(store, candidate.name, version, folder, weights)
    assert not attach_export(store, candidate.name, version, tmp_path / "nowhere", weights)
    assert artifacts(store, candidate.name) == {}
