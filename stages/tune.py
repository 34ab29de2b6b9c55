"""Stage tune: short trainings of one model in search of better settings."""

import argparse
import contextlib
import os
from pathlib import Path

from ferflow.train.recipe import SearchSettings, read_settings
from ferflow.tune.crew import crew_of
from ferflow.ui.console import run_command, start_keras
from ferflow.ui.tracking import DEFAULT_URI, LiveStudy, open_live_study, selected_names


def main() -> None:
    """Search the settings of the model named on the command line, as settings/search/<model>.yaml says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a key of `tune.models` in params.yaml")
    name = parser.parse_args().model
    settings = read_settings(Path("settings/search") / f"{name}.yaml", SearchSettings, f"search@{name}")
    crew = crew_of(os.environ)
    start_keras(settings.backend, settings.threads)  # after the checks, because it takes seconds
    from ferflow.tune.search_run import tune_model

    with open_runs(settings) as watch:
        tune_model(
            settings,
            data=Path("data/prepare"),
            report=Path("reports/tune") / name,
            log=Path("logs/tune") / f"{name}.json",
            checkpoints=Path("checkpoints/tune") / name,
            crew=crew,
            watch=watch,
        )


def open_runs(settings: SearchSettings) -> contextlib.AbstractContextManager[LiveStudy | None]:
    """Open the search's runs in MLflow if DVC runs this stage."""
    stage = os.environ.get("DVC_STAGE")
    if not stage:
        return contextlib.nullcontext()
    dataset, budget = selected_names(Path())
    uri = os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI
    return open_live_study(
        Path(), uri, stage=stage, dataset=dataset, model=settings.model, budget=budget, metric=settings.metric
    )


if __name__ == "__main__":
    run_command(main)
