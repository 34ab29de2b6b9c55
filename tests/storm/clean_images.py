"""A process of its own that cleans hostile images and says as JSON what became of them."""

import hashlib
import json
import resource
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
from hostile_images import write_images
from memory import most_memory

from defaults import section
from ferflow.clean import clean_folder
from ferflow.raw.images import read_grey
from ferflow.raw.manifest import set_bits


def main(folder: Path, seed: int, count: int) -> None:
    """Write the files, clean the folder, and read again every image that clean calls readable."""
    write_images(folder, seed, count)
    started = time.monotonic()
    cleaned = clean_folder(folder, section("clean", max_pixels=1_000_000), image_size=48)
    seconds = time.monotonic() - started
    manifest = cleaned.manifest
    readable = manifest[manifest["pixels"] != ""]
    digest = hashlib.sha256()
    for grey in read_grey(folder, readable["path"], set_bits(readable["mode"])):
        assert grey.dtype == np.uint8
        assert grey.ndim == 2
        digest.update(grey.tobytes())
    workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(
        json.dumps(
            {
                "rows": len(manifest),
                "verdicts": Counter(manifest["verdict"]),
                "reasons": Counter(
                    f"{v} {r}".strip() for v, r in zip(manifest["verdict"], manifest["reason"], strict=True)
                ),
                "without_reason": int(((manifest["verdict"] == "drop") & (manifest["reason"] == "")).sum()),
                "without_detail": int(((manifest["verdict"] == "drop") & (manifest["detail"] == "")).sum()),
                "summary": [cleaned.summary.files, cleaned.summary.kept, cleaned.summary.dropped],
                "manifest": hashlib.sha256(manifest.to_csv(index=False).encode()).hexdigest(),
                "pixels": digest.hexdigest(),
                "megabytes": max(most_memory(), workers),
                "seconds": round(seconds, 1),
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
