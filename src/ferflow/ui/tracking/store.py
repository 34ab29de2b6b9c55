"""The MLflow store that runs are written to: connected within seconds, or a clear error."""

import contextlib
import logging
import os
import socket
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ferflow.base.errors import FerflowError, TrackingError
from ferflow.ui.redact import redact

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

DEFAULT_URI = "sqlite:///mlflow.db"
FINGERPRINT = "ferflow.fingerprint"
"""Tag that identifies a run; see ferflow.ui.tracking.dvc_lock."""

GLANCE = "Best"
"""Section of the metrics that MLflow's UI shows first: it sorts sections by name, in some places capitals first."""

# With the first tag MLflow's UI offers runs and models; without it, traces of language models. The others name the
# metric that it sorts by.
_KIND = {
    "mlflow.experimentKind": "custom_model_development",
    "mlflow.experiment.primaryMetric.name": f"{GLANCE}/validation_accuracy",
    "mlflow.experiment.primaryMetric.greaterIsBetter": "True",
}
_SCHEMES = ("sqlite", "postgresql", "mysql", "mssql", "http", "https", "databricks")
_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}


@dataclass(frozen=True)
class Store:
    """An MLflow tracking store with its model registry.

    Attributes:
        uri: Address of the store; the path of a SQLite database is absolute.
        client: MLflow client of the store. Use it within `session`, which translates its errors.
    """

    uri: str
    client: "MlflowClient"

    @property
    def database(self) -> Path | None:
        """File of a SQLite database; None if the store is a server or another database."""
        return sqlite_path(self.uri)

    @property
    def artifacts(self) -> Path | None:
        """Folder of the artifacts, next to a SQLite database; None if the server decides."""
        return None if self.database is None else self.database.parent / "mlartifacts"

    @contextlib.contextmanager
    def session(self) -> Iterator["MlflowClient"]:
        """Yield the client, and turn what MLflow, its database or the network raise into a TrackingError."""
        with _tracking_errors(self.uri):
            yield self.client

    def experiment(self, name: str) -> str:
        """Return the id of the experiment `name`, and create it if it is missing.

        With a SQLite database, artifacts go to the folder `mlartifacts` next to it; a server decides for itself.

        Raises:
            TrackingError: The experiment was deleted, or the store cannot be used.
        """
        from mlflow.exceptions import MlflowException

        with self.session() as client:
            experiment = client.get_experiment_by_name(name)
            if experiment is None:
                try:
                    location = self._artifacts(name)
                    return str(client.create_experiment(name, artifact_location=location, tags=_KIND))
                except MlflowException as error:
                    if error.error_code != "RESOURCE_ALREADY_EXISTS":
                        raise
                    # Another process created it between the two calls.
                    experiment = client.get_experiment_by_name(name)
        experiment_id = str(experiment.experiment_id)
        if experiment.lifecycle_stage != "active":
            raise TrackingError(
                f"The MLflow experiment {name!r} was deleted. Restore it: mlflow experiments restore -x "
                f"{experiment_id}; or remove it for good: mlflow gc."
            )
        return experiment_id

    def find_run(self, experiment: str, fingerprint: str) -> "Run | None":
        """Return the run with this fingerprint, or None. If there are several, a finished one is preferred."""
        runs = self._runs(experiment, fingerprint)
        return min(runs, key=lambda run: run.info.status != "FINISHED", default=None)

    def create_run(
        self, experiment: str, fingerprint: str, name: str, tags: Mapping[str, str], started: int | None = None
    ) -> "Run":
        """Create a run and return it; if another process created it at the same time, keep and return the first one.

        Args:
            experiment: Id of the experiment.
            fingerprint: Fingerprint of the run.
            name: Name of the run, for people.
            tags: Further tags by name.
            started: Start in milliseconds since 1970. Defaults to now.

        Raises:
            TrackingError: The store cannot be used.
        """
        with self.session() as client:
            all_tags = {**tags, FINGERPRINT: fingerprint}
            created = client.create_run(experiment, start_time=started, tags=all_tags, run_name=name)
            first = self._runs(experiment, fingerprint)[0]
            if first.info.run_id != created.info.run_id:
                client.delete_run(created.info.run_id)
        return first

    def _runs(self, experiment: str, fingerprint: str) -> "list[Run]":
        with self.session() as client:
            runs = client.search_runs([experiment], f"tags.`{FINGERPRINT}` = '{fingerprint}'")
        return sorted(runs, key=lambda run: (run.info.start_time, run.info.run_id))

    def _artifacts(self, experiment: str) -> str | None:
        return None if self.artifacts is None else (self.artifacts / experiment).as_uri()


def connect(uri: str, root: Path, timeout: int = 10, retries: int = 2) -> Store:
    """Connect to an MLflow store.

    Args:
        uri: Address of a server or a database, as in MLFLOW_TRACKING_URI. The file of a SQLite database is created if
            it is missing; a relative path is relative to `root`.
        root: Project root.
        timeout: Seconds to wait for a server's answer, unless MLFLOW_HTTP_REQUEST_TIMEOUT is set. Defaults to 10.
        retries: Number of further attempts of a request, unless MLFLOW_HTTP_REQUEST_MAX_RETRIES is set. Defaults to 2.

    Raises:
        TrackingError: MLflow does not support such an address, or the store does not answer.
    """
    check_uri(uri)
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", str(timeout))
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", str(retries))
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "1")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    # Nothing about the user's runs leaves the machine without consent.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    database = sqlite_path(uri)
    if database is not None:
        query = uri.partition("?")[2]
        uri = f"sqlite:///{root.absolute() / database}" + (f"?{query}" if query else "")
    import mlflow

    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)  # it logs a line for every new database
    with _tracking_errors(uri):
        if _scheme(uri) in _DATABASES:
            _check_database(uri, None if database is None else root.absolute() / database, timeout)
        client = mlflow.MlflowClient(uri, uri)
        client.search_experiments(max_results=1)
    return Store(uri, client)


def check_uri(uri: str) -> None:
    """Reject an address that MLflow does not support, without connecting to it.

    Raises:
        TrackingError: The address is empty, a plain folder, of an unknown scheme, or a SQLite database without a file.
    """
    in_memory = _scheme(uri) == "sqlite" and not uri.partition(":///")[2]
    if _scheme(uri) not in _SCHEMES or in_memory:
        raise TrackingError(
            f"MLFLOW_TRACKING_URI is invalid: must be the address of a server (http://host:5000) or of a database "
            f"({DEFAULT_URI}). Received: {redact(uri)!r}. Correct it, or unset it to use {DEFAULT_URI}."
        )


def _scheme(uri: str) -> str:
    return uri.partition(":")[0].partition("+")[0] if ":" in uri else ""


def _check_database(uri: str, file: Path | None, timeout: int) -> None:
    """Open a database once, since MLflow would retry for minutes where that fails.

    Args:
        uri: Address of the database.
        file: Its file if it is a SQLite database, else None.
        timeout: Seconds to wait for the server.
    """
    if file is not None:
        with contextlib.closing(sqlite3.connect(file)) as connection:
            connection.execute("pragma schema_version")
        return
    from sqlalchemy import create_engine, make_url
    from sqlalchemy.pool import NullPool

    url = make_url(uri)
    url.get_dialect().import_dbapi()
    if url.host:
        socket.create_connection((url.host, url.port or _PORTS.get(_scheme(uri), 0)), timeout).close()
    with create_engine(url, poolclass=NullPool).connect():
        pass


@contextlib.contextmanager
def _tracking_errors(uri: str) -> Iterator[None]:
    """Turn whatever MLflow, a database's driver or the network raise into a TrackingError.

    What they raise is not limited to a few types: a driver that is not installed is an ImportError, a host name that
    cannot be encoded a UnicodeError, an answer that is not JSON a ValueError. Errors of ferflow's own keep their type.
    """
    try:
        yield
    except FerflowError:
        raise
    except Exception as error:
        if _raised_by_ferflow(error):
            raise
        reason = redact(str(error)).strip().partition("\n")[0][:500] or type(error).__name__
        raise TrackingError(f"MLflow at {redact(uri)} cannot be used: {reason}\n{_advice(uri, error)}") from error


def _raised_by_ferflow(error: Exception) -> bool:
    """Return whether an error is a mistake in this package: raised by its own code, and of no type that a store has."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    if isinstance(error, (MlflowException, SQLAlchemyError, sqlite3.Error, OSError, ImportError)):
        return False
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and str(trace.tb_frame.f_globals.get("__name__", "")).startswith("ferflow.")


def _advice(uri: str, error: Exception) -> str:
    if isinstance(error, ImportError):
        package = f" the package {error.name}" if error.name else " its package"
        return (
            f"The database needs a driver that is not installed. Install{package} (pip install), or use {DEFAULT_URI}."
        )
    if _scheme(uri) not in _DATABASES:
        return (
            "Check that the server is running and that MLFLOW_TRACKING_URI is correct, or unset it to use "
            "mlflow.db in the project root."
        )
    if sqlite_path(uri) is None:
        return (
            f"Check that the database server is running and that MLFLOW_TRACKING_URI is correct, or use {DEFAULT_URI}."
        )
    return (
        "Check that the file can be written, that no other program locks it and that the disk is not full. If another "
        f"version of MLflow wrote it, run: mlflow db upgrade {redact(uri)}\nIf it is damaged, delete it and run: "
        "ferflow track. It rebuilds all runs from what DVC tracks."
    )


def sqlite_path(uri: str) -> Path | None:
    """Return the file of a SQLite address, or None if it is another address."""
    return Path(uri.removeprefix("sqlite:///").partition("?")[0]) if uri.startswith("sqlite:///") else None
