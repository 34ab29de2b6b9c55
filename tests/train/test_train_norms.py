"""Statistics of batch normalization, estimated again, against those of NumPy."""

import keras
import numpy as np
from keras import layers

from ferflow.train.norms import estimate_norms

IMAGES = np.random.default_rng(0).uniform(0, 255, (4, 10, 6, 6, 1)).astype("float32")  # four batches of ten


def network(trainable: bool = True) -> keras.Model:
    keras.utils.set_random_seed(0)
    stack = [layers.Conv2D(3, 3), layers.BatchNormalization(momentum=0.9), layers.ReLU(), layers.Conv2D(2, 2)]
    model = keras.Sequential([keras.Input((6, 6, 1)), *stack, layers.BatchNormalization(momentum=0.99)])
    model.layers[1].trainable = trainable
    return model


def test_statistics_are_the_mean_over_batches() -> None:
    model = network()
    estimate_norms(model, iter(IMAGES))
    inner = keras.Model(model.inputs, model.layers[0].output)
    maps = np.array([inner(batch) for batch in IMAGES])
    np.testing.assert_allclose(model.layers[1].moving_mean, maps.mean(axis=(1, 2, 3)).mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(model.layers[1].moving_variance, maps.var(axis=(1, 2, 3)).mean(axis=0), rtol=1e-4)


def test_the_last_layer_is_normalized_afterwards() -> None:
    model = network()
    estimate_norms(model, iter(IMAGES))
    given = np.array(model(IMAGES[0], training=False))
    np.testing.assert_allclose(given.mean(axis=(0, 1, 2)), 0, atol=0.2)
    np.testing.assert_allclose(given.std(axis=(0, 1, 2)), 1, atol=0.2)


def test_frozen_statistics_stay() -> None:
    model = network(trainable=False)
    estimate_norms(model, iter(IMAGES))
    np.testing.assert_array_equal(model.layers[1].moving_mean, np.zeros(3))
    assert not np.array_equal(model.layers[4].moving_mean, np.zeros(2))
