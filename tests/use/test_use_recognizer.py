"""Three lines of Python: pictures in, typed answers out, from every source of networks."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ferflow
from ferflow.base.errors import ModelError
from ferflow.use import model_source
from ferflow.use.card_file import CropTemplate
from ferflow.use.crop import place, places
from ferflow.use.face import Box, Face, Rgb
from ferflow.use.model_source import find_network
from ferflow.use.picture import PictureError
from ferflow.use.recognizer import Recognizer
from made_network import CLASSES, drawn_faces, scene, write_network

HAPPY, SAD = CLASSES.index("happy"), CLASSES.index("sad")


@pytest.mark.parametrize(
    ("angle", "side", "place"), [(0, 150, (200, 150)), (15, 220, (30, 60)), (-12, 180, (300, 200)), (8, 110, (500, 9))]
)
def test_a_face_gets_its_answer_wherever_however_large_and_tilted_it_is(
    recognizer: Recognizer, angle: float, side: int, place: tuple[int, int]
) -> None:
    for index in (HAPPY, SAD, CLASSES.index("angry")):
        [found] = recognizer(scene([drawn_faces()[index]], side=side, angle=angle, places=(place,)))
        assert found.answer == CLASSES[index]
        assert found.confidence == max(found.probabilities.values())


def test_a_result_is_typed_and_adds_up(recognizer: Recognizer) -> None:
    results = recognizer(scene(drawn_faces()[:4]))
    assert [len(results), *(tuple(each.probabilities) for each in results)] == [4, *[CLASSES] * 4]
    for each in results:
        assert sum(each.probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert isinstance(each.box, Box)
        assert each.score is not None
        assert 0.7 <= each.score <= 1
        assert each.landmarks is not None
        assert each.landmarks.shape == (5, 2)
    assert [each.score for each in results] == sorted((each.score for each in results), reverse=True)  # type: ignore[type-var]


def test_a_picture_is_a_path_bytes_pillow_or_an_array(recognizer: Recognizer, tmp_path: Path) -> None:
    photo = scene([drawn_faces()[HAPPY]])
    file = tmp_path / "photo.png"
    Image.fromarray(photo).save(file)
    [expected] = recognizer(photo)
    for source in (file, str(file), file.read_bytes(), Image.open(file), photo[:, :, 0], photo[:, :, :1]):
        [found] = recognizer(source)
        assert found.probabilities == expected.probabilities
        assert found.box == expected.box


def test_colour_is_rgb_unless_bgr_is_said(recognizer: Recognizer) -> None:
    photo = scene([drawn_faces()[HAPPY]])
    photo[:, :, 0] //= 2  # blue light
    [rgb], [bgr] = recognizer(photo), recognizer(np.ascontiguousarray(photo[:, :, ::-1]), bgr=True)
    assert rgb.probabilities == bgr.probabilities
    [wrong] = recognizer(np.ascontiguousarray(photo[:, :, ::-1]))
    assert wrong.probabilities != rgb.probabilities


def test_a_picture_without_a_face_gives_an_empty_list(recognizer: Recognizer) -> None:
    assert recognizer(np.full((90, 90, 3), 200, np.uint8)) == []


def test_a_batch_is_each_picture_by_itself_and_names_the_one_that_fails(recognizer: Recognizer) -> None:
    photos = [scene(drawn_faces()[:2]), scene([]), scene([drawn_faces()[SAD]])]
    found = recognizer.batch(photos)
    assert [len(each) for each in found] == [2, 0, 1]
    assert found[2][0].probabilities == recognizer(photos[2])[0].probabilities
    with pytest.raises(PictureError, match="picture 1: not a picture"):
        recognizer.batch([photos[0], b"nonsense"])


def test_crops_are_answered_without_a_search(network_folder: Path, recognizer: Recognizer) -> None:
    faces = drawn_faces()
    known = Recognizer(network_folder.parent / "first")
    assert [each.answer for each in known.faces(faces)] == list(CLASSES)
    assert [each.answer for each in known.faces(Image.fromarray(face).resize((96, 96)) for face in faces)] == list(
        CLASSES
    )
    assert known.faces(faces[:1])[0].box is None
    assert known.faces([]) == []
    many = np.concatenate([faces] * 20)  # more than one batch of the network
    assert [each.answer for each in known.faces(many)] == list(CLASSES) * 20


class Middle:
    """A detector without landmarks, which always finds a face in the middle and one without a size."""

    def detect(self, image: Rgb) -> list[Face]:
        height, width = image.shape[:2]
        side = 1.02 * 150
        return [Face(Box((width - side) / 2, (height - side) / 2, side, side), 1.0), Face(Box(3, 3, 0, 0), 0.5)]


def test_another_detector_can_be_plugged_in(network_folder: Path) -> None:
    recognizer = Recognizer(network_folder.parent / "first", detector=Middle())
    photo = scene([drawn_faces()[SAD]], places=((245, 165),))
    [found] = recognizer(photo)
    assert found.answer == "sad"
    assert found.landmarks is None


class Confused:
    """A detector whose landmarks fit no face of any size, so that the best fit is 100,000 pixels wide."""

    def detect(self, image: Rgb) -> list[Face]:
        face = places(CropTemplate.default()) @ [1, 1j]
        face -= face.mean()
        other = np.array([1, -1, 2j, 3, -2j]) - 0.6
        other -= face * (face.conj() @ other) / (face.conj() @ face)
        points = 200 + 150j + 20 * other + face * (abs(other) ** 2).sum() / (abs(face) ** 2).sum() / 250
        landmarks = np.stack([points.real, points.imag], 1).astype(np.float32)
        return [replace(found, landmarks=landmarks) for found in Middle().detect(image)]


def test_landmarks_that_fit_no_face_leave_the_box(network_folder: Path) -> None:
    photo = scene([drawn_faces()[SAD]], places=((245, 165),))
    [confused] = Recognizer(network_folder.parent / "first", detector=Confused())(photo)
    [boxed] = Recognizer(network_folder.parent / "first", detector=Middle())(photo)
    assert abs(place(Confused().detect(photo)[0], CropTemplate.default()).axis) > 10_000
    assert confused.probabilities == boxed.probabilities


def test_ferflow_offers_it_at_the_top(network_folder: Path) -> None:
    assert ferflow.Recognizer is Recognizer
    with pytest.raises(AttributeError, match="no attribute 'Recogniser'"):
        _ = ferflow.Recogniser  # type: ignore[attr-defined]


def test_a_file_other_than_the_cards_is_refused_with_both_hashes(tmp_path: Path) -> None:
    folder = write_network(tmp_path / "net", drawn_faces())
    stated = json.loads((folder / "card.json").read_text())["files"]["model.onnx"]["sha256"]
    with (folder / "model.onnx").open("ab") as handle:
        handle.write(b"\0")
    with pytest.raises(ModelError, match=rf"is not the file that card.json describes: SHA-256 is \w+, .*{stated}"):
        Recognizer(folder)
    (folder / "model.onnx").unlink()
    with pytest.raises(ModelError, match=r"model.onnx cannot be read \(No such file"):
        Recognizer(folder)


def test_a_file_is_chosen_by_name(network_folder: Path) -> None:
    assert Recognizer(network_folder, file="model.onnx").network.file == "model.onnx"
    with pytest.raises(ModelError, match=r"has no ONNX file 'model.int8.onnx'. Its card lists: model.onnx\."):
        Recognizer(network_folder, file="model.int8.onnx")


def test_a_card_of_a_later_version_asks_for_an_update(tmp_path: Path) -> None:
    folder = write_network(tmp_path / "net", drawn_faces(), format=2, novelty=True)
    with pytest.raises(ModelError, match="Update ferflow"):
        Recognizer(folder)


def test_default_is_the_network_that_is_shipped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(model_source, "SHIPPED", tmp_path / "data")
    with pytest.raises(ModelError, match=r"has no default network.*ferflow export --out DIR.*make default-model"):
        Recognizer()
    write_network(tmp_path / "data", drawn_faces(), name="small")
    assert Recognizer().card.name == "small"


def test_what_is_no_network_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere is not a folder. A network is `default`, a folder"):
        find_network("nowhere")
    with pytest.raises(ModelError, match=r"is not an export folder: card\.json cannot be read"):
        Recognizer(tmp_path)
