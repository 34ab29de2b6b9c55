"""The champion in MLflow's model registry: a version with an alias, a signature, and where it comes from."""

import importlib.metadata
import json
import logging
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from ferflow.base.errors import ModelError
from ferflow.base.files import read_json
from ferflow.ui.console import start_keras
from ferflow.ui.tracking.store import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.models import ModelSignature

MODEL_SHA256 = "ferflow.model_sha256"
_SERVED = Path(__file__).with_name("served_model.py")
_DESCRIPTION = 5000  # characters
_PINNED = ("keras", "numpy", "pandas", "tensorflow")


@dataclass(frozen=True)
class Champion:
    """A model that is to be the champion.

    Attributes:
        name: of the registered model.
        alias: that its version gets.
        model: name of the result, such as `cnn_tuned`.
        folder: with model.keras and classes.json.
        sha256: of model.keras.
        card: the model card, Markdown.
        tags: of the version: where it comes from.
    """

    name: str
    alias: str
    model: str
    folder: Path
    sha256: str
    card: str
    tags: dict[str, str]


def register_champion(
    store: Store, experiment: str, run: str | None, champion: Champion
) -> Literal["registered", "unchanged"]:
    """Make a version of the champion, unless there is one with the same weights, and give it the alias.

    Args:
        store: where.
        experiment: id of the experiment that the model belongs to.
        run: id of the run that trained it, if it is known.
        champion: the model.

    Returns:
        `registered` when the alias now leads to these weights and did not before, else `unchanged`.

    Raises:
        ModelError: the model cannot be loaded from what would be registered, or does not give probabilities.
        TrackingError: the store cannot be used.
    """
    version = _find_version(store, champion)
    if version is None:
        version = _make_version(store, experiment, run, champion)
    card = _shortened(champion.card)
    with store.speaking() as client:
        if version.description != card:
            client.update_model_version(champion.name, version.version, card)
        current = client.get_registered_model(champion.name).aliases.get(champion.alias)
        if str(current) == str(version.version):
            return "unchanged"
        client.set_registered_model_alias(champion.name, champion.alias, version.version)
    return "registered"


def has_alias(store: Store, name: str, alias: str) -> bool:
    """Tell whether a registered model of this name has a version with this alias."""
    with store.speaking() as client:
        found = client.search_registered_models(f"name = '{name}'")
    return any(alias in model.aliases for model in found)


def example_faces(side: int) -> npt.NDArray[np.uint8]:
    """Return two pictures for the input example, uint8, (2, side, side): plain gradients, and so nobody's face."""
    ramp = np.linspace(0, 255, side).astype(np.uint8)
    return np.stack([np.tile(ramp, (side, 1)), np.tile(ramp[:, None], (1, side))])


def input_side(network: Path) -> int:
    """Return the side in pixels of the images that a .keras file takes; keras is not imported.

    Raises:
        ModelError: the file is not a keras archive, or does not take square grey images.
    """
    try:
        with zipfile.ZipFile(network) as archive:
            config = json.loads(archive.read("config.json"))
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ModelError(f"{network} cannot be read as a keras archive: {error}. Train it again.") from error
    for shape in _values(config, "batch_shape"):
        if isinstance(shape, list) and len(shape) == 4 and shape[1] == shape[2] and shape[3] == 1:
            return int(shape[1])
    raise ModelError(f"{network} does not take square grey images, (N, side, side, 1). Train it again.")


def _find_version(store: Store, champion: Champion) -> "ModelVersion | None":
    with store.speaking() as client:
        versions = client.search_model_versions(f"name = '{champion.name}'")
    same = [version for version in versions if version.tags.get(MODEL_SHA256) == champion.sha256]
    return max(same, key=lambda version: int(version.version), default=None)


def _make_version(store: Store, experiment: str, run: str | None, champion: Champion) -> "ModelVersion":
    import mlflow
    from mlflow.exceptions import MlflowException

    with store.speaking() as client:
        # A version refers to its model by way of MLflow's global address.
        mlflow.set_tracking_uri(store.uri)
        mlflow.set_registry_uri(store.uri)
        model_id = _logged_model(client, experiment, run, champion)
        try:
            client.create_registered_model(champion.name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        return client.create_model_version(
            champion.name,
            f"models:/{model_id}",
            run,
            tags={**champion.tags, MODEL_SHA256: champion.sha256},
            description=_shortened(champion.card),
            model_id=model_id,
        )


def _logged_model(client: "MlflowClient", experiment: str, run: str | None, champion: Champion) -> str:
    """Return the id of the experiment's model with these weights, made if missing."""
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus

    for model in client.search_logged_models([experiment], f"tags.`{MODEL_SHA256}` = '{champion.sha256}'"):
        if model.status == LoggedModelStatus.READY:
            return str(model.model_id)
        client.delete_logged_model(model.model_id)  # its making was cut off
    tags = {**champion.tags, MODEL_SHA256: champion.sha256}
    model_id = client.create_logged_model(experiment, champion.model, run, tags, model_type="emotions").model_id
    with tempfile.TemporaryDirectory() as temporary:
        _save_model(Path(temporary), champion, model_id, run)
        client.log_model_artifacts(model_id, str(Path(temporary) / "model"))
    client.finalize_logged_model(model_id, "READY")
    if run:
        client.log_outputs(run, [LoggedModelOutput(model_id, 0)])
    return str(model_id)


def _save_model(folder: Path, champion: Champion, model_id: str, run: str | None) -> None:
    """Write `model` in `folder`, as MLflow loads it, and prove that it loads and answers with probabilities."""
    start_keras()
    import mlflow

    logging.getLogger("mlflow.pyfunc").setLevel(logging.WARNING)  # it tells every step
    code = Path(shutil.copy(_SERVED, folder))  # the model's description names this path, and so no path of ours
    network, names = champion.folder / "model.keras", champion.folder / "classes.json"
    example = example_faces(input_side(network))
    mlflow.pyfunc.save_model(
        str(folder / "model"),
        python_model=str(code),
        artifacts={"network": str(network), "classes": str(names)},
        signature=_signature(example, read_json(names)),
        input_example=example,
        # Pinned here, since MLflow would find them out by running the model in another process.
        pip_requirements=[f"{package}=={importlib.metadata.version(package)}" for package in _PINNED],
        mlflow_model=mlflow.models.Model(model_id=model_id, run_id=run),
    )
    answers = mlflow.pyfunc.load_model(str(folder / "model")).predict(example)
    if not np.allclose(answers.to_numpy().sum(axis=1), 1.0, atol=1e-3):
        raise ModelError(f"{network} does not answer with probabilities that sum to 1. Train it again.")


def _signature(example: npt.NDArray[np.uint8], classes: list[str]) -> "ModelSignature":
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec

    faces = Schema([TensorSpec(np.dtype(np.uint8), (-1, *example.shape[1:]))])
    signature = ModelSignature(inputs=faces, outputs=Schema([ColSpec("float", name) for name in classes]))
    # MLflow would refuse (N, side, side, 1), and answer mistakes by printing all pixels. This leaves the check of the
    # input to the model, which takes both and says what is wrong.
    signature._is_signature_from_type_hint = True
    return signature


def _shortened(card: str) -> str:
    """Return the card, without its last sections where it is longer than MLflow's databases take."""
    sections, note = card.split("\n## "), "\nThe rest is in reports/register/model_card.md.\n"
    if len(card) <= _DESCRIPTION:
        return card
    while len(sections) > 1 and len("\n## ".join(sections)) + len(note) > _DESCRIPTION:
        sections.pop()
    return "\n## ".join(sections)[: _DESCRIPTION - len(note)] + note


def _values(node: Any, key: str) -> Iterator[Any]:
    """Yield every value of `key` in nested dicts and lists."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name == key:
                yield value
            yield from _values(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from _values(value, key)
