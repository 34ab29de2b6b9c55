"""Stage clean: a verdict for every raw file."""

from pathlib import Path

from ferflow.base.files import whole_folder, write_json
from ferflow.base.links import check_trackable
from ferflow.clean import clean_folder
from ferflow.raw.manifest import write_manifest, write_votes
from ferflow.settings import load_config
from ferflow.ui.console import run_command


def main() -> None:
    """Write data/clean/manifest.parquet and reports/clean/summary.json."""
    config = load_config(Path("params.yaml"))
    check_trackable(Path("data/clean"))
    labels = config.dataset_entry.labels
    cleaned = clean_folder(Path("data/raw"), config.clean, labels.kind, labels.classes, image_size=config.image_size)
    with whole_folder(Path("data/clean")) as out:
        write_manifest(out / "manifest.parquet", cleaned.manifest)
        if cleaned.votes is not None:
            write_votes(out / "votes.parquet", cleaned.votes)
    summary = cleaned.summary
    write_json(Path("reports/clean/summary.json"), summary.to_json())
    reasons = ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in summary.dropped_by_reason.items())
    print(
        f"{summary.files:,} {'file' if summary.files == 1 else 'files'}: "
        f"{summary.kept:,} kept, {summary.dropped:,} dropped" + (f" ({reasons})" if reasons else "")
    )
    for note in cleaned.notes:
        print(f"note: {note}")


if __name__ == "__main__":
    run_command(main)
