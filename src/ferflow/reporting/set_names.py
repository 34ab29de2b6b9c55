"""Names of the sets of images that metrics are reported for."""

from collections.abc import Iterable

WITHOUT_COPIES = "_without_copies"


def whole_sets(names: Iterable[str]) -> list[str]:
    """Return the sets that figures show: validation, and the subsets of test, or test where it has none.

    >>> whole_sets(["validation", "test", "PublicTest", "PrivateTest", "test_without_copies"])
    ['validation', 'PublicTest', 'PrivateTest']
    """
    whole = [name for name in names if not name.endswith(WITHOUT_COPIES)]
    return [name for name in whole if name != "test"] if len(whole) > 2 else whole


def shown_sets(names: Iterable[str]) -> list[str]:
    """Return the sets that tables show: those of `whole_sets`, then the last of them without its copies.

    >>> shown_sets(["validation", "test", "test_without_copies"])
    ['validation', 'test', 'test_without_copies']
    """
    names = list(names)
    whole = whole_sets(names)
    last = f"{whole[-1]}{WITHOUT_COPIES}"
    return [*whole, last] if last in names else whole


def set_label(name: str) -> str:
    """Return a set's name for people.

    >>> set_label("PrivateTest_without_copies")
    'PrivateTest without copies'
    """
    return name.replace(WITHOUT_COPIES, " without copies")
