"""Stage register: check the champion's gates, write its card, and register it in MLflow."""

import os
from pathlib import Path

from ferflow.base.files import write_json, write_text
from ferflow.register import describe, model_card, read_champion, read_sources
from ferflow.settings import load_config
from ferflow.ui.console import run_command
from ferflow.ui.tracking import DEFAULT_URI, publish_champion


def main() -> None:
    """Write reports/register/, register the champion, and promote it if every gate passes."""
    config = load_config(Path("params.yaml"))
    champion = read_champion(Path("reports/compare/champion.json"))
    registration = describe(champion, Path("models"), config.promotion)
    dataset = config.dataset_entry
    sources = read_sources(
        Path(),
        champion.model,
        description=dataset.description,
        licence=dataset.licence,
        drawn=dataset.source.kind == "sample",
        budget=config.budget,
        confidence=config.evaluate.confidence,
    )
    card = model_card(registration, champion, sources)
    uri = os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI
    registered = publish_champion(Path(), uri, registration.to_json(), card, budget=config.budget)
    print(f"{registered.decision}\n({registered.outcome})")
    write_text(Path("reports/register/model_card.md"), card)
    write_json(Path("reports/register/registration.json"), registration.to_json())


if __name__ == "__main__":
    run_command(main)
