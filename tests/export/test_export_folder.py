"""The export folder: what it holds is what its card says, and only files that are good enough are in it."""

import json
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from export_helpers import CLASSES, answers, faces, network_of, save_network

from defaults import section
from ferflow.base.arrays import Split, write_split
from ferflow.base.errors import ConfigError, ModelError
from ferflow.base.files import write_json
from ferflow.base.hashing import sha256
from ferflow.export import folder as folder_module
from ferflow.export.checks import power_of_ten, run_onnx
from ferflow.export.folder import Origin, export, served_views
from ferflow.export.litert import run_litert
from ferflow.export.quantize import quantize
from ferflow.scoring.temperature import calibrate
from ferflow.ui.export_command import _check_folder
from ferflow.use.card_file import CARD, FLOAT, INT8, LITERT, Card, read_card

SETTINGS = {"template_images": 3, "calibration_images": 32, "min_same_answers": 0.8, "max_accuracy_loss": 0.2}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Prepared images; most labels are the network's answers, so that accuracy and temperature mean something."""
    path = tmp_path_factory.mktemp("prepared")
    rng = np.random.default_rng(3)
    for seed, (name, images) in enumerate({"train": 40, "validation": 150, "test": 90}.items()):
        pixels = faces(images, 48, seed)
        right = answers(network_of("ferflow_flash"), pixels).argmax(axis=1)
        labels = np.where(rng.random(images) < 0.7, right, rng.integers(0, 7, images)).astype(np.int64)
        index = pd.DataFrame({"id": [str(n) for n in range(images)], "subset": "", "group": range(images)})
        write_split(path, name, Split(pixels, labels, index.assign(copy_in_train=False), CLASSES[:7]))
    write_json(path / "classes.json", list(CLASSES[:7]))
    return path


def exported(network: Path, data: Path, out: Path, **changes: object) -> Card:
    return export(
        Origin("flash", network, "drawn", "MIT"),
        data=data,
        out=out,
        views="flip",
        confidence=0.95,
        settings=section("export", **{**SETTINGS, **changes}),
    )


@pytest.fixture(scope="module")
def network(tmp_path_factory) -> Path:
    return save_network(network_of("ferflow_flash"), tmp_path_factory.mktemp("network"))


@pytest.fixture(scope="module")
def out(network, data, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("export") / "out"
    exported(network, data, path)
    return path


def test_the_card_describes_the_files(out, network, data):
    card = read_card(out)
    assert {path.name for path in out.iterdir()} == {CARD, FLOAT, INT8, LITERT} == {CARD, *card.files}
    for name, file in card.files.items():
        assert (file.bytes, file.sha256) == ((out / name).stat().st_size, sha256(out / name))
    assert card.fingerprint == sha256(network)
    assert (card.classes, card.side, card.views) == (CLASSES[:7], 48, "flip")
    assert [card.files[name].precision for name in (FLOAT, INT8, LITERT)] == ["float32", "int8", "float32"]


def test_stated_accuracy_is_that_of_the_file(out, data):
    labels, pixels = np.load(data / "test_labels.npy"), np.load(data / "test_images.npy")
    for name, file in read_card(out).files.items():
        found = run_litert(out / name, pixels, 64) if name == LITERT else run_onnx(out / name, pixels)
        stated = file.sets["test"]
        assert stated.accuracy == pytest.approx((found.argmax(axis=1) == labels).mean(), abs=1e-6)
        assert stated.low < stated.accuracy < stated.high
        assert stated.images == 90


def test_the_files_answer_with_calibrated_probabilities_of_both_views(out):
    card, pixels = read_card(out), faces(10, 48, seed=9)
    mean = (answers(network_of("ferflow_flash"), pixels) + answers(network_of("ferflow_flash"), pixels[:, :, ::-1])) / 2
    expected = calibrate(mean, card.temperature)
    np.testing.assert_allclose(run_onnx(out / FLOAT, pixels), expected, atol=1e-4)
    np.testing.assert_allclose(run_litert(out / LITERT, pixels, 4), expected, atol=1e-4)
    assert card.files[FLOAT].max_difference <= 1e-4
    assert card.temperature != 1.0


def test_same_network_same_bytes(out, network, data, tmp_path):
    exported(network, data, tmp_path / "again")
    assert {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()} == {
        path.name: path.read_bytes() for path in out.iterdir()
    }


def test_the_gate_refuses_an_8_bit_file_that_answers_otherwise(network, data, tmp_path, monkeypatch):
    def damaged(source, target, images):
        """Quantize the network with its last weights in another order, as a broken conversion would."""
        import onnx
        from onnx import numpy_helper

        model = onnx.load(source)
        tensor = next(tensor for tensor in model.graph.initializer if tensor.name == "logits_kernel")
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor)[:, ::-1].copy(), tensor.name))
        broken = tmp_path / "broken.onnx"
        onnx.save(model, broken)
        quantize(broken, target, images)

    monkeypatch.setattr(folder_module, "quantize", damaged)
    monkeypatch.setattr(folder_module, "can_write_litert", lambda: False)
    card = exported(network, data, tmp_path / "out", default="int8", min_same_answers=0.95)
    assert INT8 not in card.files
    assert not (tmp_path / "out" / INT8).exists()
    assert "not good enough" in card.left_out[INT8]
    assert "export.min_same_answers is 95 %" in card.left_out[INT8]
    assert card.default == FLOAT
    assert "TensorFlow" in card.left_out[LITERT]


def test_a_file_that_does_not_answer_as_keras_does_leaves_no_folder(network, data, tmp_path, monkeypatch):
    monkeypatch.setattr(folder_module, "run_keras", lambda model, images, views: np.full((len(images), 7), 1 / 7))
    with pytest.raises(ModelError, match=r"model\.onnx of flash does not answer as Keras does"):
        exported(network, data, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_network_of_other_classes_is_refused(data, tmp_path):
    other = save_network(network_of("ferflow_flash", 8), tmp_path)
    with pytest.raises(ModelError, match=r"has 8 classes, but the prepared data has .* 7 classes"):
        exported(other, data, tmp_path / "out")


def test_a_network_in_half_precision_is_exported_in_full(data, tmp_path):
    twin = keras.models.clone_model(
        network_of("ferflow_flash"),
        clone_function=lambda layer: type(layer).from_config({**layer.get_config(), "dtype": "mixed_bfloat16"}),
    )
    twin.set_weights(network_of("ferflow_flash").get_weights())
    with pytest.raises(ModelError, match=r"raise export\.max_difference"):
        exported(save_network(twin, tmp_path), data, tmp_path / "out", max_difference=1e-6)


@pytest.mark.parametrize(("measured", "served"), [("single", "single"), ("flip", "flip"), ("ten_crop", "flip")])
def test_views_of_a_device(measured, served):
    assert served_views(measured) == served


@pytest.mark.parametrize(("value", "rounded"), [(3e-7, 1e-6), (1e-6, 1e-6), (0.0, 1e-9), (0.02, 0.1)])
def test_differences_are_rounded_up(value, rounded):
    assert power_of_ten(value) == rounded


def test_the_command_does_not_replace_a_folder_of_other_things(tmp_path, out):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigError, match="holds other files"):
        _check_folder(tmp_path)
    with pytest.raises(ConfigError, match="must be a folder"):
        _check_folder(tmp_path / "thesis.txt")
    _check_folder(out)
    _check_folder(tmp_path / "new")


def changed_card(out: Path, tmp_path: Path, **changes: object) -> Path:
    write_json(tmp_path / CARD, {**json.loads((out / CARD).read_text()), **changes})
    return tmp_path


def test_a_card_of_a_later_version_says_so(out, tmp_path):
    with pytest.raises(ModelError, match=r"format 2.*Update ferflow"):
        read_card(changed_card(out, tmp_path, format=2, news="more"))
    with pytest.raises(ModelError, match="Update ferflow"):
        read_card(changed_card(out, tmp_path, format=2))


def test_a_damaged_card_names_the_fault(out, tmp_path):
    with pytest.raises(ModelError, match=r"card\.json is invalid: temperature: .* greater than 0.*ferflow export"):
        read_card(changed_card(out, tmp_path, temperature=-1))
    with pytest.raises(ModelError, match="is not an export folder"):
        read_card(tmp_path / "nowhere")
