"""Stage settings: what one result is trained with, as one file."""

import argparse
import sys
from pathlib import Path

from ferflow.base.files import read_json, require, write_yaml
from ferflow.settings import load_config
from ferflow.settings.resolve import resolve_result, unpinned
from ferflow.ui.console import run_command


def main() -> None:
    """Write settings/<result>.yaml."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("result", help="an entry of `results` in params.yaml")
    name = parser.parse_args().result
    config = load_config(Path("params.yaml"))
    search = config.result(name).search
    found = read_json(require(Path("reports/tune") / search / "best.json", f"tune@{search}"))["params"]
    settings = resolve_result(config, name, found)
    for warning in unpinned(settings.versions, Path("requirements.lock")):
        print(f"warning: {warning}", file=sys.stderr)
    write_yaml(Path("settings") / f"{name}.yaml", settings.model_dump(mode="json"))


if __name__ == "__main__":
    run_command(main)
