"""Transfer models in the training loop: first the head, then the upper part."""

import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from transfer_helpers import OPTIONS, small_base

import ferflow.models
from defaults import plain_train
from ferflow.base.arrays import Split
from ferflow.train import loop
from ferflow.train.loop import train_network
from ferflow.train.recipe import ResultSettings
from ferflow.train.trainer import Trainer


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An architecture with the small base, which is found like those in src/ferflow/models."""
    folder = tmp_path / "architectures"
    folder.mkdir()
    lines = [
        "from __future__ import annotations",
        "from typing import Any",
        "import keras",
        "from keras import layers",
        "from ferflow.train.transfer import TransferOptions as Options, freeze, transfer",
        inspect.getsource(small_base),
        "def build(options, side, classes):",
        "    return transfer('small_transfer', small_base, 'caffe', options, side, classes)",
    ]
    (folder / "small_transfer.py").write_text("\n".join(lines))
    monkeypatch.setattr(ferflow.models, "__path__", [*ferflow.models.__path__, str(folder)])
    yield "small_transfer"
    sys.modules.pop("ferflow.models.small_transfer", None)


def images(count: int, seed: int) -> Split:
    rng = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.int64) % 3
    index = pd.DataFrame({"id": [f"{i}.png" for i in range(count)], "subset": "Training"})
    return Split(rng.integers(0, 256, (count, 32, 32)).astype(np.uint8), labels, index, ("a", "b", "c"))


def settings(architecture: str, weights: str, **train: Any) -> ResultSettings:
    changes = {"epochs": 4, "batch_size": 8, "learning_rate": 0.01, "schedule": "constant"}
    return ResultSettings(
        result=architecture,
        teacher="none",
        model=architecture,
        architecture=architecture,
        seed=1,
        backend="tensorflow",
        versions={},
        network={**OPTIONS, "weights": weights, "unfreeze_from": "upper_conv"},
        train=plain_train(**changes, head_epochs=2, fine_tune_rate=0.1, **train),
    )


def test_first_the_head_then_the_upper_part_at_a_lower_rate(small: str, weights: str) -> None:
    trainer = Trainer(settings(small, weights), images(16, 0), images(8, 1), 1)
    base = trainer.model.get_layer("base")

    def state() -> dict[str, Any]:
        return {weight.path: np.array(weight) for weight in base.weights}

    start = state()
    rates = []
    for _ in range(2):
        rates.append(trainer.run_epoch()["learning_rate"])
        for name, value in state().items():
            np.testing.assert_array_equal(value, start[name], err_msg=f"{name} while only the head is trained")
    for _ in range(2):
        rates.append(trainer.run_epoch()["learning_rate"])
    assert rates == pytest.approx([0.01, 0.01, 0.001, 0.001])
    changed = {name for name, value in state().items() if not np.array_equal(value, start[name])}
    assert changed == {"upper_conv/kernel", "upper_conv/bias"}


def test_random_weights_have_no_first_phase(small: str) -> None:
    trainer = Trainer(settings(small, "none"), images(16, 0), images(8, 1), 1)
    base = trainer.model.get_layer("base")
    start = np.array(base.weights[0])
    assert trainer.run_epoch()["learning_rate"] == pytest.approx(0.01)
    assert not np.array_equal(np.array(base.weights[0]), start)


@pytest.mark.slow
def test_interruptions_between_and_within_the_phases_change_nothing(
    small: str, weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class HaltError(Exception):
        pass

    def halt_after(epoch: int) -> Callable[[dict[str, float]], None]:
        def on_epoch(row: dict[str, float]) -> None:
            if row["epoch"] == epoch:
                raise HaltError

        return on_epoch

    monkeypatch.setattr(loop, "training_key", lambda *_: "key")  # because it reads the code in the package
    model, train, validation = settings(small, weights, weight_average=0.5), images(16, 0), images(8, 1)
    whole = train_network(model, train, validation, 1)
    for stop in (2, 3):
        with pytest.raises(HaltError):
            train_network(model, train, validation, 1, tmp_path / "checkpoints", halt_after(stop))
    result = train_network(model, train, validation, 1, tmp_path / "checkpoints")
    pd.testing.assert_frame_equal(result.history, whole.history, check_exact=True)
    for ours, theirs in zip(result.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert result.trainable_parameters == whole.trainable_parameters
