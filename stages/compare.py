"""Stage compare: the leaderboard and the champion, chosen on validation alone."""

from pathlib import Path

from ferflow.compare import compare
from ferflow.settings import load_config
from ferflow.ui.console import run_command


def main() -> None:
    """Compare all results of params.yaml and write reports/compare/."""
    config = load_config(Path("params.yaml"))
    champion = compare(
        list(config.results),
        evaluations=Path("reports/evaluate"),
        inferences=Path("reports/infer"),
        trainings=Path("reports/train"),
        out=Path("reports/compare"),
        settings=config.compare,
        dataset=config.dataset,
        seed=config.seed,
    )
    print(champion.reason)


if __name__ == "__main__":
    run_command(main)
