"""A DVC project of three stages that run within a moment, and the commands that drive it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

SOURCES = Path(__file__).parents[2] / "src"
STAGE = """
import sys, time
from pathlib import Path
from ferflow.base.files import write_text
from ferflow.ui.console import run_command

def main() -> None:
    reads, writes = sys.argv[1].split(",") if sys.argv[1] else [], sys.argv[2].split(",")
    total = sum(len(p.read_bytes()) for r in reads for p in sorted(Path(r).rglob("*")) + [Path(r)] if p.is_file())
    print("at work", flush=True)
    time.sleep(float(Path("seconds").read_text()))
    for path in map(Path, writes):
        write_text(path, f"{path.name} from {total} bytes\\n" * 40)

run_command(main)
"""
GRAPH = """
stages:
  prepare:
    cmd: python stage.py "" data/prepare/images.npy,data/prepare/deep/index.parquet,reports/prepare/summary.json
    outs: [data/prepare, reports/prepare/summary.json: {cache: false}]
  train:
    cmd: python stage.py data/prepare,reports/prepare/summary.json models/cnn/model.keras
    deps: [stage.py, data/prepare, reports/prepare/summary.json]
    outs: [models/cnn/model.keras]
  report:
    cmd: python stage.py models/cnn/model.keras reports/report.json
    deps: [models/cnn/model.keras]
    outs: [reports/report.json: {cache: false}]
"""
# What `ferflow run` does around dvc, without the settings and networks that this project does not have.
RUN = f"""{sys.executable} -c "
from ferflow.ui.console import run_command
from ferflow.ui.dvc_process import only_run, run_dvc

def main():
    with only_run():
        run_dvc('repro')

run_command(main)
" """


def make(folder: Path, seconds: float = 0.0) -> Path:
    """Write the project, whose stages sleep this long before they write."""
    folder.mkdir(parents=True)
    (folder / "stage.py").write_text(STAGE)
    (folder / "dvc.yaml").write_text(GRAPH)
    (folder / "seconds").write_text(str(seconds))
    sh(folder, "git init -q && dvc init -q")
    return folder


def copy(project: Path, folder: Path) -> Path:
    return Path(shutil.copytree(project, folder, symlinks=True))


def environment() -> dict[str, str]:
    paths = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": paths, "PYTHONPATH": str(SOURCES), "DVC_NO_ANALYTICS": "1"}


def start(folder: Path, command: str) -> "subprocess.Popen[str]":
    """Start a command as the leader of a session of its own, so that all of its processes can be killed at once."""
    return subprocess.Popen(
        f"exec {command}",
        shell=True,
        cwd=folder,
        env=environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def sh(folder: Path, command: str, check: bool = True) -> str:
    """Run a command and return what it printed; unless `check` is off, a failing one fails the test."""
    done = subprocess.run(
        command, shell=True, cwd=folder, env=environment(), text=True, stdout=-1, stderr=subprocess.STDOUT, check=False
    )
    assert not check or done.returncode == 0, f"{command}\n{done.stdout}"
    return done.stdout
