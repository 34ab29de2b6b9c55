"""One search: every end of the space checked, the study run, by workers if there are any, and written."""

import sys
from pathlib import Path

import optuna

from ferflow.base.files import write_json
from ferflow.base.hashing import sha256
from ferflow.train.architectures import check_options
from ferflow.train.checkpoint import forget_checkpoints, training_code
from ferflow.train.recipe import SearchSettings
from ferflow.tune.choice import choose_trial, describe
from ferflow.tune.coordinator import coordinate
from ferflow.tune.crew import ALONE, Crew
from ferflow.tune.journal import study_key
from ferflow.tune.launchers import Launcher, LocalLauncher, RayLauncher
from ferflow.tune.rules import rules_of
from ferflow.tune.space import corners, starting_point
from ferflow.tune.storage import start_proxy
from ferflow.tune.study import Plan, run_plan
from ferflow.tune.study_outputs import write_study
from ferflow.tune.trial_objective import context_of, correct_of, training_objective
from ferflow.tune.trial_run import Watcher
from ferflow.ui.redact import redact

# What does not decide a trial, so that an interrupted search may change it.
_FREE = {"trials", "retries", "max_failures"}


def tune_model(
    settings: SearchSettings,
    *,
    data: Path,
    report: Path,
    log: Path,
    checkpoints: Path,
    crew: Crew = ALONE,
    watch: Watcher | None = None,
) -> None:
    """Check both ends of every range, run the study, write it, delete what resuming it needed.

    Args:
        settings: What to search, and what a trial trains.
        data: Folder that prepare wrote.
        report: Folder for best.json, best.yaml, trials.csv, curves.csv and importance.csv.
        log: JSON file for what differs from run to run: the time of each trial. What workers print goes to the folder
            of the same name without `.json`.
        checkpoints: Folder for the journal, the queue, and the state of running trials.
        crew: Who runs the trials. Defaults to this process.
        watch: What follows the study. Defaults to nothing.

    Raises:
        ConfigError: An end of a range is not allowed, or the storage's address is invalid.
        DataError: The arrays are missing, or the journal cannot be used.
        ModelError: No trial completed, or too many in succession failed.
    """
    for corner in corners(settings.space):
        check_options(settings.architecture, settings.trial(corner).network)
    first = starting_point(settings)
    decides = settings.model_dump(mode="json", exclude=_FREE)
    context = study_key(decides, data, training_code(settings.architecture))
    plan = Plan(rules_of(settings, first), checkpoints / "journal.jsonl", context, watch)
    if crew.alone:
        study = run_plan(plan, training_objective(settings, data, checkpoints / "trials"))
    else:
        study = _shared(plan, settings, crew, data=data, log=log, checkpoints=checkpoints)
    choice = choose_trial(study, first, correct_of, settings.significance)
    print(describe(choice, settings.metric), flush=True)
    write_study(report, study, choice, settings.space, settings.model, settings.metric)
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


def _shared(
    plan: Plan, settings: SearchSettings, crew: Crew, *, data: Path, log: Path, checkpoints: Path
) -> optuna.Study:
    """Run a study with workers."""
    command = [sys.executable, "-m", "ferflow.ui.cli", "tune-worker", "--with-parent", "--data", str(data)]
    command += ["--checkpoints", str(checkpoints / "trials")]
    launcher: Launcher
    if crew.launcher == "ray":
        launcher = RayLauncher(command, crew.workers, crew.cpus, crew.gpus)
    else:
        launcher = LocalLauncher(command, crew.workers, log.with_suffix(""))
    url = crew.storage or start_proxy(checkpoints / "queue.db", crew.listen or "127.0.0.1")
    print(
        f"{crew.workers} workers ({crew.launcher}). Others can join: ferflow tune-worker --storage {redact(url)}",
        file=sys.stderr,
        flush=True,
    )
    return coordinate(
        plan,
        url,
        launcher,
        name=settings.model,
        settings=settings.model_dump(mode="json"),
        context=context_of(settings, data),
        retries=settings.retries,
    )
