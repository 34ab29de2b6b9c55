"""The commands that write pages: `ferflow results`, `models` and `ablate`."""

import argparse
from pathlib import Path

from ferflow.settings import load_config
from ferflow.ui.console import start_keras
from ferflow.ui.params_file import PARAMS


def add_results(results: argparse.ArgumentParser) -> None:
    """Describe `ferflow results`."""
    results.add_argument("--votes", type=Path, help="CSV of FER+ votes with the column `path`; kept from then on")
    results.add_argument("--page-only", metavar="DATASET", help="write the page of a dataset from its records alone")
    results.set_defaults(command=_results)


def add_models(models: argparse.ArgumentParser) -> None:
    """Describe `ferflow models`."""
    models.set_defaults(command=_models)


def add_ablate(ablate: argparse.ArgumentParser) -> None:
    """Describe `ferflow ablate`."""
    ablate.add_argument("file", type=Path, help="what to compare, such as ablations/ferflow_flash.yaml")
    ablate.set_defaults(command=_ablate)


def _results(arguments: argparse.Namespace) -> None:
    from ferflow.ui.results.collect import collect
    from ferflow.ui.results.page import results_page

    folder = Path("docs/results")
    if arguments.page_only:
        print(f"wrote {results_page(folder / arguments.page_only)}")
        return
    config = load_config(PARAMS)
    run = collect(Path(), config, folder / config.dataset, arguments.votes)
    print(f"wrote {run} and {results_page(folder / config.dataset)}")


def _models(_arguments: argparse.Namespace) -> None:
    config = load_config(PARAMS)
    start_keras(config.backend)
    from ferflow.ui.pages.models_page import models_page

    page = Path("docs/models.md")
    models_page(page, config.models, side=config.image_size, classes=7, bench=Path("reports/bench/train.json"))
    print(f"wrote {page}")


def _ablate(arguments: argparse.Namespace) -> None:
    from ferflow.ablate.ablation_file import read_ablation

    config = load_config(PARAMS)
    read_ablation(arguments.file)  # before Keras, because its import takes seconds
    start_keras(config.backend)
    from ferflow.ablate.ablation_run import Places, run_ablation

    run_ablation(arguments.file, config)
    print(f"wrote {Places.page}")
