"""Stage teach: a network's predictions for training images that it was not trained on, as soft targets."""

import argparse
from pathlib import Path

from ferflow.train.recipe import ResultSettings, read_settings
from ferflow.ui.console import run_command, start_keras


def main() -> None:
    """Teach with the result named on the command line, as settings/<result>.yaml says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("result", help="a key of `teachers` in params.yaml")
    parser.add_argument("--folds", type=int, required=True, help="number of folds, at least 2")
    arguments = parser.parse_args()
    name = arguments.result
    settings = read_settings(Path("settings") / f"{name}.yaml", ResultSettings, f"settings@{name}")
    start_keras(settings.backend)  # after the settings have been checked, because it takes seconds
    from ferflow.teach.out_of_fold import teach

    teach(
        settings,
        arguments.folds,
        data=Path("data/prepare"),
        report=Path("reports/teach") / name,
        checkpoints=Path("checkpoints/teach") / name,
    )


if __name__ == "__main__":
    run_command(main)
