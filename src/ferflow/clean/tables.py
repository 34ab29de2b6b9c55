"""Image tables and vote tables in the raw folder: found, read, joined by row."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ferflow.base.errors import DataError
from ferflow.clean import names, votes
from ferflow.clean.listing import Entry
from ferflow.clean.places import Place, place_row
from ferflow.clean.reading import Facts, read_rows
from ferflow.raw import ferplus
from ferflow.raw.manifest import manifest_path
from ferflow.raw.tables import Table, read_columns

_BY_CODE = {str(code): emotion for code, emotion in enumerate(names.FER2013_CODES)}


@dataclass(frozen=True)
class Rows:
    """The rows of one image table.

    Attributes:
        relative: path of the table below the raw folder.
        facts: what reading told, row by row.
        places: where each row belongs.
        votes: int64, (rows, 10), FER+ votes in the order of ferplus.COLUMNS; None where there are none.
    """

    relative: str
    facts: Facts
    places: list[Place]
    votes: npt.NDArray[np.int64] | None

    @property
    def paths(self) -> list[str]:
        """The rows' names in the manifest."""
        table = manifest_path(self.relative)
        return [f"{table}#{row}" for row in range(len(self.places))]


@dataclass
class Tables:
    """What a raw folder holds in tables.

    Attributes:
        details: what each table is, in words, by its path as the system gives it.
        images: the tables with images in their rows.
        votes: FER+ votes, (rows, 10), by the path of their table.
    """

    details: dict[str, str] = field(default_factory=dict)
    images: dict[str, Table] = field(default_factory=dict)
    votes: dict[str, npt.NDArray[np.int64]] = field(default_factory=dict)

    def mark(self, entry: Entry) -> Entry:
        """Return the entry with the reason `table` where it is one of these."""
        detail = self.details.get(entry.relative)
        return Entry(entry.relative, "table", detail) if detail else entry


def find_tables(raw: Path, entries: Sequence[Entry]) -> Tables:
    """Find the CSV files that hold images, with the columns emotion and pixels, or FER+ votes."""
    found = Tables()
    for entry in entries:
        if entry.reason or not entry.relative.casefold().endswith(".csv"):
            continue
        path = raw / entry.relative
        try:
            columns = read_columns(path)
            if {"emotion", "pixels"} <= columns:
                found.images[entry.relative] = Table(path)
                found.details[entry.relative] = "its rows are images"
        except OSError:
            continue  # it is judged as a file like any other
        if set(ferplus.COLUMNS) <= columns:
            read = votes.read_votes(path)
            if read is not None:
                found.votes[entry.relative] = read
                found.details[entry.relative] = "FER+ votes"
    return found


def read_tables(
    tables: Tables, labels: votes.Labels, classes: Sequence[str] = (), workers: int | None = None
) -> list[Rows]:
    """Read all image tables.

    Args:
        tables: from find_tables.
        labels: whose labels to use; see ferflow.settings.datasets.
        classes: the only classes to accept; empty: every class found.
        workers: as for in_parallel.

    Raises:
        DataError: `labels` needs votes, and no table of votes has a row for each row of images.
    """
    joined = {
        name: next((item for item in tables.votes.values() if len(item) == len(table)), None)
        for name, table in tables.images.items()
    }
    if labels != "folder" and all(item is None for item in joined.values()):
        images = {name: len(table) for name, table in tables.images.items()}
        crowd = {name: len(item) for name, item in tables.votes.items()}
        raise DataError(
            f"labels: {labels} needs fer2013new.csv beside fer2013.csv, a row of votes for each row of images. "
            f"Received: images {images or 'none'}, votes {crowd or 'none'}. "
            "Put both files there, or use labels: folder."
        )
    rows = []
    for name, table in tables.images.items():
        facts = read_rows(table, workers)
        places = [
            place_row(*_label(emotion, row, joined[name], labels), usage, classes)
            for row, (emotion, usage) in enumerate(facts.fields)
        ]
        rows.append(Rows(name, facts, places, joined[name]))
    return rows


def _label(emotion: str, row: int, crowd: npt.NDArray[np.int64] | None, labels: votes.Labels) -> tuple[str, str]:
    """Return a row's label, or empty and why there is none."""
    if labels == "folder":
        known = _BY_CODE.get(emotion) or names.emotion(emotion)
        return known, "" if known else f"emotion {emotion[:40]!r}"
    if crowd is None:
        return "", "no votes for it"
    return votes.vote_label(crowd[row], labels), "the votes agree on no emotion"
