"""What one types after `make repro` arrives at `ferflow run` letter for letter, whatever shell one types it in."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).parents[2]
SHELLS = [shell for shell in ("dash", "bash", "sh", "zsh") if shutil.which(shell)]
# What a path can hold on Linux: any character but NUL. make itself drops blanks before a value, so that such a path has
# to be written as ./ and the name.
paths = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=30).map(
    lambda path: f"./{path}" if path[0].isspace() else path
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Makefile with an environment that is up to date, whose `ferflow` prints its arguments as JSON."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "tools").mkdir()
    for name in ("requirements.lock", "pyproject.toml", "tools/make_env.sh"):
        (folder / name).touch()
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / ".venv/.runtime").touch()
    command = folder / ".venv/bin/ferflow"
    command.write_text(f"#!{sys.executable}\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n")
    command.chmod(0o755)
    return folder


def make(project: Path, shell: str, typed: str) -> list[str]:
    """What ferflow is called with if someone types a command into a shell."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    done = subprocess.run(
        [shell, "-c", typed], cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    arguments: list[str] = json.loads(done.stdout)
    return arguments


@pytest.mark.parametrize("shell", SHELLS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=paths)
@example(path="it's me")
@example(path='say "cheese"')
@example(path="~/faces")
@example(path="my faces/$HOME $(ls) `ls` ${x} $$ $")
@example(path="-x.zip")
@example(path="a\\b\\")
@example(path="# no comment")
@example(path="two\nlines")
@example(path="./ blanks ")
@example(path="50% of é*?[a]{b,c}!;&|<>=:")
def test_any_path_arrives_as_it_is(project: Path, shell: str, path: str) -> None:
    typed = f"make --no-print-directory repro ARCHIVE={shlex.quote(path)}"
    assert make(project, shell, typed) == ["run", f"--archive={path}"]


@pytest.mark.parametrize("shell", SHELLS)
def test_what_people_type(project: Path, shell: str) -> None:
    assert make(project, shell, "make repro") == ["run"]
    assert make(project, shell, "make repro ARCHIVE=") == ["run"]
    assert make(project, shell, 'make repro ARCHIVE="it\'s me"') == ["run", "--archive=it's me"]
    typed = "make repro DATASET=own BUDGET=full BACKEND=jax MODELS='cnn vgg16' TUNE=none STAGE=train@cnn"
    options = ["--dataset=own", "--budget=full", "--backend=jax", "--models=cnn vgg16", "--tune=none"]
    assert make(project, shell, typed) == ["run", *options, "--stage=train@cnn"]
    arrived = make(project, shell, "make repro ARCHIVE=~/faces")[-1]
    # bash and zsh may expand the tilde of an assignment, dash does not; ferflow does for those that do not.
    assert arrived.removeprefix("--archive=") in ("~/faces", f"{Path.home()}/faces")


def test_options_of_the_environment_arrive_too(project: Path) -> None:
    assert make(project, "sh", "ARCHIVE='a$b' make repro") == ["run", "--archive=a$b"]
