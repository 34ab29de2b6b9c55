"""Multiply-accumulate operations, by hand and against published figures."""

from typing import Any

import keras
import pytest
from keras import layers

from ferflow.train.costs import count_macs


def network(*parts: Any, side: int = 8, channels: int = 3) -> keras.Model:
    return keras.Sequential([keras.Input((side, side, channels)), *parts])


@pytest.mark.parametrize(
    ("layer", "macs"),
    [
        (layers.Conv2D(5, 3, padding="same"), 8 * 8 * 3 * 3 * 3 * 5),
        (layers.Conv2D(5, 3, padding="valid", use_bias=False), 6 * 6 * 3 * 3 * 3 * 5),
        (layers.Conv2D(5, 3, strides=2, padding="same"), 4 * 4 * 3 * 3 * 3 * 5),
        (layers.Conv2D(6, 3, groups=3, padding="same"), 8 * 8 * 3 * 3 * 1 * 6),
        (layers.Conv2D(5, 3, dilation_rate=2, padding="same"), 8 * 8 * 3 * 3 * 3 * 5),
        (layers.DepthwiseConv2D(3, padding="same"), 8 * 8 * 3 * 3 * 3),
        (layers.DepthwiseConv2D(3, strides=2, depth_multiplier=2, padding="same"), 4 * 4 * 3 * 3 * 3 * 2),
        (layers.SeparableConv2D(5, 3, padding="same"), 8 * 8 * (3 * 3 * 3 + 3 * 5)),
        (layers.SeparableConv2D(5, 3, strides=2, padding="same"), 4 * 4 * (3 * 3 * 3 + 3 * 5)),
        (layers.Dense(7), 8 * 8 * 3 * 7),
        (layers.MaxPooling2D(), 0),
        (layers.BatchNormalization(), 0),
        (layers.Rescaling(2.0), 0),
    ],
)
def test_one_layer_by_hand(layer: Any, macs: int) -> None:
    assert count_macs(network(layer)) == macs


def test_layers_add_up_inside_a_base_as_well() -> None:
    base = network(layers.Conv2D(4, 3, padding="same"), layers.MaxPooling2D())
    whole = network(base, layers.Flatten(), layers.Dense(10), layers.Dense(2))
    assert count_macs(whole) == 8 * 8 * 27 * 4 + 64 * 10 + 10 * 2
    assert isinstance(count_macs(whole), int)


@pytest.mark.parametrize(
    ("application", "low", "high"),
    [
        (keras.applications.VGG16, 15.3e9, 15.5e9),  # He et al. 2016, table 1 names 15.3 for its convolutions
        (keras.applications.ResNet50, 3.8e9, 4.1e9),  # He et al. 2016, table 1: 3.8
    ],
)
def test_published_figures_at_224_pixels(application: Any, low: float, high: float) -> None:
    top = application is not keras.applications.VGG16  # its dense layers alone have 120 million weights
    assert low < count_macs(application(weights=None, include_top=top, input_shape=(224, 224, 3))) < high
