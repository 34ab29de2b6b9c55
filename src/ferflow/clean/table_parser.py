"""Parse tables in the raw folder: those with images in their rows, and FER+ votes, joined row by row."""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from ferflow.base.emotions import FER2013_CODES
from ferflow.base.errors import DataError
from ferflow.clean.image_reader import Facts, read_rows
from ferflow.clean.layout_parser import Entry, Place, place_row
from ferflow.clean.vote_join import Votes, find_contradiction, read_votes
from ferflow.raw import ferplus
from ferflow.raw.class_names import emotion_of, letters, requested_class
from ferflow.raw.manifest import Reason, manifest_path
from ferflow.raw.tables import Table, read_header

LabelSource = Literal["folder", "ferplus_majority", "ferplus_plurality", "ferplus_votes"]

_EMOTION_BY_CODE = {str(code): emotion for code, emotion in enumerate(FER2013_CODES)}
_LONGEST_LABEL = 60  # characters; a longer text is no name of a class
_MOST_LABELS = 100  # different texts in a column; with more, it holds something else than classes
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
        votes: Tables of FER+ votes.
        unused: Why other CSV files are not used, as a sentence without its subject.
    """

    details: dict[str, str] = field(default_factory=dict)
    images: dict[str, Table] = field(default_factory=dict)
    votes: dict[str, Votes] = field(default_factory=dict)
    unused: dict[str, str] = field(default_factory=dict)

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
            columns = set(read_header(path).columns)
            if {"emotion", "pixels"} <= columns:
                table = Table(path)
                found.images[entry.relative] = table
                found.details[entry.relative] = "its rows are images"
                if not len(table):
                    found.unused[entry.relative] = "has a header but no rows"
            elif set(ferplus.COLUMNS) <= columns:
                votes = read_votes(path)
                if votes is None:
                    found.unused[entry.relative] = "has votes that are not whole numbers"
                else:
                    found.votes[entry.relative] = votes
                    found.details[entry.relative] = "FER+ votes"
            else:
                found.unused[entry.relative] = why_no_table(path)
        except OSError:
            continue  # reading it as an image then reports why it cannot be read
    return found


def why_no_table(path: Path) -> str:
    """Return why a CSV file is neither a table of images nor of votes, as a sentence without its subject.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as handle:
        head = handle.read(4096)
    if not head.strip():
        return "is empty"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or head[:64].count(b"\0") >= len(head[:64]) // 3:
        return "is UTF-16 text, or no text at all; save it as CSV UTF-8"
    columns = read_header(path).columns
    if not columns:
        return "has a first line that is not UTF-8 text; save it as CSV UTF-8"
    lacking = {"emotion", "pixels"} - set(columns)
    votes = [name for name in ferplus.COLUMNS if name not in columns]
    if len(votes) <= len(ferplus.COLUMNS) // 2:
        return f"looks like FER+ votes but lacks the columns {', '.join(votes)}"
    names = [repr(name[:40]) for name in sorted(columns, key=columns.__getitem__)[:6]] + ["..."] * (len(columns) > 6)
    return (
        f"lacks the column{'s' if len(lacking) > 1 else ''} {' and '.join(sorted(lacking))} in its first line. A table "
        f"of images has emotion, pixels and, preferably, Usage. Received: {', '.join(names)}"
    )


def read_tables(
    tables: Tables, labels: LabelSource, classes: Sequence[str] = (), workers: int | None = None
) -> list[Rows]:
    """Read all image tables.

    Args:
        tables: Tables from find_tables; a table of votes that contradicts the images is added to `unused`.
        labels: Source of the labels, see ferflow.settings.datasets.
        classes: The only classes to accept, see requested_class. Defaults to every class found.
        workers: Number of processes. Defaults to one per core, see in_parallel.

    Raises:
        DataError: `labels` needs votes, and no table of votes has as many rows as a table of images, or the two
            contradict each other.
    """
    rows = []
    for name, table in tables.images.items():
        facts = read_rows(table, workers)
        votes = _votes_of(name, tables, facts, labels)
        if labels == "folder":
            found = _own_labels([fields.get("emotion", "") for fields in facts.fields], classes)
        elif votes is None:
            found = [("", "no votes for it", "")] * len(facts)
        else:
            found = [_voted_label(counts, labels, classes) for counts in votes.counts]
        places = [
            place_row(label, detail, fields.get("usage", ""), name)
            for (label, detail, name), fields in zip(found, facts.fields, strict=True)
        ]
        rows.append(Rows(name, facts, places, None if votes is None else votes.counts))
    if labels != "folder" and all(table.votes is None for table in rows):
        raise DataError(
            f"labels: {labels} needs fer2013.csv and fer2013new.csv, with one row of votes for each row of images. "
            f"Received: images { {table.relative: len(table.places) for table in rows} or 'none' }, "
            f"votes { {name: len(votes) for name, votes in tables.votes.items()} or 'none' }. "
            "Put both files into the raw data, or use labels: folder."
        )
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


def _own_labels(emotions: Sequence[str], classes: Sequence[str]) -> list[tuple[str, str, str]]:
    """Return label, detail and unknown name of each row by the column emotion alone; see place_row.

    As with folders: the column holds emotions; or, if it holds words and none is an emotion, the user's own classes.
    """
    known = {text: _emotion(text) for text in set(emotions)}
    words = {text: manifest_path(text) if letters(text) and len(text) <= _LONGEST_LABEL else "" for text in known}
    if classes:
        labels = {text: requested_class(label or text, classes) for text, label in known.items()}
    elif any(known.values()) or len(known) > _MOST_LABELS:
        labels = known
    else:
        labels = words
    rows = {text: (label, f"emotion {text[:40]!r}", known[text] or words[text]) for text, label in labels.items()}
    return [rows[text] for text in emotions]


def _voted_label(counts: npt.NDArray[np.int64], labels: LabelSource, classes: Sequence[str]) -> tuple[str, str, str]:
    """Return label, detail and unknown name of a row by its votes; see place_row."""
    label = vote_label(counts, labels)
    if label and classes:
        return requested_class(label, classes), f"class {label}", label
    return label, "the votes agree on no emotion", ""


def _emotion(text: str) -> str:
    """Return the emotion of a code or a word; a code may have been written as a decimal number, such as 3.0."""
    code = re.fullmatch(r"\+?0*([0-9])(\.0*)?", text)
    return _EMOTION_BY_CODE.get(code[1], "") if code else emotion_of(text)


def _votes_of(name: str, tables: Tables, facts: Facts, labels: LabelSource) -> Votes | None:
    """Return the votes with as many rows as the table `name` that do not contradict it; None if there are none."""
    contradictions = {}
    emotions = [_emotion(fields.get("emotion", "")) for fields in facts.fields]
    for votes_name, votes in tables.votes.items():
        if len(votes) != len(facts):
            continue
        contradictions[votes_name] = find_contradiction(facts.fields, emotions, votes)
        if not contradictions[votes_name]:
            return votes
    for votes_name, why in contradictions.items():
        if labels != "folder":
            raise DataError(
                f"{votes_name} does not belong to {name}: {why}. Votes are joined to the images row by row, so both "
                "tables must have their rows in the published order. Use the two files as published (fer2013.csv and "
                "Microsoft's fer2013new.csv), or use labels: folder."
            )
        tables.unused[votes_name] = f"is not joined to {name}: {why}"
    return None
