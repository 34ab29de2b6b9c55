"""Stage prepare: the kept images as arrays, cut into training, validation and test."""

from pathlib import Path

from ferflow.config import load_config
from ferflow.console import run_command
from ferflow.files import whole_folder, write_json
from ferflow.manifest import read_manifest
from ferflow.prepare import prepare_arrays


def main() -> None:
    """Write data/prepare/ and reports/prepare/summary.json."""
    config = load_config(Path("params.yaml"))
    manifest = read_manifest(Path("data/clean/manifest.parquet"))
    with whole_folder(Path("data/prepare")) as out:
        summary = prepare_arrays(
            Path("data/raw"),
            manifest,
            config.prepare,
            config.clean.image_size,
            config.clean.max_pixels,
            config.seed,
            out,
        )
    write_json(Path("reports/prepare/summary.json"), summary)


if __name__ == "__main__":
    run_command(main)
