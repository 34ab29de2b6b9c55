"""Training: it learns, keeps the best epoch, stops when it should, and resumes as if it had not been interrupted."""

import itertools
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest

from defaults import network
from ferflow.base.arrays import Split
from ferflow.base.errors import ConfigError, ModelError
from ferflow.base.files import write_yaml
from ferflow.base.hashing import sha256
from ferflow.base.metrics import accuracy, log_loss, macro_f1
from ferflow.base.network import predict
from ferflow.train import checkpoint
from ferflow.train import trainer as trainer_module
from ferflow.train.checkpoint import (
    FINISHED,
    Checkpoint,
    State,
    forget_checkpoints,
    forget_finished,
    keep_finished,
    training_key,
)
from ferflow.train.loop import HISTORY, TrainResult, train_network
from ferflow.train.recipe import ResultSettings
from ferflow.train.trainer import Trainer
from ferflow.train.training_outputs import write_outputs
from train_helpers import SMALL, make_split, noise, patterned, resolved, separable

Row = dict[str, float]


class HaltError(Exception):
    """Raised by a callback to interrupt a training."""


def halt_after(epoch: int) -> Any:
    def on_epoch(row: Row) -> None:
        if row["epoch"] == epoch:
            raise HaltError

    return on_epoch


def outputs(result: TrainResult, settings: ResultSettings, train: Split, folder: Path) -> dict[str, str]:
    """Write a result and return the digests of all that DVC tracks."""
    write_yaml(folder.with_suffix(".yaml"), settings.model_dump(mode="json"))
    write_outputs(
        result,
        settings,
        folder.with_suffix(".yaml"),
        train,
        model=folder / "model",
        report=folder / "report",
        log=folder / "log.json",
    )
    return {
        str(p.relative_to(folder)): sha256(p) for p in sorted(folder.rglob("*")) if p.is_file() and p.suffix != ".json"
    } | {name: sha256(folder / name) for name in ("model/classes.json", "report/summary.json")}


def test_it_learns_and_returns_the_best_epoch() -> None:
    train, validation = separable(240), separable(60, seed=1)
    shown: list[Row] = []
    result = train_network(resolved(epochs=6, learning_rate=0.02), train, validation, 1, on_epoch=shown.append)
    history = result.history
    assert history["val_accuracy"].max() > 0.95
    assert history["loss"].iloc[-1] < history["loss"].iloc[0]
    assert history["accuracy"].iloc[-1] > 0.8
    assert list(history.columns) == HISTORY
    assert history["epoch"].tolist() == [1, 2, 3, 4, 5, 6]
    assert [row["val_accuracy"] for row in shown] == history["val_accuracy"].tolist()
    assert (result.stopped, result.images) == ("epochs", 240)
    assert result.best_epoch == history["val_accuracy"].argmax() + 1
    probabilities = predict(result.model, validation.images)
    assert accuracy(validation.labels, probabilities.argmax(axis=1)) == pytest.approx(
        result.best["val_accuracy"], abs=1e-6
    )
    assert log_loss(validation.labels, probabilities) == pytest.approx(result.best["val_loss"], abs=1e-5)
    assert macro_f1(validation.labels, probabilities.argmax(axis=1), 3) == pytest.approx(
        result.best["val_macro_f1"], abs=1e-6
    )
    assert result.seconds > 0
    assert result.trainable_parameters < result.model.count_params(), "moving means are not trained"
    assert not result.model.compiled


def test_patience_ends_it_and_the_weights_are_those_of_the_best_epoch() -> None:
    """A network can only memorize noise: the validation loss soon grows."""
    train, validation = noise(64), noise(32, seed=1)
    settings = resolved(SMALL | {"dropout": 0.0}, epochs=40, patience=2, monitor="val_loss", learning_rate=0.03)
    result = train_network(settings, train, validation, 1)
    losses = result.history["val_loss"]
    assert result.stopped == "patience"
    assert result.best_epoch == losses.argmin() + 1 == len(losses) - 2
    assert losses.iloc[-1] > losses.min()
    assert log_loss(validation.labels, predict(result.model, validation.images)) == pytest.approx(
        losses.min(), abs=1e-5
    )


def test_the_clock_ends_it_within_an_epoch_which_is_validated() -> None:
    result = train_network(resolved(epochs=9, max_minutes=1e-6, monitor="val_macro_f1"), noise(64), noise(16), 1)
    assert (result.stopped, len(result.history)) == ("max_minutes", 1)
    assert result.seen == 16, "one step of four"
    assert result.best["val_loss"] == pytest.approx(
        log_loss(noise(16).labels, predict(result.model, noise(16).images)), abs=1e-5
    )


def test_cosine_ends_when_the_time_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rate before the last step is near zero, although most epochs were never reached."""
    ticks = itertools.count()
    # The trainer's clock alone: with another clock, a server of this process would sleep for hours.
    monkeypatch.setattr(trainer_module, "time", SimpleNamespace(monotonic=lambda: 0.01 * next(ticks)))
    settings = resolved(epochs=10_000, max_minutes=1 / 20, schedule="cosine", patience=10_000)
    result = train_network(settings, noise(320), noise(16), 1)
    assert result.stopped == "max_minutes"
    assert len(result.history) < 1000
    assert 3 <= result.seconds < 20
    assert result.history["learning_rate"].iloc[-1] < 0.2 * settings.train.learning_rate
    assert (result.seen - 1) // 320 + 1 == len(result.history)


@pytest.mark.parametrize("images", [32, 16])
def test_a_loss_that_is_not_finite_is_an_error(images: int) -> None:
    """With 16 images, the only step of the epoch has a finite loss, but leaves weights that are not finite."""
    with pytest.raises(ModelError, match=r"no longer finite in epoch 1\. Lower .* Received: .*rate 1e\+30"):
        train_network(resolved(learning_rate=1e30, optimizer="sgd"), noise(images), noise(16), 1)


def test_an_unknown_option_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"models\.cnn\.network\.layers: unknown key"):
        train_network(resolved(SMALL | {"layers": 3}), noise(32), noise(16), 1)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_trains_a_network_of_full_precision(precision: str) -> None:
    settings = resolved(epochs=4, precision=precision, weight_average=0.9, clip_norm=1.0)
    result = train_network(settings, separable(96), separable(24, seed=1), 1)
    assert result.best["val_accuracy"] > 0.9
    assert {layer.dtype_policy.name for layer in result.model.layers} == {"float32"}
    assert {str(weight.dtype) for weight in result.model.weights} == {"float32"}
    assert keras.config.dtype_policy().name == "float32", "the next training is not affected"


def test_the_moving_average_is_validated_and_kept() -> None:
    train, validation = separable(16), separable(24, seed=1)
    trainer = Trainer(resolved(SMALL | {"dropout": 0.0}, weight_average=0.75), train, validation, 1)
    after = []
    for _ in range(2):  # of one step each
        trainer.run_epoch()
        after.append([np.array(v) for v in trainer.model.trainable_variables])
    with trainer._averaged_weights(epoch=2):
        averaged = {v.path: np.array(v) for v in trainer.model.weights}
    for variable, first, second in zip(trainer.model.trainable_variables, *after, strict=True):
        np.testing.assert_allclose(averaged[variable.path], 0.75 * first + 0.25 * second, rtol=1e-4, atol=1e-6)
        assert not np.array_equal(averaged[variable.path], second) or np.array_equal(first, second)
    np.testing.assert_array_equal(np.array(trainer.model.trainable_variables[0]), after[1][0])
    trainer.model.set_weights(list(averaged.values()))
    assert log_loss(validation.labels, predict(trainer.model, validation.images)) == pytest.approx(
        trainer.history[1]["val_loss"], abs=1e-5
    )


EVERYTHING: dict[str, Any] = {
    "epochs": 4,
    "precision": "mixed_bfloat16",
    "weight_average": 0.9,
    "schedule": "plateau",
    "plateau_patience": 1,
    "optimizer": "adamw",
    "weight_decay": 1e-4,
    "rates": {"bias": 2.0},
    "clip_norm": 1.0,
    "imbalance": "class_weights",
    "loss": "focal",
    "label_smoothing": 0.1,
    "mixup": 0.2,
    "cutmix": 0.5,
    "augment": {"flip": "random", "rotation": 10, "brightness": 0.1, "erasing": 0.5},
}


FLASH: dict[str, Any] = {
    "epochs": 4,
    "batch_size": 16,
    "optimizer": "sgd",
    "momentum": 0.85,
    "learning_rate": 0.1,
    "weight_decay": 1e-3,
    "schedule": "linear",
    "warmup_epochs": 0.6,
    "weight_average": 0.9,
    "norm_batches": 2,
    "rates": {"beta": 4.0},
    "sides": [{"share": 0.25, "side": 12, "by": "resize"}, {"share": 0.5, "side": 14, "by": "crop"}],
    "augment": {"flip": "alternate", "shift": 0.1},
    "keep": "last",
}
TINY_FLASH = network("ferflow_flash", filters=[8, 8])


def test_a_recipe_of_crops_and_averages_learns() -> None:
    train, validation = patterned(240), patterned(60, seed=1)
    recipe = FLASH | {"epochs": 12, "learning_rate": 0.3}
    result = train_network(resolved(TINY_FLASH, "ferflow_flash", **recipe), train, validation, 1)
    assert result.best["val_accuracy"] > 0.9
    assert result.best_epoch == 12, "keep: last"
    assert result.model.input_shape == (None, 16, 16, 1), "the result is for images of the data's side"
    probabilities = predict(result.model, validation.images)
    assert log_loss(validation.labels, probabilities) == pytest.approx(result.best["val_loss"], abs=1e-5)


def test_a_network_of_one_side_refuses_sides() -> None:
    with pytest.raises(
        ConfigError, match=r"models\.cnn\.train\.sides: .* one side only\. .* ferflow_flash, ferflow_net"
    ):
        train_network(resolved(sides=FLASH["sides"]), noise(32), noise(16), 1)


def test_a_teacher_changes_the_training_and_its_checkpoint() -> None:
    train, validation = separable(120), separable(30, seed=1)
    soft = np.eye(3, dtype=np.float32)[(train.labels + 1) % 3]  # a teacher that is always wrong
    settings = resolved(SMALL | {"dropout": 0.0}, epochs=6, learning_rate=0.02, soft_targets=1.0)
    taught = train_network(settings, train, validation, 1, soft=soft)
    assert accuracy((validation.labels + 1) % 3, predict(taught.model, validation.images).argmax(axis=1)) > 0.9
    keys = [training_key(settings, train, validation, 1, given) for given in (None, soft, soft[:, ::-1])]
    assert len(set(keys)) == 3


@pytest.mark.parametrize(
    ("network", "recipe"),
    [
        pytest.param(SMALL, {"architecture": "cnn"} | EVERYTHING, id="cnn"),
        pytest.param(TINY_FLASH, {"architecture": "ferflow_flash"} | FLASH, id="flash"),
    ],
)
@pytest.mark.slow
def test_interrupted_and_resumed_ends_in_the_same_bytes(
    tmp_path: Path, network: dict[str, Any], recipe: dict[str, Any]
) -> None:
    model, train, validation = resolved(network, **recipe), noise(50), noise(20, seed=1)
    whole = outputs(train_network(model, train, validation, 1), model, train, tmp_path / "whole")
    checkpoints = tmp_path / "checkpoints"
    for stop in (1, 3):
        with pytest.raises(HaltError):
            train_network(model, train, validation, 1, checkpoints, halt_after(stop))
    shown: list[Row] = []
    result = train_network(model, train, validation, 1, checkpoints, shown.append)
    assert [row["epoch"] for row in shown] == list(range(1, model.train.epochs + 1)), "earlier epochs as well"
    assert outputs(result, model, train, tmp_path / "resumed") == whole
    assert "model/augmentation.png" in whole
    forget_checkpoints(checkpoints)
    assert not checkpoints.exists()


def test_a_finished_training_is_taken_over_by_a_result_of_the_same_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train, validation = noise(50), noise(20, seed=1)
    plain = resolved(epochs=2)
    first = train_network(plain, train, validation, 1, tmp_path / "plain")
    keep_finished(tmp_path / "plain")
    kept = tmp_path / "plain" / FINISHED

    tuned = plain.model_copy(update={"result": "cnn_tuned"})
    shown: list[Row] = []
    taken = train_network(tuned, train, validation, 1, tmp_path / "tuned", shown.append, finished=[kept])
    assert "cnn_tuned: all 2 epochs are trained already" in capsys.readouterr().out
    assert not (tmp_path / "tuned/state.npz").exists(), "no epoch was trained"
    assert [row["epoch"] for row in shown] == [1, 2]
    assert taken.seconds == first.seconds, "which is what it took"
    expected = outputs(first, plain, train, tmp_path / "first")
    assert outputs(taken, plain, train, tmp_path / "taken") == expected

    other = resolved(epochs=2, learning_rate=0.02)
    train_network(other, train, validation, 1, tmp_path / "other", finished=[kept])
    assert "already" not in capsys.readouterr().out
    forget_finished(kept)
    assert not kept.parent.exists()


def test_the_state_of_another_training_is_not_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Checkpoint(tmp_path, "another").save(State(1, [], [], [{"epoch": 1.0}], 0.0, 4))
    result = train_network(resolved(epochs=1), noise(32), noise(16), 2, tmp_path)
    assert "resuming" not in capsys.readouterr().out
    assert len(result.history) == 1
    replaced = Checkpoint(tmp_path, training_key(resolved(epochs=1), noise(32), noise(16), 2)).load()
    assert replaced is not None, "by the state of this training"


def test_a_broken_state_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "state.npz").write_bytes(b"PK\x03\x04 half a file")
    with pytest.raises(ModelError, match="Delete it to train from the start"):
        train_network(resolved(epochs=1), noise(32), noise(16), 1, tmp_path)


class TestKey:
    """What makes a checkpoint belong to another training."""

    @staticmethod
    def key(**change: Any) -> str:
        parts: dict[str, Any] = {"settings": resolved(), "train": noise(8), "validation": noise(4), "seed": 1} | change
        return training_key(parts["settings"], parts["train"], parts["validation"], parts["seed"])

    @staticmethod
    def changed(pixel: int = 0, label: int = 0, votes: Any = None) -> Split:
        images, labels = noise(8).images.copy(), noise(8).labels.copy()
        images[3, 4, 5] ^= pixel
        labels[2] = (labels[2] + label) % 3
        return make_split(images, labels, votes)

    def test_the_same_is_the_same(self) -> None:
        assert self.key() == self.key(train=self.changed())
        names = {"result": "cnn_tuned", "model": "cnn_wide"}
        assert self.key() == self.key(settings=resolved().model_copy(update=names)), "names decide nothing"

    def test_any_difference_counts(self) -> None:
        votes = np.full((8, 3), 1 / 3, np.float32)
        keys = [
            self.key(),
            self.key(seed=2),
            self.key(settings=resolved(epochs=9)),
            self.key(settings=resolved(SMALL | {"dense": 4})),
            self.key(settings=resolved(architecture="alexnet")),
            self.key(train=self.changed(pixel=1)),
            self.key(train=self.changed(label=1)),
            self.key(train=self.changed(votes=votes)),
            self.key(train=self.changed(votes=votes * np.array([0.9, 1, 1.1], np.float32))),
            self.key(validation=noise(5)),
            self.key(validation=noise(4, seed=1)),
        ]
        assert len(set(keys)) == len(keys)

    @pytest.mark.parametrize(
        ("source", "counts"),
        [
            ("train/loop.py", True),
            ("train/augment.py", True),
            ("train/blocks.py", True),
            ("train/recipe/settings.py", True),
            ("base/metrics.py", True),
            ("models/cnn.py", True),
            ("models/vgg16.py", False),
            ("reporting/text.py", False),
        ],
    )
    def test_code_counts_except_that_of_other_networks(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, counts: bool
    ) -> None:
        for package in ("base", "train", "models", "reporting"):
            shutil.copytree(checkpoint._SOURCES / "ferflow" / package, tmp_path / "ferflow" / package)
        before = self.key()
        monkeypatch.setattr(checkpoint, "_SOURCES", tmp_path)
        assert self.key() == before
        with (tmp_path / "ferflow" / source).open("a") as handle:
            handle.write("# changed\n")
        assert (self.key() != before) == counts
