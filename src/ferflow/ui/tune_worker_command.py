"""`ferflow tune-worker`: a worker for a search that runs here or on another machine."""

import argparse
import os
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from ferflow.base.errors import ConfigError
from ferflow.ui.arguments import positive
from ferflow.ui.console import start_keras

if TYPE_CHECKING:
    from ferflow.tune.queue import Offer
    from ferflow.tune.trial_run import Objective

_STORAGE = "FERFLOW_TUNE_STORAGE"


def add_tune_worker(parser: argparse.ArgumentParser) -> None:
    """Describe `ferflow tune-worker`."""
    parser.epilog = (
        "The worker needs the search's data (data/prepare), commit and libraries; with others it refuses. It may "
        "join and leave at any time: the search's result does not depend on it."
    )
    parser.add_argument(
        "--storage", metavar="URL", default=os.environ.get(_STORAGE),
        help=f"address that the search prints, grpc://HOST:PORT, or postgresql+psycopg://...; default: ${_STORAGE}",
    )  # fmt: skip
    parser.add_argument("--study", metavar="MODEL", help="join the search of this model; default: the first one")
    parser.add_argument("--data", type=Path, default=Path("data/prepare"), help="default: data/prepare")
    parser.add_argument(
        "--checkpoints", type=Path, help="folder for unfinished trials; default: checkpoints/tune-worker"
    )
    parser.add_argument("--name", help="name of this worker, which no other has; default: machine and process")
    parser.add_argument(
        "--give-up", type=positive, default=3600.0, metavar="SECONDS",
        help="end if the search cannot be reached for so long; default: 3600",
    )  # fmt: skip
    parser.add_argument("--with-parent", action="store_true", help="end when standard input is closed")
    parser.set_defaults(command=_work)


def _work(arguments: argparse.Namespace) -> None:
    if not arguments.storage:
        raise ConfigError(f"--storage is missing. Give the address that the search prints, or set {_STORAGE}.")
    if arguments.with_parent:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    from ferflow.tune.worker import serve

    name = arguments.name or f"{socket.gethostname()}-{os.getpid()}"
    checkpoints = arguments.checkpoints or Path("checkpoints/tune-worker")

    def prepare(offer: "Offer") -> "Objective":
        from ferflow.base.explain import validate
        from ferflow.train.recipe import SearchSettings

        settings = validate(SearchSettings, dict(offer.settings), f"the search {offer.name}")
        start_keras(settings.backend, settings.threads)
        from ferflow.tune.trial_objective import check_context, context_of, training_objective

        check_context(offer.context, context_of(settings, arguments.data), arguments.data)
        return training_objective(settings, arguments.data, checkpoints)

    serve(arguments.storage, name, prepare, study=arguments.study, give_up=arguments.give_up)


def _end_with_parent() -> None:
    """End this process when the one that started it has ended, however it did."""
    while os.read(0, 1):  # not sys.stdin, whose lock would outlive this thread
        pass
    os._exit(1)
