"""Where a run comes from, as tags."""

import subprocess
from pathlib import Path


def run_tags(root: Path, stage: str, dataset: str, budget: str) -> dict[str, str]:
    """Return the tags that every run has: its stage, dataset, budget and, inside a repository, the commit."""
    return {
        "mlflow.source.name": f"dvc repro {stage}",
        "mlflow.source.type": "LOCAL",
        "ferflow.stage": stage,
        "ferflow.dataset": dataset,
        "ferflow.budget": budget,
        **git_tags(root),
    }


def git_tags(root: Path) -> dict[str, str]:
    """Return the commit and whether the working tree differs from it, as tags.

    What the pipeline itself writes (dvc.lock, reports/) does not count as a difference; new files do.

    Returns:
        `mlflow.source.git.commit` (40 hex digits) and `ferflow.git_dirty` (`true` or `false`); nothing outside of
        a git repository, before its first commit, or without git.
    """
    try:
        commit = _git(root, "rev-parse", "HEAD")
        changes = _git(
            root,
            "--no-optional-locks",
            "status",
            "--porcelain",
            "--",
            ".",
            ":(exclude)dvc.lock",
            ":(exclude)reports",
        )
    except (OSError, subprocess.CalledProcessError):
        return {}
    return {"mlflow.source.git.commit": commit, "ferflow.git_dirty": "true" if changes else "false"}


def _git(root: Path, *arguments: str) -> str:
    result = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True)
    return result.stdout.strip()
