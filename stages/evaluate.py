"""Stage evaluate: the accuracy of one trained network, with confidence intervals and figures."""

import argparse
from pathlib import Path

from ferflow.evaluate import evaluate
from ferflow.reporting.text import count, percent
from ferflow.settings import load_config
from ferflow.ui.console import run_command


def main() -> None:
    """Evaluate the result named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("result", help="an entry of `results` in params.yaml")
    name = parser.parse_args().result
    config = load_config(Path("params.yaml"))
    config.result(name)  # an unknown name fails here, not later as a missing file
    metrics = evaluate(
        name,
        inferred=Path("reports/infer") / name,
        training=Path("reports/train") / name,
        data=Path("data/prepare"),
        out=Path("reports/evaluate") / name,
        settings=config.evaluate,
        seed=config.seed,
    )
    for part, block in metrics.sets.items():
        print(
            f"{name} on {part}: accuracy {percent(block.accuracy, space=' ')} ({100 * block.accuracy_low:.1f} to "
            f"{100 * block.accuracy_high:.1f}), macro F1 {block.macro_f1:.3f}, {count(block.images, 'image')}"
        )


if __name__ == "__main__":
    run_command(main)
