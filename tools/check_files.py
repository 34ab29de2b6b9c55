"""Check what pre-commit passes: each text file ends with one newline, and no file is too large for git.

Usage: python tools/check_files.py FILE ...
"""

import sys
from pathlib import Path

MAX_BYTES = 2_000_000


def problems(path: Path) -> list[str]:
    """Return what is wrong with a file, one sentence each.

    Args:
        path: A file, or anything else (a link, a directory), which is not checked.
    """
    if path.is_symlink() or not path.is_file():
        return []
    content = path.read_bytes()
    found = []
    if len(content) > MAX_BYTES:
        found.append(
            f"{path} has {len(content):,} bytes; git takes at most {MAX_BYTES:,}. Let DVC track it: dvc add {path}"
        )
    is_text = b"\0" not in content[:8000]  # git's own rule
    if content and is_text and (not content.endswith(b"\n") or content.endswith(b"\n\n")):
        found.append(f"{path} must end with exactly one newline.")
    return found


if __name__ == "__main__":
    messages = [message for name in sys.argv[1:] for message in problems(Path(name))]
    if messages:
        sys.exit("\n".join(messages))
