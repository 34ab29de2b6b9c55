"""The command `ferflow diff`."""

import argparse
import subprocess
from pathlib import Path

from ferflow.base.files import write_text
from ferflow.settings import load_config
from ferflow.ui.params_file import PARAMS

PAGE = Path("reports/diff/index.html")


def add_diff(diff: argparse.ArgumentParser) -> None:
    """Describe `ferflow diff`."""
    diff.add_argument("revision", help="git revision to compare with, such as origin/main or HEAD~1")
    diff.add_argument("--markdown", type=Path, help="also write the difference as Markdown, for a pull request")
    diff.add_argument(
        "--images",
        default="",
        metavar="ADDRESS",
        help="where the Markdown finds figures of a commit, such as https://github.com/OWNER/NAME/raw",
    )
    diff.set_defaults(command=_diff)


def _diff(arguments: argparse.Namespace) -> None:
    from ferflow.ui.diff.difference import find_difference
    from ferflow.ui.diff.outputs import difference_page, markdown_text, terminal_text

    difference = find_difference(Path(), arguments.revision, load_config(PARAMS))
    write_text(PAGE, difference_page(difference))
    print(terminal_text(difference, PAGE.as_posix()))
    if arguments.markdown:
        write_text(arguments.markdown, markdown_text(difference, arguments.images.rstrip("/"), _committed()))


def _committed() -> str:
    """Return the present commit if git holds the figures as they are on disk, or nothing."""
    clean = subprocess.run(["git", "status", "--porcelain", "--", "reports"], capture_output=True, check=False)
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return "" if clean.returncode or clean.stdout or head.returncode else head.stdout.strip()
