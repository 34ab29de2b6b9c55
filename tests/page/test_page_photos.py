"""Photographs in the browser: the same faces and probabilities as in Python, and nobody else is asked anything."""

from pathlib import Path

import numpy as np
import pytest
from page_in_browser import OpenPage
from PIL import Image

from ferflow.use.recognizer import Recognizer
from ferflow.use.yunet import YuNet
from made_network import drawn_faces, scene


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Faces upright, tilted and large, some beyond the edge, a bare crop, and a colour photograph on its side."""
    faces, folder = drawn_faces(), tmp_path_factory.mktemp("photos")
    pictures = {
        "upright.png": scene(faces[:4]),
        "tilted.png": scene(faces[3:], angle=17),
        "edge.png": scene(faces[2:4], side=200, places=((-20, -15), (500, 300))),
        "large.png": scene(
            faces[1:5], side=470, size=(1700, 1230), places=((80, 60), (950, 70), (90, 690), (940, 650))
        ),
        "crop.png": np.repeat(faces[3][:, :, None], 3, axis=2),
    }
    for name, picture in pictures.items():
        Image.fromarray(picture).save(folder / name)
    tint = scene(faces[:2]).astype(float) * (1.0, 0.85, 0.7)
    side = Image.fromarray(tint.astype(np.uint8)).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    side.save(folder / "camera, on its side.png", exif=exif)
    clear = Image.fromarray(scene(faces[5:7])).convert("RGBA")
    clear.putalpha(Image.fromarray(np.where(np.arange(480)[:, None] < 470, 255, 0).repeat(640, 1).astype(np.uint8)))
    clear.save(folder / "transparent.png")
    return sorted(folder.iterdir())


def test_the_page_answers_as_python_does(page: OpenPage, photos: list[Path], network_folder: Path) -> None:
    page.fresh()
    page.give_photos(photos)
    rows = page.save()
    recognizer = Recognizer(network_folder, detector=YuNet(threads=1), threads=1)
    seen = 0
    for photo in photos:
        found = sorted(recognizer(photo), key=lambda face: -face.box.area if face.box else 0)
        assert found, photo.name
        told = [row for row in rows if row["path"] == photo.name]
        assert [row["face"] for row in told] == [str(number + 1) for number in range(len(found))], photo.name
        for row, face in zip(told, found, strict=True):
            box = [float(row[name]) for name in ("x", "y", "width", "height")]
            assert face.box
            assert face.score
            np.testing.assert_allclose(box, face.box, atol=0.15)
            assert abs(float(row["score"]) - face.score) < 1e-3
            assert row["answer"] == face.answer
            shares = [float(row[f"p_{name}"]) for name in face.probabilities]
            np.testing.assert_allclose(shares, list(face.probabilities.values()), atol=1e-3)
            seen += 1
    assert seen >= 15
    assert page.browser.complaints() == []


def test_no_other_host_is_asked(page: OpenPage, photos: list[Path]) -> None:
    page.fresh()
    page.give_photos(photos[:2])
    requests = page.browser.requests()
    assert any(url.endswith("/model.onnx") for url in requests), "requests of the worker are not seen"
    assert [url for url in requests if not url.removeprefix("blob:").startswith(page.address)] == []


def test_the_policy_stops_page_and_worker(page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A control: requests to other hosts would be seen, and are refused before they leave."""
    page.fresh()
    browser = page.browser
    started = [event["params"] for event in browser.events if event.get("method") == "Target.attachedToTarget"]
    worker = next(target["sessionId"] for target in started if target["targetInfo"]["type"] == "worker")
    ask = """new Promise((resolve) => {
      addEventListener("securitypolicyviolation", (event) => resolve(event.violatedDirective));
      fetch("http://ferflow.invalid/?face=1").then(() => resolve("sent"));
    }).catch(() => "failed")"""
    assert browser.evaluate(ask) == "connect-src"
    monkeypatch.setattr(browser, "session", worker)
    assert browser.evaluate("self.constructor.name") == "DedicatedWorkerGlobalScope"
    assert browser.evaluate(ask) == "connect-src"


def test_a_file_without_a_face_and_a_broken_one_are_rows(page: OpenPage, tmp_path: Path) -> None:
    page.fresh()
    Image.fromarray(scene([])).save(tmp_path / "empty.png")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    (tmp_path / "nothing.png").write_bytes(b"")
    Image.fromarray(scene(drawn_faces()[3:4])).save(tmp_path / 'a "quoted", name.png')
    page.give_photos(sorted(tmp_path.glob("*.*")))
    rows = {row["path"]: row for row in page.save()}
    assert rows["empty.png"]["status"] == "no_face"
    assert (rows["broken.jpg"]["status"], rows["nothing.png"]["reason"]) == ("failed", "an empty file")
    assert rows["broken.jpg"]["reason"] == "not a picture that this browser can read"
    assert rows['a "quoted", name.png']["answer"] == "happy"
    page.click("clear")
    assert page.browser.evaluate(
        "document.querySelector('#results').hidden && document.querySelector('#photos').hidden"
    )


def test_files_can_be_dropped(page: OpenPage, photos: list[Path]) -> None:
    page.fresh()
    page.browser.evaluate(
        """(async () => {
          const canvas = new OffscreenCanvas(64, 64);
          canvas.getContext("2d").fillRect(0, 0, 64, 64);
          const data = new DataTransfer();
          data.items.add(new File([await canvas.convertToBlob()], "dropped.png", { type: "image/png" }));
          document.querySelector("main").dispatchEvent(
            new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        })()"""
    )
    page.until("document.querySelector('#announcer').textContent === 'dropped.png: No face.'")
