"""A process of its own that unpacks hostile archives and says as JSON what became of them."""

import json
import random
import shutil
import sys
import time
from collections import Counter
from pathlib import Path

from hostile_archives import some_archive
from memory import most_memory

from defaults import section
from ferflow.base.errors import DownloadError
from ferflow.download import acquire
from ferflow.settings.datasets import LocalSource

LIMITS = {"max_files": 1_000, "max_bytes": 20_000_000, "max_ratio": 200}


def unpack(folder: Path, name: str, data: bytes) -> str:
    """Unpack one archive and return what became of it, having checked that it is all or nothing."""
    archive, raw = folder / "given" / name, folder / "project" / "data" / "raw"
    archive.parent.mkdir(parents=True)
    archive.write_bytes(data)
    try:
        receipt = acquire(
            "own",
            LocalSource(kind="local", path=str(archive)),
            raw=raw,
            cache=folder / "project" / "data" / ".download",
            limits=section("unpack", **LIMITS),
            seed=0,
            environment={},
        )
    except DownloadError as error:
        message = str(error)
        assert "Traceback" not in message
        assert len(message) < 1_500, message
        left = [path for path in (folder / "project").rglob("*") if path.is_file() or path.is_symlink()]
        assert not left, f"left behind: {left}"
        outcome = message.split(":")[0].replace(name, "ARCHIVE")[:50]
    else:
        files = [path for path in raw.rglob("*") if not path.is_dir()]
        assert files
        assert all(path.is_file() and not path.is_symlink() for path in files)
        assert sum(path.stat().st_size for path in files) == receipt.bytes <= LIMITS["max_bytes"]
        assert len(files) == receipt.files <= LIMITS["max_files"]
        outcome = "unpacked"
    around = {path.name for path in folder.iterdir()} | {path.name for path in (folder / "given").iterdir()}
    assert around <= {"given", "project", name}, around
    return outcome


def main(folder: Path, seed: int, count: int) -> None:
    """Unpack `count` archives one after the other; the limits of one are the defaults of none."""
    chance = random.Random(seed)
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    for number in range(count):
        name, data = some_archive(chance)
        place = folder / "one"
        started = time.monotonic()
        try:
            outcomes[unpack(place, name, data)] += 1
        except Exception as error:
            raise RuntimeError(f"archive {number} of seed {seed}, {name!r}, {len(data)} bytes") from error
        slowest = max(slowest, time.monotonic() - started)
        shutil.rmtree(place)
    print(json.dumps({"outcomes": outcomes, "megabytes": round(most_memory()), "slowest": round(slowest, 2)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
