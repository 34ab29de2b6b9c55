"""Stage infer: what one trained network predicts on validation and test, and where it looks when it is wrong."""

import argparse
from pathlib import Path

from ferflow.infer import infer
from ferflow.settings import load_config
from ferflow.ui.console import run_command, start_keras


def main() -> None:
    """Predict with the result named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("result", help="an entry of `results` in params.yaml")
    name = parser.parse_args().result
    config = load_config(Path("params.yaml"))
    config.result(name)  # an unknown name fails here, not later as a missing file
    start_keras(config.backend)
    infer(
        name,
        model_path=Path("models") / name / "model.keras",
        data=Path("data/prepare"),
        out=Path("reports/infer") / name,
        settings=config.infer,
    )


if __name__ == "__main__":
    run_command(main)
