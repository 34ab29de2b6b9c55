"""A separate project for tests that run the real graph."""

import os
import re
import shutil
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
TINY = {"filters": [4, 8], "convolutions": [1, 1], "dense": 8, "dropout": 0.1, "dense_dropout": 0.1}


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


def make_project(folder: Path) -> Project:
    """Put the real graph into `folder`, with a sample so small that it runs in a minute, and commit it."""
    for name in ("src", "stages"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("dvc.yaml", "params.yaml", "requirements.lock", ".gitignore", ".dvcignore"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("tune", "teach"):
        shutil.copytree(ROOT / "reports" / name / "none", folder / "reports" / name / "none")
    project = Project(folder)
    network = {**TINY, "norm_momentum": 0.9}
    project.edit_params(
        results={
            "cnn": {"model": "cnn", "architecture": "cnn", "search": "none", "teacher": "none", "repeat": 0},
            "cnn_augmented": {
                "model": "cnn_augmented",
                "architecture": "cnn",
                "search": "none",
                "teacher": "cnn",
                "repeat": 0,
            },
            "cnn_tuned": {"model": "cnn", "architecture": "cnn", "search": "cnn", "teacher": "none", "repeat": 0},
        },
        teachers={"cnn": {"architecture": "cnn", "folds": 2}},
        tune__models={"cnn": "cnn"},
        datasets__sample__source__images=210,
        budgets__smoke__train={"epochs": 2, "batch_size": 16, "schedule": "cosine", "weight_average": 0.0},
        budgets__smoke__tune={"trials": 2, "epochs": 1, "images": None},
        models__cnn__network=deepcopy(network),
        models__cnn__budgets={"smoke": {"network": {}}, "full": {"network": {"dense": 16}}},
        models__cnn_augmented__network=deepcopy(network),
        models__cnn_augmented__budgets={},
        prepare__min_images_per_class=1,
        infer__corruptions__kinds=["contrast", "jpeg"],
        evaluate__bootstrap=100,
        export__calibration_images=32,
        export__template_images=20,
        register__min_gain_over_majority=0.0,
        register__min_macro_f1=0.0,
        register__max_ece=1.0,
    )
    project.run("git", "init", "--quiet")
    project.run("git", "config", "user.email", "test@example.org")
    project.run("git", "config", "user.name", "test")
    project.run("dvc", "init", "--quiet")
    project.run("git", "add", ".")
    project.run("git", "commit", "--quiet", "-m", "start")
    return project
