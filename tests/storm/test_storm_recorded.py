"""Every tracked artefact truncated, emptied, bit-flipped or gone: a message names it and the command that mends it."""

import json
import os
import random
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from dvc_project import STAGE, copy, make, sh
from storm_size import SEED

from ferflow.base.errors import DataError
from ferflow.ui.recorded import check_inputs, check_outputs

ARTEFACTS = {
    "data/prepare/images.npy": "train",
    "data/prepare/deep/index.parquet": "train",
    "reports/prepare/summary.json": "train",
    "models/cnn/model.keras": "report",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make(tmp_path_factory.mktemp("recorded") / "project")
    sh(folder, "dvc repro && git add . && git -c user.name=t -c user.email=t@example.org commit -qm results")
    return folder


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    return copy(made, tmp_path / "project")


def emptied(data: bytes) -> bytes:
    return data[:0]


def truncated(data: bytes) -> bytes:
    return data[: len(data) // 2]


def bit_flipped(data: bytes) -> bytes:
    chance = random.Random(SEED)
    changed = bytearray(data)
    changed[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def damage(path: Path, how: Callable[[bytes], bytes]) -> None:
    """Damage a file behind DVC's back: its time stays, and with a flipped bit its size as well."""
    times = path.stat()
    path.chmod(0o644)
    path.write_bytes(how(path.read_bytes()))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.parametrize("how", [emptied, truncated, bit_flipped])
@pytest.mark.parametrize("file", ARTEFACTS)
def test_a_damaged_input_stops_the_stage_with_the_commands_that_mend_it(
    project: Path, file: str, how: Callable[[bytes], bytes]
) -> None:
    whole = (project / file).read_bytes()
    damage(project / file, how)
    with pytest.raises(DataError, match=re.escape(file)) as caught:
        check_inputs(project, ARTEFACTS[file])
    message = str(caught.value)
    assert "is damaged or was changed" in message
    producer = "train" if "model" in file else "prepare"
    assert f"dvc repro -f -s {producer}" in message
    command = re.search(r"Take it back: (.*?)\. Or", message)
    assert command
    assert all(word in ("rm", "-rf", "dvc", "git", "checkout") or (project / word).exists() for word in
               shlex.split(command[1].replace(";", " ")))  # fmt: skip
    if how is bit_flipped and file.endswith(("images.npy", "summary.json")):  # once for each of the two commands
        sh(project, command[1].replace(str(project) + "/", ""))
        assert (project / file).read_bytes() == whole
        check_inputs(project, ARTEFACTS[file])


def test_a_missing_file_of_a_folder_is_named(project: Path) -> None:
    (project / "data/prepare/deep/index.parquet").unlink()
    with pytest.raises(DataError, match=r"data/prepare/deep/index\.parquet is missing\. Take it back: rm -rf data"):
        check_inputs(project, "train")


def test_whole_files_pass_and_a_stage_that_never_ran_has_no_inputs_yet(project: Path) -> None:
    for stage in ("prepare", "train", "report", "another"):
        check_inputs(project, stage)
    check_outputs(project, "data", "models", "reports")


def test_outputs_are_checked_below_the_folders_that_are_named(project: Path) -> None:
    damage(project / "reports/report.json", bit_flipped)
    check_outputs(project, "data", "models", "reports/prepare")
    with pytest.raises(DataError, match=r"reports/report\.json is damaged .* git checkout reports/report\.json"):
        check_outputs(project, "reports")


@pytest.mark.parametrize("content", [b"\xff", b"a: [", b"- x", b"schema: '2.0'\nstages: [1]", b"stages:\n  a: 3\n"])
def test_a_damaged_lock_file_gives_a_message(project: Path, content: bytes) -> None:
    (project / "dvc.lock").write_bytes(content)
    with pytest.raises(DataError, match=r"(?s)dvc\.lock .*git checkout dvc\.lock"):
        check_outputs(project, "reports")


def test_dvc_itself_runs_no_stage_on_a_flipped_bit(project: Path) -> None:
    """The whole way: dvc believes that nothing has changed, the stage it starts does not."""
    sh(project, "dvc status")  # so that dvc has seen the files of this copy
    damage(project / "data/prepare/images.npy", bit_flipped)
    (project / "stage.py").write_text(f"{STAGE}\n# a change, so that train runs again")
    said = sh(project, "dvc repro", check=False)
    assert "Running stage 'train'" in said
    assert "error: data/prepare/images.npy is damaged or was changed" in said
    assert "Traceback" not in said
    sh(project, "rm -rf data/prepare; dvc checkout data/prepare; dvc repro")
    assert json.loads(sh(project, "dvc status --json")) == {}


def test_a_clone_that_trains_other_models_misses_none_of_those_in_git(tmp_path: Path) -> None:
    """dvc.lock keeps entries of models that are no longer trained; their files are in a cache that a clone lacks."""
    first = make(tmp_path / "first")
    (first / "dvc.yaml").write_text("""
stages:
  train:
    foreach: ${results}
    do:
      cmd: python stage.py "" models/${key}/model.keras,reports/train/${key}/summary.json
      outs: ["models/${key}", "reports/train/${key}/summary.json"]
  report:
    cmd: python stage.py models,reports/train reports/report.json
    deps: [models, reports/train]
    outs: [reports/report.json: {cache: false}]
""")
    (first / "params.yaml").write_text("results: {old: 1, older: 2}\n")
    sh(first, "dvc repro && git add . && git -c user.name=t -c user.email=t@example.org commit -qm results")
    sh(tmp_path, "git clone -q first second")
    second = tmp_path / "second"
    (second / "params.yaml").write_text("results: {new: 1}\n")
    said = sh(second, "dvc repro")
    assert "Running stage 'report'" in said
    assert not (second / "models/old").exists()
    damage(second / "reports/train/new/summary.json", bit_flipped)
    with pytest.raises(DataError, match=r"reports/train/new/summary\.json is damaged"):
        check_inputs(second, "report")


@pytest.mark.parametrize("broken", ["dvc.yaml", "params.yaml"])
def test_a_damaged_pipeline_file_gives_a_message(project: Path, broken: str) -> None:
    (project / broken).write_bytes(b"a: [")
    with pytest.raises(DataError, match=rf"(?s){broken} cannot be read: .*git checkout"):
        check_outputs(project, "reports")
