"""The files of reports/compare/."""

from pathlib import Path

import pandas as pd

from ferflow import reporting as figures
from ferflow.base.files import whole_folder, write_csv, write_json, write_text
from ferflow.compare.comparison import Comparison, per_class_table
from ferflow.compare.comparison_page import comparison_page
from ferflow.compare.leaderboard import METRIC_LABELS, board_rows, board_sets, p_text
from ferflow.compare.robustness import robustness_table
from ferflow.reporting.page import ReportFiles
from ferflow.reporting.result_contracts import Champion
from ferflow.reporting.set_names import set_label, shown_sets, whole_sets
from ferflow.reporting.text import DASH, markdown_table, percent, short_number


def write_comparison(out: Path, comparison: Comparison) -> None:
    """Write every file of reports/compare/.

    Args:
        out: Folder to write.
        comparison: What all files are made from.
    """
    board, champion = comparison.board, comparison.champion
    write_csv(out / "leaderboard.csv", board)
    for name, table in {
        "significance": comparison.significance,
        "agreement": comparison.agreement,
        "ensembles": comparison.ensembles,
        "per_class": per_class_table(comparison.ranked),
        "robustness": robustness_table(comparison.ranked, comparison.baseline),
    }.items():
        write_csv(out / f"{name}.csv", table, float_format="%.6g")
    write_text(out / "leaderboard.md", leaderboard_text(board, comparison.significance, champion))
    write_json(out / "champion.json", champion.to_json())
    write_json(out / "headline.json", _headline(board))
    costs = {
        str(row["model"]): (max(1.0, float(row["macs"])), float(row[f"validation_{champion.metric}"]))
        for row in board.to_dict("records")
    }
    files = ReportFiles()
    bars = files.add_figure(
        "leaderboard", figures.leaderboard_bars(_accuracies(board), champion.reason.removesuffix("."))
    )
    scatter = files.add_figure(
        "accuracy_vs_macs",
        figures.cost_scatter(costs, _cost_title(costs), f"validation {METRIC_LABELS[champion.metric]}"),
    )
    write_text(out / "index.html", comparison_page(comparison, bars, scatter, files))
    with whole_folder(out / "figures") as temporary:
        for name, data in files.images.items():
            (temporary / name).write_bytes(data)


def leaderboard_text(board: pd.DataFrame, significance: pd.DataFrame, champion: Champion) -> str:
    """Return the text of leaderboard.md.

    Args:
        board: Table that `leaderboard` returns.
        significance: Table that `significance_table` returns.
        champion: Content of champion.json.
    """
    sets = shown_sets(board_sets(board))
    header, rows = board_rows(board, sets)
    p_values = significance[significance["better"] == champion.model].set_index("worse")["p_holm"]
    header = ["#", *header, "p"]
    for position, row in enumerate(rows, start=1):
        name = row[0]
        row.insert(0, str(position))
        row.append(p_text(p_values[name]).removeprefix("p ").removeprefix("= ") if name in p_values else DASH)
    metric, majority = METRIC_LABELS[champion.metric], percent(champion.majority_accuracy, space=" ")
    images = ", ".join(f"{champion.sets[name].images:,} {set_label(name)}" for name in sets)
    return "\n\n".join(
        [
            f"# Leaderboard: {champion.dataset}",
            champion.reason,
            markdown_table(header, rows, left=2),
            f"Accuracy in percent with its confidence interval, ranked by validation {metric}. "
            f"Images: {images}. Always predicting the most frequent class reaches "
            f"{majority} on validation. p is the p-value of the difference to the "
            "first model on validation, corrected for multiple comparisons (Holm). The test sets influenced no "
            "decision.\n",
        ]
    )


def _headline(board: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return the champion's accuracy and macro F1 on the sets that tables show, for `dvc metrics show`."""
    champion = board.iloc[0]
    return {
        name: {metric: float(champion[f"{name}_{metric}"]) for metric in ("accuracy", "macro_f1")}
        for name in shown_sets(board_sets(board))
    }


def _accuracies(board: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each result and set, as reporting.leaderboard_bars takes it."""
    rows = [
        (row["model"], name, *(row[f"{name}_accuracy{end}"] for end in ("", "_low", "_high")))
        for row in board.to_dict("records")
        for name in whole_sets(board_sets(board))
    ]
    return pd.DataFrame(rows, columns=["model", "set", "value", "low", "high"])


def _cost_title(costs: dict[str, tuple[float, float]]) -> str:
    """Return the cost of the first model, compared with the one whose cost differs most from it."""
    (name, (macs, share)), *others = costs.items()
    title = f"{name} reaches {percent(share)} with {short_number(macs)} multiply-accumulates"
    if not others:
        return title
    other, (other_macs, other_share) = max(others, key=lambda item: max(item[1][0] / macs, macs / item[1][0]))
    ratio = max(other_macs / macs, macs / other_macs)
    if ratio < 1.05:
        return f"{title}, as many as every other model"
    times = f"{ratio:.{0 if ratio >= 9.5 else 1}f} times as many"
    if other_macs > macs:
        return f"{title}; {other} reaches {percent(other_share)} with {times}"
    return f"{title}, {times} as {other} ({percent(other_share)})"
