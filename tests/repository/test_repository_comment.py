"""The comment on a pull request: written once, then updated, by the script in the workflow itself."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from ferflow.ui.diff.outputs import MARKER

ROOT = Path(__file__).parents[2]
JOBS: dict[str, Any] = YAML(typ="safe").load(ROOT / ".github/workflows/ci.yml")["jobs"]
# Stands in for GitHub's client: it records its arguments, and lists the comments of a file as `--jq` would.
GH = """#!/usr/bin/env bash
printf '%s\\n' "$*" >>"$CALLS"
case "$*" in *--paginate*) cat "$COMMENTS";; esac
"""


@pytest.mark.parametrize(
    ("comments", "call"),
    [
        ("", "api --silent --method POST repos/o/r/issues/7/comments --field body=@diff/diff.md"),
        ("41\n43\n", "api --silent --method PATCH repos/o/r/issues/comments/41 --field body=@diff/diff.md"),
    ],
    ids=["first", "again"],
)
def test_comment_is_written_once_and_then_updated(tmp_path: Path, comments: str, call: str) -> None:
    step = next(step for step in JOBS["comment"]["steps"] if "run" in step)
    (tmp_path / "diff").mkdir()
    (tmp_path / "diff/diff.md").write_text(f"{MARKER}\n\nNo difference.\n")
    (tmp_path / "comments").write_text(comments)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/gh").write_text(GH)
    (tmp_path / "bin/gh").chmod(0o755)
    environment = {
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "CALLS": str(tmp_path / "calls"),
        "COMMENTS": str(tmp_path / "comments"),
        "ISSUES": "repos/o/r/issues",
        "NUMBER": "7",
    }
    command = ["bash", "-e", "-o", "pipefail", "-c", step["run"]]  # as GitHub runs it
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    first, last = (tmp_path / "calls").read_text().splitlines()
    assert first.startswith("api --paginate repos/o/r/issues/7/comments --jq ")
    assert f'startswith("{MARKER}")' in first
    assert last == call


def test_only_the_comment_may_write_and_it_runs_no_code_of_the_pull_request() -> None:
    workflow = YAML(typ="safe").load(ROOT / ".github/workflows/ci.yml")
    assert workflow["permissions"] == {"contents": "read"}
    writers = [name for name, job in JOBS.items() if "write" in job.get("permissions", {}).values()]
    assert writers == ["comment"]
    assert JOBS["comment"]["permissions"] == {"pull-requests": "write"}
    assert not [step for step in JOBS["comment"]["steps"] if "checkout" in step.get("uses", "")]
    assert "head.repo.full_name == github.repository" in JOBS["comment"]["if"], "a fork may not write"


def test_a_fork_still_gets_the_summary() -> None:
    step = next(step for step in JOBS["pipeline"]["steps"] if step.get("name") == "Difference to the base")
    assert step["if"] == "github.event_name == 'pull_request'"
    assert '>>"$GITHUB_STEP_SUMMARY"' in step["run"]
    assert "ferflow diff" in step["run"]
