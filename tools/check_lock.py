"""Check that dvc.lock belongs to this commit's code, commands and params. CI runs it; `make test` does not need it.

Data may be missing in a fresh clone and differ on another processor; code and params may not.
"""

import json
import subprocess
import sys
from pathlib import Path


def main() -> None:
    """Exit with status 1 and the list of stale entries, if there are any."""
    dvc = Path(sys.executable).parent / "dvc"
    printed = subprocess.run([dvc, "status", "--json"], check=True, text=True, stdout=subprocess.PIPE).stdout
    stale = []
    for stage, changes in json.loads(printed).items():
        for change in changes:
            if change == "changed command":
                stale.append(f"{stage}: its command")
            elif isinstance(change, dict):
                for path, how in change.get("changed deps", {}).items():
                    if path.startswith(("src/", "stages/", "params.yaml", "requirements.lock")):
                        stale.append(f"{stage}: {path}: {how}")
    if stale:
        sys.exit("dvc.lock is stale. Run `make repro`, then commit dvc.lock and reports/:\n" + "\n".join(stale))
    print("dvc.lock belongs to this code")


if __name__ == "__main__":
    main()
