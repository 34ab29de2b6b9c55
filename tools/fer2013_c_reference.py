"""Store the errors of mini_xception on FER-2013-C as the baseline of the mean corruption error.

Usage: python tools/fer2013_c_reference.py reports/evaluate/mini_xception
"""

import sys
from pathlib import Path

from ferflow.base.contracts import read_contract
from ferflow.base.errors import DataError
from ferflow.base.files import write_json
from ferflow.compare.robustness import REFERENCE, Reference
from ferflow.reporting.result_contracts import Metrics
from ferflow.ui.console import run_command

SEVERITIES = [1, 2, 3, 4, 5]


def reference_of(folder: Path) -> Reference:
    """Return the errors on all test images at each severity.

    Args:
        folder: reports/evaluate/<result>, as evaluate writes it.

    Raises:
        DataError: The result was not tested at all five severities.
    """
    metrics = read_contract(folder / "metrics.json", Metrics, f"evaluate@{folder.name}")
    scores = metrics.sets["test"].robustness
    if scores is None or scores.severities != SEVERITIES:
        raise DataError(
            f"{folder} was not tested at all five severities. Set infer.corruptions.severities: [1, 2, 3, 4, 5] and "
            f"run: dvc repro evaluate@{folder.name}."
        )
    errors = {kind: [round(1 - value, 6) for value in row.accuracy] for kind, row in scores.kinds.items()}
    return Reference(severities=scores.severities, errors=errors)


def main() -> None:
    """Write the reference file of the result that the command line names."""
    write_json(REFERENCE, reference_of(Path(sys.argv[1])).to_json())
    print(f"wrote {REFERENCE}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    run_command(main)
