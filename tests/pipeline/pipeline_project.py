"""A separate project for tests that run the real graph."""

import os
import re
import subprocess
import sys
from pathlib import Path

from ruamel.yaml import YAML


class Project:
    """A copy of this repository's code and graph, with its own params."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        binaries = Path(sys.executable).parent
        self.environment = {
            **os.environ,
            "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(folder / "src"),
        }
        self.environment.pop("MLFLOW_TRACKING_URI", None)

    def run(self, *command: str) -> str:
        """Run a command in the project and return what it printed; a failing one fails the test."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, check=False, text=True, stdout=-1, stderr=subprocess.STDOUT
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-4000:]}"
        return done.stdout

    def repro(self, *arguments: str) -> set[str]:
        """Run `dvc repro` and return the names of the stages that really ran."""
        return set(re.findall(r"Running stage '([^']+)'", self.run("dvc", "repro", *arguments)))

    def edit_params(self, **changes: object) -> None:
        """Set values of params.yaml by keys with double underscores for dots."""
        path = self.folder / "params.yaml"
        editor = YAML()
        params = editor.load(path)
        for key, value in changes.items():
            *sections, last = key.split("__")
            place = params
            for section in sections:
                place = place[section]
            place[last] = value
        editor.dump(params, path)

    def lock(self) -> bytes:
        return (self.folder / "dvc.lock").read_bytes()
