"""Measure how long a training takes to an accuracy on PublicTest, beside a common recipe on the same machine.

    python bench/accuracy.py [--model ferflow_flash] [--goal 0.65] [--minutes 60]

It needs FER-2013 in data/prepare: make repro DATASET=fer2013 ARCHIVE=path/to/fer2013.zip STAGE=prepare.

The model is trained with its `full` settings. The common recipe is `emotionnet` with Adam at 0.001 and batches of 32,
without augmentation, smoothing or averaging. Both train in one process, an epoch of each in turn, so that a noisy
machine is noisy for both; only their own steps and validation count. After every epoch, PublicTest is predicted once
with the weights that the training would keep if it ended there (the best epoch by validation, a single view). No epoch
is chosen on PublicTest. A training ends when it has reached the goal, when its own schedule ends, or after `--minutes`
of its own time.

The results are written to reports/bench/accuracy.json and reports/bench/accuracy.png.
"""

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from bench_settings import full_config, full_settings
from matplotlib.figure import Figure

from ferflow.base.arrays import Split, read_split
from ferflow.base.dotted import merge
from ferflow.base.errors import DataError
from ferflow.base.files import write_json
from ferflow.base.metrics import accuracy
from ferflow.base.network import predict
from ferflow.reporting import save_figure
from ferflow.reporting.style import BLUE, GREY, ORANGE, PercentTicks, new_figure, style
from ferflow.train.recipe import ResultSettings
from ferflow.ui.console import run_command, start_keras

if TYPE_CHECKING:
    import keras

    from ferflow.train.trainer import Trainer

ROOT = Path(__file__).resolve().parent.parent
COMMON = {
    "epochs": 100,
    "patience": 100,
    "batch_size": 32,
    "optimizer": "adam",
    "learning_rate": 0.001,
    "schedule": "constant",
    "label_smoothing": 0.0,
    "weight_average": 0.0,
    "augment": {"flip": "none", "rotation": 0.0, "shift": 0.0, "zoom": 0.0},
}


@dataclass
class Race:
    """A training with the accuracy on PublicTest after each of its epochs.

    Attributes:
        name: Name for people.
        trainer: The training.
        judge: Network of the same shape, which predicts PublicTest.
        points: Minutes of the training's own time, and accuracy on PublicTest.
        done: Whether it has ended.
    """

    name: str
    trainer: "Trainer"
    judge: "keras.Model"
    points: list[tuple[float, float]] = field(default_factory=list)
    done: bool = False

    def run_epoch(self, public: Split, goal: float, minutes: float) -> None:
        """Train an epoch, and predict PublicTest with the weights that the training would keep."""
        self.trainer.run_epoch()
        self.judge.set_weights(self.trainer.kept)
        reached = accuracy(public.labels, predict(self.judge, public.images).argmax(axis=1))
        self.points.append((round(self.trainer.seconds / 60, 2), round(reached, 4)))
        self.done = reached >= goal or self.points[-1][0] >= minutes or self.trainer.finished() is not None
        print(f"{self.name}: {self.points[-1][0]:.1f} min, PublicTest {100 * reached:.1f} %", flush=True)


def main() -> None:
    """Train both, write, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="ferflow_flash", help="a block of `models` in params.yaml")
    parser.add_argument("--goal", type=float, default=0.65, help="accuracy on PublicTest, default 0.65")
    parser.add_argument("--minutes", type=float, default=60.0, help="limit for each training, default 60")
    arguments = parser.parse_args()
    data = ROOT / "data/prepare"
    train, validation, test = (read_split(data, name) for name in ("train", "validation", "test"))
    public = test.take(np.flatnonzero(test.index["subset"] == "PublicTest"))
    if not len(public) or full_config().dataset != "fer2013":
        raise DataError(
            "data/prepare does not hold FER-2013 with its PublicTest. Run: make repro DATASET=fer2013 "
            "ARCHIVE=path/to/fer2013.zip STAGE=prepare."
        )
    start_keras(full_config().backend)
    races = [race(settings, train, validation) for settings in (full_settings(arguments.model), common_recipe())]
    while not all(one.done for one in races):
        for one in races:
            if not one.done:
                one.run_epoch(public, arguments.goal, arguments.minutes)
    report = describe(races, arguments.goal)
    write_json(ROOT / "reports/bench/accuracy.json", report)
    save_figure(draw(races, arguments.goal), ROOT / "reports/bench/accuracy.png")
    for name, found in report["trainings"].items():
        minutes = found["minutes_to_goal"]
        text = f"not reached in {found['points'][-1][0]:.1f} minutes" if minutes is None else f"{minutes:.1f} minutes"
        print(f"{name}: {100 * arguments.goal:g} % of PublicTest: {text}")
    print("Written to reports/bench/accuracy.json and accuracy.png.")


def common_recipe() -> ResultSettings:
    """Return the settings of emotionnet as many tutorials train such a network."""
    settings = full_settings("emotionnet")
    values = settings.model_dump(mode="json")
    values |= {"result": "emotionnet, Adam 0.001, batch 32", "train": merge(values["train"], COMMON)}
    return ResultSettings.model_validate(values, strict=False)


def race(settings: ResultSettings, train: Split, validation: Split) -> Race:
    """Build a training and its judge."""
    from ferflow.train.backend import make_reproducible
    from ferflow.train.trainer import Trainer, build_for

    make_reproducible(settings.seed)
    return Race(settings.result, Trainer(settings, train, validation, settings.seed), build_for(settings, train))


def describe(races: list[Race], goal: float) -> dict[str, Any]:
    """Return what is written: the machine, each training's points, and its minutes to the goal, or None."""
    from ferflow.train.backend import describe_machine

    return {
        "goal": goal,
        "machine": describe_machine(),
        "trainings": {
            one.name: {
                "minutes_to_goal": next((minutes for minutes, reached in one.points if reached >= goal), None),
                "points": one.points,
            }
            for one in races
        },
    }


@style()
def draw(races: list[Race], goal: float) -> Figure:
    """Draw accuracy on PublicTest by minutes of training."""
    figure = new_figure("Accuracy on PublicTest by minutes of training, side by side on one machine", height=4.4)
    axes = figure.subplots()
    for one, color in zip(races, (BLUE, ORANGE), strict=True):
        minutes, reached = zip(*one.points, strict=True)
        axes.plot(minutes, reached, color=color, marker="o", ms=4, label=one.name)
    axes.axhline(goal, color=GREY, ls=":", lw=1.2)
    axes.yaxis.set_major_formatter(PercentTicks())
    axes.set_xlabel("minutes of training")
    axes.set_ylabel("accuracy")
    axes.set_xlim(left=0)
    figure.legend(loc="outside lower center", ncols=2)
    return figure


if __name__ == "__main__":
    run_command(main)
