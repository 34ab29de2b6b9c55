"""What every architecture must do. A new module in src/ferflow/models is found and tested by itself."""

import importlib.util
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import keras
import numpy as np
import pytest

from defaults import network
from ferflow.base.errors import ConfigError, ModelError
from ferflow.base.network import load_model
from ferflow.train.architectures import architectures, build_network, check_options, find_architecture
from ferflow.train.costs import count_macs
from narrow_networks import NARROW, TRANSFER, random_weights

HERE = Path(__file__).parent
NAMES = architectures()
BACKENDS = ("tensorflow", "jax", "torch")


def narrow_network(name, classes=7):
    """A small network without dropout, and its side."""
    fields = find_architecture(name).Options.model_fields
    still = {field: 0.0 for field in fields if field.endswith("dropout")}
    side = 32 if name in TRANSFER else 48
    return build_network(name, random_weights(name, **{**NARROW.get(name, {}), **still}), side, classes), side


def pictures(images, side, seed=0):
    """Grey levels of smooth shapes of different brightness: deep layers cannot tell pure noise from pure noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (images, 4, 4, 1)) * rng.uniform(0.3, 1, (images, 1, 1, 1))
    fine = rng.uniform(-20, 20, (images, side, side, 1))
    large = keras.ops.image.resize(coarse, (side, side), interpolation="bilinear", data_format="channels_last")
    return np.clip(keras.ops.convert_to_numpy(large) + fine, 0, 255).astype("float32")


def predictions(model, images):
    return keras.ops.convert_to_numpy(model(images, training=False))


@cache
def trained_network(name):
    """A narrow network with no weight at its initial value, batch statistics included."""
    keras.utils.set_random_seed(1)
    model, side = narrow_network(name)
    rng = np.random.default_rng(2)
    for weight in model.trainable_weights:
        if len(weight.shape) == 1:
            spread = {"gamma": 0.2, "beta": 0.1}.get(weight.name, 0.01)
            middle = 1.0 if weight.name == "gamma" else 0.0
            weight.assign(rng.uniform(middle - spread, middle + spread, weight.shape).astype("float32"))
    layers = list(model._flatten_layers())
    if name == "vgg16":  # without normalization, the signal of its random weights fades from layer to layer
        for layer in (layer for layer in layers if isinstance(layer, keras.layers.Conv2D)):
            layer.kernel.assign(layer.kernel * 2**0.5)
    if name in ("alexnet", "vgg_fer"):  # their initial dense weights are small, because they expect thousands of inputs
        for layer in (layer for layer in layers if isinstance(layer, keras.layers.Dense)):
            layer.kernel.assign(layer.kernel * 10)
    norms = [layer for layer in layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in norms:
        layer.momentum = 0.0  # so that one batch sets its statistics
    model(pictures(64, side, seed=5), training=True)
    for layer in norms:
        layer.momentum = 0.99
    return model, side


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder with every network, its images and its predictions on this backend."""
    folder = tmp_path_factory.mktemp("networks")
    for name in NAMES:
        model, side = trained_network(name)
        images = pictures(4, side)
        model.save(folder / f"{name}.keras")
        np.save(folder / f"{name}.images.npy", images)
        np.save(folder / f"{name}.here.npy", predictions(model, images))
    return folder


@pytest.fixture(scope="module")
def predictions_of(saved):
    """The folder after a backend has predicted in a process of its own; once per backend."""

    @cache
    def run(backend):
        environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
        script = HERE / "conformance_on_backend.py"
        command = [sys.executable, str(script), str(saved), backend]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return saved

    return run


def test_a_variant_needs_no_file():
    with pytest.raises(ConfigError, match=r"cnn_augmented.* set `architecture: cnn`") as caught:
        find_architecture("cnn_augmented")
    assert "mini_xception" in str(caught.value)


@pytest.mark.parametrize(("side", "classes"), [(48, 7), (64, 8)])
@pytest.mark.parametrize("name", NAMES)
def test_gives_probabilities(name, side, classes):
    model = build_network(name, random_weights(name), side, classes)
    assert model.input_shape == (None, side, side, 1)
    assert model.output_shape == (None, classes)
    result = predictions(model, pictures(2, side))
    assert result.shape == (2, classes)
    assert result.dtype == np.float32
    assert (result >= 0).all()
    np.testing.assert_allclose(result.sum(axis=1), 1, atol=1e-5)
    assert model.name == name
    assert count_macs(model) > 0


@pytest.mark.parametrize("name", NAMES)
def test_takes_large_images_and_refuses_tiny_ones(name):
    assert build_network(name, random_weights(name), 96, 7).output_shape == (None, 7)
    with pytest.raises(ModelError, match=rf"{name} needs images of at least \d+x\d+ .* Received: 4x4\. "):
        build_network(name, random_weights(name), 4, 7)


@pytest.mark.parametrize("name", NAMES)
def test_saved_and_loaded_gives_the_same(name, saved):
    images = np.load(saved / f"{name}.images.npy")
    loaded = load_model(saved / f"{name}.keras")
    np.testing.assert_array_equal(predictions(loaded, images), np.load(saved / f"{name}.here.npy"))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", NAMES)
def test_same_weights_same_predictions_on_every_backend(name, backend, saved, predictions_of):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    here = np.load(saved / f"{name}.here.npy")
    assert here.std(axis=0).max() > 1e-3, "predictions that never differ would prove nothing"
    there = np.load(predictions_of(backend) / f"{name}.{backend}.npy")
    np.testing.assert_allclose(there, here, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_every_weight_learns_and_the_network_can_overfit(name):
    keras.utils.set_random_seed(3)
    model, side = narrow_network(name)
    count = 8 if name in TRANSFER else 32  # the backbones have their full width, and take seconds a step
    images, labels = pictures(count, side, seed=4), np.arange(count) % 7
    compiled = keras.backend.backend() != "tensorflow"  # where compiling takes longer than it saves
    model.compile(
        keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=compiled
    )
    before = [keras.ops.convert_to_numpy(weight) for weight in model.trainable_weights]
    model.train_on_batch(images, labels)
    still = [
        weight.path
        for weight, old in zip(model.trainable_weights, before, strict=True)
        if np.array_equal(keras.ops.convert_to_numpy(weight), old)
    ]
    assert not still, "without a gradient"
    reached = 0.0
    for _ in range(100):
        reached = max(reached, float(model.train_on_batch(images, labels)[1]))  # before the step, on batch statistics
        if reached == 1.0:
            break
    assert reached == 1.0


FETCH = """
import json, sys
from defaults import network
from ferflow.base.errors import ModelError
from ferflow.train.architectures import build_network
for name in sys.argv[1:]:
    try:
        build_network(name, network(name), 48, 7)
    except ModelError as error:
        print(json.dumps([name, str(error)]))
"""


@pytest.fixture(scope="module")
def unreachable(tmp_path_factory):
    """The error of each transfer model without network access and without cached weights."""
    nowhere = {"KERAS_HOME": str(tmp_path_factory.mktemp("home")), "https_proxy": "http://127.0.0.1:9", "no_proxy": ""}
    nowhere["PYTHONPATH"] = str(HERE.parent)
    command = [sys.executable, "-c", FETCH, *TRANSFER]
    done = subprocess.run(command, env={**os.environ, **nowhere}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(line) for line in done.stdout.splitlines() if line.startswith("["))


@pytest.mark.parametrize("name", TRANSFER)
def test_weights_that_cannot_be_downloaded_name_both_remedies(name, unreachable):
    assert "could not be downloaded" in unreachable[name]
    assert f"Set `weights: none` in models.{name}.network" in unreachable[name]
    assert "path of a weights file" in unreachable[name]


@pytest.mark.parametrize("name", NAMES)
def test_unknown_option_is_named(name):
    with pytest.raises(ConfigError, match=rf"models\.{name}\.network\.widht: unknown key\..* Allowed: "):
        check_options(name, network(name, widht=3))


@pytest.mark.parametrize("name", NAMES)
def test_every_option_is_required(name):
    """params.yaml is the only place for values."""
    with pytest.raises(ConfigError) as caught:
        check_options(name, {}, "mine")
    for field in find_architecture(name).Options.model_fields:
        assert f"models.mine.network.{field}: missing." in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_module_names_its_source(name):
    module = find_architecture(name)
    assert any(char.isdigit() for char in module.__doc__), "the docstring names paper and year"
    for field in module.Options.model_fields:
        text = "".join(kind.__doc__ or "" for kind in module.Options.__mro__ if kind.__module__.startswith("ferflow"))
        assert f" {field}: " in text, f"Options does not explain {field}"
