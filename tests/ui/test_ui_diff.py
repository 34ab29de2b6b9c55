"""`ferflow diff` on a real project of git and DVC: nothing changed, changed metrics, a missing cache."""

import io
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from ruamel.yaml import YAML
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, f1_score

import result_files
from browser import CHROMIUM, Browser
from ferflow.base.errors import DataError
from ferflow.settings import load_config
from ferflow.ui.diff.difference import Difference, find_difference
from ferflow.ui.diff.outputs import MARKER, difference_page, markdown_text, terminal_text
from ferflow.ui.diff.pipeline_changes import param_changes, stage_changes

ROOT = Path(__file__).parents[2]
RESULT = "{model: cnn, architecture: cnn, search: none, teacher: none, repeat: 0}"
# The stages that the differences are about; what they write is made by the test and only copied here.
GRAPH = """
stages:
  infer:
    cmd: cp -r made/infer reports/
    deps: [made/infer]
    outs: [reports/infer]
  evaluate:
    cmd: cp -r made/evaluate reports/
    deps: [made/evaluate, reports/infer]
    params: [seed]
    outs: [reports/evaluate: {cache: false}]
"""


class Project:
    """A project with git and DVC, whose results are written by the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        binaries = Path(sys.executable).parent
        self.environment = {**os.environ, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"}

    def run(self, *command: str, status: int = 0) -> str:
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)
        assert done.returncode == status, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def params(self, **changes: object) -> None:
        """Set keys of params.yaml; double underscores stand for dots."""
        editor = YAML()
        path = self.folder / "params.yaml"
        content = editor.load(path)
        for key, value in changes.items():
            *sections, last = key.split("__")
            place = content
            for section in sections:
                place = place[section]
            place[last] = value
        editor.dump(content, path)

    def results(self, **shares: float) -> None:
        """Make results of these names with these shares of correct predictions, and one figure each."""
        shutil.rmtree(self.folder / "made", ignore_errors=True)
        temporary = self.folder / ".made"
        for number, (name, share) in enumerate(shares.items()):
            result_files.write_result(temporary, name, share, seed=10 * number + int(100 * share))
            figures = temporary / f"reports/evaluate/{name}/figures"
            figures.mkdir()
            Image.new("L", (40, 30), int(255 * share)).save(figures / "confusion.png")
        (temporary / "reports").rename(self.folder / "made")
        shutil.rmtree(temporary)
        results = {name: YAML(typ="safe").load(RESULT) for name in shares}
        self.params(results=results)

    def repro(self) -> None:
        shutil.rmtree(self.folder / "reports", ignore_errors=True)
        (self.folder / "reports").mkdir()
        self.run("dvc", "repro", "--quiet")

    def commit(self, message: str) -> None:
        self.run("git", "add", ".")
        self.run("git", "commit", "--quiet", "-m", message)

    def difference(self, revision: str = "HEAD") -> Difference:
        return find_difference(self.folder, revision, load_config(self.folder / "params.yaml"))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two commits: cnn and old; then cnn with other answers, the same vgg16, and new."""
    made = Project(tmp_path_factory.mktemp("diff"))
    shutil.copy(ROOT / "params.yaml", made.folder)
    (made.folder / "dvc.yaml").write_text(GRAPH)
    (made.folder / ".gitignore").write_text("/made/\n/reports/diff/\n")
    for command in (
        ("git", "init", "--quiet", "--initial-branch=main"),
        ("git", "config", "user.email", "test@example.org"),
        ("git", "config", "user.name", "test"),
        ("dvc", "init", "--quiet"),
    ):
        made.run(*command)
    made.params(compare__resamples=200, tune__models={})
    made.results(vgg16=0.55, cnn=0.7, old=0.6)
    made.repro()
    made.commit("first")
    made.params(seed=7, train__epochs=61)
    made.results(vgg16=0.55, cnn=0.9, new=0.8)
    made.repro()
    made.commit("second")
    return made


@pytest.fixture(scope="module")
def changed(project: Project) -> Difference:
    return project.difference("HEAD~1")


def test_unchanged_tree_says_that_the_lock_is_the_same(project: Project) -> None:
    difference = project.difference()
    head = project.run("git", "rev-parse", "--short=7", "HEAD").strip()
    expected = f"No difference to HEAD ({head}): dvc.lock is the same."
    assert terminal_text(difference, "page.html") == expected
    assert markdown_text(difference).split("\n\n") == [MARKER, "### Results compared with the base", f"{expected}\n"]
    assert expected in difference_page(difference)
    assert project.run("ferflow", "diff", "HEAD").strip() == expected
    assert (project.folder / "reports/diff/index.html").is_file()


def test_params_results_and_figures_that_changed(changed: Difference) -> None:
    assert not changed.same_lock
    params = {change.key: (change.before, change.after) for change in changed.params}
    assert params["seed"] == ("20130731", "7")
    assert params["train.epochs"] == ("60", "61")
    assert params["results.old.model"] == ("cnn", None)
    assert params["results.new.model"] == (None, "cnn")
    assert list(changed.added) == ["new"]
    assert list(changed.removed) == ["old"]
    assert changed.stages.outputs == ["evaluate", "infer"]
    assert changed.stages.inputs == {"made/evaluate": ["evaluate"], "params": ["evaluate"], "made/infer": ["infer"]}
    assert {change.result for change in changed.results if not change.same} == {"cnn"}
    assert {change.result for change in changed.results if change.same} == {"vgg16"}
    pictures = {change.path: (change.before, change.after) for change in changed.pictures}
    path = "reports/evaluate/{}/figures/confusion.png"
    assert set(pictures) == {path.format(name) for name in ("cnn", "new", "old")}
    assert pictures[path.format("new")][0] is None
    assert pictures[path.format("old")][1] is None
    levels = [Image.open(io.BytesIO(data)).getpixel((0, 0)) for data in pictures[path.format("cnn")] if data]
    assert levels == [int(255 * 0.7), int(255 * 0.9)]


def test_differences_are_those_of_the_stored_predictions(project: Project, changed: Difference) -> None:
    for change in changed.results:
        if change.result != "cnn":
            continue
        split = "validation" if change.part == "validation" else "test"
        path = f"reports/infer/cnn/predictions_{split}.csv"
        now = pd.read_csv(project.folder / path)
        entry = YAML(typ="safe").load(project.run("git", "show", "HEAD~1:dvc.lock"))["stages"]["infer"]["outs"][0]
        before = pd.read_csv(io.StringIO(_cached(project.folder, entry["md5"], f"cnn/predictions_{split}.csv")))
        if change.part.startswith(("PublicTest", "PrivateTest")):
            rows = now["subset"] == change.part.removesuffix("_without_copies")
            rows &= ~now["copy_in_train"] | (not change.part.endswith("_without_copies"))
            now, before = now[rows], before[rows]
        tested = change.tested["accuracy"]
        accuracies = [accuracy_score(table["label"], table["predicted"]) for table in (before, now)]
        assert tested.value == pytest.approx(accuracies[1] - accuracies[0])
        assert tested.low < tested.value < tested.high
        one, other = ((table["label"] == table["predicted"]).to_numpy() for table in (now, before))
        only = int((one & ~other).sum()), int((~one & other).sum())
        assert tested.p_value == pytest.approx(binomtest(only[0], sum(only)).pvalue)
        scores = [f1_score(table["label"], table["predicted"], average="macro") for table in (before, now)]
        assert change.tested["macro_f1"].value == pytest.approx(scores[1] - scores[0])
        assert (change.before["accuracy"], change.after["accuracy"]) == pytest.approx(tuple(accuracies), abs=1e-6)


def _cached(root: Path, md5: str, name: str) -> str:
    """Read a file of a folder from DVC's cache without DVC."""
    files = root / ".dvc/cache/files/md5"
    listing = YAML(typ="safe").load((files / md5[:2] / md5[2:]).read_text())
    found = next(entry["md5"] for entry in listing if entry["relpath"] == name)
    return (files / found[:2] / found[2:]).read_text()


def test_words_on_the_terminal_and_in_markdown(project: Project, changed: Difference) -> None:
    text = terminal_text(changed, "reports/diff/index.html")
    assert "the metrics of cnn differ." in text.splitlines()[0]
    assert "points (" in text.splitlines()[1]
    assert text.splitlines()[1].endswith("p < 0.001: statistically significant.")
    assert "New: new (" in text
    assert "Gone: old (" in text
    assert text.endswith("3 figures differ; side by side in reports/diff/index.html.")
    head = project.run("git", "rev-parse", "HEAD").strip()
    written = markdown_text(changed, "https://example.org/o/r/raw", head)
    assert written.startswith(MARKER)
    figure = "reports/evaluate/cnn/figures/confusion.png"
    for commit in (changed.before.sha, head):
        assert f'src="https://example.org/o/r/raw/{commit}/{figure}"' in written
    assert f"`{figure}`" in markdown_text(changed)
    assert "<img" not in markdown_text(changed), "pictures that no address serves are only listed"
    assert len(written) < 60_000
    rows = [line for line in written.splitlines() if line.startswith("| cnn ")]
    assert len(rows) == 4
    assert all("→" in row and "<" in row for row in rows)


def test_many_changes_stay_below_the_limit_of_a_comment(changed: Difference) -> None:
    many = replace(
        changed,
        results=[replace(change, result=f"{change.result}_{n}") for n in range(60) for change in changed.results],
        params=changed.params * 100,
        pictures=changed.pictures * 100,
    )
    assert len(markdown_text(many, "https://example.org/owner/name/raw", "0" * 40)) < 65_536


def test_missing_cache_leaves_the_differences_without_tests(project: Project, tmp_path: Path) -> None:
    clone = Project(tmp_path / "clone")
    shutil.copytree(project.folder, clone.folder)
    shutil.rmtree(clone.folder / ".dvc/cache")
    difference = clone.difference("HEAD~1")
    [reason] = difference.unpaired
    assert "the predictions of HEAD~1" in reason
    changes = [change for change in difference.results if change.result == "cnn"]
    assert changes
    assert all(not change.tested for change in changes)
    text = terminal_text(difference, "page.html")
    assert "are not in this cache, so that differences have no interval and no p-value" in text
    assert "dvc fetch" in text
    validation = next(change for change in changes if change.part == "validation")
    points = 100 * (validation.after["accuracy"] - validation.before["accuracy"])
    assert f"{points:+.1f}" in text


def test_predictions_of_a_remote_are_used(project: Project, tmp_path: Path) -> None:
    clone = Project(tmp_path / "clone")
    shutil.copytree(project.folder, clone.folder)
    shutil.copytree(clone.folder / ".dvc/cache", tmp_path / "remote")
    shutil.rmtree(clone.folder / ".dvc/cache")
    clone.run("dvc", "remote", "add", "--quiet", "--local", "--default", "far", str(tmp_path / "remote"))
    difference = clone.difference("HEAD~1")
    assert difference.unpaired == []
    assert any(change.tested for change in difference.results)


def test_other_images_are_not_paired(project: Project, tmp_path: Path) -> None:
    clone = Project(tmp_path / "clone")
    shutil.copytree(project.folder, clone.folder)
    path = clone.folder / "reports/infer/cnn/predictions_validation.csv"
    text = path.read_text().replace("validation/3.jpg", "validation/other.jpg")
    path.unlink()  # it may be a link into the cache
    path.write_text(text)
    difference = clone.difference("HEAD~1")
    assert difference.unpaired == ["the images differ"]
    assert "measured on other images" in terminal_text(difference, "page.html")


def test_params_that_have_not_run_yet(project: Project, tmp_path: Path) -> None:
    clone = Project(tmp_path / "clone")
    shutil.copytree(project.folder, clone.folder)
    clone.params(seed=8)
    difference = clone.difference()
    assert difference.same_lock
    text = terminal_text(difference, "page.html")
    assert text.startswith("dvc.lock is the same as at HEAD")
    assert "params.yaml has changed since the pipeline last ran. To see the effect: dvc repro." in text
    assert "seed" in text


@pytest.mark.parametrize("revision", ["nowhere", "", "HEAD~99", "HEAD:params.yaml"])
def test_an_unknown_revision_is_named(project: Project, revision: str) -> None:
    with pytest.raises(DataError, match=r"git knows no revision .*git fetch"):
        project.difference(revision)


def test_errors_of_the_command(project: Project, tmp_path: Path) -> None:
    output = project.run("ferflow", "diff", "nowhere", status=1)
    assert output.startswith("error: git knows no revision 'nowhere'")
    assert "Traceback" not in output
    shutil.copy(ROOT / "params.yaml", tmp_path)
    alone = Project(tmp_path)
    alone.environment["GIT_CEILING_DIRECTORIES"] = str(tmp_path.parent)
    assert "not in a git repository" in alone.run("ferflow", "diff", "HEAD", status=1)


def test_command_writes_page_and_markdown(project: Project) -> None:
    output = project.run(
        "ferflow", "diff", "HEAD~1", "--markdown", "reports/diff/d.md", "--images", "https://x.org/raw/"
    )
    assert "the metrics of cnn differ" in output
    assert "https://x.org/raw/" in (project.folder / "reports/diff/d.md").read_text()
    assert project.run("git", "status", "--porcelain") == ""


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed (apt-get install chromium)")
def test_page_in_a_browser(changed: Difference, tmp_path: Path) -> None:
    file = tmp_path / "index.html"
    file.write_text(difference_page(changed), encoding="utf-8")
    with Browser(tmp_path / "profile") as browser:
        for width in (1400, 400):
            browser.show(width, "light")
            browser.open(file.as_uri())
            assert browser.complaints() == []
            assert browser.requests() == [file.as_uri()]
            root = "document.documentElement"
            assert browser.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")
            assert browser.evaluate("document.querySelectorAll('.pair img').length") == 4


VALUES = st.one_of(st.integers(0, 3), st.booleans(), st.none(), st.sampled_from(["a", "b"]))


@given(st.dictionaries(st.sampled_from("abcd"), VALUES), st.dictionaries(st.sampled_from("abcd"), VALUES))
def test_param_changes_turn_one_mapping_into_the_other(before: dict[str, object], after: dict[str, object]) -> None:
    changes = param_changes(before, after)
    assert [change.key for change in changes] == sorted(
        key
        for key in before.keys() | after.keys()
        if key not in before or key not in after or before[key] != after[key]
    )
    assert param_changes(before, before) == []
    for change in changes:
        assert (change.before is None) == (change.key not in before)
        assert (change.after is None) == (change.key not in after)


def test_stage_changes_name_inputs_that_no_stage_writes() -> None:
    def lock(code: str, array: str) -> dict[str, object]:
        deps = [{"path": "src/train", "md5": code}, {"path": "data/arrays", "md5": array}]
        train = {"cmd": "train", "deps": deps, "outs": [{"path": "models/cnn", "md5": code + array}]}
        return {
            "stages": {"train@cnn": train, "prepare": {"cmd": "p", "outs": [{"path": "data/arrays", "md5": array}]}}
        }

    found = stage_changes(lock("1", "1"), lock("2", "2"))
    assert found.inputs == {"src/train": ["train@cnn"]}
    assert found.outputs == ["prepare", "train@cnn"]
    assert stage_changes(lock("1", "1"), {}).removed == ["prepare", "train@cnn"]
    assert np.all([not part for part in vars(stage_changes(lock("1", "1"), lock("1", "1"))).values()])
