"""ONNX files answer as Keras does, for every architecture."""

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from export_helpers import CLASSES, answers, faces, network_of, side_of
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from ferflow.base.errors import ModelError
from ferflow.export.checks import run_onnx
from ferflow.export.fold import fold
from ferflow.export.onnx_file import write_onnx
from ferflow.export.onnx_graph import OPSET
from ferflow.export.quantize import quantize
from ferflow.export.trace import trace
from ferflow.scoring.temperature import calibrate
from ferflow.train.architectures import architectures


def write(path, model, classes=7, views="flip", temperature=1.3):
    write_onnx(path, fold(trace(model)), side_of(model), CLASSES[:classes], views, temperature)
    return path


def operators(path) -> list[str]:
    return [node.op_type for node in onnx.load(path).graph.node]


@pytest.mark.parametrize("name", architectures())
def test_every_architecture_answers_as_keras_does(name, tmp_path):
    classes = 8 if name in ("ferflow_flash", "mini_xception", "resnet50") else 7
    model = network_of(name, classes)
    images = faces(5, side_of(model))
    path = write(tmp_path / "model.onnx", model, classes)
    mean = (answers(model, images) + answers(model, images[:, :, ::-1])) / 2
    np.testing.assert_allclose(run_onnx(path, images), calibrate(mean, 1.3), atol=1e-4)
    assert onnx.load(path).opset_import[0].version == OPSET >= 17


def test_the_file_of_flash_is_convolutions_relu_and_pooling(tmp_path):
    path = write(tmp_path / "model.onnx", network_of("ferflow_flash"), views="single", temperature=1.0)
    body = ["Conv", "Relu", *(["Conv", "Relu", "MaxPool", "Conv", "Relu"] * 3)]
    assert operators(path) == ["Cast", "Unsqueeze", "Add", *body, "GlobalMaxPool", "Flatten", "Gemm", "Softmax"]


@pytest.mark.parametrize("views", ["single", "flip"])
def test_views_and_temperature_are_part_of_the_file(views, tmp_path):
    model, images = network_of("ferflow_flash"), faces(6, 48)
    path = write(tmp_path / "model.onnx", model, views=views, temperature=2.5)
    shown = [images] if views == "single" else [images, images[:, :, ::-1]]
    mean = np.mean([answers(model, view) for view in shown], axis=0)
    found = run_onnx(path, images)
    np.testing.assert_allclose(found, calibrate(mean, 2.5), atol=1e-5)
    if views == "flip":
        np.testing.assert_allclose(found, run_onnx(path, images[:, :, ::-1]), atol=1e-6)


def test_same_network_same_bytes(tmp_path):
    model = network_of("mini_xception")
    first, second = (write(tmp_path / f"{number}.onnx", model) for number in (1, 2))
    assert first.read_bytes() == second.read_bytes()
    quantize(first, tmp_path / "a.onnx", faces(16, 48))
    quantize(second, tmp_path / "b.onnx", faces(16, 48))
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    path = write(tmp_path_factory.mktemp("onnx") / "model.onnx", network_of("ferflow_flash"))
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


@settings(max_examples=25, deadline=None)
@given(batch=st.integers(1, 70), seed=st.integers(0, 2**16))
def test_an_answer_does_not_depend_on_the_rest_of_the_batch(session, batch, seed):
    images = faces(batch, 48, seed)
    (whole,) = session.run(None, {"faces": images})
    one = seed % batch
    (alone,) = session.run(None, {"faces": images[one : one + 1]})
    assert whole.shape == (batch, 7)
    np.testing.assert_allclose(whole[one], alone[0], atol=1e-5)
    np.testing.assert_allclose(whole.sum(axis=1), 1, atol=1e-5)


def test_the_file_names_its_classes(session):
    notes = session.get_modelmeta().custom_metadata_map
    assert notes["classes"] == '["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]'
    assert notes["views"] == '"flip"'


def test_eight_bits_keep_most_answers(tmp_path):
    model = network_of("ferflow_flash")
    source = write(tmp_path / "model.onnx", model)
    quantize(source, tmp_path / "model.int8.onnx", faces(64, 48, seed=5))
    images = faces(200, 48)
    exact, small = run_onnx(source, images), run_onnx(tmp_path / "model.int8.onnx", images)
    assert (exact.argmax(axis=1) == small.argmax(axis=1)).mean() > 0.9
    assert (tmp_path / "model.int8.onnx").stat().st_size < source.stat().st_size / 2
    # The first convolution and the last dense layer stay exact: their weights are no integers.
    graph = onnx.load(tmp_path / "model.int8.onnx").graph
    floats = {tensor.name for tensor in graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT}
    assert {"whitening_kernel", "logits_kernel"} <= floats
    assert "block1_conv1_kernel" not in floats


LAYERS = {
    "same padding, stride 2, dilation": lambda x: layers.Conv2D(3, 3, padding="same", dilation_rate=2)(
        layers.Conv2D(2, 4, strides=2, padding="same", activation="gelu")(x)
    ),
    "grouped": lambda x: layers.Conv2D(4, 3, groups=2)(layers.Conv2D(2, 1)(x)),
    "depthwise with a multiplier": lambda x: layers.DepthwiseConv2D(3, depth_multiplier=2, activation="silu")(
        layers.Conv2D(2, 1)(x)
    ),
    "average pooling at an odd edge": lambda x: layers.AveragePooling2D(3, strides=2, padding="same")(x),
    "padding and enlargement": lambda x: layers.UpSampling2D(2, interpolation="bilinear")(
        layers.ZeroPadding2D(((1, 2), (0, 3)))(x)
    ),
    "nearest enlargement": lambda x: layers.UpSampling2D(3)(x),
    "layer normalization": lambda x: layers.LayerNormalization(epsilon=1e-3)(layers.Conv2D(5, 1)(x)),
    "limited and leaky": lambda x: layers.LeakyReLU(0.1)(layers.ReLU(max_value=6)(layers.Rescaling(0.1, -5.0)(x))),
    "merged": lambda x: layers.Multiply()([layers.Concatenate()([x, x]), layers.Conv2D(2, 1)(x)]),
    "normalization with statistics": lambda x: layers.Normalization(mean=[100.0], variance=[400.0])(x),
    "reshaped": lambda x: layers.Reshape((1, 1, 144))(x),
    "on each pixel": lambda x: layers.Dense(3, activation="tanh")(x),
}


@pytest.mark.parametrize("case", LAYERS)
def test_options_of_layers(case, tmp_path):
    image = keras.Input((12, 12, 1))
    x = layers.Flatten()(LAYERS[case](layers.Rescaling(1 / 255)(image)))
    model = keras.Model(image, layers.Dense(7, activation="softmax")(x))
    images = faces(3, 12)
    path = write(tmp_path / "model.onnx", model, views="single", temperature=1.0)
    np.testing.assert_allclose(run_onnx(path, images), answers(model, images), atol=1e-4)


def test_an_unknown_layer_is_named(tmp_path):
    image = keras.Input((8, 8, 1))
    x = layers.GlobalAveragePooling2D()(layers.GroupNormalization(1, name="grouped")(image))
    model = keras.Model(image, layers.Dense(7, activation="softmax")(x))
    with pytest.raises(ModelError, match=r"Layer grouped cannot be written as ONNX.*Received: GroupNormalization"):
        write(tmp_path / "model.onnx", model)
    assert list(tmp_path.iterdir()) == []
