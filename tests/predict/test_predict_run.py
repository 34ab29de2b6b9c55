"""A run over pictures, videos and addresses: a row each, whatever happens to one of them."""

import itertools
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from videos import levels, write_video

from ferflow.base.errors import DataError
from ferflow.predict import video
from ferflow.predict.annotate import annotate
from ferflow.predict.download_file import fetch
from ferflow.predict.every import Every
from ferflow.predict.items import find_items
from ferflow.predict.predict_run import Options, Summary, predict
from ferflow.predict.rows import Row, Status
from ferflow.predict.video import Video
from ferflow.use.picture import PictureError, read_picture
from ferflow.use.recognizer import Recognizer
from made_network import CLASSES, drawn_faces, scene

FACES = drawn_faces()


class Rows:
    """A table in memory."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.done: set[str] = set()

    def write(self, rows: list[Row]) -> None:
        self.rows += rows

    def close(self) -> None: ...


@pytest.fixture
def run(recognizer: Recognizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> partial[tuple[list[Row], Summary]]:
    monkeypatch.chdir(tmp_path)

    def start(*names: str, **options: object) -> tuple[list[Row], Summary]:
        table = Rows()
        found = predict(find_items(names), recognizer, table, Options(progress=False, **options))  # type: ignore[arg-type]
        return table.rows, found

    return partial(start)


def save(name: str, image: np.ndarray) -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(name)
    return name


def test_a_folder_has_a_row_for_each_face_and_for_what_has_none(run: partial) -> None:
    save("in/a.png", scene(FACES[:3], side=120))
    save("in/b.png", scene([]))
    Path("in/c.jpg").write_bytes(b"broken")
    save("in/d.png", scene([FACES[3]]))
    rows, summary = run("in", "gone.png")
    assert [(row.path, row.face, row.status) for row in rows] == [
        ("in/a.png", 1, "ok"),
        ("in/a.png", 2, "ok"),
        ("in/a.png", 3, "ok"),
        ("in/b.png", None, "no_face"),
        ("in/c.jpg", None, "failed"),
        ("in/d.png", 1, "ok"),
        ("gone.png", None, "failed"),
    ]
    assert summary == Summary(items=5, faces=4, without=1, failed=2)
    assert rows[4].reason == "not a picture of a known format"
    assert "No such file" in rows[6].reason
    assert rows[5].answer == "happy"


def test_faces_of_a_picture_are_numbered_by_size(run: partial) -> None:
    both = scene([FACES[0]], side=90, places=((40, 60),))
    both[200:, 200:] = scene([FACES[3]], side=220, places=((20, 20),), size=(440, 280))
    rows, _ = run(save("two.png", both))
    areas = [row.recognition.box.area for row in rows if row.recognition and row.recognition.box]
    assert [row.face for row in rows] == [1, 2]
    assert areas == sorted(areas, reverse=True)
    [largest], _ = run("two.png", faces="largest")
    assert largest.recognition is not None
    assert largest.recognition.box == rows[0].recognition.box  # type: ignore[union-attr]


def test_a_whole_picture_is_a_face_cut_out_already(run: partial) -> None:
    [row], _ = run(save("cut.png", np.repeat(FACES[5][:, :, None], 3, axis=2)), faces="whole")
    assert row.recognition is not None
    assert row.recognition.box is None
    assert row.cells(CLASSES)[4:9] == [None] * 5
    assert row.cells(CLASSES)[9] == row.answer


def test_a_video_has_times_and_follows_faces_through_frames_without_any(run: partial) -> None:
    frames = [
        scene([FACES[3], FACES[5]], places=((20 + 6 * n, 40), (420 - 6 * n, 260))) if n != 5 else scene([])
        for n in range(10)
    ]
    write_video(Path("clip.mp4"), frames)
    rows, summary = run("clip.mp4")
    assert summary == Summary(items=1, faces=18, without=1)
    assert [row.frame for row in rows if row.status == "no_face"] == [5]
    assert {row.face for row in rows} == {1, 2, None}
    for number in (1, 2):
        track = [row for row in rows if row.face == number]
        assert [row.time for row in track] == pytest.approx([n / 10 for n in range(10) if n != 5], abs=0.002)
        assert len({row.answer for row in track}) == 1
        assert np.ptp([row.recognition.box.y for row in track]) < 40  # type: ignore[union-attr]


def test_fewer_frames_and_smoothing(run: partial) -> None:
    frames = [scene([FACES[3 if n < 5 else 5]], places=((200, 150),)) for n in range(10)]
    write_video(Path("clip.mp4"), frames)
    plain, _ = run("clip.mp4", every=Every(3))
    assert [row.frame for row in plain] == [0, 3, 6, 9]
    assert [row.answer for row in plain] == ["happy", "happy", "sad", "sad"]
    smooth, _ = run("clip.mp4", smooth=100.0)
    assert {row.answer for row in smooth} == {"happy"}
    shares = [row.probabilities["happy"] for row in smooth]
    assert shares[5:] == sorted(shares[5:], reverse=True)
    assert sum(smooth[-1].probabilities.values()) == pytest.approx(1)


def test_a_video_that_breaks_off_keeps_its_rows(run: partial, monkeypatch: pytest.MonkeyPatch) -> None:
    write_video(Path("clip.mp4"), levels(3, 320, 240))

    def broken(self: Video, every: Every) -> Iterator[object]:
        for frame in read(self, every):
            yield frame
            if frame.number == 1:
                raise PictureError("the video is damaged:\n  here")

    read = Video.read
    monkeypatch.setattr(Video, "read", broken)
    rows, summary = run("clip.mp4")
    assert [(row.frame, row.status) for row in rows] == [(0, "no_face"), (1, "no_face"), (None, "failed")]
    assert rows[-1].reason == "the video is damaged: here"
    assert summary.failed == 1


def test_a_camera_runs_until_it_is_stopped(run: partial, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(self: Video, every: Every) -> Iterator[object]:
        yield from itertools.islice(read(self, every), 2)
        raise KeyboardInterrupt

    file = write_video(Path("camera.mp4"), [scene([FACES[3]])] * 5)
    read = Video.read
    monkeypatch.setattr(video, "camera_address", lambda number, platform: (None, str(file)))
    monkeypatch.setattr(Video, "read", stopped)
    rows, summary = run("0")
    assert [(row.path, row.frame, row.face, row.answer) for row in rows] == [("0", 0, 1, "happy"), ("0", 1, 1, "happy")]
    assert summary == Summary(items=1, faces=2)
    with pytest.raises(KeyboardInterrupt):  # a file has an end of its own: here the user gives up
        run("camera.mp4")


def test_what_is_done_is_skipped(run: partial, recognizer: Recognizer) -> None:
    table = Rows()
    table.done = {save("a.png", scene([]))}
    summary = predict(find_items([*table.done, save("b.png", scene([]))]), recognizer, table, Options(progress=False))
    assert summary == Summary(items=1, skipped=1, without=1)
    assert [row.path for row in table.rows] == ["b.png"]


def test_annotated_copies_mirror_the_inputs(run: partial) -> None:
    save("in/deep/a.png", scene([FACES[0]]))
    save("in/b.gif", scene([]))
    save("other/b.png", scene([]))
    save("third/b.png", scene([FACES[1]]))
    write_video(Path("in/clip.avi"), [scene([FACES[2]])] * 4)
    run("in", "other/b.png", "third/b.png", draw=Path("out"))
    names = sorted(path.relative_to("out").as_posix() for path in Path("out").rglob("*") if path.is_file())
    assert names == ["b-2.png", "b.gif.png", "b.png", "clip.mp4", "deep/a.png"]
    before, after = read_picture("in/deep/a.png"), read_picture("out/deep/a.png")
    changed = (before != after).any(2)
    assert 0.002 < changed.mean() < 0.1
    assert (read_picture("out/b.png") == read_picture("other/b.png")).all()
    with Video(Path("out/clip.mp4")) as video:
        assert len(list(video.read())) == 4


def test_an_annotated_copy_of_one_input_may_be_a_file(run: partial) -> None:
    save("a.png", scene([FACES[0]]))
    run("a.png", draw=Path("deep/marked.jpg"))
    assert Image.open("deep/marked.jpg").format == "JPEG"
    save("b.png", scene([]))
    with pytest.raises(DataError, match=r"--draw one.jpg is one file, but there are 2 inputs"):
        run("a.png", "b.png", draw=Path("one.jpg"))
    Path("file").touch()
    with pytest.raises(DataError, match=r"annotated copy .* cannot be written"):
        run("a.png", "b.png", draw=Path("file"))


@pytest.mark.parametrize("place", [(-40, -30), (600, 440), (0, 0), (300, 200)])
def test_labels_stay_in_the_picture(recognizer: Recognizer, place: tuple[int, int]) -> None:
    photo = scene([FACES[5]], places=((245, 165),))  # sad: white on blue
    [found] = recognizer(photo)
    assert found.box is not None
    moved = type(found)(found.answer, found.probabilities, found.box._replace(x=place[0], y=place[1]), found.score)
    marked = annotate(photo, [Row("a", face=1, recognition=moved, probabilities=moved.probabilities)], CLASSES)
    assert marked.shape == photo.shape
    rows, columns = np.nonzero((marked == 255).all(2))  # the white letters
    assert len(rows) > 40
    assert 0 < rows.min() <= rows.max() < photo.shape[0] - 1
    assert 0 < columns.min() <= columns.max() < photo.shape[1] - 1


class Server(BaseHTTPRequestHandler):
    """Sends what a test has put into `content`, and misbehaves where the path says so."""

    content: dict[str, tuple[str, bytes]] = {}

    def do_GET(self) -> None:
        kind, data = self.content.get(self.path, ("text/html", b"<html>"))
        if self.path == "/missing.png":
            self.send_error(404)
            return
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path[4:])
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", kind)
        if self.path == "/short.png":
            self.send_header("Content-Length", str(len(data) + 100))
        elif self.path != "/endless":
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


def test_addresses_are_pictures_and_videos_like_files(run: partial, server: str) -> None:
    photo = Path(save("a.png", scene([FACES[3]]))).read_bytes()
    clip = write_video(Path("clip.mp4"), [scene([FACES[5]])] * 2).read_bytes()
    Server.content = {"/a": ("image/png", photo), "/v": ("video/mp4", clip), "/short.png": ("image/png", photo)}
    names = [f"{server}{path}" for path in ("/a", "/v", "/page", "/missing.png", "/short.png", "/to//a")]
    rows, summary = run(*names, "http://127.0.0.1:9/none.png", draw=Path("out"))
    told = [(row.path.removeprefix(server), row.answer or row.reason) for row in rows]
    assert told[:3] == [("/a", "happy"), ("/v", "sad"), ("/v", "sad")]
    assert told[3:5] == [
        ("/page", "not a picture of a known format"),
        ("/missing.png", "the server answers 404 Not Found"),
    ]
    assert told[5][1].startswith("the server stopped after ")
    assert told[6] == ("/to//a", "happy")
    assert "refused" in told[7][1]
    assert summary.failed == 4


def test_a_file_that_is_too_large_is_not_fetched(tmp_path: Path, server: str) -> None:
    Server.content = {"/big": ("image/png", bytes(5000)), "/endless": ("image/png", bytes(5000))}
    for path in ("/big", "/endless"):
        with pytest.raises(PictureError, match=r"too large: .*5,000 bytes; the maximum is 4,999|more than 4,999 bytes"):
            fetch(server + path, tmp_path / "file", max_bytes=4999)
    assert fetch(f"{server}/big", tmp_path / "file", max_bytes=5000) == "image/png"


def test_a_redirect_to_a_file_of_this_machine_is_refused(tmp_path: Path, server: str) -> None:
    for address in ("file:///etc/hostname", "ftp://127.0.0.1:9/a.png"):
        with pytest.raises(PictureError, match=r"neither http nor https|is not allowed"):
            fetch(f"{server}/to/{address}", tmp_path / "file")


def test_a_status_is_written_as_its_name() -> None:
    assert [str(status) for status in Status] == ["ok", "no_face", "failed"]
