"""Videos are read frame by frame with their times, whatever their format, and written again."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from videos import levels, turned, write_video

from ferflow.base.errors import DataError
from ferflow.predict.every import Every
from ferflow.predict.video import Video, VideoWriter, camera_address
from ferflow.use.picture import PictureError


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".avi", ".mkv", ".mov"])
def test_every_frame_comes_with_its_number_time_and_pixels(tmp_path: Path, suffix: str) -> None:
    with Video(write_video(tmp_path / f"clip{suffix}", levels(8))) as video:
        frames = list(video.read())
        assert video.rate == pytest.approx(10)
    assert [frame.number for frame in frames] == list(range(8))
    assert [frame.time for frame in frames] == pytest.approx([n / 10 for n in range(8)], abs=0.011)
    for frame, image in zip(frames, levels(8), strict=True):
        assert frame.image.shape == image.shape
        assert abs(float(frame.image.mean()) - image[0, 0, 0]) < 4


def test_uneven_times_are_the_videos_own(tmp_path: Path) -> None:
    times = [0.0, 0.1, 0.7, 0.75, 2.5]
    with Video(write_video(tmp_path / "clip.mkv", levels(5), times=times)) as video:
        assert [frame.time for frame in video.read()] == pytest.approx(times, abs=0.002)


@pytest.mark.parametrize(
    ("every", "numbers"),
    [("1", [*range(10)]), ("4", [0, 4, 8]), ("0.3s", [0, 3, 6, 9]), ("5s", [0]), ("0.01s", [*range(10)])],
)
def test_fewer_frames_are_looked_at(tmp_path: Path, every: str, numbers: list[int]) -> None:
    with Video(write_video(tmp_path / "clip.mp4", levels(10))) as video:
        assert [frame.number for frame in video.read(Every.parse(every))] == numbers


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "s", "0s", "-2s", "infs", "nans", "x", ""])
def test_an_impossible_choice_of_frames_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - argparse shows a message of its own
        Every.parse(text)


@given(frames=st.integers(1, 10**6))
@settings(deadline=None)
def test_a_number_of_frames_is_read_as_it_is_written(frames: int) -> None:
    assert Every.parse(str(frames)) == Every(frames)


def test_a_telephones_upright_video_is_turned(tmp_path: Path) -> None:
    image = np.zeros((48, 64, 3), np.uint8)
    image[:, :32] = 220  # the left half is light; turned clockwise it is the upper half
    with Video(turned(write_video(tmp_path / "clip.mp4", [image] * 3))) as video:
        [frame, *_] = list(video.read())
    assert frame.image.shape == (64, 48, 3)
    assert frame.image[:28].mean() > 190
    assert frame.image[36:].mean() < 30


def test_a_damaged_video_gives_its_good_frames_and_a_reason(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (20, 48, 64, 3)).astype(np.uint8)
    file = write_video(tmp_path / "clip.avi", list(noise))
    data = bytearray(file.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 4000] = bytes(4000)
    file.write_bytes(data)
    seen = 0
    with Video(file) as video:
        try:
            for _ in video.read():
                seen += 1
        except PictureError as error:
            assert "damaged" in str(error)  # noqa: PT017 - FFmpeg may also skip the damage
    assert 5 <= seen <= 20


def test_what_is_no_video_is_told(tmp_path: Path) -> None:
    file = tmp_path / "clip.mp4"
    for content in (b"", b"no video at all", bytes(5000)):
        file.write_bytes(content)
        with pytest.raises(PictureError, match=r"the video cannot be opened: \w"):
            Video(file)
    with pytest.raises(PictureError, match="the video cannot be opened: No such file"):
        Video(tmp_path / "none.mp4")


def test_a_file_that_names_other_files_opens_none_of_them(tmp_path: Path) -> None:
    secret = write_video(tmp_path / "secret.mp4", levels(3))
    listing = tmp_path / "list.mp4"
    listing.write_text(f"ffconcat version 1.0\nfile 'http://127.0.0.1:9/{secret.name}'\n")
    with pytest.raises(PictureError):
        list(Video(listing).read())


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    import av

    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=44_100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 2048), np.float32), format="fltp", layout="mono")
        frame.rate = 44_100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(PictureError, match="no video in it"):
        Video(tmp_path / "sound.mp4")


def test_cameras_are_opened_by_number_where_ffmpeg_can() -> None:
    assert camera_address(1, "linux") == ("v4l2", "/dev/video1")
    assert camera_address(0, "darwin") == ("avfoundation", "0")
    with pytest.raises(PictureError, match="Linux and macOS only"):
        camera_address(0, "win32")
    with pytest.raises(PictureError, match="camera 97 cannot be opened"):
        Video(97)


def test_a_written_video_has_its_frames_at_their_times(tmp_path: Path) -> None:
    times = [0.0, 0.5, 0.9, 3.0]
    with VideoWriter(tmp_path / "out.mp4", 10) as writer:
        for image, time in zip(levels(4, width=65, height=49), times, strict=True):
            writer.write(image, time)
    with Video(tmp_path / "out.mp4") as video:
        frames = list(video.read())
    assert [frame.time for frame in frames] == pytest.approx(times, abs=0.002)
    assert frames[0].image.shape == (48, 64, 3)
    assert [round(float(frame.image.mean()) / 20) for frame in frames] == [1, 2, 3, 4]


def test_a_video_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"out.unknown cannot be written as a video"):
        VideoWriter(tmp_path / "out.unknown", 10)
    with (
        pytest.raises(DataError, match="cannot be written: "),
        VideoWriter(tmp_path / "none" / "out.mp4", 10) as writer,
    ):
        writer.write(levels(1)[0], 0.0)
