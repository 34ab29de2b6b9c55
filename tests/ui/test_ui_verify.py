"""`ferflow verify` on a real project of git and DVC, and the note on the processor that dvc.lock was made on."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from ferflow.base.errors import DataError
from ferflow.base.files import write_json
from ferflow.ui.processor import LOCK, NOTE, note_processor, processor_kind, processors_of
from ferflow.ui.verification import Compared, Verification, verify
from ferflow.ui.verify_command import report
from result_files import write_result

ROOT = Path(__file__).parents[2]
# What the stages write is made by the test and only copied here.
GRAPH = """
stages:
  clean: {cmd: cp made/clean kept, deps: [made/clean.py], outs: [kept]}
  train: {cmd: cp made/weights weights, deps: [kept, made/train.py], outs: [weights]}
  evaluate:
    cmd: cp -r made/reports/evaluate made/reports/compare reports/
    deps: [weights]
    params: [seed]
    outs: [reports/evaluate: {cache: false}, reports/compare: {cache: false}]
"""
OTHER = "AMD family 25 model 1, AVX2, 2 cores"


class Project:
    """A project whose stages copy what the test has made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        binaries = Path(sys.executable).parent
        self.environment = {**os.environ, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"}

    def run(self, *command: str, status: int = 0) -> str:
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)
        assert done.returncode == status, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def make(self, share: float) -> None:
        """Make what the stages write: this share of the predictions is correct."""
        made = self.folder / "made"
        shutil.rmtree(made / "reports", ignore_errors=True)
        write_result(made, "cnn", share, seed=1)
        write_json(made / "reports/compare/champion.json", {"model": "cnn" if share < 0.72 else "vgg16"})
        (made / "clean").write_text("kept")
        (made / "weights").write_text(str(share))

    def pretend(self, *stages: str, key: str = "outs") -> None:
        """Write into dvc.lock what a run would that found or wrote other bytes in these stages."""
        path = self.folder / LOCK
        lock = YAML(typ="safe").load(path)
        for stage in stages:
            for entry in lock["stages"][stage][key]:
                entry["md5"] = f"{entry['md5']}0"
        YAML().dump(lock, path)

    def note(self, kind: str) -> None:
        note_processor(self.folder, None, kind)

    def commit(self) -> None:
        self.run("git", "add", ".")
        self.run("git", "commit", "--quiet", "-m", "results", "--allow-empty")

    def verify(self) -> Verification:
        return verify(self.folder, "HEAD")


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One commit with results that another kind of processor has made."""
    made = Project(tmp_path_factory.mktemp("verify"))
    shutil.copy(ROOT / "params.yaml", made.folder)
    editor = YAML()
    params = editor.load(made.folder / "params.yaml")
    params["results"] = {"cnn": params["results"]["cnn"]}
    params["tune"]["models"] = {}
    editor.dump(params, made.folder / "params.yaml")
    (made.folder / "dvc.yaml").write_text(GRAPH)
    (made.folder / ".gitignore").write_text("/made/\n")
    (made.folder / "made").mkdir()
    (made.folder / "reports").mkdir()
    for name in ("clean.py", "train.py"):
        (made.folder / "made" / name).touch()
    for command in (
        ("git", "init", "--quiet"),
        ("git", "config", "user.email", "test@example.org"),
        ("git", "config", "user.name", "test"),
        ("dvc", "init", "--quiet"),
    ):
        made.run(*command)
    made.make(0.7)
    made.run("dvc", "repro", "--quiet")
    made.note(OTHER)
    made.commit()
    return made


@pytest.fixture
def project(committed: Project, tmp_path: Path) -> Project:
    shutil.copytree(committed.folder, tmp_path / "project", symlinks=True)
    return Project(tmp_path / "project")


def test_a_rerun_by_dvc_on_another_processor(project: Project) -> None:
    project.make(0.72)
    project.run("dvc", "repro", "--force", "--quiet")
    shown = project.run("ferflow", "verify")
    assert f"2 of 3 stages have other outputs. It was made on {OTHER}; this is {processor_kind()}." in shown
    assert "The champion is vgg16; in HEAD" in shown
    assert "Verified: all 8 metrics are within the intervals of HEAD" in shown
    assert "OUTSIDE" not in shown
    metrics = json.loads((project.folder / "reports/evaluate/cnn/metrics.json").read_text())
    assert f"{100 * metrics['validation']['accuracy']:.1f} %" in shown
    (project.folder / "weights").unlink()
    project.run("git", "checkout", "--quiet", LOCK)  # as in a clone that has run nothing
    shown = project.run("ferflow", "verify", status=1)
    assert "error: The files on disk are not those of dvc.lock: evaluate and train. To rerun" in shown


def test_the_same_bytes(project: Project) -> None:
    found = project.verify()
    assert (found.same_lock, found.reasons) == (True, [])
    assert report(found, 0.95).startswith("Verified: dvc.lock is the same to the byte as in HEAD (")


def test_metrics_outside_their_intervals(project: Project) -> None:
    project.make(0.5)
    shutil.copytree(project.folder / "made/reports/evaluate", project.folder / "reports/evaluate", dirs_exist_ok=True)
    project.pretend("train", "evaluate")
    project.pretend("evaluate", key="deps")  # the weights
    found = project.verify()
    outside = sum(not row.within for row in found.metrics)
    assert outside > 4
    assert found.reasons == [f"{outside} of 8 metrics are outside their intervals"]
    shown = report(found, 0.95)
    assert shown.count("OUTSIDE") == outside
    assert "Verified" not in shown


def test_rounding_does_not_explain_other_data(project: Project) -> None:
    project.pretend("clean", "train")
    assert project.verify().reasons == ["clean wrote other outputs from the same inputs, which rounding cannot explain"]


def test_the_same_processor_must_give_the_same_bytes(project: Project) -> None:
    project.note(processor_kind())
    project.commit()
    project.pretend("train")
    assert project.verify().reasons == ["the same kind of processor must give the same bytes"]
    (project.folder / NOTE).write_text("<<<<<<< HEAD")
    project.commit()
    project.pretend("train")
    found = project.verify()
    assert (found.made_on, found.reasons) == ([], [])
    assert "is unknown; this is" in report(found, 0.95)


def test_another_question_is_no_rerun(project: Project) -> None:
    project.pretend("train", key="deps")
    with pytest.raises(DataError, match=r"no rerun of HEAD \(.*\): made/train.py differ\. To .* ferflow diff HEAD\."):
        project.verify()
    (project.folder / LOCK).unlink()
    with pytest.raises(DataError, match=r"dvc\.lock of now does not exist\. Run: make repro\."):
        project.verify()


def test_damaged_and_missing_metrics(project: Project) -> None:
    project.pretend("train")
    path = project.folder / "reports/evaluate/cnn/metrics.json"
    whole = json.loads(path.read_text())
    for content, message in (
        ("{", "is not valid JSON"),
        ("[]", "is not valid JSON"),
        ("{}", "lacks metrics or their intervals"),
        (json.dumps({**whole, "validation": {**whole["validation"], "images": 3}}), "has 3 images on disk and 300"),
        (None, "does not exist"),
    ):
        path.unlink() if content is None else path.write_text(content)
        with pytest.raises(DataError, match=f"metrics.json.* {message}"):
            project.verify()


def test_a_partial_rerun_keeps_what_is_known_of_other_stages(project: Project) -> None:
    before = (project.folder / LOCK).read_bytes()
    note_processor(project.folder, before, "new")
    assert processors_of(before, (project.folder / NOTE).read_bytes()) == [OTHER]  # nothing has run
    project.pretend("train", "evaluate")
    after = (project.folder / LOCK).read_bytes()
    assert processors_of(after, (project.folder / NOTE).read_bytes()) == []  # the note is of another dvc.lock
    note_processor(project.folder, before, "new")
    assert processors_of(after, (project.folder / NOTE).read_bytes()) == [OTHER, "new"]
    assert json.loads((project.folder / NOTE).read_text())["processors"] == {
        OTHER: ["clean"],
        "new": ["evaluate", "train"],
    }


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("fpu avx2 avx512f avx512_vnni", "AVX-512 with VNNI"), ("avx2 avx512f", "AVX-512"), ("avx avx2", "AVX2"),
     ("fpu sse2", "without AVX2")],
)  # fmt: skip
def test_kinds_of_processor(tmp_path: Path, flags: str, expected: str) -> None:
    lines = f"processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 1\nflags\t\t: {flags}\n"
    (tmp_path / "cpuinfo").write_text(f"{lines}\nprocessor\t: 1\nvendor_id\t: Other\n")
    assert processor_kind(tmp_path / "cpuinfo").startswith(f"AMD family 25 model 1, {expected}, ")
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nBogoMIPS\t: 50.00\n")  # as on ARM
    assert processor_kind(tmp_path / "cpuinfo") == processor_kind(tmp_path / "missing")


@given(
    st.binary(max_size=60)
    | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(lambda v: json.dumps(v).encode())
)
def test_any_note_is_read(content: bytes) -> None:
    assert processors_of(b"lock", content) == []


def test_a_value_at_the_end_of_the_interval_is_within() -> None:
    row = Compared("cnn", "test", "accuracy", 0.7, 0.6, 0.8, 0.8)
    assert row.within
    assert not replace(row, now=0.80001).within
    assert not replace(row, now=0.59).within
