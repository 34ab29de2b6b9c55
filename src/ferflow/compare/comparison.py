"""Everything that compare finds out, for the files and the page that show it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ferflow.compare.result_reader import Result
from ferflow.compare.robustness import Baseline
from ferflow.reporting.result_contracts import Champion


@dataclass(frozen=True)
class Comparison:
    """All results, compared.

    Attributes:
        ranked: Results, best on validation first.
        board: Table that `leaderboard` returns.
        significance: Table that `significance_table` returns.
        agreement: Table that `agreement_table` returns.
        ensembles: Table that `ensembles_table` returns.
        baseline: What the corruption errors are divided by, or None.
        champion: Content of champion.json.
        level: A corrected p-value below this is statistically significant.
    """

    ranked: Sequence[Result]
    board: pd.DataFrame
    significance: pd.DataFrame
    agreement: pd.DataFrame
    ensembles: pd.DataFrame
    baseline: Baseline | None
    champion: Champion
    level: float

    @property
    def ensemble(self) -> dict[str, dict[str, Any]]:
        """The ensemble that is best on validation: its row of `ensembles` by set; empty for a single result."""
        return {row["set"]: row for row in records(self.ensembles) if row["chosen"]}


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table by the names of its columns."""
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def per_class_table(ranked: Sequence[Result]) -> pd.DataFrame:
    """Return the scores of each class: model, set, class, precision, recall, f1, support."""
    rows = [
        (result.name, name, label, scores.precision, scores.recall, scores.f1, scores.support)
        for result in ranked
        for name, block in result.metrics.sets.items()
        for label, scores in block.per_class.items()
    ]
    return pd.DataFrame(rows, columns=["model", "set", "class", "precision", "recall", "f1", "support"])
