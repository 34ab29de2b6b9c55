"""Stage tune: short trainings of one model in search of better params."""

import argparse
from pathlib import Path

from ferflow.base.arrays import read_split
from ferflow.settings import Config, load_config
from ferflow.tune import Params, Report, corners, dotted, fingerprint, run_study, stratified_rows, write_study
from ferflow.ui.console import run_command, start_keras


def main() -> None:
    """Tune the model named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a block of `models` in params.yaml")
    tune(load_config(Path("params.yaml")), parser.parse_args().model)


def tune(config: Config, model: str) -> None:
    """Check every end of the search space, run the study, write it, forget what was kept to resume it."""
    budget, space = config.budgets[config.budget].tune, config.tune.space
    trial = {**{f"train.{key}": value for key, value in config.tune.train.items()}, "train.epochs": budget.epochs}
    own, *ends = (config.resolve(model, {**trial, **params}) for params in ({}, *corners(space)))
    start_keras()  # after the config is known to be right, since it takes seconds
    import keras

    from ferflow.train.architectures import check_options
    from ferflow.train.checkpoint import forget_checkpoints
    from ferflow.train.loop import train_network

    options, *_ = (check_options(model, resolved.network) for resolved in (own, *ends))
    data, code, checkpoints = Path("data/prepare"), Path("src/ferflow"), Path("checkpoints/tune") / model
    train, validation = (read_split(data, name) for name in ("train", "validation"))
    train = train.take(stratified_rows(train.labels, budget.images, config.seed))
    metric = "val_accuracy" if own.train.monitor == "val_loss" else own.train.monitor  # more must be better

    def objective(params: Params, report: Report) -> float:
        def on_epoch(row: dict[str, float]) -> None:
            report(int(row["epoch"]), row[metric])

        resolved = config.resolve(model, {**trial, **params})
        return train_network(resolved, train, validation, config.seed, checkpoints / "trial", on_epoch).best[metric]

    settings = [own.model_dump(mode="json"), budget.images, keras.backend.backend(), keras.version()]
    networks = [code / "models" / name for name in ("__init__.py", f"{model}.py", "shared")]
    study = run_study(
        objective,
        space,
        trials=budget.trials,
        seed=config.seed,
        journal=checkpoints / "journal.json",
        context=fingerprint(settings, [data, code / "train", *networks]),
        startup_trials=config.tune.startup_trials,
        prune_after=config.tune.prune_after,
        first=dotted({"train": own.train.model_dump(), "network": options.model_dump()}),
    )
    write_study(Path("reports/tune") / model, study, space, model, metric)
    forget_checkpoints(checkpoints)


if __name__ == "__main__":
    run_command(main)
