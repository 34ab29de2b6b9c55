"""The export folder of a registered version, so that `models:/NAME@champion` runs without Keras."""

from pathlib import Path

from ferflow.base.files import read_json
from ferflow.base.hashing import sha256
from ferflow.ui.tracking.store import Store

EXPORT = "export"
"""Folder among a version's artifacts."""
_CARD_SHA256 = "ferflow.card_sha256"


def attach_export(store: Store, name: str, version: str, folder: Path, weights: str) -> bool:
    """Add an export folder to the artifacts of a registered version, unless it is there already.

    Args:
        store: MLflow store with the registry.
        name: Name of the registered model.
        version: Number of its version.
        folder: The export folder.
        weights: SHA-256 of the version's Keras file as hex digits.

    Returns:
        Whether the version has the folder; False if there is none on disk, or it is of other weights.

    Raises:
        TrackingError: The store cannot be used.
    """
    card = folder / "card.json"
    if not card.is_file() or read_json(card)["fingerprint"] != weights:
        return False
    digest = sha256(card)  # which has the digests of the other files
    with store.session() as client:
        found = client.get_model_version(name, version)
        if found.tags.get(_CARD_SHA256) != digest:
            # MLflow leaves out the id of the logged model here; the source has it.
            model_id = str(found.source).removeprefix("models:/")
            client.log_model_artifacts(model_id, str(folder), EXPORT)
            client.set_model_version_tag(name, version, _CARD_SHA256, digest)
    return True
