"""Decode raw images to grey pixels, for clean, eda and prepare alike, so that all stages see the same picture."""

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
from ferflow.base.formats import FORMATS
from ferflow.raw.manifest import Reason, raw_name, table_row
from ferflow.raw.tables import Table

Grey = npt.NDArray[np.uint8]

# Pillow's decoders raise any of these on damaged bytes.
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
_MEMORY_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_IN_MEMORY = 64_000_000  # bytes; a longer file is decoded from disk


class ImageError(DataError):
    """An image file that cannot be decoded or must not be.

    Attributes:
        reason: One of `unreadable`, `bomb` and `animated`.
    """

    def __init__(self, reason: str, message: str) -> None:
        """Store the reason in addition to the message."""
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded image.

    Attributes:
        grey: Pixels, uint8, (height, width), grey levels 0 to 255, rotated upright according to the EXIF orientation.
        mode: Pillow's name of the file's pixel format, such as L or RGB.
    """

    grey: Grey
    mode: str


def decode(source: BinaryIO, max_pixels: int | None = None) -> Picture:
    """Decode an image to 8-bit grey.

    Args:
        source: Seekable stream, at the start of the file.
        max_pixels: Maximum number of pixels; an image whose header claims more is not decoded. Defaults to no limit
            but Pillow's own.

    Raises:
        ImageError: The file cannot be decoded, has several frames, or claims too many pixels.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the verdict reports whatever Pillow warns of
        try:
            with Image.open(source, formats=FORMATS) as image:
                width, height = image.size
                if max_pixels and width * height > max_pixels:
                    raise ImageError(Reason.BOMB.value, f"claims {width}x{height} pixels")
                # MPO has several frames too, but is a camera's JPEG with its preview.
                if getattr(image, "is_animated", False) and image.format != "MPO":
                    raise ImageError(Reason.ANIMATED.value, "several frames")
                mode = image.mode
                return Picture(_grey(_upright(image) if "exif" in image.info else image), mode)
        except ImageError:
            raise
        except Image.DecompressionBombError:
            raise ImageError(Reason.BOMB.value, "claims more pixels than Pillow decodes") from None
        except UnidentifiedImageError:
            raise ImageError(Reason.UNREADABLE.value, "not an image of a known format") from None
        except _DECODER_ERRORS as error:
            text = _MEMORY_ADDRESS.sub("", str(error))  # it differs from run to run
            kind = type(error).__name__
            raise ImageError(Reason.UNREADABLE.value, f"{kind}: {text}" if text else kind) from None


def decode_bytes(data: bytes, max_pixels: int | None = None) -> Picture:
    """Decode an image that is in memory, with the same results and errors as decode.

    Plain grey JPEG, the format of FER-2013, skips Image.open and its format detection, which is faster.

    Args:
        data: Content of the file.
        max_pixels: Maximum number of pixels. Defaults to Pillow's own limit.
    """
    size = _plain_jpeg_size(data)
    if size and size[0] * size[1] <= (max_pixels or Image.MAX_IMAGE_PIXELS or 0):
        try:
            pixels = Image.frombytes("L", size, data, "jpeg", "L", "").tobytes()
            return Picture(np.frombuffer(pixels, np.uint8).reshape(size[1], size[0]), "L")
        except (ValueError, OSError):
            pass  # the general decoder below reports what is wrong
    return decode(io.BytesIO(data), max_pixels)


def read_bytes(path: Path | str) -> bytes | io.FileIO:
    """Return a file's bytes, or the open file if it is over 64 MB; the caller then closes it.

    Links are not followed, and reading does not wait for a pipe.

    Raises:
        OSError: The file cannot be read, or is a link.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    size = os.fstat(descriptor).st_size
    if size > _IN_MEMORY:
        return io.FileIO(descriptor, "rb")
    try:
        data = os.read(descriptor, size)
        while len(data) < size and (more := os.read(descriptor, size - len(data))):
            data += more
    finally:
        os.close(descriptor)
    return data


def read_grey(raw: Path, paths: Iterable[str]) -> Iterator[Grey]:
    """Yield images of the manifest, in the order of `paths`, as uint8 (height, width), grey levels 0 to 255.

    Only one image at a time is in memory; a table's row is read from the table where it starts.

    Args:
        raw: The raw folder.
        paths: Paths in the manifest, of readable images only.

    Raises:
        DataError: A file is missing or cannot be decoded, so it has changed since clean read it.
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
                f"{path} was readable when clean wrote the manifest, but is not now ({error}). Run dvc repro clean."
            ) from None
        yield grey


def fit(grey: Grey, side: int) -> Grey:
    """Resize an image to a square of `side` pixels, uint8; Lanczos, which averages when it shrinks an image.

    >>> fit(np.zeros((96, 60), np.uint8), 48).shape
    (48, 48)
    """
    if grey.shape == (side, side):
        return grey
    return resize(grey, side, side)


def resize(grey: Grey, width: int, height: int) -> Grey:
    """Resize an image to `width` x `height` pixels with the resampling of `fit`; uint8, (height, width)."""
    return np.asarray(Image.fromarray(grey).resize((width, height), Image.Resampling.LANCZOS))


def _plain_jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height of an 8-bit grey JPEG whose header cannot change the picture; None for other files.

    Marker codes and segment layouts: ITU-T T.81, annex B.
    """
    if data[:2] != b"\xff\xd8":
        return None
    offset, size = 2, None
    while offset + 4 <= len(data) and data[offset] == 0xFF:
        marker, length = data[offset + 1], data[offset + 2] << 8 | data[offset + 3]
        if marker == 0xDA:  # start of scan: the pixels follow
            return size
        if marker in (0xC0, 0xC1, 0xC2):
            if size or length != 11 or offset + 13 > len(data):  # a header of one component has 11 bytes
                return None
            precision, height, width, components = struct.unpack_from(">BHHB", data, offset + 4)
            if precision != 8 or components != 1 or not width or not height:
                return None
            size = width, height
        elif marker not in (0xC4, 0xDB, 0xDD, 0xE0):  # Huffman and quantization tables, restart interval, JFIF
            return None
        offset += 2 + length
    return None


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except _DECODER_ERRORS:  # damaged EXIF data; the picture itself may be intact
        return image


def _grey(image: Image.Image) -> Grey:
    """Return 8-bit grey pixels; transparent parts become white, and wider pixels are scaled."""
    if image.mode.startswith("I") or image.mode == "F":
        return _scaled(np.asarray(image))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("L"))


def _scaled(values: npt.NDArray[np.generic]) -> Grey:
    """Scale wider pixels to 8 bits: divide 16-bit integers by 257, multiply floats of at most 1 by 255."""
    wide = np.nan_to_num(values.astype(np.float32), posinf=65535.0, neginf=0.0)
    top = float(wide.max(initial=0.0))
    if values.dtype.kind == "f":
        factor = 255.0 if top <= 1.0 else 1.0 if top <= 255.0 else 1 / 257
    else:
        factor = 1 / 257 if values.dtype.itemsize == 2 or top > 255.0 else 1.0
    grey: Grey = np.clip(np.rint(wide * factor), 0, 255).astype(np.uint8)
    return grey
