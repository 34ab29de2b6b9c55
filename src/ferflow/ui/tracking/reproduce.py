"""`ferflow reproduce`: from a version in the registry back to its code, params and data, and to its weights."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ferflow.base.errors import FerflowError, TrackingError
from ferflow.base.hashing import sha256
from ferflow.ui.tracking.dvc_lock import fingerprint_of_running_stage
from ferflow.ui.tracking.logged_models import MODEL_SHA256
from ferflow.ui.tracking.source_snapshot import PATCH
from ferflow.ui.tracking.store import FINGERPRINT, Store

_URI = re.compile(r"models:/(?P<name>[^/@]+)(?:/(?P<version>\d+)|@(?P<alias>[^/@]+))")


@dataclass(frozen=True)
class Origin:
    """Where a version comes from, as its tags record it.

    Attributes:
        name: Name of the registered model.
        version: Number of the version.
        run_id: Id of the run that trained it, or None.
        model: Name of the result.
        stage: DVC stage that trained it, such as `train@cnn`.
        commit: Git commit that was checked out.
        fingerprint: Fingerprint of the stage; see ferflow.ui.tracking.dvc_lock.
        model_sha256: SHA-256 of its weights' file.
    """

    name: str
    version: str
    run_id: str | None
    model: str
    stage: str
    commit: str
    fingerprint: str
    model_sha256: str


def read_origin(store: Store, uri: str) -> Origin:
    """Return where a version comes from.

    Args:
        store: MLflow store with the registry.
        uri: `models:/<name>/<version>` or `models:/<name>@<alias>`.

    Raises:
        TrackingError: There is no such version, or it does not record its origin.
    """
    match = _URI.fullmatch(uri)
    if match is None:
        raise TrackingError(
            f"The address of a version must be models:/NAME/VERSION or models:/NAME@ALIAS. Received: {uri!r}."
        )
    with store.session() as client:
        if match["version"]:
            version = client.get_model_version(match["name"], match["version"])
        else:
            version = client.get_model_version_by_alias(match["name"], match["alias"])
    tags: Mapping[str, str] = version.tags
    keys = ("ferflow.model", "ferflow.stage", "mlflow.source.git.commit", FINGERPRINT, MODEL_SHA256)
    if missing := [key for key in keys if not tags.get(key)]:
        raise TrackingError(
            f"{uri} does not record {', '.join(missing)}, so its origin is unknown. Versions that are registered from "
            "a git repository after `dvc repro` record all of it."
        )
    model, stage, commit, fingerprint, weights = (tags[key] for key in keys)
    return Origin(version.name, str(version.version), version.run_id, model, stage, commit, fingerprint, weights)


def restore(store: Store, root: Path, origin: Origin, folder: Path) -> list[str]:
    """Put code, params and data of a version into a new folder, and return sentences that say what is there.

    The folder is a clone of the project's repository with the same DVC cache. That it is the origin of the version is
    proved by the stage's fingerprint, which covers the command and every file and value that the stage depends on.

    Args:
        store: MLflow store with the run of the version.
        root: Project root, a git repository that has the commit.
        origin: What read_origin returns.
        folder: Folder to create.

    Raises:
        FerflowError: The folder exists, the commit or the data are missing, or the fingerprint differs.
    """
    if folder.exists():
        raise FerflowError(f"{folder} exists already. Remove it, or name another folder: --into FOLDER.")
    try:
        _run(root, "git", "cat-file", "-e", f"{origin.commit}^{{commit}}")
    except FerflowError:
        raise FerflowError(
            f"This repository does not have commit {origin.commit}, from which version {origin.version} of "
            f"{origin.name} was made. Get it: git fetch --all."
        ) from None
    folder = folder.absolute()
    _run(root, "git", "clone", "--quiet", "--no-checkout", str(root.absolute()), str(folder))
    _run(folder, "git", "-c", "advice.detachedHead=false", "checkout", "--quiet", origin.commit)
    said = [f"code and params: commit {origin.commit[:12]}"]
    if patch := _patch(store, origin):
        _run(folder, "git", "apply", "--binary", "--whitespace=nowarn", str(patch))
        said[0] += " with the uncommitted changes that its run keeps"
    _share_cache(root, folder)
    _fetch_data(folder, origin)
    found = fingerprint_of_running_stage(folder, origin.stage)
    if found != origin.fingerprint:
        raise FerflowError(
            f"{folder} is not the origin of version {origin.version}: {origin.stage} has the fingerprint "
            f"{found[:12]} there, and had {origin.fingerprint[:12]}. The code, params or data were changed without a "
            "commit, and the run did not keep the changes."
        )
    said.append(f"data: as dvc.lock of that commit records it; fingerprint {found[:12]} of {origin.stage} is equal")
    return said


def command(origin: Origin) -> list[str]:
    """Return the arguments of dvc that train the version again."""
    return ["repro", "--force", "--single-item", origin.stage]


def train_again(origin: Origin, folder: Path) -> str:
    """Train a restored version again, compare the weights, and return a sentence that says so.

    Raises:
        FerflowError: The training fails, or its weights differ.
    """
    environment = {key: value for key, value in os.environ.items() if key not in ("MLFLOW_TRACKING_URI", "DVC_STAGE")}
    bin_folder = Path(sys.executable).parent
    environment["PATH"] = f"{bin_folder}{os.pathsep}{environment.get('PATH', '')}"
    # The stage must import the restored code, not the package that this environment has installed.
    environment["PYTHONPATH"] = str((folder / "src").absolute())
    arguments = command(origin)
    status = subprocess.run([str(bin_folder / "dvc"), *arguments], cwd=folder, env=environment, check=False).returncode
    if status:
        raise FerflowError(f"dvc {' '.join(arguments)} failed with exit status {status}; see the output above.")
    found = sha256(folder / "models" / origin.model / "model.keras")
    if found != origin.model_sha256:
        raise FerflowError(
            f"The weights differ: sha256 {found[:12]}, and version {origin.version} of {origin.name} has "
            f"{origin.model_sha256[:12]}. Same bytes are promised for the same machine and package versions only."
        )
    return f"weights sha256 equal: {found}"


def _patch(store: Store, origin: Origin) -> Path | None:
    """Return the file of the uncommitted changes that a run keeps, or None if there were none."""
    if origin.run_id is None:
        return None
    with store.session() as client:
        if not any(item.path == PATCH for item in client.list_artifacts(origin.run_id, str(Path(PATCH).parent))):
            return None
        file = Path(client.download_artifacts(origin.run_id, PATCH))
    return file if file.stat().st_size else None


def _share_cache(root: Path, folder: Path) -> None:
    """Make the clone use the cache of the project, so that data and models need no copy and no network."""
    from dvc.repo import Repo

    with Repo(str(root)) as repo:
        cache = repo.cache.local_cache_dir
    config = folder / ".dvc" / "config.local"
    config.write_text(f"[cache]\n    dir = {cache}\n", encoding="utf-8")


def _fetch_data(folder: Path, origin: Origin) -> None:
    """Check out what the stage reads from DVC's cache, or pull it from the remote."""
    from ferflow.ui.tracking.dvc_lock import read_lock

    lock = read_lock(folder)
    dvc = str(Path(sys.executable).parent / "dvc")
    for path in lock.deps(origin.stage):
        if (folder / path).exists() or lock.producer(path) is None:
            continue
        try:
            _run(folder, dvc, "checkout", path)
        except FerflowError:
            try:
                _run(folder, dvc, "pull", path)
            except FerflowError as error:
                raise FerflowError(
                    f"{path}, which {origin.stage} reads, is neither in DVC's cache nor in its remote: {error}"
                ) from None


def _run(folder: Path, *arguments: str) -> str:
    # Paths may have any letter, and the locale of a container often allows only ASCII.
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1", "PYTHONUTF8": "1"}
    done = subprocess.run(
        arguments, cwd=folder, env=environment, check=False, capture_output=True, encoding="utf-8", errors="replace"
    )
    if done.returncode:
        name = " ".join([Path(arguments[0]).name, *arguments[1:3]])
        raise FerflowError(f"{name} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
