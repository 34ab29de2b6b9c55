"""Raw images as grey pixels: the one decoder that clean, eda and prepare share, so that all see the same picture."""

import io
import os
import struct
import warnings
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from ferflow.errors import DataError
from ferflow.manifest import raw_path, table_row
from ferflow.tables import Table

Grey = npt.NDArray[np.uint8]

# Named, so that no format with a program inside (EPS starts Ghostscript) is ever tried on a stranger's file.
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM", "MPO", "JPEG2000", "AVIF")
# What Pillow's decoders raise on damaged bytes, by experiment (tests/clean) and by their source.
DECODER_ERRORS = (
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
    Image.DecompressionBombError,
)
_IN_MEMORY = 64_000_000  # bytes; a longer file is decoded from disk


class ImageProblem(DataError):
    """A file that gives no picture.

    Attributes:
        reason: `unreadable`, `bomb` or `animated`.
        size: width and height in pixels where the header tells, else (0, 0).
        mode: Pillow's name of the pixel format where the header tells, else empty.
    """

    def __init__(self, reason: str, message: str, size: tuple[int, int] = (0, 0), mode: str = "") -> None:
        """Keep what is known of the file."""
        super().__init__(message)
        self.reason, self.size, self.mode = reason, size, mode


@dataclass(frozen=True)
class Picture:
    """A decoded image.

    Attributes:
        grey: uint8, (height, width), grey levels 0 to 255, turned upright as its EXIF orientation says.
        mode: Pillow's name of the pixel format as it came, such as L or RGB.
    """

    grey: Grey
    mode: str


def decode(source: BinaryIO, max_pixels: int) -> Picture:
    """Decode an image to 8-bit grey.

    Args:
        source: the file's bytes, seekable.
        max_pixels: an image whose header claims more is not decoded.

    Raises:
        ImageProblem: the file gives no picture.
    """
    size, mode = (0, 0), ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of what the verdict says anyway
        try:
            with Image.open(source, formats=FORMATS) as image:
                size, mode = image.size, image.mode
                if size[0] * size[1] > max_pixels:
                    raise ImageProblem("bomb", f"claims {size[0]}x{size[1]} pixels", size, mode)
                if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
                    raise ImageProblem("animated", f"{image.n_frames} frames", size, mode)  # type: ignore[attr-defined]
                if "exif" in image.info:
                    return Picture(_grey(ImageOps.exif_transpose(image)), mode)
                return Picture(_grey(image), mode)
        except ImageProblem:
            raise
        except Image.DecompressionBombError as error:
            raise ImageProblem("bomb", str(error), size, mode) from None
        except Image.UnidentifiedImageError:
            raise ImageProblem("unreadable", "not an image") from None
        except DECODER_ERRORS as error:
            text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            raise ImageProblem("unreadable", text, size, mode) from None


def read_grey(raw: Path, paths: Iterable[str], max_pixels: int) -> Iterator[Grey]:
    """Yield the images that the manifest names `paths`, in that order, as uint8 (height, width).

    Rows of tables are read in place. One image at a time is in memory.

    Args:
        raw: the raw folder.
        paths: as in the manifest.
        max_pixels: as for decode.

    Raises:
        DataError: a file is gone or gives no picture, so that it is not what clean saw.
    """
    tables: dict[Path, Table] = {}
    for path in paths:
        file, row = raw_path(raw, path), table_row(path)
        try:
            if row is None:
                with file.open("rb") as handle:
                    grey = decode(handle, max_pixels).grey
            else:
                if file not in tables:
                    tables[file] = Table(file)
                grey = tables[file].pixels(tables[file].fields(row))
        except (ImageProblem, OSError, ValueError, IndexError) as error:
            raise DataError(
                f"{path} was readable when the manifest was made and is not now ({error}). Run dvc repro clean."
            ) from None
        yield grey


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading without following a link and without waiting, should it be a pipe by now."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb", buffering=0)


def whole_or_handle(handle: BinaryIO, size: int) -> BinaryIO:
    """Return the file's bytes in memory, or the handle itself where they are too many."""
    return io.BytesIO(handle.read()) if size <= _IN_MEMORY else handle


def _grey(image: Image.Image) -> Grey:
    """Return 8-bit grey pixels. Transparent parts become white; 16 bits are scaled to 8."""
    if image.mode == "L" and "transparency" not in image.info:
        pixels = image.tobytes()
        return np.frombuffer(pixels, np.uint8).reshape(image.height, image.width)
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
    return np.clip(np.rint(wide * factor), 0, 255).astype(np.uint8)
