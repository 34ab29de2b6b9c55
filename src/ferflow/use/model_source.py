"""Find the folder of a network: the one that FERflow ships, an export folder, or a version in MLflow's registry."""

import os
from pathlib import Path

from ferflow.base.errors import ModelError, TrackingError
from ferflow.use.card_file import CARD

DEFAULT = "default"
REGISTRY = "models:/"
SHIPPED = Path(__file__).parent / "data"
"""Folder of the network that FERflow ships."""


def find_network(source: str | os.PathLike[str]) -> Path:
    """Return the export folder that a source names.

    Args:
        source: `default` for the network that FERflow ships; an export folder; or a registered version, such as
            `models:/ferflow-fer2013@champion` or `models:/ferflow-fer2013/3`, from the store that MLFLOW_TRACKING_URI
            names, else from the project's mlflow.db in the working directory.

    Raises:
        ModelError: There is no such folder, or the version carries no exported network.
        TrackingError: MLflow is not installed, or the store or version cannot be read.
    """
    name = os.fspath(source)
    if name.startswith(REGISTRY):
        return _from_registry(name)
    if name == DEFAULT:
        if not (SHIPPED / CARD).is_file():
            raise ModelError(
                "This installation has no default network. Name another one: a folder that `ferflow export --out DIR` "
                "wrote, or models:/NAME@champion. In the project, `make default-model` makes the default one."
            )
        return SHIPPED
    folder = Path(name)
    if not folder.is_dir():
        raise ModelError(
            f"{name} is not a folder. A network is `{DEFAULT}`, a folder that `ferflow export --out DIR` wrote, or "
            f"{REGISTRY}NAME@ALIAS."
        )
    return folder


def _from_registry(uri: str) -> Path:
    try:
        import mlflow

        from ferflow.ui.tracking.store import DEFAULT_URI, connect
    except ModuleNotFoundError as error:
        raise TrackingError(
            f"{uri} is read with MLflow, but the package {error.name} is not installed. Install it (pip install "
            "mlflow), or name an export folder."
        ) from None
    address = os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI
    if address == DEFAULT_URI and not Path("mlflow.db").exists():
        raise TrackingError(
            f"{uri} cannot be found: there is no mlflow.db in the working directory. Change to the project's folder, "
            "or set MLFLOW_TRACKING_URI."
        )
    store = connect(address, Path.cwd())
    with store.session():
        mlflow.set_tracking_uri(store.uri)
        mlflow.set_registry_uri(store.uri)
        folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri))
    cards = sorted(folder.rglob(CARD), key=lambda path: (len(path.parts), str(path)))
    if not cards:
        raise ModelError(
            f"{uri} carries no exported network. Register it again with this version of FERflow (dvc repro register; "
            "make track), or export it: ferflow export --out DIR."
        )
    return cards[0].parent
