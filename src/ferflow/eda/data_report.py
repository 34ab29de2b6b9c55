"""The report on the data: one page, its figures as PNG and small tables as CSV."""

from pathlib import Path

import numpy as np
import pandas as pd

from ferflow.base.contracts import CleanSummary
from ferflow.base.errors import DataError
from ferflow.base.files import whole_folder, write_csv, write_text
from ferflow.eda.damage_findings import find_damage
from ferflow.eda.damage_section import damage_section
from ferflow.eda.embedding_section import embedding_section
from ferflow.eda.image_sections import MEASURES, balance_section, brightness_section, faces_section
from ferflow.eda.image_survey import (
    HELD_OUT,
    outlier_paths,
    part_names,
    random_paths,
    survey_images,
    with_parts,
)
from ferflow.eda.vote_section import VoteCounts, count_votes, vote_section
from ferflow.raw.manifest import set_bits
from ferflow.reporting.page import PageSection, ReportFiles, render_page
from ferflow.reporting.text import count, listed, percent_of, printable
from ferflow.settings import Clean, Eda

MAX_SIDE = 96  # pixels of the faces on the page
MAX_CLASSES = 12  # classes drawn; more are hard to distinguish


def write_report(
    raw: Path,
    manifest: pd.DataFrame,
    clean_summary: CleanSummary,
    settings: Eda,
    out: Path,
    *,
    clean: Clean,
    image_size: int,
    votes: pd.DataFrame | None = None,
    dataset: str = "",
) -> None:
    """Write `index.html`, a page without dependencies, and next to it its figures as PNG and its numbers as CSV.

    Args:
        raw: Raw folder; only read.
        manifest: Manifest as clean wrote it.
        clean_summary: Content of `reports/clean/summary.json`.
        settings: `eda:` of params.yaml.
        out: Folder to write, atomically; previous contents are replaced.
        clean: `clean:` of params.yaml: the policies, and what counts as blank.
        image_size: Side of the arrays' images in pixels, from params.yaml; faces are shown at this size, 96 at most.
        votes: FER+ votes as clean wrote them, `path` and ferflow.raw.ferplus.COLUMNS. Defaults to none.
        dataset: Name of the dataset for the title. Defaults to none.

    Raises:
        DataError: Summary and manifest are from different runs, or an image has changed since clean.
    """
    if clean_summary.files != len(manifest):
        raise DataError(
            "reports/clean/summary.json and data/clean/manifest.parquet are from different runs. Received: "
            f"{clean_summary.files} files in the summary, {len(manifest)} in the manifest. Write both again: "
            "dvc repro -f clean."
        )
    manifest = with_parts(manifest)
    kept = manifest[manifest["verdict"] == "keep"]
    files = ReportFiles()
    sections = _sections(raw, manifest, count_votes(manifest, votes), settings, clean, image_size, files)
    title = f"What the dataset {printable(dataset)} contains" if dataset else "What the dataset contains"
    footer = (
        f"Written by the stage eda of FERflow. The {len(files.images)} pictures of this page are next to it as PNG, "
        f"its tables as CSV: {', '.join(f'{name}.csv' for name in files.tables)}."
    )
    page = render_page(title, _subtitle(manifest, kept), _tiles(manifest, kept, clean.blank_std), sections, footer)
    with whole_folder(out) as folder:
        write_text(folder / "index.html", page)
        for name, data in files.images.items():
            (folder / name).write_bytes(data)
        for name, table in files.tables.items():
            write_csv(folder / f"{name}.csv", table)


def _sections(
    raw: Path,
    manifest: pd.DataFrame,
    vote_counts: VoteCounts | None,
    settings: Eda,
    clean: Clean,
    image_size: int,
    files: ReportFiles,
) -> list[PageSection]:
    """Choose what to show, read every image that is needed once, and build the sections."""
    kept = manifest[manifest["verdict"] == "keep"]
    classes = sorted(kept["label"].unique())
    sizes = kept["label"].value_counts()
    drawn = sorted(sizes.sort_index().sort_values(ascending=False, kind="stable").index[:MAX_CLASSES])
    samples = {name: random_paths(kept[kept["label"] == name], settings.samples_per_class) for name in drawn}
    embedded = random_paths(kept, settings.embedding_images)
    half = max(1, settings.examples_per_finding // 2)
    outliers = {key: outlier_paths(kept, column, half) for key, (column, *_) in MEASURES.items()} if len(kept) else {}
    findings = find_damage(manifest, clean.blank_std, settings.examples_per_finding)
    contradicted = vote_counts.contradicted[: settings.examples_per_finding] if vote_counts else []
    survey = survey_images(
        raw,
        dict(zip(kept["path"], kept["label"], strict=True)),
        squares={*embedded, *(path for paths in samples.values() for path in paths)}
        | {path for sides in outliers.values() for paths in sides for path in paths},
        thumbnails={path for finding in findings for group in finding.groups for path in group.paths}
        | set(contradicted),
        image_size=image_size,
        side=min(image_size, MAX_SIDE),
        bits=set_bits(manifest["mode"]),
    )
    sections = []
    if len(kept):
        rows = kept.set_index("path").loc[embedded]
        sections = [
            balance_section(kept, part_names(manifest), classes, files, MAX_CLASSES),
            faces_section(survey, samples, len(kept), files),
            brightness_section(kept, drawn, outliers, survey, files),
            embedding_section(
                np.stack([survey.squares[path] for path in embedded]),
                rows["label"].tolist(),
                rows["mean"].to_numpy(np.float64),
                drawn,
                files,
            ),
        ]
    if vote_counts:
        sections.append(vote_section(vote_counts, len(contradicted), survey, files))
    return [*sections, damage_section(manifest, findings, clean, survey, files)]


def _subtitle(manifest: pd.DataFrame, kept: pd.DataFrame) -> str:
    if manifest.empty:
        return "The raw data contains no files."
    if kept.empty:
        return f"None of {count(len(manifest), 'file')} is kept, so there are no faces to show. The reasons are below."
    names = [printable(name) for name in sorted(kept["label"].unique())]
    return (
        f"{count(len(kept), 'face')} of {count(len(names), 'class', 'classes')} ({listed(names, limit=8)}), kept of "
        f"{count(len(manifest), 'file')}."
    )


def _tiles(manifest: pd.DataFrame, kept: pd.DataFrame, blank_std: float) -> list[tuple[str, str]]:
    """Return the headline numbers."""
    readable = manifest[manifest["group"] >= 0]
    copies = readable[readable.duplicated("pixels", keep=False)]
    labels = copies[copies["label"] != ""].groupby("pixels")["label"].nunique()
    dropped = len(manifest) - len(kept)
    leaked = int(manifest["copy_in_train"].sum())
    held_out = int(readable["split"].isin(HELD_OUT).sum())
    tiles = [
        (f"{len(manifest):,}", "files"),
        (f"{len(kept):,}", "kept"),
        (f"{dropped:,}", f"dropped ({percent_of(dropped, len(manifest))})"),
        (f"{kept['label'].nunique():,}", "classes" if kept["label"].nunique() != 1 else "class"),
        (f"{len(copies) - copies['pixels'].nunique():,}", "redundant exact copies"),
        (f"{int((labels > 1).sum()):,}", "groups of copies with conflicting labels"),
    ]
    if held_out:
        tiles.append((f"{leaked:,}", f"held-out images with a copy in train ({percent_of(leaked, held_out)})"))
    blank = int((readable["std"] < blank_std).sum())
    return [*tiles, (f"{blank:,}", "blank images")]
