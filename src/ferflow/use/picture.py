"""Bring any picture to upright RGB with 8 bits: files, bytes, Pillow images and arrays."""

import io
import os
import warnings
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from ferflow.base.errors import DataError
from ferflow.base.formats import DECODER_ERRORS, FORMATS
from ferflow.raw.wide_pixels import UntoldRangeError, is_surely_full, is_wide, to_grey_levels, white_of
from ferflow.use.face import Rgb

MAX_PIXELS = 100_000_000
"""Maximum number of pixels of a picture: 300 MB in memory."""

Source: TypeAlias = "str | os.PathLike[str] | bytes | Image.Image | npt.NDArray[np.generic]"
"""What can be given as a picture: a path, a file's bytes, a Pillow image, or an array."""


class PictureError(DataError):
    """A picture that cannot be read, or must not be."""


class TooLargeError(PictureError):
    """A picture with more pixels than allowed."""


def read_picture(source: Source, *, bgr: bool = False, max_pixels: int = MAX_PIXELS) -> Rgb:
    """Return a picture as uint8, (height, width, 3), RGB.

    A file's EXIF orientation is applied, transparent parts become white, CMYK and palettes become RGB, 16 bits become
    8, and of an animation the first frame is taken.

    Args:
        source: The picture: a path, the bytes of a file, a Pillow image, or an array, uint8, (height, width) if it is
            grey, or (height, width, 1, 3 or 4).
        bgr: Whether an array's channels are blue, green, red, as OpenCV gives them. Defaults to false.
        max_pixels: Maximum number of pixels. Defaults to 100 million.

    Raises:
        PictureError: The picture cannot be read, or is an array of another type or shape.
        TooLargeError: It has too many pixels.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source, bgr, max_pixels)
    if bgr:
        raise PictureError(f"bgr=True is for arrays; a {type(source).__name__} tells the order of its channels itself.")
    if isinstance(source, Image.Image):
        return _guarded(source, io.BytesIO(), max_pixels)
    if isinstance(source, bytes | bytearray):
        return _decode(io.BytesIO(source), max_pixels)
    if not isinstance(source, str | os.PathLike):
        raise PictureError(
            f"a picture is a path, bytes, a Pillow image or an array. Received: {type(source).__name__}."
        )
    try:
        with Path(source).open("rb") as handle:
            return _decode(handle, max_pixels)
    except PictureError:
        raise
    except OSError as error:
        raise PictureError(f"cannot be read: {error.strerror or error}") from None


def to_grey(image: Rgb) -> npt.NDArray[np.uint8]:
    """Return a picture's grey levels as training computes them (ITU-R 601-2): uint8, (height, width)."""
    return np.asarray(Image.fromarray(image).convert("L"))


def _from_array(array: npt.NDArray[np.generic], bgr: bool, max_pixels: int) -> Rgb:
    shape = array.shape
    if array.dtype != np.uint8:
        hint = ""
        if array.dtype.kind == "f" and array.size and array.min() >= 0 and array.max() <= 1:
            hint = " Values from 0 to 1 become (image * 255).round().astype('uint8')."
        raise PictureError(f"an array has to be uint8, 0 to 255. Received: {array.dtype}, shape {shape}.{hint}")
    if array.ndim not in (2, 3) or (array.ndim == 3 and shape[2] not in (1, 3, 4)) or 0 in shape:
        hint = " Channels come last: image.transpose(1, 2, 0)." if array.ndim == 3 and shape[0] in (1, 3, 4) else ""
        if array.ndim == 4:
            hint = " Several pictures are given as a list, and crops of one size to Recognizer.faces."
        raise PictureError(
            f"an array has to be (height, width) or (height, width, 1, 3 or 4). Received: shape {shape}.{hint}"
        )
    if shape[0] * shape[1] > max_pixels:
        raise TooLargeError(f"too large: {shape[1]}x{shape[0]} pixels; the maximum is {max_pixels:,} pixels")
    pixels = array.astype(np.uint8)
    if pixels.ndim == 2 or shape[2] == 1:
        return np.repeat(pixels.reshape(shape[0], shape[1], 1), 3, axis=2)
    colours = pixels[:, :, 2::-1] if bgr else pixels[:, :, :3]
    if shape[2] == 4:
        colours = np.dstack([colours, pixels[:, :, 3]])
        return _opaque(Image.fromarray(colours))
    return np.ascontiguousarray(colours)


def _decode(stream: BinaryIO, max_pixels: int) -> Rgb:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an error says whatever matters
        try:
            with Image.open(stream, formats=FORMATS) as image:
                return _guarded(image, stream, max_pixels)
        except UnidentifiedImageError:
            empty = stream.seek(0, os.SEEK_END) == 0
            raise PictureError("an empty file" if empty else "not a picture of a known format") from None
        except Image.DecompressionBombError:
            raise TooLargeError("too large: claims more pixels than Pillow decodes") from None
        except DECODER_ERRORS as error:
            raise PictureError(f"damaged: {_text(error)}") from None


def _guarded(image: Image.Image, stream: BinaryIO, max_pixels: int) -> Rgb:
    width, height = image.size
    if width * height > max_pixels:
        raise TooLargeError(f"too large: {width}x{height} pixels; the maximum is {max_pixels:,} pixels")
    if not width or not height:
        raise PictureError("a picture without pixels")
    try:
        exif = image.info.get("exif")
        narrow = _eight_bits(image, stream) if is_wide(image) else image
        if exif and narrow is not image:
            narrow.info["exif"] = exif
        return _opaque(_upright(narrow))
    except PictureError:
        raise
    except UntoldRangeError as error:
        raise PictureError(str(error)) from None
    except DECODER_ERRORS as error:
        raise PictureError(f"damaged: {_text(error)}") from None


def _eight_bits(image: Image.Image, stream: BinaryIO) -> Image.Image:
    """Return an image of more than 8 bits as one of 8; see ferflow.raw.wide_pixels."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image)
        return Image.fromarray(to_grey_levels(values, white_of(values, image, stream, None)))
    # Of colour with 16 bits, Pillow gives the upper 8, which are nearly black if the file uses the lower ones.
    upper = np.asarray(image.convert("RGB"))
    if upper.max() and not is_surely_full(upper, bits=8):
        raise PictureError("colour of 16 bits that uses 14 or fewer: save it with 8 bits, or scaled to the full 16")
    return image


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except DECODER_ERRORS:  # damaged EXIF data; the picture itself may be intact
        return image


def _opaque(image: Image.Image) -> Rgb:
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("RGB"))


def _text(error: Exception) -> str:
    return str(error) or type(error).__name__
