"""A registered version brings its exported network to a Recognizer: `models:/NAME@ALIAS`."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ferflow.base.errors import ModelError, TrackingError
from ferflow.ui.tracking import Store
from ferflow.use.model_source import find_network
from ferflow.use.network import Network
from made_network import CLASSES, write_network


def test_the_network_is_the_one_of_the_version(
    new_store: Callable[..., Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(TrackingError, match=r"there is no mlflow\.db in the working directory"):
        find_network("models:/faces@champion")
    store = new_store(tmp_path)
    noise = np.random.default_rng(0).integers(0, 256, (7, 48, 48)).astype(np.uint8)
    exported = write_network(tmp_path / "export", noise)
    with store.session() as client:
        run = client.create_run(store.experiment("faces"))
        client.create_registered_model("faces")
        client.log_artifacts(run.info.run_id, str(exported), "first/export")
        client.log_text(run.info.run_id, "no network", "second/note.txt")
        for name in ("first", "second"):
            client.create_model_version("faces", f"{run.info.artifact_uri}/{name}", run.info.run_id)
        client.set_registered_model_alias("faces", "champion", "1")
    network = Network(find_network("models:/faces@champion"))
    assert network.card.classes == CLASSES
    assert network.probabilities(noise).argmax(1).tolist() == list(range(7))
    with pytest.raises(ModelError, match=r"models:/faces/2 carries no exported network.*ferflow export"):
        find_network("models:/faces/2")
    with pytest.raises(TrackingError, match="nobody"):
        find_network("models:/faces@nobody")
