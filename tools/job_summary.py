"""Print a run's results as Markdown for the summary of a CI job.

GitHub shows only pictures that are already on the web there, but it renders Mermaid: accuracies and learning curves are
Mermaid charts, and the champion's confusion matrix is a table. The PNG files are in the job's artifacts.
"""

import json
from pathlib import Path

import pandas as pd

from ferflow.reporting.text import markdown_table

REPORTS = Path("reports")


def main() -> None:
    """Print the results, or one line if the pipeline ended before the comparison."""
    champion_file = REPORTS / "compare/champion.json"
    if not champion_file.is_file():
        print("The pipeline ended before the comparison; see the log above.")
        return
    champion = json.loads(champion_file.read_text())
    print(f"## Leaderboard ({champion['dataset']})\n")
    print((REPORTS / "compare/leaderboard.md").read_text())
    headlines = {p.parent.name: json.loads(p.read_text()) for p in REPORTS.glob("evaluate/*/headline.json")}
    scores = {name: headlines[name]["validation"]["accuracy"] for name in sorted(headlines)}
    print("## Figures\n")
    _chart("Validation accuracy", "model", list(scores), {"bar": [list(scores.values())]})
    history = pd.read_csv(REPORTS / "train" / champion["model"] / "history.csv")
    lines = [history[column].tolist() for column in ("accuracy", "val_accuracy")]
    epochs = [str(epoch) for epoch in history["epoch"]]
    _chart(f"{champion['model']}: training and validation accuracy", "epoch", epochs, {"line": lines})
    confusion = pd.read_csv(REPORTS / "evaluate" / champion["model"] / "confusion.csv")
    table = pd.crosstab(confusion["actual"], confusion["predicted"])
    print(f"### {champion['model']}: confusion on the test set (rows: actual, columns: predicted)\n")
    rows = [
        [str(name), *(f"**{count}**" if column == name else str(count) for column, count in row.items())]
        for name, row in table.iterrows()
    ]
    print(markdown_table(["", *table.columns], rows))


def _chart(title: str, axis: str, labels: list[str], series: dict[str, list[list[float]]]) -> None:
    print(f'```mermaid\nxychart-beta\n  title "{title}"\n  x-axis "{axis}" [{", ".join(labels)}]')
    print('  y-axis "accuracy" 0 --> 1')
    for kind, rows in series.items():
        for row in rows:
            print(f"  {kind} [{', '.join(f'{value:.4f}' for value in row)}]")
    print("```\n")


if __name__ == "__main__":
    main()
