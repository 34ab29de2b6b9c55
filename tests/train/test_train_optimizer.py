"""Rates and decay by kind of variable, against the arithmetic of one step by hand."""

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from defaults import plain_train
from ferflow.train.optimizer import compile_network

X = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
Y = np.eye(3, dtype="float32")[np.arange(8) % 3]
ALIKE = {"kernel": 1.0, "bias": 1.0, "gamma": 1.0, "beta": 1.0}


def one_step(rate: float = 0.1, **train: Any) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Each variable, by name, before and after one step."""
    keras.utils.set_random_seed(0)
    parts = [layers.Dense(5, name="hidden"), layers.BatchNormalization(name="norm")]
    output = layers.Dense(3, activation="softmax", name="output")
    model = keras.Sequential([keras.Input((4,)), *parts, output], name="network")
    for number, variable in enumerate(model.trainable_variables):
        variable.assign(variable + 0.01 * (number + 1))  # so that decay changes biases too
    compile_network(model, plain_train(**train))
    model.optimizer.learning_rate = rate
    before = {v.path: np.array(v) for v in model.trainable_variables}
    model.train_on_batch(X, Y)
    return {v.path: (before[v.path], np.array(v)) for v in model.trainable_variables}


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_rates_scale_the_step_of_their_kind(optimizer: str) -> None:
    usual = one_step(optimizer=optimizer)
    changed = one_step(optimizer=optimizer, rates={"kernel": 1.0, "bias": 3.0, "gamma": 0.0, "beta": 0.5})
    for path, (before, after) in changed.items():
        factor = {"bias": 3.0, "gamma": 0.0, "beta": 0.5}.get(path.split("/")[-1], 1.0)
        np.testing.assert_allclose(after - before, factor * (usual[path][1] - usual[path][0]), rtol=1e-3, atol=1e-6)
    assert any(not np.array_equal(*pair) for pair in usual.values())


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_decays_scale_the_weight_decay_of_their_kind(optimizer: str) -> None:
    without = one_step(optimizer=optimizer)
    decays = {"kernel": 1.0, "bias": 0.5, "gamma": 0.0, "beta": 2.0}
    decayed = one_step(optimizer=optimizer, weight_decay=0.2, decays=decays, rates=ALIKE)
    for path, (before, after) in decayed.items():
        lost = 0.1 * 0.2 * decays.get(path.split("/")[-1], 1.0) * before
        np.testing.assert_allclose(without[path][1] - after, lost, rtol=1e-3, atol=1e-6)


def test_decay_follows_the_rate_of_its_kind() -> None:
    fast = {"kernel": 1.0, "bias": 10.0, "gamma": 1.0, "beta": 1.0}
    without = one_step(optimizer="sgd", rates=fast)
    decayed = one_step(optimizer="sgd", weight_decay=0.2, decays=ALIKE, rates=fast)
    for path, (before, after) in decayed.items():
        lost = 0.1 * 0.2 * fast.get(path.split("/")[-1], 1.0) * before
        np.testing.assert_allclose(without[path][1] - after, lost, rtol=1e-3, atol=1e-6)


def test_momentum_carries_a_step_on() -> None:
    still, moving = (one_step(optimizer="sgd", momentum=momentum) for momentum in (0.0, 0.85))
    for path, (before, after) in moving.items():  # Nesterov: the first step is 1 + momentum times as long
        np.testing.assert_allclose(after - before, 1.85 * (still[path][1] - still[path][0]), rtol=1e-3, atol=1e-6)
