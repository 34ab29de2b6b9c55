import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ferflow.infer.ten_crops import enlarge
from ferflow.infer.views import make_views, predict_views
from ferflow.scoring.predictions import Views


def faces(count: int, side: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side), dtype=np.uint8)


@given(st.integers(1, 5), st.integers(8, 60), st.sampled_from(["single", "flip", "ten_crop"]))
@settings(max_examples=40, deadline=None)
def test_views_keep_shape_and_type_and_hold_their_mirror_images(count: int, side: int, views: Views) -> None:
    images = faces(count, side)
    made = make_views(images, views)
    assert len(made) == {"single": 1, "flip": 2, "ten_crop": 10}[views]
    assert all(view.shape == images.shape and view.dtype == np.uint8 for view in made)
    if views != "single":
        half = len(made) // 2
        for view, mirrored in zip(made[:half], made[half:], strict=True):
            assert np.array_equal(view[:, :, ::-1], mirrored)


def test_ten_crop_takes_the_corners_and_the_centre_of_the_enlarged_image() -> None:
    images = faces(2, 48)
    large = enlarge(images)
    assert large.shape == (2, 54, 54)
    crops = make_views(images, "ten_crop")
    for crop, (top, left) in zip(crops, [(0, 0), (0, 6), (6, 0), (6, 6), (3, 3)], strict=False):
        assert np.array_equal(crop, large[:, top : top + 48, left : left + 48])


def test_enlarging_keeps_corners_ramps_and_flat_images() -> None:
    """Centres of pixels lie on centres; beyond the outermost, their value is repeated."""
    images = faces(3, 48)
    large = enlarge(images)
    for row, column in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
        assert np.array_equal(large[:, row, column], images[:, row, column])
    ramp = np.tile(np.arange(48, dtype=np.uint8) * 5, (48, 1))
    expected = 5 * np.clip((np.arange(54) + 0.5) * 48 / 54 - 0.5, 0, 47)
    assert np.abs(enlarge(ramp[None])[0, 0] - expected).max() < 0.7  # rounded to whole levels, with weights in 1024ths
    assert (enlarge(np.full((1, 8, 8), 77, np.uint8)) == 77).all()
    assert np.array_equal(enlarge(images[:, :, ::-1]), large[:, :, ::-1])
    assert np.array_equal(enlarge(images[:, ::-1]), large[:, ::-1])


def test_enlarging_is_near_pillows_bilinear_on_a_smooth_image() -> None:
    rows, columns = np.mgrid[:48, :48]
    smooth = (127 + 60 * np.sin(rows / 9) + 60 * np.cos(columns / 7)).astype(np.uint8)
    pillow = np.asarray(Image.fromarray(smooth).resize((54, 54), Image.Resampling.BILINEAR), np.float64)
    assert np.abs(enlarge(smooth[None])[0] - pillow).mean() < 2


class Left:
    """A network that answers the share of light on the left and on the right half."""

    output_shape = (None, 2)

    def __init__(self) -> None:
        self.batches: list[int] = []

    def predict_on_batch(self, batch: np.ndarray) -> np.ndarray:
        self.batches.append(len(batch))
        half = batch.shape[2] // 2
        left, right = batch[:, :, :half].sum(axis=(1, 2, 3)), batch[:, :, half:].sum(axis=(1, 2, 3))
        total = np.maximum(left + right, 1)
        return np.stack([left / total, right / total], axis=1)


@pytest.mark.parametrize("count", [1, 3, 4, 9])
def test_answers_are_the_mean_over_the_views_row_for_row(count: int) -> None:
    images = faces(count, 16)
    network = Left()
    single = predict_views(network, images, "single", 4, "test")
    assert single.shape == (count, 2)
    assert single.dtype == np.float32
    assert np.allclose(single, Left().predict_on_batch(images[..., None].astype(np.float64)), atol=1e-6)
    assert set(network.batches) == {4}  # one shape, so one compilation
    flip = predict_views(Left(), images, "flip", 4, "test")
    assert np.allclose(flip, 0.5)  # what is left in one view is right in the other


def test_a_mirrored_image_gets_the_same_answer_from_both_kinds_of_views(model_path: object) -> None:
    from pathlib import Path

    from ferflow.base.network import load_model

    network = load_model(Path(str(model_path)))
    images = faces(5, 16, seed=9)
    for views in ("flip", "ten_crop"):
        plain = predict_views(network, images, views, 4, "test")
        mirrored = predict_views(network, images[:, :, ::-1], views, 4, "test")
        assert np.allclose(plain, mirrored, atol=1e-6)
        assert np.allclose(plain.sum(axis=1), 1, atol=1e-5)
    single = predict_views(network, images, "single", 4, "test")
    assert not np.allclose(single, predict_views(network, images[:, :, ::-1], "single", 4, "test"), atol=1e-3)
