"""tools/make_env.sh refuses what cannot work, in words, and makes nothing then."""

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
    """Run the script with nothing on the path but what stands in `tmp_path`/bin."""
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


def test_an_old_python_is_named(tmp_path: Path) -> None:
    put_python(tmp_path, "python3")
    done = make_env(tmp_path)
    assert done.returncode == 1
    assert "Received: Python 3.8.1." in done.stderr
    assert not (tmp_path / "venv").exists()


def test_a_python_that_the_user_names_must_suit(tmp_path: Path) -> None:
    put_python(tmp_path, "mine")
    done = make_env(tmp_path, PYTHON="mine")
    assert done.returncode == 1
    assert done.stderr == "error: PYTHON=mine is not a Python from 3.11 to 3.13.\n"


@pytest.mark.parametrize("given", [True, False])
def test_the_newest_that_suits_is_taken(tmp_path: Path, given: bool) -> None:
    """An old python3 is passed over; the one taken is asked for an environment."""
    put_python(tmp_path, "python3")
    put_python(tmp_path, "python3.12", f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n[ "$2" != venv ] || exit 7\n')
    done = make_env(tmp_path, **({"PYTHON": "python3.12"} if given else {}))
    assert done.returncode == 7, "the script ends where a step fails"
    assert f"-m venv --clear {tmp_path}/venv" in (tmp_path / "calls").read_text()


def test_an_environment_that_is_there_is_kept_and_filled(tmp_path: Path) -> None:
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
