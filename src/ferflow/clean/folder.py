"""From the raw folder to the manifest."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ferflow.clean.listing import Entry, list_raw
from ferflow.clean.places import Place, place_files, settle_splits
from ferflow.clean.reading import Facts, read_files
from ferflow.clean.summary import summarise
from ferflow.clean.verdicts import judge
from ferflow.config.data import Clean
from ferflow.manifest import COLUMNS, manifest_path


@dataclass(frozen=True)
class Cleaned:
    """What clean_folder gives.

    Attributes:
        manifest: a row for every raw file and every row of an image table; see ferflow.manifest.
        summary: what reports/clean/summary.json holds; see ferflow.clean.summary.
    """

    manifest: pd.DataFrame
    summary: dict[str, Any]


def clean_folder(raw: Path, settings: Clean, classes: Sequence[str] = ()) -> Cleaned:
    """Look at every file of the raw folder and say what is to become of it. Nothing raw is changed.

    Args:
        raw: the raw folder.
        settings: what is looked for, and the policies.
        classes: the only classes to accept; empty: every class found.

    Raises:
        DataError: there is no raw folder.
    """
    entries = list_raw(raw)
    open_entries = [entry for entry in entries if not entry.reason]
    places = settle_splits(place_files([entry.relative for entry in open_entries], classes))
    rows = [_row(entry) for entry in entries if entry.reason]
    images = []
    wanted = [(entry, place) for entry, place in zip(open_entries, places, strict=True) if not place.reason]
    facts = read_files(raw, [entry.relative for entry, _ in wanted], settings.max_pixels)
    for (entry, place), fact in zip(wanted, facts, strict=True):
        (rows if fact.reason else images).append(_row(entry, place, fact))
    rows += [_row(e, p) for e, p in zip(open_entries, places, strict=True) if p.reason]
    judged = judge(_frame(images), settings)
    manifest = pd.concat([judged, _frame(rows)]).sort_values("path", ignore_index=True)
    return Cleaned(manifest, summarise(manifest))


def _row(entry: Entry, place: Place | None = None, facts: Facts | None = None) -> dict[str, Any]:
    place, facts = place or Place(), facts or Facts()
    reason = entry.reason or place.reason or facts.reason
    return {
        "path": manifest_path(entry.relative),
        "split": place.split,
        "subset": place.subset,
        "label": place.label,
        "verdict": "drop" if reason else "keep",
        "reason": reason,
        "detail": entry.detail or place.detail or facts.detail,
        "bytes": entry.bytes,
        "sha256": facts.sha256.hex(),
        "pixels": facts.pixels.hex(),
        "width": facts.width,
        "height": facts.height,
        "mode": facts.mode,
        "mean": facts.mean,
        "std": facts.std,
        "phash": facts.phash,
        "group": -1,
        "copy_in_train": False,
    }


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
    return frame.sort_values("path", kind="stable", ignore_index=True)
