"""A project in a temporary folder, with the real graph on a sample so small that it runs in a minute."""

import pytest
from pipeline_project import Project, make_project


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("project"))


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
