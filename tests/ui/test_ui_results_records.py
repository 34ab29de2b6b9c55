import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from results_project import RESULTS, cells, settings, write, write_data
from scipy.stats import binomtest

from defaults import PARAMS
from ferflow.base.errors import DataError
from ferflow.base.files import read_json, write_json
from ferflow.compare import compare
from ferflow.compare.robustness import REFERENCE
from ferflow.raw.ferplus import COLUMNS as VOTES
from ferflow.reporting.robustness import CorruptionScores, Robustness
from ferflow.scoring.predictions import read_predictions
from ferflow.scoring.temperature import calibrate, fit_temperature
from ferflow.ui.results.page import results_page
from result_files import MODELS


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


def corruptions(errors: list[float]) -> Robustness:
    """Scores under two kinds of corruption at two severities, whose errors are these, one kind after the other."""
    right = [1 - error for error in errors]
    kinds = {
        kind: CorruptionScores(accuracy=part, mean=sum(part) / 2, relative=None)
        for kind, part in (("jpeg", right[:2]), ("motion_blur", right[2:]))
    }
    mean = sum(right) / 4
    return Robustness(severities=[1, 5], mean_accuracy=mean, mean_error=1 - mean, relative=None, kinds=kinds)


def test_views_have_a_table_and_networks_that_were_not_measured_have_none(project: Path) -> None:
    assert "test-time views" not in write(project)
    path = project / "reports/evaluate/cnn/metrics.json"
    content = read_json(path)
    content["validation"]["by_views"] = {"single": 0.61, "flip": 0.62, "ten_crop": 0.645}
    for name in set(content) - {"model", "views", "temperature", "validation"}:
        content[name]["by_views"] = {"single": 0.5, "flip": 0.52, "ten_crop": 0.535}
    write_json(path, content)
    section = write(project).split("### What test-time views are worth")[1].partition("##")[0]
    assert cells(section, "cnn") == ["cnn", "61.0", "62.0", "64.5", "50.0", "52.0", "53.5"]
    assert "vgg16" not in section


def test_corrupted_images_have_a_table_and_an_error_compared_with_the_baseline(project: Path) -> None:
    assert "On corrupted images" not in write(project)
    for name, errors in (("cnn", [0.2, 0.4, 0.4, 0.8]), ("vgg16", [0.4, 0.8, 0.3, 0.3])):
        path = project / f"reports/evaluate/{name}/metrics.json"
        content = read_json(path)
        content["test"]["robustness"] = corruptions(errors).to_json()
        write_json(path, content)
    section = write(project).split("### On corrupted images")[1]
    # Without mini_xception, the errors are compared with its stored ones, at severities 1 and 5.
    stored = {kind: row[0] + row[4] for kind, row in read_json(REFERENCE)["errors"].items()}
    for name, jpeg, blur, shown in (("cnn", 0.6, 1.2, ["70.0", "40.0"]), ("vgg16", 1.2, 0.6, ["40.0", "70.0"])):
        ratio = 100 * (jpeg / stored["jpeg"] + blur / stored["motion_blur"]) / 2
        assert cells(section, name) == [name, "55.0", f"{ratio:.1f}", *shown]
    folder = project / "docs/results/fer2013"
    record = read_json(folder / "full/vgg16.json")
    write_json(folder / "full/vgg16.json", {**record, "model": "mini_xception"})
    section = results_page(folder).read_text().split("### On corrupted images")[1]
    ratio = 100 * ((0.2 + 0.4) / (0.4 + 0.8) + (0.4 + 0.8) / (0.3 + 0.3)) / 2
    assert cells(section, "cnn")[2] == f"{ratio:.1f}"
    assert cells(section, "vgg16")[2] == "100.0"
