"""A project in a temporary folder, with the real graph on a sample so small that it runs in a minute."""

import shutil
from copy import deepcopy
from pathlib import Path

import pytest
from pipeline_project import Project

ROOT = Path(__file__).parents[2]
TINY = {"filters": [4, 8], "convolutions": [1, 1], "dense": 8, "dropout": 0.1, "dense_dropout": 0.1}


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("project")
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


@pytest.fixture(scope="session")
def first_run(project: Project) -> str:
    """What the first run of everything prints."""
    return project.run("ferflow", "run")


@pytest.fixture(scope="session")
def finished(project: Project, first_run: str) -> Project:
    """The project after that run, committed."""
    project.run("git", "add", ".")
    project.run("git", "commit", "--quiet", "-m", "results")
    return project
