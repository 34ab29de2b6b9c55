import json
import re
import runpy
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from defaults import section
from ferflow.base.errors import DataError
from ferflow.base.files import read_json, write_json
from ferflow.compare import compare
from ferflow.compare.comparison_report import _cost_title
from ferflow.reporting.result_contracts import Champion
from ferflow.settings.judging import Compare

ROOT = Path(__file__).parents[2]
NAMES = ("cnn", "cnn_augmented", "vgg16")
SETTINGS = section("compare", resamples=300)
SETS = [
    "validation", "test", "PublicTest", "PrivateTest",
    "test_without_copies", "PublicTest_without_copies", "PrivateTest_without_copies",
]  # fmt: skip


def run(
    root: Path, names: tuple[str, ...] = NAMES, out: str = "reports/compare", settings: Compare = SETTINGS
) -> Champion:
    folders = [root / "reports" / name for name in ("evaluate", "infer", "train")]
    return compare(names, *folders, root / out, settings, dataset="fer2013", seed=7)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, write_results: Callable[..., Path]) -> Path:
    """Three results, compared twice."""
    root = write_results(tmp_path_factory.mktemp("project"))
    run(root)
    run(root, out="again")
    return root


def board_of(root: Path) -> pd.DataFrame:
    return pd.read_csv(root / "reports/compare/leaderboard.csv")


def test_the_folder_holds_what_dvc_declares_with_the_same_bytes_twice(project: Path) -> None:
    one, two = project / "reports/compare", project / "again"
    files = sorted(str(path.relative_to(one)) for path in one.rglob("*") if path.is_file())
    assert files == [
        "agreement.csv", "champion.json", "ensembles.csv", "figures/accuracy_vs_macs.png", "figures/agreement.png",
        "figures/ensembles.png", "figures/leaderboard.png", "figures/pairs.png", "figures/per_class.png",
        "figures/validation_curves.png", "headline.json", "index.html", "leaderboard.csv", "leaderboard.md",
        "per_class.csv", "robustness.csv", "significance.csv",
    ]  # fmt: skip
    for name in files:
        assert (one / name).read_bytes() == (two / name).read_bytes(), name


def test_leaderboard_holds_every_set_and_the_costs(project: Path) -> None:
    board = board_of(project)
    assert board["model"].tolist() == ["cnn_augmented", "cnn", "vgg16"]
    assert board["rank"].tolist() == [1, 2, 3]
    assert (board["validation_accuracy"].diff().dropna() < 0).all()
    for name in NAMES:
        row = board[board["model"] == name].iloc[0]
        metrics = read_json(project / f"reports/evaluate/{name}/metrics.json")
        for part in SETS:
            for figure in ("accuracy", "accuracy_low", "accuracy_high", "macro_f1", "balanced_accuracy"):
                assert row[f"{part}_{figure}"] == metrics[part][figure]
    assert board["parameters"].tolist() == [1_200_000, 1_200_000, 14_900_000]
    assert board["macs"].tolist() == [29_000_000, 29_000_000, 720_000_000]
    assert board["epochs"].tolist() == [12, 12, 12]


def test_significance_has_each_pair_once_better_first(project: Path) -> None:
    table = pd.read_csv(project / "reports/compare/significance.csv")
    assert list(zip(table["better"], table["worse"], strict=True)) == [
        ("cnn_augmented", "cnn"), ("cnn_augmented", "vgg16"), ("cnn", "vgg16"),
    ]  # fmt: skip
    board = board_of(project).set_index("model")["validation_accuracy"]
    for row in table.to_dict("records"):
        assert row["difference"] == pytest.approx(board[row["better"]] - board[row["worse"]], abs=2e-6)
        assert row["difference_low"] < row["difference"] < row["difference_high"]
        assert row["only_better_right"] - row["only_worse_right"] == round(row["difference"] * 300)
        assert row["p_value"] == row["p_mcnemar"]
        assert row["p_holm"] >= row["p_value"]
    assert table.set_index("worse").loc["vgg16", "p_holm"].max() < 0.01


def test_champion_holds_everything(project: Path) -> None:
    best = read_json(project / "reports/compare/champion.json")
    metrics = read_json(project / "reports/evaluate/cnn_augmented/metrics.json")
    assert {key: best[key] for key in SETS} == {key: metrics[key] for key in SETS}
    assert best["model"] == "cnn_augmented"
    assert best["dataset"] == "fer2013"
    assert best["metric"] == "accuracy"
    assert best["value"] == metrics["validation"]["accuracy"]
    assert best["runner_up"] == "cnn"
    assert best["majority_accuracy"] == pytest.approx(1 / 3, abs=1e-6)
    table = pd.read_csv(project / "reports/compare/significance.csv")
    assert best["p_value_vs_runner_up"] == pytest.approx(table["p_holm"][0])
    headline = read_json(project / "reports/compare/headline.json")
    few = ["validation", "PublicTest", "PrivateTest", "PrivateTest_without_copies"]
    assert headline == {key: {name: metrics[key][name] for name in ("accuracy", "macro_f1")} for key in few}
    assert best["reason"].startswith("cnn_augmented has the best validation accuracy, ")
    assert "points ahead of cnn (" in best["reason"]


def test_leaderboard_for_people_is_a_table_with_the_same_numbers(project: Path) -> None:
    text = (project / "reports/compare/leaderboard.md").read_text()
    rows = [re.split(r" +\| +", line.strip("| ")) for line in text.splitlines() if line.startswith("| ")]
    assert [len(row) for row in rows] == [len(rows[0])] * 4
    assert [row[1] for row in rows[1:]] == ["cnn_augmented", "cnn", "vgg16"]
    board = board_of(project)
    for place, row in enumerate(rows[1:]):
        for column, part in (
            (2, "validation"),
            (3, "PublicTest"),
            (4, "PrivateTest"),
            (5, "PrivateTest_without_copies"),
        ):
            assert row[column].split(" ")[0] == f"{100 * board.loc[place, f'{part}_accuracy']:.1f}"


def test_the_test_set_has_no_say(tmp_path: Path, write_results: Callable[..., Path]) -> None:
    """The network that is better on validation wins, however much worse it is on test."""
    write_results(tmp_path, {"cnn": 0.9}, test_share=0.2)
    write_results(tmp_path, {"vgg16": 0.6}, test_share=0.99)
    best = run(tmp_path, ("vgg16", "cnn"))
    assert best.model == "cnn"
    assert best.sets["test"].accuracy < 0.3


def test_ties_go_to_the_smaller_network(tmp_path: Path, write_results: Callable[..., Path]) -> None:
    write_results(tmp_path, {"vgg16": 0.7})
    write_results(tmp_path, {"cnn": 0.7})  # the same seed, so the same answers
    best = run(tmp_path, ("vgg16", "cnn"))
    assert best.model == "cnn"
    assert best.p_value_vs_runner_up == 1.0
    assert best.reason.startswith("cnn and vgg16 share the best validation accuracy, ")
    assert best.reason.endswith("; cnn has fewer parameters (1,200,000 compared with 14,900,000).")


def test_ties_of_networks_of_one_size_go_by_name(tmp_path: Path, write_results: Callable[..., Path]) -> None:
    write_results(tmp_path, {"cnn_augmented": 0.7})
    write_results(tmp_path, {"cnn": 0.7})
    best = run(tmp_path, ("cnn_augmented", "cnn"))
    assert best.model == "cnn"
    assert best.reason.startswith("cnn and cnn_augmented share the best validation accuracy, ")
    assert best.reason.endswith(", with as many parameters and MACs; cnn is first by name.")


@pytest.mark.parametrize("metric", ["macro_f1", "balanced_accuracy"])
def test_another_metric_ranks_and_is_tested_by_bootstrap(project: Path, metric: str) -> None:
    best = run(project, out=f"by_{metric}", settings=section("compare", metric=metric, resamples=300))
    assert best.metric == metric
    assert best.value == best.sets["validation"].metric(metric)
    table = pd.read_csv(project / f"by_{metric}/significance.csv")
    assert (table["p_value"] == table["p_bootstrap"]).all()


def test_one_result_alone_is_the_champion(tmp_path: Path, write_results: Callable[..., Path]) -> None:
    write_results(tmp_path, {"cnn": 0.7}, subsets=("test",), copies=False)
    best = run(tmp_path, ("cnn",))
    assert (best.model, best.runner_up, best.p_value_vs_runner_up) == ("cnn", None, None)
    assert best.reason.endswith("; it is the only result.")
    assert pd.read_csv(tmp_path / "reports/compare/significance.csv").empty
    assert "PrivateTest" not in (tmp_path / "reports/compare/leaderboard.md").read_text()


def test_only_the_named_results_count(project: Path) -> None:
    best = run(project, ("cnn", "vgg16"), out="two")
    assert best.model == "cnn"
    assert pd.read_csv(project / "two/leaderboard.csv")["model"].tolist() == ["cnn", "vgg16"]


@pytest.mark.parametrize(
    ("name", "missing", "stage"),
    [
        ("cnn", "reports/evaluate/cnn/metrics.json", "evaluate@cnn"),
        ("cnn", "reports/infer/cnn/predictions_test.csv", "infer@cnn"),
        ("cnn_tuned", "reports/train/cnn_tuned/summary.json", "train@cnn_tuned"),
        ("cnn_tuned", "reports/infer/cnn_tuned/predictions_validation.csv", "infer@cnn_tuned"),
        ("cnn_tuned", "reports/train/cnn_tuned/history.csv", "train@cnn_tuned"),
    ],
)
def test_a_missing_file_is_named_with_its_stage(
    tmp_path: Path, write_results: Callable[..., Path], name: str, missing: str, stage: str
) -> None:
    write_results(tmp_path, {"vgg16": 0.6, name: 0.7})
    (tmp_path / missing).unlink()
    with pytest.raises(DataError, match=rf"{Path(missing).name} is missing.*dvc repro {stage}\."):
        run(tmp_path, ("vgg16", name))


def test_results_that_do_not_belong_together_are_refused(tmp_path: Path, write_results: Callable[..., Path]) -> None:
    def fresh() -> Path:
        shutil.rmtree(tmp_path / "reports", ignore_errors=True)
        return write_results(tmp_path, {"vgg16": 0.6, "cnn": 0.7}) / "reports"

    reports = fresh()
    path = reports / "infer/cnn/predictions_test.csv"
    path.write_text(path.read_text().replace("test/3.jpg", "test/other.jpg"))
    with pytest.raises(DataError, match=r"cnn and vgg16 were measured on different test images"):
        run(tmp_path, ("vgg16", "cnn"))

    fresh()
    path = reports / "infer/cnn/predictions_validation.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
    with pytest.raises(DataError, match=r"cnn: metrics.json reports .* 300 .* on 299; one of them is out of date"):
        run(tmp_path, ("vgg16", "cnn"))

    fresh()
    summary = tmp_path / "reports/train/cnn/summary.json"
    write_json(summary, {**read_json(summary), "model": "vgg16"})
    with pytest.raises(DataError, match=r"summary.json is about 'vgg16', not 'cnn'"):
        run(tmp_path, ("vgg16", "cnn"))

    fresh()
    write_results(tmp_path, {"cnn": 0.7}, copies=False)
    with pytest.raises(DataError, match="cnn was measured on validation, test, PublicTest, PrivateTest, but vgg16 on"):
        run(tmp_path, ("vgg16", "cnn"))

    fresh()
    write_json(summary, {"model": "cnn", "parameters": 5})
    with pytest.raises(DataError, match=r"summary.json is invalid: .*macs: missing; .*dvc repro -f train@cnn"):
        run(tmp_path, ("vgg16", "cnn"))

    fresh()
    (reports / "evaluate/cnn/metrics.json").write_text('{"model": ')
    with pytest.raises(DataError, match=r"metrics.json is invalid: Invalid JSON.* dvc repro -f evaluate@cnn"):
        run(tmp_path, ("vgg16", "cnn"))


def test_odd_names_of_classes_and_images_are_read_as_they_are(
    tmp_path: Path, write_results: Callable[..., Path]
) -> None:
    write_results(tmp_path, {"cnn": 0.7})
    for path in (tmp_path / "reports/infer/cnn").glob("predictions_*.csv"):
        path.write_text(path.read_text().replace("sad", "null").replace("test/7.jpg", "NA"))
    metrics = tmp_path / "reports/evaluate/cnn/metrics.json"
    metrics.write_text(metrics.read_text().replace('"sad"', '"null"'))
    assert run(tmp_path, ("cnn",)).sets["validation"].images == 300


def test_the_stage_writes_the_folder(
    tmp_path: Path,
    write_results: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = (ROOT / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(text)
    from ferflow.settings import load_config

    config = load_config(tmp_path / "params.yaml")
    write_results(tmp_path, {name: 0.6 + 0.05 * place for place, name in enumerate(config.results)})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["stages/compare.py"])
    runpy.run_path(str(ROOT / "stages/compare.py"), run_name="__main__")
    best = json.loads((tmp_path / "reports/compare/champion.json").read_text())
    assert best["dataset"] == config.dataset
    assert best["reason"] in capsys.readouterr().out


@pytest.mark.parametrize(
    ("costs", "title"),
    [
        ({"cnn": (30e6, 0.7)}, "cnn reaches 70.0 % with 30 M multiply-accumulates"),
        (
            {"cnn": (30e6, 0.7), "wide": (30e6, 0.6)},
            "cnn reaches 70.0 % with 30 M multiply-accumulates, as many as every other model",
        ),
        (
            {"cnn": (30e6, 0.7), "vgg16": (720e6, 0.6), "tiny": (15e6, 0.5)},
            "cnn reaches 70.0 % with 30 M multiply-accumulates; vgg16 reaches 60.0 % with 24 times as many",
        ),
        (
            {"cnn": (30e6, 0.7), "tiny": (12e6, 0.5)},
            "cnn reaches 70.0 % with 30 M multiply-accumulates, 2.5 times as many as tiny (50.0 %)",
        ),
    ],
)
def test_the_title_of_the_costs_compares_with_the_model_that_differs_most(
    costs: dict[str, tuple[float, float]], title: str
) -> None:
    assert _cost_title(costs).replace("\u00a0", " ") == title
