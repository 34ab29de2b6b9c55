"""Real videos for tests, made by PyAV."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt


def write_video(
    path: Path, frames: Iterable[npt.NDArray[np.uint8]], rate: int = 10, times: list[float] | None = None
) -> Path:
    """Write frames, uint8, (height, width, 3), as a video of the format that the path's suffix names."""
    codec = "libvpx" if path.suffix == ".webm" else "mpeg4" if path.suffix == ".avi" else "libx264"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.pix_fmt = "yuv420p"  # type: ignore[union-attr]
        stream.codec_context.time_base = Fraction(1, 1000) if times else Fraction(1, rate)
        for number, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            if not number:
                stream.width, stream.height = frame.width, frame.height  # type: ignore[union-attr]
            frame.time_base = stream.codec_context.time_base
            frame.pts = round(times[number] * 1000) if times else number
            container.mux(stream.encode(frame))  # type: ignore[union-attr]
        container.mux(stream.encode(None))  # type: ignore[union-attr]
    return path


def turned(path: Path) -> Path:
    """Patch an MP4 file so that players turn it by 90 degrees clockwise, as telephones write upright videos."""
    data = bytearray(path.read_bytes())
    # The matrix of the track's header, ISO/IEC 14496-12, section 8.3.2: 40 bytes after the version for version 0.
    start = data.index(b"tkhd") + 4 + 40
    values = (0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    data[start : start + 36] = b"".join((value % (1 << 32)).to_bytes(4, "big") for value in values)
    path.write_bytes(data)
    return path


def levels(count: int, width: int = 64, height: int = 48) -> list[npt.NDArray[np.uint8]]:
    """Frames of one grey level each: 20, 40, 60 and so on."""
    return [np.full((height, width, 3), 20 + 20 * number, np.uint8) for number in range(count)]
