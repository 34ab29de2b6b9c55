"""Images from values: any values within range, reproducible pixels, visible expressions."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferflow.base.emotions import EMOTIONS
from ferflow.faces import (
    ActionUnits,
    Identity,
    View,
    draw_face,
    random_face,
    random_identity,
    random_units,
    random_view,
)
from ferflow.faces.action_units import UNIT_NAMES

strengths = st.floats(0, 1)
any_units = st.builds(ActionUnits, **dict.fromkeys(UNIT_NAMES, strengths), skew=st.floats(-1, 1))


def person(seed: int) -> Identity:
    return random_identity(np.random.default_rng(seed))


def draw(units: ActionUnits, seed: int = 3) -> npt.NDArray[np.float64]:
    """A frontal image without noise."""
    return draw_face(person(seed), units, View(noise=0.0)).astype(float)


@settings(max_examples=60, deadline=None)
@given(units=any_units, seed=st.integers(0, 2**32 - 1))
def test_any_strengths_give_a_picture(units: ActionUnits, seed: int) -> None:
    rng = np.random.default_rng(seed)
    picture = draw_face(random_identity(rng), units, random_view(rng))
    assert picture.shape == (48, 48)
    assert picture.dtype == np.uint8
    assert picture.std() > 5


@settings(max_examples=40, deadline=None)
@given(
    yaw=st.floats(-1.5, 1.5),
    pitch=st.floats(-1.5, 1.5),
    roll=st.floats(-3.2, 3.2),
    scale=st.floats(2, 80),
    shift_x=st.floats(-60, 60),
    shift_y=st.floats(-60, 60),
)
def test_a_face_may_be_turned_and_partly_or_wholly_outside_the_picture(**pose: float) -> None:
    picture = draw_face(person(1), ActionUnits(au25=1, au26=1, au12=1), View(**pose))
    assert picture.shape == (48, 48)


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_the_same_generator_gives_the_same_picture(emotion: str) -> None:
    once, again = (random_face(np.random.default_rng(5), emotion) for _ in range(2))
    other = random_face(np.random.default_rng(6), emotion)
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)


@pytest.mark.parametrize("unit", UNIT_NAMES)
def test_every_unit_shows(unit: str) -> None:
    # au16 lowers a lip that is open already, and au24 presses lips that would part
    open_mouth = {"au25": 0.5} if unit in ("au16", "au24") else {}
    rest, full = draw(ActionUnits(**open_mouth)), draw(ActionUnits(**{**open_mouth, unit: 1.0}))
    assert np.abs(full - rest).max() > 12


@pytest.mark.parametrize(("unit", "rows"), [("au4", slice(0, 24)), ("au5", slice(12, 28)), ("au26", slice(24, 48))])
def test_a_unit_moves_its_own_part_of_the_face(unit: str, rows: slice) -> None:
    change = np.abs(draw(ActionUnits(**{unit: 1.0})) - draw(ActionUnits()))
    assert change[rows].sum() > 0.75 * change.sum()


def test_a_skewed_smile_moves_one_side() -> None:
    rest = draw(ActionUnits())
    for skew, side in ((-1.0, slice(0, 24)), (1.0, slice(24, 48))):
        change = np.abs(draw(ActionUnits(au12=1.0, skew=skew)) - rest)
        assert change[:, side].sum() > 0.75 * change.sum()


def test_light_from_one_side_brightens_that_side() -> None:
    bald = next(seed for seed in range(200) if person(seed).style == "bald" and person(seed).glasses == 0)
    left, right = (
        draw_face(person(bald), ActionUnits(), View(light_x=x, light_y=0.0, light_z=0.6, noise=0.0)).astype(float)
        for x in (-0.8, 0.8)
    )
    cheek_left, cheek_right = (slice(24, 34), slice(12, 18)), (slice(24, 34), slice(30, 36))
    assert left[cheek_left].mean() > left[cheek_right].mean() + 20
    assert right[cheek_right].mean() > right[cheek_left].mean() + 20


@pytest.mark.parametrize("wrong", [{"au1": 1.5}, {"au26": -0.1}, {"skew": -1.2}, {"au4": float("nan")}])
def test_impossible_strengths_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be between"):
        ActionUnits(**wrong)


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_emotions_use_their_own_units(emotion: str) -> None:
    telling = {
        "angry": "au4", "contempt": "au14", "disgust": "au9", "fear": "au20",
        "happy": "au12", "neutral": None, "sad": "au15", "surprise": "au2",
    }  # fmt: skip

    def mean(name: str, shown: str) -> float:
        rng = np.random.default_rng(0)
        return float(np.mean([getattr(random_units(rng, shown), name) for _ in range(200)]))

    if telling[emotion] is None:
        rng = np.random.default_rng(0)
        drawn = [random_units(rng, emotion) for _ in range(100)]
        assert max(np.mean([getattr(units, name) for units in drawn]) for name in UNIT_NAMES) < 0.15
    else:
        name = str(telling[emotion])
        assert mean(name, emotion) > 2 * mean(name, "neutral") + 0.2
        assert all(mean(name, other) < mean(name, emotion) for other in EMOTIONS if other != emotion)


def test_classes_differ_on_average() -> None:
    """The mean face of a class differs more from another class's than from its own, drawn with another seed."""

    def mean_face(emotion: str, seed: int) -> npt.NDArray[np.float64]:
        rng = np.random.default_rng(seed)
        return np.mean([draw(random_units(rng, emotion), k) for k in range(20)], axis=0)

    def distance(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
        return float(np.sqrt(np.mean((one - other) ** 2)))

    once, again = ({emotion: mean_face(emotion, seed) for emotion in EMOTIONS} for seed in (1, 2))
    for one, other in itertools.combinations(EMOTIONS, 2):
        chance = max(distance(once[name], again[name]) for name in (one, other))
        assert distance(once[one], once[other]) > 1.1 * chance, (one, other)
