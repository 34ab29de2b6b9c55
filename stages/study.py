"""Stage study: figures of a search. A stage of its own, so that a new style does not rerun the search."""

import argparse
from pathlib import Path

import pandas as pd

from ferflow.base.contracts import BestParams, read_contract
from ferflow.base.files import reading, whole_folder
from ferflow.reporting import save_figure
from ferflow.reporting.study_figures import study_figures
from ferflow.train.recipe import SearchSettings, read_settings
from ferflow.ui.console import run_command


def main() -> None:
    """Write reports/study/<model>/."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a key of `tune.models` in params.yaml")
    name = parser.parse_args().model
    tune = Path("reports/tune") / name
    space = read_settings(Path("settings/search") / f"{name}.yaml", SearchSettings, f"search@{name}").space
    trials, curves, importance = (read_table(tune, table) for table in ("trials", "curves", "importance"))
    figures = study_figures(
        trials,
        curves,
        space,
        dict(zip(importance["param"], importance["share"], strict=True)),
        read_contract(tune / "best.json", BestParams, f"tune@{name}").metric,
    )
    with whole_folder(Path("reports/study") / name) as out:
        for file, figure in figures.items():
            save_figure(figure, out / f"{file}.png")


def read_table(tune: Path, name: str) -> pd.DataFrame:
    """Read a table of a search from its folder."""
    with reading(tune / f"{name}.csv", f"tune@{tune.name}") as path:
        return pd.read_csv(path)


if __name__ == "__main__":
    run_command(main)
