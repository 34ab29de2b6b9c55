"""The real pipeline on a tiny sample, killed in its stages and between them until it ends; only in `make storm`."""

import json
import os
import random
import re
import signal
import sys
import time
from pathlib import Path

import pytest
from dvc_project import start
from storm_size import LONG, SEED, kills

sys.path.insert(0, str(Path(__file__).parents[1] / "pipeline"))
from pipeline_project import Project, make_project

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.slow,
    pytest.mark.skipif(not LONG, reason="takes minutes: make storm"),
]
RESULTS = ["cnn", "cnn_augmented", "cnn_tuned"]


def run_and_kill(project: Project, chance: random.Random, seconds: dict[str, float]) -> str:
    """Start the run, wait for one of its stages, and kill all processes a moment later; return what was printed."""
    process = start(project.folder, f"env PYTHONPATH={project.folder / 'src'} ferflow run")
    said = ""
    stage = chance.choice(list(seconds))
    assert process.stdout
    for line in process.stdout:
        said += line
        started = re.search(r"Running stage '([^']+)'", line)
        if started and (started[1] == stage or chance.random() < 0.15):
            time.sleep(chance.uniform(0, 1.3 * seconds.get(started[1], 1.0)))
            break
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    return said + process.communicate()[0]


def stage_seconds(project: Project) -> dict[str, float]:
    """Run everything undisturbed and return how long each stage took."""
    process = start(project.folder, f"env PYTHONPATH={project.folder / 'src'} ferflow run")
    times: list[tuple[str, float]] = []
    said = ""
    assert process.stdout
    for line in process.stdout:
        said += line
        if found := re.search(r"Running stage '([^']+)'", line):
            times.append((found[1], time.monotonic()))
    assert process.wait() == 0, said[-4000:]
    ends = [at for _, at in times[1:]] + [time.monotonic()]
    return {name: end - at for (name, at), end in zip(times, ends, strict=True)}


def tracked(project: Project) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """The results' runs with their status, and the aliases of the registered model with their versions."""
    command = (
        "import json, mlflow; c = mlflow.MlflowClient('sqlite:///mlflow.db');"
        "e = c.get_experiment_by_name('sample');"
        "r = [(x.data.tags['mlflow.runName'], x.info.status) for x in c.search_runs([e.experiment_id])];"
        "m = c.get_registered_model('ferflow-sample');"
        "print('FOUND' + json.dumps([sorted(r), m.aliases]))"
    )
    said = project.run(sys.executable, "-c", command)
    runs, aliases = json.loads(said.partition("FOUND")[2])
    return [tuple(run) for run in runs], aliases


def leftovers(project: Project) -> list[str]:
    """Temporary files and checkpoints that nothing needs any more."""
    folders = ("data", "models", "reports", "settings", "export")
    found = [p for name in folders for p in (project.folder / name).rglob(".*") if p.name != ".gitignore"]
    found += [p for p in (project.folder / "checkpoints").rglob("*") if p.is_file()]
    return sorted(str(path.relative_to(project.folder)) for path in found)


def test_killed_everywhere_the_pipeline_ends_as_a_calm_run_does(tmp_path: Path) -> None:
    calm = make_project(tmp_path / "calm")
    seconds = stage_seconds(calm)
    project = make_project(tmp_path / "storm")
    chance = random.Random(SEED)
    where = []
    for _ in range(kills(20)):
        said = run_and_kill(project, chance, seconds)
        assert "Traceback" not in said, said[-4000:]
        where.append((re.findall(r"Running stage '([^']+)'", said) or ["before any stage"])[-1])
    print("killed in or after:", where)
    project.run("ferflow", "run")
    assert project.lock() == calm.lock()
    assert project.run("dvc", "status").strip().endswith("up to date.")
    runs, aliases = tracked(project)
    assert (runs, aliases) == tracked(calm)
    assert {status for _, status in runs} == {"FINISHED"}
    assert all([name for name, _ in runs].count(result) == 1 for result in RESULTS)
    assert list(aliases).count("champion") == 1
    assert {int(version) for version in aliases.values()} == {1}  # a kill has registered nothing twice
    assert leftovers(project) == leftovers(calm)
