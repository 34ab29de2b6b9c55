"""The command line: which commands there are, and where each is.

A command's module is imported only when the command runs, so that `ferflow predict` starts in a moment and works where
only what it needs is installed.
"""

import argparse
import pkgutil
import sys

from ferflow.base.errors import FerflowError
from ferflow.ui.console import run_command

COMMANDS = {
    "run": ("pipeline_commands:add_run", "set params, run the pipeline, bring MLflow up to date"),
    "check": ("pipeline_commands:add_check", "check params.yaml, with every model's own options"),
    "train": ("train_command:add_train", "train one network without the pipeline, as a script would"),
    "tune-worker": ("tune_worker_command:add_tune_worker", "run trials of a search, here or on another machine"),
    "evaluate": ("evaluate_command:add_evaluate", "measure any Keras network on any folder of faces"),
    "corrupt": ("corrupt_command:add_corrupt", "write corrupted copies of images, FER-2013-C"),
    "track": ("tracking_commands:add_track", "rebuild in MLflow what it lacks of the results on disk"),
    "tidy": ("tracking_commands:add_tidy", "list files of results and searches that params.yaml no longer has"),
    "ui": ("tracking_commands:add_ui", "update MLflow, print the address of its charts and open it"),
    "promote": ("tracking_commands:add_promote", "make a version of the dataset's model the champion"),
    "rollback": ("tracking_commands:add_rollback", "make the previous champion the champion again"),
    "reproduce": (
        "tracking_commands:add_reproduce", "put code, params and data of a registered version into a folder"
    ),
    "export": ("export_command:add_export", "write a network as files that run without Keras: ONNX, LiteRT, card.json"),
    "predict": ("predict_command:add_predict", "recognize emotions in photographs, videos and from a camera"),
    "serve": ("serve_command:add_serve", "answer pictures over HTTP with the emotions of the faces in them"),
    "page": ("page_command:add_page", "write a web page that recognizes emotions in the browser"),
    "diff": ("diff_command:add_diff", "show what changed against a git revision: params, metrics, figures"),
    "verify": ("verify_command:add_verify", "check that a rerun gives the results of a git revision again"),
    "results": ("page_commands:add_results", "write docs/results/<dataset>.md from the reports"),
    "models": ("page_commands:add_models", "write docs/models.md from params.yaml and the networks"),
    "ablate": ("page_commands:add_ablate", "train variants on folds of the training images and compare them"),
}  # fmt: skip
"""The function in ferflow.ui that adds a command's arguments to its parser, and what the command does."""


def main() -> None:
    """Run the command that the command line names, from the project's folder."""
    run_command(_main)


def _main() -> None:
    parser = argparse.ArgumentParser(prog="ferflow", description="Facial emotion recognition, reproducibly.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    named = next((argument for argument in sys.argv[1:] if not argument.startswith("-")), "")
    for name, (place, summary) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        if name == named:
            _add_arguments(name, place, command)
    arguments = parser.parse_args()
    arguments.command(arguments)


def _add_arguments(name: str, place: str, parser: argparse.ArgumentParser) -> None:
    try:
        pkgutil.resolve_name(f"ferflow.ui.{place}")(parser)
    except ModuleNotFoundError as error:
        if not error.name or error.name.partition(".")[0] == "ferflow":
            raise
        raise FerflowError(
            f"ferflow {name} needs the package {error.name}, which is not installed. Install all that the pipeline "
            "needs: make env in the project, or pip install 'ferflow[pipeline]'."
        ) from None


if __name__ == "__main__":
    main()
