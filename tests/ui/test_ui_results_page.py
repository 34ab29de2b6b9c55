import re
from pathlib import Path

import pytest
import yaml

from defaults import PARAMS, network
from ferflow.base.errors import DataError
from ferflow.base.files import read_json, write_json
from ferflow.compare import compare
from ferflow.settings import Config, parse_config
from ferflow.ui.pages.results_page import results_page
from result_files import write_results

RESULTS = {
    "cnn": {"model": "cnn", "architecture": "cnn", "search": "none", "teacher": "none"},
    "cnn_augmented": {"model": "cnn_augmented", "architecture": "cnn", "search": "none", "teacher": "none"},
    "vgg16": {"model": "vgg16", "architecture": "vgg16", "search": "none", "teacher": "none"},
}
BUDGET = {"train": {}, "tune": {"trials": 1, "epochs": 1, "images": None}}
CLEAN = {
    "files": 900, "kept": 800, "dropped": 100, "dropped_by_reason": {"unreadable": 60, "exact_copy": 40},
    "kept_by_reason": {}, "readable": 840, "classes": {}, "splits": {}, "blank": 0,
    "near_copies": {"images": 0, "groups": 0, "largest_group": 0, "across_splits": 0},
    "duplicates": {"redundant": 40, "groups": 30, "conflicting_groups": 4},
    "leakage": {"test": 23, "private_test": 11, "public_test": 12, "training_copies": 31},
}  # fmt: skip

PREPARE = {
    "classes": ["angry", "happy", "sad"], "image_size": 48, "soft_labels": False, "cut": [], "per_class": {},
    "subsets": {}, "copy_in_train": {}, "near_copies_in_train": {}, "groups": {}, "largest_group": 1, "resized": 0,
    "converted": 0, "sha256": {},
}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_results(tmp_path)
    refresh(tmp_path)
    receipt = {"dataset": "fer2013", "source": "archive", "origin": "fer2013.zip", "sha256": "ab" * 32}
    write_json(tmp_path / "reports/download/receipt.json", receipt)
    write_json(tmp_path / "reports/clean/summary.json", CLEAN)
    images = {"train": 300, "validation": 300, "test": 200}
    write_json(tmp_path / "reports/prepare/summary.json", {**PREPARE, "images": images})
    return tmp_path


def refresh(root: Path) -> None:
    config = settings()
    reports = root / "reports"
    compare(
        list(config.results),
        reports / "evaluate",
        reports / "train",
        reports / "compare",
        config.compare,
        config.dataset,
        1,
    )


def settings(**changes: object) -> Config:
    """The repository's params.yaml with three results and two budgets."""
    models = {name: {**PARAMS["models"][name], "budgets": {}} for name in ("cnn", "cnn_augmented", "vgg16")}
    models["vgg16"]["network"] = network("vgg16", weights="none")
    params = {
        **PARAMS,
        "dataset": "fer2013",
        "budget": "full",
        "results": RESULTS,
        "models": models,
        "tune": {**PARAMS["tune"], "models": {}},
        "budgets": {
            "full": {**BUDGET, "description": "all of it"},
            "short": {**BUDGET, "description": "minutes"},
        },
    }
    return parse_config(yaml.safe_dump({**params, **changes}))


def write(root: Path, **changes: object) -> str:
    page = root / "docs/results/fer2013.md"
    results_page(root, settings(**changes), page)
    return page.read_text(encoding="utf-8")


def cells(text: str, model: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if re.match(rf"\| {re.escape(model)} +\|", line)]
    return re.split(r" +\| +", line.strip("| "))


def test_page_has_the_measured_numbers_the_commands_and_the_machine(project: Path) -> None:
    text = write(project)
    for name in ("cnn", "cnn_augmented", "vgg16"):
        metrics = read_json(project / f"reports/evaluate/{name}/metrics.json")
        row = cells(text, "vgg16 (random weights)" if name == "vgg16" else name)
        for column, part in enumerate(("validation", "PublicTest", "PrivateTest", "PrivateTest_without_copies"), 1):
            block = metrics[part]
            figures = [f"{100 * block[key]:.1f}" for key in ("accuracy", "accuracy_low", "accuracy_high")]
            assert row[column] == f"{figures[0]} ({figures[1]} to {figures[2]})"
        assert row[5] == f"{metrics['PrivateTest']['macro_f1']:.3f}"
        assert row[-2:] == ["12", "1.5"]
    assert cells(text, "vgg16 (random weights)")[6:8] == ["14.9\u00a0M", "720\u00a0M"]
    assert (
        'make repro DATASET=fer2013 BUDGET=full MODELS="cnn cnn_augmented vgg16" TUNE="none" ARCHIVE="fer2013.zip"'
        in text
    )
    assert "`cnn_augmented`, `cnn`, `vgg16`: A Processor, 2 cores; backend tensorflow; python 3.11.2" in text
    assert "900 files, 800 kept, 100 dropped (unreadable 60, exact_copy 40)" in text
    assert "23 test images have a copy in the training images (11 private test, 12 public test)" in text
    assert "300 train, 300 validation, 200 test images" in text


def test_leaks_are_counted_by_test_set_only_where_the_data_tell_them_apart(project: Path) -> None:
    leakage = {**CLEAN["leakage"], "private_test": 0, "public_test": 0}
    write_json(project / "reports/clean/summary.json", {**CLEAN, "leakage": leakage})
    assert "23 test images have a copy in the training images.\n" in write(project)


def test_minutes_of_another_training_are_not_shown(project: Path) -> None:
    with (project / "reports/train/cnn/history.csv").open("a") as history:
        history.write("2,0.71\n")
    (project / "logs/train/vgg16.json").unlink()
    text = write(project)
    assert [cells(text, name)[-1] for name in ("cnn", "vgg16 (random weights)", "cnn_augmented")] == ["—", "—", "1.5"]
    assert "`cnn`, `vgg16`: not recorded on this machine" in text


def test_notes_are_kept_and_the_rest_is_rewritten(project: Path) -> None:
    page = project / "docs/results/fer2013.md"
    first = write(project)
    assert write(project) == first
    notes = "By hand: ran at night.\n\n| a | table |\n"
    page.write_text(
        first.replace("<!-- notes -->\n", f"<!-- notes -->\n{notes}") + "scribbled below\n", encoding="utf-8"
    )
    second = write(project)
    assert second == first.replace("<!-- notes -->\n", f"<!-- notes -->\n{notes}")
    page.write_text("all gone")
    with pytest.raises(DataError, match="lost its markers"):
        write(project)
    assert page.read_text() == "all gone"


def test_each_budget_has_a_section_of_its_own(project: Path) -> None:
    full = write(project)
    (project / "reports/download/receipt.json").write_text(
        (project / "reports/download/receipt.json").read_text().replace("fer2013.zip", "other.zip")
    )
    both = write(project, budget="short")
    (first,) = re.findall("<!-- budget full -->.*<!-- /budget full -->", full, re.DOTALL)
    assert first in both, "kept as it was"
    assert "## Budget `full`: all of it\n" in first
    assert both.index("## Budget `full`: all of it") < both.index("## Budget `short`: minutes")
    assert 'BUDGET=short MODELS="cnn cnn_augmented vgg16" TUNE="none" ARCHIVE="other.zip"' in both
    assert write(project, budget="short") == both
    assert both.count("## Data") == both.count("## Notes") == 1


def test_claims_of_others_come_from_the_file_next_to_the_page(project: Path) -> None:
    assert "Published results" not in write(project)
    claims = project / "docs/results/published.yaml"
    claims.write_text("fer2013:\n  - {what: net, split: PrivateTest, accuracy: 0.659, source: a paper}\nother: []\n")
    assert cells(write(project), "net") == ["net", "65.9 %", "PrivateTest", "a paper"]
    claims.write_text("fer2013:\n  - {what: net, split: PrivateTest, accuracy: 65.9, source: a paper}\n")
    with pytest.raises(DataError, match=r"published.yaml.*accuracy"):
        write(project)


def test_the_published_claims_of_the_project_can_be_read(project: Path) -> None:
    claims = Path(__file__).parents[2] / "docs/results/published.yaml"
    (project / "docs/results").mkdir(parents=True)
    (project / "docs/results/published.yaml").write_text(claims.read_text())
    assert cells(write(project), "mini_xception")[1:3] == ["65.9 %", "PrivateTest"]


@pytest.mark.parametrize(
    "change",
    [
        {"results": {"cnn": RESULTS["cnn"]}},
        {"dataset": "own"},
    ],
)
def test_reports_about_something_else_are_refused(project: Path, change: dict[str, object]) -> None:
    config = settings(**change)
    with pytest.raises(DataError, match=r"is about cnn_augmented, cnn, vgg16 on fer2013, but params.yaml asks for"):
        results_page(project, config, project / "page.md")
    assert not (project / "page.md").exists()


@pytest.mark.parametrize(
    ("path", "stage"),
    [("compare/champion.json", "compare"), ("download/receipt.json", "download"), ("prepare/summary.json", "prepare")],
)
def test_a_missing_report_is_named_with_its_stage(project: Path, path: str, stage: str) -> None:
    (project / "reports" / path).unlink()
    with pytest.raises(DataError, match=f"{Path(path).name} is missing.*dvc repro {stage}"):
        write(project)
