"""Parse tables in the raw folder: those with images in their rows, and FER+ votes, joined row by row."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from ferflow.base.emotions import FER2013_CODES
from ferflow.base.errors import DataError
from ferflow.clean.image_reader import Facts, read_rows
from ferflow.clean.layout_parser import Entry, Place, emotion_of, place_row
from ferflow.raw import ferplus
from ferflow.raw.manifest import Reason, manifest_path
from ferflow.raw.tables import Table, read_columns

LabelSource = Literal["folder", "ferplus_majority", "ferplus_plurality", "ferplus_votes"]

_EMOTION_BY_CODE = {str(code): emotion for code, emotion in enumerate(FER2013_CODES)}
_VOTE_EMOTIONS = tuple(ferplus.EMOTIONS.values())


@dataclass(frozen=True)
class Rows:
    """The rows of one image table.

    Attributes:
        relative: Path of the table below the raw folder.
        facts: What reading found, row by row.
        places: Split, subset and class of each row.
        votes: FER+ votes, int64, (rows, 10), in the order of ferplus.COLUMNS; None if there are none.
    """

    relative: str
    facts: Facts
    places: list[Place]
    votes: npt.NDArray[np.int64] | None

    @property
    def paths(self) -> list[str]:
        """The rows' paths in the manifest."""
        table = manifest_path(self.relative)
        return [f"{table}#{row}" for row in range(len(self.places))]


@dataclass
class Tables:
    """The tables of a raw folder, each by its path as the system gives it.

    Attributes:
        details: Kind of each table, in words.
        images: Tables with images in their rows.
        votes: FER+ votes, int64, (rows, 10).
    """

    details: dict[str, str] = field(default_factory=dict)
    images: dict[str, Table] = field(default_factory=dict)
    votes: dict[str, npt.NDArray[np.int64]] = field(default_factory=dict)

    def mark(self, entry: Entry) -> Entry:
        """Return the entry, with the reason `table` if it is one of these tables."""
        detail = self.details.get(entry.relative)
        return Entry(entry.relative, Reason.TABLE.value, detail) if detail else entry


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
            continue  # reading it as an image then reports why it cannot be read
        if set(ferplus.COLUMNS) <= columns:
            votes = _read_votes(path)
            if votes is not None:
                found.votes[entry.relative] = votes
                found.details[entry.relative] = "FER+ votes"
    return found


def read_tables(
    tables: Tables, labels: LabelSource, classes: Sequence[str] = (), workers: int | None = None
) -> list[Rows]:
    """Read all image tables.

    Args:
        tables: Tables from find_tables.
        labels: Source of the labels, see ferflow.settings.datasets.
        classes: The only classes to accept. Defaults to every class found.
        workers: Number of processes. Defaults to one per core, see in_parallel.

    Raises:
        DataError: `labels` needs votes, and no table of votes has as many rows as a table of images.
    """
    votes_of = {
        name: next((votes for votes in tables.votes.values() if len(votes) == len(table)), None)
        for name, table in tables.images.items()
    }
    if labels != "folder" and all(votes is None for votes in votes_of.values()):
        image_rows = {name: len(table) for name, table in tables.images.items()}
        vote_rows = {name: len(votes) for name, votes in tables.votes.items()}
        raise DataError(
            f"labels: {labels} needs fer2013.csv and fer2013new.csv, with one row of votes for each row of images. "
            f"Received: images {image_rows or 'none'}, votes {vote_rows or 'none'}. "
            "Put both files into the raw data, or use labels: folder."
        )
    rows = []
    for name, table in tables.images.items():
        facts = read_rows(table, workers)
        places = [
            place_row(*_row_label(emotion, row, votes_of[name], labels), usage, classes)
            for row, (emotion, usage) in enumerate(facts.fields)
        ]
        rows.append(Rows(name, facts, places, votes_of[name]))
    return rows


def vote_label(votes: npt.NDArray[np.int64], labels: LabelSource) -> str:
    """Return the emotion that ten votes elect; empty if they elect none.

    Args:
        votes: Votes of one image, int64, (10,), in the order of ferplus.COLUMNS.
        labels: `ferplus_majority` is Microsoft's rule (github.com/microsoft/FERPlus, `majority`): single votes are
            removed, and the winner needs more than half of the rest. `ferplus_plurality` and `ferplus_votes` take the
            emotion with the most votes, the first in case of a tie.

    >>> vote_label(np.array([0, 6, 4, 0, 0, 0, 0, 0, 0, 0]), "ferplus_majority")
    'happy'
    """
    if labels == "ferplus_majority":
        votes = np.where(votes > 1, votes, 0)
        if votes.max() * 2 <= votes.sum():
            return ""
    winner = int(votes.argmax())
    # The last two columns, unknown and "not a face", are no emotions.
    return _VOTE_EMOTIONS[winner] if winner < len(_VOTE_EMOTIONS) and votes[winner] else ""


def _read_votes(path: Path) -> npt.NDArray[np.int64] | None:
    """Read fer2013new.csv as int64, (rows, 10), in the order of ferplus.COLUMNS; None if its content is invalid."""
    try:
        frame = pd.read_csv(path, skipinitialspace=True)
        frame.columns = [str(name).strip().casefold() for name in frame.columns]
        votes = frame[list(ferplus.COLUMNS)].to_numpy(np.float64)
    except (OSError, ValueError, KeyError):
        return None
    whole = np.isfinite(votes).all() and (votes >= 0).all() and (votes == np.rint(votes)).all()
    return votes.astype(np.int64) if whole else None


def _row_label(emotion: str, row: int, votes: npt.NDArray[np.int64] | None, labels: LabelSource) -> tuple[str, str]:
    """Return a row's label, or empty text and why there is none."""
    if labels == "folder":
        label = _EMOTION_BY_CODE.get(emotion) or emotion_of(emotion)
        return label, "" if label else f"emotion {emotion[:40]!r}"
    if votes is None:
        return "", "no votes for it"
    return vote_label(votes[row], labels), "the votes agree on no emotion"
