"""Stage search: what the search for better settings of one model tries, as one file."""

import argparse
import sys
from pathlib import Path

from ferflow.base.files import write_yaml
from ferflow.settings import load_config
from ferflow.settings.resolve import resolve_search, unpinned
from ferflow.ui.console import run_command


def main() -> None:
    """Write settings/search/<model>.yaml."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a key of `tune.models` in params.yaml")
    name = parser.parse_args().model
    settings = resolve_search(load_config(Path("params.yaml")), name)
    for warning in unpinned(settings.versions, Path("requirements.lock")):
        print(f"warning: {warning}", file=sys.stderr)
    write_yaml(Path("settings/search") / f"{name}.yaml", settings.model_dump(mode="json"))


if __name__ == "__main__":
    run_command(main)
