"""Stage prepare: the kept images as arrays, split into training, validation and test."""

from pathlib import Path

from ferflow.base.files import whole_folder, write_json
from ferflow.base.links import check_trackable
from ferflow.prepare import prepare_arrays
from ferflow.raw.manifest import read_manifest, read_votes
from ferflow.settings import load_config
from ferflow.ui.console import run_command


def main() -> None:
    """Write data/prepare/ and reports/prepare/summary.json."""
    config = load_config(Path("params.yaml"))
    check_trackable(Path("data/prepare"))
    clean = Path("data/clean")
    with whole_folder(Path("data/prepare")) as out:
        summary = prepare_arrays(
            Path("data/raw"),
            read_manifest(clean / "manifest.parquet"),
            config.prepare,
            out,
            image_size=config.image_size,
            seed=config.seed,
            leaks_allowed=config.clean.leaked_copies == "keep",
            votes=read_votes(clean / "votes.parquet") if config.dataset_entry.labels.kind == "ferplus_votes" else None,
        )
    write_json(Path("reports/prepare/summary.json"), summary.to_json())
    images = ", ".join(f"{count:,} {split}" for split, count in summary.images.items())
    print(f"{images} images of {len(summary.classes)} classes")
    if summary.cut:
        print(
            f"note: The data has no {' and no '.join(summary.cut)} images, so they were drawn from the training images."
        )


if __name__ == "__main__":
    run_command(main)
