"""The state of an unfinished training, kept on disk so that it can go on after any stop.

It lives outside DVC's outputs, since DVC deletes those before a stage runs.
"""

import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ferflow.errors import ModelError
from ferflow.files import whole_file

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
    """

    epoch: int
    variables: Arrays
    best: Arrays
    history: list[dict[str, float]]
    seconds: float


class Checkpoint:
    """One file in a folder, replaced whole at the end of each epoch."""

    def __init__(self, folder: Path, key: str) -> None:
        """Name the folder, and the key of what is trained: a state under another key is not used."""
        self._folder = folder
        self._path = folder / "state.npz"
        self._key = key

    def save(self, state: State) -> None:
        """Write the state, whole or not at all."""
        arrays: dict[str, Any] = {f"variable_{i}": a for i, a in enumerate(state.variables)}
        arrays |= {f"best_{i}": a for i, a in enumerate(state.best)}
        columns = sorted(state.history[0])
        arrays["history"] = np.array([[row[name] for name in columns] for row in state.history])
        arrays["columns"] = np.array(columns)
        with whole_file(self._path) as temporary:
            np.savez(temporary, key=self._key, epoch=state.epoch, seconds=state.seconds, **arrays)

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
                return State(int(file["epoch"]), variables, best, history, float(file["seconds"]))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise ModelError(f"{self._path} cannot be read ({error}). Delete it to train from the start.") from error


def forget_checkpoints(folder: Path) -> None:
    """Delete the states of a training whose result is safe on disk."""
    shutil.rmtree(folder, ignore_errors=True)


def _numbered(file: Any, prefix: str) -> Arrays:
    count = sum(name.startswith(prefix) for name in file.files)
    return [file[f"{prefix}{i}"] for i in range(count)]
