"""The two sides of a difference: a git revision, and the files on disk."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ferflow.base.errors import DataError


class Side(Protocol):
    """A state of the project."""

    @property
    def label(self) -> str:
        """Name for people, such as `main (e3ae6fa)`."""

    def read(self, path: str) -> bytes | None:
        """Return a file that git holds, by its path from the project's root; None if there is none."""

    def read_cached(self, path: str) -> bytes | None:
        """Return a file that DVC holds; None if it is neither in the workspace nor in the cache nor in a remote."""

    def pictures(self, folder: str) -> list[str]:
        """Return the sorted paths of the PNGs below a folder that git holds."""


@dataclass(frozen=True)
class Commit:
    """The project as a git commit has it.

    Attributes:
        root: Project root.
        sha: Full hash of the commit.
        label: Name for people.
    """

    root: Path
    sha: str
    label: str

    def read(self, path: str) -> bytes | None:
        """See Side.read."""
        done = subprocess.run(["git", "show", f"{self.sha}:./{path}"], cwd=self.root, capture_output=True, check=False)
        return None if done.returncode else done.stdout

    def read_cached(self, path: str) -> bytes | None:
        """See Side.read_cached. DVC resolves the commit's dvc.lock and reads its cache, or else its remote."""
        from dvc.api import DVCFileSystem
        from dvc.exceptions import DvcException
        from dvc_data.index.index import DataIndexError  # the list of a folder's files is not cached

        try:
            system = DVCFileSystem(str(self.root.absolute()), rev=self.sha)
            content: bytes = system.read_bytes(path)
        except (OSError, DvcException, DataIndexError):
            return None
        return content

    def pictures(self, folder: str) -> list[str]:
        """See Side.pictures."""
        command = ["git", "ls-tree", "-r", "-z", "--name-only", self.sha, "--", folder]
        done = subprocess.run(command, cwd=self.root, capture_output=True, check=True)
        return sorted(path for path in done.stdout.decode().split("\0") if path.endswith(".png"))


@dataclass(frozen=True)
class Workspace:
    """The project as it is on disk.

    Attributes:
        root: Project root.
        label: Name for people. Defaults to "now".
    """

    root: Path
    label: str = "now"

    def read(self, path: str) -> bytes | None:
        """See Side.read."""
        file = self.root / path
        return file.read_bytes() if file.is_file() else None

    def read_cached(self, path: str) -> bytes | None:
        """See Side.read_cached."""
        return self.read(path)

    def pictures(self, folder: str) -> list[str]:
        """See Side.pictures."""
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", folder]
        done = subprocess.run(command, cwd=self.root, capture_output=True, check=True)
        paths = {path for path in done.stdout.decode().split("\0") if path.endswith(".png")}
        return sorted(path for path in paths if (self.root / path).is_file())


def find_commit(root: Path, revision: str) -> Commit:
    """Return the commit that a revision names.

    Args:
        root: Project root, inside a git repository.
        revision: Branch, tag, hash or expression such as `HEAD~3` or `origin/main`.

    Raises:
        DataError: There is no git repository or no such revision.
    """
    command = ["git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"]
    try:
        inside = subprocess.run(["git", "rev-parse", "--git-dir"], cwd=root, capture_output=True, check=False)
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise DataError("Comparing with a git revision needs git, which is not installed.") from None
    if inside.returncode:
        raise DataError("There is no git revision to compare with: this folder is not in a git repository.")
    if done.returncode or not revision:
        raise DataError(
            f"git knows no revision {revision!r}. Name a branch, a tag or a commit, such as HEAD~1; to learn what a "
            "remote has, run: git fetch."
        )
    sha = done.stdout.strip()
    return Commit(root, sha, sha[:7] if sha.startswith(revision) else f"{revision} ({sha[:7]})")


def read_yaml(side: Side, path: str) -> dict[str, Any]:
    """Return a YAML file of a side as a mapping; empty if there is none.

    Raises:
        DataError: The file is not YAML, or not a mapping.
    """
    try:
        content = YAML(typ="safe").load((side.read(path) or b"{}").decode())
    except (YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"{path} of {side.label} is not valid YAML: {error}.") from None
    if not isinstance(content, dict):
        raise DataError(f"{path} of {side.label} must contain a mapping. Received: {type(content).__name__}.")
    return content
