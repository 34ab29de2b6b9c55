"""What clean, prepare and download make of the data does not depend on the links that DVC or the user made of it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from clean_helpers import Raw

from defaults import ROOT
from ferflow.base.errors import DataError
from ferflow.base.hashing import sha256
from ferflow.base.links import check_trackable
from ferflow.raw.images import read_grey
from ferflow.raw.manifest import write_manifest

GRAPH = """
stages:
  download: {cmd: python stages/download.py, outs: [data/raw]}
  clean: {cmd: python stages/clean.py, deps: [data/raw], outs: [data/clean, reports/clean/summary.json]}
  prepare: {cmd: python stages/prepare.py, deps: [data/raw, data/clean], outs: [data/prepare]}
"""
CSV = "emotion,pixels,Usage\n" + "".join(
    f"4,{' '.join(str(n % 251 + k) for n in range(400))},Training\n" for k in (0, 4)
)


class Project:
    """A git and DVC repository with the stages of the data alone, on faces in `faces`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        shutil.copytree(ROOT / "stages", folder / "stages", ignore=shutil.ignore_patterns("__pycache__"))
        params = (ROOT / "params.yaml").read_text()
        params = params.replace("\ndataset: sample", "\ndataset: own")
        params = params.replace("min_images_per_class: 2", "min_images_per_class: 1")
        (folder / "params.yaml").write_text(params)
        (folder / "dvc.yaml").write_text(GRAPH)
        faces = Raw(folder / "faces")
        for at, path in enumerate(
            f"{split}/{label}/{n}.jpg" for split in ("train", "test") for label in ("sad", "fear") for n in range(12)
        ):
            faces.put(path, at)
        faces.put("train/sad/.hidden", b"x")
        faces.put("train/sad/copy.jpg", 0)
        faces.put("table.csv", CSV.encode())
        (folder / ".gitignore").write_text("/faces\n/cache\n")
        self.run("git", "init", "--quiet")
        self.dvc("init")

    def run(self, *command: str, fails: bool = False) -> str:
        paths = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT / "src"),
        }
        environment = {**os.environ, **paths, "DVC_NO_ANALYTICS": "1", "FERFLOW_ARCHIVE": "faces"}
        environment["DVC_SITE_CACHE_DIR"] = str(self.folder / ".dvc/site")
        done = subprocess.run(
            command, cwd=self.folder, env=environment, text=True, stdout=-1, stderr=subprocess.STDOUT, check=False
        )
        assert (done.returncode != 0) == fails, f"{' '.join(command)}\n{done.stdout[-3000:]}"
        return done.stdout

    def dvc(self, *arguments: str) -> str:
        return self.run("dvc", *arguments)

    def lock(self) -> str:
        return (self.folder / "dvc.lock").read_text()

    def links(self) -> set[str]:
        return {path.name for path in (self.folder / "data/raw").rglob("*") if path.is_symlink()}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def shared_symlinks(project: Project) -> None:
    project.dvc("cache", "dir", str(project.folder.parent / "shared"))
    project.dvc("config", "cache.type", "symlink")
    project.dvc("config", "cache.shared", "group")


def linked_raw(project: Project) -> None:
    """Put data/raw on another disk."""
    (project.folder / "data").mkdir(exist_ok=True)
    (project.folder.parent / "disk/raw").mkdir(parents=True)
    (project.folder / "data/raw").symlink_to(project.folder.parent / "disk/raw")


SETTINGS: dict[str, Callable[[Project], object]] = {
    "symlink": lambda project: project.dvc("config", "cache.type", "symlink"),
    "hardlink": lambda project: project.dvc("config", "cache.type", "hardlink"),
    "reflink": lambda project: project.dvc("config", "cache.type", "reflink,copy"),
    "shared": shared_symlinks,
    "disk": linked_raw,
    "disk and symlink": lambda project: (linked_raw(project), project.dvc("config", "cache.type", "symlink")),
}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The lock file with copies, as DVC makes them by default on a file system without reflinks."""
    plain = Project(tmp_path_factory.mktemp("plain") / "project")
    plain.dvc("config", "cache.type", "copy")
    plain.dvc("repro")
    assert "nfiles: 1" in plain.lock()
    return plain.lock()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("setting", SETTINGS)
def test_every_kind_of_link_gives_the_same_lock_file(project: Project, expected: str, setting: str) -> None:
    SETTINGS[setting](project)
    project.dvc("repro")  # clean reads what DVC has just linked
    assert project.lock() == expected
    if "symlink" in setting or setting == "shared":
        assert {"0.jpg", "table.csv", ".hidden"} <= project.links()
    project.dvc("repro", "--force")  # download writes over what is linked now
    assert project.lock() == expected
    if setting.startswith("disk"):
        assert (project.folder / "data/raw").is_symlink()
        assert (project.folder.parent / "disk/raw/table.csv").exists()


@pytest.mark.timeout(120)
def test_data_outside_the_repository_is_refused_before_any_work(project: Project) -> None:
    disk = project.folder.parent / "disk"
    disk.mkdir()
    (project.folder / "data").symlink_to(disk)
    for stage in ("download", "clean", "prepare"):
        said = project.run("python", f"stages/{stage}.py", fails=True)
        assert said.startswith("error: DVC cannot track data/")
        assert "ln -s" in said
        assert "dvc cache dir" in said
    assert not list(disk.iterdir())


def test_data_in_the_repository_or_without_git_may_be_linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("with", "without"):
        (tmp_path / name / "elsewhere").mkdir(parents=True)
        (tmp_path / name / "data").symlink_to("elsewhere" if name == "with" else tmp_path)
    (tmp_path / "with/.git").mkdir()
    for name in ("with", "without"):
        monkeypatch.chdir(tmp_path / name)
        check_trackable(Path("data/raw"))


def cached(raw: Raw, content: bytes | int, path: str) -> Path:
    """Put a file as DVC does with `cache.type symlink`, and return the file in the cache."""
    file = raw.put(path, content)
    target = raw.folder.parent / "cache/files/md5/0a" / f"{len(list(raw.folder.rglob('*'))):030x}"
    target.parent.mkdir(parents=True, exist_ok=True)
    file.rename(target)
    file.symlink_to(target)
    return target


def test_a_link_into_the_cache_is_its_file_in_the_manifest(raw: Raw, tmp_path: Path) -> None:
    other = Raw(tmp_path / "other")
    files: list[tuple[str, bytes | int]] = [
        ("happy/a.jpg", 1),
        ("happy/b.jpg", b"x"),
        ("sad/.hidden", b"y"),
        ("sad/c.jpg", 2),
    ]
    for path, content in files:
        other.put(path, content)
        cached(raw, content, path)
    for at, one in enumerate((raw, other)):
        write_manifest(tmp_path / str(at), one.clean().manifest)
    assert sha256(tmp_path / "0") == sha256(tmp_path / "1")
    assert next(read_grey(raw.folder, ["happy/a.jpg"])).shape == (48, 48)


def test_a_file_that_the_cache_lacks_stops_and_does_not_become_a_result(raw: Raw) -> None:
    cached(raw, 1, "happy/a.jpg").unlink()
    with pytest.raises(DataError, match=r"happy/a\.jpg is a link into DVC's cache, which lacks the file.*dvc pull"):
        raw.clean()


@pytest.mark.parametrize("target", ["elsewhere.jpg", "files/md5/secret", "files/md5/0a/short", "/etc/files/md5/0a/b"])
def test_other_links_are_not_followed(raw: Raw, target: str) -> None:
    raw.put("happy/real.jpg", 2)
    (raw.folder / "happy/link.jpg").symlink_to(target)
    assert raw.reasons() == {"happy/link.jpg": "drop link", "happy/real.jpg": "keep"}
    with pytest.raises(DataError):
        next(read_grey(raw.folder, ["happy/link.jpg"]))
