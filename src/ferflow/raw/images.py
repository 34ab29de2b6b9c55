"""Raw images as grey pixels: the one decoder that clean, eda and prepare share, so that all see the same picture."""

import io
import os
import re
import struct
import warnings
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from ferflow.base.errors import DataError
from ferflow.raw.manifest import raw_name, table_row
from ferflow.raw.tables import Table

Grey = npt.NDArray[np.uint8]

# Named, so that no format with a program inside (EPS starts Ghostscript) is ever tried on a stranger's file.
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM", "JPEG2000", "AVIF")
# What Pillow's decoders raise on damaged bytes.
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    AttributeError,
    AssertionError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
)
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_IN_MEMORY = 64_000_000  # bytes; a longer file is decoded from disk


class ImageError(DataError):
    """A file that gives no picture.

    Attributes:
        reason: `unreadable`, `bomb` or `animated`.
    """

    def __init__(self, reason: str, message: str) -> None:
        """Keep the reason beside the message."""
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded image.

    Attributes:
        grey: uint8, (height, width), grey levels 0 to 255, turned upright as its EXIF orientation says.
        mode: Pillow's name of the pixel format as it came, such as L or RGB.
    """

    grey: Grey
    mode: str


def decode(source: BinaryIO, max_pixels: int | None = None) -> Picture:
    """Decode an image to 8-bit grey.

    Args:
        source: the file's bytes, seekable, at the start.
        max_pixels: an image whose header claims more is not decoded; None trusts the file.

    Raises:
        ImageError: the file gives no picture.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of what the verdict says anyway
        try:
            with Image.open(source, formats=FORMATS) as image:
                width, height = image.size
                if max_pixels and width * height > max_pixels:
                    raise ImageError("bomb", f"claims {width}x{height} pixels")
                if (
                    getattr(image, "is_animated", False) and image.format != "MPO"
                ):  # MPO: a camera's JPEG and its preview
                    raise ImageError("animated", "several frames")
                mode = image.mode
                return Picture(_grey(_upright(image) if "exif" in image.info else image), mode)
        except ImageError:
            raise
        except Image.DecompressionBombError:
            raise ImageError("bomb", "claims more pixels than Pillow decodes") from None
        except UnidentifiedImageError:
            raise ImageError("unreadable", "not an image of a known format") from None
        except _DECODER_ERRORS as error:
            text = _ADDRESS.sub("", str(error))  # an address would differ from run to run
            raise ImageError(
                "unreadable", f"{type(error).__name__}: {text}" if text else type(error).__name__
            ) from None


def decode_bytes(data: bytes, max_pixels: int | None = None) -> Picture:
    """Decode an image that is in memory; like decode, and faster for plain grey JPEG, the usual case."""
    size = _plain_jpeg_size(data)
    if size and size[0] * size[1] <= (max_pixels or Image.MAX_IMAGE_PIXELS or 0):
        try:
            pixels = Image.frombytes("L", size, data, "jpeg", "L", "").tobytes()
            return Picture(np.frombuffer(pixels, np.uint8).reshape(size[1], size[0]), "L")
        except (ValueError, OSError):
            pass  # the slower way says what is wrong with it
    return decode(io.BytesIO(data), max_pixels)


def read_bytes(path: Path | str) -> bytes | io.FileIO:
    """Return a file's bytes, or where they are too many for the memory the open file, to be closed by the caller.

    Links are not followed, and a pipe is not waited for.

    Raises:
        OSError: it cannot be read, or is a link.
    """
    number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    size = os.fstat(number).st_size
    if size > _IN_MEMORY:
        return io.FileIO(number, "rb")
    try:
        data = os.read(number, size)
        while len(data) < size and (more := os.read(number, size - len(data))):
            data += more
    finally:
        os.close(number)
    return data


def read_grey(raw: Path, paths: Iterable[str]) -> Iterator[Grey]:
    """Yield the images that the manifest names `paths`, in that order, as uint8 (height, width).

    Rows of tables are read in place. One image at a time is in memory.

    Args:
        raw: the raw folder.
        paths: as in the manifest, of rows that are readable.

    Raises:
        DataError: a file is gone or gives no picture, so that it is not what clean saw.
    """
    tables: dict[str, Table] = {}
    for path in paths:
        file, row = raw_name(str(raw), path), table_row(path)
        try:
            if row is None:
                data = read_bytes(file)
                if isinstance(data, bytes):
                    grey = decode_bytes(data).grey
                else:
                    with data:
                        grey = decode(data).grey
            else:
                if file not in tables:
                    tables[file] = Table(Path(file))
                grey = tables[file].image(tables[file].fields(row))
        except (ImageError, OSError, ValueError, IndexError) as error:
            raise DataError(
                f"{path} was readable when the manifest was made and is not now ({error}). Run dvc repro clean."
            ) from None
        yield grey


def fit(grey: Grey, side: int) -> Grey:
    """Resize an image to a square of `side` pixels (Lanczos, which averages where it shrinks); uint8."""
    if grey.shape == (side, side):
        return grey
    return np.asarray(Image.fromarray(grey).resize((side, side), Image.Resampling.LANCZOS))


def _plain_jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height of a grey 8-bit JPEG with nothing in its header that could change the picture."""
    if data[:2] != b"\xff\xd8":
        return None
    at, size = 2, None
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], data[at + 2] << 8 | data[at + 3]
        if marker == 0xDA:  # the pixels begin
            return size
        if marker in (0xC0, 0xC1, 0xC2):
            if size or length != 11 or at + 13 > len(data):  # one component makes it 11
                return None
            precision, height, width, components = struct.unpack_from(">BHHB", data, at + 4)
            if precision != 8 or components != 1 or not width or not height:
                return None
            size = width, height
        elif marker not in (0xC4, 0xDB, 0xDD, 0xE0):  # tables, restarts, JFIF
            return None
        at += 2 + length
    return None


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except _DECODER_ERRORS:  # of the EXIF data: the picture itself may be sound
        return image


def _grey(image: Image.Image) -> Grey:
    """Return 8-bit grey pixels. Transparent parts become white; 16 bits are scaled to 8."""
    if image.mode.startswith("I") or image.mode == "F":
        return _scaled(np.asarray(image))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("L"))


def _scaled(values: npt.NDArray[np.generic]) -> Grey:
    """Scale wider pixels to 8 bits: 16-bit integers by 257, floats by 255 where none is above one."""
    wide = np.nan_to_num(values.astype(np.float32), posinf=65535.0, neginf=0.0)
    top = float(wide.max(initial=0.0))
    if values.dtype.kind == "f":
        factor = 255.0 if top <= 1.0 else 1.0 if top <= 255.0 else 1 / 257
    else:
        factor = 1 / 257 if values.dtype.itemsize == 2 or top > 255.0 else 1.0
    grey: Grey = np.clip(np.rint(wide * factor), 0, 255).astype(np.uint8)
    return grey
