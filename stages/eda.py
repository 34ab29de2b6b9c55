"""Stage eda: a page that shows what is in the data."""

from pathlib import Path

from ferflow.base.contracts import CleanSummary, read_contract
from ferflow.eda import write_report
from ferflow.raw.manifest import read_manifest, read_votes
from ferflow.settings import load_config
from ferflow.ui.console import run_command


def main() -> None:
    """Write reports/eda/."""
    config = load_config(Path("params.yaml"))
    votes = Path("data/clean/votes.parquet")
    write_report(
        Path("data/raw"),
        read_manifest(Path("data/clean/manifest.parquet")),
        read_contract(Path("reports/clean/summary.json"), CleanSummary, "clean"),
        config.eda,
        Path("reports/eda"),
        votes=read_votes(votes) if votes.is_file() else None,
        clean=config.clean,
        image_size=config.image_size,
        dataset=config.dataset,
    )
    print("reports/eda/index.html shows what is in the data")


if __name__ == "__main__":
    run_command(main)
