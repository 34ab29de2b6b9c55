"""What a trial of a search does: one short training, and what a worker needs for the same one."""

import base64
import importlib.metadata
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from optuna.trial import FrozenTrial

from ferflow.base.arrays import read_split
from ferflow.base.errors import ConfigError
from ferflow.base.hashing import digest_of
from ferflow.base.network import predict
from ferflow.train.checkpoint import forget_checkpoints, training_code
from ferflow.train.loop import train_network
from ferflow.train.recipe import SearchSettings
from ferflow.tune.journal import code_digests, digests_of
from ferflow.tune.rules import Params
from ferflow.tune.subset import stratified_rows
from ferflow.tune.trial_run import Objective, Report, Tried

_SENT = "correct"  # the note of a trial: which validation images were predicted correctly

_REMEDIES = {
    "data": "{data} holds other images than the search's. Get them: dvc pull data/prepare, or name them: --data",
    "code": "this worker's FERflow is another than the search's. Check out the same commit, and run make env",
    "versions": "other libraries are installed than the search has. Install the same ones: make env",
}


def training_objective(settings: SearchSettings, data: Path, checkpoints: Path) -> Objective:
    """Return the objective of a search: one training of the model.

    Args:
        settings: The search.
        data: Folder that prepare wrote.
        checkpoints: Folder for the state of running trials, which workers may share.

    Raises:
        DataError: The arrays are missing.
    """
    train, validation = (read_split(data, name) for name in ("train", "validation"))
    train = train.take(stratified_rows(train.labels, settings.images, settings.seed))
    metric = settings.metric

    def objective(params: Params, report: Report) -> Tried:
        def on_epoch(row: dict[str, float]) -> None:
            report(int(row["epoch"]), row[metric])

        folder = checkpoints / digest_of(params)[:16]
        result = train_network(settings.trial(params), train, validation, settings.seed, folder, on_epoch)
        correct = predict(result.model, validation.images).argmax(axis=1) == validation.labels
        forget_checkpoints(folder)
        macs = result.macs if "macs" in settings.objectives else None
        return Tried(result.best[metric], macs, {_SENT: _packed(correct)})

    return objective


def correct_of(trial: FrozenTrial) -> npt.NDArray[np.bool_]:
    """Return which validation images a completed trial predicted correctly, bool, (N,)."""
    count, _, text = trial.user_attrs[_SENT].partition(":")
    packed = np.frombuffer(base64.b64decode(text), dtype=np.uint8)
    return np.unpackbits(packed, count=int(count)).astype(bool)


def _packed(correct: npt.NDArray[np.bool_]) -> str:
    return f"{len(correct)}:{base64.b64encode(np.packbits(correct).tobytes()).decode()}"


def context_of(settings: SearchSettings, data: Path) -> dict[str, str]:
    """Return digests of what a worker must have as well: the data, the code, and the versions of libraries.

    Args:
        settings: The search.
        data: Folder that prepare wrote.
    """
    code = [*training_code(settings.architecture), *Path(__file__).parent.rglob("*.py")]
    return {
        "data": digest_of(digests_of(data)),
        "code": digest_of(code_digests(code)),
        "versions": ", ".join(f"{name} {_installed(name)}" for name in sorted(settings.versions)),
    }


def check_context(wanted: Mapping[str, str], found: Mapping[str, str], data: Path) -> None:
    """Refuse to work on a search with other data, code or libraries.

    Args:
        wanted: What the search has.
        found: What this worker has.
        data: Folder of its data.

    Raises:
        ConfigError: They differ.
    """
    for name, value in wanted.items():
        if found.get(name) != value:
            raise ConfigError(
                f"This worker cannot join the search: {_REMEDIES[name].format(data=data)}. Received: "
                f"{_shortened(found.get(name, 'none'))}; the search has {_shortened(value)}."
            )


def _shortened(value: str) -> str:
    return value if " " in value else value[:12]


def _installed(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "missing"
