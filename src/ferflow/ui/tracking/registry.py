"""The champion in MLflow's model registry: a version with an alias, a signature, and tags that give its origin."""

import importlib.metadata
import logging
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from ferflow.base.errors import ModelError
from ferflow.base.files import read_json
from ferflow.base.network import load_model
from ferflow.ui.console import start_keras
from ferflow.ui.tracking.store import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.models import ModelSignature

MODEL_SHA256 = "ferflow.model_sha256"
_SERVED = Path(__file__).with_name("served_model.py")
_MAX_DESCRIPTION = 5000  # characters that MLflow's databases accept


@dataclass(frozen=True)
class Champion:
    """A trained network to register as the champion.

    Attributes:
        name: Name of the registered model.
        alias: Alias that its version gets.
        model: Name of the result, such as `cnn_tuned`.
        backend: Keras backend that trained it: `tensorflow`, `jax` or `torch`.
        folder: Folder with model.keras and classes.json.
        sha256: SHA-256 of model.keras as hex digits.
        card: Model card as Markdown.
        tags: Tags of the version, which give its origin.
    """

    name: str
    alias: str
    model: str
    backend: str
    folder: Path
    sha256: str
    card: str
    tags: dict[str, str]


def register_champion(
    store: Store, experiment: str, run_id: str | None, champion: Champion
) -> Literal["registered", "unchanged"]:
    """Create a version of the champion, unless there is one with the same weights, and give it the alias.

    Args:
        store: MLflow store with the registry.
        experiment: Id of the experiment that the model belongs to.
        run_id: Id of the run that trained it, or None if it is unknown.
        champion: Network to register.

    Returns:
        `registered` if the alias now points to these weights and did not before, else `unchanged`.

    Raises:
        ModelError: The registered model cannot be loaded, or its answers are not probabilities.
        ConfigError: The network's Keras backend cannot be used.
        TrackingError: The store cannot be used.
    """
    version = _find_version(store, champion)
    if version is None:
        version = _create_version(store, experiment, run_id, champion)
    card = _shortened(champion.card)
    with store.session() as client:
        if version.description != card:
            client.update_model_version(champion.name, version.version, card)
        current = client.get_registered_model(champion.name).aliases.get(champion.alias)
        if str(current) == str(version.version):
            return "unchanged"
        client.set_registered_model_alias(champion.name, champion.alias, version.version)
    return "registered"


def has_alias(store: Store, name: str, alias: str) -> bool:
    """Return whether a registered model of this name has a version with this alias."""
    with store.session() as client:
        found = client.search_registered_models(f"name = '{name}'")
    return any(alias in model.aliases for model in found)


def example_faces(side: int) -> npt.NDArray[np.uint8]:
    """Return the input example, uint8 of shape (2, side, side): two gradients, so that it shows nobody's face."""
    ramp = np.linspace(0, 255, side).astype(np.uint8)
    return np.stack([np.tile(ramp, (side, 1)), np.tile(ramp[:, None], (1, side))])


def input_side(network: Path) -> int:
    """Return the side in pixels of the images that a .keras file expects.

    Args:
        network: The file.

    Raises:
        ModelError: The file is missing or is not a Keras archive, or the network does not expect square grey images.
    """
    shape = load_model(network).input_shape
    match shape:
        case (_, int(height), int(width), 1) if height == width:
            return height
    raise ModelError(
        f"{network} must expect square grey images, shape (None, side, side, 1). Received: {shape}. Train it again."
    )


def _find_version(store: Store, champion: Champion) -> "ModelVersion | None":
    with store.session() as client:
        versions = client.search_model_versions(f"name = '{champion.name}'")
    same = [version for version in versions if version.tags.get(MODEL_SHA256) == champion.sha256]
    return max(same, key=lambda version: int(version.version), default=None)


def _create_version(store: Store, experiment: str, run_id: str | None, champion: Champion) -> "ModelVersion":
    import mlflow
    from mlflow.exceptions import MlflowException

    with store.session() as client:
        # MLflow resolves models:/<id> through these global settings, not through the client.
        mlflow.set_tracking_uri(store.uri)
        mlflow.set_registry_uri(store.uri)
        model_id = _logged_model(client, experiment, run_id, champion)
        try:
            client.create_registered_model(champion.name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        return client.create_model_version(
            champion.name,
            f"models:/{model_id}",
            run_id,
            tags={**champion.tags, MODEL_SHA256: champion.sha256},
            description=_shortened(champion.card),
            model_id=model_id,
        )


def _logged_model(client: "MlflowClient", experiment: str, run_id: str | None, champion: Champion) -> str:
    """Return the id of the experiment's logged model with these weights, and create it if it is missing."""
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus

    for model in client.search_logged_models([experiment], f"tags.`{MODEL_SHA256}` = '{champion.sha256}'"):
        if model.status == LoggedModelStatus.READY:
            return str(model.model_id)
        client.delete_logged_model(model.model_id)  # a previous registration was interrupted
    tags = {**champion.tags, MODEL_SHA256: champion.sha256}
    model_id = client.create_logged_model(experiment, champion.model, run_id, tags, model_type="emotions").model_id
    with tempfile.TemporaryDirectory() as temporary:
        _save_model(Path(temporary), champion, model_id, run_id)
        client.log_model_artifacts(model_id, str(Path(temporary) / "model"))
    client.finalize_logged_model(model_id, "READY")
    if run_id:
        client.log_outputs(run_id, [LoggedModelOutput(model_id, 0)])
    return str(model_id)


def _save_model(folder: Path, champion: Champion, model_id: str, run_id: str | None) -> None:
    """Write `folder`/model as MLflow loads it, and check that it loads and answers with probabilities."""
    start_keras(champion.backend)
    import mlflow

    logging.getLogger("mlflow.pyfunc").setLevel(logging.WARNING)  # it logs every step
    code = Path(shutil.copy(_SERVED, folder))  # MLmodel records this path
    network, classes = champion.folder / "model.keras", champion.folder / "classes.json"
    example = example_faces(input_side(network))
    packages = ("keras", "numpy", "pandas", champion.backend)
    mlflow.pyfunc.save_model(
        str(folder / "model"),
        python_model=str(code),
        artifacts={"network": str(network), "classes": str(classes)},
        signature=_signature(example, read_json(classes)),
        input_example=example,
        model_config={"backend": champion.backend},
        # Listed here, since MLflow would otherwise run the model in another process to find them.
        pip_requirements=[f"{package}=={importlib.metadata.version(package)}" for package in sorted(packages)],
        mlflow_model=mlflow.models.Model(model_id=model_id, run_id=run_id),
    )
    answers = mlflow.pyfunc.load_model(str(folder / "model")).predict(example)
    if not np.allclose(answers.to_numpy().sum(axis=1), 1.0, atol=1e-3):
        raise ModelError(f"{network} must answer with probabilities that sum to 1, and does not. Train it again.")


def _signature(example: npt.NDArray[np.uint8], classes: list[str]) -> "ModelSignature":
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec

    faces = Schema([TensorSpec(np.dtype(np.uint8), (-1, *example.shape[1:]))])
    signature = ModelSignature(inputs=faces, outputs=Schema([ColSpec("float", name) for name in classes]))
    # MLflow's own check would reject (N, side, side, 1), and its error message would print every pixel. This attribute
    # turns it off; the model accepts both shapes and says what is wrong with others.
    signature._is_signature_from_type_hint = True
    return signature


def _shortened(card: str) -> str:
    """Return the card, without its last sections if it is longer than MLflow's databases accept."""
    sections, note = card.split("\n## "), "\nThe rest is in reports/register/model_card.md.\n"
    if len(card) <= _MAX_DESCRIPTION:
        return card
    while len(sections) > 1 and len("\n## ".join(sections)) + len(note) > _MAX_DESCRIPTION:
        sections.pop()
    return "\n## ".join(sections)[: _MAX_DESCRIPTION - len(note)] + note
