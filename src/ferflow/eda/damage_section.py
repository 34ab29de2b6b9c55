"""The section on the damage: a verdict table, and every kind of finding with pictures."""

import pandas as pd

from ferflow.eda import charts
from ferflow.eda.choose import Row, rows_of
from ferflow.eda.findings import MEANINGS, Finding
from ferflow.eda.page import Files, Gallery, Picture, Section, Table, inline
from ferflow.eda.pictures import Levels
from ferflow.eda.survey import Survey
from ferflow.eda.text import count, listed, share, shown
from ferflow.settings import Clean

FACTS = ("label", "split", "subset", "verdict", "reason", "detail")
# The policy of a reason has its name, but for these; what has none is always dropped.
POLICIES = {"leaked_copy": "leaked_copies", "exact_copy": "exact_copies", "near_copy": "near_copies"}


def damage(manifest: pd.DataFrame, findings: list[Finding], clean: Clean, seen: Survey, files: Files) -> Section:
    """Return the section.

            Args:
                manifest: with `part`.
                findings: from ferflow.eda import charts
    from ferflow.eda.choose import Row, rows_of
        from ferflow.eda.findings.find.
                clean: the policies.
                seen: holds the pictures of the examples.
                files: takes `finding_<kind>.png`, `verdicts.csv` and `examples.csv`.
    """
    section = Section("damage", "The damage found")
    dropped = int((manifest["verdict"] == "drop").sum())
    reasons = manifest.loc[manifest["verdict"] == "drop", "reason"].value_counts()
    text = f"{dropped:,} of {count(len(manifest), 'file')} ({share(dropped, len(manifest))}) are dropped"
    if len(reasons):
        top = [f"{number:,} as {shown(str(r)).replace('_', ' ')}" for r, number in reasons.items()]
        if len(top) > 4:
            top[4:] = [f"{int(reasons.iloc[4:].sum()):,} for {count(len(top) - 4, 'other reason')}"]
        text += f": {listed(top)}"
    section.findings.append(
        text + ". Every file has one verdict with one reason; below, each kind of damage is counted over all "
        "readable images, whatever their verdict."
    )
    section.blocks.append(_verdicts(manifest, clean, files))
    pictured = {path for finding in findings for group in finding.groups for path in group.paths}
    rows = rows_of(manifest, pictured | {path for finding in findings for path, _ in finding.names})
    examples = []
    for finding in findings:
        part = Section(finding.key.replace("_", "-"), finding.title, list(finding.sentences))
        groups = []
        for number, group in enumerate(finding.groups, start=1):
            pictures = tuple(_picture(rows[path], seen.thumbs[path]) for path in group.paths)
            groups.append((pictures, shown(group.note)))
            examples += [(finding.key, number, path, *_facts(rows[path])) for path in group.paths]
        if groups:
            part.blocks.append(Gallery("", tuple(groups)))
            paths = [path for group in finding.groups for path in group.paths]
            thumbs, labels = [seen.thumbs[path] for path in paths], [rows[path]["label"] for path in paths]
            files.figure(f"finding_{finding.key}", charts.picture_grid(thumbs, labels, finding.title))
        if finding.names:
            listing = tuple((shown(path), shown(detail)) for path, detail in finding.names)
            part.blocks.append(Table(f"Examples: {finding.title.lower()}", ("file", "what is known"), listing))
            examples += [(finding.key, 0, path, *_facts(rows[path])) for path, _ in finding.names]
        section.sections.append(part)
    files.tables["examples"] = pd.DataFrame(
        examples,
        columns=["finding", "group", "path", *FACTS],
    )
    return section


def _facts(row: Row) -> tuple[str, ...]:
    return tuple(row[name] for name in FACTS)


def _picture(row: Row, image: Levels) -> Picture:
    label, part = shown(row["label"]) or "no label", shown(row["part"])
    verdict = "kept" if row["verdict"] == "keep" else "dropped"
    name = shown(row["path"].rpartition("/")[2], 48)
    return inline(image, f"{label}, {part}: {shown(row['path'])}", (label, f"{part}, {verdict}", name))


def _verdicts(manifest: pd.DataFrame, clean: Clean, files: Files) -> Table:
    kept, dropped = (manifest.loc[manifest["verdict"] == v, "reason"].value_counts() for v in ("keep", "drop"))
    found = set(manifest["reason"])
    order = [reason for reason in [*MEANINGS, *sorted(found - set(MEANINGS))] if reason in found]
    policies = {reason: str(getattr(clean, POLICIES.get(reason, reason), "drop")) for reason in order if reason}
    first = manifest.drop_duplicates("reason").set_index("reason")["path"]
    rows = [
        (
            reason,
            MEANINGS.get(reason, ""),
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
            shown(reason).replace("_", " ") or "none",
            f"{keep:,}",
            f"{drop:,}",
            policy.replace("_", " "),
            meaning,
            shown(example, 60),
        )
        for reason, meaning, policy, keep, drop, example in rows
    )
    header = ("reason", "kept", "dropped", "policy", "meaning", "for example")
    return Table("Every file's verdict", header, cells, frozenset({1, 2}))
