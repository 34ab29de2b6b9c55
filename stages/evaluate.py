"""Stage evaluate: what one trained network reaches, with confidence intervals and figures."""

import sys
from pathlib import Path

from ferflow.base.errors import ConfigError
from ferflow.evaluate import evaluate
from ferflow.settings import load_config
from ferflow.ui.console import run_command, start_keras


def main() -> None:
    """Evaluate the result that the command line names, such as cnn or cnn_augmented_tuned."""
    config = load_config(Path("params.yaml"))
    if len(sys.argv) != 2 or sys.argv[1] not in config.results:
        raise ConfigError(
            f"usage: python stages/evaluate.py NAME, one of {', '.join(config.results)}. "
            f"Received: {' '.join(sys.argv[1:]) or 'nothing'}."
        )
    name = sys.argv[1]
    start_keras()
    metrics = evaluate(
        name,
        model_path=Path("models") / name / "model.keras",
        training=Path("reports/train") / name,
        data=Path("data/prepare"),
        out=Path("reports/evaluate") / name,
        settings=config.evaluate,
        seed=config.seed,
    )
    for part, block in metrics.items():
        if part != "model":
            print(
                f"{name} on {part}: accuracy {block['accuracy']:.1%} "
                f"({block['accuracy_low']:.1%} to {block['accuracy_high']:.1%}), "
                f"macro F1 {block['macro_f1']:.3f}, {block['images']} images"
            )


if __name__ == "__main__":
    run_command(main)
