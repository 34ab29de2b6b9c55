"""Stage export: the champion as files that need neither Keras nor TensorFlow."""

from pathlib import Path

from ferflow.base.files import read_json, require, write_json
from ferflow.settings import load_config
from ferflow.ui.console import run_command, start_keras


def main() -> None:
    """Write export/ and reports/export/."""
    config = load_config(Path("params.yaml"))
    # Not as a contract of ferflow.reporting, on which a colour of a figure would make this stage depend.
    champion = read_json(require(Path("reports/compare/champion.json"), "compare"))
    receipt = read_json(require(Path("reports/download/receipt.json"), "download"))
    licence = config.dataset_entry.licence
    start_keras(config.backend)  # before anything that imports Keras
    from ferflow.export.folder import Origin, export, served_views

    card = export(
        Origin(
            name=champion["model"],
            network=Path("models") / champion["model"] / "model.keras",
            dataset=champion["dataset"],
            licence=licence if receipt["licence"] is None else receipt["licence"],
        ),
        data=Path("data/prepare"),
        out=Path("export"),
        views=served_views(champion["views"]),
        confidence=config.evaluate.confidence,
        settings=config.export,
    )
    write_json(Path("reports/export/card.json"), card.to_json())
    for name, file in card.files.items():
        accuracy = file.sets["validation"].accuracy
        print(f"export/{name}: {file.bytes / 1e6:.2f} MB, validation accuracy {100 * accuracy:.1f} %")
    for name, reason in card.left_out.items():
        print(f"no {name}: {reason}")


if __name__ == "__main__":
    run_command(main)
