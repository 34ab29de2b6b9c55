"""Print a coverage report as Markdown for the summary of a CI job: the total, and one row a package.

Usage: python tools/coverage_summary.py coverage.xml, after `make coverage`.
"""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from ferflow.reporting.text import markdown_table, percent


def coverage_summary(report: Path) -> str:
    """Return the Markdown of a Cobertura file as pytest-cov writes it.

    Args:
        report: The file coverage.xml.
    """
    root = ElementTree.parse(report).getroot()
    rows = []
    for package in root.iter("package"):
        hits = [int(line.attrib["hits"]) > 0 for line in package.iter("line")]
        if hits:
            rows.append([package.attrib["name"], percent(sum(hits) / len(hits)), f"{hits.count(False):,}"])
    total = percent(float(root.attrib["line-rate"]))
    return f"## Coverage: {total} of lines\n\n" + markdown_table(
        ["package", "lines covered", "lines missed"], sorted(rows)
    )


if __name__ == "__main__":
    print(coverage_summary(Path(sys.argv[1])))
