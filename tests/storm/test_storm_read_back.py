"""Every file that the pipeline reads back, damaged at random: it is read, or refused with a message that names it."""

import random
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
import yaml
from storm_size import SEED, cases

import result_files
from ferflow.base.arrays import INDEX_COLUMNS, Split, read_split, write_split
from ferflow.base.contracts import BestParams, TrainSummary, read_contract
from ferflow.base.errors import FerflowError
from ferflow.base.files import write_json, write_text
from ferflow.base.network import load_model
from ferflow.compare.result_reader import read_results
from ferflow.raw.manifest import COLUMNS, read_manifest, write_manifest
from ferflow.scoring.corrupted_predictions import CorruptedPredictions, read_corrupted, write_corrupted
from ferflow.scoring.predictions import ViewedPredictions, read_predictions, read_viewed, write_viewed
from ferflow.train.checkpoint import Checkpoint, State
from ferflow.train.recipe import ResultSettings, read_settings
from ferflow.train.soft_targets import read_soft_targets, write_soft_targets
from ferflow.tune.journal import Journal
from ferflow.tune.rules import Decision, Finished
from ferflow.ui.tracking.dvc_lock import read_lock
from ferflow.ui.tracking.tracked_files import read_history, read_output

ROOT = Path(__file__).parents[2]


def split() -> Split:
    rng = np.random.default_rng(0)
    index = pd.DataFrame({name: [f"{name}{row}" for row in range(12)] for name in INDEX_COLUMNS})
    index = index.assign(group=range(12), copy_in_train=False)
    votes = np.full((12, 3), 1 / 3, np.float32)
    return Split(rng.integers(0, 256, (12, 8, 8), np.uint8), np.arange(12) % 3, index, ("a", "b", "c"), votes)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("read_back")
    result_files.write_results(root, {"cnn": 0.7})
    write_split(root / "prepare", "train", split())
    manifest = pd.DataFrame({name: pd.Series(["1"] * 5, dtype=object) for name in COLUMNS})
    write_manifest(root / "manifest.parquet", manifest.astype(COLUMNS))
    answers = np.zeros((2, 5, 30), np.int8)
    write_corrupted(
        root / "reports/infer/cnn/corruptions.npz", CorruptedPredictions(("blur", "noise"), (1, 2, 3, 4, 5), answers)
    )
    write_viewed(
        root / "reports/infer/cnn/views.npz",
        ViewedPredictions(("single", "flip"), {"validation": answers[:, 0], "test": answers[:, 1]}),
    )
    write_soft_targets(root / "targets.csv", split(), np.full((12, 3), 1 / 3))
    row = {"loss": 1.0, "val_accuracy": 0.5}
    state = State(1, [np.arange(60.0), np.ones((3, 4))], [np.arange(60.0)], [row], 2.5, 9)
    Checkpoint(root, "key").save(state)
    journal = Journal(root / "journal.jsonl", "key")
    for position in range(5):
        decision = Decision(position=position, params={"train.learning_rate": 0.1 / (1 + position)})
        journal.add(Finished(decision=decision, state="COMPLETE", value=0.5, curve={1: 0.4, 2: 0.5}))
    best = BestParams(model="cnn", params={"train.learning_rate": 0.01}, value=0.7, trial=3, trials=5)
    write_json(root / "best.json", best.to_json())
    write_text(root / "dvc.lock", (ROOT / "dvc.lock").read_text()[:8000].rpartition("\n  ")[0] + "\n")
    write_text(root / "dvc.yaml", (ROOT / "dvc.yaml").read_text())
    settings = yaml.safe_load((ROOT / "settings/cnn.yaml").read_text())
    write_text(root / "cnn.yaml", yaml.safe_dump(settings))
    inputs = keras.Input((8, 8, 1))
    keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Flatten()(inputs))).save(root / "model.keras")
    return root


READERS: dict[str, Callable[[Path], object]] = {
    "prepare/classes.json": lambda path: read_split(path.parent, "train"),
    "prepare/train_images.npy": lambda path: read_split(path.parent, "train"),
    "prepare/train_labels.npy": lambda path: read_split(path.parent, "train"),
    "prepare/train_votes.npy": lambda path: read_split(path.parent, "train"),
    "prepare/train_index.parquet": lambda path: read_split(path.parent, "train"),
    "manifest.parquet": read_manifest,
    "reports/infer/cnn/predictions_test.csv": lambda path: read_predictions(path.parent, "test"),
    "reports/infer/cnn/corruptions.npz": lambda path: read_corrupted(path.parent, 30),
    "reports/infer/cnn/views.npz": lambda path: read_viewed(path.parent, {"validation": 30, "test": 30}),
    "reports/evaluate/cnn/metrics.json": lambda path: results_of(path.parents[3]),
    "reports/train/cnn/summary.json": lambda path: read_contract(path, TrainSummary, "train@cnn"),
    "reports/train/cnn/history.csv": lambda path: (read_history(path, "train@cnn"), results_of(path.parents[3])),
    "targets.csv": lambda path: read_soft_targets(path, split(), "cnn"),
    "state.npz": lambda path: Checkpoint(path.parent, "key").load(),
    "journal.jsonl": lambda path: Journal(path, "key").trials,
    "best.json": lambda path: (read_contract(path, BestParams, "tune@cnn"), read_output(path, "tune@cnn")),
    "cnn.yaml": lambda path: read_settings(path, ResultSettings, "settings@cnn"),
    "dvc.lock": lambda path: read_lock(path.parent),
    "model.keras": load_model,
}
"""Each kind of file with what reads it."""

SLOW = {"model.keras": 0.1, "dvc.lock": 0.3, "reports/evaluate/cnn/metrics.json": 0.3}


def results_of(root: Path) -> object:
    return read_results(["cnn"], root / "reports/evaluate", root / "reports/infer", root / "reports/train")


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Return bytes that are truncated, empty, flipped, overwritten, repeated, or of another kind of file."""
    place = chance.randrange(len(data))
    length = min(len(data) - place, chance.choice([1, 4, 40]))
    changed = bytearray(data)
    match chance.randrange(8):
        case 0:
            return data[:place]
        case 1 | 2:
            changed[place] ^= 1 << chance.randrange(8)
        case 3:
            changed[place : place + length] = chance.randbytes(length)
        case 4:
            changed[place : place + length] = b""
        case 5:
            changed[place:place] = data[place : place + 400]
        case 6:
            changed[place : place + length] = chance.choice([b"\0", b"-1", b"9", b"nan", b'"', b"\n", b"\xff"]) * length
        case 7:
            return chance.choice([b"", b"{}", b"[]", b"null", b"PK\x03\x04", b"\x93NUMPY", b"PAR1" * 3, data[::-1]])
    return bytes(changed)


def message_of(read: Callable[[], object], case: str) -> str | None:
    """Return the message with which a file is refused; None if it is read."""
    try:
        read()
    except FerflowError as error:
        return str(error)
    except Exception as error:
        raise AssertionError(f"{case}: {type(error).__name__}") from error
    return None


@pytest.mark.parametrize("file", READERS)
def test_a_damaged_file_is_read_or_refused_with_its_name(project: Path, file: str) -> None:
    path, read = project / file, READERS[file]
    whole = path.read_bytes()
    read(path)
    chance = random.Random(f"{SEED} {file}")
    refused = 0
    try:
        for number in range(cases(60, share=0.05) if file not in SLOW else cases(12, share=0.05 * SLOW[file])):
            data = damaged(whole, chance)
            path.write_bytes(data)
            message = message_of(lambda: read(path), f"case {number}")
            refused += message is not None
            assert message is None or path.name in message or str(path.parent) in message, f"case {number}: {message}"
            assert message is None or len(message) < 3000, f"case {number}: {message}"
    finally:
        path.write_bytes(whole)
    if path.suffix not in (".npy", ".jsonl"):  # pixels have no checksum, and a journal leaves damaged lines out
        assert refused
