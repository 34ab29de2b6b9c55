"""The crop: exact geometry, averages instead of samples, and a template learnt from crops."""

import cmath
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferflow.use.card_file import CropTemplate
from ferflow.use.crop import Placement, cut, learn_template, place, placements, places
from ferflow.use.face import Box, Face, Rgb
from made_network import drawn_faces

TEMPLATE = CropTemplate.default()
angles = st.floats(-170, 170)
sides = st.floats(10, 2000)
offsets = st.floats(-500, 3000)


@given(x=offsets, y=offsets, side=sides, angle=angles)
@settings(deadline=None)
def test_landmarks_that_are_the_template_moved_give_exactly_that_crop(
    x: float, y: float, side: float, angle: float
) -> None:
    truth = Placement(complex(x, y), cmath.rect(side, np.deg2rad(angle)))
    face = Face(Box(0, 0, 1, 1), 1.0, truth.points(places(TEMPLATE)))
    found = place(face, TEMPLATE)
    assert np.abs(found.corners - truth.corners).max() < 1e-3 * (side + abs(x) + abs(y) + 1)


@given(x=offsets, y=offsets, side=sides)
@settings(deadline=None)
def test_the_box_alone_gives_the_same_crop_as_upright_landmarks(x: float, y: float, side: float) -> None:
    height = side * TEMPLATE.box_height
    centre = (x + TEMPLATE.box_centre[0] * side, y + TEMPLATE.box_centre[1] * side)
    box = Box(centre[0] - height / 3, centre[1] - height / 2, height / 1.5, height)
    found = place(Face(box, 1.0), TEMPLATE)
    assert found.origin == pytest.approx(complex(x, y), abs=1e-6 * (abs(x) + abs(y) + side))
    assert found.axis == pytest.approx(side)


@given(noise=st.lists(st.floats(-4, 4), min_size=10, max_size=10), angle=st.floats(-60, 60))
@settings(deadline=None)
def test_no_other_similarity_is_nearer_to_the_template(noise: list[float], angle: float) -> None:
    truth = Placement(300 + 200j, cmath.rect(150, np.deg2rad(angle)))
    landmarks = truth.points(places(TEMPLATE)) + np.array(noise, np.float32).reshape(5, 2)
    found = place(Face(Box(0, 0, 1, 1), 1.0, landmarks), TEMPLATE)

    def error(placement: Placement) -> float:
        points = landmarks[:, 0] + 1j * landmarks[:, 1]
        inside = (points - placement.origin) / placement.axis
        target = places(TEMPLATE)[:, 0] + 1j * places(TEMPLATE)[:, 1]
        return float((abs(inside - target) ** 2).sum())

    best = error(found)
    for turn in (cmath.rect(1, 0.02), cmath.rect(1, -0.02), 1.02, 0.98):
        centre = found.origin + (0.5 + 0.5j) * found.axis
        axis = found.axis * turn
        assert error(Placement(centre - (0.5 + 0.5j) * axis, axis)) >= best
    for step in (1, -1, 1j, -1j):
        assert error(Placement(found.origin + step, found.axis)) >= best


def test_without_rotation_a_tilted_face_stays_tilted() -> None:
    template = TEMPLATE.model_copy(update={"rotate": False})
    tilted = Placement(100 + 100j, cmath.rect(80, 0.3))
    found = place(Face(Box(0, 0, 1, 1), 1.0, tilted.points(places(template))), template)
    assert found.axis.imag == 0
    assert found.axis.real == pytest.approx(80, rel=0.1)


@pytest.mark.parametrize("rotate", [True, False])
def test_landmarks_on_one_point_fall_back_to_the_box(rotate: bool) -> None:
    template = TEMPLATE.model_copy(update={"rotate": rotate})
    face = Face(Box(50, 60, 70, 102), 1.0, np.full((5, 2), 80, np.float32))
    assert place(face, template) == place(Face(face.box, 1.0), template)
    assert place(face, template).axis == pytest.approx(100)


@given(x=offsets, y=offsets, side=sides, angle=angles, factor=st.floats(0.5, 2))
@settings(deadline=None)
def test_a_zoomed_crop_keeps_its_centre_and_angle(x: float, y: float, side: float, angle: float, factor: float) -> None:
    crop = Placement(complex(x, y), cmath.rect(side, np.deg2rad(angle)))
    zoomed = crop.zoomed(factor)
    assert zoomed.axis == pytest.approx(factor * crop.axis)
    np.testing.assert_allclose(zoomed.points([[0.5, 0.5]]), crop.points([[0.5, 0.5]]), rtol=1e-5, atol=0.01)


def test_a_face_is_cut_by_its_landmarks_smaller_and_larger_and_by_its_box() -> None:
    truth = Placement(300 + 200j, cmath.rect(150, 0.3))
    face = Face(Box(290, 180, 130, 180), 1.0, truth.points(places(TEMPLATE)))
    smaller, larger, square = placements(face, TEMPLATE, (480, 640))
    assert abs(smaller.axis) == pytest.approx(0.93 * 150, rel=1e-4)
    assert abs(larger.axis) == pytest.approx(1.07 * 150, rel=1e-4)
    assert square == place(Face(face.box, 1.0), TEMPLATE)
    assert square.axis.imag == 0


@pytest.mark.parametrize("landmarks", [None, np.array([[0, 0], [9e5, 0], [4e5, 2e5], [1e5, 5e5], [8e5, 5e5]])])
def test_without_landmarks_or_with_absurd_ones_the_box_gives_all_crops(landmarks: np.ndarray | None) -> None:
    face = Face(Box(290, 180, 130, 180), 1.0, landmarks)
    smaller, larger, square = placements(face, TEMPLATE, (480, 640))
    assert square.axis == pytest.approx(180 / TEMPLATE.box_height)
    assert (smaller, larger) == (square.zoomed(0.93), square.zoomed(1.07))


def test_a_crop_at_its_own_size_is_the_picture_itself() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (60, 80)).astype(np.uint8)
    np.testing.assert_array_equal(cut(picture, Placement(7 + 5j, 48 + 0j), 48), picture[5:53, 7:55])


@given(factor=st.integers(2, 9))
@settings(max_examples=8, deadline=None)
def test_a_large_face_is_averaged_not_sampled(factor: int) -> None:
    board = (np.indices((48 * factor, 48 * factor)).sum(0) % 2 * 255).astype(np.uint8)
    crop = cut(board, Placement(0j, complex(48 * factor)), 48)
    # Single samples of a chessboard would be 0 and 255; a mean over an odd number of fields differs from the middle.
    assert np.abs(crop.astype(int) - 127.5).max() <= 127.5 / factor**2 + 1.5


def test_a_quarter_turn_is_the_turned_picture() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (48, 48)).astype(np.uint8)
    crop = cut(picture, Placement(48 + 0j, 48j), 48)  # the crop's upper edge runs down the picture's right edge
    np.testing.assert_array_equal(crop, np.rot90(picture))


def test_beyond_the_edge_the_edge_is_repeated() -> None:
    picture = np.tile(np.arange(40, dtype=np.uint8) * 5, (40, 1))
    crop = cut(picture, Placement(-40 + 0j, 120 + 0j), 60)
    assert (crop[:, :19] == 0).all()
    assert (crop[:, 41:] == 195).all()


@given(x=st.floats(-90, 90), y=st.floats(-90, 90), side=st.floats(1, 300), angle=angles)
@settings(max_examples=40, deadline=None)
def test_a_crop_anywhere_has_its_size_and_no_values_of_its_own(x: float, y: float, side: float, angle: float) -> None:
    picture = np.random.default_rng(2).integers(60, 90, (50, 70)).astype(np.uint8)
    crop = cut(picture, Placement(complex(x, y), cmath.rect(side, np.deg2rad(angle))), 24)
    assert crop.shape == (24, 24)
    assert crop.dtype == np.uint8
    assert 59 <= crop.min() <= crop.max() <= 90


def test_a_box_out_of_all_proportion_is_refused() -> None:
    with pytest.raises(ValueError, match="pixels wide in a picture of 70x50"):
        cut(np.zeros((50, 70), np.uint8), Placement(0j, 1e7 + 0j), 48)


@dataclass
class Told:
    """A detector that is told where the face is in every picture."""

    faces: list[Face] = field(default_factory=list)

    def detect(self, image: Rgb) -> list[Face]:
        return self.faces


def test_the_template_is_the_median_of_what_is_found_made_symmetric() -> None:
    shares = places(TEMPLATE) + np.array([0.02, 0.01], np.float32)  # off the middle, which a mirror image would undo
    face = Face(Box(48 + 20, 48 + 4, 100, 137), 0.9, shares * 144 + 48)
    learnt = learn_template(np.zeros((40, 48, 48), np.uint8), Told([face]))
    assert learnt.faces == 40
    assert learnt.right_eye == pytest.approx((0.32, 0.40), abs=1e-3)
    assert learnt.left_eye == pytest.approx((0.68, 0.40), abs=1e-3)
    assert learnt.nose == pytest.approx((0.5, 0.607), abs=1e-3)
    assert learnt.box_centre == pytest.approx((0.5, (4 + 137 / 2) / 144), abs=1e-3)
    assert learnt.box_height == pytest.approx(137 / 144, abs=1e-3)


@pytest.mark.parametrize("found", [0, 2])
def test_crops_with_no_face_or_several_teach_nothing(found: int) -> None:
    face = Face(Box(50, 50, 100, 100), 0.9, places(TEMPLATE) * 144 + 48)
    assert learn_template(np.zeros((40, 48, 48), np.uint8), Told([face] * found)) == CropTemplate.default()
    assert learn_template(np.zeros((0, 48, 48), np.uint8), Told()) == CropTemplate.default()


def test_a_template_learnt_from_drawn_faces_is_near_their_eyes_and_the_same_each_time() -> None:
    crops = np.concatenate([np.roll(drawn_faces(), shift, axis=2) for shift in (-1, 0, 1)])
    learnt = learn_template(crops)
    assert learnt.faces == 21
    assert learnt == learn_template(crops)
    assert learnt.right_eye == pytest.approx((0.32, 0.42), abs=0.05)
    assert 0.8 < learnt.box_height < 1.1
