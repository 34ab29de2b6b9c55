"""Build the manifest of a raw folder, and count what it holds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from ferflow.base.contracts import CleanSummary, CopyCounts, LeakCounts, NearCopyCounts
from ferflow.clean.image_reader import Facts, hash_files, hex_digests, read_files
from ferflow.clean.layout_parser import Place, list_raw, place_files, settle_splits
from ferflow.clean.left_out import check_classes, describe_left_out, may_be_image
from ferflow.clean.second_sets import second_sets
from ferflow.clean.table_parser import LabelSource, Rows, find_tables, read_tables
from ferflow.clean.verdicts import judge
from ferflow.raw.ferplus import COLUMNS as VOTE_COLUMNS
from ferflow.raw.manifest import COLUMNS, Reason, count_values, manifest_path
from ferflow.settings.data import Clean

_MOST_SENTENCES = 6


@dataclass(frozen=True)
class Cleaned:
    """The results of clean_folder.

    Attributes:
        manifest: One row for every raw file and every row of an image table; see ferflow.raw.manifest.
        summary: Content of reports/clean/summary.json.
        votes: FER+ votes of each table row that has them: `path` as in the manifest, then ferplus.COLUMNS; None if
            the data has no votes.
        notes: Sentences for the screen on images that were left out for their place, most important first.
    """

    manifest: pd.DataFrame
    summary: CleanSummary
    votes: pd.DataFrame | None
    notes: tuple[str, ...] = ()


def clean_folder(
    raw: Path,
    settings: Clean,
    labels: LabelSource = "folder",
    classes: Sequence[str] = (),
    *,
    image_size: int,
    workers: int | None = None,
) -> Cleaned:
    """Examine every file of the raw folder and give it a verdict. Nothing raw is changed.

    Args:
        raw: The raw folder.
        settings: Thresholds and policies.
        labels: Source of the labels, see ferflow.settings.datasets. Defaults to the folders' names.
        classes: The only classes to accept, under the names that stand here. Defaults to every class found.
        image_size: Side of the training arrays' images in pixels; other sizes are flagged as wrong_size.
        workers: Number of processes that read. Defaults to one per core.

    Raises:
        DataError: The raw folder is missing; `labels` needs votes that the data lacks, or that contradict the images;
            or a class of the user's would be lost, see check_classes.
    """
    entries = list_raw(raw)
    tables = find_tables(raw, entries)
    entries = [tables.mark(entry) for entry in entries]
    rows = read_tables(tables, labels, classes, workers)

    # Splits are settled over files and table rows together: either may show that the data defines its splits.
    files = [entry.relative for entry in entries if not entry.reason]
    of_files = place_files(files, classes)
    of_rows = [place for table in rows for place in table.places]
    check_classes([*(p for f, p in zip(files, of_files, strict=True) if may_be_image(f)), *of_rows], classes)
    places = settle_splits([*of_files, *of_rows])
    place_of_file, row_places = dict(zip(files, places, strict=False)), iter(places[len(files) :])
    placed = [
        (entry.relative, place_of_file.get(entry.relative) or Place(reason=entry.reason, detail=entry.detail))
        for entry in entries
    ]
    images = [item for item in placed if not item[1].reason]
    others = [item for item in placed if item[1].reason]
    parts = [
        _frame(images, read_files(raw, [path for path, _ in images], settings.max_pixels, workers)),
        _frame(others, hash_files(raw, [path for path, _ in others])),
    ]
    for table in rows:
        placed_rows = [(table.relative, replace(next(row_places), source=table.relative)) for _ in table.places]
        part = _frame(placed_rows, table.facts)
        part["path"] = table.paths
        parts.append(part)

    everything = pd.concat(parts).sort_values("path", kind="stable", ignore_index=True)
    for name, why in tables.unused.items():  # more than that it is in no class folder, or no image
        is_it = (everything["path"] == manifest_path(name)) & (everything["reason"] != Reason.TABLE.value)
        everything.loc[is_it, "detail"] = why
    names = {path: name for path, name in zip(everything["path"], everything["name"], strict=True) if name}
    manifest, repeated = _without_second_sets(everything)
    readable = manifest["reason"] == ""
    manifest = pd.concat([judge(manifest[readable], settings, image_size), manifest[~readable]])
    manifest = manifest.sort_values("path", kind="stable", ignore_index=True)
    notes = [*repeated, *describe_left_out(manifest, names, tables.unused)]
    return Cleaned(manifest, summarize(manifest, settings.blank_std), _join_votes(rows), tuple(notes))


def _without_second_sets(everything: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Give the images of second sets their reason, and describe these sets; return the manifest's columns alone."""
    manifest = everything[list(COLUMNS)].copy()
    images = everything[everything["reason"] == ""]
    sources = list(zip(images["source"], images["split_name"], strict=True))
    original = second_sets(images, sources)
    second = original[original != ""].index
    manifest.loc[second, "detail"] = original[second].astype(str)
    manifest.loc[second, "reason"] = Reason.SECOND_SET.value
    manifest.loc[second, "verdict"] = "drop"
    rows = everything.loc[second].assign(original=original[second])
    sentences = []
    for (source, split), part in rows.groupby(["source", "split"], sort=True):
        name = " ".join(filter(None, (manifest_path(str(source)) or "the top folder", str(split))))
        sentences.append(
            f"Not used: {name}, which the data holds a second time, {len(part):,} in all, such as "
            f"{part['path'].iloc[0]}, a copy of {part['original'].iloc[0]}. Each image counts once."
        )
    return manifest, sentences[:_MOST_SENTENCES]


def summarize(manifest: pd.DataFrame, blank_std: float) -> CleanSummary:
    """Count what the manifest holds.

    Copies, leaks, blanks and near-copies are counted over all readable images with a place, before any is dropped.

    Args:
        manifest: One row for every raw file.
        blank_std: Grey levels; an image with a smaller standard deviation is blank.
    """
    images = manifest[manifest["group"] >= 0]
    keep = manifest["verdict"] == "keep"
    copies = images.groupby("pixels").agg(size=("path", "size"), labels=("label", "nunique"))
    copies = copies[copies["size"] > 1]
    near = images.groupby("group").agg(size=("path", "size"), pixels=("pixels", "nunique"), splits=("split", "nunique"))
    near = near[near["pixels"] > 1]
    leaked = images[images["copy_in_train"] & (images["split"] == "test")]
    held_out = images.loc[images["split"].isin(["test", "validation"]), "pixels"]
    return CleanSummary(
        files=len(manifest),
        kept=int(keep.sum()),
        dropped=int((~keep).sum()),
        dropped_by_reason=_count_reasons(manifest.loc[~keep, "reason"]),
        kept_by_reason=_count_reasons(manifest.loc[keep, "reason"]),
        readable=len(images),
        classes=count_values(manifest.loc[keep, "label"]),
        splits=count_values(manifest.loc[keep, "split"].replace("", "not told")),
        duplicates=CopyCounts(
            redundant=int((copies["size"] - 1).sum()),
            groups=len(copies),
            conflicting_groups=int((copies["labels"] > 1).sum()),
        ),
        leakage=LeakCounts(
            test=len(leaked),
            private_test=int((leaked["subset"] == "PrivateTest").sum()),
            public_test=int((leaked["subset"] == "PublicTest").sum()),
            training_copies=int(((images["split"] == "train") & images["pixels"].isin(held_out)).sum()),
        ),
        blank=int((images["std"] < blank_std).sum()),
        near_copies=NearCopyCounts(
            images=int(near["size"].sum()),
            groups=len(near),
            largest_group=int(near["size"].max()) if len(near) else 0,
            across_splits=int((near["splits"] > 1).sum()),
        ),
    )


def _frame(items: Sequence[tuple[str, Place]], facts: Facts) -> pd.DataFrame:
    """Return rows of the manifest, and the places' `name`, `source` and `split_name`."""
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
    frame = pd.DataFrame(columns, columns=list(COLUMNS)).astype(COLUMNS)
    return frame.assign(
        name=[place.name for place in places],
        source=[place.source for place in places],
        split_name=[place.split_name for place in places],
    )


def _join_votes(rows: Sequence[Rows]) -> pd.DataFrame | None:
    parts = [
        pd.DataFrame(table.votes, columns=list(VOTE_COLUMNS)).assign(path=table.paths)
        for table in rows
        if table.votes is not None
    ]
    if not parts:
        return None
    return pd.concat(parts)[["path", *VOTE_COLUMNS]].sort_values("path", ignore_index=True)


def _count_reasons(reasons: "pd.Series[str]") -> dict[str, int]:
    counts = reasons.value_counts()
    return {reason.value: int(counts[reason.value]) for reason in Reason if reason.value in counts}
