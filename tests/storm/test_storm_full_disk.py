"""Each stage of the real pipeline on a disk that is full; only in `make storm`."""

import os
import random
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from storm_size import LONG, SEED

sys.path.insert(0, str(Path(__file__).parents[1] / "pipeline"))
from pipeline_project import Project, make_project

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.slow,
    pytest.mark.skipif(not LONG, reason="takes minutes: make storm"),
]


MESSAGE = re.compile(r"^error: .*(disk is full|cannot be (read or )?written|disk I/O error)", re.MULTILINE)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_project(tmp_path_factory.mktemp("full") / "project")
    project.run("ferflow", "run")
    return project


def files(project: Project, outs: list[str]) -> dict[str, bytes]:
    """Every file of a stage's outputs; temporary ones have a name that begins with a dot."""
    found = [project.folder / out for out in outs]
    found += [path for folder in list(found) for path in folder.rglob("*")]
    return {str(path.relative_to(project.folder)): path.read_bytes() for path in found if path.is_file()}


def full(project: Project, command: str, size: int) -> "subprocess.CompletedProcess[str]":
    """Run a stage's command in a process that cannot write beyond `size` bytes of a file."""
    return subprocess.run(
        [sys.executable, *command.split()[1:]],
        cwd=project.folder,
        env={**os.environ, "PYTHONPATH": str(project.folder / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY)),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_full_disk_stops_each_stage_with_a_message_and_changes_nothing(project: Project) -> None:
    """At a size that no output reaches, and at one between the smallest and the largest."""
    lock = YAML(typ="safe").load(project.folder / "dvc.lock")["stages"]
    chance = random.Random(SEED)
    kinds = {name.partition("@")[0]: stage for name, stage in reversed(lock.items())}
    faults = []
    for kind, stage in kinds.items():
        outs = [out["path"] for out in stage["outs"]]
        before = files(project, outs)
        sizes = sorted(map(len, before.values()))
        for size in (0, chance.randint(sizes[0] // 2, sizes[-1] - 1)):
            done = full(project, stage["cmd"], size)
            said = done.stdout + done.stderr
            told = MESSAGE.search(said) and "Traceback" not in said
            after = files(project, outs)
            if done.returncode != 1 or not told or {path: after.get(path) for path in before} != before:
                faults.append((kind, size, done.returncode, said[-2000:]))
    assert not faults
    project.run("ferflow", "run")
    assert project.run("dvc", "status").strip().endswith("up to date.")
    print(f"{2 * len(kinds)} runs of {len(kinds)} kinds of stages")
