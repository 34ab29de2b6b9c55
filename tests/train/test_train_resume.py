"""The real stage, killed in the middle of an epoch and run again, ends with the bytes of an unbroken training."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from train_helpers import SMALL, separable

from ferflow.base.arrays import read_split, write_split
from ferflow.base.files import write_yaml
from ferflow.base.hashing import sha256
from ferflow.settings import load_config
from ferflow.train.loop import train_network
from ferflow.train.outputs import write_outputs

STAGE = Path(__file__).parents[2] / "stages" / "train.py"
EPOCHS = 4


def write_project(root: Path) -> None:
    """Prepared arrays and params of an epoch long enough to be killed in: many small steps."""
    params = {
        "dataset": "faces",
        "budget": "small",
        "seed": 3,
        "enabled": ["cnn"],
        "datasets": {"faces": {"source": "sample"}},
        "train": {"epochs": EPOCHS, "batch_size": 4, "augment": {"flip": True, "rotation": 10}},
        "models": {"cnn": {"network": SMALL}},
        "budgets": {"small": {}},
    }
    write_yaml(root / "params.yaml", params)
    write_split(root / "data/prepare", "train", separable(1200))
    write_split(root / "data/prepare", "validation", separable(60, seed=1))


def start_stage(root: Path) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "MLFLOW_"))}
    return subprocess.Popen(
        [sys.executable, str(STAGE), "cnn"],
        cwd=root,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def outputs(root: Path) -> dict[str, str]:
    """Digests of what DVC tracks of a training."""
    files = [path for folder in ("models/cnn", "reports/train/cnn") for path in (root / folder).rglob("*")]
    return {str(path.relative_to(root)): sha256(path) for path in sorted(files) if path.is_file()}


@pytest.mark.slow
def test_killed_in_an_epoch_and_run_again(tmp_path: Path) -> None:
    root = tmp_path / "killed"
    write_project(root)
    state = root / "checkpoints/train/cnn/state.npz"
    with start_stage(root) as stage:
        while not state.is_file():
            assert stage.poll() is None, stage.communicate()[0]
            time.sleep(0.02)
        time.sleep(0.2)  # into the next epoch
        stage.send_signal(signal.SIGKILL)
        assert stage.wait() == -signal.SIGKILL
    with np.load(state) as kept:
        done = int(kept["epoch"])
    assert 1 <= done < EPOCHS, "killed before the end"
    assert outputs(root) == {}, "nothing half-written"

    with start_stage(root) as stage:
        shown, _ = stage.communicate()
    assert stage.returncode == 0, shown
    assert f"cnn: goes on after epoch {done}\n" in shown
    assert not state.exists(), "the result is safe, and the state is forgotten"

    # The unbroken one runs in this process: what ran before in a process must not matter either.
    unbroken = tmp_path / "unbroken"
    resolved = load_config(root / "params.yaml").resolve("cnn")
    train, validation = (read_split(root / "data/prepare", name) for name in ("train", "validation"))
    result = train_network(resolved, train, validation, 3)
    write_outputs(
        result, resolved, train, 3, unbroken / "models/cnn", unbroken / "reports/train/cnn", unbroken / "log.json"
    )
    names = [
        "models/cnn/augmentation.png",
        "models/cnn/classes.json",
        "models/cnn/config.yaml",
        "models/cnn/model.keras",
    ]
    assert sorted(outputs(root)) == [*names, "reports/train/cnn/history.csv", "reports/train/cnn/summary.json"]
    assert outputs(root) == outputs(unbroken)
