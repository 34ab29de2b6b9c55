"""The section on damage: a table of all verdicts, and each kind of damage with pictures."""

import pandas as pd

from ferflow.eda import charts
from ferflow.eda.damage_findings import DamageFinding, reason_meaning
from ferflow.eda.image_survey import ManifestRow, Survey, rows_by_path
from ferflow.raw.images import Grey
from ferflow.raw.manifest import Reason
from ferflow.reporting.page import Gallery, PagePicture, PageSection, PageTable, ReportFiles, page_picture
from ferflow.reporting.text import count, listed, percent_of, printable
from ferflow.settings import Clean

EXAMPLE_COLUMNS = ("label", "split", "subset", "verdict", "reason", "detail")
# A policy has the name of its reason except for these; a reason without a policy always drops.
POLICIES = {"leaked_copy": "leaked_copies", "exact_copy": "exact_copies", "near_copy": "near_copies"}


def damage_section(
    manifest: pd.DataFrame, findings: list[DamageFinding], clean: Clean, survey: Survey, files: ReportFiles
) -> PageSection:
    """Return the section: a table of all verdicts, then each kind of damage with pictures.

    Args:
        manifest: Manifest with the column `part`.
        findings: Findings from ferflow.eda.damage_findings.find_damage.
        clean: Policies of the stage clean.
        survey: Provides the pictures of the examples.
        files: Receives `finding_<kind>.png`, `verdicts.csv` and `examples.csv`.
    """
    section = PageSection("damage", "Damage in the data")
    dropped = int((manifest["verdict"] == "drop").sum())
    reasons = manifest.loc[manifest["verdict"] == "drop", "reason"].value_counts()
    text = f"{dropped:,} of {count(len(manifest), 'file')} ({percent_of(dropped, len(manifest))}) are dropped"
    if len(reasons):
        top = [f"{number:,} as {printable(str(r)).replace('_', ' ')}" for r, number in reasons.items()]
        if len(top) > 4:
            top[4:] = [f"{int(reasons.iloc[4:].sum()):,} for {count(len(top) - 4, 'other reason')}"]
        text += f": {listed(top, limit=8)}"
    section.findings.append(
        text + ". Every file has one verdict with one reason. Below, each kind of damage is counted over all "
        "readable images, including dropped ones."
    )
    section.blocks.append(_verdicts(manifest, clean, files))
    pictured = {path for finding in findings for group in finding.groups for path in group.paths}
    rows = rows_by_path(manifest, pictured | {path for finding in findings for path, _ in finding.names})
    examples = []
    for finding in findings:
        part = PageSection(finding.key.replace("_", "-"), finding.title, list(finding.sentences))
        groups = []
        for number, group in enumerate(finding.groups, start=1):
            pictures = tuple(_picture(rows[path], survey.thumbnails[path]) for path in group.paths)
            groups.append((pictures, printable(group.note)))
            examples += [(finding.key, number, path, *_example_columns(rows[path])) for path in group.paths]
        if groups:
            part.blocks.append(Gallery("", tuple(groups)))
            paths = [path for group in finding.groups for path in group.paths]
            thumbs, labels = [survey.thumbnails[path] for path in paths], [rows[path]["label"] for path in paths]
            files.add_figure(f"finding_{finding.key}", charts.image_grid(thumbs, labels, finding.title))
        if finding.names:
            listing = tuple((printable(path), printable(detail)) for path, detail in finding.names)
            part.blocks.append(PageTable(f"Examples: {finding.title.lower()}", ("file", "detail"), listing))
            examples += [(finding.key, 0, path, *_example_columns(rows[path])) for path, _ in finding.names]
        section.sections.append(part)
    files.tables["examples"] = pd.DataFrame(
        examples,
        columns=["finding", "group", "path", *EXAMPLE_COLUMNS],
    )
    return section


def _example_columns(row: ManifestRow) -> tuple[str, ...]:
    return tuple(row[name] for name in EXAMPLE_COLUMNS)


def _picture(row: ManifestRow, image: Grey) -> PagePicture:
    label, part = printable(row["label"]) or "no label", printable(row["part"])
    verdict = "kept" if row["verdict"] == "keep" else "dropped"
    name = printable(row["path"].rpartition("/")[2], 48)
    return page_picture(image, f"{label}, {part}: {printable(row['path'])}", (label, f"{part}, {verdict}", name))


def _verdicts(manifest: pd.DataFrame, clean: Clean, files: ReportFiles) -> PageTable:
    kept, dropped = (manifest.loc[manifest["verdict"] == v, "reason"].value_counts() for v in ("keep", "drop"))
    found = set(manifest["reason"])
    known = ["", *(reason.value for reason in Reason)]
    order = [reason for reason in [*known, *sorted(found - set(known))] if reason in found]
    policies = {reason: str(getattr(clean, POLICIES.get(reason, reason), "drop")) for reason in order if reason}
    first = manifest.drop_duplicates("reason").set_index("reason")["path"]
    rows = [
        (
            reason,
            reason_meaning(reason),
            policies.get(reason, ""),
            int(kept.get(reason, 0)),
            int(dropped.get(reason, 0)),
            first[reason],
        )
        for reason in order
    ]
    files.tables["verdicts"] = pd.DataFrame(
        [row[:5] for row in rows], columns=["reason", "meaning", "policy", "keep", "drop"]
    )
    cells = tuple(
        (
            printable(reason).replace("_", " ") or "none",
            f"{keep:,}",
            f"{drop:,}",
            policy.replace("_", " "),
            meaning,
            printable(example, 60),
        )
        for reason, meaning, policy, keep, drop, example in rows
    )
    header = ("reason", "kept", "dropped", "policy", "meaning", "example")
    return PageTable("Verdicts on all files", header, cells, frozenset({1, 2}))
