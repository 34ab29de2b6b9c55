"""Folding changes the operations, not the answers."""

import keras
import numpy as np
import pytest
from export_helpers import answers, faces, network_of, side_of
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from ferflow.base.errors import ModelError
from ferflow.export.fold import fold
from ferflow.export.trace import rebuild, trace
from ferflow.train.architectures import architectures
from narrow_networks import TRANSFER

SMALL = [name for name in architectures() if name not in TRANSFER]  # test_export_onnx folds the others


def names(steps) -> list[str]:
    return [type(step.layer).__name__ for step in steps]


@pytest.mark.parametrize("name", SMALL)
def test_every_architecture_answers_the_same(name):
    """With factors of both signs, so that some of them cannot pass a max pooling."""
    model = network_of(name, 7, -1.5)
    images = faces(4, side_of(model))
    folded = fold(trace(model))
    found = answers(rebuild(folded, side_of(model)), images)
    np.testing.assert_allclose(found, answers(model, images), atol=1e-5)


@pytest.mark.parametrize("name", ["cnn", "ferflow_flash", "ferflow_net", "mini_xception", "resnet18_fer", "vgg_fer"])
def test_no_normalization_is_left_where_factors_are_positive(name):
    assert "BatchNormalization" not in names(fold(trace(network_of(name))))


def test_flash_is_convolutions_relu_and_pooling():
    body = ["Conv2D", "ReLU", *(["Conv2D", "ReLU", "MaxPooling2D", "Conv2D", "ReLU"] * 3)]
    assert names(fold(trace(network_of("ferflow_flash")))) == [
        "Rescaling",
        *body,
        "GlobalMaxPooling2D",
        "Dense",
        "Softmax",
    ]


def pooled(gamma: list[float]) -> keras.Model:
    """A convolution, pooling, a normalization with these factors, and ReLU."""
    image = keras.Input((8, 8, 1))
    x = layers.MaxPooling2D()(layers.Conv2D(len(gamma), 3, padding="same", use_bias=False)(image))
    norm = layers.BatchNormalization()
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(norm(x)))
    norm.gamma.assign(np.array(gamma))
    norm.beta.assign(np.full(len(gamma), 0.1))
    norm.moving_mean.assign(np.linspace(-0.5, 0.5, len(gamma)))
    return keras.Model(image, x)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.floats(-2, 2, width=16), min_size=2, max_size=4))
def test_a_factor_passes_max_pooling_only_if_none_is_negative(gamma):
    model = pooled(gamma)
    steps = fold(trace(model))
    images = faces(3, 8)
    np.testing.assert_allclose(answers(rebuild(steps, 8), images), answers(model, images), rtol=1e-5, atol=1e-3)
    assert ("BatchNormalization" in names(steps)) == any(factor < 0 for factor in gamma)


def test_a_value_that_others_take_as_well_is_not_changed():
    image = keras.Input((8, 8, 1))
    x = layers.Conv2D(3, 3, padding="same")(image)
    normalized = layers.BatchNormalization()(x)
    model = keras.Model(image, layers.GlobalAveragePooling2D()(layers.Add()([x, normalized])))
    model.layers[2].moving_variance.assign([2.0, 3.0, 4.0])
    steps = fold(trace(model))
    assert "BatchNormalization" in names(steps)
    np.testing.assert_allclose(answers(rebuild(steps, 8), faces(2, 8)), answers(model, faces(2, 8)), rtol=1e-5)


def test_nested_networks_become_one_list():
    inner = keras.Sequential([layers.Conv2D(4, 3, padding="same"), layers.LayerNormalization()])
    start = keras.Input((8, 8, 3))
    x = inner(layers.Rescaling(2.0)(start))
    base = keras.Model(start, layers.Conv2D(4, 1)(x) + x)
    image = keras.Input((8, 8, 1))
    model = keras.Model(image, layers.Flatten()(base(layers.Concatenate()([image, image, image]))))
    steps = trace(model)
    assert names(steps) == ["Concatenate", "Rescaling", "Conv2D", "LayerNormalization", "Conv2D", "Add", "Flatten"]
    np.testing.assert_allclose(answers(rebuild(steps, 8), faces(2, 8)), answers(model, faces(2, 8)), rtol=1e-5)


def test_a_network_of_two_inputs_is_refused():
    first, second = keras.Input((4,)), keras.Input((4,))
    with pytest.raises(ModelError, match="one input"):
        trace(keras.Model([first, second], layers.Add()([first, second])))
