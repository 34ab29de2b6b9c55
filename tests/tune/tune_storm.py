"""Studies with workers as real processes, which the tests kill: `python tune_storm.py worker|coordinator ...`."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from tune_objective import SPACE, peak

from ferflow.tune.coordinator import coordinate
from ferflow.tune.launchers import LocalLauncher
from ferflow.tune.rules import Rules
from ferflow.tune.storage import start_proxy
from ferflow.tune.study import Plan, run_plan
from ferflow.tune.worker import Pace, serve

PACE = Pace(poll=0.05, beat=0.3, lost=20.0)
RULES = Rules(space=SPACE, trials=16, seed=7, ahead=4, startup_trials=4, prune_after=1)


def write(folder: Path, study) -> None:
    """The outputs of a study, in `folder`/out."""
    from ferflow.tune.choice import Choice  # only here: a worker starts faster without
    from ferflow.tune.study_outputs import write_study

    write_study(folder / "out", study, Choice(study.best_trial, study.best_trial, None), SPACE, "cnn", "val_accuracy")


def outputs(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "out").iterdir()}


def calm(folder: Path, rules: Rules = RULES) -> dict[str, bytes]:
    """What a study in one process writes."""
    write(folder, run_plan(Plan(rules, folder / "journal.jsonl"), peak))
    return outputs(folder)


def coordinator(folder: Path, workers: int, url: str, rules: Rules = RULES) -> None:
    """Run a study with workers to its end, or resume it."""
    plan = Plan(rules, folder / "journal.jsonl")
    url = url or start_proxy(folder / "queue.db", "127.0.0.1")
    (folder / "url").write_text(url)
    command = [sys.executable, __file__, "worker", "", str(folder / "trainings")]
    launcher = LocalLauncher(command, workers, folder / "logs")
    study = coordinate(plan, url, launcher, name="cnn", settings={}, context={}, retries=1000, pace=PACE)
    write(folder, study)


def counting(trainings: Path, seconds: float):
    """The objective, which takes some time and writes down each training that begins and ends."""

    def note(params, what):
        with trainings.open("a") as file:
            file.write(json.dumps([what, os.getpid(), params]) + "\n")

    def objective(params, report):
        if (trainings.parent / "broken").exists():
            raise OSError("No space left on device")
        note(params, "begins")

        def slow(epoch, value):
            time.sleep(seconds)
            report(epoch, value)

        try:
            return peak(params, slow)
        finally:
            note(params, "ends")

    return objective


def begin(folder: Path, workers: int, url: str = "", seconds: float = 0.0) -> subprocess.Popen:
    """Start a coordinator as a process."""
    with (folder / "coordinator.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, __file__, "coordinator", str(folder), str(workers), url],
            env={**os.environ, "STORM_SECONDS": str(seconds)},
            stdout=log,
            stderr=log,
        )


def _worker(url: str, trainings: str, _flag: str, name: str) -> None:
    def end_with_parent() -> None:
        while os.read(0, 1):  # not sys.stdin, whose lock would outlive this thread
            pass
        os._exit(1)

    if not url:
        threading.Thread(target=end_with_parent, daemon=True).start()
    objective = counting(Path(trainings), float(os.environ.get("STORM_SECONDS", "0")))
    serve(url or os.environ["FERFLOW_TUNE_STORAGE"], name, lambda offer: objective, give_up=60, pace=PACE)


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    if what == "worker":
        _worker(*arguments)
    else:
        coordinator(Path(arguments[0]), int(arguments[1]), arguments[2])
