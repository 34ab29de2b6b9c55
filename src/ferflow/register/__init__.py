"""Stage register: check the champion's own gates, and write its model card."""

from pathlib import Path

from ferflow.base.hashing import sha256
from ferflow.register.card import CardSources, model_card, read_sources
from ferflow.register.gates import check_gates, figures_of, read_champion, worst_class
from ferflow.reporting.result_contracts import Champion, Registration
from ferflow.settings.judging import Register

__all__ = ["CardSources", "check_gates", "describe", "figures_of", "model_card", "read_champion", "read_sources"]


def describe(champion: Champion, models: Path, settings: Register) -> Registration:
    """Return the content of registration.json: whether the champion passes its own gates, and why.

    Args:
        champion: Content of champion.json.
        models: Folder of the trained models.
        settings: `register:` of params.yaml: name, alias and gates.
    """
    network = models / champion.model / "model.keras"
    figures = figures_of(champion, network)
    passed, because = check_gates(champion, figures, settings)
    return Registration(
        passed=passed,
        because=because,
        model=champion.model,
        dataset=champion.dataset,
        name=settings.registered_name(champion.dataset),
        alias=settings.alias,
        metric=champion.metric,
        value=champion.value,
        figures=figures,
        worst_class=worst_class(champion),
        gates=settings.model_dump(mode="json", exclude={"name", "alias"}),
        model_sha256=sha256(network),
        views=champion.views,
        temperature=champion.temperature,
    )
