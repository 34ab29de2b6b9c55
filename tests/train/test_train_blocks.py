"""First weights that Keras has no initializer for."""

import keras
import numpy as np
import pytest
from keras import layers

from ferflow.train.blocks import set_partial_identity, set_whitening


@pytest.mark.parametrize(("channels", "filters"), [(3, 3), (3, 5), (5, 3)])
def test_partial_identity_passes_its_inputs_on(channels: int, filters: int) -> None:
    keras.utils.set_random_seed(0)
    layer = layers.Conv2D(filters, 3, padding="same", use_bias=False)
    images = np.random.default_rng(0).normal(size=(2, 6, 6, channels)).astype("float32")
    before = np.array(layer(images))
    set_partial_identity(layer)
    after, same = np.array(layer(images)), min(channels, filters)
    np.testing.assert_allclose(after[..., :same], images[..., :same], rtol=1e-5)
    np.testing.assert_array_equal(after[..., same:], before[..., same:])


def test_whitened_patches_are_uncorrelated_and_of_unit_variance() -> None:
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (400, 16, 16))
    images = (images + np.roll(images, 1, axis=1) + np.roll(images, 1, axis=2)).astype(np.float64) / 3  # correlated
    layer = layers.Conv2D(32, 4, strides=4, use_bias=False)
    layer.build((None, 16, 16, 1))
    set_whitening(layer, images.astype(np.uint8))
    given = np.array(layer(images.astype(np.uint8)[..., None].astype("float32") / 127.5 - 1)).reshape(-1, 32)
    np.testing.assert_allclose(np.cov(given[:, :16], rowvar=False), np.eye(16), atol=0.05)
    np.testing.assert_allclose(given[:, 16:], -given[:, :16], rtol=1e-5)
