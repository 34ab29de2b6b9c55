"""Numbers and names as people read them."""

from collections.abc import Sequence


def count(number: int, singular: str, plural: str = "") -> str:
    """Return a number with its noun, such as `1 image` or `2,000 images`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def share(part: float, whole: float, digits: int = 1) -> str:
    """Return a share in percent with a space that does not break; of nothing it is 0 %."""
    return f"{100 * part / whole if whole else 0.0:.{digits}f}\u00a0%"


def listed(words: Sequence[str], most: int = 8) -> str:
    """Return words as a list in prose, such as `a, b and c`; beyond `most` the rest is counted."""
    shown = list(words[:most])
    if len(words) > most:
        shown.append(f"{len(words) - most:,} more")
    if len(shown) < 2:
        return "".join(shown)
    return ", ".join(shown[:-1]) + " and " + shown[-1]


def shown(name: str, longest: int = 140) -> str:
    r"""Return a file's name so that it can be printed.

    What does not print (control characters, marks that turn the direction of writing, halves of surrogates from names
    that are not UTF-8) is written as `\x1b`; of a name that is too long the middle is left out. Escaping for HTML is
    the template's.
    """
    clean = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in name)
    if len(clean) <= longest:
        return clean
    end = longest * 2 // 3
    return f"{clean[: longest - end - 1]}\u2026{clean[-end:]}"


def drawn(name: str) -> str:
    r"""Return a class's name for a figure: printable, short, and `$` escaped, since `$` starts a formula."""
    return shown(name or "no label", 24).replace("$", r"\$")


def slugs(names: Sequence[str]) -> list[str]:
    """Return a distinct file name part for each name: ASCII letters and digits in lower case, else `_`."""
    taken: set[str] = set()
    result = []
    for name in names:
        base = "".join(c if c.isascii() and c.isalnum() else "_" for c in name.lower())[:40] or "_"
        slug, number = base, 1
        while slug in taken:
            number += 1
            slug = f"{base}_{number}"
        taken.add(slug)
        result.append(slug)
    return result
