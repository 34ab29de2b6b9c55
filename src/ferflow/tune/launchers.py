"""Launchers: they start workers, nothing more. A worker is one command, which anybody can start by hand as well."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ferflow.base.errors import ConfigError, FerflowError

STORAGE_VARIABLE = "FERFLOW_TUNE_STORAGE"
_DEATHS = 20  # workers that may be killed while no trial ends; more, and starting them again is of no use


class Launcher(Protocol):
    """Starts workers, and keeps them running."""

    def start(self, url: str) -> None:
        """Start the workers of the queue at `url`."""

    def tend(self) -> set[str]:
        """Start workers again that died, and return the names of the dead."""

    def progressed(self) -> None:
        """Hear that a trial has ended."""

    def stop(self, wait: float) -> None:
        """Give workers `wait` seconds to end by themselves, then end them."""


class LocalLauncher:
    """Runs workers as processes of this machine; they end with the process that started them, however it ends."""

    def __init__(
        self, command: Sequence[str], workers: int, logs: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        """Choose what to run.

        Args:
            command: The command of a worker, to which `--name NAME` is added. It reads its queue's address from
                FERFLOW_TUNE_STORAGE, and ends when its standard input is closed.
            workers: Number of workers, 0 or more.
            logs: Folder for what they print, a file each.
            environment: Further environment variables. Defaults to none.
        """
        self._command, self._count, self._logs = list(command), workers, logs
        self._environment = dict(environment or {})
        self._url = ""
        self._workers: dict[int, tuple[str, subprocess.Popen[bytes]]] = {}
        self._started = 0
        self._deaths = 0

    def start(self, url: str) -> None:
        """Start the workers of the queue at `url`."""
        self._url = url
        for place in range(self._count):
            self._start(place)

    def tend(self) -> set[str]:
        """Start workers again that were killed, and return the names that those had.

        Raises:
            FerflowError: A worker failed by itself, or workers are killed again and again.
        """
        dead = set()
        for place, (name, process) in list(self._workers.items()):
            status = process.poll()
            if status is None:
                continue
            if status > 0:
                raise FerflowError(
                    f"Worker {name} failed with exit status {status}: {self._last_words(place)}\nAll of its output is "
                    f"in {self._log(place)}."
                )
            dead.add(name)
            self._deaths += status < 0
            if self._deaths > _DEATHS:
                raise FerflowError(
                    f"{self._deaths} workers in succession were killed by {signal.Signals(-status).name} while no "
                    "trial ended, most likely because memory was exhausted. Use fewer workers, or a smaller "
                    "batch_size, and run again: the search resumes."
                )
            self._start(place)
        return dead

    def progressed(self) -> None:
        """Hear that a trial has ended."""
        self._deaths = 0

    def stop(self, wait: float) -> None:
        """Give workers `wait` seconds to end by themselves, then end them."""
        until = time.monotonic() + wait
        while time.monotonic() < until and any(process.poll() is None for _, process in self._workers.values()):
            time.sleep(0.05)
        for _, process in self._workers.values():
            if process.stdin:
                process.stdin.close()
        for _, process in self._workers.values():
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._workers.clear()

    def _start(self, place: int) -> None:
        self._started += 1
        name = f"{place + 1}-{os.getpid()}-{self._started}"
        self._logs.mkdir(parents=True, exist_ok=True)
        with self._log(place).open("ab" if place in self._workers else "wb") as log:
            process = subprocess.Popen(
                [*self._command, "--name", name],
                env={**os.environ, **self._environment, STORAGE_VARIABLE: self._url},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the coordinator, which then ends them
            )
        self._workers[place] = (name, process)

    def _log(self, place: int) -> Path:
        return self._logs / f"worker-{place + 1}.log"

    def _last_words(self, place: int) -> str:
        lines = self._log(place).read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return "\n".join(lines[-10:])


class RayLauncher:
    """Runs workers on a Ray cluster, which places them by the cores and GPUs that each asks for."""

    def __init__(self, command: Sequence[str], workers: int, cpus: float, gpus: float) -> None:
        """Choose what to run.

        Args:
            command: The command of a worker; see LocalLauncher.
            workers: Number of workers.
            cpus: Cores of each.
            gpus: GPUs of each; may be a fraction.

        Raises:
            ConfigError: Ray is not installed.
        """
        try:
            import ray
        except ImportError as error:
            raise ConfigError(
                f"The launcher ray needs the package ray, which cannot be imported ({error}). Install it: pip install "
                "'ferflow[ray]'."
            ) from None
        self._ray: Any = ray
        self._command, self._count, self._cpus, self._gpus = list(command), workers, cpus, gpus
        self._tasks: dict[Any, str] = {}
        self._url = ""

    def start(self, url: str) -> None:
        """Connect to the cluster that RAY_ADDRESS names, or to the one of this machine, and start the workers.

        Raises:
            ConfigError: There is no cluster.
        """
        self._url = url
        try:
            self._ray.init(address="auto", log_to_driver=False, logging_level="ERROR")
        except ConnectionError as error:
            raise ConfigError(
                f"No Ray cluster was found ({error}). Start one (ray start --head), or set RAY_ADDRESS."
            ) from None
        for number in range(self._count):
            self._start(f"ray-{os.getpid()}-{number + 1}")

    def tend(self) -> set[str]:
        """Start workers again whose node was lost, and return the names of those.

        Raises:
            FerflowError: A worker failed by itself.
        """
        ready, _ = (
            self._ray.wait(list(self._tasks), num_returns=len(self._tasks), timeout=0) if self._tasks else ([], [])
        )
        dead = set()
        for task in ready:
            name = self._tasks.pop(task)
            try:
                status, words = self._ray.get(task)
            except self._ray.exceptions.RayError:
                status, words = -1, ""
            if status > 0:
                raise FerflowError(f"Worker {name} failed with exit status {status}: {words}")
            dead.add(name)
            if status < 0:
                self._start(f"{name}+")
        return dead

    def progressed(self) -> None:
        """Hear that a trial has ended."""

    def stop(self, wait: float) -> None:
        """Give workers `wait` seconds to end by themselves, then end them."""
        if self._tasks:
            self._ray.wait(list(self._tasks), num_returns=len(self._tasks), timeout=wait)
            for task in self._tasks:
                self._ray.cancel(task, force=True)
        self._ray.shutdown()

    def _start(self, name: str) -> None:
        environment = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        # Ray would hide GPUs from a task that asks for none; a worker on cores alone wants just that.
        run = self._ray.remote(num_cpus=self._cpus, num_gpus=self._gpus, max_retries=0)(_run_command)
        task = run.remote(
            [*self._command, "--name", name], str(Path.cwd()), {**environment, STORAGE_VARIABLE: self._url}
        )
        self._tasks[task] = name


def _run_command(command: Sequence[str], folder: str, environment: Mapping[str, str]) -> tuple[int, str]:
    """Run a worker on a node; return its exit status and what it said last."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    words = b"".join(process.stdout.readlines()[-10:])
    return process.wait(), words.decode("utf-8", "replace")
