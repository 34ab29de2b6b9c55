"""A difference on the terminal, as Markdown for a pull request, and as a page."""

from collections.abc import Sequence

from tabulate import tabulate

from ferflow.reporting.page import Block, PageSection, PageTable, PicturePair, png_picture, render_page
from ferflow.reporting.text import count, markdown_table
from ferflow.ui.diff import wording
from ferflow.ui.diff.difference import Difference, PictureChange

MARKER = "<!-- ferflow diff -->"
"""First line of the Markdown: by it, CI finds its comment on a pull request and updates it."""

_TITLES = {"metrics": "Metrics", "params": "params.yaml", "stages": "Pipeline", "figures": "Figures"}
_PARAM_HEADER, _STAGE_HEADER = ("key", "before", "now"), ("what differs", "stages")
_ROWS = 60  # rows of a table in Markdown; GitHub refuses comments above 65,536 characters
_FIGURES = 12  # pairs of figures in Markdown


def terminal_text(difference: Difference, page: str) -> str:
    """Return what the terminal shows; `page` is the path of the page, for the last line."""
    lines = [wording.headline(difference)]
    if wording.is_same(difference):
        return lines[0]
    lines += [*wording.verdicts(difference), *wording.notes(difference)]
    for key, header, rows in _tables(difference):
        table = tabulate(rows, header, tablefmt="simple", disable_numparse=True)
        lines.append(f"\n{_TITLES[key]}\n\n{table}")
    lines.append(f"\n{count(len(difference.pictures), 'figure')} differ; side by side in {page}.")
    if len(difference.pictures) == 1:
        lines[-1] = f"\nOne figure differs; side by side in {page}."
    return "\n".join(lines)


def markdown_text(difference: Difference, images: str = "", head: str = "") -> str:
    """Return the difference as Markdown for a comment or a job's summary.

    Args:
        difference: What differs.
        images: Address that serves files of the repository, to which /COMMIT/PATH is added, such as
            https://github.com/OWNER/NAME/raw. Defaults to none, and figures are only listed.
        head: Commit whose figures are those on disk. Defaults to none.
    """
    parts = [MARKER, "### Results compared with the base", wording.headline(difference)]
    if wording.is_same(difference):
        return "\n\n".join(parts) + "\n"
    found = [*wording.verdicts(difference), *wording.notes(difference)]
    if found:
        parts.append("\n".join(f"- {sentence}" for sentence in found))
    for key, header, rows in _tables(difference):
        table = markdown_table(header, rows[:_ROWS], left=2 if key == "metrics" else len(header))
        if len(rows) > _ROWS:
            table += f"\n\n{len(rows) - _ROWS:,} more rows are in the page."
        caption = f"\n\n{wording.metric_caption(difference)}" if key == "metrics" else ""
        body = f"{table}{caption}"
        folded = f"<details><summary>{_TITLES[key]}</summary>\n\n{body}\n\n</details>"
        parts.append(body if key == "metrics" else folded)
    if difference.pictures:
        parts.append(_markdown_figures(difference, images, head))
    return "\n\n".join(parts) + "\n"


def difference_page(difference: Difference) -> str:
    """Return the difference as a page."""
    verdicts = [*wording.verdicts(difference), *wording.notes(difference)]
    sections = []
    for key, header, rows in _tables(difference):
        caption = wording.metric_caption(difference) if key == "metrics" else _TITLES[key]
        numeric = frozenset(range(2, len(header))) if key == "metrics" else frozenset[int]()
        table = PageTable(caption, tuple(header), list(rows), numeric)
        sections.append(PageSection(key, _TITLES[key], verdicts if key == "metrics" else [], [table]))
    if difference.pictures:
        labels = (difference.before.label, difference.after.label)
        pairs: list[Block] = [_pair(change, labels) for change in difference.pictures]
        sections.append(PageSection("figures", "Figures", [], pairs))
    if verdicts and all(section.key != "metrics" for section in sections):
        sections.insert(0, PageSection("notes", "Notes", verdicts))
    tiles = [
        (f"{len({row[0] for row in wording.metric_rows(difference)})}", "results with other metrics"),
        (f"{len(difference.params)}", "keys of params.yaml"),
        (f"{len(difference.stages.outputs)}", "stages with other outputs"),
        (f"{len(difference.pictures)}", "figures"),
    ]
    return render_page(
        f"Difference to {difference.before.label}",
        wording.headline(difference),
        tiles,
        sections,
        f"Written by ferflow diff for commit {difference.before.sha} and the files on disk.",
    )


def _tables(difference: Difference) -> list[tuple[str, Sequence[str], list[tuple[str, ...]]]]:
    tables: list[tuple[str, Sequence[str], list[tuple[str, ...]]]] = [
        ("metrics", wording.METRIC_HEADER, wording.metric_rows(difference)),
        ("params", _PARAM_HEADER, list(wording.param_rows(difference))),
        ("stages", _STAGE_HEADER, list(wording.stage_rows(difference))),
    ]
    return [(key, header, rows) for key, header, rows in tables if rows]


def _pair(change: PictureChange, labels: tuple[str, str]) -> PicturePair:
    pictures = [
        png_picture(data, f"{change.path}, {label}") if data else None
        for data, label in zip((change.before, change.after), labels, strict=True)
    ]
    return PicturePair(change.path, pictures[0], pictures[1], labels)


def _markdown_figures(difference: Difference, images: str, head: str) -> str:
    shown = difference.pictures[:_FIGURES] if images and head else []
    lines = []
    for change in shown:
        commits = (difference.before.sha, head)
        cells = [
            f'<img src="{images}/{commit}/{change.path}" width="400" alt="{change.path}">' if data else "none"
            for commit, data in zip(commits, (change.before, change.after), strict=True)
        ]
        lines.append(f"`{change.path}`\n\n| {difference.before.label} | now |\n| --- | --- |\n| {' | '.join(cells)} |")
    rest = difference.pictures[len(shown) :]
    if rest:
        lines.append("\n".join(f"- `{change.path}`" for change in rest[:_ROWS]))
    if len(rest) > _ROWS:
        lines.append(f"{len(rest) - _ROWS:,} more differ.")
    summary = f"<details><summary>Figures: {count(len(difference.pictures), 'picture')}</summary>"
    return "\n\n".join([summary, *lines, "</details>"])
