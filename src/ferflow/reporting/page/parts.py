"""The parts that pages are made of."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal


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
class Charts:
    """Figures of equal rank, side by side where there is room.

    Attributes:
        charts: The figures, in order.
    """

    charts: tuple[Chart, ...]
    kind: str = "charts"


@dataclass(frozen=True)
class PicturePair:
    """Two versions of one picture side by side; one below the other on narrow screens.

    Attributes:
        title: Heading.
        before: Earlier version, or None if there is none.
        after: Later version, or None if there is none.
        labels: Captions of the two.
    """

    title: str
    before: PagePicture | None
    after: PagePicture | None
    labels: tuple[str, str]
    kind: str = "pair"


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
class Cell:
    """A cell of a table.

    Attributes:
        text: What the cell shows.
        value: What its column is sorted by. Defaults to the text; None puts the row last in either direction.
        link: Address relative to the page, or nothing.
        note: Second line in small type, such as an interval, or nothing.
    """

    text: str
    value: float | str | None = ""
    link: str = ""
    note: str = ""

    @property
    def key(self) -> str:
        """Sort key as the page's script reads it; empty if the row comes last."""
        if self.value is None:
            return ""
        return self.text if self.value == "" else f"{self.value:.9g}" if isinstance(self.value, float) else self.value


@dataclass(frozen=True)
class PageTable:
    """A table on the page.

    Attributes:
        caption: What the table shows.
        header: Names of the columns.
        rows: Cells, row by row; the first of each row is its heading, unless `heading` names another.
        numeric: Indices, from 0, of the columns with numbers.
        folded: Whether the table is collapsed at first.
        sortable: Whether a click on a column's heading sorts the rows; the cells are then of the kind Cell.
        heading: Index of the column that holds the rows' headings. Defaults to the first.
        marked: Indices of the rows that stand out, such as the average of several networks among networks.
    """

    caption: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str | Cell, ...]]
    numeric: frozenset[int] = frozenset()
    folded: bool = False
    sortable: bool = False
    heading: int = 0
    marked: frozenset[int] = frozenset()
    kind: str = "table"

    @property
    def cells(self) -> list[list[Cell]]:
        """The rows, with every text as a Cell."""
        return [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in self.rows]


Block = Chart | Charts | Gallery | ClassCard | PageTable | PicturePair


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
        wide: Whether what follows a first chart has the whole width below it, as tables with many columns need it.
    """

    key: str
    title: str
    findings: list[str] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    sections: list["PageSection"] = field(default_factory=list)
    paired: bool = False
    wide: bool = False

    @property
    def framed(self) -> bool:
        """Whether the section's own content needs a frame; class cards have frames of their own."""
        return any(not isinstance(block, ClassCard) for block in self.blocks)

    @property
    def charted(self) -> bool:
        """Whether a chart comes first, with the text next to it on wide screens."""
        return bool(self.blocks) and isinstance(self.blocks[0], Chart)

    @property
    def sortable(self) -> bool:
        """Whether the section or one of its subsections has a table that can be sorted."""
        own = any(isinstance(block, PageTable) and block.sortable for block in self.blocks)
        return own or any(section.sortable for section in self.sections)
