"""Grad-CAM by hand, on every architecture, and the same on every backend."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from defaults import PARAMS
from ferflow.base.errors import ModelError
from ferflow.infer.grad_cam import grad_cam, last_spatial_layer

ROOT = Path(__file__).parents[2]


def faces(count: int, side: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side), dtype=np.uint8)


def small():
    """A network whose Grad-CAM can be computed by hand: channels, their means, and logits that are linear in these."""
    import keras

    image = keras.Input((8, 8, 1))
    features = keras.layers.Conv2D(2, 1, name="features", use_bias=True)(keras.layers.Rescaling(1 / 255)(image))
    pooled = keras.layers.GlobalAveragePooling2D()(features)
    model = keras.Model(image, keras.layers.Dense(3, activation="softmax")(pooled))
    model.get_layer("features").set_weights([np.array([[[[1.0, -1.0]]]]), np.array([0.0, 1.0])])
    model.layers[-1].set_weights([np.array([[2.0, 0.0, -1.0], [0.0, 1.0, 1.0]]), np.zeros(3)])
    return model


def test_it_is_the_weighted_sum_of_the_features() -> None:
    model, images = small(), faces(3, 8)
    predicted = np.array([0, 2, 1])
    layer = last_spatial_layer(model)
    assert layer.name == "features"
    found = grad_cam(model, layer, images, predicted)
    bright = images / 255
    features = np.stack([bright, 1 - bright], axis=-1)
    kernel = np.array([[2.0, 0.0, -1.0], [0.0, 1.0, 1.0]])
    # The gradient of a logit by the mean of a channel is its weight; the logits are centred on their mean.
    weights = (kernel - kernel.mean(axis=1, keepdims=True)).T[predicted]
    maps = np.maximum((features * weights[:, None, None, :]).sum(axis=-1), 0)
    expected = np.rint(255 * maps / maps.max(axis=(1, 2), keepdims=True))
    assert np.abs(found.astype(int) - expected).max() <= 1


def test_an_image_that_nothing_speaks_for_is_black() -> None:
    model = small()
    model.layers[-1].set_weights([np.array([[-1.0, 1.0, 0.0], [-1.0, 1.0, 0.0]]), np.zeros(3)])
    assert not grad_cam(model, last_spatial_layer(model), faces(2, 8), np.array([0, 0])).any()


def test_an_image_does_not_depend_on_the_others() -> None:
    model, images = small(), faces(4, 8)
    predicted = np.array([0, 1, 2, 0])
    layer = last_spatial_layer(model)
    together = grad_cam(model, layer, images, predicted)
    for row in range(4):
        alone = grad_cam(model, layer, images[row : row + 1], predicted[row : row + 1])
        assert np.abs(alone[0].astype(int) - together[row]).max() <= 1


def test_a_network_without_maps_is_refused() -> None:
    import keras

    image = keras.Input((4, 4, 1))
    model = keras.Model(image, keras.layers.Dense(2, activation="softmax")(keras.layers.Flatten()(image)))
    with pytest.raises(ModelError, match="no layer with spatial extent"):
        last_spatial_layer(model)


# The remaining ones of the zoo are built as one of these is: transferred networks within a network, and plain ones.
ARCHITECTURES = (
    *("cnn", "convnext_tiny", "ferflow_flash", "ferflow_net", "mini_xception", "resnet18_fer", "vgg16"),
    pytest.param("efficientnetv2_b0", marks=pytest.mark.slow),
    pytest.param("resnet50", marks=pytest.mark.slow),
)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_is_explained(architecture: str) -> None:
    from ferflow.train.architectures import build_network

    options = next(model["network"] for model in PARAMS["models"].values() if model["architecture"] == architecture)
    options = options | ({"weights": "none"} if "weights" in options else {})
    model = build_network(architecture, options, 48, 7)
    maps = grad_cam(model, last_spatial_layer(model), faces(2, 48), np.array([0, 3]))
    assert maps.shape == (2, 48, 48)
    assert maps.dtype == np.uint8
    assert maps.max() in (0, 255)


ON_BACKEND = """
import sys
import numpy as np
sys.path[:0] = [{tests!r}, {here!r}]
from test_infer_grad_cam import faces, last_spatial_layer, grad_cam, small
model = small()
maps = grad_cam(model, last_spatial_layer(model), faces(3, 8), np.array([0, 2, 1]))
np.save(sys.argv[1], maps)
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_every_backend_gives_the_same_maps(backend: str, tmp_path: Path) -> None:
    pytest.importorskip(backend)
    script = ON_BACKEND.format(tests=str(ROOT / "tests"), here=str(Path(__file__).parent))
    environment = {**os.environ, "KERAS_BACKEND": backend}
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "maps.npy")], check=True, env=environment)
    model = small()
    here = grad_cam(model, last_spatial_layer(model), faces(3, 8), np.array([0, 2, 1]))
    assert np.abs(np.load(tmp_path / "maps.npy").astype(int) - here).max() <= 1
