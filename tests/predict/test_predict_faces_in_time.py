"""Faces keep their number from frame to frame, and smoothed probabilities stay probabilities."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferflow.predict.faces_in_time import FaceTracker, Smoother
from ferflow.use.face import Box

boxes = st.builds(Box, *[st.floats(-50, 700)] * 2, *[st.floats(1, 300)] * 2)


def test_two_faces_that_pass_each_other_keep_their_numbers() -> None:
    tracker = FaceTracker()
    for step in range(30):
        one, two = Box(10 + 10 * step, 0, 100, 100), Box(300 - 10 * step, 120, 100, 100)
        shown = [one, two] if step % 2 else [two, one]
        numbers = dict(zip(shown, tracker.numbers(shown, step / 25), strict=True))
        assert numbers == ({one: 2, two: 1})


@pytest.mark.parametrize(("gap", "number"), [(0.9, 1), (1.1, 2)])
def test_a_face_is_remembered_for_a_second(gap: float, number: int) -> None:
    tracker = FaceTracker()
    box = Box(0, 0, 50, 50)
    assert tracker.numbers([box], 0.0) == [1]
    tracker.numbers([], 0.04)
    assert tracker.numbers([box], gap) == [number]


def test_frames_a_minute_apart_continue_a_face() -> None:
    tracker = FaceTracker()
    assert [tracker.numbers([Box(0, 0, 50, 50)], 60.0 * step) for step in range(3)] == [[1], [1], [1]]


def test_the_nearer_box_continues_the_face() -> None:
    tracker = FaceTracker()
    tracker.numbers([Box(0, 0, 100, 100)], 0.0)
    assert tracker.numbers([Box(30, 0, 100, 100), Box(5, 0, 100, 100)], 0.1) == [2, 1]


@given(frames=st.lists(st.lists(boxes, max_size=6), max_size=8))
@settings(deadline=None)
def test_numbers_are_unique_in_a_frame_and_new_ones_count_up(frames: list[list[Box]]) -> None:
    tracker, seen = FaceTracker(), 0
    for time, frame in enumerate(frames):
        numbers = tracker.numbers(frame, time * 0.04)
        assert len(set(numbers)) == len(frame)
        new = sorted(number for number in numbers if number > seen)
        assert new == list(range(seen + 1, seen + 1 + len(new)))
        seen += len(new)


@given(one=boxes, two=boxes)
@settings(deadline=None)
def test_overlap_is_symmetric_and_between_0_and_1(one: Box, two: Box) -> None:
    assert one.overlap(two) == pytest.approx(two.overlap(one))
    assert 0 <= one.overlap(two) <= 1 + 1e-9
    assert one.overlap(one) == pytest.approx(1)


@given(
    shares=st.lists(st.floats(0, 1), min_size=1, max_size=20),
    steps=st.lists(st.floats(0, 5), min_size=20, max_size=20),
    seconds=st.floats(0.05, 10),
)
@settings(deadline=None)
def test_smoothed_probabilities_sum_to_1_and_stay_between_those_seen(
    shares: list[float], steps: list[float], seconds: float
) -> None:
    smoother, time = Smoother(seconds), 0.0
    for count, (share, step) in enumerate(zip(shares, steps, strict=False), start=1):
        time += step
        found = smoother.smooth(1, time, {"happy": share, "sad": 1 - share})
        assert sum(found.values()) == pytest.approx(1)
        assert min(shares[:count]) - 1e-9 <= found["happy"] <= max(shares[:count]) + 1e-9


def test_the_past_fades_by_time_and_not_by_frames() -> None:
    slow, fast = Smoother(2.0), Smoother(2.0)
    for smoother in (slow, fast):
        smoother.smooth(1, 0.0, {"happy": 1.0, "sad": 0.0})
    for step in range(1, 100):
        fast.smooth(1, step / 50, {"happy": 0.0, "sad": 1.0})
    found = [smoother.smooth(1, 2.0, {"happy": 0.0, "sad": 1.0})["happy"] for smoother in (slow, fast)]
    assert found == pytest.approx([math.exp(-1)] * 2)


def test_faces_do_not_mix() -> None:
    smoother = Smoother(10.0)
    smoother.smooth(1, 0.0, {"happy": 1.0})
    assert smoother.smooth(2, 0.1, {"happy": 0.2}) == {"happy": 0.2}
