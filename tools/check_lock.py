"""The dvc.lock of a commit is that of its code, commands and params."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_lock_belongs_to_this_code() -> None:
    """Data may be missing in a fresh clone, and differ on another processor; code and params may not."""
    dvc = Path(sys.executable).parent / "dvc"
    printed = subprocess.run([dvc, "status", "--json"], cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE).stdout
    stale = []
    for stage, changes in json.loads(printed).items():
        for change in changes:
            if change == "changed command":
                stale.append(f"{stage}: its command")
            elif isinstance(change, dict):
                for path, how in change.get("changed deps", {}).items():
                    if path.startswith(("src/", "stages/", "params.yaml")):
                        stale.append(f"{stage}: {path} {how}")
    assert not stale, "run `make repro` and commit dvc.lock with reports/:\n" + "\n".join(stale)
