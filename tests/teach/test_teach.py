"""Soft targets: from networks that have not seen the image, or from one that has; the same after an interruption."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ferflow.base.arrays import Split, write_split
from ferflow.base.errors import DataError
from ferflow.base.network import predict
from ferflow.teach import targets
from ferflow.teach.targets import teach
from ferflow.train.checkpoint import FINISHED, keep_finished
from ferflow.train.folds import assign_folds
from ferflow.train.loop import train_network
from ferflow.train.recipe import ResultSettings
from ferflow.train.soft_targets import read_soft_targets, write_soft_targets
from train_helpers import CLASSES, SMALL, noise, resolved, separable

STILL = SMALL | {"dropout": 0.0}


def run(
    root: Path, train: Split, settings: ResultSettings, folds: int = 3, finished: Path | None = None
) -> tuple[pd.DataFrame, dict[str, float]]:
    write_split(root / "data", "train", train)
    write_split(root / "data", "validation", separable(24, seed=1))
    folders = {"data": root / "data", "report": root / "report", "checkpoints": root / "checkpoints"}
    teach(settings, folds, **folders, finished=finished)
    return pd.read_csv(root / "report/targets.csv"), json.loads((root / "report/summary.json").read_text())


def test_what_can_be_learnt_is_predicted(tmp_path: Path) -> None:
    train = separable(180)
    table, summary = run(tmp_path, train, resolved(STILL, epochs=6, learning_rate=0.02))
    assert list(table.columns) == ["id", "label", *CLASSES]
    assert (table["id"] == train.index["id"]).all()
    assert (table["label"] == np.array(CLASSES)[train.labels]).all()
    np.testing.assert_allclose(table[list(CLASSES)].sum(axis=1), 1, atol=1e-4)
    right = (table[list(CLASSES)].to_numpy().argmax(axis=1) == train.labels).mean()
    assert right > 0.9
    assert summary["accuracy"] == pytest.approx(right)
    assert (summary["folds"], summary["images"]) == (3, 180)
    assert not (tmp_path / "checkpoints").exists()


def test_memorized_labels_do_not_help(tmp_path: Path) -> None:
    """Labels of pure noise can be memorized, and so would be right in predictions for images trained on."""
    _, summary = run(tmp_path, noise(120), resolved(STILL, epochs=12, learning_rate=0.02))
    assert summary["accuracy"] < 0.5


def test_one_fold_is_the_network_of_stage_train(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its training is taken over where stage train has kept it, and is the same where it is done again."""
    settings = resolved(epochs=3)
    train, validation = separable(60), separable(24, seed=1)
    trained = train_network(settings, train, validation, settings.seed, tmp_path / "train")
    keep_finished(tmp_path / "train")
    finished = tmp_path / "train" / FINISHED
    run(tmp_path, train, settings, folds=2, finished=finished)
    assert finished.exists(), "folds cannot use it, but a tuned result may"
    capsys.readouterr()
    table, summary = run(tmp_path, train, settings, folds=1, finished=finished)
    assert "all 3 epochs are trained already" in capsys.readouterr().out
    assert not finished.exists()
    np.testing.assert_allclose(table[list(CLASSES)], predict(trained.model, train.images), atol=1e-5)
    assert (summary["folds"], summary["images"]) == (1, 60)
    again = run(tmp_path, train, settings, folds=1, finished=finished)
    pd.testing.assert_frame_equal(again[0], table)


def test_interrupted_between_and_within_folds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = resolved(epochs=2)
    whole = run(tmp_path / "whole", separable(60), settings)
    seen: list[float] = []

    def interrupt(row: dict[str, float]) -> None:
        seen.append(row["epoch"])
        if len(seen) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(targets, "_print_epoch", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "again", separable(60), settings)
    again = run(tmp_path / "again", separable(60), settings)
    # Two epochs of fold 1, one of fold 2; that one is shown again, then the other of fold 2 and both of fold 3.
    assert seen == [1, 2, 1, 1, 2, 1, 2]
    pd.testing.assert_frame_equal(again[0], whole[0])
    assert again[1] == whole[1]


def test_targets_of_other_images_are_refused(tmp_path: Path) -> None:
    split = noise(6)
    soft = np.full((6, 3), 1 / 3, np.float32)
    write_soft_targets(tmp_path / "targets.csv", split, soft)
    np.testing.assert_allclose(read_soft_targets(tmp_path / "targets.csv", split, "cnn"), soft, atol=1e-5)
    with pytest.raises(DataError, match=r"6 images of 3 classes, where 5 of 3 are expected\. .* teach@cnn"):
        read_soft_targets(tmp_path / "targets.csv", split.take(np.arange(5)), "cnn")
    with pytest.raises(DataError, match="other images or classes"):
        read_soft_targets(tmp_path / "targets.csv", split.take(np.arange(6)[::-1].copy()), "cnn")
    (tmp_path / "empty.csv").write_text("id,label\n")
    assert read_soft_targets(tmp_path / "empty.csv", split, "none") is None
    with pytest.raises(DataError, match="dvc repro teach@cnn"):
        read_soft_targets(tmp_path / "none.csv", split, "cnn")


def test_folds_keep_copies_together_and_classes_in_proportion() -> None:
    rng = np.random.default_rng(0)
    labels = np.sort(rng.integers(0, 3, 200))
    groups = np.arange(200) // 4 * 4  # copies in fours, some across classes
    numbers = assign_folds(labels, groups, 5, seed=1)
    assert set(numbers) == {1, 2, 3, 4, 5}
    assert all(len(set(numbers[groups == group])) == 1 for group in groups)
    for fold in range(1, 6):
        np.testing.assert_allclose(np.bincount(labels[numbers == fold]), np.bincount(labels) / 5, atol=4)
    with pytest.raises(DataError, match="5 folds, and 3 groups"):
        assign_folds(np.repeat([0, 1], [12, 3]), np.arange(15), 5, seed=1)
