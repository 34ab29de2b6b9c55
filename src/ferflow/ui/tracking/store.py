"""The MLflow store that runs are written to: reached within seconds, or a clear error."""

import contextlib
import logging
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ferflow.base.errors import TrackingError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

DEFAULT_URI = "sqlite:///mlflow.db"
FINGERPRINT = "ferflow.fingerprint"

_KIND = {"mlflow.experimentKind": "custom_model_development"}  # the UI opens on runs, not on chats
_SCHEMES = ("sqlite", "postgresql", "mysql", "mssql", "http", "https", "databricks")


@dataclass(frozen=True)
class Store:
    """An MLflow tracking store with its registry.

    Attributes:
        uri: of the store, without a relative path.
        client: speaks to it.
    """

    uri: str
    client: "MlflowClient"

    @contextlib.contextmanager
    def speaking(self) -> Iterator["MlflowClient"]:
        """Yield the client; what MLflow, its database or the network raise meanwhile becomes a TrackingError."""
        with _translated(self.uri):
            yield self.client

    def experiment(self, name: str) -> str:
        """Return the id of the experiment `name`, made if missing.

        With a SQLite database the artifacts go to the folder `mlartifacts` beside it; a server has its own place.

        Raises:
            TrackingError: it was deleted, or the store cannot be used.
        """
        from mlflow.exceptions import MlflowException

        with self.speaking() as client:
            experiment = client.get_experiment_by_name(name)
            if experiment is None:
                try:
                    place = self._artifacts(name)
                    return str(client.create_experiment(name, artifact_location=place, tags=_KIND))
                except MlflowException as error:
                    if error.error_code != "RESOURCE_ALREADY_EXISTS":
                        raise
                    # Somebody else made it between the two calls.
                    experiment = client.get_experiment_by_name(name)
        number = experiment.experiment_id
        if experiment.lifecycle_stage != "active":
            raise TrackingError(
                f"The MLflow experiment {name!r} was deleted. Bring it back: mlflow experiments restore -x {number}; "
                "or remove it for good: mlflow gc."
            )
        return str(number)

    def find_run(self, experiment: str, fingerprint: str) -> "Run | None":
        """Return the run with this fingerprint, a finished one if there are several, or None."""
        runs = self._runs(experiment, fingerprint)
        return min(runs, key=lambda run: run.info.status != "FINISHED", default=None)

    def create_run(self, experiment: str, fingerprint: str, name: str, tags: Mapping[str, str]) -> "Run":
        """Make a run; if somebody else made it at the same time, the first one stays and is returned.

        Args:
            experiment: its id.
            fingerprint: of the run.
            name: of the run, for people.
            tags: further tags.
        """
        with self.speaking() as client:
            made = client.create_run(experiment, tags={**tags, FINGERPRINT: fingerprint}, run_name=name)
            first = self._runs(experiment, fingerprint)[0]
            if first.info.run_id != made.info.run_id:
                client.delete_run(made.info.run_id)
        return first

    def _runs(self, experiment: str, fingerprint: str) -> "list[Run]":
        with self.speaking() as client:
            runs = client.search_runs([experiment], f"tags.`{FINGERPRINT}` = '{fingerprint}'")
        return sorted(runs, key=lambda run: (run.info.start_time, run.info.run_id))

    def _artifacts(self, experiment: str) -> str | None:
        database = _sqlite_path(self.uri)
        return None if database is None else (database.parent / "mlartifacts" / experiment).as_uri()


def connect(uri: str, root: Path, timeout: int = 10, retries: int = 2) -> Store:
    """Reach an MLflow store.

    Args:
        uri: a server's address or a database, as MLFLOW_TRACKING_URI has it. The file of a SQLite database is made
            if missing; a relative one is taken from `root`.
        root: the project's folder.
        timeout: seconds that a server may take for an answer, unless MLFLOW_HTTP_REQUEST_TIMEOUT says otherwise.
        retries: further tries of a request, unless MLFLOW_HTTP_REQUEST_MAX_RETRIES says otherwise.

    Raises:
        TrackingError: MLflow cannot use such an address, or nothing answers there.
    """
    check_uri(uri)
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", str(timeout))
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", str(retries))
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "1")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    # Nothing about anybody's runs leaves the machine unasked.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    database = _sqlite_path(uri)
    if database is not None:
        uri = f"sqlite:///{root.absolute() / database}"
    import mlflow

    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)  # it greets every new database
    with _translated(uri):
        if database is not None:
            _open(root.absolute() / database)
        client = mlflow.MlflowClient(uri, uri)
        client.search_experiments(max_results=1)
    return Store(uri, client)


def check_uri(uri: str) -> None:
    """Refuse addresses that MLflow cannot use; nothing is reached for.

    Raises:
        TrackingError: it is empty, a plain folder, or of an unknown kind.
    """
    scheme = uri.partition(":")[0].partition("+")[0]
    if scheme not in _SCHEMES:
        raise TrackingError(
            f"MLFLOW_TRACKING_URI is {redact(uri)!r}, and MLflow keeps no runs there. "
            f"Use a server (http://host:5000) or a database ({DEFAULT_URI}), or unset it for {DEFAULT_URI}."
        )


def redact(text: str) -> str:
    """Return `text` with the user names and passwords in its addresses blotted out."""
    return re.sub(r"//[^/@\s]+@", "//***@", text)


def _open(database: Path) -> None:
    """Open a SQLite database once: where that fails, MLflow would try again and again for minutes."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("pragma schema_version")


@contextlib.contextmanager
def _translated(uri: str) -> Iterator[None]:
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
        reason = redact(str(error)).strip().partition("\n")[0][:500]
        if uri.startswith("http"):
            advice = (
                "Is the server running, and is MLFLOW_TRACKING_URI right? "
                "Unset it, and runs go to mlflow.db in the project's folder."
            )
        else:
            advice = "Does another program hold it, is the disk full, is it of another MLflow (mlflow db upgrade)?"
        raise TrackingError(f"MLflow at {redact(uri)} cannot be used: {reason}\n{advice}") from error


def _sqlite_path(uri: str) -> Path | None:
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None
