"""A PostgreSQL server of the tests' own, in a folder, which they can kill and start again."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest


def _as_postgres() -> dict[str, object]:
    """PostgreSQL refuses to run as root."""
    return {"user": "nobody"} if os.geteuid() == 0 else {}


class Postgres:
    def __init__(self, folder: Path) -> None:
        pytest.importorskip("psycopg", reason="pip install 'ferflow[postgres]'")
        if not shutil.which("initdb"):
            pytest.skip("PostgreSQL's initdb is not on the PATH")
        self._data = folder / "data"
        folder.chmod(0o777)
        for above in folder.parents:  # for the other user
            if above.owner() == folder.owner() and str(above).startswith("/tmp/"):
                above.chmod(above.stat().st_mode | 0o055)
        command = ["initdb", "-D", str(self._data), "-U", "tuner", "--auth=trust", "--no-sync"]
        subprocess.run(command, check=True, capture_output=True, **_as_postgres())
        self._folder = folder
        self._process: subprocess.Popen | None = None
        self.url = f"postgresql+psycopg://tuner@/postgres?host={folder}"

    def start(self) -> None:
        """Start the server and wait for it.

        After a kill its children need a moment to end, during which a new server refuses to start; and it repairs its
        files first, which takes long on a busy disk.
        """
        # A kill of processes loses nothing that the system holds, so the disk need not be waited for.
        command = ["postgres", "-D", str(self._data), "-k", str(self._folder), "-c", "listen_addresses="]
        command += ["-c", "fsync=off"]
        until = time.monotonic() + 120
        self._process = None
        while time.monotonic() < until:
            if self._process is None or self._process.poll() is not None:
                time.sleep(0.5)
                with (self._folder / "log").open("ab") as log:
                    self._process = subprocess.Popen(command, stderr=log, **_as_postgres())
            if subprocess.run(["pg_isready", "-q", "-h", str(self._folder)]).returncode == 0:
                time.sleep(0.5)  # it may still end, because children of the killed one hold its memory
                if self._process.poll() is None:
                    return
            time.sleep(0.1)
        raise AssertionError(f"PostgreSQL does not start:\n{(self._folder / 'log').read_text()[-3000:]}")

    def kill(self) -> None:
        """Kill the postmaster as `kill -9` does."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(30)
