"""The MLflow store that runs are written to: connected within seconds, or a clear error."""

import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ferflow.base.errors import TrackingError
from ferflow.ui.redact import redact

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

DEFAULT_URI = "sqlite:///mlflow.db"
FINGERPRINT = "ferflow.fingerprint"
"""Tag that identifies a run; see ferflow.ui.tracking.dvc_lock."""

# With this tag MLflow's UI opens an experiment on its runs; without it, on traces of language models.
_KIND = {"mlflow.experimentKind": "custom_model_development"}
_SCHEMES = ("sqlite", "postgresql", "mysql", "mssql", "http", "https", "databricks")


@dataclass(frozen=True)
class Store:
    """An MLflow tracking store with its model registry.

    Attributes:
        uri: Address of the store; the path of a SQLite database is absolute.
        client: MLflow client of the store. Use it within `session`, which translates its errors.
    """

    uri: str
    client: "MlflowClient"

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

    def create_run(self, experiment: str, fingerprint: str, name: str, tags: Mapping[str, str]) -> "Run":
        """Create a run and return it; if another process created it at the same time, keep and return the first one.

        Args:
            experiment: Id of the experiment.
            fingerprint: Fingerprint of the run.
            name: Name of the run, for people.
            tags: Further tags by name.

        Raises:
            TrackingError: The store cannot be used.
        """
        with self.session() as client:
            created = client.create_run(experiment, tags={**tags, FINGERPRINT: fingerprint}, run_name=name)
            first = self._runs(experiment, fingerprint)[0]
            if first.info.run_id != created.info.run_id:
                client.delete_run(created.info.run_id)
        return first

    def _runs(self, experiment: str, fingerprint: str) -> "list[Run]":
        with self.session() as client:
            runs = client.search_runs([experiment], f"tags.`{FINGERPRINT}` = '{fingerprint}'")
        return sorted(runs, key=lambda run: (run.info.start_time, run.info.run_id))

    def _artifacts(self, experiment: str) -> str | None:
        database = _sqlite_path(self.uri)
        return None if database is None else (database.parent / "mlartifacts" / experiment).as_uri()


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
    database = _sqlite_path(uri)
    if database is not None:
        uri = f"sqlite:///{root.absolute() / database}"
    import mlflow

    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)  # it logs a line for every new database
    with _tracking_errors(uri):
        if database is not None:
            _check_database(root.absolute() / database)
        client = mlflow.MlflowClient(uri, uri)
        client.search_experiments(max_results=1)
    return Store(uri, client)


def check_uri(uri: str) -> None:
    """Reject an address that MLflow does not support, without connecting to it.

    Raises:
        TrackingError: The address is empty, a plain folder, or of an unknown scheme.
    """
    scheme = uri.partition(":")[0].partition("+")[0]
    if scheme not in _SCHEMES:
        raise TrackingError(
            f"MLFLOW_TRACKING_URI is invalid: must be the address of a server (http://host:5000) or of a database "
            f"({DEFAULT_URI}). Received: {redact(uri)!r}. Correct it, or unset it to use {DEFAULT_URI}."
        )


def _check_database(database: Path) -> None:
    """Open a SQLite database once, since MLflow would retry for minutes where that fails."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("pragma schema_version")


@contextlib.contextmanager
def _tracking_errors(uri: str) -> Iterator[None]:
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
        reason = redact(str(error)).strip().partition("\n")[0][:500]
        if uri.startswith("http"):
            advice = (
                "Check that the server is running and that MLFLOW_TRACKING_URI is correct, or unset it to use "
                "mlflow.db in the project root."
            )
        else:
            advice = (
                "Check that no other program locks the database and that the disk is not full. If another version of "
                f"MLflow wrote it, run: mlflow db upgrade {redact(uri)}"
            )
        raise TrackingError(f"MLflow at {redact(uri)} cannot be used: {reason}\n{advice}") from error


def _sqlite_path(uri: str) -> Path | None:
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None
