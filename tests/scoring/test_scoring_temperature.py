"""Temperature scaling against brute force, and what it must leave alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax, softmax

from ferflow.base.metrics import log_loss
from ferflow.scoring.temperature import HIGH, LOW, calibrate, fit_temperature


def made(images: int, classes: int, seed: int, sharpness: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from the probabilities themselves, which are then made `sharpness` times as sharp."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (images, classes))
    cumulated = softmax(logits, axis=1).cumsum(axis=1)
    labels = (rng.random((images, 1)) > cumulated).sum(axis=1).clip(max=classes - 1)
    return labels, softmax(sharpness * logits, axis=1)


@given(st.integers(1, 60), st.integers(2, 8), st.floats(0.1, 10.0), st.integers(0, 2**32 - 1))
@settings(max_examples=80, deadline=None)
def test_it_is_the_softmax_of_divided_logits_and_keeps_the_order(
    images: int, classes: int, temperature: float, seed: int
) -> None:
    logits = np.random.default_rng(seed).normal(0, 1.5, (images, classes))
    probabilities = softmax(logits, axis=1)
    found = calibrate(probabilities, temperature)
    assert np.allclose(found, softmax(logits / temperature, axis=1), atol=1e-5)
    assert np.allclose(found.sum(axis=1), 1)
    assert np.array_equal(found.argmax(axis=1), probabilities.argmax(axis=1))


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 2.5])
def test_it_recovers_what_probabilities_were_sharpened_by(sharpness: float) -> None:
    labels, probabilities = made(6000, 5, 1, sharpness)
    temperature = fit_temperature(labels, probabilities)
    assert temperature == pytest.approx(sharpness, rel=0.06)
    assert log_loss(labels, calibrate(probabilities, temperature)) <= log_loss(labels, probabilities) + 1e-9


@given(st.integers(2, 80), st.integers(2, 6), st.floats(0.3, 4.0), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_no_other_temperature_has_a_lower_log_loss(images: int, classes: int, sharpness: float, seed: int) -> None:
    labels, probabilities = made(images, classes, seed, sharpness)
    temperature = fit_temperature(labels, probabilities)
    logits, rows = np.log(np.clip(probabilities, 1e-7, 1)), np.arange(images)

    def loss(value: float) -> float:
        return -log_softmax(logits / value, axis=1)[rows, labels].mean()

    assert LOW <= temperature <= HIGH
    assert loss(temperature) <= min(loss(value) for value in np.geomspace(LOW, HIGH, 400)) + 1e-6


def test_a_network_that_is_always_right_is_sharpened_to_the_limit() -> None:
    labels = np.arange(30) % 3
    assert fit_temperature(labels, 0.1 + 0.7 * np.eye(3)[labels]) == pytest.approx(LOW, rel=1e-3)
    assert fit_temperature(labels, np.full((30, 3), 1 / 3)) <= HIGH, "nothing to fit, and no failure"


def test_probabilities_of_zero_are_no_infinities() -> None:
    found = calibrate(np.array([[1.0, 0.0], [0.0, 1.0]]), 2.0)
    assert np.isfinite(found).all()
    assert 0 < found[0, 1] < 1e-3
