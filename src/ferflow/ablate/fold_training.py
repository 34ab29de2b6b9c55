"""One training of an ablation: an arm on all folds but one, its answers on that fold, kept on disk."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import pandas as pd

from ferflow.base.arrays import Split
from ferflow.base.files import reading, whole_file
from ferflow.base.hashing import digest_of, sha256
from ferflow.infer import ten_crops
from ferflow.infer import views as answering
from ferflow.infer.views import predict_views
from ferflow.scoring.predictions import Views
from ferflow.train.backend import describe_machine
from ferflow.train.checkpoint import forget_checkpoints, training_key
from ferflow.train.loop import train_network
from ferflow.train.recipe import ResultSettings

_BATCH = 256  # images per step of the predictions; changes no result beyond rounding
_ANSWERING_CODE = (Path(__file__), Path(answering.__file__), Path(ten_crops.__file__))


@dataclass(frozen=True)
class FoldResult:
    """A finished training of one arm with one fold held out.

    Attributes:
        key: Digest of everything that the training and its answers depend on.
        probabilities: Predicted probabilities on the held-out images after the last epoch, float32, (N, classes).
        history: One row per epoch, with the columns of ferflow.train.loop.HISTORY.
        seconds: Seconds spent in steps and validation.
        processor: Processor that trained, for people.
        ended: End of the training in milliseconds since 1970.
    """

    key: str
    probabilities: npt.NDArray[np.float32]
    history: pd.DataFrame
    seconds: float
    processor: str
    ended: int


def result_key(settings: ResultSettings, train: Split, held_out: Split, seed: int, views: Views) -> str:
    """Return the digest that identifies a training and its answers, as 64 hex digits.

    It covers settings, images, seed, views and code, but no names: an arm that is renamed, or that occurs in two
    ablation files, is trained once.

    Args:
        settings: What to train.
        train: Images to train on.
        held_out: Images to predict.
        seed: Seed of the training.
        views: Test-time views.
    """
    nameless = settings.model_copy(update={"result": "fold", "model": settings.architecture})
    code = [sha256(path) for path in _ANSWERING_CODE]
    return digest_of([training_key(nameless, train, held_out, seed), views, code])


def train_fold(
    settings: ResultSettings, train: Split, held_out: Split, seed: int, views: Views, *, key: str, folder: Path
) -> FoldResult:
    """Train, resuming if the training was interrupted, predict the held-out images, and keep the result.

    Args:
        settings: What to train; its `result` names the training in messages.
        train: Images to train on.
        held_out: Images to predict. The loop reports on them after each epoch; nothing is chosen by that.
        seed: Seed of the training.
        views: Test-time views.
        key: Digest from result_key.
        folder: Folder for the results of all trainings and for the state of the unfinished one.

    Raises:
        ConfigError: Architecture or options are invalid, or devices are missing.
        ModelError: The network cannot be built, the loss is no longer finite, or a checkpoint cannot be read.
    """
    unfinished = folder / "unfinished"
    trained = train_network(settings, train, held_out, seed, unfinished)
    probabilities = predict_views(trained.model, held_out.images, views, _BATCH, f"predicting {settings.result}")
    facts = {"seconds": round(trained.seconds, 1), "processor": processor()}
    with whole_file(_file(folder, key)) as temporary:
        np.savez(
            temporary,
            probabilities=probabilities,
            history=trained.history.to_numpy(np.float64),
            columns=np.array(list(trained.history.columns)),
            facts=json.dumps(facts),
        )
    forget_checkpoints(unfinished)
    found = find_result(folder, key)
    assert found is not None
    return found


def find_result(folder: Path, key: str) -> FoldResult | None:
    """Return the kept result of a training, or None if it has not finished.

    Args:
        folder: Folder of the results.
        key: Digest from result_key.

    Raises:
        DataError: The file cannot be read.
    """
    path = _file(folder, key)
    if not path.is_file():
        return None
    remedy = f"Delete it to train again: rm {path}."
    with reading(path, remedy=remedy), np.load(path, allow_pickle=False) as file:
        history = pd.DataFrame(file["history"], columns=[str(name) for name in file["columns"]])
        facts = json.loads(str(file["facts"]))
        ended = int(1000 * path.stat().st_mtime)
        return FoldResult(key, file["probabilities"], history, facts["seconds"], facts["processor"], ended)


def processor() -> str:
    """Return the kind of processor that trains: that of the first GPU if Keras has one, else that of the CPU."""
    machine = describe_machine()
    backend = machine["backend"]
    # Where a new tensor is tells the same on every backend; keras.distribution has no devices on PyTorch.
    device = str(getattr(keras.ops.zeros(1), "device", "")).lower()
    if "gpu" not in device and "cuda" not in device:
        return f"{machine['cores']} cores of {machine['cpu']}, {backend}"
    for information in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        if model := re.search(r"^Model:\s*(.+)$", information.read_text(encoding="utf-8"), flags=re.MULTILINE):
            return f"{model[1].strip()}, {backend}"
    return f"GPU, {backend}"


def _file(folder: Path, key: str) -> Path:
    return folder / f"{key[:32]}.npz"
