"""Stages train and train_tuned: one model from the prepared arrays to its weights."""

import argparse
from pathlib import Path

from ferflow.arrays import read_split
from ferflow.config import load_config
from ferflow.console import run_command
from ferflow.files import read_json


def main() -> None:
    """Train the model named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a block of `models` in params.yaml")
    parser.add_argument("--tuned", type=Path, help="best.json of a study, whose params are used")
    arguments = parser.parse_args()
    config = load_config(Path("params.yaml"))
    resolved = config.resolve(arguments.model, read_json(arguments.tuned)["params"] if arguments.tuned else None)

    # After the config is known to be right, since keras alone takes seconds to import.
    from ferflow.tracking import live_run
    from ferflow.train import forget_checkpoints, train_network, write_outputs

    train, validation = (read_split(Path("data/prepare"), name) for name in ("train", "validation"))
    checkpoints = Path("checkpoints/train") / resolved.name
    with live_run(Path(), config, resolved) as run:
        result = train_network(resolved, train, validation, config.seed, checkpoints, run.log_epoch)
    write_outputs(
        result,
        resolved,
        train,
        config.seed,
        model=Path("models") / resolved.name,
        report=Path("reports/train") / resolved.name,
        log=Path("logs/train") / f"{resolved.name}.json",
    )
    forget_checkpoints(checkpoints)


if __name__ == "__main__":
    run_command(main)
