"""Decode raw images to grey pixels, for clean, eda and prepare alike, so that all stages see the same picture."""

import io
import os
import re
import struct
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from ferflow.base.errors import DataError
from ferflow.base.formats import DECODER_ERRORS, FORMATS
from ferflow.base.links import open_file
from ferflow.raw.manifest import Reason, raw_name, table_row
from ferflow.raw.tables import Table
from ferflow.raw.wide_pixels import UntoldRangeError, is_surely_full, is_wide, to_grey_levels, white_of

Grey = npt.NDArray[np.uint8]

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
        full: Whether the values show that the file uses all of 16 bits. Defaults to False.
    """

    grey: Grey
    mode: str
    full: bool = False


def decode(source: BinaryIO, max_pixels: int | None = None, bits: int | None = None) -> Picture:
    """Decode an image to 8-bit grey.

    Args:
        source: Seekable stream, at the start of the file.
        max_pixels: Maximum number of pixels; an image whose header claims more is not decoded. Defaults to no limit
            but Pillow's own.
        bits: Bits that the set uses, for 16-bit images that do not tell it themselves. Defaults to not known.

    Raises:
        ImageError: The file cannot be decoded, has several frames, or claims too many pixels.
        UntoldRangeError: An image of more than 8 bits does not tell its range, and `bits` is None.
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
                mode, exif = image.mode, image.info.get("exif")
                narrow, full = _eight_bits(image, source, bits) if is_wide(image) else (image, False)
                if exif:
                    narrow.info["exif"] = exif
                return Picture(_grey(_upright(narrow) if exif else narrow), mode, full)
        except (ImageError, UntoldRangeError):
            raise
        except Image.DecompressionBombError:
            raise ImageError(Reason.BOMB.value, "claims more pixels than Pillow decodes") from None
        except UnidentifiedImageError:
            raise ImageError(Reason.UNREADABLE.value, "not an image of a known format") from None
        except DECODER_ERRORS as error:
            text = _MEMORY_ADDRESS.sub("", str(error))  # it differs from run to run
            kind = type(error).__name__
            raise ImageError(Reason.UNREADABLE.value, f"{kind}: {text}" if text else kind) from None


def decode_bytes(data: bytes, max_pixels: int | None = None, bits: int | None = None) -> Picture:
    """Decode an image that is in memory, with the same results and errors as decode.

    Plain grey JPEG, the format of FER-2013, skips Image.open and its format detection, which is faster.

    Args:
        data: Content of the file.
        max_pixels: Maximum number of pixels. Defaults to Pillow's own limit.
        bits: Bits that the set uses, see decode. Defaults to not known.
    """
    size = _plain_jpeg_size(data)
    if size and size[0] * size[1] <= (max_pixels or Image.MAX_IMAGE_PIXELS or 0):
        try:
            pixels = Image.frombytes("L", size, data, "jpeg", "L", "").tobytes()
            return Picture(np.frombuffer(pixels, np.uint8).reshape(size[1], size[0]), "L")
        except (ValueError, OSError):
            pass  # the general decoder below reports what is wrong
    return decode(io.BytesIO(data), max_pixels, bits)


def read_bytes(path: Path | str) -> bytes | io.FileIO:
    """Return a file's bytes, or the open file if it is over 64 MB; the caller then closes it.

    Links are not followed, except those that DVC makes of its cache, and reading does not wait for a pipe.

    Raises:
        OSError: The file cannot be read, or is a link that DVC did not make.
    """
    descriptor = open_file(path)
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


def read_grey(raw: Path, paths: Iterable[str], bits: int | None = None) -> Iterator[Grey]:
    """Yield images of the manifest, in the order of `paths`, as uint8 (height, width), grey levels 0 to 255.

    Only one image at a time is in memory; a table's row is read from the table where it starts.

    Args:
        raw: The raw folder.
        paths: Paths in the manifest, of readable images only.
        bits: Bits that the set's 16-bit images use, from `set_bits`. Defaults to none that clean had to find out.

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
                    grey = decode_bytes(data, bits=bits).grey
                else:
                    with data:
                        grey = decode(data, bits=bits).grey
            else:
                if file not in tables:
                    tables[file] = Table(Path(file))
                grey = tables[file].image(tables[file].fields(row))
        except (DataError, OSError, ValueError, IndexError) as error:
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
    except DECODER_ERRORS:  # damaged EXIF data; the picture itself may be intact
        return image


def _eight_bits(image: Image.Image, source: BinaryIO, bits: int | None) -> tuple[Image.Image, bool]:
    """Return an image of more than 8 bits as one of 8 bits, and whether it surely uses all 16; see wide_pixels."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image)
        white = white_of(values, image, source, bits)
        return Image.fromarray(to_grey_levels(values, white)), is_surely_full(values)
    # Of colour with 16 bits, Pillow gives the upper 8 alone. That is right for all but those that use the lower ones.
    upper = np.asarray(image.convert("RGB"))
    if is_surely_full(upper, bits=8):
        return image, True
    import cv2  # it takes a fifth of a second, which other images do not need

    source.seek(0)
    deep = cv2.imdecode(np.frombuffer(source.read(), np.uint8), cv2.IMREAD_UNCHANGED)
    if deep is None or deep.ndim != 3 or deep.dtype != np.uint16:
        return image, False
    colours = to_grey_levels(deep[:, :, 2::-1], white_of(deep[:, :, :3], image, source, bits))
    if deep.shape[2] == 4:
        colours = np.dstack([colours, (deep[:, :, 3] >> 8).astype(np.uint8)])
    return Image.fromarray(colours), False


def _grey(image: Image.Image) -> Grey:
    """Return 8-bit grey pixels; transparent parts become white."""
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("L"))
