"""Checkpoints on disk, and the code that decides whether one is used."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ferflow.base.errors import ModelError
from ferflow.train.checkpoint import Checkpoint, State, forget_checkpoints


def state(epoch: int = 2) -> State:
    rng = np.random.default_rng(epoch)
    return State(
        epoch=epoch,
        variables=[rng.random((3, 4), np.float32), np.array(7, np.int64), np.array([1, 2], np.uint32)] * 5,
        best=[rng.random(2).astype(np.float32), np.zeros((0, 3), np.float32)],
        history=[
            {"epoch": float(e), "val_loss": rng.random() / 3, "learning_rate": 1e-10} for e in range(1, epoch + 1)
        ],
        seconds=12.345678901,
        steps=34,
    )


def test_round_trip_to_the_bit(tmp_path: Path) -> None:
    Checkpoint(tmp_path / "new", "key").save(state())
    read, written = Checkpoint(tmp_path / "new", "key").load(), state()
    assert read is not None
    assert (read.epoch, read.seconds, read.steps) == (written.epoch, written.seconds, written.steps)
    assert read.history == written.history
    for ours, theirs in ((read.variables, written.variables), (read.best, written.best)):
        assert [(a.dtype, a.shape, a.tobytes()) for a in ours] == [(a.dtype, a.shape, a.tobytes()) for a in theirs]


def test_only_the_last_state_is_kept(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, "key")
    for epoch in (1, 2, 3):
        checkpoint.save(state(epoch))
    assert len(list(tmp_path.iterdir())) == 1
    read = checkpoint.load()
    assert read is not None
    assert read.epoch == 3


def test_there_may_be_none(tmp_path: Path) -> None:
    assert Checkpoint(tmp_path / "none", "key").load() is None


def test_a_state_under_another_key_is_not_used(tmp_path: Path) -> None:
    Checkpoint(tmp_path, "key").save(state())
    assert Checkpoint(tmp_path, "other").load() is None


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _garbage(path: Path) -> None:
    path.write_bytes(b"not a state at all" * 100)


def _cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flipped_bytes(path: Path) -> None:
    data = bytearray(path.read_bytes())
    middle = data.index(b"variable_0.npy") + 200
    data[middle : middle + 40] = bytes(255 - byte for byte in data[middle : middle + 40])
    path.write_bytes(bytes(data))


def _of_something_else(path: Path) -> None:
    np.savez(path, key="key", weights=np.zeros(3))


@pytest.mark.parametrize("spoil", [_empty, _garbage, _cut_short, _flipped_bytes, _of_something_else])
def test_a_broken_file_is_a_clear_error(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    checkpoint = Checkpoint(tmp_path, "key")
    checkpoint.save(state())
    [path] = tmp_path.iterdir()
    spoil(path)
    with pytest.raises(ModelError, match="cannot be read") as caught:
        checkpoint.load()
    assert str(path) in str(caught.value)
    assert "Delete it to train from the start: rm " in str(caught.value)


def test_forgetting(tmp_path: Path) -> None:
    folder = tmp_path / "cnn"
    Checkpoint(folder, "key").save(state())
    forget_checkpoints(folder)
    assert not folder.exists()
    forget_checkpoints(folder)
