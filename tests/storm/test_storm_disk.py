"""A disk that is full at any byte of any writer, and a project that may not be written: one message, nothing half."""

import io
import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from dvc_project import environment
from PIL import Image

from ferflow.base.arrays import Split, write_split
from ferflow.base.files import whole_file, whole_folder, write_csv, write_json, write_yaml
from ferflow.raw.manifest import write_votes

NOISE = np.random.default_rng(0).integers(0, 256, (60, 48, 48), dtype=np.uint8)
TABLE = pd.DataFrame(NOISE.reshape(60, -1)[:, :200].astype(str), columns=[str(n) for n in range(200)])
INDEX = pd.DataFrame({"id": [str(n) for n in range(60)], "subset": "a", "group": range(60), "copy_in_train": False})


def picture(path: Path) -> None:
    with whole_file(path) as temporary:
        Image.fromarray(NOISE.reshape(-1, 48)).save(temporary, "PNG")


def archive(path: Path) -> None:
    with whole_file(path) as temporary:
        np.savez(temporary, a=NOISE)


def database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("create table t (b blob)")
        connection.execute("insert into t values (?)", (NOISE.tobytes(),))


def folder(path: Path) -> None:
    with whole_folder(path) as temporary:
        (temporary / "a").write_bytes(b"a")
        write_split(temporary, "train", Split(NOISE, np.zeros(60, np.int64), INDEX, ("happy",)))


WRITERS: dict[str, Callable[[Path], None]] = {
    "out.json": lambda path: write_json(path, NOISE.tolist()),
    "out.yaml": lambda path: write_yaml(path, [NOISE[0].tolist()]),
    "out.csv": lambda path: write_csv(path, TABLE),
    "out.parquet": lambda path: write_votes(path, TABLE),
    "out.png": picture,
    "out.npz": archive,
    "out.db": database,
    "out": folder,
}
WRITE = """
import sys
from pathlib import Path
sys.path[:0] = {paths!r}
from ferflow.ui.console import run_command
from test_storm_disk import WRITERS
import os
if {user}:
    os.setgroups([]), os.setgid({user}), os.setuid({user})  # now, because this user may not even import
run_command(lambda: WRITERS[{name!r}](Path({name!r})))
"""


def limited(at: Path, name: str, size: int, user: int = 0) -> "subprocess.CompletedProcess[str]":
    """Run one writer in a process that cannot write beyond `size` bytes of a file, or as a user without rights."""
    paths = [str(Path(__file__).parent), str(Path(__file__).parents[1]), environment()["PYTHONPATH"]]
    return subprocess.run(
        [sys.executable, "-B", "-c", WRITE.format(paths=paths, name=name, user=user)],
        cwd=at,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_is_a_message_and_leaves_the_old_file(tmp_path: Path, name: str) -> None:
    """In this process, so that one test tries many places: RLIMIT_FSIZE fails a write as ENOSPC does."""
    from ferflow.ui.console import explain_disk

    WRITERS[name](tmp_path / name)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    largest = max(map(len, before.values()))
    for size in (0, 1, 100, largest // 2, largest - 1):
        if name == "out.db" and size < 100:
            continue  # SQLite then cannot even open its journal, which store.py reports
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            with pytest.raises(Exception) as caught:  # noqa: PT011 (each library raises its own)
                WRITERS[name](tmp_path / (f"{size}.db" if name == "out.db" else name))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        message = explain_disk(caught.value)
        assert message, (size, repr(caught.value))
        assert message.startswith("The disk is full or failing: ")
        assert "run the same command again" in message
        if name != "out.db":
            assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_a_full_disk_ends_the_command_with_the_message(tmp_path: Path) -> None:
    done = limited(tmp_path, "out", 5_000)
    assert done.returncode == 1
    assert done.stderr.startswith("error: The disk is full or failing: ")
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user without rights")
def test_a_project_that_may_not_be_written_is_a_message(tmp_path: Path) -> None:
    done = limited(tmp_path, "out.json", 1 << 30, user=65_534)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "cannot be read or written: Permission denied. Check the owner" in done.stderr
    assert "Traceback" not in done.stderr


def test_other_errors_keep_their_traceback() -> None:
    from ferflow.ui.console import explain_disk

    assert explain_disk(ValueError("a bug")) is None
    assert explain_disk(FileNotFoundError(2, "No such file", "x")) is None
    assert explain_disk(io.UnsupportedOperation("not writable")) is None


def test_a_message_cannot_steer_the_terminal() -> None:
    from ferflow.ui.console import printable

    assert printable("name \x1b[2J\r\x9b\u202e\ud800\nnext é💥") == "name \\x1b[2J\\r\\x9b\\u202e\\ud800\nnext é💥"
