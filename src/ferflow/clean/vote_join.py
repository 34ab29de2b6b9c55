"""FER+ votes: read them, and check that they belong to the images, since the two tables are joined row by row."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ferflow.clean.layout_parser import split_of, subset_of
from ferflow.raw import ferplus
from ferflow.raw.tables import read_header

_EMOTIONS = tuple(ferplus.EMOTIONS.values())
# Over FER-2013's 35,887 rows the kappa of emotion and votes is 0.55, and at least 0.38 in any 100 consecutive rows; of
# the same rows shuffled, shifted by one row or sorted by emotion it is at most 0.17.
_MIN_KAPPA = 0.25
_BLOCK = 200  # rows compared together, so that a part of the table that is out of step does not hide in the rest
_MIN_ROWS = 50  # fewer rows agree or disagree by chance
_MAX_SHARE = 0.6  # of one emotion in a block; the kappa of nearly one emotion says nothing


@dataclass(frozen=True)
class Votes:
    """A table of votes.

    Attributes:
        counts: Votes, int64, (rows, 10), in the order of ferplus.COLUMNS.
        facts: Values of the other columns by name in lower case, row by row, such as `usage` and `image name`.
    """

    counts: npt.NDArray[np.int64]
    facts: Mapping[str, Sequence[str]]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.counts)


def read_votes(path: Path) -> Votes | None:
    """Read a table such as fer2013new.csv; None if its votes are not whole numbers from 0.

    Args:
        path: A CSV with the columns in ferplus.COLUMNS, in any order and case.
    """
    try:
        frame = pd.read_csv(
            path, sep=read_header(path).delimiter, skipinitialspace=True, dtype=str, keep_default_na=False
        )
        frame.columns = [str(name).strip().casefold() for name in frame.columns]
        counts = frame[list(ferplus.COLUMNS)].apply(pd.to_numeric).to_numpy(np.float64)
    except (OSError, ValueError, KeyError):
        return None
    if not (np.isfinite(counts).all() and (counts >= 0).all() and (counts == np.rint(counts)).all()):
        return None
    others = frame.columns.difference(list(ferplus.COLUMNS))
    facts = {str(name): [str(value).strip() for value in frame[name]] for name in others}
    return Votes(counts.astype(np.int64), facts)


def find_contradiction(rows: Sequence[Mapping[str, str]], emotions: Sequence[str], votes: Votes) -> str:
    """Return why votes cannot belong to the rows of an image table, in words; empty if nothing speaks against it.

    Every column that both tables have must agree (Usage, in published tables); the emotions must agree with the votes
    far better than by chance, in every part of the table; and the image names, if their numbers are out of order, show
    that the table of votes was sorted, so that only such an agreement still speaks for the join.

    Args:
        rows: Each row of the image table: values by column name in lower case, without pixels.
        emotions: The image table's own emotion for each row; empty if it has none.
        votes: Votes with as many rows.
    """
    for column in sorted(set(votes.facts) & (set(rows[0]) if rows else set())):
        found = _different_rows([row.get(column, "") for row in rows], votes.facts[column], column)
        if found:
            return found
    elected = [_EMOTIONS[winner] if winner < len(_EMOTIONS) else "" for winner in votes.counts.argmax(axis=1)]
    agreement = _agreement(np.array(emotions, object), np.array(elected, object))
    if agreement:
        return agreement if agreement != _TOO_FEW else _names_out_of_order(votes)
    return ""


_TOO_FEW = "too few rows"


def _different_rows(ours: Sequence[str], theirs: Sequence[str], column: str) -> str:
    """Return in how many rows the values of one column differ; empty if in none. A missing value says nothing."""
    pairs = list(zip(ours, theirs, strict=True))
    different = [row for row, (a, b) in enumerate(pairs) if a and b and _comparable(a) != _comparable(b)]
    if not different:
        return ""
    first = different[0]
    return (
        f"{column.capitalize()} differs in {len(different):,} of {len(pairs):,} rows, first in row {first + 1}: "
        f"{pairs[first][0][:40]!r} in the images, {pairs[first][1][:40]!r} in the votes"
    )


def _comparable(value: str) -> str:
    return subset_of(value) or split_of(value) or value.casefold()


def _agreement(emotions: npt.NDArray[np.object_], elected: npt.NDArray[np.object_]) -> str:
    """Return why emotions and votes disagree; empty if they agree, and _TOO_FEW if there are too few rows to say."""
    both = np.flatnonzero((emotions != "") & (elected != ""))
    if len(both) < _MIN_ROWS or len(set(emotions[both])) < 2:
        return _TOO_FEW
    whole = _kappa(emotions[both], elected[both])
    if whole < _MIN_KAPPA:
        equal = int((emotions[both] == elected[both]).sum())
        return f"emotion and votes agree in only {equal:,} of {len(both):,} rows, as if by chance (kappa {whole:.2f})"
    for block in np.array_split(both, max(1, len(both) // _BLOCK)):
        shares = pd.Series(emotions[block]).value_counts(normalize=True)
        kappa = _kappa(emotions[block], elected[block])
        if shares.iloc[0] <= _MAX_SHARE and kappa < _MIN_KAPPA:
            return (
                f"emotion and votes agree only by chance (kappa {kappa:.2f}) in rows {block[0] + 1:,} to "
                f"{block[-1] + 1:,}, where one table seems to be shifted or sorted"
            )
    return ""


def _kappa(one: npt.NDArray[np.object_], other: npt.NDArray[np.object_]) -> float:
    """Return the agreement beyond chance, 1 at most (Cohen 1960)."""
    observed = float((one == other).mean())
    expected = sum(float((one == value).mean() * (other == value).mean()) for value in set(one))
    return (observed - expected) / (1 - expected) if expected < 1 else 0.0


def _names_out_of_order(votes: Votes) -> str:
    """Return a sentence if the numbers in the image names (fer0000017.png) do not rise; empty otherwise."""
    found = [re.search(r"\d+", name) for name in votes.facts.get("image name", ())]
    numbers = [int(match[0]) for match in found if match]
    falls = next((at for at in range(1, len(numbers)) if numbers[at] <= numbers[at - 1]), None)
    if falls is None:
        return ""
    return (
        f"the image names in the votes are not in their published order (number {numbers[falls]} follows "
        f"{numbers[falls - 1]}), so rows of the two tables do not belong together"
    )
