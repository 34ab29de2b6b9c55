"""Stage download: the raw data, unchanged, and a receipt for it."""

import os
from dataclasses import asdict
from pathlib import Path

from ferflow.base.files import write_json
from ferflow.base.links import check_trackable
from ferflow.download import acquire
from ferflow.settings import load_config
from ferflow.ui.console import run_command


def main() -> None:
    """Fill data/raw from the dataset that params.yaml names, or from the archive in FERFLOW_ARCHIVE."""
    config = load_config(Path("params.yaml"))
    check_trackable(Path("data/raw"))
    archive = os.environ.get("FERFLOW_ARCHIVE")
    receipt = acquire(
        config.dataset,
        config.dataset_entry.source,
        raw=Path("data/raw"),
        cache=Path("data/.download"),
        limits=config.unpack,
        seed=config.seed,
        environment=os.environ,
        archive=Path(archive) if archive else None,
    )
    write_json(Path("reports/download/receipt.json"), asdict(receipt))
    files = "1 file" if receipt.files == 1 else f"{receipt.files:,} files"
    print(f"{files}, {receipt.bytes / 1e6:.1f} MB, from {receipt.origin} ({receipt.source})")
    if receipt.left_out:
        print(f"note: Not used: links, devices and the like, which are not followed, {receipt.left_out:,} in all.")


if __name__ == "__main__":
    run_command(main)
