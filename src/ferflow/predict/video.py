"""Read videos and cameras frame by frame with PyAV, with the time of each frame."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import av.error
import numpy as np

from ferflow.base.errors import DataError
from ferflow.predict.every import Every
from ferflow.use.face import Rgb
from ferflow.use.picture import MAX_PIXELS, PictureError

_CAMERAS = {"linux": ("v4l2", "/dev/video{}"), "darwin": ("avfoundation", "{}")}


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A frame of a video.

    Attributes:
        number: Number of the frame in the video, from 0.
        time: Seconds since the first frame.
        image: The frame as it is shown, rotation applied: uint8, (height, width, 3), RGB.
    """

    number: int
    time: float
    image: Rgb


class Video:
    """A video file or a camera, open for reading; a context manager.

    Attributes:
        rate: Frames a second, as the file says; 25 if it does not.
        frames: Estimated number of frames; None if not known, as for a camera.
    """

    def __init__(self, source: Path | int) -> None:
        """Open a video.

        Args:
            source: The file, or a camera's number.

        Raises:
            PictureError: The file is no video that can be read, or there is no such camera.
        """
        try:
            if isinstance(source, int):
                kind, file = camera_address(source, sys.platform)
                self._container: Any = av.open(file, format=kind)
            else:
                # A playlist or a list of files could open other files and addresses; a video never needs it.
                self._container = av.open(str(source), options={"protocol_whitelist": "file"})
        except (av.error.FFmpegError, OSError, ValueError) as error:
            what = f"camera {source}" if isinstance(source, int) else "the video"
            raise PictureError(f"{what} cannot be opened: {_reason(error)}") from None
        streams = self._container.streams.video
        if not streams:
            self._container.close()
            raise PictureError("the file has no video in it")
        self._stream = streams[0]
        self._stream.thread_type = "AUTO"
        self.rate = float(self._stream.average_rate or 25)
        duration = self._stream.duration * self._stream.time_base if self._stream.duration else None
        self.frames: int | None = self._stream.frames or (round(duration * self.rate) if duration else None)

    def __enter__(self) -> "Video":
        """Return the video itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file or camera."""
        self._container.close()

    def read(self, every: Every | None = None) -> Iterator[Frame]:
        """Yield frames in the order in which they are shown.

        Args:
            every: Which frames. Defaults to all.

        Raises:
            PictureError: The video is damaged; the frames before the damage have been yielded. Or a frame is too large.
        """
        start: float | None = None
        last_period = -1
        every = every or Every()
        try:
            for number, frame in enumerate(self._container.decode(self._stream)):
                stamp = float(frame.time) if frame.time is not None else number / self.rate
                start = stamp if start is None else start
                time = max(0.0, stamp - start)
                if every.seconds is None:
                    wanted = number % every.frames == 0
                else:
                    period = int(time / every.seconds + 1e-6)
                    wanted, last_period = period > last_period, max(period, last_period)
                if wanted:
                    yield Frame(number, time, _upright(frame))
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise PictureError(f"the video is damaged: {_reason(error)}") from None
        if start is None:
            raise PictureError("the video has no frame that can be decoded")


def camera_address(number: int, platform: str) -> tuple[str, str]:
    """Return FFmpeg's format and address of a camera.

    Args:
        number: The camera, from 0.
        platform: As `sys.platform`.

    Raises:
        PictureError: FFmpeg cannot open cameras by number on this system.
    """
    if platform not in _CAMERAS:
        raise PictureError("cameras can be read on Linux and macOS only; record a video and give its file")
    kind, address = _CAMERAS[platform]
    return kind, address.format(number)


class VideoWriter:
    """Writes pictures to an MP4 file with their times; a context manager. H.264 where PyAV has it, else MPEG-4."""

    def __init__(self, path: Path, rate: float) -> None:
        """Open the file.

        Args:
            path: The file, ending in .mp4 or another suffix that FFmpeg knows.
            rate: Frames a second of the source.
        """
        try:
            self._container: Any = av.open(str(path), "w")
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise DataError(f"{path} cannot be written as a video: {_reason(error)}.") from None
        codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"
        self._stream = cast(Any, self._container.add_stream(codec, rate=Fraction(rate).limit_denominator(1001)))
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = Fraction(1, 1000)
        self._size: tuple[int, int] | None = None
        self._last = -1

    def __enter__(self) -> "VideoWriter":
        """Return the writer itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Write what is left and close the file.

        Raises:
            DataError: That fails, and no other error is on its way.
        """
        try:
            if self._size:
                self._container.mux(self._stream.encode(None))
            self._container.close()
        except (av.error.FFmpegError, OSError, ValueError) as error:
            if kind is None:
                raise DataError(f"A video cannot be written: {_reason(error)}.") from None

    def write(self, image: Rgb, time: float) -> None:
        """Append a picture that is shown from `time` seconds on; odd sides lose a pixel, as H.264 asks for.

        Raises:
            DataError: The file cannot be written, or the pictures have not one size.
        """
        height, width = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
        if self._size is None:
            self._size = self._stream.width, self._stream.height = width, height
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image[:height, :width]), format="rgb24")
        self._last = max(self._last + 1, round(time * 1000))
        frame.pts, frame.time_base = self._last, Fraction(1, 1000)
        try:
            self._container.mux(self._stream.encode(frame))
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise DataError(f"A video cannot be written: {_reason(error)}.") from None


def _upright(frame: Any) -> Rgb:
    if frame.width * frame.height > MAX_PIXELS:
        raise PictureError(f"too large: frames of {frame.width}x{frame.height} pixels")
    image = frame.to_ndarray(format="rgb24")
    turns = round(getattr(frame, "rotation", 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
