"""Optuna's storages as a queue that several machines can reach: how they are opened, and what if they are away."""

import os
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import optuna
import sqlalchemy.exc
from optuna.storages import BaseStorage, GrpcStorageProxy, RDBStorage

from ferflow.base.errors import ConfigError, FerflowError
from ferflow.ui.redact import redact

T = TypeVar("T")

_AWAY = ("UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "UNKNOWN", "INTERNAL")
_LONGEST_PAUSE = 5.0  # seconds between two attempts to reach a storage


class StorageAwayError(FerflowError):
    """A storage has not answered for as long as one is ready to wait."""


class Reach:
    """Calls a storage, and waits while it is away: each outage is one line at its start and one at its end."""

    def __init__(self, what: str, give_up: float = float("inf"), say: Callable[[str], None] | None = None) -> None:
        """Choose how long to wait.

        Args:
            what: The storage, for people, such as its address without a password.
            give_up: Seconds after which to give up. Defaults to never.
            say: Function that shows a line. Defaults to standard error.
        """
        self._what = what
        self._give_up = give_up
        self._say = say or _print
        self.outages = 0
        """How often the storage was away."""

    def __call__(self, call: Callable[[], T], *, stop: threading.Event | None = None) -> T:
        """Return what `call` returns once the storage answers.

        Args:
            call: What to ask. It is asked again and again, so that it may have acted without having answered.
            stop: Gives up once it is set. Defaults to nothing.

        Raises:
            StorageAwayError: The storage has not answered for `give_up` seconds, or `stop` was set.
        """
        began, pause = 0.0, 0.1
        while True:
            try:
                result = call()
            except Exception as error:
                reason = _why_away(error)
                if reason is None:
                    raise
                now = time.monotonic()
                if not began:
                    began = now
                    self.outages += 1
                    self._say(f"{self._what} does not answer ({reason}). Waiting for it.")
                if now - began > self._give_up or (stop and stop.is_set()):
                    raise StorageAwayError(
                        f"{self._what} has not answered for {now - began:.0f} s ({reason}). Start it, or the search "
                        "that holds it, and run again."
                    ) from error
                time.sleep(pause)
                pause = min(_LONGEST_PAUSE, 1.5 * pause)
            else:
                if began:
                    self._say(f"{self._what} answers again after {time.monotonic() - began:.0f} s.")
                return result


def open_storage(url: str, *, create: bool) -> BaseStorage:
    """Open a storage.

    Args:
        url: `grpc://HOST:PORT` of a search's own queue, or `postgresql+psycopg://...`.
        create: Whether to create the tables of a database that has none.

    Raises:
        ConfigError: The address is of another kind, or a package is missing.
    """
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # its handlers would disturb the start of workers
    parts = urlsplit(url)
    if parts.scheme == "grpc":
        try:
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
        if not host or not port:
            raise ConfigError(f"The storage must be grpc://HOST:PORT. Received: {redact(url)!r}.")
        with _quiet():
            return GrpcStorageProxy(host=host, port=port)
    if not parts.scheme.startswith("postgresql"):
        raise ConfigError(
            "The storage must be grpc://HOST:PORT, as a running search prints it, or postgresql+psycopg://USER@HOST/"
            f"DATABASE. SQLite by itself would hand out a trial twice. Received: {redact(url)!r}."
        )
    try:
        return RDBStorage(url, engine_kwargs={"pool_pre_ping": True}, skip_table_creation=not create)
    except ImportError as error:
        raise ConfigError(
            f"The storage {redact(url)} needs a package that cannot be imported ({error}). Install it: pip install "
            "'ferflow[postgres]'."
        ) from None
    except (ValueError, sqlalchemy.exc.ArgumentError) as error:
        raise ConfigError(f"The storage's address is invalid ({error}). Received: {redact(url)!r}.") from None


def start_proxy(database: Path, listen: str) -> str:
    """Serve an SQLite database to workers from a thread of this process, and return its address.

    SQLite hands one waiting trial to two workers that ask at once. One thread that answers everybody in turn does not.

    Args:
        database: File of the queue. A damaged one is replaced: the journal has what counts.
        listen: `HOST` or `HOST:PORT`. Without a port, a free one is chosen.

    Raises:
        ConfigError: The address is invalid, or in use.
    """
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
    host, _, port = listen.partition(":")
    address = (host, _free_port(host, port))
    database.parent.mkdir(parents=True, exist_ok=True)
    try:
        storage = _sqlite(database)
    except sqlalchemy.exc.DatabaseError as error:
        _print(f"warning: {database} is damaged ({error.orig}) and is replaced. Trials under way start again.")
        for file in database.parent.glob(f"{database.name}*"):
            file.unlink()
        storage = _sqlite(database)
    with _quiet():
        threading.Thread(
            target=optuna.storages.run_grpc_proxy_server,
            args=(storage,),
            kwargs={"host": address[0], "port": address[1], "thread_pool": ThreadPoolExecutor(1)},
            daemon=True,
        ).start()
        GrpcStorageProxy(host=address[0], port=address[1]).wait_server_ready(timeout=60)
    return f"grpc://{address[0]}:{address[1]}"


def _sqlite(database: Path) -> BaseStorage:
    url = sqlalchemy.URL.create("sqlite", database=str(database)).render_as_string()
    # Other threads than the one that answers never use it, but that one is not the one that opens it.
    return RDBStorage(url, engine_kwargs={"connect_args": {"timeout": 60, "check_same_thread": False}})


def _free_port(host: str, port: str) -> int:
    """Return the port, once it is certain that nobody else has it: gRPC would share it without a word."""
    try:
        with socket.socket() as probe:
            probe.bind((host, int(port or 0)))
            return int(probe.getsockname()[1])
    except (OSError, ValueError, OverflowError) as error:
        raise ConfigError(
            f"FERFLOW_TUNE_LISTEN must be HOST or HOST:PORT of this machine with a free port ({error}). Received: "
            f"{host}{':' if port else ''}{port}."
        ) from None


def _why_away(error: Exception) -> str | None:
    """Return why a storage did not answer, in a few words; None if the error is of another kind."""
    code = getattr(error, "code", None)
    if callable(code) and hasattr(error, "details"):  # of gRPC, whose client raises a class that is private
        name = getattr(code(), "name", "")
        return f"{name.lower()}: {str(error.details())[:200]}" if name in _AWAY else None
    if isinstance(error, optuna.exceptions.StorageInternalError):
        return _short(error.__cause__ or error)
    if isinstance(
        error, (sqlalchemy.exc.OperationalError, sqlalchemy.exc.InterfaceError, sqlalchemy.exc.InternalError)
    ):
        return _short(error)
    if isinstance(error, sqlalchemy.exc.ProgrammingError):  # the search has not made its tables yet
        return "it has no search yet"
    return None


def _short(error: BaseException) -> str:
    return str(getattr(error, "orig", None) or error).strip().partition("\n")[0][:200]


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _quiet() -> "warnings.catch_warnings[None]":
    return warnings.catch_warnings(action="ignore", category=optuna.exceptions.ExperimentalWarning)
