"""From the raw folder to the manifest."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ferflow.clean.listing import list_raw
from ferflow.clean.places import Place, place_files, settle_splits
from ferflow.clean.reading import Facts, hash_files, hex_digests, read_files
from ferflow.clean.summary import summarise
from ferflow.clean.tables import Rows, find_tables, read_tables
from ferflow.clean.verdicts import judge
from ferflow.clean.votes import Labels
from ferflow.raw.ferplus import COLUMNS as VOTE_COLUMNS
from ferflow.raw.manifest import COLUMNS, manifest_path
from ferflow.settings.data import Clean


@dataclass(frozen=True)
class Cleaned:
    """What clean_folder gives.

    Attributes:
        manifest: a row for every raw file and every row of an image table; see ferflow.raw.manifest.
        summary: what reports/clean/summary.json holds; see ferflow.clean.summary.
        votes: the FER+ votes of each row of a table that has them: `path` as in the manifest, then
            ferplus.COLUMNS; None where the data has no votes.
    """

    manifest: pd.DataFrame
    summary: dict[str, Any]
    votes: pd.DataFrame | None


def clean_folder(
    raw: Path,
    settings: Clean,
    labels: Labels = "folder",
    classes: Sequence[str] = (),
    workers: int | None = None,
) -> Cleaned:
    """Look at every file of the raw folder and say what is to become of it. Nothing raw is changed.

    Args:
        raw: the raw folder.
        settings: what is looked for, and the policies.
        labels: whose labels to use; see ferflow.settings.datasets.
        classes: the only classes to accept; empty: every class found.
        workers: processes that read; None: one a core.

    Raises:
        DataError: there is no raw folder, or `labels` needs votes that are not there.
    """
    entries = list_raw(raw)
    tables = find_tables(raw, entries)
    entries = [tables.mark(entry) for entry in entries]
    rows = read_tables(tables, labels, classes, workers)

    files = [entry.relative for entry in entries if not entry.reason]
    places = settle_splits([*place_files(files, classes), *(place for table in rows for place in table.places)])
    of_file, of_row = dict(zip(files, places, strict=False)), iter(places[len(files) :])
    placed = [
        (entry.relative, of_file.get(entry.relative) or Place(reason=entry.reason, detail=entry.detail))
        for entry in entries
    ]
    images = [item for item in placed if not item[1].reason]
    others = [item for item in placed if item[1].reason]
    parts = [
        _frame(images, read_files(raw, [path for path, _ in images], settings.max_pixels, workers)),
        _frame(others, hash_files(raw, [path for path, _ in others])),
    ]
    for table in rows:
        part = _frame([(table.relative, next(of_row)) for _ in table.places], table.facts)
        part["path"] = table.paths
        parts.append(part)

    manifest = pd.concat(parts).sort_values("path", kind="stable", ignore_index=True)
    readable = manifest["reason"] == ""
    manifest = pd.concat([judge(manifest[readable], settings), manifest[~readable]])
    manifest = manifest.sort_values("path", kind="stable", ignore_index=True)
    return Cleaned(manifest, summarise(manifest, settings.blank_std), _votes(rows))


def _frame(items: Sequence[tuple[str, Place]], facts: Facts) -> pd.DataFrame:
    places = [place for _, place in items]
    reasons = [place.reason or reason for place, reason in zip(places, facts.reason, strict=True)]
    columns = {
        "path": [manifest_path(path) for path, _ in items],
        "split": [place.split for place in places],
        "subset": [place.subset for place in places],
        "label": [place.label for place in places],
        "verdict": ["drop" if reason else "keep" for reason in reasons],
        "reason": reasons,
        "detail": [place.detail or detail for place, detail in zip(places, facts.detail, strict=True)],
        "bytes": facts.bytes,
        "sha256": hex_digests(facts.sha256),
        "pixels": hex_digests(facts.pixels),
        "width": facts.shape[:, 1],
        "height": facts.shape[:, 0],
        "mode": facts.mode,
        "mean": facts.mean,
        "std": facts.std,
        "phash": facts.phash,
        "group": -1,
        "copy_in_train": False,
    }
    return pd.DataFrame(columns, columns=list(COLUMNS)).astype(COLUMNS)


def _votes(rows: Sequence[Rows]) -> pd.DataFrame | None:
    parts = [
        pd.DataFrame(table.votes, columns=list(VOTE_COLUMNS)).assign(path=table.paths)
        for table in rows
        if table.votes is not None
    ]
    if not parts:
        return None
    return pd.concat(parts)[["path", *VOTE_COLUMNS]].sort_values("path", ignore_index=True)
