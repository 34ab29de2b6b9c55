"""The rendering of a page: one HTML file that loads nothing from elsewhere and works without its script."""

import base64
import hashlib
from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ferflow.reporting.page.parts import PageSection


def render_page(
    title: str,
    subtitle: str,
    tiles: Sequence[tuple[str, str]],
    sections: Sequence[PageSection],
    footer: str,
    links: Sequence[tuple[str, str]] = (),
) -> str:
    """Return a page as HTML.

    The page has a script only if one of its tables can be sorted, and a content security policy that allows that script
    by its digest and nothing else.

    Args:
        title: Title of the page.
        subtitle: One sentence below the title.
        tiles: Headline numbers: each number and what it counts.
        sections: Sections, in order.
        footer: Who wrote the page, and which files are next to it.
        links: Further entries of the contents: text and address relative to the page. Defaults to none.
    """
    # The names of files and classes are untrusted: everything except the templates' own text is escaped.
    environment = Environment(
        loader=PackageLoader("ferflow.reporting.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = ""
    if any(section.sortable for section in sections):
        script = environment.get_template("sort.js").render()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return environment.get_template("page.html.j2").render(
        title=title,
        subtitle=subtitle,
        tiles=tiles,
        sections=sections,
        footer=footer,
        links=links,
        script=Markup(script),
        digest=digest,
    )
