"""Each transformation does what its name says, and nothing else."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from defaults import augment
from ferflow.train.augment import at_smaller_side, augment_batch, mirrored_in
from ferflow.train.recipe import Augment, SmallerSide

Images = npt.NDArray[np.uint8]


class Greatest(np.random.Generator):
    """Draws the upper end of each uniform range, so that the transformation is known."""

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
        return np.full(size, high)


def greatest(images: Images, **change: Any) -> npt.NDArray[np.float32]:
    return augment_batch(images, augment(**change), Greatest(np.random.PCG64(0)))


def drawn(images: Images, seed: int = 0, **change: Any) -> npt.NDArray[np.float32]:
    return augment_batch(images, augment(**change), np.random.default_rng(seed))


def faces(count: int = 1, side: int = 21, seed: int = 0) -> Images:
    """Smooth asymmetric pictures."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / (side - 1)
    waves = [np.sin(a * x + b * y + c) for a, b, c in rng.uniform(1, 5, (count, 3))]
    pictures: Images = np.rint(127 + 100 * np.array(waves)).astype(np.uint8)
    return pictures


def dots(count: int, side: int = 31) -> Images:
    images = np.zeros((count, side, side), np.uint8)
    middle = side // 2
    images[:, middle - 1 : middle + 2, middle - 1 : middle + 2] = 200
    return images


def centroids(images: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    rows = np.arange(images.shape[1])
    total = images.sum(axis=(1, 2))
    return np.stack([(images.sum(axis=2) @ rows) / total, (images.sum(axis=1) @ rows) / total], axis=1)


def test_no_change_is_the_identity() -> None:
    images = faces(5)
    result = drawn(images)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, images)


def test_flip_mirrors_half_of_the_images_left_and_right() -> None:
    images = faces(400)
    result = drawn(images, flip="random")
    same = np.isclose(result, images, atol=0.01).all(axis=(1, 2))
    mirrored = np.isclose(result, images[:, :, ::-1], atol=0.01).all(axis=(1, 2))
    assert (same ^ mirrored).all()
    assert 150 < mirrored.sum() < 250


def test_alternate_flip_shows_both_views_in_two_epochs() -> None:
    images, rows = faces(200), np.arange(200)
    first, second, third = (
        augment_batch(images, augment(flip="alternate"), np.random.default_rng(epoch), mirrored_in(epoch, rows, seed=7))
        for epoch in (1, 2, 3)
    )
    as_it_is = (first == images).all(axis=(1, 2))
    np.testing.assert_array_equal(first[as_it_is], images[as_it_is])
    np.testing.assert_array_equal(first[~as_it_is], images[~as_it_is, :, ::-1])
    np.testing.assert_array_equal(second, first[:, :, ::-1])
    np.testing.assert_array_equal(third, first)


@settings(deadline=None)
@given(st.integers(1, 1000), st.integers(0, 2**70), st.permutations(range(500)))
def test_half_of_the_images_alternate_in_any_order(epoch: int, seed: int, order: list[int]) -> None:
    rows = np.array(order)
    mirrored = mirrored_in(epoch, rows, seed)
    assert 0.35 < mirrored.mean() < 0.65
    np.testing.assert_array_equal(mirrored[np.argsort(rows)], mirrored_in(epoch, np.arange(500), seed))
    np.testing.assert_array_equal(mirrored, ~mirrored_in(epoch + 1, rows, seed))


def test_a_smaller_side_by_cropping_is_a_part_of_the_image() -> None:
    images = np.arange(3 * 12 * 12, dtype=np.float32).reshape(3, 12, 12)
    corners = set()
    for seed in range(60):
        crops = at_smaller_side(images, SmallerSide(side=10, by="crop", share=0.5), np.random.default_rng(seed))
        assert crops.shape == (3, 10, 10)
        for image, crop in zip(images, crops, strict=True):
            top, left = divmod(int(crop[0, 0] - image[0, 0]), 12)
            np.testing.assert_array_equal(crop, image[top : top + 10, left : left + 10])
            corners.add((top, left))
    assert corners == {(top, left) for top in range(3) for left in range(3)}


def test_a_smaller_side_by_resizing_keeps_the_mean() -> None:
    images = faces(4, 24).astype(np.float32)
    small = at_smaller_side(images, SmallerSide(side=12, by="resize", share=0.5), np.random.default_rng(0))
    np.testing.assert_allclose(small, images.reshape(4, 12, 2, 12, 2).mean(axis=(2, 4)), rtol=1e-5)


@pytest.mark.parametrize("side", [20, 21])
def test_rotation_by_a_quarter_turn(side: int) -> None:
    images = faces(3, side)
    result = greatest(images, rotation=90)
    np.testing.assert_allclose(result, np.rot90(images, k=-1, axes=(1, 2)), atol=0.1)


def test_a_mirrored_image_is_turned_and_slanted_as_the_others() -> None:
    images = faces(40)
    change: dict[str, Any]
    for change in ({"rotation": 90.0}, {"shear": 20.0}):
        result = augment_batch(images, augment(flip="random", **change), Greatest(np.random.PCG64(0)))
        plain, mirrored = (greatest(source, **change) for source in (images, images[:, :, ::-1]))
        same, other = (np.abs(result - wanted).max(axis=(1, 2)) < 0.1 for wanted in (plain, mirrored))
        assert (same ^ other).all()
        assert 5 < other.sum() < 35


def test_rotation_by_45_degrees_moves_a_point_on_its_circle() -> None:
    image = np.zeros((1, 41, 41), np.uint8)
    image[0, 19:22, 27:30] = 200  # 8 right of the middle
    [[row, column]] = centroids(greatest(image, rotation=45))
    assert (row, column) == pytest.approx((20 + 8 / np.sqrt(2), 20 + 8 / np.sqrt(2)), abs=0.1)


def test_rotation_stays_in_its_range_and_goes_both_ways() -> None:
    images = np.zeros((300, 41, 41), np.uint8)
    images[:, 19:22, 33:36] = 200
    moved = centroids(drawn(images, rotation=20)) - 20
    angles = np.rad2deg(np.arctan2(moved[:, 0], moved[:, 1]))
    assert -20.5 < angles.min() < -18
    assert 18 < angles.max() < 20.5


@pytest.mark.parametrize("change", [{"rotation": 180.0}, {"zoom": 0.5}, {"shear": 40.0}, {"flip": "random"}])
def test_the_middle_stays(change: dict[str, Any]) -> None:
    images = faces(50, 21)
    np.testing.assert_allclose(drawn(images, **change)[:, 10, 10], images[:, 10, 10], atol=0.5)


def test_shift_by_whole_pixels() -> None:
    images = faces(2, 20)
    result = greatest(images, shift=0.15)
    np.testing.assert_allclose(result[:, 3:, 3:], images[:, :-3, :-3], atol=0.01)


def test_shift_is_bounded_on_each_axis_by_itself() -> None:
    moved = centroids(drawn(dots(400), shift=0.2)) - 15
    assert 0.18 * 31 < np.abs(moved).max() <= 0.2 * 31 + 0.1
    assert abs(np.corrcoef(moved.T)[0, 1]) < 0.2  # type: ignore[index]


def test_zoom_scales_both_axes_alike() -> None:
    image = np.zeros((1, 41, 41), np.uint8)
    image[0, 15:26, 17:24] = 200
    area = image.sum()
    assert greatest(image, zoom=0.3).sum() == pytest.approx(area * 1.3**2, rel=0.02)
    sizes = drawn(np.repeat(image, 200, axis=0), zoom=0.3).sum(axis=(1, 2)) / area
    assert 0.7**2 * 0.97 < sizes.min() < 0.75**2
    assert 1.25**2 < sizes.max() < 1.3**2 * 1.03


def test_shear_slants_a_post() -> None:
    image = np.zeros((1, 41, 41), np.uint8)
    image[0, :, 20] = 200
    columns = greatest(image, shear=20).argmax(axis=2)[0]
    expected = 20 + np.tan(np.deg2rad(20)) * (np.arange(41) - 20)
    assert np.abs(columns - expected).max() <= 1


def test_outside_is_mirrored_not_black() -> None:
    assert drawn(np.full((50, 16, 16), 90, np.uint8), rotation=180.0, shift=0.4, zoom=0.5, shear=30.0).min() > 89.9


def test_brightness_adds_one_level_to_each_image() -> None:
    images = faces(300)
    images = np.clip(images, 60, 190)
    added = drawn(images, brightness=0.2) - images
    assert np.ptp(added, axis=(1, 2)).max() < 1e-3
    levels = added.mean(axis=(1, 2))
    assert -51 <= levels.min() < -48
    assert 48 < levels.max() <= 51.001


def test_contrast_stretches_about_the_mean() -> None:
    images = np.clip(faces(300), 80, 170)
    result = drawn(images, contrast=0.4)
    np.testing.assert_allclose(result.mean(axis=(1, 2)), images.mean(axis=(1, 2)), atol=0.01)
    factors = result.std(axis=(1, 2)) / images.std(axis=(1, 2))
    assert 0.6 <= factors.min() + 1e-3 < 0.62
    assert 1.38 < factors.max() <= 1.401


def test_values_are_clipped() -> None:
    images = np.tile(np.array([0, 255], np.uint8), (20, 8, 4))
    result = drawn(images, brightness=0.9, contrast=0.9)
    assert result.min() == 0
    assert result.max() == 255


def test_erasing_covers_2_to_20_percent_with_noise() -> None:
    images = np.full((500, 40, 40), 128, np.uint8)
    result = drawn(images, erasing=1.0)
    shares, ratios = [], []
    for image in result:
        rows, columns = np.nonzero(image != 128)
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert len(rows) == height * width, "one whole rectangle"
        shares.append(height * width / 1600)
        ratios.append(height / width)
    assert 0.015 < min(shares) < 0.03
    assert 0.18 < max(shares) < 0.22
    assert 0.25 < min(ratios) < 0.4
    assert 2.5 < max(ratios) < 4
    erased = result[result != 128]
    assert 120 < erased.mean() < 135
    assert erased.std() == pytest.approx(255 / np.sqrt(12), rel=0.05)


def test_erasing_has_its_probability() -> None:
    images = np.full((2000, 10, 10), 128, np.uint8)
    touched = (drawn(images, erasing=0.3) != 128).any(axis=(1, 2))
    assert touched.mean() == pytest.approx(0.3, abs=0.04)


def test_each_image_stays_in_its_row() -> None:
    images = np.repeat(np.arange(0, 250, 10, dtype=np.uint8), 64).reshape(25, 8, 8)
    result = drawn(images, flip="random", rotation=30.0, shift=0.2, zoom=0.2, shear=10.0, contrast=0.5)
    np.testing.assert_allclose(result.mean(axis=(1, 2)), np.arange(0, 250, 10), atol=0.01)


SETTINGS = st.builds(
    Augment,
    flip=st.sampled_from(["none", "random", "alternate"]),
    rotation=st.floats(0, 180),
    shift=st.floats(0, 0.99),
    zoom=st.floats(0, 0.99),
    shear=st.floats(0, 89),
    brightness=st.floats(0, 0.99),
    contrast=st.floats(0, 0.99),
    erasing=st.floats(0, 1),
)


@settings(deadline=None, max_examples=60)
@given(SETTINGS, st.integers(0, 5), st.integers(1, 20), st.integers(0, 2**32))
def test_any_settings_keep_the_promises(change: Augment, count: int, side: int, seed: int) -> None:
    images = np.random.default_rng(seed).integers(0, 256, (count, side, side)).astype(np.uint8)
    before = images.copy()
    result = augment_batch(images, change, np.random.default_rng(seed))
    assert result.shape == images.shape
    assert result.dtype == np.float32
    assert ((result >= 0) & (result <= 255)).all()
    np.testing.assert_array_equal(images, before)
    again = augment_batch(images, change, np.random.default_rng(seed))
    assert again.tobytes() == result.tobytes()
