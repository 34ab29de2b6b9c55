"""tools/make_env.sh rejects what cannot work with a clear error, and creates nothing in that case."""

import shutil
import stat
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "make_env.sh"
OLD_PYTHON = """\
#!/bin/sh
if [ "$1" = --version ]; then echo "Python 3.8.1"; exit; fi
exit 1
"""


def make_env(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the script with only `tmp_path`/bin on the path."""
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    bash = shutil.which("bash")
    assert bash
    return subprocess.run(
        [bash, str(SCRIPT), str(tmp_path / "venv"), str(tmp_path / "requirements.lock")],
        env={"PATH": str(folder), **environment},
        cwd=tmp_path,
        text=True,
        capture_output=True,
        check=False,
    )


def put_python(tmp_path: Path, name: str, text: str = OLD_PYTHON) -> Path:
    path = tmp_path / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(stat.S_IRWXU)
    return path


def test_no_python_on_the_path(tmp_path: Path) -> None:
    done = make_env(tmp_path)
    assert done.returncode == 1
    assert "error: no Python from 3.11 to 3.13 on the path." in done.stderr
    assert "make env PYTHON=python3.12" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_the_error_names_an_old_python(tmp_path: Path) -> None:
    put_python(tmp_path, "python3")
    done = make_env(tmp_path)
    assert done.returncode == 1
    assert "Received: Python 3.8.1." in done.stderr
    assert not (tmp_path / "venv").exists()


def test_a_python_that_the_user_names_must_be_suitable(tmp_path: Path) -> None:
    put_python(tmp_path, "mine")
    done = make_env(tmp_path, PYTHON="mine")
    assert done.returncode == 1
    assert done.stderr == "error: PYTHON=mine is not a Python from 3.11 to 3.13.\n"


@pytest.mark.parametrize("given", [True, False])
def test_an_unsuitable_python3_is_skipped(tmp_path: Path, given: bool) -> None:
    """The script skips an old python3 and creates the environment with the suitable interpreter."""
    put_python(tmp_path, "python3")
    put_python(tmp_path, "python3.12", f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n[ "$2" != venv ] || exit 7\n')
    done = make_env(tmp_path, **({"PYTHON": "python3.12"} if given else {}))
    assert done.returncode == 7, "the script stops at the first step that fails"
    assert f"-m venv --clear {tmp_path}/venv" in (tmp_path / "calls").read_text()


NO_ENSUREPIP = """\
#!/bin/sh
case "$2" in
  *ensurepip*) exit 1 ;;
  *print*) echo 3.12 ;;
esac
"""


@pytest.mark.parametrize("debian", [True, False])
def test_a_missing_ensurepip_stops_with_the_command_to_run(tmp_path: Path, debian: bool) -> None:
    """Neither apt-get nor sudo runs: they are on the path, and would leave a trace."""
    put_python(tmp_path, "python3", NO_ENSUREPIP)
    tracer = f'#!/bin/sh\necho "$0 $@" >> {tmp_path}/ran\n'
    put_python(tmp_path, "sudo", tracer)
    if debian:
        put_python(tmp_path, "apt-get", tracer)
    done = make_env(tmp_path)
    assert done.returncode == 1
    assert "error: python3 (Python 3.12) cannot make an environment: its module ensurepip is missing." in done.stderr
    command = "apt-get install python3.12-venv" if debian else "Install your system's venv package for Python 3.12"
    assert command in done.stderr
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "venv").exists()


def test_an_existing_environment_is_kept_and_filled(tmp_path: Path) -> None:
    folder = tmp_path / "venv" / "bin"
    folder.mkdir(parents=True)
    for name in ("pip", "python"):
        (folder / name).write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n')
        (folder / name).chmod(stat.S_IRWXU)
    done = make_env(tmp_path)
    assert done.returncode == 0, done.stderr
    pinned, own = (tmp_path / "calls").read_text().splitlines()
    assert "--require-hashes" in pinned
    assert pinned.endswith(f"-r {tmp_path}/requirements.lock")
    assert own.endswith("--editable .")
