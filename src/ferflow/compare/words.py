"""Numbers as people read them, in Markdown."""

from collections.abc import Iterable, Sequence

import pandas as pd

from ferflow.reporting import short_number

DASH = "—"


def percent(share: float) -> str:
    """Return 0.7123 as '71.2 %'."""
    return f"{100 * share:.1f} %"


def p_words(p_value: float) -> str:
    """Return a p-value as 'p = 0.031', or 'p < 0.001'."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; the first column is aligned left, the others right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def measured_sets(board: pd.DataFrame) -> list[str]:
    """Return all sets of images that a leaderboard has columns for, validation first."""
    ending = "_accuracy_low"
    return [column.removesuffix(ending) for column in board.columns if column.endswith(ending)]


def shown_sets(board: pd.DataFrame) -> list[str]:
    """Return the sets of images that tables show.

    These are validation; the subsets of test, or test where it has none; and the last of them without its copies.
    """
    names = measured_sets(board)
    whole = [name for name in names if not name.endswith("_without_copies")]
    shown = [name for name in whole if name != "test"] if len(whole) > 2 else whole
    last = f"{shown[-1]}_without_copies"
    return [*shown, last] if last in names else shown


def set_words(name: str) -> str:
    """Return a set's name for people: 'PrivateTest_without_copies' as 'PrivateTest without copies'."""
    return name.replace("_without_copies", " without copies")


def board_rows(board: pd.DataFrame, sets: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of the leaderboard for people; accuracies in percent with their intervals."""
    whole = next(name for name in reversed(sets) if not name.endswith("_without_copies"))
    header = [
        "model",
        *(f"{set_words(name)}, %" for name in sets),
        f"macro F1, {whole}",
        "parameters",
        "MACs",
        "epochs",
    ]
    rows = []
    for record in board.to_dict("records"):
        cells = [str(record["model"])]
        for name in sets:
            low, high = record[f"{name}_accuracy_low"], record[f"{name}_accuracy_high"]
            cells.append(f"{100 * record[f'{name}_accuracy']:.1f} ({100 * low:.1f} to {100 * high:.1f})")
        cells.append(f"{record[f'{whole}_macro_f1']:.3f}")
        cells += [short_number(float(record[key])) for key in ("parameters", "macs")]
        cells.append(str(record["epochs"]))
        rows.append(cells)
    return header, rows
