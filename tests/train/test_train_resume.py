"""The real stage, killed within an epoch and run again, ends with the bytes of an uninterrupted training."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ferflow.base.arrays import read_split, write_split
from ferflow.base.files import write_csv, write_yaml
from ferflow.base.hashing import sha256
from ferflow.train.loop import train_network
from ferflow.train.recipe import ResultSettings, read_settings
from ferflow.train.training_outputs import write_outputs
from train_helpers import SMALL, resolved, separable

STAGE = Path(__file__).parents[2] / "stages" / "train.py"
EPOCHS = 4


def write_project(root: Path) -> None:
    """Write arrays and settings with epochs of many small steps, long enough to be killed in one."""
    settings = resolved(
        SMALL, epochs=EPOCHS, batch_size=4, schedule="cosine", augment={"flip": "random", "rotation": 10.0}
    )
    write_csv(root / "reports/teach/none/targets.csv", pd.DataFrame({"id": [], "label": []}))
    write_yaml(root / "settings/cnn.yaml", settings.model_dump(mode="json"))
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
    assert f"cnn: resuming after epoch {done}\n" in shown
    assert not state.exists(), "the result is written, so the checkpoint is deleted"

    # The uninterrupted training runs in this process: what ran in a process before must not matter either.
    unbroken = tmp_path / "unbroken"
    settings = read_settings(root / "settings/cnn.yaml", ResultSettings, "settings@cnn")
    train, validation = (read_split(root / "data/prepare", name) for name in ("train", "validation"))
    write_outputs(
        train_network(settings, train, validation, settings.seed),
        settings,
        root / "settings/cnn.yaml",
        train,
        model=unbroken / "models/cnn",
        report=unbroken / "reports/train/cnn",
        log=unbroken / "log.json",
    )
    names = [
        "models/cnn/augmentation.png",
        "models/cnn/classes.json",
        "models/cnn/model.keras",
        "models/cnn/settings.yaml",
    ]
    assert sorted(outputs(root)) == [*names, "reports/train/cnn/history.csv", "reports/train/cnn/summary.json"]
    assert outputs(root) == outputs(unbroken)
