"""Print the section of CHANGELOG.md for a tag, after checking that the tag is the version in pyproject.toml.

Usage: python tools/release_notes.py v0.1.0. It needs only the standard library, so that a
release builds no environment.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def release_notes(tag: str, root: Path = ROOT) -> str:
    """Return the text below the heading of the version that `tag` names.

    Args:
        tag: Name of the git tag, "v" and the version, such as "v0.1.0".
        root: Directory with pyproject.toml and CHANGELOG.md. Defaults to the project root.

    Raises:
        ValueError: The tag is not the version in pyproject.toml, or CHANGELOG.md has no text for it.
    """
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    if tag != f"v{version}":
        raise ValueError(f"the tag must be v{version}, the version in pyproject.toml. Received: {tag}.")
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = list(re.finditer(r"^## \[?([^\]\s]+).*$", changelog, flags=re.MULTILINE))
    for heading, following in zip(headings, [*headings[1:], None], strict=True):
        if heading[1] == version:
            notes = changelog[heading.end() : following.start() if following else None].strip()
            if notes:
                return notes
    raise ValueError(f'CHANGELOG.md has no text below a heading "## {version}". Add it and move the tag.')


def main() -> None:
    """Print the notes, or an error and exit with status 1."""
    if len(sys.argv) != 2:
        sys.exit("usage: python tools/release_notes.py TAG")
    try:
        print(release_notes(sys.argv[1]))
    except ValueError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
