"""Stages train and train_tuned: one model from the prepared arrays to its weights."""

import argparse
import contextlib
import os
from pathlib import Path

from ferflow.base.arrays import read_split
from ferflow.base.files import read_json
from ferflow.settings import Config, load_config
from ferflow.train.recipe import ResolvedModel
from ferflow.ui.console import run_command, start_keras


def main() -> None:
    """Train the model named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a block of `models` in params.yaml")
    parser.add_argument("--tuned", type=Path, help="best.json of a study, whose params are used")
    arguments = parser.parse_args()
    config = load_config(Path("params.yaml"))
    tuned = read_json(arguments.tuned)["params"] if arguments.tuned else None
    train_and_write(config, config.resolve(arguments.model, tuned))


def train_and_write(config: Config, resolved: ResolvedModel) -> None:
    """Train with live tracking where DVC runs the stage; write the results; forget the checkpoints."""
    start_keras()  # after the config is known to be right, since it takes seconds
    from ferflow.train.checkpoint import forget_checkpoints
    from ferflow.train.loop import train_network
    from ferflow.train.outputs import write_outputs
    from ferflow.ui.tracking import DEFAULT_URI, open_live_run

    train, validation = (read_split(Path("data/prepare"), name) for name in ("train", "validation"))
    checkpoints = Path("checkpoints/train") / resolved.name

    def on_epoch(row: dict[str, float]) -> None:
        print(
            f"{resolved.name} epoch {row['epoch']:.0f}: loss {row['loss']:.3f}, accuracy {row['accuracy']:.3f}, "
            f"validation loss {row['val_loss']:.3f}, accuracy {row['val_accuracy']:.3f}",
            flush=True,
        )
        if run:
            run.log_epoch(int(row["epoch"]), {name: value for name, value in row.items() if name != "epoch"})

    stage = os.environ.get("DVC_STAGE")
    run = (
        open_live_run(
            Path(),
            os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI,
            stage=stage,
            dataset=config.dataset,
            model=resolved.name,
            budget=config.budget,
            params=resolved.model_dump(mode="json"),
        )
        if stage
        else None
    )
    with run or contextlib.nullcontext():
        result = train_network(resolved, train, validation, config.seed, checkpoints, on_epoch)
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
