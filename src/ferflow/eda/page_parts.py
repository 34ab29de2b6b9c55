"""The parts of the page, and its rendering: one file without scripts that loads nothing from outside."""

import base64
import io
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure
from PIL import Image

from ferflow.raw.images import Grey  # also for colour images, uint8 (height, width, 3)
from ferflow.reporting import png_bytes


@dataclass(frozen=True)
class PagePicture:
    """An image with its caption.

    Attributes:
        source: Data URI.
        width: Width in pixels.
        height: Height in pixels.
        alt: Text alternative for people who do not see the image.
        lines: Lines of the caption; the first is set in bold.
    """

    source: str
    width: int
    height: int
    alt: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chart:
    """A figure.

    Attributes:
        picture: Image of the figure.
        kind: `chart` is drawn on white and inverted in dark mode; `photo` is always shown unchanged.
    """

    picture: PagePicture
    kind: Literal["chart", "photo"] = "chart"


@dataclass(frozen=True)
class Gallery:
    """Groups of pictures; those of a group are side by side in one frame.

    Attributes:
        title: Heading, may be empty.
        groups: Pictures of each group, and a note below them that may be empty.
    """

    title: str
    groups: tuple[tuple[tuple[PagePicture, ...], str], ...]
    kind: str = "gallery"


@dataclass(frozen=True)
class ClassCard:
    """A class on the page.

    Attributes:
        name: Name of the class.
        finding: Sentences with its numbers.
        faces: Mean, variance and difference face.
        samples: Sheet of sample faces.
    """

    name: str
    finding: str
    faces: tuple[PagePicture, ...]
    samples: PagePicture
    kind: str = "class"


@dataclass(frozen=True)
class PageTable:
    """A table on the page.

    Attributes:
        caption: What the table shows.
        header: Names of the columns.
        rows: Cells, row by row; the first of each row is its heading.
        numeric: Indices, from 0, of the columns with numbers.
        folded: Whether the table is collapsed at first.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()
    folded: bool = False
    kind: str = "table"


Block = Chart | Gallery | ClassCard | PageTable


@dataclass
class PageSection:
    """A part of the page under one heading.

    Attributes:
        key: Anchor of the heading, for links.
        title: Heading.
        findings: Sentences with the findings in numbers.
        blocks: Charts, galleries, cards and tables, in order.
        sections: Subsections, in order.
        paired: Whether the subsections are laid out two per row on wide screens.
    """

    key: str
    title: str
    findings: list[str] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    sections: list["PageSection"] = field(default_factory=list)
    paired: bool = False

    @property
    def framed(self) -> bool:
        """Whether the section's own blocks need a frame; class cards have frames of their own."""
        return any(not isinstance(block, ClassCard) for block in self.blocks)

    @property
    def charted(self) -> bool:
        """Whether a chart comes first, with the text next to it on wide screens."""
        return bool(self.blocks) and isinstance(self.blocks[0], Chart)


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
        data = self.add_figure(name, figure)
        width, height = Image.open(io.BytesIO(data)).size
        return Chart(PagePicture(_data_uri(data), width, height, alt))

    def add_picture(self, name: str, image: Image.Image, alt: str) -> PagePicture:
        """Add an image as `name`.png and return it for the page."""
        data = self.images[f"{name}.png"] = _png(image)
        return PagePicture(_data_uri(data), image.width, image.height, alt)


def page_picture(image: Grey, alt: str, lines: Sequence[str] = ()) -> PagePicture:
    """Return an image, uint8 (height, width) or (height, width, 3), for the page without a file of its own."""
    height, width = image.shape[:2]
    return PagePicture(_data_uri(_png(Image.fromarray(image))), width, height, alt, tuple(lines))


def contact_sheet(images: Sequence[Grey], columns: int, gap: int = 2) -> Image.Image:
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


def render_page(
    title: str,
    subtitle: str,
    tiles: Sequence[tuple[str, str]],
    sections: Sequence[PageSection],
    files: ReportFiles,
) -> str:
    """Return the page as HTML.

    Args:
        title: Title of the page.
        subtitle: One sentence below the title.
        tiles: Headline numbers: each number and what it counts.
        sections: Sections, in order.
        files: Files next to the page, which its footer lists.
    """
    # The names of files and classes are untrusted: everything except the template's own text is escaped.
    environment = Environment(
        loader=PackageLoader("ferflow.eda"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2").render(
        title=title, subtitle=subtitle, tiles=tiles, sections=sections, files=files
    )


def _png(image: Image.Image) -> bytes:
    """Return an image as PNG without metadata."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def _data_uri(data: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(data).decode("ascii")
