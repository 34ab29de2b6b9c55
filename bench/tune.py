"""Measure what the default search is worth: seconds to an accuracy beside random search, and trials an hour.

    python bench/tune.py [--model cnn_augmented] [--trials 20] [--epochs 8] [--images 4000] [--seeds 3]

It reads data/prepare. Every search of the first part starts without the model's own settings, has the same number of
trials, and runs in this process: random search without pruning, and the sampler and the pruner of params.yaml. The
searches of the two kinds take turns, seed after seed, so that a noisy machine is noisy for both. The accuracy to reach
is the lowest of the best accuracies of all searches, so that every search has reached it. Only the trials' own seconds
count.

The second part runs one search with one worker and with two, of one thread each, and compares the time from start to
end, with the start of the workers. Both must find the same to the byte.

The results are written to reports/bench/tune.json.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import optuna
from bench_settings import full_config

from ferflow.base.files import write_json
from ferflow.settings.resolve import resolve_search
from ferflow.train.recipe import SearchSettings
from ferflow.ui.console import run_command, start_keras

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data/prepare"


def main() -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="cnn_augmented", help="a key of `tune.models` in params.yaml")
    parser.add_argument("--trials", type=int, default=20, help="trials of each search, default 20")
    parser.add_argument("--epochs", type=int, default=8, help="epochs of a trial, default 8")
    parser.add_argument("--images", type=int, default=4000, help="training images of a trial, default 4000")
    parser.add_argument("--seeds", type=int, default=3, help="searches of each kind, default 3")
    parser.add_argument("--shared-trials", type=int, default=8, help="trials of the shared search, default 8")
    arguments = parser.parse_args()
    default = search_settings(arguments.model, arguments.trials, arguments.epochs, arguments.images)
    start_keras(default.backend)
    from ferflow.train.backend import describe_machine

    kinds = {
        "random, no pruning": default.model_copy(update={"sampler": "random", "pruner": "none"}),
        f"{default.sampler}, {default.pruner}": default,
    }
    first, second = kinds
    searches = compare(kinds, arguments.seeds)
    goal = min(max(value for _, value in search) for found in searches.values() for search in found)
    seconds = {kind: [seconds_to(search, goal) for search in found] for kind, found in searches.items()}
    ratios = [slow / fast for slow, fast in zip(seconds[first], seconds[second], strict=True)]
    whole = {kind: [round(search[-1][0], 1) for search in found] for kind, found in searches.items()}
    report: dict[str, Any] = {
        "machine": describe_machine(),
        "model": default.model,
        "trials": default.trials,
        "epochs": default.train.epochs,
        "images": default.images,
        "goal": round(goal, 4),
        "seconds_to_goal": {kind: [round(value, 1) for value in values] for kind, values in seconds.items()},
        "seconds_of_search": whole,
        "best": {kind: [round(max(v for _, v in search), 4) for search in found] for kind, found in searches.items()},
        "ratios": [round(ratio, 2) for ratio in ratios],
        "shared": shared(default, arguments.shared_trials),
    }
    write_json(ROOT / "reports/bench/tune.json", report)
    rates = report["shared"]["trials_an_hour"]
    print(
        f"{default.metric} of {100 * goal:.1f} %: {first} takes {statistics.median(ratios):.1f} times as long as "
        f"{second} (median of {len(ratios)} seeds; {min(ratios):.1f} to {max(ratios):.1f})\n"
        f"Trials an hour: {rates['1']} with one worker, {rates['2']} with two "
        f"({rates['2'] / rates['1']:.2f} times), the same bytes\n"
        "Written to reports/bench/tune.json."
    )


def search_settings(model: str, trials: int, epochs: int, images: int) -> SearchSettings:
    """Return the search of a model as params.yaml has it, of another size."""
    settings = resolve_search(full_config(), model)
    train = settings.train.model_copy(update={"epochs": epochs, "patience": epochs})
    return settings.model_copy(update={"train": train, "trials": trials, "images": images})


def compare(kinds: dict[str, SearchSettings], seeds: int) -> dict[str, list[list[tuple[float, float]]]]:
    """Run a search of each kind for each seed; return its seconds so far and its best accuracy after each trial."""
    found: dict[str, list[list[tuple[float, float]]]] = {kind: [] for kind in kinds}
    for seed in range(1, seeds + 1):
        for kind, settings in kinds.items():
            print(f"{kind}, seed {seed}", flush=True)
            found[kind].append(progress_of(run(settings.model_copy(update={"seed": seed}))))
    return found


def run(settings: SearchSettings) -> optuna.Study:
    """Run a search in this process that does not begin with the model's own settings."""
    from ferflow.tune.rules import rules_of
    from ferflow.tune.study import Plan, run_plan
    from ferflow.tune.trial_objective import training_objective

    with tempfile.TemporaryDirectory(prefix="ferflow-bench-") as temporary:
        plan = Plan(rules_of(settings, {}), Path(temporary) / "journal.jsonl")
        return run_plan(plan, training_objective(settings, DATA, Path(temporary) / "trials"))


def progress_of(study: optuna.Study) -> list[tuple[float, float]]:
    """Return the seconds that a search has taken, and the best accuracy of a completed trial, after each trial."""
    seconds, best, progress = 0.0, 0.0, []
    for trial in study.trials:
        seconds += trial.user_attrs["seconds"]
        if trial.state == optuna.trial.TrialState.COMPLETE:
            best = max(best, trial.values[0])
        progress.append((seconds, best))
    return progress


def seconds_to(progress: list[tuple[float, float]], goal: float) -> float:
    """Return the seconds after which a search has reached an accuracy."""
    return next(seconds for seconds, best in progress if best >= goal)


def shared(settings: SearchSettings, trials: int) -> dict[str, Any]:
    """Run one search with one worker and with two, and return the trials an hour of each."""
    from ferflow.tune.crew import Crew
    from ferflow.tune.search_run import tune_model

    settings = settings.model_copy(update={"trials": trials, "threads": 1, "ahead": 4})
    seconds, outputs = {}, []
    for workers in (1, 2):
        with tempfile.TemporaryDirectory(prefix="ferflow-bench-") as temporary:
            folder = Path(temporary)
            begun = time.perf_counter()
            tune_model(
                settings,
                data=DATA,
                report=folder / "report",
                log=folder / "log.json",
                checkpoints=folder / "checkpoints",
                crew=Crew(workers=workers, listen="127.0.0.1"),
            )
            seconds[str(workers)] = time.perf_counter() - begun
            outputs.append({path.name: path.read_bytes() for path in (folder / "report").iterdir()})
    if outputs[0] != outputs[1]:
        raise SystemExit("One worker and two found different things: this is a bug in FERflow.")
    return {
        "trials": trials,
        "seconds": {workers: round(value, 1) for workers, value in seconds.items()},
        "trials_an_hour": {workers: round(3600 * trials / value) for workers, value in seconds.items()},
    }


if __name__ == "__main__":
    run_command(main)
