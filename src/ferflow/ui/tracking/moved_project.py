"""A project that was moved or copied: MLflow records absolute paths of its artifacts, and they follow the project."""

import contextlib
import sqlite3
import urllib.parse
import urllib.request
from pathlib import Path

from ferflow.ui.tracking.store import Store

# Where MLflow's schema has the location of artifacts.
_COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def follow_moved_project(store: Store) -> bool:
    """Correct the paths in a project's own SQLite database if the project is in another folder than before.

    Only artifacts in the folder `mlartifacts` next to the database are looked at, and only if that folder exists.

    Returns:
        Whether a path was corrected.

    Raises:
        TrackingError: The database cannot be read or written.
    """
    if store.database is None or store.artifacts is None or not store.artifacts.is_dir():
        return False
    here = store.artifacts.as_uri()
    with store.session() as client:
        experiments = client.search_experiments()
        moved = {
            before
            for experiment in experiments
            if (before := _artifacts_root(experiment.artifact_location, experiment.name)) not in (None, here)
            and not _same_folder(before, store.artifacts)
        }
        if not moved:
            return False
        with contextlib.closing(sqlite3.connect(store.database, timeout=10)) as database, database:
            for before in sorted(moved):
                for table, column in _COLUMNS:
                    database.execute(
                        f"update {table} set {column} = ? || substr({column}, ?) where substr({column}, 1, ?) = ?",
                        (here, len(before) + 1, len(before) + 1, f"{before}/"),
                    )
    return True


def _artifacts_root(location: str, experiment: str) -> str | None:
    """Return the address of the folder `mlartifacts` above an experiment's location, or None if it is elsewhere."""
    suffix = f"/mlartifacts/{urllib.parse.quote(experiment)}"
    if not location.startswith("file:") or not location.endswith(suffix):
        return None
    return location.removesuffix(f"/{urllib.parse.quote(experiment)}")


def _same_folder(uri: str, folder: Path) -> bool:
    path = Path(urllib.request.url2pathname(urllib.parse.urlparse(uri).path))
    return path.is_dir() and path.samefile(folder)
