"""Numbers, lists and tables as people read them."""

from collections.abc import Iterable, Sequence

from tabulate import tabulate

DASH = "—"
NO_BREAK = "\u00a0"


def percent(share: float, digits: int = 1, space: str = NO_BREAK) -> str:
    """Return a share of 1 in percent, by default with one digit and a space that does not break.

    >>> percent(0.7123, space=" ")
    '71.2 %'
    """
    return f"{100 * share:.{digits}f}{space}%"


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


def listed(words: Sequence[str], most: int | None = None) -> str:
    """Return words as a list in prose; beyond `most` (default: no limit) the rest is counted.

    >>> listed(["a", "b", "c"]), listed(["a", "b", "c", "d"], most=2)
    ('a, b and c', 'a, b and 2 more')
    """
    shown = list(words if most is None else words[:most])
    if len(words) > len(shown):
        shown.append(f"{len(words) - len(shown):,} more")
    return ", ".join(shown[:-1]) + " and " + shown[-1] if len(shown) > 1 else "".join(shown)


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """Return a Markdown table without a final newline.

    Args:
        header: names of the columns.
        rows: cells; a pipe in a cell is escaped.
        left: how many columns are aligned left; the others are aligned right. Default: the first.
    """
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    align = ["left" if place < left else "right" for place in range(len(header))]
    return tabulate(cells, list(header), tablefmt="pipe", colalign=align if cells else None, disable_numparse=True)
