"""Camera and videos: faces are followed, nothing leaves the device, and everything can be paused and stopped."""

import json
from fractions import Fraction
from pathlib import Path

import av
import pytest
from page_in_browser import OpenPage

from made_network import drawn_faces, scene

FRAMES = "document.querySelector('#count').textContent.match(/^[\\d,]+/)?.[0].replaceAll(',', '') ?? 0"


@pytest.fixture
def running(page: OpenPage) -> OpenPage:
    page.browser.show(1400, "light")
    page.fresh()
    page.choose("smooth", "0")
    page.click("camera")
    page.until(f"Number({FRAMES}) >= 30")
    return page


def test_faces_are_followed_and_the_table_says_when(running: OpenPage) -> None:
    page = running
    assert page.until("/frames a second/.test(document.querySelector('#rate').textContent)")
    assert "WebAssembly SIMD, 1 thread" in page.text("rate") or "threads" in page.text("rate")
    page.click("stop")
    rows = page.save()
    by_face = {face: [row for row in rows if row["face"] == face] for face in ("1", "2")}
    assert {row["answer"] for row in by_face["1"]} | {row["answer"] for row in by_face["2"]} == {"happy", "angry"}
    for face in by_face.values():
        assert len(face) >= 10
        assert len({row["answer"] for row in face}) == 1, "numbers are mixed up"
        times = [float(row["time"]) for row in face]
        assert times == sorted(set(times))
        assert times[0] < 0.5
    assert {row["path"] for row in rows} == {"camera"}
    assert [int(row["frame"]) for row in by_face["1"]] == sorted({int(row["frame"]) for row in by_face["1"]})
    assert page.browser.complaints() == []
    assert [url for url in page.browser.requests() if not url.removeprefix("blob:").startswith(page.address)] == []


def test_a_person_sees_and_hears_the_answers(running: OpenPage) -> None:
    page = running
    assert page.until("document.querySelector('#announcer').textContent.startsWith('2 faces: face ')")
    page.until("document.querySelector('#bars .answer') !== null")
    assert page.until("document.querySelector('#timeline-text').textContent").startswith("Most probable for face ")
    painted = """(() => {
      const canvas = document.getElementById(%s);
      return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((level) => level > 0);
    })()"""
    for canvas in ("boxes", "timeline"):
        page.until(painted % json.dumps(canvas))
    assert page.browser.evaluate("[...document.querySelector('#face').options].map(o => o.textContent)")[:3] == [
        "the largest face",
        "face 1",
        "face 2",
    ]


def test_pause_and_stop(running: OpenPage) -> None:
    page = running
    page.click("pause")
    assert page.until("document.querySelector('#pause').textContent === 'Continue'")
    page.click("pause")
    assert page.until("document.querySelector('#pause').textContent === 'Pause'")
    track = "document.querySelector('#video').srcObject"
    assert page.browser.evaluate(f"{track}.getTracks()[0].readyState") == "live"
    page.browser.evaluate(f"window.track = {track}.getTracks()[0]")
    page.click("stop")
    assert page.browser.evaluate("window.track.readyState") == "ended", "the camera still runs"
    assert page.browser.evaluate("document.activeElement.id") == "camera"
    assert page.until("document.querySelector('#stop').disabled")


def test_a_video_is_looked_at_to_its_end(page: OpenPage, tmp_path: Path) -> None:
    faces = drawn_faces()
    with av.open(str(tmp_path / "film.webm"), "w") as film:
        stream = film.add_stream("libvpx", rate=10)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 10)
        for number in range(30):
            frame = av.VideoFrame.from_ndarray(scene([faces[3 if number < 15 else 6]], side=200), format="rgb24")
            frame.pts = number
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    (tmp_path / "no.mp4").write_bytes(b"nothing")
    page.fresh()
    page.choose("smooth", "0")
    page.give([tmp_path / "film.webm"])
    page.until("document.querySelector('#announcer').textContent === 'film.webm has been looked at.'")
    rows = page.save()
    assert len(rows) >= 5
    assert {row["path"] for row in rows} == {"film.webm"}
    assert {row["face"] for row in rows} == {"1"}
    for row in rows:
        assert 0 <= float(row["time"]) <= 3
        if abs(float(row["time"]) - 1.5) > 0.15:
            assert row["answer"] == ("happy" if float(row["time"]) < 1.5 else "surprise"), row["time"]
    assert page.browser.evaluate("document.querySelector('#live-title').textContent") == "film.webm"

    page.give([tmp_path / "no.mp4"])
    page.until("document.querySelector('#problem').textContent !== ''")
    assert page.text("problem") == "no.mp4 could not be used: not a video that this browser can play."
    assert page.save()[-1]["status"] == "failed"


def test_threads_are_used_where_there_are_cores(page: OpenPage) -> None:
    page.browser.call("Emulation.setHardwareConcurrencyOverride", hardwareConcurrency=3)
    page.browser.open(page.address)
    page.until("document.documentElement.dataset.ready")
    page.click("camera")
    page.until("document.querySelector('#bars .answer') !== null")
    assert page.until("document.querySelector('#rate').textContent").endswith("WebAssembly SIMD, 2 threads")
    page.click("stop")
    assert page.browser.complaints() == []


def test_a_refused_camera_is_told(page: OpenPage) -> None:
    page.fresh()
    page.browser.evaluate(
        "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('no', 'NotAllowedError'); }"
    )
    page.click("camera")
    assert page.until("document.querySelector('#problem').textContent").startswith(
        "The camera may not be used. Allow it"
    )
