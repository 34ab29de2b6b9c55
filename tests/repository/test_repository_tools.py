"""The scripts in tools/ that workflows and hooks call."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from result_files import write_results

TOOLS = Path(__file__).parents[2] / "tools"
CHANGELOG = """\
# Changelog

## Unreleased
- Not yet.

## [0.2.0] - 2026-12-01
### Added
- A thing.

## 0.1.0 - 2026-11-24
- The start.
"""


def run_tool(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, TOOLS / name, *arguments], text=True, encoding="utf-8", capture_output=True, check=False
    )


def release(root: Path, tag: str, version: str, changelog: str = CHANGELOG) -> subprocess.CompletedProcess[str]:
    """Run a copy of release_notes.py in a project of its own."""
    (root / "tools").mkdir()
    script = root / "tools" / "release_notes.py"
    script.write_text((TOOLS / "release_notes.py").read_text())
    (root / "pyproject.toml").write_text(f'[project]\nversion = "{version}"\n')
    (root / "CHANGELOG.md").write_text(changelog)
    return subprocess.run([sys.executable, script, tag], text=True, capture_output=True, check=False)


@pytest.mark.parametrize(
    ("version", "notes"), [("0.2.0", "### Added\n- A thing.\n"), ("0.1.0", "- The start.\n")], ids=["middle", "last"]
)
def test_release_notes_are_the_section_of_the_version(tmp_path: Path, version: str, notes: str) -> None:
    done = release(tmp_path, f"v{version}", version)
    assert (done.returncode, done.stdout, done.stderr) == (0, notes, "")


@pytest.mark.parametrize("tag", ["v0.1.1", "0.1.0", "v0.1"])
def test_a_tag_must_be_the_version(tmp_path: Path, tag: str) -> None:
    done = release(tmp_path, tag, "0.1.0")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: the tag must be v0.1.0, the version in pyproject.toml. Received: {tag}.\n"


@pytest.mark.parametrize("changelog", [CHANGELOG, CHANGELOG + "\n## 0.3.0\n\n"], ids=["no section", "empty section"])
def test_a_release_needs_notes(tmp_path: Path, changelog: str) -> None:
    done = release(tmp_path, "v0.3.0", "0.3.0", changelog)
    assert done.returncode == 1
    assert 'CHANGELOG.md has no text below a heading "## 0.3.0".' in done.stderr


def test_coverage_summary(tmp_path: Path) -> None:
    report = tmp_path / "coverage.xml"
    report.write_text(
        '<coverage line-rate="0.75"><packages><package name="ferflow.base"><classes><class><lines>'
        '<line number="1" hits="2"/><line number="2" hits="1"/><line number="3" hits="1"/><line number="4" hits="0"/>'
        '</lines></class></classes></package><package name="ferflow.empty"><classes/></package></packages></coverage>'
    )
    done = run_tool("coverage_summary.py", report)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.replace("\N{NO-BREAK SPACE}", " ").splitlines()
    assert lines[0] == "## Coverage: 75.0 % of lines"
    assert [cell.strip() for cell in lines[-1].strip("|").split("|")] == ["ferflow.base", "75.0 %", "1"]
    assert "ferflow.empty" not in done.stdout


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"one line\n", ""),
        (b"", ""),
        (b"\x89PNG\0 no newline", ""),
        (b"one line", "must end with exactly one newline"),
        (b"one line\n\n", "must end with exactly one newline"),
        (b"\0" * 2_000_001, "has 2,000,001 bytes; git takes at most 2,000,000. Let DVC track it: dvc add"),
    ],
)
def test_check_files(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    done = run_tool("check_files.py", path)
    assert done.returncode == (1 if message else 0)
    assert message in done.stderr


def test_job_summary_without_a_comparison(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, TOOLS / "job_summary.py"], cwd=tmp_path, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "The pipeline ended before the comparison; see the log above.\n"


def test_job_summary_shows_leaderboard_charts_and_confusion(tmp_path: Path) -> None:
    for name, text in {
        "compare/champion.json": json.dumps({"dataset": "sample", "model": "cnn"}),
        "compare/leaderboard.md": "| the leaderboard |\n",
        "evaluate/cnn/headline.json": json.dumps({"validation": {"accuracy": 0.75}}),
        "evaluate/cnn/confusion.csv": "actual,predicted\nangry,angry\nangry,happy\nhappy,happy\nhappy,happy\n",
        "train/cnn/history.csv": "epoch,accuracy,val_accuracy\n1,0.5,0.25\n2,0.9,0.75\n",
    }.items():
        path = tmp_path / "reports" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    done = subprocess.run(
        [sys.executable, TOOLS / "job_summary.py"], cwd=tmp_path, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for part in ("## Leaderboard (sample)", "| the leaderboard |", "bar [0.7500]", "line [0.5000, 0.9000]"):
        assert part in done.stdout
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in done.stdout.splitlines()[-2:]]
    assert rows == [["angry", "**1**", "1"], ["happy", "0", "**2**"]]


def test_the_reference_of_fer2013_c_needs_all_severities(tmp_path: Path) -> None:
    write_results(tmp_path, {"mini_xception": 0.7})
    folder = tmp_path / "reports/evaluate/mini_xception"
    done = run_tool("fer2013_c_reference.py", folder)
    assert done.returncode == 1
    assert "was not tested at all five severities. Set infer.corruptions.severities: [1, 2, 3, 4, 5]" in done.stderr
    assert "Traceback" not in done.stderr
