"""`ferflow predict` as a user types it: exit status, output, messages."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ferflow.ui import cli
from made_network import CLASSES, drawn_faces, scene, write_network

HEAVY = ("tensorflow", "keras", "mlflow", "dvc", "sklearn", "pandas", "ruamel", "yaml", "cv2")
BLOCKED = f"""
import sys

class NoPipeline:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HEAVY!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, NoPipeline())
from ferflow.ui.cli import main
main()
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    write_network(folder / "net", drawn_faces())
    (folder / "in").mkdir()
    Image.fromarray(scene(drawn_faces()[:2])).save(folder / "in/two.png")
    Image.fromarray(np.full((99, 99), 140, np.uint8)).save(folder / "in/none.png")
    (folder / "in/bad.jpg").write_bytes(b"nothing")
    return folder


def ferflow(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in an environment in which the pipeline's packages cannot be imported."""
    command = [sys.executable, "-c", BLOCKED, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=120)


def test_a_pipe_gets_csv_and_the_status_tells_of_failures(project: Path) -> None:
    done = ferflow(project, "predict", "in", "--model", "net")
    assert done.returncode == 3
    assert done.stderr == "3 files: 2 faces, 1 without a face, 1 failed, see the column reason.\n"
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row["path"], row["status"]) for row in rows] == [
        ("in/bad.jpg", "failed"),
        ("in/none.png", "no_face"),
        ("in/two.png", "ok"),
        ("in/two.png", "ok"),
    ]
    assert sum(float(rows[2][f"p_{name}"]) for name in CLASSES) == pytest.approx(1, abs=1e-5)


def test_a_file_is_written_and_continued(project: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    done = ferflow(project, "predict", "in/two.png", "in/none.png", "--model", "net", "--out", str(out))
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"2 files: 2 faces, 1 without a face. Written to {out}.\n"
    before = out.read_text()
    again = ferflow(project, "predict", "in/two.png", "in/none.png", "--model", "net", "--out", str(out))
    assert again.stderr == f"1 file: 0 faces, 1 without a face, 1 skipped, because {out} has them. Written to {out}.\n"
    assert out.read_text() == before
    assert {json.loads(line)["path"] for line in before.splitlines()} == {"in/two.png", "in/none.png"}


def test_options_reach_the_run(project: Path, tmp_path: Path) -> None:
    arguments = ["--faces", "largest", "--draw", str(tmp_path / "marked"), "--threads", "1", "--search-side", "320"]
    done = ferflow(project, "predict", "in/two.png", "--model", "net", *arguments)
    assert len(done.stdout.splitlines()) == 2
    assert (tmp_path / "marked/two.png").is_file()
    none = ferflow(project, "predict", "in/two.png", "--model", "net", "--min-score", "0.999")
    assert "no face found" in none.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ([], 2, "the following arguments are required: PATH"),
        (
            ["a.png", "--every", "0"],
            2,
            "must be a number of frames such as 10, or seconds such as 0.5s. Received: '0'.",
        ),
        (["a.png", "--smooth", "-1"], 2, "must be above 0. Received: '-1'."),
        (["a.png", "--min-score", "two"], 2, "must be a number. Received: 'two'."),
        (["a.png", "--search-side", "9"], 2, "must be from 32 to 4096 pixels. Received: '9'."),
        (["a.png", "--threads", "0"], 2, "must be a whole number, 1 or more. Received: '0'."),
        (["a.png", "--model", "nowhere"], 1, "error: nowhere is not a folder."),
        (
            ["a.png", "--model", "models:/x@y"],
            1,
            "error: models:/x@y is read with MLflow, but the package mlflow is not",
        ),
        (["a.png", "--model", "net", "--out", "o.xls"], 1, "error: --out o.xls: the suffix names the format."),
        (["*.gif", "--model", "net"], 1, "error: *.gif matches no file."),
    ],
)
def test_mistakes_are_told_with_their_status(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    status: int,
    message: str,
) -> None:
    monkeypatch.chdir(project)
    monkeypatch.setattr(sys, "argv", ["ferflow", "predict", *arguments])
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == status
    told = capsys.readouterr()
    assert message in told.err
    assert told.out == ""


def test_help_names_what_is_forbidden(project: Path) -> None:
    done = ferflow(project, "predict", "--help")
    assert done.returncode == 0
    told = " ".join(done.stdout.split())
    assert (
        "AI Act (Regulation 2024/1689, Article 5(1)(f)) forbids inferring people's emotions at work and in education"
        in told
    )


def test_a_closed_pipe_is_no_error(project: Path) -> None:
    command = [sys.executable, "-c", BLOCKED, "predict", *["in/two.png"], "in", "--model", "net"]
    with subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()
        assert process.wait(60) == 0
