"""Real crops: which networks take them, what they see, and what becomes of their answers."""

import numpy as np
import pytest

from defaults import PARAMS
from ferflow.base.network import load_model
from ferflow.infer.ten_crops import at_side, crop_corners, crop_side
from ferflow.infer.views import make_views, predict_views


def faces(count: int, side: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side), dtype=np.uint8)


def network(side: int, *, flat: bool):
    """A convolution and a softmax, over each position or over their mean."""
    import keras

    keras.utils.set_random_seed(1)
    image = keras.Input((side, side, 1))
    x = keras.layers.Conv2D(4, 3, activation="relu")(keras.layers.Rescaling(1 / 255)(image))
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Flatten()(x) if flat else keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, keras.layers.Dense(3, activation="softmax")(x))
    rng = np.random.default_rng(2)
    model.set_weights([rng.uniform(0.1, 1, weight.shape) * rng.choice([-1, 1]) for weight in model.get_weights()])
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_variance.assign(np.full(4, 0.5))
    return model


@pytest.mark.parametrize("side", range(8, 120))
def test_crops_are_about_eleven_twelfths_and_can_be_centred(side: int) -> None:
    cropped = crop_side(side)
    assert (side - cropped) % 2 == 0
    assert abs(cropped - side * 11 / 12) <= 1.5
    assert 0 < cropped < side


def test_forty_eight_pixels_give_the_crops_of_the_papers() -> None:
    assert crop_side(48) == 44
    images = faces(2, 48)
    crops = crop_corners(images, 44)
    for crop, (top, left) in zip(crops, [(0, 0), (0, 4), (4, 0), (4, 4), (2, 2)], strict=False):
        assert np.array_equal(crop, images[:, top : top + 44, left : left + 44])
    for crop, mirrored in zip(crops[:5], crops[5:], strict=True):
        assert np.array_equal(crop[:, :, ::-1], mirrored)
    assert len(crops) == 10


def test_a_network_with_a_global_mean_keeps_its_answers_at_another_side() -> None:
    model = network(16, flat=False)
    smaller = at_side(model, 14)
    assert smaller is not None
    assert smaller.input_shape == (None, 14, 14, 1)
    images = faces(3, 14).astype(np.float32)[..., None]
    # The mean over a crop, from the same network's own layers applied one by one.
    x = images
    for layer in model.layers[1:]:
        x = layer(x, training=False) if "batch" in layer.name else layer(x)
    assert np.allclose(smaller.predict_on_batch(images), np.asarray(x), atol=1e-6)


def test_the_copy_leaves_the_network_as_it_is() -> None:
    model = network(16, flat=False)
    before = [weight.copy() for weight in model.get_weights()]
    smaller = at_side(model, 14)
    assert smaller is not None
    smaller.set_weights([np.zeros_like(weight) for weight in smaller.get_weights()])
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert model.input_shape == (None, 16, 16, 1)


def test_real_crops_are_predicted_and_averaged() -> None:
    model = network(24, flat=False)
    images = faces(5, 24)
    smaller = at_side(model, crop_side(24))
    assert smaller is not None
    expected = np.mean(
        [smaller.predict_on_batch(crop.astype(np.float32)[..., None]) for crop in crop_corners(images, 22)], axis=0
    )
    found = predict_views(model, images, "ten_crop", 4, "test")
    assert found.dtype == np.float32
    assert np.allclose(found, expected, atol=1e-6)
    mirrored = predict_views(model, images[:, :, ::-1], "ten_crop", 4, "test")
    assert np.allclose(found, mirrored, atol=1e-6)


def test_a_network_for_one_side_sees_crops_of_the_enlarged_image() -> None:
    model = network(16, flat=True)
    assert at_side(model, 14) is None
    images = faces(5, 16)
    expected = np.mean(
        [model.predict_on_batch(view.astype(np.float32)[..., None]) for view in make_views(images, "ten_crop")], axis=0
    )
    assert np.allclose(predict_views(model, images, "ten_crop", 4, "test"), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "takes_crops"),
    [("ferflow_flash", True), ("mini_xception", True), ("emotionnet", False), ("vgg16", False)],
)
def test_saved_networks_of_the_zoo(name: str, takes_crops: bool, tmp_path) -> None:
    """A network is asked as it was saved, without its settings."""
    from ferflow.train.architectures import build_network

    options = PARAMS["models"][name]["network"] | ({"weights": "none"} if name == "vgg16" else {})
    model = build_network(PARAMS["models"][name]["architecture"], options, 48, 7)
    (tmp_path / name).mkdir()
    model.save(tmp_path / name / "model.keras")
    saved = load_model(tmp_path / name / "model.keras")
    smaller = at_side(saved, 44)
    assert (smaller is not None) == takes_crops
    if smaller is not None:
        answers = smaller.predict_on_batch(faces(2, 44).astype(np.float32)[..., None])
        assert answers.shape == (2, 7)
        assert np.allclose(answers.sum(axis=1), 1, atol=1e-5)
