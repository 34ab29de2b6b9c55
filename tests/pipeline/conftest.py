"""A project of its own in a temporary folder, with the real graph on a sample so small that it runs in a minute."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
TINY = {"filters": [4, 8], "convolutions": [1, 1], "dense": 8}


class Project:
    """A copy of this repository's code and graph, with params of its own."""

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


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("project")
    for name in ("src", "stages"):
        shutil.copytree(
            ROOT / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
        )
    for name in ("dvc.yaml", "params.yaml", ".gitignore", ".dvcignore"):
        shutil.copy(ROOT / name, folder / name)
    project = Project(folder)
    project.edit_params(
        enabled=["cnn", "cnn_augmented"],
        tune__models=["cnn"],
        datasets__sample__images=210,
        budgets__smoke__train={"epochs": 2, "batch_size": 16, "schedule": "cosine", "weight_average": 0.0},
        budgets__smoke__tune={"trials": 2, "epochs": 1},
        models__cnn__network=dict(TINY),
        models__cnn_augmented__network=dict(TINY),
        evaluate__bootstrap=50,
        register__min_gain_over_majority=0.0,
    )
    project.run("git", "init", "--quiet")
    project.run("git", "config", "user.email", "test@example.org")
    project.run("git", "config", "user.name", "test")
    project.run("dvc", "init", "--quiet")
    project.run("git", "add", ".")
    project.run("git", "commit", "--quiet", "-m", "start")
    return project
