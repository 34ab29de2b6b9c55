"""`reports/evaluate/<result>/index.html`: everything that is measured of one network, on one page.

It shows faces of the dataset, so that DVC keeps it, not git.
"""

from collections.abc import Sequence
from pathlib import Path

from ferflow.reporting.page import Block, Chart, Charts, PageSection, PageTable, png_chart, render_page
from ferflow.reporting.result_contracts import Metrics
from ferflow.reporting.robustness import corruption_label
from ferflow.reporting.set_metrics import ProbabilityScores, SetMetrics, Third
from ferflow.reporting.set_names import set_label, shown_sets, whole_sets
from ferflow.reporting.text import DASH, percent
from ferflow.reporting.view_names import view_label

# Which figure belongs to which section, by the beginning of its file name; what belongs to none comes last.
_CLASSES = ("per_class", "confusion", "roc", "precision_recall")
_PROBABILITIES = ("reliability", "risk_coverage")
_CONDITIONS = ("thirds", "corruption", "robustness")
_VOTES = ("agreement", "votes")
_TRAINING = ("learning_curves",)
_ALT = {
    "per_class": "Bars: F1, precision and recall of each class.",
    "confusion": "Map: predicted classes of the images of each true class.",
    "roc": "Curves: true positive rate over false positive rate of each class.",
    "precision_recall": "Curves: precision over recall of each class.",
    "reliability": "Diagram: accuracy over confidence.",
    "risk_coverage": "Curve: share of mistakes over the share of images that are answered.",
    "thirds": "Points: accuracy by thirds of brightness and contrast.",
    "learning_curves": "Curves: accuracy and loss over the epochs.",
    "mistakes": "Faces with their label, the predicted class and its probability.",
    "grad_cam": "The same faces, tinted where the network looked.",
}


def result_page(metrics: Metrics, folder: Path) -> str:
    """Return the page of a result as HTML.

    Args:
        metrics: Content of metrics.json.
        folder: Folder of the result's report, whose figures/ and faces/ the page shows.
    """
    shown = shown_sets(metrics.sets)
    last = whole_sets(shown)[-1]
    figures = sorted((folder / "figures").glob("*.png"))
    rest = [path for path in figures if not path.stem.startswith((*_CLASSES, *_PROBABILITIES, *_CONDITIONS, *_VOTES))]
    rest = [path for path in rest if not path.stem.startswith(_TRAINING)]
    sections = [
        _accuracy_section(metrics, shown),
        PageSection(
            "classes",
            "Classes",
            [f"Scores of each class on {set_label(last)}; the areas are those of the class against the rest."],
            [_class_table(metrics.sets[last], last), *_charts(figures, _CLASSES)],
        ),
        PageSection(
            "probabilities",
            "Probabilities",
            [
                f"The network's logits are divided by a temperature of {metrics.temperature:.3f}, fitted on "
                "validation, so that its probabilities are as often right as they say.",
            ],
            [_probability_table(metrics, shown), *_charts(figures, _PROBABILITIES)],
        ),
        _conditions_section(metrics.sets[last], last, _charts(figures, _CONDITIONS)),
        _votes_section(metrics, shown, _charts(figures, _VOTES)),
        PageSection(
            "mistakes",
            "Most confident mistakes",
            ["Test images that are wrong with the highest probability: label, predicted class and its probability."],
            _charts(sorted((folder / "faces").glob("*.png"), reverse=True), ("",), photo=True),
        ),
        PageSection("training", "Training", [], _charts(figures, _TRAINING)),
        PageSection("more", "Further figures", [], _charts(rest, ("",))),
    ]
    return render_page(
        f"How good {metrics.model} is",
        f"Measured on {', '.join(set_label(name) for name in shown)}. The test sets influenced no decision.",
        _tiles(metrics, last),
        [section for section in sections if section.blocks],
        "Written by the stage evaluate of FERflow from metrics.json; the figures are in figures/ and faces/. "
        "docs/evaluation.md explains each number and gives its source.",
        links=[("All networks compared", "../../compare/index.html")],
    )


def _tiles(metrics: Metrics, last: str) -> list[tuple[str, str]]:
    block, validation = metrics.sets[last], metrics.sets["validation"]
    label = set_label(last)
    return [
        (percent(validation.accuracy), "accuracy on validation"),
        (percent(block.accuracy), f"accuracy on {label}"),
        (percent(block.macro_f1), f"macro F1 on {label}"),
        (percent(block.ece), f"expected calibration error on {label}"),
    ]


def _accuracy_section(metrics: Metrics, shown: Sequence[str]) -> PageSection:
    last = metrics.sets[whole_sets(shown)[-1]]
    worst = min(
        (item for item in last.per_class.items() if item[1].support), key=lambda item: (item[1].recall, item[0])
    )
    rows = [
        (
            set_label(name),
            f"{block.images:,}",
            _interval(block.accuracy, block.accuracy_low, block.accuracy_high),
            _interval(block.macro_f1, block.macro_f1_low, block.macro_f1_high),
            _share(block.balanced_accuracy),
            _plain(block.kappa),
            _share(block.top2_accuracy),
            _share(block.accuracy_at_80),
        )
        for name, block in metrics.sets.items()
    ]
    header = (
        "set", "images", "accuracy, %", "macro F1, %", "balanced accuracy, %", "kappa", "top 2, %", "at 80 % "
        "coverage, %",
    )  # fmt: skip
    findings = [
        f"Accuracy {percent(last.accuracy)} ({100 * last.accuracy_low:.1f} to {100 * last.accuracy_high:.1f}) on "
        f"{last.images:,} images of {set_label(whole_sets(shown)[-1])}; {worst[0]} has the lowest recall "
        f"({percent(worst[1].recall)}).",
    ]
    caption = "Every set of images, with bootstrap intervals; copies of one picture are drawn together"
    tables: list[Block] = [PageTable(caption, header, rows, frozenset(range(1, 8)))]
    if kinds := tuple(metrics.sets["validation"].by_views or ()):
        tables.append(_views_table(metrics, kinds))
    return PageSection("accuracy", "Accuracy", findings, tables)


def _views_table(metrics: Metrics, kinds: Sequence[str]) -> PageTable:
    rows = [
        (set_label(name), *(_share(block.by_views[kind]) for kind in kinds))
        for name, block in metrics.sets.items()
        if block.by_views
    ]
    header = ("set", *(f"{view_label(kind)}, %" for kind in kinds))
    served = view_label(metrics.views)
    caption = f"Accuracy by test-time views; the registered model, and all else on this page: {served}"
    return PageTable(caption, header, rows, frozenset(range(1, len(header))))


def _class_table(block: SetMetrics, name: str) -> PageTable:
    rows = [
        (
            label,
            f"{scores.support:,}",
            *(_share(value) for value in (scores.precision, scores.recall, scores.f1)),
            *(_plain(value) for value in (scores.roc_auc, scores.average_precision)),
        )
        for label, scores in block.per_class.items()
    ]
    header = ("class", "images", "precision, %", "recall, %", "F1, %", "ROC area", "average precision")
    return PageTable(f"Classes on {set_label(name)}", header, rows, frozenset(range(1, len(header))))


def _probability_table(metrics: Metrics, shown: Sequence[str]) -> PageTable:
    def cells(scores: ProbabilityScores | SetMetrics) -> tuple[str, ...]:
        errors = (_share(scores.ece), _share(scores.classwise_ece))
        return (_plain(scores.log_loss), _plain(scores.brier), *errors)

    rows = []
    for name in shown:
        block = metrics.sets[name]
        rows.append((set_label(name), "before", *cells(block.uncalibrated), DASH))
        rows.append((set_label(name), "after", *cells(block), _plain(block.aurc)))
    header = ("set", "temperature", "log loss", "Brier", "ECE, %", "classwise ECE, %", "AURC")
    return PageTable("Probabilities before and after the temperature", header, rows, frozenset(range(2, len(header))))


def _conditions_section(block: SetMetrics, name: str, charts: Sequence[Block]) -> PageSection:
    tables: list[Block] = []
    if block.thirds:
        rows = [
            (f"{words[place]} third", _limits(third), f"{third.images:,}", *_third(third))
            for thirds, words in (
                (block.thirds.brightness, ("darkest", "middle brightness", "brightest")),
                (block.thirds.contrast, ("flattest", "middle contrast", "sharpest")),
            )
            for place, third in enumerate(thirds)
        ]
        header = ("third", "grey levels", "images", "accuracy, %", "macro F1, %")
        caption = f"Thirds of {set_label(name)} by mean grey level and by its standard deviation"
        tables.append(PageTable(caption, header, rows, frozenset(range(2, len(header)))))
    if block.robustness:
        tables.append(_robustness_table(block, name))
    findings = [
        "Accuracy by brightness and contrast: a difference shows that the network depends on them; no difference "
        "does not show that it is fair."
    ]
    return PageSection("conditions", "Light, contrast and damage", findings if tables else [], [*tables, *charts])


def _robustness_table(block: SetMetrics, name: str) -> PageTable:
    robustness = block.robustness
    assert robustness is not None
    rows = [
        (corruption_label(kind), *map(_share, scores.accuracy), _share(scores.mean), _plain(scores.relative))
        for kind, scores in robustness.kinds.items()
    ]
    count = len(robustness.severities)
    whole = (*[DASH] * count, _share(robustness.mean_accuracy), _plain(robustness.relative))
    header = ("corruption", *(f"severity {severity}, %" for severity in robustness.severities), "mean, %", "relative")
    caption = (
        f"Accuracy on corrupted images of {set_label(name)}; relative: the mean divided by the accuracy on the "
        "images as they are"
    )
    return PageTable(caption, header, [*rows, ("mean of all", *whole)], frozenset(range(1, len(header))))


def _votes_section(metrics: Metrics, shown: Sequence[str], charts: Sequence[Block]) -> PageSection:
    blocks = {name: block for name in shown if (block := metrics.sets[name].agreement)}
    rows = [
        (
            set_label(name),
            f"{100 * part.low:.0f} to {100 * part.high:.0f} %",
            f"{part.images:,}",
            DASH if part.accuracy is None else _share(part.accuracy),
        )
        for name, block in blocks.items()
        for part in block.bins
    ]
    if not rows:
        return PageSection("votes", "Annotators", [], list(charts))
    caption = "Accuracy by the share of annotators who gave the most frequent answer"
    table = PageTable(caption, ("set", "share of votes", "images", "accuracy, %"), rows, frozenset({2, 3}))
    scores = [
        f"{set_label(name)}: log loss against the votes {block.log_loss:.3f}, Jensen-Shannon divergence "
        f"{block.jensen_shannon:.3f}, mean probability of an annotator's answer {percent(block.annotator_probability)}."
        for name, block in blocks.items()
    ]
    return PageSection("votes", "Annotators", scores, [table, *charts])


def _charts(paths: Sequence[Path], beginnings: Sequence[str], photo: bool = False) -> list[Block]:
    """Return the figures whose names have one of these beginnings, in the order of the beginnings, as one block."""
    found: list[Chart] = []
    for beginning in beginnings:
        for path in paths:
            if path.stem.startswith(beginning):
                kind = next((text for key, text in _ALT.items() if path.stem.startswith(key)), "Figure.")
                found.append(png_chart(path.read_bytes(), f"{path.stem.replace('_', ' ')}. {kind}", photo))
    return [Charts(tuple(found))] if found else []


def _share(value: float) -> str:
    return f"{100 * value:.1f}"


def _plain(value: float | None) -> str:
    return DASH if value is None else f"{value:.3f}"


def _interval(value: float, low: float, high: float) -> str:
    return f"{100 * value:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def _third(third: Third) -> tuple[str, str]:
    if third.accuracy is None or third.accuracy_low is None or third.accuracy_high is None or third.macro_f1 is None:
        return DASH, DASH
    return _interval(third.accuracy, third.accuracy_low, third.accuracy_high), _share(third.macro_f1)


def _limits(third: Third) -> str:
    if third.low is None:
        return f"below {third.high:.0f}"
    return f"{third.low:.0f} and above" if third.high is None else f"{third.low:.0f} to {third.high:.0f}"
