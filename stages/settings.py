"""Stage settings: what one result is trained with, as one file."""

import argparse
import sys
from pathlib import Path

from ferflow.base.contracts import BestParams, read_contract
from ferflow.base.files import write_yaml
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
    best = read_contract(Path("reports/tune") / search / "best.json", BestParams, f"tune@{search}")
    settings = resolve_result(config, name, best.params)
    for warning in unpinned(settings.versions, Path("requirements.lock")):
        print(f"warning: {warning}", file=sys.stderr)
    write_yaml(Path("settings") / f"{name}.yaml", settings.model_dump(mode="json"))


if __name__ == "__main__":
    run_command(main)
