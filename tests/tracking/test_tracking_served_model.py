"""What is served is what is measured: the registered model's own code against that of the evaluation."""

import base64
import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ferflow.infer.ten_crops import at_side, crop_side
from ferflow.infer.views import predict_views
from ferflow.scoring.temperature import calibrate
from ferflow.ui.tracking.served_model import FaceClassifier, InvalidFacesError, as_faces
from ferflow.use.picture import read_picture, to_grey

CLASSES = ["angry", "happy", "sad"]
SIDE = 24


def faces(count: int = 7) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, SIDE, SIDE), dtype=np.uint8)


@pytest.fixture(scope="module", params=[False, True], ids=["any side", "one side"])
def network(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a saved network, whose features are averaged or flattened."""
    import keras

    keras.utils.set_random_seed(1)
    image = keras.Input((SIDE, SIDE, 1))
    x = keras.layers.Conv2D(4, 3, activation="relu")(keras.layers.Rescaling(1 / 255)(image))
    x = (keras.layers.Flatten if request.param else keras.layers.GlobalAveragePooling2D)()(x)
    model = keras.Model(image, keras.layers.Dense(len(CLASSES), activation="softmax")(x))
    folder = tmp_path_factory.mktemp("network")
    model.save(folder / "model.keras")
    (folder / "classes.json").write_text(json.dumps(CLASSES))
    return folder


def encoded(picture: Image.Image, format: str) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format)
    return buffer.getvalue()


def served(folder: Path, **config: Any) -> FaceClassifier:
    paths = {"network": str(folder / "model.keras"), "classes": str(folder / "classes.json")}
    model = FaceClassifier()
    model.load_context(SimpleNamespace(artifacts=paths, model_config={"backend": "tensorflow", **config}))
    return model


@pytest.mark.parametrize("views", ["single", "flip", "ten_crop"])
@pytest.mark.parametrize("temperature", [1.0, 1.7])
def test_it_answers_as_the_evaluation_measures(network: Path, views: str, temperature: float) -> None:
    import keras

    model = keras.saving.load_model(network / "model.keras")
    measured = predict_views(model, faces(), views, 4, "test")
    expected = measured if temperature == 1.0 else calibrate(measured, temperature)
    found = served(network, views=views, temperature=temperature).predict(None, faces())
    assert list(found.columns) == CLASSES
    assert np.allclose(found.to_numpy(), expected, atol=1e-6)
    assert np.allclose(found.sum(axis=1), 1, atol=1e-5)


def test_the_ten_crops_of_the_two_kinds_of_networks_are_both_covered(network: Path) -> None:
    import keras

    model = keras.saving.load_model(network / "model.keras")
    one_side = "flatten" in " ".join(layer.name for layer in model.layers)
    assert (at_side(model, crop_side(SIDE)) is None) == one_side
    assert (served(network, views="ten_crop").cropped is None) == one_side


def test_the_temperature_does_not_hide_a_network_without_probabilities(network: Path) -> None:
    model = served(network, views="single", temperature=2.0)
    model.network.layers[-1].activation = lambda logits: logits
    assert not np.allclose(model.predict(None, faces()).sum(axis=1), 1, atol=1e-2)


@pytest.mark.parametrize(
    ("format", "mode", "size"),
    [
        ("PNG", "L", 24),
        ("PNG", "RGB", 60),
        ("PNG", "RGBA", 24),
        ("PNG", "P", 24),
        ("JPEG", "L", 48),
        ("WEBP", "RGB", 24),
    ],
)
def test_a_file_in_base64_is_read_as_the_recognizer_reads_it(network: Path, format: str, mode: str, size: int) -> None:
    pictures = [Image.fromarray(face).resize((size, size)).convert(mode) for face in faces(2)]
    files = [encoded(picture, format) for picture in pictures]
    greys = [Image.fromarray(to_grey(read_picture(file))) for file in files]
    expected = np.stack([np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.LANCZOS)) for grey in greys])
    texts = [base64.b64encode(file).decode() for file in files]
    assert np.array_equal(as_faces(texts, SIDE)[..., 0], expected)
    assert np.array_equal(as_faces(np.array(texts), SIDE)[..., 0], expected)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("not base64!", "Face 0 is not in base64"),
        ("", "0 bytes, cannot be read"),
        (
            base64.b64encode(b"GIF89a" + bytes(50)).decode(),
            "Face 0, 56 bytes, cannot be read as a PNG, JPEG or WebP file",
        ),
        (base64.b64encode(encoded(Image.new("I;16", (24, 24)), "PNG")).decode(), "24x24 pixels of mode I;16"),
        (base64.b64encode(encoded(Image.new("1", (5001, 5000)), "PNG")).decode(), "5001x5000 pixels"),
    ],
)
def test_a_file_that_is_no_picture_is_refused(text: str, says: str) -> None:
    with pytest.raises(InvalidFacesError, match=says):
        as_faces([text], SIDE)


def test_files_and_pixels_do_not_mix() -> None:
    with pytest.raises(InvalidFacesError, match="not of one size"):
        as_faces([faces(1)[0].tolist(), base64.b64encode(b"").decode()], SIDE)


def test_no_faces_and_wrong_faces(network: Path) -> None:
    model = served(network, views="ten_crop", temperature=1.7)
    assert model.predict(None, faces()[:0]).shape == (0, 3)
    with pytest.raises(InvalidFacesError, match="invalid shape"):
        model.predict(None, faces()[:, :8])
