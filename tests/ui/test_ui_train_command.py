"""`ferflow train`: one real training without DVC, and what it says where it cannot."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from defaults import ROOT
from ferflow.base.arrays import read_split, write_split
from ferflow.base.errors import ConfigError
from ferflow.base.files import read_json
from ferflow.base.network import load_model, predict
from ferflow.ui.cli import main
from ferflow.ui.train_command import changes_of
from train_helpers import separable

SMALL = (
    "--set", "network.filters=[8]", "--set", "network.convolutions=[1]", "--set", "network.dense=8",
    "--set", "train.batch_size=16", "--set", "train.learning_rate=0.02",
)  # fmt: skip


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "reports/teach/none", tmp_path / "reports/teach/none")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def prepared(project: Path) -> Path:
    for seed, (name, images) in enumerate({"train": 90, "validation": 30, "test": 30}.items()):
        write_split(project / "data/prepare", name, separable(images, seed))
    return project


def train(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["ferflow", "train", *arguments])
    try:
        main()
    except SystemExit as end:
        return int(str(end.code))
    return 0


def test_a_training_leaves_weights_history_and_settings(
    prepared: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(monkeypatch, "--model", "cnn", "--epochs", "3", "--seed", "5", *SMALL) == 0
    folder = prepared / "trained/cnn"
    assert {path.name for path in folder.iterdir()} == {
        "model.keras", "classes.json", "settings.yaml", "history.csv", "summary.json", "training.json",
    }  # fmt: skip
    settings = yaml.safe_load((folder / "settings.yaml").read_text())
    assert (settings["train"]["epochs"], settings["train"]["learning_rate"], settings["seed"]) == (3, 0.02, 5)
    assert settings["network"]["filters"] == [8]
    assert len(pd.read_csv(folder / "history.csv")) == read_json(folder / "summary.json")["epochs_run"] == 3
    validation = read_split(prepared / "data/prepare", "validation")
    answers = predict(load_model(folder / "model.keras"), np.array(validation.images)).argmax(axis=1)
    best = read_json(folder / "summary.json")["best"]["val_accuracy"]
    assert np.mean(answers == validation.labels) == pytest.approx(best, abs=1e-6)
    assert not list(prepared.glob("checkpoints/scripts/*/*"))
    assert not (prepared / "mlflow.db").exists()
    shown = capsys.readouterr().out
    assert f"validation accuracy {100 * best:.1f} % in epoch" in shown
    assert "models.cnn.train.learning_rate: 0.02" in shown
    assert 'ferflow run --models "cnn cnn_augmented"' in shown

    before = (folder / "model.keras").read_bytes()
    assert train(monkeypatch, "--model", "cnn", "--epochs", "3", "--seed", "5", *SMALL) == 1
    assert "trained/cnn holds a finished training. Choose another --out, or replace it: --force." in (
        capsys.readouterr().err
    )
    assert train(monkeypatch, "--model", "cnn", "--epochs", "3", "--seed", "5", *SMALL, "--force") == 0
    assert (folder / "model.keras").read_bytes() == before, "the same training gives the same bytes"


def test_without_data_the_way_to_it_is_said(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(monkeypatch, "--model", "cnn") == 1
    assert "data/prepare has no prepared images to train on." in (error := capsys.readouterr().err)
    assert "ferflow run --stage prepare" in error
    assert {path.name for path in project.iterdir()} == {"params.yaml", "reports"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--model", "cn"), "--model: 'cn' is unknown. Did you mean cnn?"),
        (("--model", "cnn", "--epochs", "0"), "train.epochs"),
        (("--model", "cnn", "--set", "train.learning_rat=1"), "learning_rat: unknown key. Did you mean learning_rate?"),
        (("--model", "cnn", "--set", "learning_rate=1"), "--set takes KEY=VALUE with a key of train or network"),
        (("--model", "cnn", "--set", "train.epochs"), "Received: 'train.epochs'"),
        (("--model", "cnn", "--set", "train.epochs=[1"), "--set train.epochs: the value is not valid YAML"),
        (("--model", "cnn", "--out", "models/cnn"), "--out: models belongs to the pipeline"),
        (("--model", "cnn", "--epochs", "1", "--set", "network.depth=2"), "network.depth: unknown key"),
    ],
)
def test_mistakes_end_with_a_message(
    prepared: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...],
    message: str,
) -> None:  # fmt: skip
    assert train(monkeypatch, *arguments) == 1
    assert message in capsys.readouterr().err
    assert not (prepared / "models").exists()
    assert not list(prepared.glob("trained/cnn/model.keras"))


def test_changes_are_read_as_yaml() -> None:
    found = changes_of(
        ["train.sides=[]", "train.augment.flip=none", "network.dropout=0.25", "train.max_minutes=null"], 7
    )
    assert found == {
        "train.sides": [], "train.augment.flip": "none", "network.dropout": 0.25, "train.max_minutes": None,
        "train.epochs": 7,
    }  # fmt: skip
    with pytest.raises(ConfigError, match="KEY=VALUE"):
        changes_of(["seed=3"], None)
