"""One search: every end of the space checked, the study run and written."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ferflow.base.arrays import read_split
from ferflow.base.files import whole_file, write_json
from ferflow.base.hashing import digest_of, sha256
from ferflow.base.network import predict
from ferflow.train.architectures import check_options
from ferflow.train.checkpoint import forget_checkpoints, training_code
from ferflow.train.loop import train_network
from ferflow.train.recipe import SearchSettings
from ferflow.tune.choice import choose_trial, describe
from ferflow.tune.journal import study_key
from ferflow.tune.space import corners, starting_point
from ferflow.tune.study import Params, Report, run_study
from ferflow.tune.study_outputs import write_study
from ferflow.tune.subset import stratified_rows


def tune_model(settings: SearchSettings, *, data: Path, report: Path, log: Path, checkpoints: Path) -> None:
    """Check both ends of every range, run the study, write it, delete what resuming it needed.

    Args:
        settings: What to search, and what a trial trains.
        data: Folder that prepare wrote.
        report: Folder for best.json, trials.csv and importance.csv.
        log: JSON file for what differs from run to run: the time of each trial.
        checkpoints: Folder for the journal and the state of the running trial.

    Raises:
        ConfigError: An end of a range is not allowed.
        DataError: The arrays are missing.
        ModelError: No trial completed.
    """
    for corner in corners(settings.space):
        check_options(settings.architecture, settings.trial(corner).network)
    train, validation = (read_split(data, name) for name in ("train", "validation"))
    train = train.take(stratified_rows(train.labels, settings.images, settings.seed))
    monitor = settings.train.monitor
    metric = "val_accuracy" if monitor == "val_loss" else monitor  # a study maximizes

    def predictions(params: Params) -> Path:
        return checkpoints / "correct" / f"{digest_of(params)}.npy"

    def correct(params: Params) -> npt.NDArray[np.bool_]:
        loaded: npt.NDArray[np.bool_] = np.load(predictions(params))
        return loaded

    def objective(params: Params, report: Report) -> float:
        def on_epoch(row: dict[str, float]) -> None:
            report(int(row["epoch"]), row[metric])

        resolved = settings.trial(params)
        result = train_network(resolved, train, validation, settings.seed, checkpoints / "trial", on_epoch)
        with whole_file(predictions(params)) as temporary, temporary.open("wb") as file:
            np.save(file, predict(result.model, validation.images).argmax(axis=1) == validation.labels)
        return result.best[metric]

    first = starting_point(settings)
    study = run_study(
        objective,
        settings.space,
        trials=settings.trials,
        seed=settings.seed,
        journal=checkpoints / "journal.json",
        context=study_key(settings.model_dump(mode="json"), data, training_code(settings.architecture)),
        startup_trials=settings.startup_trials,
        prune_after=settings.prune_after,
        first=first,
    )
    choice = choose_trial(study, first, correct, settings.significance)
    print(describe(choice, metric), flush=True)
    write_study(report, study, choice, settings.model, metric)
    seconds = [trial.user_attrs["seconds"] for trial in study.trials]
    write_json(
        log,
        {
            "seconds": round(sum(seconds), 1),
            "trial_seconds": seconds,
            "trials_sha256": sha256(report / "trials.csv"),
        },
    )
    forget_checkpoints(checkpoints)
