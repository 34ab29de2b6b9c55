"""The stage script of download, and its output under a real DVC."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

import pytest
from download_helpers import FACES, jpeg, tree, zip_of

ROOT = Path(__file__).parents[2]


def tar_of_bytes(files: dict[bytes, bytes]) -> bytes:
    stream = BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name.decode("utf-8", "surrogateescape"))
            member.size = len(data)
            archive.addfile(member, BytesIO(data))
    return stream.getvalue()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    return tmp_path


def run_stage(project: Path, dataset: str, archive: str = "") -> subprocess.CompletedProcess[str]:
    params = (ROOT / "params.yaml").read_text().splitlines()
    lines = [f"dataset: {dataset}" if line.startswith("dataset:") else line for line in params]
    (project / "params.yaml").write_text("\n".join(lines))
    kept = {name: value for name, value in os.environ.items() if name != "FERFLOW_ARCHIVE"}
    return subprocess.run(
        [sys.executable, str(ROOT / "stages" / "download.py")],
        cwd=project,
        env={**kept, **({"FERFLOW_ARCHIVE": archive} if archive else {})},
        capture_output=True,
        text=True,
    )


def test_the_stage_writes_the_same_bytes_each_time(project: Path) -> None:
    (project / "faces.zip").write_bytes(zip_of(FACES))
    receipts = []
    for _ in range(2):
        done = run_stage(project, "fer2013", "faces.zip")
        assert done.returncode == 0, done.stderr
        assert tree(project / "data") == {f"raw/{name}": data for name, data in FACES.items()}
        receipts.append((project / "reports" / "download" / "receipt.json").read_bytes())
    assert receipts[0] == receipts[1]
    receipt = json.loads(receipts[0])
    assert list(receipt) == ["dataset", "source", "origin", "sha256", "licence", "files", "bytes", "left_out"]
    assert (receipt["dataset"], receipt["origin"]) == ("fer2013", "faces.zip")
    assert str(project) not in receipts[0].decode()


def test_the_stage_reports_a_mistake_in_one_message(project: Path) -> None:
    done = run_stage(project, "fer2013", "nowhere.zip")
    assert done.returncode == 1
    assert done.stderr.startswith("error: There is no file or folder 'nowhere.zip'.")
    assert "Traceback" not in done.stderr
    assert not (project / "reports").exists()


def test_dvc_keeps_every_file_whatever_its_name(project: Path) -> None:
    names = [
        b"train/happy/sp ace.jpg",
        b"train/happy/new\nline.jpg",
        b"train/happy/caf\xe9.jpg",
        b"train/happy/%41.JPG",
        "train/sad/😀.jpg",
        "train/sad/e\u0301.jpg",
        "train/sad/\u00e9.jpg",
        "train/sad/" + "x" * 250 + ".jpg",
        "train/sad/" + "😀" * 90 + ".jpg",
        b".dvc/config",
        b".git/hooks/pre-commit",
        b"train/.dvcignore",
        b"train/sad/dvc.yaml",
        b"a.dvc",
        b"/".join([b"deep"] * 60) + b"/x.jpg",
    ]
    files = {os.fsencode(name): jpeg(n) for n, name in enumerate(names)}
    files[b"train/.dvcignore"] = b"*"
    (project / "odd.tar").write_bytes(tar_of_bytes(files))
    done = run_stage(project, "own", "odd.tar")
    assert done.returncode == 0, done.stderr
    before = tree(project / "data" / "raw")
    assert sorted(before.values()) == sorted(files.values())

    def run_dvc(*arguments: str) -> None:
        environment = {**os.environ, "DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(project / "site")}
        dvc = [sys.executable, "-m", "dvc", *arguments, "-q"]
        done = subprocess.run(dvc, cwd=project, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    run_dvc("init", "--no-scm")
    run_dvc("add", "data/raw")
    shutil.rmtree(project / "data" / "raw")
    run_dvc("checkout")
    assert tree(project / "data" / "raw") == before
