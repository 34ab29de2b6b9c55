"""`index.html` of `ferflow evaluate`: how a network does on faces from elsewhere."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ferflow.reporting.page import PageSection, PageTable, png_chart, render_page
from ferflow.reporting.set_metrics import Third
from ferflow.reporting.text import DASH, count, percent

if TYPE_CHECKING:
    from ferflow.cross_dataset.cross_evaluation import CrossMetrics

_ALT = {
    "per_class": "Bars: F1, precision and recall of each class.",
    "confusion": "Map: predicted classes of the images of each true class.",
    "reliability": "Diagram: accuracy over confidence.",
}


def headline_rows(metrics: "CrossMetrics") -> list[tuple[str, str]]:
    """Return the numbers that come first, each with its name, for the page and the terminal."""
    scores = metrics.scores
    interval = f"{100 * scores.accuracy_low:.1f} to {100 * scores.accuracy_high:.1f}"
    return [
        ("images", f"{scores.images:,}"),
        ("accuracy", f"{percent(scores.accuracy, space=' ')} ({interval})"),
        ("mean recall of the classes that occur", percent(scores.balanced_accuracy, space=" ")),
        ("macro F1", f"{scores.macro_f1:.3f}"),
        ("log loss", f"{scores.log_loss:.3f}"),
        ("calibration error (ECE)", percent(scores.ece, space=" ")),
    ]


def cross_page(metrics: "CrossMetrics", notes: Sequence[str], figures: Path) -> str:
    """Return the page as HTML.

    Args:
        metrics: Content of metrics.json.
        notes: Sentences on what was left out, and how inputs, outputs and labels were read.
        figures: Folder of the figures.
    """
    charts = {name: png_chart((figures / f"{name}.png").read_bytes(), alt) for name, alt in _ALT.items()}
    scores = metrics.scores
    classes = PageTable(
        "Scores of each class",
        ("class", "images", "precision", "recall", "F1"),
        [
            (name, f"{row.support:,}", f"{row.precision:.3f}", f"{row.recall:.3f}", f"{row.f1:.3f}")
            for name, row in scores.per_class.items()
        ],
        frozenset({1, 2, 3, 4}),
    )
    numbers = PageTable("Numbers", ("number", "value"), headline_rows(metrics), frozenset({1}))
    sections = [
        PageSection("reading", "What was measured", list(notes), [numbers]),
        PageSection("classes", "Classes", [], [charts["per_class"], charts["confusion"], classes]),
        PageSection(
            "probabilities",
            "Probabilities",
            [
                "No temperature is known for this network, so the probabilities are as it gives them."
                if metrics.temperature == 1
                else f"The logits are divided by a temperature of {metrics.temperature:.3f}, fitted on the validation "
                "images of the network's own dataset."
            ],
            [charts["reliability"]],
        ),
    ]
    if scores.thirds:
        rows = [
            *(("brightness", *_third(third)) for third in scores.thirds.brightness),
            *(("contrast", *_third(third)) for third in scores.thirds.contrast),
        ]
        table = PageTable(
            "Accuracy by thirds of brightness (mean grey level) and contrast (standard deviation)",
            ("by", "grey levels", "images", "accuracy"),
            rows,
            frozenset({2, 3}),
        )
        sections.append(PageSection("conditions", "Light", [], [table]))
    together = "one person" if metrics.grouped_by == "person" else "identical copies"
    return render_page(
        f"{metrics.model} on {metrics.data}",
        f"Nothing was fitted or chosen on these images. The bootstrap draws the images of {together} together.",
        [
            (percent(scores.accuracy), "accuracy"),
            (percent(scores.balanced_accuracy), "mean recall of the classes"),
            (f"{scores.images:,}", count(scores.images, "image").partition(" ")[2]),
        ],
        sections,
        "Written by ferflow evaluate. metrics.json, predictions.csv and the figures are next to this page.",
    )


def _third(third: Third) -> tuple[str, str, str]:
    ends = [DASH if end is None else f"{end:.0f}" for end in (third.low, third.high)]
    between = (
        f"up to {ends[1]}" if third.low is None else f"over {ends[0]}" if third.high is None else " to ".join(ends)
    )
    return between, f"{third.images:,}", DASH if third.accuracy is None else percent(third.accuracy)
