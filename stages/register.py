"""Stage register: promote the champion to the MLflow registry if it passes the gates."""

import os
from pathlib import Path

from ferflow.base.files import write_json, write_text
from ferflow.register import describe, model_card, read_champion, read_sources
from ferflow.settings import load_config
from ferflow.ui.console import run_command


def main() -> None:
    """Write reports/register/, and register the champion if every gate passes."""
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
        views=config.evaluate.views,
        confidence=config.evaluate.confidence,
    )
    card = model_card(registration, champion, sources)
    label = f"{registration.name}@{registration.alias}"
    reasons = "; ".join(registration.because)
    if registration.promoted:
        from ferflow.ui.tracking import DEFAULT_URI, publish_champion

        uri = os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI
        outcome = publish_champion(Path(), uri, registration.to_json(), card, budget=config.budget)
        print(f"{registration.model} is {label} ({outcome}): {reasons}")
    else:
        print(f"{registration.model} is not promoted to {label}: {reasons}")
    write_text(Path("reports/register/model_card.md"), card)
    write_json(Path("reports/register/registration.json"), registration.to_json())


if __name__ == "__main__":
    run_command(main)
