import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.stats import binomtest

from defaults import PARAMS, network
from ferflow.base.errors import DataError
from ferflow.base.files import read_json, write_json, write_yaml
from ferflow.compare import compare
from ferflow.raw.ferplus import COLUMNS as VOTES
from ferflow.raw.manifest import COLUMNS, write_manifest
from ferflow.scoring.predictions import read_predictions
from ferflow.scoring.temperature import calibrate, fit_temperature
from ferflow.settings import Config, parse_config
from ferflow.ui.results.collect import collect
from ferflow.ui.results.page import results_page
from result_files import MODELS, write_results

RESULTS = {
    "cnn": {"model": "cnn", "architecture": "cnn", "search": "none", "teacher": "none", "repeat": 0},
    "cnn_augmented": {
        "model": "cnn_augmented",
        "architecture": "cnn",
        "search": "none",
        "teacher": "none",
        "repeat": 0,
    },
    "vgg16": {"model": "vgg16", "architecture": "vgg16", "search": "none", "teacher": "none", "repeat": 0},
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


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("finished")
    write_results(root)
    refresh(root)
    receipt = {"dataset": "fer2013", "source": "archive", "origin": "fer2013.zip", "sha256": "ab" * 32}
    write_json(root / "reports/download/receipt.json", receipt)
    write_json(root / "reports/clean/summary.json", CLEAN)
    images = {"train": 300, "validation": 300, "test": 200}
    write_json(root / "reports/prepare/summary.json", {**PREPARE, "images": images})
    write_data(root)
    return root


@pytest.fixture
def project(finished: Path, tmp_path: Path) -> Path:
    return shutil.copytree(finished, tmp_path / "project")


def write_data(root: Path, first_pixels: str = "") -> None:
    """Write manifest and index of the images that write_results predicts, one training image, and one dropped."""
    rows = [{"path": "train/0.jpg", "label": "sad", "subset": "Training", "verdict": "keep", "reason": ""}]
    rows += [{"path": "train/1.jpg", "label": "sad", "subset": "Training", "verdict": "drop", "reason": "leaked_copy"}]
    for split in ("validation", "test"):
        table = pd.read_csv(root / f"reports/infer/cnn/predictions_{split}.csv")
        found = table[["id", "label", "subset"]].rename(columns={"id": "path"}).assign(verdict="keep", reason="")
        rows += found.to_dict("records")
    manifest = pd.DataFrame(rows)
    for number, (name, kind) in enumerate(COLUMNS.items()):
        if name not in manifest.columns:
            manifest[name] = "" if kind == "str" else number
    manifest["pixels"] = [f"{number:064x}" for number in range(len(manifest))]
    if first_pixels:
        manifest.loc[0, "pixels"] = first_pixels
    write_manifest(root / "data/clean/manifest.parquet", manifest)
    (root / "data/prepare").mkdir(parents=True, exist_ok=True)
    for split in ("train", "validation", "test"):
        kept = manifest[manifest["path"].str.startswith(split) & (manifest["verdict"] == "keep")]
        index = pd.DataFrame({"id": kept["path"]})
        index.to_parquet(root / f"data/prepare/{split}_index.parquet")
    for name in MODELS:
        write_yaml(root / f"settings/{name}.yaml", {"model": name, "seed": 1})


def refresh(root: Path) -> None:
    config = settings()
    reports = root / "reports"
    compare(
        list(config.results),
        evaluations=reports / "evaluate",
        inferences=reports / "infer",
        trainings=reports / "train",
        out=reports / "compare",
        settings=config.compare,
        dataset=config.dataset,
        seed=1,
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


def write(root: Path, votes: Path | None = None, **changes: object) -> str:
    """Record the reports of a project, and return its page."""
    folder = root / "docs/results/fer2013"
    collect(root, settings(**changes), folder, votes)
    return results_page(folder).read_text(encoding="utf-8")


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


def test_results_of_another_day_stay_in_the_table(project: Path) -> None:
    write(project)
    only = {"results": {"cnn_new": {**RESULTS["cnn"], "repeat": 1}}}
    for kind in ("evaluate", "infer", "train"):
        (project / f"reports/{kind}/cnn").rename(project / f"reports/{kind}/cnn_new")
    for path in (project / "reports").glob("*/cnn_new/*.json"):
        path.write_text(path.read_text().replace('"model": "cnn"', '"model": "cnn_new"'))
    (project / "settings/cnn.yaml").rename(project / "settings/cnn_new.yaml")
    compare(
        ["cnn_new"],
        evaluations=project / "reports/evaluate",
        inferences=project / "reports/infer",
        trainings=project / "reports/train",
        out=project / "reports/compare",
        settings=settings().compare,
        dataset="fer2013",
        seed=1,
    )
    text = write(project, **only)
    table = text.split("### Several seeds")[0]
    assert cells(table, "cnn_new")[1:-1] == cells(table, "cnn")[1:-1], "the same predictions"
    assert 'MODELS="cnn_augmented cnn vgg16" TUNE="none" REPEATS=2' in text
    validation = 100 * read_json(project / "reports/evaluate/cnn_new/metrics.json")["validation"]["accuracy"]
    assert cells(text.split("### Several seeds")[1], "cnn")[:3] == ["cnn", "2", f"{validation:.1f} ± 0.0"]


def test_the_best_is_compared_with_the_second_by_their_kept_predictions(project: Path) -> None:
    text = write(project)
    first, second = (
        read_predictions(project / "reports/infer" / name, "validation") for name in ("cnn_augmented", "cnn")
    )
    right, other = first.predicted == first.labels, second.predicted == second.labels
    p_value = binomtest(int((right & ~other).sum()), int((right != other).sum())).pvalue
    verdict = f"{'' if p_value < 0.05 else 'not '}statistically significant (McNemar's test, p = {p_value:.3f})."
    assert re.search(rf"cnn_augmented has the best .* ahead of cnn \([0-9.]+ %\); {re.escape(verdict)}\n", text)
    for path in (project / "docs/results/fer2013/full").glob("*.json"):
        path.write_text(re.sub(r'"predictions": "\w+"', '"predictions": null', path.read_text()))
    page = results_page(project / "docs/results/fer2013").read_text()
    assert re.search(r"cnn_augmented has the best .* ahead of cnn \([0-9.]+ %\)\.\n", page)
    assert "average of" not in page


def test_the_average_of_networks_is_that_of_their_probabilities(project: Path) -> None:
    text = write(project)
    members = {name: read_predictions(project / "reports/infer" / name, "validation") for name in MODELS}
    ranked = ["cnn_augmented", "cnn", "vgg16"]
    calibrated = {
        name: calibrate(part.probabilities, fit_temperature(part.labels, part.probabilities))
        for name, part in members.items()
    }
    means = [np.mean([calibrated[name] for name in ranked[:size]], axis=0) for size in (2, 3)]
    labels = members["cnn"].labels
    accuracies = [100 * float((mean.argmax(axis=1) == labels).mean()) for mean in means]
    size = 2 + int(np.argmax(accuracies))
    row = cells(text, f"average of {size} networks")
    assert row[1].startswith(f"{max(accuracies):.1f} (")
    assert cells(text, "cnn_augmented alone")[1] == cells(text, "cnn_augmented")[1].split(" ")[0]


def test_the_protocol_of_others_has_its_own_table_and_difference(project: Path) -> None:
    honest = write(project)
    assert "What the protocol is worth" not in honest
    clean, prepare = dict(PARAMS["clean"]), dict(PARAMS["prepare"])
    leaky = {**clean, "leaked_copies": "keep"}
    text = write(project, clean=leaky, prepare={**prepare, "validation_subset": "PublicTest"})
    assert (project / "docs/results/fer2013/full_as_published/run.json").is_file()
    assert "the training images include copies of test images; epochs are chosen on PublicTest" in text
    section = text.split("## What the protocol is worth")[1]
    assert cells(section, "cnn")[-1] == "+0.0", "the same files stand for both here"
    assert text.startswith(honest[: honest.index("### How to reproduce")]), "the honest table is as it was"


def test_votes_of_annotators_give_the_line_of_people(project: Path) -> None:
    folder = project / "docs/results/fer2013"
    write(project)
    images = pd.read_parquet(folder / "images.parquet")
    column = {"angry": "anger", "happy": "happiness", "sad": "sadness"}
    votes = pd.DataFrame(0, index=range(len(images)), columns=list(VOTES)).assign(path=images["path"])
    # Seven of ten annotators give the label, of every fourth image three; the rest sees no face.
    for row, label in enumerate(images["label"]):
        votes.loc[row, column[label]] = 7 if row % 4 else 3
        votes.loc[row, "nf" if row % 4 else "contempt"] = 3 if row % 4 else 7
        if row % 8 == 0:
            votes.loc[row, column["happy"]] += 3  # a tie or a win for happy
    file = project / "votes.csv"
    votes.rename(columns=str.upper).rename(columns={"PATH": "path"}).to_csv(file, index=False)
    text = write(project, votes=file)
    private = images[images["subset"] == "PrivateTest"]
    given = votes.loc[private.index]
    shares = []
    for row, label in private["label"].items():
        counts = {name: int(given.loc[row, column[name]]) for name in column}
        first = [name for name, number in counts.items() if number == max(counts.values())]
        shares.append((label in first) / len(first))  # a tie counts in part
    assert 0 < sum(0 < share < 1 for share in shares) < len(shares)
    share = 100 * float(np.mean(shares))
    own = [given.loc[row, column[label]] / given.loc[row, list(VOTES)].sum() for row, label in private["label"].items()]
    assert f"is the label of fer2013 in {share:.1f}" in text
    assert f"a single annotator gives it in {100 * np.mean(own):.1f}" in text
    assert (folder / "agreement.png").stat().st_size > 10_000
    assert write(project) == text, "the votes are kept"


def test_images_that_are_others_are_refused(project: Path) -> None:
    write(project)
    write_data(project, first_pixels="f" * 64)
    with pytest.raises(DataError, match=r"is about 502 images, and data/clean about 502 others"):
        write(project)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("path,anger\nx,1\n", "lacks the columns neutral"),
        ("path," + ",".join(VOTES) + "\nx,1,1,1,1,1,1,1,1,1,1\n", "knows none of the 502 images"),
        ("path," + ",".join(VOTES) + "\n" + "x,1,1,1,1,1,1,1,1,1,1\n" * 2, "names x twice"),
    ],
)
def test_votes_that_cannot_be_used_are_an_error(project: Path, table: str, message: str) -> None:
    (project / "votes.csv").write_text(table)
    with pytest.raises(DataError, match=message):
        write(project, votes=project / "votes.csv")


def test_predictions_that_were_changed_are_an_error(project: Path) -> None:
    write(project)
    (project / "docs/results/fer2013/full/cnn.parquet").write_bytes(b"something else")
    with pytest.raises(DataError, match=r"cnn.parquet is not the file that cnn.json describes. Restore it: git"):
        results_page(project / "docs/results/fer2013")


def test_kept_predictions_are_those_of_the_reports(project: Path) -> None:
    path = project / "reports/infer/cnn/predictions_test.csv"
    close = pd.read_csv(path)
    close.loc[0, ["p_angry", "p_happy", "p_sad", "predicted"]] = [
        0.40001,
        0.40002,
        0.19997,
        "happy",
    ]  # equal in float16
    close.to_csv(path, index=False)
    write(project)
    table = pd.read_parquet(project / "docs/results/fer2013/full/cnn.parquet")
    images = pd.read_parquet(project / "docs/results/fer2013/images.parquet")
    for split in ("validation", "test"):
        part, given = table[table["split"] == split], read_predictions(project / "reports/infer/cnn", split)
        assert images.loc[part["row"], "path"].tolist() == given.index["id"].tolist()
        kept = part[["angry", "happy", "sad"]].to_numpy(np.float64)
        assert np.abs(kept - given.probabilities).max() < 1e-3
        assert (kept.argmax(axis=1) == given.predicted).all()
    assert images["split"].value_counts().to_dict() == {"validation": 300, "test": 200, "train": 1, "": 1}


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
