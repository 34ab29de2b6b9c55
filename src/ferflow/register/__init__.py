"""Stage register: promote the champion to the registry if it passes the gates, with a model card."""

from pathlib import Path

from ferflow.base.hashing import sha256
from ferflow.register.card import CardSources, model_card, read_sources
from ferflow.register.gates import check_gates, read_champion
from ferflow.reporting.result_contracts import Champion, Registration
from ferflow.settings.judging import Register

__all__ = ["CardSources", "check_gates", "describe", "model_card", "read_champion", "read_sources"]


def describe(champion: Champion, models: Path, settings: Register) -> Registration:
    """Return the content of registration.json: whether the champion passes the gates, and why.

    Args:
        champion: Content of champion.json.
        models: Folder of the trained models.
        settings: `register:` of params.yaml: name, alias and gates.
    """
    promoted, because = check_gates(champion, settings)
    return Registration(
        promoted=promoted,
        because=because,
        model=champion.model,
        dataset=champion.dataset,
        name=settings.name,
        alias=settings.alias,
        metric=champion.metric,
        value=champion.value,
        accuracy=champion.sets["validation"].accuracy,
        majority_accuracy=champion.majority_accuracy,
        gates=settings.model_dump(mode="json", include={"min_accuracy", "min_gain_over_majority"}),
        model_sha256=sha256(models / champion.model / "model.keras"),
    )
