"""Stage register: the champion into the registry, if it passes the gates, with a model card."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ferflow.base.hashing import sha256
from ferflow.register.card import Sources, model_card, read_sources
from ferflow.register.gates import check_gates, read_champion
from ferflow.settings import Register

__all__ = ["Sources", "check_gates", "describe", "model_card", "read_champion", "read_sources"]


def describe(champion: Mapping[str, Any], models: Path, settings: Register) -> dict[str, Any]:
    """Return what registration.json holds: the verdict and why, the same from the same champion.

    Args:
        champion: as `read_champion` returns it.
        models: the folder of the trained models.
        settings: name, alias and gates.

    Returns:
        promoted, because (a sentence for each gate), model, dataset, name, alias, metric, value, accuracy and
        majority_accuracy (on validation), gates, model_sha256.
    """
    promoted, because = check_gates(champion, settings)
    return {
        "promoted": promoted,
        "because": because,
        "model": champion["model"],
        "dataset": champion["dataset"],
        "name": settings.name,
        "alias": settings.alias,
        "metric": champion["metric"],
        "value": champion["value"],
        "accuracy": champion["validation"]["accuracy"],
        "majority_accuracy": champion["majority_accuracy"],
        "gates": settings.model_dump(mode="json", include={"min_accuracy", "min_gain_over_majority"}),
        "model_sha256": sha256(models / champion["model"] / "model.keras"),
    }
