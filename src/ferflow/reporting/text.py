"""Numbers, names, lists and tables as people read them."""

from collections.abc import Iterable, Sequence

from tabulate import tabulate

DASH = "—"
NO_BREAK = "\u00a0"


def percent(share: float, digits: int = 1, space: str = NO_BREAK) -> str:
    """Return a share of 1 in percent, by default with one digit and a non-breaking space.

    >>> percent(0.7123, space=" ")
    '71.2 %'
    """
    return f"{100 * share:.{digits}f}{space}%"


def percent_of(part: float, whole: float, digits: int = 1) -> str:
    """Return `part` as a share of `whole` in percent, with a non-breaking space; of nothing it is 0 %.

    >>> percent_of(1, 8).split(), percent_of(0, 0, digits=0).split()
    (['12.5', '%'], ['0', '%'])
    """
    return percent(part / whole if whole else 0.0, digits)


def points(difference: float) -> str:
    """Return a difference of shares of 1 in points, with its sign and one digit.

    >>> points(0.0123), points(-0.05), points(-0.0001)
    ('+1.2', '-5.0', '0.0')
    """
    text = f"{100 * difference:+.1f}"
    return text[1:] if text in ("+0.0", "-0.0") else text


def short_number(number: float) -> str:
    """Return a count with two or three digits and a unit.

    >>> short_number(1234567).split()
    ['1.2', 'M']
    """
    for size, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= size:
            scaled = number / size
            digits = f"{scaled:.{0 if abs(scaled) >= 99.5 else 1}f}".removesuffix(".0")
            return f"{digits}{NO_BREAK}{unit}"
    return f"{number:.0f}"


def count(number: int, singular: str, plural: str = "") -> str:
    """Return a number with its noun; the plural is the singular with an s unless given.

    >>> count(1, "image"), count(2000, "image")
    ('1 image', '2,000 images')
    """
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def listed(words: Sequence[str], limit: int | None = None) -> str:
    """Return words as a list in prose; beyond `limit` (default: none) the rest is counted.

    >>> listed(["a", "b", "c"]), listed(["a", "b", "c", "d"], limit=2)
    ('a, b and c', 'a, b and 2 more')
    """
    items = list(words if limit is None else words[:limit])
    if len(words) > len(items):
        items.append(f"{len(words) - len(items):,} more")
    return ", ".join(items[:-1]) + " and " + items[-1] if len(items) > 1 else "".join(items)


def printable(name: str, limit: int = 140) -> str:
    r"""Return the name of a file or class in a form that can be printed.

    Control characters, marks that change the direction of writing, and surrogates from names that are not UTF-8 are
    written as escapes such as `\x1b`. This is not HTML escaping: the template does that.

    Args:
        name: Any text.
        limit: Maximum length in characters; a longer name loses its middle. Defaults to 140.

    >>> printable("a\tb")
    'a\\tb'
    """
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in name)
    if len(text) <= limit:
        return text
    end = limit * 2 // 3
    return f"{text[: limit - end - 1]}\u2026{text[-end:]}"


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """Return a Markdown table without a final newline.

    Args:
        header: Names of the columns.
        rows: Cells, row by row; a pipe in a cell is escaped.
        left: Number of columns aligned left; the others are aligned right. Defaults to 1.
    """
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    align = ["left" if column < left else "right" for column in range(len(header))]
    return tabulate(cells, list(header), tablefmt="pipe", colalign=align if cells else None, disable_numparse=True)
