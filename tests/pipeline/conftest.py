"""A project in a temporary folder, with the real graph on a sample so small that it runs in a minute."""

import shutil
from pathlib import Path

import pytest
from pipeline_project import Project

ROOT = Path(__file__).parents[2]
TINY = {"filters": [4, 8], "convolutions": [1, 1], "dense": 8}


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
        prepare__min_images_per_class=1,
        evaluate__bootstrap=100,
        register__min_gain_over_majority=0.0,
    )
    project.run("git", "init", "--quiet")
    project.run("git", "config", "user.email", "test@example.org")
    project.run("git", "config", "user.name", "test")
    project.run("dvc", "init", "--quiet")
    project.run("git", "add", ".")
    project.run("git", "commit", "--quiet", "-m", "start")
    return project
