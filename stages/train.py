"""Stage train: one result from the prepared arrays to its weights."""

import argparse
import os
from pathlib import Path

from ferflow.train.recipe import ResultSettings, read_settings
from ferflow.ui.console import run_command, start_keras
from ferflow.ui.twins import NONE, twins_of


def main() -> None:
    """Train the result named on the command line, as settings/<result>.yaml says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("result", help="an entry of `results` in params.yaml")
    name = parser.parse_args().result
    path, stage = Path("settings") / f"{name}.yaml", os.environ.get("DVC_STAGE")
    settings = read_settings(path, ResultSettings, f"settings@{name}")
    start_keras(settings.backend)  # after the settings have been checked, because it takes seconds
    from ferflow.train.training_run import train_result

    train_result(
        settings,
        path,
        data=Path("data/prepare"),
        teachers=Path("reports/teach"),
        model=Path("models") / name,
        report=Path("reports/train") / name,
        log=Path("logs/train") / f"{name}.json",
        checkpoints=Path("checkpoints/train") / name,
        twins=twins_of(Path(), name) if stage else NONE,
        stage=stage,
        tracking_uri=os.environ.get("MLFLOW_TRACKING_URI"),
    )


if __name__ == "__main__":
    run_command(main)
