"""Checkpoints: the state of an unfinished training, from which it resumes to the same bits.

Keras' BackupAndRestore is not enough: it knows nothing of the best epoch, the history and the time spent, and it would
resume with other settings, data or code without notice. Checkpoints are not outputs of DVC, because DVC deletes outputs
before it runs a stage.
"""

import contextlib
import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from ferflow.base.arrays import Split
from ferflow.base.errors import ModelError
from ferflow.base.files import reason_of, whole_file
from ferflow.train.recipe import Settings

FINISHED = "finished.npz"
"""The last state of a finished training, kept for another one with the same settings; see keep_finished."""

Arrays = list[npt.NDArray[Any]]
_SOURCES = Path(__file__).parents[2]


@dataclass
class State:
    """A training at the end of an epoch.

    Attributes:
        epoch: Number of the last finished epoch, from 1.
        variables: Variables of the network, including its random generators, and of the optimizer.
        best: Weights of the best epoch.
        history: One row per epoch.
        seconds: Seconds trained so far, over all sessions.
        steps: Number of steps so far.
    """

    epoch: int
    variables: Arrays
    best: Arrays
    history: list[dict[str, float]]
    seconds: float
    steps: int


class Checkpoint:
    """A file in a folder that is replaced atomically at the end of each epoch."""

    def __init__(self, folder: Path, key: str, others: Sequence[Path] = ()) -> None:
        """Choose folder and key.

        Args:
            folder: Folder of the file.
            key: Digest of what is trained, from training_key. A state with another key is ignored.
            others: Files that other trainings have kept (see keep_finished). One that has the key is this training,
                finished, and is loaded if the folder has no state of its own. Defaults to none.
        """
        self._path = folder / "state.npz"
        self._others = others
        self._key = key

    def save(self, state: State) -> None:
        """Write the state atomically."""
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
        """Return the state, or None if there is none with this key.

        Raises:
            ModelError: A file cannot be read.
        """
        states = (self._read(path) for path in (self._path, *self._others))
        return next((state for state in states if state is not None), None)

    def _read(self, path: Path) -> State | None:
        if not path.is_file():
            return None
        try:
            with np.load(path, allow_pickle=False) as file:
                if str(file["key"]) != self._key:
                    return None
                columns = [str(name) for name in file["columns"]]
                history = [dict(zip(columns, map(float, row), strict=True)) for row in file["history"]]
                variables, best = _numbered(file, "variable_"), _numbered(file, "best_")
                return State(int(file["epoch"]), variables, best, history, float(file["seconds"]), int(file["steps"]))
        except Exception as error:  # see ferflow.base.files.reading
            raise ModelError(
                f"The checkpoint {path} cannot be read ({reason_of(error)}). Delete it to train from the start: "
                f"rm {path}."
            ) from error


def training_code(architecture: str) -> list[Path]:
    """Return the source files that decide the bytes of a training, sorted.

    They are the ones that stage train declares in dvc.yaml: the packages base and train, and the architecture's module.
    Other architectures do not count, so that a new one does not end the resumption of a running training.

    Args:
        architecture: Module in ferflow.models.
    """
    package = _SOURCES / "ferflow"
    whole = (path for name in ("base", "train") for path in (package / name).rglob("*.py"))
    return sorted([*whole, package / "models" / f"{architecture}.py"])


def training_key(
    settings: Settings,
    train: Split,
    validation: Split,
    seed: int,
    soft: npt.NDArray[np.float32] | None = None,
) -> str:
    """Return a digest of everything that a training depends on: settings, data, backend and training_code.

    Names decide nothing, so that a result whose search recommends the settings of another one has its key.

    Args:
        settings: The network and how it is trained.
        train: Training split.
        validation: Validation split.
        seed: Seed of the training.
        soft: A teacher's class probabilities, (N, classes). Defaults to no teacher.
    """
    decisive = settings.model_dump(mode="json", exclude={"result", "model", "teacher"})
    values = [decisive, seed, keras.backend.backend(), keras.version(), train.classes]
    digest = hashlib.sha256(json.dumps(values).encode())
    arrays = [array for split in (train, validation) for array in (split.images, split.labels, split.votes)]
    for array in (*arrays, soft):
        if array is not None:
            digest.update(f"{array.dtype}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
    for source in training_code(settings.architecture):
        digest.update(source.relative_to(_SOURCES).as_posix().encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()


def forget_checkpoints(folder: Path) -> None:
    """Delete the checkpoints of a training whose result has been written."""
    shutil.rmtree(folder, ignore_errors=True)


def keep_finished(folder: Path) -> None:
    """Keep the last state of a training whose result has been written, for another training with the same key.

    A search that finds nothing better recommends the settings that the model has anyway. Its result is then the same
    network, which need not be trained twice.

    Args:
        folder: The training's folder. Does nothing if it has no state.
    """
    with contextlib.suppress(FileNotFoundError):
        (folder / "state.npz").replace(folder / FINISHED)


def forget_finished(path: Path) -> None:
    """Delete what keep_finished has kept, and its folder if nothing else is in it."""
    path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        path.parent.rmdir()


def _numbered(file: Any, prefix: str) -> Arrays:
    """Return the arrays `<prefix>0`, `<prefix>1`, ... of a NumPy archive."""
    count = sum(name.startswith(prefix) for name in file.files)
    return [file[f"{prefix}{i}"] for i in range(count)]
