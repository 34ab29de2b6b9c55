"""Stage teach: a network's predictions for the training images, as soft targets."""

import argparse
import os
from pathlib import Path

from ferflow.train.recipe import ResultSettings, read_settings
from ferflow.ui.console import run_command, start_keras


def main() -> None:
    """Teach with the result named on the command line, as settings/<result>.yaml says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("result", help="a key of `teachers` in params.yaml")
    parser.add_argument("--folds", type=int, required=True, help="number of folds; 1: none is held out")
    arguments = parser.parse_args()
    name = arguments.result
    settings = read_settings(Path("settings") / f"{name}.yaml", ResultSettings, f"settings@{name}")
    start_keras(settings.backend)  # after the settings have been checked, because it takes seconds
    from ferflow.teach.targets import teach
    from ferflow.train.checkpoint import FINISHED

    teach(
        settings,
        arguments.folds,
        data=Path("data/prepare"),
        report=Path("reports/teach") / name,
        checkpoints=Path("checkpoints/teach") / name,
        finished=Path("checkpoints/train") / name / FINISHED if os.environ.get("DVC_STAGE") else None,
    )


if __name__ == "__main__":
    run_command(main)
