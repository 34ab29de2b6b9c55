from pathlib import Path

import pytest
from results_project import CLEAN, RESULTS, cells, settings, write

from ferflow.base.errors import DataError
from ferflow.base.files import read_json, write_json
from ferflow.ui.results.collect import collect
from ferflow.ui.results.page import results_page


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
        'make repro DATASET=fer2013 BUDGET=full MODELS="cnn_augmented cnn vgg16" TUNE="none" ARCHIVE="fer2013.zip"'
        in text
    )
    assert "`cnn_augmented`, `cnn` and `vgg16`: A Processor, 2 cores; backend tensorflow; python 3.11.2" in text
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
    assert "`cnn` and `vgg16`: not recorded" in text


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
    write(project)
    both = write(project, budget="short")
    assert both.index("## Budget `full`: all of it") < both.index("## Budget `short`: minutes")
    assert 'BUDGET=short MODELS="cnn_augmented cnn vgg16" TUNE="none" ARCHIVE="fer2013.zip"' in both
    assert write(project, budget="short") == both
    assert both.count("## Data") == both.count("## Notes") == 1


def test_claims_of_others_come_from_the_file_next_to_the_page(project: Path) -> None:
    assert "Published results" not in write(project)
    claims = project / "docs/results/published.yaml"
    row = "what: net, split: PrivateTest, selected_on: PublicTest, source: a paper"
    claims.write_text(f"fer2013:\n  - {{{row}, accuracy: 0.659}}\nother: []\n")
    assert cells(write(project), "net") == ["net", "65.9 %", "PrivateTest", "PublicTest", "a paper"]
    claims.write_text(f"fer2013:\n  - {{{row}, accuracy: 65.9}}\n")
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
        collect(project, config, project / "docs/results/fer2013")
    assert not (project / "docs/results/fer2013/full").exists()


@pytest.mark.parametrize(
    ("path", "stage"),
    [("compare/champion.json", "compare"), ("download/receipt.json", "download"), ("prepare/summary.json", "prepare")],
)
def test_a_missing_report_is_named_with_its_stage(project: Path, path: str, stage: str) -> None:
    (project / "reports" / path).unlink()
    with pytest.raises(DataError, match=f"{Path(path).name} is missing.*dvc repro {stage}"):
        write(project)


def test_a_dataset_without_results_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no results\. Train first: make repro DATASET=fer2013"):
        results_page(tmp_path / "docs/results/fer2013")
