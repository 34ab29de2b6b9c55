"""What git does not have of a result: the uncommitted changes that it was made with, kept with its run."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from ferflow.ui.tracking.store import Store

PATCH = "source/uncommitted.patch"
"""Artifact of a run: how code, params and small outputs differed from the commit."""
# All that decides a result, and the small outputs that git keeps. Nothing else of a working tree is anybody's business.
_PATHS = ("src", "stages", "settings", "reports", "params.yaml", "dvc.yaml", "dvc.lock", "requirements.lock")
_MAX_BYTES = 20_000_000


def keep_uncommitted_changes(store: Store, root: Path, run_id: str) -> None:
    """Store the difference between the project and its commit with a run, unless it has one already.

    Without git, or if the difference is larger than 20 MB, nothing is stored.

    Args:
        store: MLflow store.
        root: Project root.
        run_id: Id of the run.

    Raises:
        TrackingError: The store cannot be used.
    """
    with store.session() as client:
        if any(item.path == PATCH for item in client.list_artifacts(run_id, str(Path(PATCH).parent))):
            return
    patch = _difference(root)
    if patch is None or len(patch) > _MAX_BYTES:
        return
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / Path(PATCH).name
        file.write_bytes(patch)
        with store.session() as client:
            client.log_artifact(run_id, str(file), str(Path(PATCH).parent))


def _difference(root: Path) -> bytes | None:
    """Return `git diff` against the commit, new files included, or None without git."""
    try:
        index = Path(_git(root, "rev-parse", "--path-format=absolute", "--git-path", "index").decode().strip())
        with tempfile.TemporaryDirectory() as temporary:
            # Another index, so that the user's staged changes stay as they are.
            other = Path(temporary) / "index"
            if index.is_file():
                shutil.copy(index, other)
            environment = {**os.environ, "GIT_INDEX_FILE": str(other)}
            paths = [path for path in _PATHS if (root / path).exists()]
            _git(root, "add", "--all", "--", *paths, environment=environment)
            return _git(root, "diff", "--cached", "--binary", "HEAD", "--", *paths, environment=environment)
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(root: Path, *arguments: str, environment: dict[str, str] | None = None) -> bytes:
    return subprocess.run(["git", *arguments], cwd=root, env=environment, check=True, capture_output=True).stdout
