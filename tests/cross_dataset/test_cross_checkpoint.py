"""Networks of anyone's making: other formats, inputs, outputs and orders of classes; and files that are none."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cross_helpers import CODES, SIDE

from ferflow.base.errors import DataError, ModelError
from ferflow.base.files import write_json
from ferflow.cross_dataset.checkpoint import as_probabilities, load_checkpoint

Save = Callable[..., Path]
LEVELS = np.round(np.linspace(0, 255, 7)).astype(np.uint8)
GREYS = np.broadcast_to(LEVELS[:, None, None], (7, SIDE, SIDE))


def answers(network: object) -> list[int]:
    from ferflow.base.network import predict

    return as_probabilities(predict(network, np.array(GREYS)))[0].argmax(axis=1).tolist()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "pixels"),
    [
        ({}, "0..255"),
        ({"name": "model.h5"}, "0..255"),
        ({"name": "model.hdf5", "channels": 3}, "0..255"),
        ({"channels": 3, "top": 1.0}, "0..1"),
        ({"name": "model.h5", "bottom": -1.0, "top": 1.0}, "-1..1"),
        ({"activation": None}, "0..255"),
        ({"side": None}, "0..255"),
    ],
)  # fmt: skip
def test_the_answers_are_those_of_the_network(save_network: Save, options: dict[str, object], pixels: str) -> None:
    path = save_network(**options)
    side = SIDE if "side" in options else None
    network = load_checkpoint(path, CODES, pixels, side)  # type: ignore[arg-type]
    assert (network.side, network.classes) == (SIDE, CODES)
    assert network.model.input_shape[1:] == (SIDE, SIDE, 1)
    assert answers(network.model) == list(range(7))
    assert any("colour" in note for note in network.notes) == (options.get("channels") == 3)
    assert any("--pixels" in note for note in network.notes) == (pixels == "0..255")


def test_classes_stand_next_to_a_network_of_ours(save_network: Save) -> None:
    path = save_network()
    write_json(path.with_name("classes.json"), ["Anger", *CODES[1:]])
    network = load_checkpoint(path)
    assert network.classes == CODES
    assert network.notes == ()


@pytest.mark.parametrize(
    ("options", "classes", "message"),
    [
        ({}, None, r'has 7 outputs, and there is no classes.json next to it. .* --classes "angry disgust'),
        ({"classes": 10}, CODES, r"has 10 outputs, but --classes names 7 classes: angry disgust"),
        ({"classes": 10}, None, r"has 10 outputs, and there is no classes.json"),
        ({}, ("anger", "angry", *CODES[2:]), r"--classes names a class twice. Received: anger angry"),
        ({"side": None}, CODES, r"takes images of any size. Say which one to give it: --side 48"),
        ({"channels": 2}, CODES, r"with 1 or 3 channels. Received: an input of shape \(16, 16, 2\)"),
    ],
)
def test_networks_that_do_not_fit(
    save_network: Save, options: dict[str, object], classes: tuple[str, ...] | None, message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        load_checkpoint(save_network(**options), classes)


def test_another_side_than_the_networks(save_network: Save) -> None:
    with pytest.raises(ModelError, match=r"takes images of 16 pixels. Received: --side 48"):
        load_checkpoint(save_network(), CODES, side=48)


def test_networks_for_no_images(tmp_path: Path) -> None:
    import keras

    flat = keras.Sequential([keras.Input((2304,)), keras.layers.Dense(7)])
    flat.save(tmp_path / "flat.keras")
    with pytest.raises(ModelError, match=r"must take images .* Received: an input of shape \(2304,\)"):
        load_checkpoint(tmp_path / "flat.keras", CODES)
    image = keras.Input((8, 8, 1))
    keras.Model(image, keras.layers.Conv2D(3, 3)(image)).save(tmp_path / "maps.keras")
    with pytest.raises(ModelError, match=r"one output with a number for each class. .* shape \(6, 6, 3\)"):
        load_checkpoint(tmp_path / "maps.keras", CODES)
    keras.Model(image, [image, image]).save(tmp_path / "two.keras")
    with pytest.raises(ModelError, match="one output with a number for each class"):
        load_checkpoint(tmp_path / "two.keras", CODES)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("damage", ["text", "truncated", "empty"])
def test_files_that_are_no_network(save_network: Save, tmp_path: Path, suffix: str, damage: str) -> None:
    whole = save_network(f"model{suffix}").read_bytes()
    path = tmp_path / f"broken{suffix}"
    path.write_bytes({"text": b"hello, world\n" * 30, "truncated": whole[: len(whole) // 2], "empty": b""}[damage])
    with pytest.raises(ModelError, match=r"is not a Keras file|cannot be loaded by Keras"):
        load_checkpoint(path, CODES)


def test_a_zip_without_a_network_and_other_suffixes(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "zip.keras", "w") as archive:
        archive.writestr("config.json", json.dumps({"class_name": "Nothing", "config": {}, "module": "nowhere"}))
        archive.writestr("metadata.json", "{}")
    with pytest.raises(ModelError, match="cannot be loaded by Keras"):
        load_checkpoint(tmp_path / "zip.keras", CODES)
    (tmp_path / "net.pt").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"must be a file with the suffix .keras, .h5 or .hdf5. Received: .pt"):
        load_checkpoint(tmp_path / "net.pt", CODES)
    with pytest.raises(ModelError, match=r"is a folder. Give a .keras or .h5 file"):
        load_checkpoint(tmp_path, CODES)
    with pytest.raises(DataError, match=r"does not exist. Give the file of a network"):
        load_checkpoint(tmp_path / "none.keras", CODES)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_code_in_the_file_is_not_run(tmp_path: Path, suffix: str) -> None:
    import keras

    image = keras.Input((SIDE, SIDE, 1))
    harm = eval(
        f"lambda values: (open({str(tmp_path / 'ran')!r}, 'w'), values)[1]"
    )  # of this alone, Keras stores the code
    hidden = keras.layers.Lambda(harm, output_shape=(SIDE, SIDE, 1))(image)
    network = keras.Model(image, keras.layers.Dense(7)(keras.layers.Flatten()(hidden)))
    path = tmp_path / f"lambda{suffix}"
    network.save(path)
    (tmp_path / "ran").unlink(missing_ok=True)
    with pytest.raises(ModelError, match="brings Python code along, such as a Lambda layer, which is not run"):
        load_checkpoint(path, CODES)
    assert not (tmp_path / "ran").exists()


def test_outputs_become_probabilities() -> None:
    even = np.array([[0.25, 0.75], [0.5, 0.5]], np.float32)
    assert as_probabilities(even) == (pytest.approx(even), "")
    scores, note = as_probabilities(np.array([[0.2, 0.2], [0.9, 0.3]], np.float32))
    assert scores == pytest.approx(np.array([[0.5, 0.5], [0.75, 0.25]]))
    assert "divided by their sum" in note
    logits, note = as_probabilities(np.array([[0.0, np.log(3)], [-1000, 1000]], np.float32))
    assert logits == pytest.approx(np.array([[0.25, 0.75], [0.0, 1.0]]))
    assert "logits" in note
    with pytest.raises(ModelError, match=r"NaN or infinity to 1 of 2 images"):
        as_probabilities(np.array([[np.nan, 1], [0, 1]], np.float32))
