"""What the page is made of, and its making: one file, nothing from outside, no script."""

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure
from PIL import Image

from ferflow.eda.pictures import Levels, data_uri, png
from ferflow.reporting import png_bytes


@dataclass(frozen=True)
class Picture:
    """An image with what stands under it.

    Attributes:
        source: data URI.
        width: pixels of the file.
        height: pixels of the file.
        alt: what is to be seen, for those who do not see it.
        lines: under the picture; the first is set in bold.
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
        picture: the figure.
        kind: `chart` is drawn on white and turned dark in dark mode; `photo` is shown as it is.
    """

    picture: Picture
    kind: Literal["chart", "photo"] = "chart"


@dataclass(frozen=True)
class Gallery:
    """Groups of pictures, those of a group side by side in one frame.

    Attributes:
        title: heading, may be empty.
        groups: the pictures of each group and a note under it, which may be empty.
    """

    title: str
    groups: tuple[tuple[tuple[Picture, ...], str], ...]
    kind: str = "gallery"


@dataclass(frozen=True)
class ClassCard:
    """One class: its name, its numbers, its typical faces and a sheet of samples."""

    name: str
    finding: str
    faces: tuple[Picture, ...]
    samples: Picture
    kind: str = "class"


@dataclass(frozen=True)
class Table:
    """A table; the first column names the row, `numeric` tells which columns hold numbers (from 0)."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()
    folded: bool = False
    kind: str = "table"


Block = Chart | Gallery | ClassCard | Table


@dataclass
class Section:
    """A part of the page under one heading.

    Attributes:
        key: of the heading, for links.
        title: the heading.
        findings: sentences with the findings in numbers.
        blocks: what is shown, in order.
        sections: the parts of this one, in order.
        paired: whether the parts stand two in a row where there is room.
    """

    key: str
    title: str
    findings: list[str] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    sections: list["Section"] = field(default_factory=list)
    paired: bool = False

    @property
    def framed(self) -> bool:
        """Whether the section's own blocks stand in a frame; cards of classes have frames of their own."""
        return any(not isinstance(block, ClassCard) for block in self.blocks)

    @property
    def charted(self) -> bool:
        """Whether a figure comes first, with the words beside it where there is room."""
        return bool(self.blocks) and isinstance(self.blocks[0], Chart)


@dataclass
class Files:
    """The files beside the page: PNGs and tables by their names."""

    images: dict[str, bytes] = field(default_factory=dict)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)

    def figure(self, name: str, figure: Figure) -> bytes:
        """Keep a figure as `name`.png and return the PNG."""
        with warnings.catch_warnings():
            # A class may be named in a script that the font lacks; the page's own text has the name.
            warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
            data = self.images[f"{name}.png"] = png_bytes(figure)
        return data

    def chart(self, name: str, figure: Figure, alt: str) -> Chart:
        """Keep a figure as `name`.png and return it for the page."""
        data = self.figure(name, figure)
        width, height = Image.open(io.BytesIO(data)).size
        return Chart(Picture(data_uri(data), width, height, alt))

    def picture(self, name: str, image: Image.Image, alt: str, lines: Sequence[str] = ()) -> Picture:
        """Keep an image as `name`.png and return it for the page."""
        data = self.images[f"{name}.png"] = png(image)
        return Picture(data_uri(data), image.width, image.height, alt, tuple(lines))


def inline(image: Levels, alt: str, lines: Sequence[str] = ()) -> Picture:
    """Return an image, (height, width) or (height, width, 3), for the page alone."""
    height, width = image.shape[:2]
    return Picture(data_uri(png(Image.fromarray(image))), width, height, alt, tuple(lines))


def render(
    title: str, subtitle: str, tiles: Sequence[tuple[str, str]], sections: Sequence[Section], files: Files
) -> str:
    """Return the page.

    Args:
        title: of the page.
        subtitle: one sentence under it.
        tiles: the headline numbers: number and what it counts.
        sections: in order.
        files: what stands beside the page, to be named in its last lines.
    """
    # Names of files and classes come from outside: everything that is not the template's own text is escaped.
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
