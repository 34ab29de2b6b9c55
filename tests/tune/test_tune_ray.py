"""Workers that a real Ray cluster places on its nodes; `make storm-tune` runs this where Ray is installed."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import tune_storm
from tune_storm import PACE, RULES, calm, outputs

from ferflow.base.errors import ConfigError
from ferflow.tune.coordinator import coordinate
from ferflow.tune.launchers import RayLauncher
from ferflow.tune.storage import start_proxy
from ferflow.tune.study import Plan

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install -r requirements-ray.in")
pytestmark = [
    pytest.mark.skipif("FERFLOW_STORM" not in os.environ, reason="long: make storm-tune"),
    pytest.mark.timeout(600),
]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """A head without cores and two nodes of one core each."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    for _ in range(2):
        made.add_node(num_cpus=1)
    monkeypatch.setenv("RAY_ADDRESS", made.address)
    yield made
    ray.shutdown()
    made.shutdown()


def test_two_nodes_give_the_bytes_of_one_process(tmp_path: Path, cluster: object) -> None:
    (tmp_path / "calm").mkdir()
    wanted = calm(tmp_path / "calm")
    plan = Plan(RULES, tmp_path / "journal.jsonl")
    url = start_proxy(tmp_path / "queue.db", "127.0.0.1")
    command = [sys.executable, tune_storm.__file__, "worker", "", str(tmp_path / "trainings")]
    launcher = RayLauncher(command, 2, cpus=1, gpus=0)
    study = coordinate(plan, url, launcher, name="cnn", settings={}, context={}, pace=PACE)
    tune_storm.write(tmp_path, study)
    assert outputs(tmp_path) == wanted
    trained = (tmp_path / "trainings").read_text()
    assert trained.count("begins") == trained.count("ends") == RULES.trials
    processes = {line.split(",")[1] for line in trained.splitlines()}
    assert len(processes) == 2, "both nodes took trials"


def test_without_a_cluster_it_says_how_to_start_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    launcher = RayLauncher([sys.executable, "-c", ""], 1, cpus=1, gpus=0)
    with pytest.raises(ConfigError, match=r"No Ray cluster was found .*ray start --head"):
        launcher.start("grpc://127.0.0.1:1")
