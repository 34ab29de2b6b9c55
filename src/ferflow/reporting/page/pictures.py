"""Pictures inside a page, as data URIs, and the files next to it."""

import base64
import io
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from ferflow.reporting.page.parts import Chart, PagePicture
from ferflow.reporting.style import png_bytes

Pixels = npt.NDArray[np.uint8]


@dataclass
class ReportFiles:
    """The files next to the page.

    Attributes:
        images: PNGs by file name.
        tables: Tables by name, without suffix.
    """

    images: dict[str, bytes] = field(default_factory=dict)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)

    def add_figure(self, name: str, figure: Figure) -> bytes:
        """Add a figure as `name`.png and return the PNG."""
        with warnings.catch_warnings():
            # The name of a class may use a script that the font lacks; the text of the page shows the name.
            warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
            data = self.images[f"{name}.png"] = png_bytes(figure)
        return data

    def add_chart(self, name: str, figure: Figure, alt: str) -> Chart:
        """Add a figure as `name`.png and return it for the page."""
        return png_chart(self.add_figure(name, figure), alt)

    def add_picture(self, name: str, image: Image.Image, alt: str) -> PagePicture:
        """Add an image as `name`.png and return it for the page."""
        data = self.images[f"{name}.png"] = _png(image)
        return PagePicture(data_uri(data), image.width, image.height, alt)


def png_picture(data: bytes, alt: str) -> PagePicture:
    """Return the bytes of a PNG for the page."""
    width, height = Image.open(io.BytesIO(data)).size
    return PagePicture(data_uri(data), width, height, alt)


def png_chart(data: bytes, alt: str, photo: bool = False) -> Chart:
    """Return the bytes of a PNG for the page as a chart, or, with `photo`, as a picture that dark mode leaves alone."""
    return Chart(png_picture(data, alt), "photo" if photo else "chart")


def page_picture(image: Pixels, alt: str, lines: Sequence[str] = ()) -> PagePicture:
    """Return an image, uint8 (height, width) or (height, width, 3), for the page without a file of its own."""
    height, width = image.shape[:2]
    return PagePicture(data_uri(_png(Image.fromarray(image))), width, height, alt, tuple(lines))


def contact_sheet(images: Sequence[Pixels], columns: int, gap: int = 2) -> Image.Image:
    """Arrange images in rows on one transparent sheet.

    Args:
        images: At least one image; all uint8 (height, width) or all (height, width, 3). The largest height and width
            determine the size of a cell.
        columns: Images per row.
        gap: Pixels between images. Defaults to 2.
    """
    height = max(image.shape[0] for image in images)
    width = max(image.shape[1] for image in images)
    columns = max(1, min(columns, len(images)))
    rows = math.ceil(len(images) / columns)
    mode = "LA" if images[0].ndim == 2 else "RGBA"
    sheet = Image.new(mode, (columns * (width + gap) - gap, rows * (height + gap) - gap))
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        sheet.paste(Image.fromarray(image).convert(mode), (column * (width + gap), row * (height + gap)))
    return sheet


def data_uri(png: bytes) -> str:
    """Return the bytes of a PNG as a data URI."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _png(image: Image.Image) -> bytes:
    """Return an image as PNG without metadata."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
