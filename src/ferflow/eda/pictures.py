"""Small pictures for the page: scaled, laid out on sheets, written as PNG."""

import base64
import io
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

Levels = npt.NDArray[np.uint8]


def square(grey: Levels, side: int) -> Levels:
    """Return an image, (height, width), stretched to (side, side) as the arrays for training will be."""
    if grey.shape == (side, side):
        return grey
    return np.asarray(_scaled(grey, (side, side)))


def thumbnail(grey: Levels, longest: int) -> Levels:
    """Return an image, (height, width), with its proportions and at most `longest` pixels a side."""
    height, width = grey.shape
    if max(height, width) <= longest:
        return grey
    scale = longest / max(height, width)
    return np.asarray(_scaled(grey, (max(1, round(scale * width)), max(1, round(scale * height)))))


def _scaled(grey: Levels, size: tuple[int, int]) -> Image.Image:
    smaller = size[0] < grey.shape[1]
    return Image.fromarray(grey).resize(size, Image.Resampling.BOX if smaller else Image.Resampling.BICUBIC)


def sheet(pictures: Sequence[Levels], columns: int, gap: int = 2) -> Image.Image:
    """Return pictures row by row with clear space between.

    Args:
        pictures: at least one, all (height, width) or all (height, width, 3); the largest gives the size of a cell.
        columns: pictures in a row.
        gap: pixels between them.
    """
    height = max(picture.shape[0] for picture in pictures)
    width = max(picture.shape[1] for picture in pictures)
    columns = max(1, min(columns, len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    mode = "LA" if pictures[0].ndim == 2 else "RGBA"
    whole = Image.new(mode, (columns * (width + gap) - gap, rows * (height + gap) - gap))
    for number, picture in enumerate(pictures):
        row, column = divmod(number, columns)
        whole.paste(Image.fromarray(picture).convert(mode), (column * (width + gap), row * (height + gap)))
    return whole


def png(image: Image.Image) -> bytes:
    """Return an image as PNG without metadata."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def data_uri(data: bytes) -> str:
    """Return a PNG's bytes as a data URI."""
    return "data:image/png;base64," + base64.b64encode(data).decode("ascii")
