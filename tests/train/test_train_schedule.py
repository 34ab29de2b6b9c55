"""The learning rate of each step."""

import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from defaults import plain_train
from ferflow.train.recipe import Train
from ferflow.train.schedule import rate_at_step

STEPS = 5


def rates(gains: list[bool] | None = None, **change: Any) -> list[float]:
    """The rate of every step of a training, of five steps an epoch."""
    settings = plain_train(**({"epochs": 10, "learning_rate": 0.1} | change))
    gains = gains or [True] * settings.epochs
    return [
        rate_at_step(settings, epoch, step, STEPS, gains[: epoch - 1])
        for epoch in range(1, settings.epochs + 1)
        for step in range(STEPS)
    ]


def test_constant() -> None:
    assert set(rates(schedule="constant")) == {0.1}


def test_cosine_falls_from_the_peak_to_zero() -> None:
    values = rates(schedule="cosine")
    assert values[0] == 0.1
    assert values[25] == pytest.approx(0.05)
    assert values[10] == pytest.approx(0.05 * (1 + math.cos(0.2 * math.pi)))
    assert 0 < values[-1] < 0.0002
    assert all(a > b for a, b in pairwise(values))


@pytest.mark.parametrize("schedule", ["constant", "cosine", "plateau"])
def test_warm_up_is_a_line_to_the_peak(schedule: str) -> None:
    values = rates(schedule=schedule, warmup_epochs=2)
    assert values[:10] == pytest.approx([0.01 * (step + 1) for step in range(10)])
    assert values[10] == pytest.approx(0.1)
    assert max(values) == pytest.approx(0.1)


def test_linear_is_a_triangle_with_a_warm_up_of_a_fraction_of_an_epoch() -> None:
    values = rates(schedule="linear", warmup_epochs=1.4)
    assert values[:7] == pytest.approx([0.1 * (step + 1) / 7 for step in range(7)])
    assert values[7:] == pytest.approx([0.1 * (1 - step / 43) for step in range(43)])


def test_cosine_begins_after_the_warm_up() -> None:
    values = rates(schedule="cosine", warmup_epochs=2)
    assert values[30] == pytest.approx(0.05), "half of the way from epoch 2 to epoch 10"
    assert 0 < values[-1] < 0.0002


@pytest.mark.parametrize("schedule", ["constant", "cosine", "plateau"])
def test_a_warm_up_as_long_as_the_training(schedule: str) -> None:
    assert rates(schedule=schedule, warmup_epochs=10)[-1] == pytest.approx(0.1)
    assert rates(schedule=schedule, warmup_epochs=20)[-1] == pytest.approx(0.05)


def test_one_cycle_goes_up_for_three_tenths_and_then_down() -> None:
    values = rates(schedule="one_cycle", warmup_epochs=3)
    assert values[0] == pytest.approx(0.1 / 25)
    for step in (5, 13):  # a cosine from 1/25 to the whole
        assert values[step] == pytest.approx(0.004 + 0.096 * (1 - math.cos(math.pi * step / 15)) / 2)
    assert values[15] == pytest.approx(0.1)
    assert values[-1] < 0.0003
    assert values[-1] > 0.1 / 10_000
    assert all(a < b for a, b in pairwise(values[:16]))
    assert all(a > b for a, b in pairwise(values[15:]))


def test_plateau_falls_after_each_run_of_epochs_without_gain() -> None:
    gains = [True, False, False, True, False, False, False, False, True, True]
    values = rates(gains, schedule="plateau", plateau_factor=0.5, plateau_patience=2)
    of_epochs = [values[epoch * STEPS] for epoch in range(10)]
    assert of_epochs == pytest.approx([0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025, 0.025, 0.0125, 0.0125])
    assert values == [value for value in of_epochs for _ in range(STEPS)]


def test_a_gain_restarts_the_count() -> None:
    assert set(rates([True, False] * 5, schedule="plateau", plateau_patience=2)) == {0.1}


@pytest.mark.parametrize("schedule", ["cosine", "linear", "one_cycle"])
def test_spent_time_replaces_epochs_where_it_is_ahead(schedule: str) -> None:
    settings = plain_train(epochs=10, learning_rate=0.1, schedule=schedule)
    assert rate_at_step(settings, 1, 0, STEPS, [], spent=0.7) == rate_at_step(settings, 8, 0, STEPS, [True] * 7)
    assert rate_at_step(settings, 8, 0, STEPS, [True] * 7, spent=0.2) == rate_at_step(settings, 8, 0, STEPS, [True] * 7)
    assert rate_at_step(settings, 1, 1, STEPS, [], spent=1.3) == pytest.approx(0, abs=0.1 / 9_999)


@settings(deadline=None, max_examples=200)
@given(
    st.builds(
        plain_train,
        epochs=st.integers(1, 60),
        learning_rate=st.floats(1e-6, 10),
        schedule=st.sampled_from(["constant", "cosine", "linear", "one_cycle", "plateau"]),
        warmup_epochs=st.floats(0, 70),
        plateau_factor=st.floats(0.01, 0.99),
        plateau_patience=st.integers(1, 5),
    ),
    st.data(),
)
def test_never_below_zero_nor_above_the_peak(settings: Train, data: st.DataObject) -> None:
    steps = data.draw(st.integers(1, 1000))
    epoch = data.draw(st.integers(1, settings.epochs))
    step = data.draw(st.integers(0, steps - 1))
    gains = data.draw(st.lists(st.booleans(), min_size=epoch - 1, max_size=epoch - 1))
    assert 0 < rate_at_step(settings, epoch, step, steps, gains) <= settings.learning_rate * (1 + 1e-12)
