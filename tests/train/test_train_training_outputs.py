"""What a training leaves on disk."""

import json
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ferflow.base.contracts import TrainSummary
from ferflow.base.files import read_json, write_yaml
from ferflow.base.hashing import sha256
from ferflow.base.network import load_model, predict
from ferflow.train.architectures import build_network
from ferflow.train.loop import TrainResult
from ferflow.train.recipe import ResultSettings, read_settings
from ferflow.train.training_outputs import save_model, write_outputs
from train_helpers import SMALL, noise, resolved


def result(model: keras.Model, epochs: int = 3) -> TrainResult:
    history = pd.DataFrame(
        {
            "epoch": range(1, epochs + 1),
            "loss": [1.1, 0.9, 0.800001],
            "accuracy": [0.3, 0.5, 0.6],
            "val_loss": [1.0, 0.8, 0.9],
            "val_accuracy": [0.4, 0.7, 0.6],
            "val_macro_f1": [0.3, 0.65, 0.6],
            "learning_rate": [0.001, 0.0005, 1e-10],
        }
    )
    return TrainResult(model, history, 2, "patience", 50, 100, 12345, 4.0, 120)


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(1)
    return build_network("cnn", SMALL, 16, 3)


def write(model: keras.Model, folder: Path, **train: Any) -> None:
    settings = resolved(**train)
    write_yaml(folder / "cnn.yaml", settings.model_dump(mode="json"))
    write_outputs(
        result(model),
        settings,
        folder / "cnn.yaml",
        noise(20),
        model=folder / "m",
        report=folder / "r",
        log=folder / "l.json",
    )


def test_the_reports(tmp_path: Path, model: keras.Model) -> None:
    write(model, tmp_path)
    assert (tmp_path / "r/history.csv").read_bytes() == (
        b"epoch,loss,accuracy,val_loss,val_accuracy,val_macro_f1,learning_rate\n"
        b"1,1.1,0.3,1.0,0.4,0.3,0.001\n"
        b"2,0.9,0.5,0.8,0.7,0.65,0.0005\n"
        b"3,0.800001,0.6,0.9,0.6,0.6,1e-10\n"
    )
    assert read_json(tmp_path / "r/summary.json") == {
        "model": "cnn",
        "architecture": "cnn",
        "parameters": model.count_params(),
        "trainable_parameters": 100,
        "macs": 12345,
        "images": 50,
        "epochs_run": 3,
        "best_epoch": 2,
        "best": {"val_accuracy": 0.7, "val_macro_f1": 0.65, "val_loss": 0.8},
        "stopped": "patience",
    }
    assert TrainSummary.model_validate(read_json(tmp_path / "r/summary.json")).best.val_loss == 0.8


def test_what_differs_from_run_to_run_is_kept_apart(tmp_path: Path, model: keras.Model) -> None:
    write(model, tmp_path)
    log = read_json(tmp_path / "l.json")
    assert (log["seconds"], log["images_per_second"]) == (4.0, 30.0)
    assert log["history_sha256"] == sha256(tmp_path / "r/history.csv")
    assert log["cores"] >= 1
    assert log["cpu"]
    assert log["backend"] == keras.backend.backend()
    assert log["versions"]["keras"] == keras.version()


def test_the_model_folder(tmp_path: Path, model: keras.Model) -> None:
    write(model, tmp_path)
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == ["classes.json", "model.keras", "settings.yaml"]
    assert read_json(tmp_path / "m/classes.json") == ["calm", "glad", "sad"]
    assert (tmp_path / "m/settings.yaml").read_bytes() == (tmp_path / "cnn.yaml").read_bytes()
    assert read_settings(tmp_path / "m/settings.yaml", ResultSettings, "settings@cnn") == resolved()


def test_the_loaded_network_predicts_the_same(tmp_path: Path, model: keras.Model) -> None:
    save_model(model, tmp_path / "model.keras")
    images = noise(9).images
    np.testing.assert_allclose(predict(load_model(tmp_path / "model.keras"), images), predict(model, images), atol=1e-6)


def test_the_same_weights_give_the_same_bytes(tmp_path: Path, model: keras.Model) -> None:
    """Keras numbers shared objects by their memory address, which differs between networks."""
    kept = []
    for name in ("one", "two"):
        keras.backend.clear_session()  # layers are named by count
        twin = build_network("cnn", SMALL, 16, 3)
        twin.set_weights(model.get_weights())
        save_model(twin, tmp_path / f"{name}.keras")
        kept.append(twin)
    assert (tmp_path / "one.keras").read_bytes() == (tmp_path / "two.keras").read_bytes()


def test_the_archive_has_no_date(tmp_path: Path, model: keras.Model) -> None:
    save_model(model, tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        assert archive.namelist() == sorted(archive.namelist())
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert "date_saved" not in json.loads(archive.read("metadata.json"))
        assert json.loads(archive.read("metadata.json"))["keras_version"] == keras.version()


def test_the_picture_shows_each_image_next_to_its_augmentation(tmp_path: Path, model: keras.Model) -> None:
    write(model, tmp_path, augment={"brightness": 0.2})
    picture = np.asarray(Image.open(tmp_path / "m/augmentation.png"))
    assert picture.shape == (8 * 16 * 3, (9 * 16 + 4) * 3)
    small = picture[1::3, 1::3]
    originals = noise(20).images[::2][:8]
    np.testing.assert_array_equal(small[:, :16], originals.reshape(-1, 16))
    assert (small[:, 16:20] == 255).all()
    for column in range(8):
        left = 20 + 16 * column
        assert not np.array_equal(small[:, left : left + 16], small[:, :16])
