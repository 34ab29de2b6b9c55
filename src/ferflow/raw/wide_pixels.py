"""Scale pixels of more than 8 bits to grey levels: how many bits a file really uses, and what white is.

Cameras write 10, 12 or 14 bits into the lower bits of 16, and most programs do not say so in the file. Divided like
full 16-bit values, such faces would be nearly black, with 4 to 64 grey levels.
"""

import struct
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from ferflow.base.errors import DataError

_SURELY_FULL = 2**14  # a value from here on needs 15 or 16 bits, and cameras have none with 15
_DEPTHS = (8, 10, 12, 14)
_FULL = 65_535
_MIN_IMAGES = 5  # of a set, whose largest value then shows its range
_MAX_DARK_SHARE = 0.05  # of the images of a 16-bit set may be darker than a quarter of the range
_TIFF_BITS, _TIFF_MAXIMA = 258, (281, 341)  # tags BitsPerSample; MaxSampleValue, SMaxSampleValue


class UntoldRangeError(DataError):
    """Pixels of more than 8 bits whose range the file itself does not tell; the whole set may.

    Attributes:
        top: Largest value.
    """

    def __init__(self, top: int) -> None:
        """Store the largest value, and say what it is."""
        super().__init__(
            "pixels of 16 bits whose range is not told: save the images with 8 bits, or scaled to the full 16 "
            f"(largest value: {top})"
        )
        self.top = top


def is_wide(image: Image.Image) -> bool:
    """Return whether an image has more than 8 bits a pixel; colour has if its file says so."""
    if image.mode.startswith("I") or image.mode == "F":
        return True
    return image.mode in ("RGB", "RGBA", "LA") and _file_depth(image) == 16


def is_surely_full(values: npt.NDArray[np.generic], bits: int = 16) -> bool:
    """Return whether integers need more than 14 of 16 bits, of which `values` has the upper `bits`; 16 by default."""
    return values.dtype.kind != "f" and int(values.max(initial=0)) >= _SURELY_FULL >> (16 - bits)


def white_of(values: npt.NDArray[np.generic], image: Image.Image, source: BinaryIO, bits: int | None) -> float:
    """Return the value that is white.

    Args:
        values: Pixels of more than 8 bits, any shape.
        image: The opened image, for what its format and its file tell.
        source: The file, seekable; its position stays.
        bits: Bits that the other images of the set use, for a file that does not tell. Defaults of callers: not known.

    Raises:
        UntoldRangeError: Neither file nor values tell the range, and `bits` is None.
        ValueError: There are values over 65,535.
    """
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    low, top = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if values.dtype.kind == "f" and top <= 255:
        return 1.0 if top <= 1 else 255.0
    if top > _FULL:
        raise ValueError(f"pixels with values up to {top:.0f}; the maximum is {_FULL}")
    if values.dtype.itemsize > 2 and image.format == "TIFF" and top <= 255:
        return 255.0
    if image.format in ("PPM", "JPEG2000") or top >= _SURELY_FULL or low == top:
        return _FULL  # Pillow scales the first two; an image of one value is blank, whatever white is
    told = _told_bits(image, source)
    if told and (top >= 2**told or _is_scaled(values, told)):
        return _FULL  # the samples were scaled up from so many bits, as PNG 1.2 (section 4.2.4.4, sBIT) requires
    if told or bits:
        return float(2 ** (told or bits or 16) - 1)
    if not (values % 257).any():  # 8 bits, scaled up
        return _FULL
    raise UntoldRangeError(int(top))


def bits_of_set(tops: npt.NDArray[np.int64], full: int) -> int | None:
    """Return how many bits the images of a set use that do not tell it themselves; None if the set does not tell.

    Args:
        tops: Largest value of each of these images, int64, (N,).
        full: Number of other images of more than 8 bits, which use all 16.

    >>> bits_of_set(np.array([3000, 900, 4000, 3500, 2222]), full=0)
    12
    """
    if full:  # as many dark ones as any set has, or images of two kinds
        return 16 if len(tops) <= _MAX_DARK_SHARE * (full + len(tops)) else None
    top = int(tops.max())
    bits = next((depth for depth in _DEPTHS if top < 2**depth), None)
    # A set whose brightest pixel is below half of the range would be no set of that depth.
    return bits if bits and len(tops) >= _MIN_IMAGES and top >= 2 ** (bits - 1) else None


def to_grey_levels(values: npt.NDArray[np.generic], white: float) -> npt.NDArray[np.uint8]:
    """Scale values to 8 bits, `white` to 255; what is beyond is clipped, and what is no number is black."""
    wide = np.nan_to_num(values.astype(np.float32), posinf=white, neginf=0.0)
    factor = 1 / 257 if white == _FULL else 255 / white
    grey: npt.NDArray[np.uint8] = np.clip(np.rint(wide * factor), 0, 255).astype(np.uint8)
    return grey


def _file_depth(image: Image.Image) -> int:
    if image.format == "PNG":
        tile = getattr(image, "tile", None)  # how Pillow unpacks the file, such as RGB;16B; gone once it has done so
        return 16 if tile and ";16" in str(tile[0]) else 8
    return max(_tiff_tag(image, _TIFF_BITS), default=8) if image.format == "TIFF" else 8


def _told_bits(image: Image.Image, source: BinaryIO) -> int | None:
    """Return the number of bits that the file says it uses; None if it says nothing."""
    if image.format == "PNG":
        return _significant_bits(source)
    if image.format == "TIFF":
        depth = max(_tiff_tag(image, _TIFF_BITS), default=16)
        maximum = max((value for tag in _TIFF_MAXIMA for value in _tiff_tag(image, tag)), default=0)
        if 255 < maximum < _FULL:
            return maximum.bit_length()
        return depth if 8 < depth < 16 else None
    return None


def _tiff_tag(image: Image.Image, tag: int) -> tuple[int, ...]:
    value = getattr(image, "tag_v2", {}).get(tag, ())
    return tuple(int(item) for item in (value if isinstance(value, tuple) else (value,)))


def _significant_bits(source: BinaryIO) -> int | None:
    """Return the largest number in a PNG's sBIT chunk; None if it has none."""
    position = source.tell()
    try:
        source.seek(8)
        while len(head := source.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            if kind == b"sBIT" and 1 <= length <= 4:
                found = max(source.read(length)[: 1 if length < 3 else 3], default=0)  # without that of transparency
                return found if 1 <= found <= 16 else None
            if kind in (b"IDAT", b"IEND"):
                return None
            source.seek(length + 4, 1)
        return None
    finally:
        source.seek(position)


def _is_scaled(values: npt.NDArray[np.generic], bits: int) -> bool:
    """Return whether all values are samples of `bits` bits, shifted up, with the lower bits zero or repeated."""
    whole = values.astype(np.int64)
    shift = 16 - bits
    upper = whole >> shift
    repeated = (upper << shift) | (upper >> max(0, bits - shift))
    return bool(shift) and bool((whole == upper << shift).all() or (whole == repeated).all())
