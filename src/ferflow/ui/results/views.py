"""What test-time views are worth: accuracy of the recorded networks over each kind of them."""

from ferflow.reporting.set_names import set_label, whole_sets
from ferflow.reporting.text import DASH, markdown_table
from ferflow.reporting.view_names import view_label
from ferflow.ui.results.records import Run


def views_section(run: Run) -> str:
    """Return the table of accuracy by test-time views; empty if no network of the run was measured so.

    Args:
        run: The run.
    """
    measured = [(record.result, record.views) for record in run.results if record.views]
    if not measured:
        return ""
    sets = whole_sets(run.about.images)
    sets = [sets[0], sets[-1]]
    kinds = [kind for kind in ("single", "flip", "ten_crop") if any(kind in views[sets[0]] for _, views in measured)]
    header = ["model", *(f"{set_label(name)}, {view_label(kind)}" for name in sets for kind in kinds)]
    rows = []
    for result, views in measured:
        cells = [_cell(views[name].get(kind)) for name in sets for kind in kinds]
        rows.append([result, *cells])
    return (
        f"### What test-time views are worth\n\n{markdown_table(header, rows)}\n\nAccuracy in percent of the same "
        "networks when their probabilities are averaged over the image alone, over it and its mirror image, or over "
        "ten crops (corners and centre, and their mirror images). Ten crops take ten times as long as the image alone."
    )


def _cell(value: float | None) -> str:
    return DASH if value is None else f"{100 * value:.1f}"
