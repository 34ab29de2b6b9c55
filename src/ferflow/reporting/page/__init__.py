"""Pages for people: one HTML file that loads nothing from elsewhere, made of sections, tables and pictures."""

from ferflow.reporting.page.parts import (
    Block,
    Cell,
    Chart,
    Charts,
    ClassCard,
    Gallery,
    PagePicture,
    PageSection,
    PageTable,
    PicturePair,
)
from ferflow.reporting.page.pictures import ReportFiles, contact_sheet, page_picture, png_chart, png_picture
from ferflow.reporting.page.render import render_page

__all__ = [
    "Block",
    "Cell",
    "Chart",
    "Charts",
    "ClassCard",
    "Gallery",
    "PagePicture",
    "PageSection",
    "PageTable",
    "PicturePair",
    "ReportFiles",
    "contact_sheet",
    "page_picture",
    "png_chart",
    "png_picture",
    "render_page",
]
