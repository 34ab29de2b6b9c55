"""Transfer models: where the weights of the base come from, its input, and what is trained when."""

import sys
import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import keras
import numpy as np
import pytest
from keras import layers
from keras.src.legacy.saving import legacy_h5_format
from transfer_helpers import LAYERS, options, save_base, small_base

from defaults import network
from ferflow.base.errors import ConfigError, ModelError
from ferflow.train.architectures import build_network, check_options
from ferflow.train.transfer import freeze, transfer


def build(weights: str, side: int = 32, application: Callable[..., keras.Model] = small_base, **changes: Any) -> Any:
    return transfer("small", application, "caffe", options(weights, **changes), side, 3)


def base_weights(model: keras.Model) -> list[Any]:
    return [np.array(weight) for weight in model.get_layer("base").weights]


@pytest.mark.parametrize("name", ["base.weights.h5", "base_notop.h5"])
def test_a_weights_file_is_used(tmp_path: Path, name: str) -> None:
    written = save_base(tmp_path / name)
    for ours, theirs in zip(base_weights(build(str(tmp_path / name))), written, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_vgg16_takes_a_file_as_keras_publishes_it(tmp_path: Path) -> None:
    path = tmp_path / "notop.h5"
    base = keras.applications.VGG16(include_top=False, weights=None, input_shape=(32, 32, 3))
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, base)
    model = build_network("vgg16", network("vgg16", weights=str(path), dense=4), 48, 7)
    for ours, theirs in zip(base_weights(model), base.weights, strict=True):
        np.testing.assert_array_equal(ours, np.array(theirs))


def _missing(_path: Path) -> None:
    pass


def _of_another_base(path: Path) -> None:
    save_base(path, width=5)


def _of_a_smaller_base(path: Path) -> None:
    image = keras.Input((32, 32, 3))
    base = keras.Model(image, layers.Conv2D(4, 3, padding="same", name="lower_conv")(image))
    if path.name.endswith(".weights.h5"):
        base.save_weights(path)
    else:
        with h5py.File(path, "w") as file:
            legacy_h5_format.save_weights_to_hdf5_group(file, base)


def _text(path: Path) -> None:
    path.write_text("these are no weights")


def _cut_short(path: Path) -> None:
    save_base(path)
    path.write_bytes(path.read_bytes()[:1500])


REMEDIES = ("Set `weights: none` in models.small.network", "path of a weights file")


@pytest.mark.parametrize("name", ["base.weights.h5", "base_notop.h5", "base.bin", "base.keras"])
@pytest.mark.filterwarnings("ignore:Skipping nested container")
@pytest.mark.parametrize("make", [_missing, _of_another_base, _of_a_smaller_base, _text, _cut_short])
def test_a_file_that_does_not_fit_is_an_error(tmp_path: Path, make: Callable[[Path], None], name: str) -> None:
    path = tmp_path / name
    make(path)
    with pytest.raises(ModelError) as caught:
        build(str(path))
    text = str(caught.value)
    assert str(path) in text
    assert text.startswith("small: ")
    for remedy in REMEDIES:
        assert remedy in text


@pytest.mark.parametrize(
    "error",
    [
        Exception("URL fetch failure on https://example.org/vgg16.h5: None -- [Errno -3] name resolution"),
        urllib.error.URLError("no route"),
        ConnectionResetError("reset"),
        TimeoutError("timed out"),
    ],
)
def test_a_failed_download_names_both_remedies(error: Exception) -> None:
    def application(**arguments: Any) -> keras.Model:
        assert arguments["weights"] == "imagenet"
        raise error

    with pytest.raises(ModelError, match="the ImageNet weights could not be downloaded") as caught:
        build("imagenet", application=application)
    for remedy in REMEDIES:
        assert remedy in str(caught.value)


def test_a_bug_in_a_base_is_not_mistaken_for_a_failed_download() -> None:
    def application(**_arguments: Any) -> keras.Model:
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError):
        build("imagenet", application=application)


def test_a_failed_real_download_names_both_remedies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through Keras' own get_file, with an empty cache and no network."""
    module = sys.modules[keras.utils.get_file.__module__]

    def unreachable(*_arguments: Any, **_named: Any) -> None:
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(module, "urlretrieve", unreachable)
    monkeypatch.setattr(module.config, "keras_home", lambda: str(tmp_path))
    with pytest.raises(ModelError, match=r"vgg16: the ImageNet weights could not be downloaded.*Set `weights: none`"):
        build_network("vgg16", network("vgg16"), 48, 7)


@pytest.mark.parametrize("name", ["vgg16", "resnet50"])
def test_the_base_gets_the_input_it_was_pretrained_on(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    application = getattr(keras.applications, {"vgg16": "VGG16", "resnet50": "ResNet50"}[name])

    def untrained(**arguments: Any) -> keras.Model:
        return application(**arguments | {"weights": None})

    monkeypatch.setattr(keras.applications, application.__name__, untrained)
    model = build_network(name, network(name, dense=4), 48, 7)
    assert network(name)["unfreeze_from"] in [layer.name for layer in model.get_layer("base").layers]
    grey = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 1)).astype(np.float32)
    fed = keras.Model(model.input, model.get_layer("imagenet_scale").output).predict(grey, verbose=0)
    wanted = getattr(keras.applications, name).preprocess_input(np.repeat(grey, 3, axis=-1))
    np.testing.assert_allclose(fed, wanted, atol=1e-4)


@pytest.mark.parametrize("source", ["none", "file"])
def test_momentum_applies_to_the_head_and_to_a_base_with_random_weights(weights: str, source: str) -> None:
    model = build("none" if source == "none" else weights, norm_momentum=0.5)
    momenta = [
        [layer.momentum for layer in part.layers if isinstance(layer, layers.BatchNormalization)]
        for part in (model, model.get_layer("base"))
    ]
    assert momenta == [[0.5], [0.5 if source == "none" else 0.99] * 2]


def test_random_weights_get_inputs_from_minus_one_to_one() -> None:
    model = build("none")
    assert "imagenet_scale" not in [layer.name for layer in model.layers]
    grey = np.arange(256, dtype=np.float32).repeat(4).reshape(1, 32, 32, 1)
    fed = keras.Model(model.input, model.get_layer("three_channels").output).predict(grey, verbose=0)
    assert (fed.min(), fed.max()) == (-1, 1)
    np.testing.assert_array_equal(fed[..., 0], fed[..., 2])


def test_the_image_is_enlarged() -> None:
    assert build("none", side=16, upscale=3).get_layer("base").input_shape[1:3] == (48, 48)
    with pytest.raises(ModelError, match="small needs images of at least 32x32 pixels"):
        build("none", side=16)


def trained(model: keras.Model) -> set[str]:
    """Names of the base's layers that are trained."""
    return {layer.name for layer in model.get_layer("base").layers if layer.trainable_variables}


def test_the_head_alone(weights: str) -> None:
    model = build(weights)
    freeze(model, options(weights), head_only=True)
    assert trained(model) == set()
    assert len(model.trainable_variables) == 5, "dense kernel, its normalisation's two, the classifier's two"


def test_the_upper_part_without_its_batch_normalisation(weights: str) -> None:
    model = build(weights)
    freeze(model, options(weights, unfreeze_from="upper_conv"), head_only=False)
    assert trained(model) == {"upper_conv"}


def test_the_whole_base_without_its_batch_normalisation(weights: str) -> None:
    model = build(weights)
    freeze(model, options(weights), head_only=True)
    freeze(model, options(weights), head_only=False)
    assert trained(model) == {"lower_conv", "upper_conv"}


@pytest.mark.parametrize("head_only", [True, False])
def test_random_weights_are_all_trained(head_only: bool) -> None:
    model = build("none", unfreeze_from="upper_conv")
    freeze(model, options("none", unfreeze_from="upper_conv"), head_only=head_only)
    assert trained(model) == set(LAYERS)


@pytest.mark.parametrize("source", ["none", "file"])
def test_an_unknown_layer_is_an_error_that_lists_the_layers(weights: str, source: str) -> None:
    with pytest.raises(ModelError, match=r"models\.small\.network\.unfreeze_from: .*'block9'.*lower_conv.*upper_bn"):
        build("none" if source == "none" else weights, unfreeze_from="block9")


def test_invalid_options_are_errors() -> None:
    with pytest.raises(ConfigError, match=r"wieghts: unknown key\. Did you mean weights\? Allowed: weights, upscale"):
        check_options("vgg16", network("vgg16", wieghts="none"))
    with pytest.raises(ConfigError, match=r"models\.vgg16\.network\.upscale: .* Received: 0"):
        check_options("vgg16", network("vgg16", upscale=0))


def test_convnext_with_depthwise_layers_computes_the_same_as_that_of_keras(tmp_path: Path) -> None:
    keras.utils.set_random_seed(2)
    theirs = keras.applications.ConvNeXtTiny(include_top=False, weights=None, input_shape=(48, 48, 3))
    for weight in theirs.weights:  # the layer scales start at 1e-6, which would hide the convolutions
        if "layer_scale" in weight.path:
            weight.assign(np.full(weight.shape, 0.5, np.float32))
    theirs.save_weights(tmp_path / "convnext.weights.h5")
    model = build_network(
        "convnext_tiny", network("convnext_tiny", weights=str(tmp_path / "convnext.weights.h5"), upscale=1), 48, 7
    )
    base = model.get_layer("base")
    assert not [layer for layer in base.layers if isinstance(layer, keras.layers.Conv2D) and layer.groups > 1]
    colour = np.random.default_rng(1).integers(0, 256, (2, 48, 48, 3)).astype(np.float32)
    expected = np.asarray(theirs(colour))
    assert expected.std() > 0.1
    np.testing.assert_allclose(np.asarray(base(colour)), expected, atol=1e-4)
