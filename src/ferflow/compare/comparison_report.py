"""What compare writes."""

from pathlib import Path
from typing import Any

import pandas as pd

from ferflow import reporting as figures
from ferflow.base.files import whole_folder, write_json, write_text
from ferflow.compare.leaderboard import WORDS
from ferflow.compare.words import (
    DASH,
    board_rows,
    markdown_table,
    p_words,
    percent,
    set_words,
    shown_sets,
)


def write_outputs(out: Path, board: pd.DataFrame, significance: pd.DataFrame, best: dict[str, Any]) -> None:
    """Write every file of reports/compare/.

    Args:
        out: where to.
        board: as from leaderboard.
        significance: as from significance_table.
        best: what champion.json is to hold.
    """
    write_text(out / "leaderboard.csv", board.to_csv(index=False, lineterminator="\n"))
    rounded = significance.to_csv(index=False, lineterminator="\n", float_format="%.6g")
    write_text(out / "significance.csv", rounded)
    write_text(out / "leaderboard.md", leaderboard_text(board, significance, best))
    write_json(out / "champion.json", best)
    write_json(out / "headline.json", _headline(board))
    unit = WORDS[best["metric"]]
    scores = _scores(board)
    costs = {
        str(row["model"]): (max(1.0, float(row["macs"])), float(row[f"validation_{best['metric']}"]))
        for row in board.to_dict("records")
    }
    with whole_folder(out / "figures") as pictures:
        bars = figures.leaderboard_bars(scores, best["reason"].removesuffix("."))
        figures.save_figure(bars, pictures / "leaderboard.png")
        scatter = figures.cost_scatter(costs, _cost_title(costs), f"validation {unit}")
        figures.save_figure(scatter, pictures / "accuracy_vs_macs.png")


def leaderboard_text(board: pd.DataFrame, significance: pd.DataFrame, best: dict[str, Any]) -> str:
    """Return leaderboard.md."""
    sets = shown_sets(board)
    header, rows = board_rows(board, sets)
    against = significance[significance["better"] == best["model"]].set_index("worse")["p_holm"]
    header = ["#", *header, "p"]
    for place, row in enumerate(rows, start=1):
        name = row[0]
        row.insert(0, str(place))
        row.append(p_words(against[name]).removeprefix("p ").removeprefix("= ") if name in against else DASH)
    images = ", ".join(f"{best[name]['images']:,} {set_words(name)}" for name in sets)
    return "\n\n".join(
        [
            f"# Leaderboard: {best['dataset']}",
            best["reason"],
            markdown_table(header, rows),
            f"Accuracy in percent with its confidence interval, ranked by validation {WORDS[best['metric']]}. "
            f"Images: {images}. Always answering with the most frequent class would be right in "
            f"{percent(best['majority_accuracy'])} of validation. p: of the difference to the first model on "
            "validation, corrected for the number of pairs (Holm). The test sets decided nothing.\n",
        ]
    )


def _headline(board: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return the champion's accuracy and macro F1 on the sets that tables show: what `dvc metrics` is read for."""
    first = board.iloc[0]
    return {
        name: {figure: float(first[f"{name}_{figure}"]) for figure in ("accuracy", "macro_f1")}
        for name in shown_sets(board)
    }


def _scores(board: pd.DataFrame) -> pd.DataFrame:
    sets = [name for name in shown_sets(board) if not name.endswith("_without_copies")]
    rows = [
        (row["model"], name, *(row[f"{name}_accuracy{end}"] for end in ("", "_low", "_high")))
        for row in board.to_dict("records")
        for name in sets
    ]
    return pd.DataFrame(rows, columns=["model", "set", "value", "low", "high"])


def _cost_title(costs: dict[str, tuple[float, float]]) -> str:
    """Say what the first model costs, and what the one that differs most from it in cost would give."""
    (name, (macs, share)), *others = costs.items()
    told = f"{name} reaches {percent(share)} with {figures.short_number(macs)} multiply-accumulates"
    if not others:
        return told
    other, (its_macs, its_share) = max(others, key=lambda item: max(item[1][0] / macs, macs / item[1][0]))
    ratio = max(its_macs / macs, macs / its_macs)
    if ratio < 1.05:
        return f"{told}, as many as every other"
    word = "as many" if its_macs > macs else "fewer"
    return f"{told}; {other} {percent(its_share)} with {ratio:.{0 if ratio >= 9.5 else 1}f} times {word}"
