"""`reports/compare/index.html`: all results on one page, with a link to the page of each."""

from typing import Any

from ferflow.compare.comparison import Comparison, records
from ferflow.compare.comparison_sections import (
    agreement_section,
    classes_section,
    curves_section,
    ensemble_section,
    pairs_section,
)
from ferflow.compare.leaderboard import METRIC_LABELS, board_sets, p_text
from ferflow.compare.robustness import robustness_section
from ferflow.reporting.page import Cell, Chart, PageSection, PageTable, ReportFiles, png_chart, render_page
from ferflow.reporting.set_names import set_label, shown_sets, whole_sets
from ferflow.reporting.text import DASH, count, listed, percent, short_number

BYTES_PER_WEIGHT = 4  # float32


def comparison_page(comparison: Comparison, leaderboard: bytes, costs: bytes, files: ReportFiles) -> str:
    """Return the page as HTML.

    Args:
        comparison: What the page shows.
        leaderboard: PNG of the leaderboard's figure.
        costs: PNG of the figure of accuracy over cost.
        files: Receives the page's other figures.
    """
    champion, names = comparison.champion, [result.name for result in comparison.ranked]
    sections = [
        _leaderboard_section(comparison, png_chart(leaderboard, "Accuracy of each model on each set of images.")),
        _cost_section(comparison, png_chart(costs, "Accuracy of each model over its multiply-accumulates.")),
        classes_section(comparison, files),
        curves_section(comparison, files),
    ]
    if corruptions := robustness_section(comparison.ranked, comparison.baseline, files):
        sections.append(corruptions)
    if len(names) > 1:
        sections += [
            pairs_section(comparison, files),
            agreement_section(comparison, files),
            ensemble_section(comparison, files),
        ]
    return render_page(
        f"Which network is best on {champion.dataset}",
        champion.reason,
        _tiles(comparison),
        sections,
        "Written by the stage compare of FERflow. The figures of this page are in figures/, its tables as CSV next "
        "to it: leaderboard.csv, per_class.csv, significance.csv, agreement.csv, ensembles.csv and robustness.csv. "
        "Training times are not here, because they differ from machine to machine; docs/results and MLflow have them.",
    )


def page_of(name: str) -> str:
    """Return the address of a result's own page, as seen from the page of the comparison."""
    return f"../evaluate/{name}/index.html"


def _tiles(comparison: Comparison) -> list[tuple[str, str]]:
    champion = comparison.champion
    last = whole_sets(champion.sets)[-1]
    tiles = [
        (percent(champion.sets[name].accuracy), f"accuracy of {champion.model} on {set_label(name)}")
        for name in dict.fromkeys(["validation", last])
    ]
    tiles.append((f"{len(comparison.ranked)}", "networks" if len(comparison.ranked) > 1 else "network"))
    if comparison.ensemble:
        row = comparison.ensemble[last]
        tiles.append(
            (percent(float(row["accuracy"])), f"accuracy of the best {row['size']} together on {set_label(last)}")
        )
    return tiles


def _leaderboard_section(comparison: Comparison, chart: Chart) -> PageSection:
    champion, board = comparison.champion, comparison.board
    sets = shown_sets(board_sets(board))
    last = whole_sets(sets)[-1]
    pairs = records(comparison.significance)
    p_values = {row["worse"]: float(row["p_holm"]) for row in pairs if row["better"] == champion.model}
    header = ("#", "model", *(f"{set_label(name)}, %" for name in sets), "macro F1, %", "log loss", "ECE, %", "p")
    rows: list[tuple[Cell, ...]] = []
    for position, result in enumerate(comparison.ranked, start=1):
        block = result.metrics.sets[last]
        rows.append(
            (
                Cell(str(position), float(position)),
                Cell(result.name, link=page_of(result.name)),
                *(_accuracy(result.metrics.sets[name].model_dump()) for name in sets),
                Cell(f"{100 * block.macro_f1:.1f}", block.macro_f1),
                Cell(f"{block.log_loss:.3f}", block.log_loss),
                Cell(f"{100 * block.ece:.1f}", block.ece),
                _p_cell(p_values.get(result.name)),
            )
        )
    if comparison.ensemble:
        rows.append(_ensemble_row(comparison, sets, last))
    metric = METRIC_LABELS[champion.metric]
    images = listed([f"{champion.sets[name].images:,} {set_label(name)}" for name in sets])
    findings = [
        f"Accuracy with its confidence interval, ranked by validation {metric}. Images: {images}. Macro F1, log loss "
        f"and calibration error (ECE) are those on {set_label(last)}.",
        f"Always predicting the most frequent class reaches {percent(champion.majority_accuracy)} on validation. The "
        "test sets influenced no decision.",
    ]
    if comparison.ensemble:
        findings.append(
            "The shaded row averages the probabilities of several networks. It shows what they reach together and is "
            "no candidate for champion, since one network is registered."
        )
    table = PageTable(
        "Leaderboard. Click a heading to sort. p is the p-value of the difference to the first model on validation, "
        "corrected for multiple comparisons (Holm); a model's name leads to its own page.",
        header,
        rows,
        frozenset({0, *range(2, len(header))}),
        sortable=True,
        heading=1,
        marked=frozenset({len(rows) - 1} if comparison.ensemble else ()),
    )
    return PageSection("leaderboard", "Leaderboard", findings, [table, chart])


def _ensemble_row(comparison: Comparison, sets: list[str], last: str) -> tuple[Cell, ...]:
    rows = comparison.ensemble
    return (
        Cell(DASH, None),
        Cell(f"average of the best {rows[last]['size']}", link="#ensemble"),
        *(_accuracy(rows[name]) for name in sets),
        Cell(f"{100 * rows[last]['macro_f1']:.1f}", float(rows[last]["macro_f1"])),
        Cell(f"{rows[last]['log_loss']:.3f}", float(rows[last]["log_loss"])),
        Cell(DASH, None),
        Cell(DASH, None),
    )


def _accuracy(numbers: dict[str, Any]) -> Cell:
    value, low, high = (100 * float(numbers[f"accuracy{end}"]) for end in ("", "_low", "_high"))
    return Cell(f"{value:.1f}", value, note=f"{low:.1f} to {high:.1f}")


def _p_cell(p_value: float | None) -> Cell:
    return Cell(DASH, None) if p_value is None else Cell(p_text(p_value).removeprefix("p ").removeprefix("= "), p_value)


def _cost_section(comparison: Comparison, chart: Chart) -> PageSection:
    metric = comparison.champion.metric
    rows = []
    for result in comparison.ranked:
        summary = result.summary
        numbers = [summary.macs, summary.parameters, summary.parameters * BYTES_PER_WEIGHT / 1e6, summary.epochs_run]
        texts = [short_number(numbers[0]), short_number(numbers[1]), f"{numbers[2]:.1f}", f"{numbers[3]:,}"]
        score = result.validation(metric)
        rows.append(
            (
                Cell(result.name, link=page_of(result.name)),
                Cell(f"{100 * score:.1f}", score),
                *(Cell(text, float(number)) for text, number in zip(texts, numbers, strict=True)),
                Cell(f"{summary.best_epoch:,}", float(summary.best_epoch)),
            )
        )
    header = (
        "model",
        f"validation {METRIC_LABELS[metric]}, %",
        "MACs",
        "parameters",
        "weights, MB",
        "epochs",
        "kept epoch",
    )
    largest = max(comparison.ranked, key=lambda result: result.summary.macs)
    smallest = min(comparison.ranked, key=lambda result: result.summary.macs)
    findings = [
        f"{count(len(comparison.ranked), 'network')}, from {short_number(smallest.summary.macs)} "
        f"multiply-accumulates per image ({smallest.name}) to {short_number(largest.summary.macs)} ({largest.name}). "
        "The dashed line joins the networks that no other one surpasses at the same or a lower cost."
    ]
    table = PageTable(
        "Cost of one answer and of the training. MACs: multiply-accumulates per image; MB: 10^6 bytes, four per "
        "weight.",
        header,
        rows,
        frozenset(range(1, len(header))),
        sortable=True,
    )
    return PageSection("cost", "Accuracy and cost", findings, [chart, table], wide=True)
