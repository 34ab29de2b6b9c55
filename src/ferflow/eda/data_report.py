"""The report on the data: one page, the figures behind it, and small tables."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ferflow.base.errors import DataError
from ferflow.base.files import whole_folder
from ferflow.eda import classes as class_sections
from ferflow.eda import embedding
from ferflow.eda.choose import at_random, extremes, parts, with_parts
from ferflow.eda.damage import damage
from ferflow.eda.findings import find
from ferflow.eda.light import KINDS, light
from ferflow.eda.page import Files, Section, render
from ferflow.eda.survey import survey
from ferflow.eda.text import count, listed, share, shown
from ferflow.eda.votes import Ballot, count_votes
from ferflow.eda.votes import section as vote_section
from ferflow.settings import Clean, Eda

LARGEST_SIDE = 96  # pixels of the faces on the page
MOST_CLASSES = 12  # drawn; more than that no one can tell apart


def write_report(
    raw: Path,
    manifest: pd.DataFrame,
    clean_summary: Mapping[str, Any],
    settings: Eda,
    out: Path,
    *,
    votes: pd.DataFrame | None = None,
    clean: Clean | None = None,
    dataset: str = "",
) -> None:
    """Write `index.html`, which needs nothing else, and beside it the figures as PNG and the numbers as CSV.

    Args:
        raw: the raw folder; read only.
        manifest: as clean wrote it.
        clean_summary: as clean wrote it, `reports/clean/summary.json`.
        settings: `eda:` of params.yaml.
        out: folder to write; what it held is replaced.
        votes: FER+ votes as clean wrote them, `path` and ferflow.raw.ferplus.COLUMNS; None where the data has none.
        clean: `clean:` of params.yaml: the policies, what blank means, the side of the faces.
        dataset: its name, for the title.

    Raises:
        DataError: summary and manifest are of different runs, or an image is not what it was for clean.
    """
    clean = clean or Clean()
    if clean_summary.get("files", len(manifest)) != len(manifest):
        raise DataError(
            f"reports/clean/summary.json tells of {clean_summary['files']} files and the manifest of {len(manifest)}: "
            "they are of different runs. Make both anew: dvc repro -f clean."
        )
    manifest = with_parts(manifest)
    kept = manifest[manifest["verdict"] == "keep"]
    files = Files()
    sections = _sections(raw, manifest, count_votes(manifest, votes), settings, clean, files)
    title = f"What is in {shown(dataset) or 'the data'}"
    page = render(title, _subtitle(manifest, kept), _tiles(manifest, kept, clean.blank_std), sections, files)
    with whole_folder(out) as folder:
        (folder / "index.html").write_text(page, encoding="utf-8")
        for name, data in files.images.items():
            (folder / name).write_bytes(data)
        for name, table in files.tables.items():
            (folder / f"{name}.csv").write_text(table.to_csv(index=False, lineterminator="\n"), encoding="utf-8")


def _sections(
    raw: Path, manifest: pd.DataFrame, ballot: Ballot | None, settings: Eda, clean: Clean, files: Files
) -> list[Section]:
    """Choose what to show, read every image that is needed once, and build the sections."""
    kept = manifest[manifest["verdict"] == "keep"]
    classes = sorted(kept["label"].unique())
    sizes = kept["label"].value_counts()
    drawn = sorted(sizes.sort_index().sort_values(ascending=False, kind="stable").index[:MOST_CLASSES])
    samples = {name: at_random(kept[kept["label"] == name], settings.samples_per_class) for name in drawn}
    embedded = at_random(kept, settings.embedding_images)
    half = max(1, settings.examples_per_finding // 2)
    outliers = {key: extremes(kept, column, half) for key, (column, *_) in KINDS.items()} if len(kept) else {}
    findings = find(manifest, clean.blank_std, settings.examples_per_finding)
    contradicted = ballot.contradicted[: settings.examples_per_finding] if ballot else []
    seen = survey(
        raw,
        dict(zip(kept["path"], kept["label"], strict=True)),
        greys={*embedded, *(path for paths in samples.values() for path in paths)},
        thumbs={path for finding in findings for group in finding.groups for path in group.paths}
        | {path for sides in outliers.values() for paths in sides for path in paths}
        | set(contradicted),
        side=min(clean.image_size, LARGEST_SIDE),
    )
    sections = []
    if len(kept):
        rows = kept.set_index("path").loc[embedded]
        sections = [
            class_sections.balance(kept, parts(manifest), classes, files, MOST_CLASSES),
            class_sections.faces(seen, samples, len(kept), files),
            light(kept, drawn, outliers, seen, files),
            embedding.section(
                np.stack([seen.greys[path] for path in embedded]),
                rows["label"].tolist(),
                rows["mean"].to_numpy(np.float64),
                drawn,
                files,
            ),
        ]
    if ballot:
        sections.append(vote_section(ballot, len(contradicted), seen, files))
    return [*sections, damage(manifest, findings, clean, seen, files)]


def _subtitle(manifest: pd.DataFrame, kept: pd.DataFrame) -> str:
    if manifest.empty:
        return "There is no file in the raw data."
    if kept.empty:
        return f"None of {count(len(manifest), 'file')} is kept, so there are no faces to show; below is why."
    names = [shown(name) for name in sorted(kept["label"].unique())]
    return (
        f"{count(len(kept), 'face')} of {count(len(names), 'class', 'classes')} ({listed(names)}), kept of "
        f"{count(len(manifest), 'file')}."
    )


def _tiles(manifest: pd.DataFrame, kept: pd.DataFrame, blank_std: float) -> list[tuple[str, str]]:
    """Return the headline numbers."""
    readable = manifest[manifest["group"] >= 0]
    copies = readable[readable.duplicated("pixels", keep=False)]
    labels = copies[copies["label"] != ""].groupby("pixels")["label"].nunique()
    dropped = len(manifest) - len(kept)
    leaked = int(manifest["copy_in_train"].sum())
    held_out = int(readable["split"].isin(["validation", "test"]).sum())
    tiles = [
        (f"{len(manifest):,}", "files"),
        (f"{len(kept):,}", "kept"),
        (f"{dropped:,}", f"dropped ({share(dropped, len(manifest))})"),
        (f"{kept['label'].nunique():,}", "classes" if kept["label"].nunique() != 1 else "class"),
        (f"{len(copies) - copies['pixels'].nunique():,}", "redundant exact copies"),
        (f"{int((labels > 1).sum()):,}", "groups of copies with conflicting labels"),
    ]
    if held_out:
        tiles.append((f"{leaked:,}", f"held-out images with a copy in train ({share(leaked, held_out)})"))
    blank = int((readable["std"] < blank_std).sum())
    return [*tiles, (f"{blank:,}", "blank images")]
