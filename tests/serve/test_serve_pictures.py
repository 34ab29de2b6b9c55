import io

import httpx
import numpy as np
import pytest
from PIL import Image
from serve_helpers import MEDIA, encoded, picture, send, send_form

from ferflow.use.recognizer import Recognizer
from made_network import drawn_faces, scene


@pytest.mark.parametrize("format", MEDIA)
def test_each_format_is_answered_as_by_python(service: httpx.Client, recognizer: Recognizer, format: str) -> None:
    content = picture(format)
    response = send(service, content, MEDIA[format])
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    (answer,) = response.json()["pictures"]
    assert (answer["width"], answer["height"], answer["error"]) == (640, 480, None)
    expected = recognizer(content)
    assert [face["answer"] for face in answer["faces"]] == [face.answer for face in expected] != []
    for face, other in zip(answer["faces"], expected, strict=True):
        assert list(face["box"].values()) == pytest.approx(other.box, abs=0.01)
        assert face["probabilities"] == pytest.approx(other.probabilities, abs=1e-6)
        assert sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-5)


def test_several_pictures_of_a_form_are_answered_in_order(service: httpx.Client) -> None:
    files = [
        ("two.jpg", picture(), "image/jpeg"),
        ("broken.png", picture("PNG")[:500], "image/png"),
        ("none.webp", picture("WEBP", 0), "image/webp"),
    ]
    response = send_form(service, files)
    assert response.status_code == 200
    two, broken, none = response.json()["pictures"]
    assert [answer["name"] for answer in (two, broken, none)] == ["two.jpg", "broken.png", "none.webp"]
    assert (len(two["faces"]), two["error"]) == (2, None)
    assert (broken["error"]["code"], broken["faces"]) == ("damaged", [])
    assert (none["error"], none["faces"]) == (None, [])


@pytest.mark.parametrize("type", [None, "application/octet-stream", "image/jpg", "IMAGE/JPEG; q=1"])
def test_the_type_may_be_left_out_or_spelled_otherwise(service: httpx.Client, type: str | None) -> None:
    assert len(send(service, picture(), type).json()["pictures"][0]["faces"]) == 2


def test_a_file_above_a_megabyte_is_answered_from_memory(recognizer: Recognizer, service: httpx.Client) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    content = encoded(noise, "PNG")
    assert len(content) > 300_000
    assert send_form(service, [("noise.png", content, "image/png")]).status_code == 200


def test_a_picture_is_turned_upright(service: httpx.Client) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held so that the picture has to be turned by 90 degrees clockwise
    buffer = io.BytesIO()
    upright = Image.fromarray(scene(list(drawn_faces()[:1])))
    upright.transpose(Image.Transpose.ROTATE_90).save(buffer, "JPEG", exif=exif)
    (answer,) = send(service, buffer.getvalue()).json()["pictures"]
    assert (answer["width"], answer["height"], len(answer["faces"])) == (640, 480, 1)


def test_faces_beyond_the_limit_are_counted(service: httpx.Client) -> None:
    (answer,) = send(service, picture(faces=4)).json()["pictures"]
    scores = [face["score"] for face in answer["faces"]]
    assert (len(scores), answer["faces_left_out"]) == (3, 1)
    assert scores == sorted(scores, reverse=True)


def test_health_version_and_counters(service: httpx.Client, recognizer: Recognizer) -> None:
    assert service.get("/health").json() == {"status": "ok"}
    version = service.get("/version").json()
    card = recognizer.card
    assert version["model"] == {
        "name": card.name,
        "dataset": card.dataset,
        "fingerprint": card.fingerprint,
        "file": "model.onnx",
    }
    assert version["sha256"] == card.files["model.onnx"].sha256
    assert (version["limits"]["max_pictures"], version["accuracy"]["test"]) == (3, 0.9)
    before = service.get("/metrics").text
    send(service, picture())
    send(service, b"no picture")
    after = service.get("/metrics").text

    def grown(line: str) -> float:
        return _value(after, line) - _value(before, line)

    assert grown('ferflow_requests_total{status="200"}') == 1
    assert grown('ferflow_requests_total{status="415"}') == 1
    assert grown('ferflow_pictures_total{outcome="ok"}') == 1
    assert grown('ferflow_pictures_total{outcome="unsupported_type"}') == 1
    assert sum(grown(f'ferflow_faces_total{{answer="{name}"}}') for name in card.classes) == 2
    assert _value(after, "ferflow_requests_running") == 0


def _value(text: str, name: str) -> float:
    return next((float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"{name} ")), 0.0)
