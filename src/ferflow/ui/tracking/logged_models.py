"""Every trained network as a logged model of its run, which MLflow loads."""

import importlib.metadata
import json
import logging
import os
import shutil
import socket
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import psutil  # type: ignore[import-untyped]

from ferflow.base.errors import ModelError
from ferflow.base.files import read_json
from ferflow.base.hashing import digest_of
from ferflow.ui.console import start_keras
from ferflow.ui.tracking.store import Store

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel
    from mlflow.models import ModelSignature
    from mlflow.pyfunc import PyFuncModel

MODEL_SHA256 = "ferflow.model_sha256"
_WRITER = "ferflow.writer"
"""Tag of a logged model: digest of the machine's name, and number of the process that logs it."""
_ABANDONED_AFTER = 600.0  # seconds; a model of another machine that is not ready by then was interrupted
SERVED = "ferflow.served"
"""Tag of a logged model and of a version: the views and the temperature that it answers with; see Network.served."""
_SERVED = Path(__file__).with_name("served_model.py")


@dataclass(frozen=True)
class Network:
    """A trained network on disk.

    Attributes:
        model: Name of the result, such as `cnn_tuned`.
        backend: Keras backend that trained it: `tensorflow`, `jax` or `torch`.
        folder: Folder with model.keras and classes.json.
        sha256: SHA-256 of model.keras as hex digits.
        views: Test-time views that it averages over, those of its evaluation. Defaults to `single`.
        temperature: Temperature that its logits are divided by. Defaults to 1, which changes nothing.
        tags: Tags that give its origin. Defaults to none.
    """

    model: str
    backend: str
    folder: Path
    sha256: str
    views: str = "single"
    temperature: float = 1.0
    tags: tuple[tuple[str, str], ...] = ()

    @property
    def served(self) -> str:
        """How its answers follow from its weights; the same weights served in another way are another model."""
        return served_as(self.views, self.temperature)


def served_as(views: str, temperature: float) -> str:
    """Return the value of the tag SERVED.

    >>> served_as("flip", 1.25)
    'views=flip, temperature=1.25'
    """
    return f"views={views}, temperature={temperature}"


def log_network(store: Store, experiment: str, run_id: str | None, network: Network) -> str:
    """Return the id of a run's logged model that answers as this network does, and create it if it is missing.

    Args:
        store: MLflow store.
        experiment: Id of the experiment.
        run_id: Id of the run that trained the network, or None if it is unknown: then any logged model will do.
        network: The network.

    Raises:
        DataError: model.keras or classes.json is missing.
        ModelError: model.keras is not a Keras network for square grey images.
        TrackingError: The store cannot be used.
    """
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus

    with store.session() as client:
        for model in client.search_logged_models([experiment], f"tags.`{MODEL_SHA256}` = '{network.sha256}'"):
            if run_id is not None and model.source_run_id != run_id:
                continue  # another run ended with the same weights, such as a search whose first trial was the best
            if model.tags.get(SERVED) != network.served:
                continue  # logged before the evaluation, or with other views; a version may still point to it
            if model.status == LoggedModelStatus.READY:
                if loadable(store, str(model.model_id)):
                    return str(model.model_id)
            elif _is_being_logged(model):
                continue
            client.delete_logged_model(model.model_id)  # logging it was interrupted, or its files are lost
        tags = {**dict(network.tags), MODEL_SHA256: network.sha256, SERVED: network.served}
        tags[_WRITER] = f"{_machine()}:{os.getpid()}"
        model_id = client.create_logged_model(experiment, network.model, run_id, tags, model_type="emotions").model_id
    with tempfile.TemporaryDirectory() as temporary:
        _save(Path(temporary), network, model_id, run_id)
        with store.session() as client:
            client.log_model_artifacts(model_id, str(Path(temporary) / "model"))
    with store.session() as client:
        client.finalize_logged_model(model_id, "READY")
        if run_id:
            client.log_outputs(run_id, [LoggedModelOutput(model_id, 0)])
    return str(model_id)


def _is_being_logged(model: "LoggedModel") -> bool:
    """Return whether another process may be logging a model that is not ready."""
    machine, _, process = model.tags.get(_WRITER, "").partition(":")
    if machine == _machine() and process.isdigit():
        return int(process) != os.getpid() and bool(psutil.pid_exists(int(process)))
    return bool(time.time() - model.creation_timestamp / 1000 < _ABANDONED_AFTER)


def _machine() -> str:
    return digest_of(socket.gethostname())[:12]


def loadable(store: Store, model_id: str) -> bool:
    """Return whether the files of a logged model are where MLflow looks for them."""
    from mlflow.exceptions import MlflowException

    with store.session() as client:
        try:
            return any(item.path == "MLmodel" for item in client.list_logged_model_artifacts(model_id))
        except (MlflowException, OSError):
            return False


def load_served(store: Store, uri: str, backend: str) -> "PyFuncModel":
    """Load a model as whoever uses it does, and check that it answers with probabilities.

    Args:
        store: MLflow store with the model.
        uri: Address of the model, such as `models:/ferflow-sample/3` or `models:/<id of a logged model>`.
        backend: Keras backend that trained it.

    Raises:
        ConfigError: The Keras backend cannot be used in this process.
        ModelError: The model's answers are not probabilities.
        TrackingError: The model cannot be loaded from the store.
    """
    start_keras(backend)
    import mlflow

    with store.session():
        # MLflow resolves models:/ through these global settings, not through the client.
        mlflow.set_tracking_uri(store.uri)
        mlflow.set_registry_uri(store.uri)
        model = mlflow.pyfunc.load_model(uri)
        example = np.asarray(model.input_example, np.uint8)
    if not np.allclose(model.predict(example).to_numpy().sum(axis=1), 1.0, atol=1e-3):
        raise ModelError(f"{uri} must answer with probabilities that sum to 1, and does not. Train the network again.")
    return model


def example_faces(side: int) -> npt.NDArray[np.uint8]:
    """Return the input example, uint8 of shape (2, side, side): two gradients, so that it shows nobody's face."""
    ramp = np.linspace(0, 255, side).astype(np.uint8)
    return np.stack([np.tile(ramp, (side, 1)), np.tile(ramp[:, None], (1, side))])


def input_side(network: Path) -> int:
    """Return the side in pixels of the images that a .keras file expects, without importing Keras.

    Args:
        network: The file.

    Raises:
        ModelError: The file is missing or is not a Keras archive, or the network does not expect square grey images.
    """
    try:
        with zipfile.ZipFile(network) as archive:
            config = json.loads(archive.read("config.json"))
        layers: list[dict[str, Any]] = config["config"]["layers"]
        shape = next(tuple(layer["config"]["batch_shape"]) for layer in layers if layer["class_name"] == "InputLayer")
    except (OSError, ValueError, KeyError, TypeError, StopIteration, zipfile.BadZipFile) as error:
        raise ModelError(
            f"{network} cannot be read as a Keras model: {error!r}. Train it again: dvc repro -f "
            f"train@{network.parent.name}."
        ) from error
    match shape:
        case (_, int(height), int(width), 1) if height == width:
            return height
    raise ModelError(
        f"{network} must expect square grey images, shape (None, side, side, 1). Received: {shape}. Train it again."
    )


def _save(folder: Path, network: Network, model_id: str, run_id: str | None) -> None:
    """Write `folder`/model as MLflow loads it."""
    import mlflow

    logging.getLogger("mlflow.pyfunc").setLevel(logging.WARNING)  # it logs every step
    code = Path(shutil.copy(_SERVED, folder))  # MLmodel records this path
    weights, classes = network.folder / "model.keras", network.folder / "classes.json"
    example = example_faces(input_side(weights))
    packages = ("keras", "numpy", "pandas", "pillow", network.backend)
    mlflow.pyfunc.save_model(
        str(folder / "model"),
        python_model=str(code),
        artifacts={"network": str(weights), "classes": str(classes)},
        signature=_signature(example, read_json(classes)),
        input_example=example,
        model_config={"backend": network.backend, "views": network.views, "temperature": network.temperature},
        # Listed here, since MLflow would otherwise run the model in another process to find them.
        pip_requirements=[f"{package}=={importlib.metadata.version(package)}" for package in sorted(packages)],
        mlflow_model=mlflow.models.Model(model_id=model_id, run_id=run_id),
    )


def _signature(example: npt.NDArray[np.uint8], classes: list[str]) -> "ModelSignature":
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec

    faces = Schema([TensorSpec(np.dtype(np.uint8), (-1, *example.shape[1:]))])
    signature = ModelSignature(inputs=faces, outputs=Schema([ColSpec("float", name) for name in classes]))
    # MLflow's own check would reject (N, side, side, 1), and its error message would print every pixel. This attribute
    # turns it off; the model accepts both shapes and says what is wrong with others.
    signature._is_signature_from_type_hint = True
    return signature
