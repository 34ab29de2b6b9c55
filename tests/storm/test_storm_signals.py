"""Signals, two runs at once, a shared cache, a clock set back, and `kill -9` of everything at any moment."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from dvc_project import RUN, SOURCES, make, sh, start
from storm_size import SEED, kills


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project after a run that nothing disturbed."""
    folder = make(tmp_path_factory.mktemp("calm") / "project")
    sh(folder, "dvc repro")
    return folder


def outputs(project: Path) -> dict[str, bytes]:
    """Everything that a run leaves, temporary files included."""
    folders = [project / name for name in ("data", "models", "reports")]
    found = {p.relative_to(project).as_posix(): p.read_bytes() for f in folders for p in f.rglob("*") if p.is_file()}
    return {**found, "dvc.lock": (project / "dvc.lock").read_bytes()}


def wait_for(process: "subprocess.Popen[str]", words: str) -> str:
    """Read what a run prints until a line has these words, or it ends."""
    said = ""
    assert process.stdout
    for line in process.stdout:
        said += line
        if words in line:
            break
    return said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_everything_and_says_how_to_resume(calm: Path, tmp_path: Path, number: signal.Signals) -> None:
    project = make(tmp_path / "project", seconds=600)
    process = start(project, RUN)
    wait_for(process, "at work")
    family = psutil.Process(process.pid).children(recursive=True)
    assert family
    process.send_signal(number)
    said, _ = process.communicate()
    assert process.returncode == 128 + number
    assert "Run the same command again to resume" in said
    assert "Traceback" not in said
    assert not [member for member in family if member.is_running() and member.status() != psutil.STATUS_ZOMBIE]
    (project / "seconds").write_text("0")
    sh(project, RUN)
    assert outputs(project) == outputs(calm)


def test_a_second_run_changes_nothing_until_the_first_has_ended_even_by_kill(tmp_path: Path) -> None:
    project = make(tmp_path / "project", seconds=600)
    first = start(project, RUN)
    wait_for(first, "at work")
    said = sh(project, RUN, check=False)
    assert f"error: Another `ferflow run` is at work in this project: process {first.pid}." in said
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    (project / "seconds").write_text("0")
    assert "Running stage 'report'" in sh(project, RUN)


def test_a_killed_run_that_the_system_still_lists_blocks_no_other(tmp_path: Path) -> None:
    project = make(tmp_path / "project", seconds=600)
    first = start(project, "dvc repro")
    wait_for(first, "at work")
    os.killpg(first.pid, signal.SIGKILL)
    os.waitid(os.P_PID, first.pid, os.WEXITED | os.WNOWAIT)  # a zombie, until it is waited for
    (project / "seconds").write_text("0")
    assert "is busy" in sh(project, "dvc repro", check=False)
    assert "Running stage 'report'" in sh(project, RUN)
    first.communicate()


def test_two_projects_that_share_a_cache_run_at_once(calm: Path, tmp_path: Path) -> None:
    both = [make(tmp_path / name, seconds=0.3) for name in ("one", "two")]
    for project in both:
        sh(project, f"dvc cache dir {tmp_path / 'cache'}")
    processes = [start(project, RUN) for project in both]
    said = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    for project in both:
        assert outputs(project) == outputs(calm)
        assert sh(project, "dvc status --json").strip() == "{}"


AHEAD = """
import time
for name, unit in (("time", 1), ("time_ns", 10**9)):
    setattr(time, name, lambda now=getattr(time, name), unit=unit: now() + 40 * 86400 * unit)
"""


def test_a_clock_that_is_set_back_repeats_nothing_and_hides_no_change(calm: Path, tmp_path: Path) -> None:
    project, ahead = make(tmp_path / "project"), tmp_path / "ahead"
    ahead.mkdir()
    (ahead / "sitecustomize.py").write_text(AHEAD)
    in_future = f"PYTHONPATH={SOURCES}{os.pathsep}{ahead}"
    shown = sh(project, f"{in_future} {sys.executable} -c 'import time; print(time.time())'")
    assert float(shown) > time.time() + 39 * 86400
    sh(project, f"{in_future} dvc repro train")
    for path in project.rglob("*"):  # the system's clock, which gives files their times, cannot be set here
        if path.is_file():
            os.utime(path, (path.stat().st_atime, path.stat().st_mtime + 40 * 86400))
    said = sh(project, RUN)
    assert "Running stage 'report'" in said
    assert "Running stage 'train'" not in said
    assert outputs(project) == outputs(calm)
    (project / "stage.py").write_text((project / "stage.py").read_text() + "# an edit, older than what it changes\n")
    assert "Running stage 'train'" in sh(project, RUN)


def test_killed_again_and_again_the_pipeline_ends_in_the_same_bytes(calm: Path, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    project = make(tmp_path / "project", seconds=0.2)
    for _ in range(kills(3)):
        process = start(project, RUN)
        if chance.random() < 0.7:
            wait_for(process, f"Running stage '{chance.choice(['prepare', 'train', 'report'])}'")
        time.sleep(chance.uniform(0, 0.6))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    sh(project, RUN)
    assert outputs(project) == outputs(calm)
    assert "up to date" in sh(project, "dvc status")
