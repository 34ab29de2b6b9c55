import io
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image

from ferflow import reporting as figures
from ferflow.reporting.study_figures import (
    SpacePart,
    param_importance,
    study_curves,
    study_figures,
    study_front,
    study_history,
    study_slices,
)
from ferflow.reporting.style import PercentTicks
from ferflow.reporting.text import count, listed, percent_of, printable, short_number
from ferflow.train.recipe.search_space import Choice, FloatRange, IntRange

CLASSES = ("angry", "disgust", "happy")


def history(epochs: int) -> pd.DataFrame:
    epoch = np.arange(1, epochs + 1)
    accuracy = 0.7 - 0.5 / epoch
    return pd.DataFrame(
        {
            "epoch": epoch,
            "loss": 1.0 / epoch,
            "accuracy": accuracy + 0.1,
            "val_loss": 1.2 / epoch,
            "val_accuracy": accuracy,
            "val_macro_f1": accuracy - 0.05,
            "learning_rate": 1e-3 / epoch,
        }
    )


def trials(states: list[str]) -> pd.DataFrame:
    values = [0.5 + 0.01 * number for number in range(len(states))]
    table = pd.DataFrame({"number": range(len(states)), "value": values, "state": states})
    table["epochs"] = [{"COMPLETE": 5, "PRUNED": 2, "FAIL": 0}[state] for state in states]
    table["train.learning_rate"] = [1e-4 * 10 ** (number % 3) for number in range(len(states))]
    table["network.blocks"] = [1 + number % 4 for number in range(len(states))]
    return table.assign(**{"train.optimizer": ["adam" if number % 2 else "sgd" for number in range(len(states))]})


def curves(states: list[str]) -> pd.DataFrame:
    rows = [
        (row.number, epoch, row.value * (1 - 0.5**epoch))
        for row in trials(states).itertuples()
        for epoch in range(1, row.epochs + 1)
    ]
    return pd.DataFrame(rows, columns=["number", "epoch", "value"])


def fronted(states: list[str]) -> pd.DataFrame:
    """Of the completed trials, the better ones cost more, so that all of them are on the front."""
    table = trials(states)
    macs = [1_000_000 * (1 + number) if state == "COMPLETE" else None for number, state in enumerate(states)]
    return table.assign(macs=pd.Series(macs, dtype=object), pareto=[state == "COMPLETE" for state in states])


SPACE: dict[str, SpacePart] = {
    "train.learning_rate": FloatRange(low=1e-4, high=1e-2, log=True),
    "network.blocks": IntRange(low=1, high=4),
    "train.optimizer": Choice(choices=("adam", "sgd")),
}
STATES = ["COMPLETE", "PRUNED", "COMPLETE", "FAIL"]


def per_class() -> dict[str, dict[str, float]]:
    return {
        "angry": {"precision": 0.5, "recall": 0.7, "f1": 0.58, "support": 40},
        "disgust": {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0},
        "happy": {"precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 1200},
    }


def bins() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "low": [0.0, 0.25, 0.5, 0.75],
            "high": [0.25, 0.5, 0.75, 1.0],
            "images": [0, 10, 30, 60],
            "confidence": [np.nan, 0.4, 0.6, 0.9],
            "accuracy": [np.nan, 0.3, 0.5, 0.8],
        }
    )


def scores() -> pd.DataFrame:
    rows = [
        (model, name, value, value - 0.02, value + 0.02)
        for model, value in (("cnn", 0.7), ("vgg16", 0.6))
        for name in ("validation", "test")
    ]
    return pd.DataFrame(rows, columns=["model", "set", "value", "low", "high"])


MATRIX = np.array([[30, 5, 15], [8, 2, 0], [1, 0, 99]])
MAKERS = {
    "learning_curves": lambda: figures.learning_curves(history(5), title="cnn"),
    "one_epoch": lambda: figures.learning_curves(history(1)),
    "confusion": lambda: figures.confusion_matrix(MATRIX, CLASSES, "cnn, test"),
    "per_class": lambda: figures.per_class_bars(per_class()),
    "reliability": lambda: figures.reliability_diagram(bins()),
    "leaderboard": lambda: figures.leaderboard_bars(scores(), "cnn leads"),
    "cost": lambda: figures.cost_scatter({"cnn": (3e7, 0.7), "cnn_augmented": (3e7, 0.705), "vgg16": (1e9, 0.6)}),
    "study": lambda: study_history(trials(STATES), "validation accuracy"),
    "study_without_result": lambda: study_history(trials(["FAIL", "PRUNED"]), "validation accuracy"),
    "study_curves": lambda: study_curves(trials(STATES), curves(STATES), "validation accuracy"),
    "front": lambda: study_front(fronted(STATES), "validation accuracy"),
    "slices": lambda: study_slices(trials(STATES), SPACE, "validation accuracy"),
    "importance": lambda: param_importance({"train.learning_rate": 0.7, "network.dropout": 0.3}),
}


def title(figure: Figure) -> str:
    return figure.get_suptitle().replace("\n", " ").replace("\u00a0", " ")


@pytest.mark.parametrize("name", MAKERS)
def test_figure_is_a_phone_wide_png_with_the_same_bytes_twice(name: str, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        figures.save_figure(MAKERS[name](), tmp_path / folder / "figure.png")
    data = (tmp_path / "one/figure.png").read_bytes()
    assert data == (tmp_path / "two/figure.png").read_bytes()
    with Image.open(io.BytesIO(data)) as image:
        assert image.width == 1024
        assert image.info.keys() <= {"dpi"}  # neither date nor program
        pixels = np.asarray(image.convert("L"))
    assert pixels[0, 0] == 255
    assert (pixels < 200).any()
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["figure.png"]


@pytest.mark.parametrize("name", MAKERS)
def test_nothing_is_cut_off_at_the_edge(name: str) -> None:
    with Image.open(io.BytesIO(figures.png_bytes(MAKERS[name]()))) as image:
        pixels = np.asarray(image.convert("L"))
    for edge in (pixels[:2], pixels[-2:], pixels[:, :2], pixels[:, -2:]):
        assert (edge == 255).all()


def test_titles_carry_the_finding() -> None:
    confusion = title(figures.confusion_matrix(MATRIX, CLASSES, "cnn, test"))
    assert confusion == "cnn, test: 81.9 % of 160 images correct; disgust is most often mistaken for angry (80 %)"
    assert title(figures.learning_curves(history(5), title="cnn")) == (
        "cnn: validation accuracy 60.0 % in epoch 5 of 5, training 70.0 %"
    )
    assert title(figures.learning_curves(history(5), best_epoch=2)).startswith(
        "Validation accuracy 45.0 % in epoch 2 of 5"
    )
    assert title(figures.per_class_bars(per_class())) == "happy has the highest F1 (1.00), disgust the lowest (0.00)"
    assert title(figures.reliability_diagram(bins(), "cnn")) == (
        "cnn: overconfident by 10.0 points on average (expected calibration error 10.0 %)"
    )
    study = title(MAKERS["study"]())
    assert study == "Best validation accuracy 52.0 % in trial 2; 4 trials, 1 stopped early"
    assert title(MAKERS["study_curves"]()) == (
        "4 trials of up to 5 epochs; 1 stopped early, which saved 15 % of the epochs"
    )
    assert title(MAKERS["front"]()) == ("52.0 % with 3 MMAC, 50.0 % with 1; 2 of 2 trials are on the Pareto front")
    assert title(MAKERS["study_without_result"]()) == "No trial was completed; 2 trials, 1 stopped early"
    assert title(MAKERS["slices"]()) == ("Best validation accuracy with blocks 3, learning_rate 0.01, optimizer sgd")
    assert title(MAKERS["importance"]()).startswith("train.learning_rate explains 70 % of the variance between trials")


def test_a_perfect_matrix_names_no_confusion() -> None:
    assert title(figures.confusion_matrix(np.diag([3, 4]), ("a", "b"))) == "100.0 % of 7 images correct"


NAMES = ("cnn", "cnn_augmented", "cnn_augmented_tuned", "mini_xception", "resnet18_fer", "efficientnetv2_b0", "vgg16")
LAYOUTS = {
    "sample": {"cnn": (23.5e6, 0.816), "cnn_augmented": (23.5e6, 0.839), "cnn_augmented_tuned": (23.5e6, 0.747)},
    "bottom_of_the_axis": {
        "cnn": (16.1e6, 0.56),
        "cnn_augmented": (16.1e6, 0.45),
        "cnn_augmented_tuned": (16.1e6, 0.449),
    },
    "close": {name: (3e7 * (1 + number / 50), 0.7 + number / 1000) for number, name in enumerate(NAMES)},
    "column": {name: (3e7, 0.7 - number / 500) for number, name in enumerate(NAMES)},
    "row": {name: (1e7 * 1.4**number, 0.7) for number, name in enumerate(NAMES)},
    "right_edge": {name: (1e7 * 4 ** (number // 6), 0.6 + number / 100) for number, name in enumerate(NAMES)},
    "scattered": {
        name: (float(10 ** (7 + 2 * x)), float(0.5 + 0.2 * y))
        for name, (x, y) in zip(NAMES, np.random.default_rng(0).random((len(NAMES), 2)), strict=True)
    },
    "same_point": dict.fromkeys(NAMES[:5], (3e7, 0.7)),
}
CROWDED = ("row", "scattered", "same_point")  # not every name fits next to its point


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_label_is_next_to_its_point_and_covers_nothing(name: str) -> None:
    costs = LAYOUTS[name]
    figure = figures.cost_scatter(costs)
    figure.draw_without_rendering()
    axes, point = figure.axes[0], figure.dpi / 72
    centres = {model: axes.transData.transform(cost) for model, cost in costs.items()}
    boxes = {text.get_text(): text.get_window_extent() for text in axes.texts if text.get_text()}
    assert boxes.keys() == costs.keys()
    frame, far = axes.bbox.padded(1), 0
    for model, box in boxes.items():
        x, y = centres[model]
        distance = np.hypot(max(box.x0 - x, x - box.x1, 0), max(box.y0 - y, y - box.y1, 0)) / point
        far += distance > 9
        assert distance < (24 if name in CROWDED else 9), f"{model}: {distance:.1f} points from its point"
        assert all(frame.contains(*corner) for corner in box.corners()), f"{model} leaves the axes"
        others = [other for key, other in boxes.items() if key != model]
        assert not box.padded(-1).count_overlaps(others), f"{model} covers another label"
        assert not any(box.contains(*centre) for centre in centres.values()), f"{model} covers a point"
    lines = len(axes.texts) - len(boxes)
    assert lines == far, "each label that is not next to its point has a line to it, and no other"


def test_the_legend_of_the_reliability_diagram_covers_no_bar() -> None:
    figure = figures.reliability_diagram(bins())
    figure.draw_without_rendering()
    (legend,) = figure.legends
    assert not any(legend.get_window_extent().overlaps(axes.get_window_extent()) for axes in figure.axes)
    assert all(axes.get_legend() is None for axes in figure.axes)


def test_study_figures_read_what_trials_csv_holds(tmp_path: Path) -> None:
    space: dict[str, SpacePart] = {**SPACE, "train.flip": Choice(choices=(True, False, None))}
    table = trials(STATES).assign(**{"train.flip": pd.Series([True, None, False, True], dtype=object)})
    table.to_csv(tmp_path / "trials.csv", index=False)
    read = pd.read_csv(tmp_path / "trials.csv")
    made = study_figures(read, curves(STATES), space, {"train.flip": 1.0}, "val_accuracy")
    assert list(made) == ["history", "curves", "slices", "importance"]
    assert title(made["history"]).startswith("Best validation accuracy 52.0 % in trial 2")
    for figure in made.values():
        figures.png_bytes(figure)


def test_with_two_objectives_there_is_a_figure_of_the_front(tmp_path: Path) -> None:
    table = fronted(["COMPLETE", "COMPLETE", "FAIL", "COMPLETE"])
    table.loc[1, ["macs", "pareto"]] = [9_000_000, False]
    table.to_csv(tmp_path / "trials.csv", index=False)
    read = pd.read_csv(tmp_path / "trials.csv")
    made = study_figures(read, curves(STATES), SPACE, {"network.blocks": 1.0}, "val_accuracy")
    assert title(made["pareto"]).endswith("2 of 3 trials are on the Pareto front")
    assert [len(group.get_offsets()) for group in made["pareto"].axes[0].collections] == [1, 2]


def test_a_trial_that_did_not_search_a_conditional_key_has_no_dot_in_its_slice(tmp_path: Path) -> None:
    choice = Choice(choices=("linear", "cosine"), when={"network.blocks": (1, 4)})
    space: dict[str, SpacePart] = {"network.blocks": SPACE["network.blocks"], "train.schedule": choice}
    searched = pd.Series(["linear", None, None, "cosine"], dtype=object)  # not by the best, which is the third
    trials(STATES).assign(**{"train.schedule": searched}).to_csv(tmp_path / "trials.csv", index=False)
    figure = study_slices(pd.read_csv(tmp_path / "trials.csv"), space, "val_accuracy")
    dots = [sum(len(group.get_offsets()) for group in axes.collections) for axes in figure.axes]
    assert dots == [4, 1], "completed, stopped early, and the best once more"
    assert "schedule" not in title(figure)


@pytest.mark.parametrize(
    ("ticks", "labels"),
    [
        ([0.2, 0.4], ["20 %", "40 %"]),
        ([0.2, 0.225, 0.25], ["20.0 %", "22.5 %", "25.0 %"]),
        ([0.5, 0.5025], ["50.00 %", "50.25 %"]),
        ([0.1 + 0.2, 0.6], ["30 %", "60 %"]),
    ],
)
def test_percent_ticks_say_where_they_are(ticks: list[float], labels: list[str]) -> None:
    axes = Figure().add_subplot()
    axes.set_yticks(ticks)
    axes.yaxis.set_major_formatter(PercentTicks())
    axes.figure.draw_without_rendering()
    assert [label.get_text() for label in axes.get_yticklabels()] == labels


def test_a_users_own_matplotlib_settings_change_nothing() -> None:
    plain = figures.png_bytes(MAKERS["confusion"]())
    with matplotlib.rc_context({"font.size": 30, "image.origin": "lower", "savefig.bbox": "tight"}):
        assert figures.png_bytes(MAKERS["confusion"]()) == plain
        assert matplotlib.rcParams["font.size"] == 30


def test_pyplot_is_never_imported() -> None:
    code = "import sys, ferflow.reporting; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("number", "text"),
    [(7, "7"), (999, "999"), (1234, "1.2 k"), (10e6, "10 M"), (117.2e6, "117 M"), (2.5e9, "2.5 G")],
)
def test_short_number(number: float, text: str) -> None:
    assert short_number(number).replace("\u00a0", " ") == text


def test_counts_shares_and_lists() -> None:
    assert (count(1, "copy", "copies"), count(2000, "image")) == ("1 copy", "2,000 images")
    assert (percent_of(1, 8), percent_of(1, 0)) == ("12.5\u00a0%", "0.0\u00a0%")
    assert (listed([]), listed(["a"]), listed(["a", "b", "c"])) == ("", "a", "a, b and c")
    assert listed([str(n) for n in range(10)], limit=2) == "0, 1 and 8 more"


@given(st.text(st.characters(exclude_categories=[])))
def test_printable_names_print_and_encode(name: str) -> None:
    assert printable(name).isprintable()
    assert len(printable(name)) <= 140
    printable(name).encode("utf-8")
    if name.isprintable() and len(name) <= 140:
        assert printable(name) == name
