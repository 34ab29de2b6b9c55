"""The state of an unfinished training, kept on disk so that it can go on after any stop.

It lives outside DVC's outputs, since DVC deletes those before a stage runs.
"""

import hashlib
import json
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from ferflow.base.arrays import Split
from ferflow.base.errors import ModelError
from ferflow.base.files import whole_file
from ferflow.train.recipe import ResolvedModel

Arrays = list[npt.NDArray[Any]]


@dataclass
class State:
    """A training at the end of an epoch.

    Attributes:
        epoch: the last one done.
        variables: of the network, with its random generators, and of the optimizer.
        best: weights of the best epoch.
        history: a row an epoch.
        seconds: trained so far.
        steps: taken so far.
    """

    epoch: int
    variables: Arrays
    best: Arrays
    history: list[dict[str, float]]
    seconds: float
    steps: int


class Checkpoint:
    """One file in a folder, replaced whole at the end of each epoch."""

    def __init__(self, folder: Path, key: str) -> None:
        """Name the folder, and the key of what is trained: a state under another key is not used."""
        self._folder = folder
        self._path = folder / "state.npz"
        self._key = key

    def save(self, state: State) -> None:
        """Write the state, whole or not at all."""
        arrays: dict[str, Any] = {"key": self._key, "epoch": state.epoch}
        arrays |= {"seconds": state.seconds, "steps": state.steps}
        arrays |= {f"variable_{i}": a for i, a in enumerate(state.variables)}
        arrays |= {f"best_{i}": a for i, a in enumerate(state.best)}
        columns = sorted(state.history[0])
        arrays["history"] = np.array([[row[name] for name in columns] for row in state.history])
        arrays["columns"] = np.array(columns)
        with whole_file(self._path) as temporary:
            np.savez(temporary, **arrays)

    def load(self) -> State | None:
        """Return the state, or None where there is none of this key.

        Raises:
            ModelError: the file cannot be read.
        """
        if not self._path.is_file():
            return None
        try:
            with np.load(self._path, allow_pickle=False) as file:
                if str(file["key"]) != self._key:
                    return None
                columns = [str(name) for name in file["columns"]]
                history = [dict(zip(columns, map(float, row), strict=True)) for row in file["history"]]
                variables, best = _numbered(file, "variable_"), _numbered(file, "best_")
                return State(int(file["epoch"]), variables, best, history, float(file["seconds"]), int(file["steps"]))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise ModelError(f"{self._path} cannot be read ({error}). Delete it to train from the start.") from error


def training_key(resolved: ResolvedModel, train: Split, validation: Split, seed: int) -> str:
    """Return a digest of all that the training depends on: settings, data, and the code of network and training.

    Other networks' code is left out, so that a new architecture does not end the resumption of a running one.
    """
    settings = [resolved.model_dump(mode="json"), seed, keras.backend.backend(), keras.version(), train.classes]
    digest = hashlib.sha256(json.dumps(settings).encode())
    for split in (train, validation):
        for array in (split.images, split.labels, split.votes):
            if array is not None:
                digest.update(f"{array.dtype}{array.shape}".encode())
                digest.update(np.ascontiguousarray(array).data)
    package = Path(__file__).parent.parent
    networks = package / "models"
    code = [networks / "__init__.py", networks / f"{resolved.architecture}.py"]
    code += sorted((networks / "shared").glob("*.py")) + sorted((package / "train").glob("*.py"))
    for source in code:
        digest.update(source.read_bytes())
    return digest.hexdigest()


def forget_checkpoints(folder: Path) -> None:
    """Delete the states of a training whose result is safe on disk."""
    shutil.rmtree(folder, ignore_errors=True)


def _numbered(file: Any, prefix: str) -> Arrays:
    count = sum(name.startswith(prefix) for name in file.files)
    return [file[f"{prefix}{i}"] for i in range(count)]
