"""`ferflow`: what it does to params.yaml, what it asks of dvc, and what it says."""

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from defaults import PARAMS as PARAMS_OF_REPOSITORY
from defaults import ROOT, network
from ferflow.base.errors import ConfigError
from ferflow.settings import load_config
from ferflow.ui.cli import main
from ferflow.ui.params_file import results_of, set_params
from ferflow.ui.pipeline_commands import _branch_advice, _with_home

HEAD = """\
# What to run.
dataset: faces # one of `datasets`
budget: "small"

seed: 1 # of everything
results: # what to train
  cnn: {model: cnn, architecture: cnn, search: none, teacher: none, repeat: 0}
  vgg16: {model: vgg16, architecture: vgg16, search: none, teacher: none, repeat: 0} # in this order

datasets:
  faces:
    description: drawn
    licence: MIT
    source: {kind: sample, images: 100, emotions: 7, damage: true}
    labels: {kind: folder}
  own:
    # yours
    description: yours
    licence: yours
    source: {kind: local}
    labels: {kind: folder}
models:
  cnn:
    description: ""
    architecture: cnn
    network: CNN
  vgg16:
    description: ""
    architecture: vgg16
    network: VGG16
tune:
  models: {} # searched
  sampler: tpe
  pruner: median
  startup_trials: 1
  ahead: 1
  threads: null
  retries: 2
  max_failures: 5
  objectives: [accuracy]
  significance: 0.05
  prune_after: 1
  train: {}
  space:
    train.learning_rate: {low: 0.001, high: 0.01, log: true}
    network.dropout: {low: 0.1, high: 0.5}
budgets:
  small: {description: "", train: {}, tune: {trials: 1, epochs: 1, images: null}}
  large: {description: "", train: {}, tune: {trials: 1, epochs: 1, images: null}}
"""
# The sections that these tests do not change, from the repository's own file.
REST = {
    key: PARAMS_OF_REPOSITORY[key]
    for key in (
        "backend",
        "image_size",
        "unpack",
        "clean",
        "eda",
        "prepare",
        "train",
        "teachers",
        "infer",
        "evaluate",
        "compare",
        "export",
        "register",
    )
}
PARAMS = HEAD.replace("CNN", json.dumps(network("cnn"))).replace(
    "VGG16", json.dumps(network("vgg16", weights="none"))
) + yaml.safe_dump(REST, default_flow_style=None, width=4096)


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "params.yaml"
    path.write_text(PARAMS)
    return path


def spaced(text: str) -> str:
    """One space before each comment: a comment keeps its column where its line grows shorter."""
    return re.sub(r"(?<=\S) +#", " #", text)


def command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run `ferflow` and return its exit status."""
    monkeypatch.setattr(sys, "argv", ["ferflow", *arguments])
    try:
        main()
    except SystemExit as end:
        return int(str(end.code))
    return 0


def test_a_value_is_set_and_all_else_stays(params: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = set_params(params, {"dataset": "own", "budget": "large"})
    assert (config.dataset, config.budget) == ("own", "large")
    expected = PARAMS.replace("dataset: faces #", "dataset: own #").replace('"small"', '"large"')
    assert spaced(params.read_text()) == expected
    assert capsys.readouterr().out.endswith("now says dataset: faces -> own; budget: small -> large\n")


def test_results_are_set_and_the_rest_stays(params: Path) -> None:
    config = set_params(params, results_of(load_config(params), ["vgg16"], ["vgg16"]))
    assert list(config.results) == ["vgg16", "vgg16_tuned"]
    assert config.tune.models == {"vgg16": "vgg16"}
    text = spaced(params.read_text())
    assert "  vgg16: {model: vgg16, architecture: vgg16, search: none, teacher: none, repeat: 0}" in text
    assert "  vgg16_tuned: {model: vgg16, architecture: vgg16, search: vgg16, teacher: none, repeat: 0}" in text
    assert "results: # what to train\n" in text
    assert "  models: {vgg16: vgg16} # searched\n" in text
    assert "\n\ndatasets:\n" in text


def test_repeats_train_each_model_with_further_seeds_and_stay_set(params: Path) -> None:
    config = set_params(params, results_of(load_config(params), ["cnn", "vgg16"], ["cnn"], repeats=2))
    assert list(config.results) == ["cnn", "cnn_seed2", "vgg16", "vgg16_seed2", "cnn_tuned"]
    assert [result.repeat for result in config.results.values()] == [0, 1, 0, 1, 0]
    assert results_of(config, None, None) == results_of(config, ["cnn", "vgg16"], ["cnn"], repeats=2)
    assert list(results_of(config, ["cnn"], [])["results"]) == ["cnn", "cnn_seed2"]
    with pytest.raises(ConfigError, match=r"--repeats must be at least 1. Received: 0"):
        results_of(config, None, None, repeats=0)


def test_nothing_is_written_where_nothing_differs(params: Path, capsys: pytest.CaptureFixture[str]) -> None:
    params.chmod(0o444)
    before = params.stat()
    set_params(params, {"dataset": "faces"} | results_of(load_config(params), ["cnn", "vgg16"], []))
    assert params.stat().st_mtime_ns == before.st_mtime_ns
    assert params.stat().st_ino == before.st_ino
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"dataset": "mine"}, "dataset: 'mine' is unknown."),
        ({"budget": "large", "seed": "x"}, "seed: "),
        ({"nothing.models": ["cnn"]}, "nothing.models cannot be set because there is no section 'nothing'"),
    ],
)
def test_the_file_stays_as_it_was_on_an_error(params: Path, changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        set_params(params, changes)
    assert expected in str(caught.value)
    assert params.read_text() == PARAMS
    assert [path.name for path in params.parent.iterdir()] == ["params.yaml"]


def test_the_repositorys_own_params_survive_to_the_byte(tmp_path: Path) -> None:
    original = (ROOT / "params.yaml").read_text()
    path = tmp_path / "params.yaml"
    path.write_text(original)
    before = load_config(path)
    set_params(path, {"dataset": "own"})
    set_params(path, {"dataset": "sample"} | results_of(before, ["cnn", "vgg16"], []))
    set_params(path, results_of(before, ["cnn", "cnn_augmented"], ["cnn_augmented"]))
    assert path.read_text() == original


def test_check(params: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(monkeypatch, "check") == 0
    assert capsys.readouterr().out == "params.yaml is valid: 2 models, 2 datasets.\n"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"weights": "none"', '"wieghts": "none"', "models.vgg16.network.wieghts: unknown key."),
        ('"weights": "none", ', "", "models.vgg16.network.weights: missing."),
        ("architecture: vgg16", "architecture: mine", "architecture: there is no src/ferflow/models/mine.py."),
        ("high: 0.5", "high: 1.0", ""),
    ],
)
def test_check_tells_what_only_the_networks_know(
    params: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], old: str, new: str, expected: str
) -> None:
    params.write_text(PARAMS.replace(old, new))
    status = command(monkeypatch, "check")
    shown = capsys.readouterr()
    assert expected in shown.err
    assert status == (1 if expected else 0)


def test_check_tells_an_end_of_a_range_that_the_network_refuses(
    params: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    set_params(params, results_of(load_config(params), ["cnn"], ["cnn"]))
    params.write_text(params.read_text().replace("high: 0.5", "high: 1.0"))
    assert command(monkeypatch, "check") == 1
    assert "models.cnn.network.dropout: Input should be less than 1. Received: 1.0." in capsys.readouterr().err


PYTHON = sys.executable
FAKE_DVC = """\
#!/bin/sh
echo "$@" >> "$CALLS"
command -v python >> "$CALLS"
exit $STATUS
"""


@pytest.fixture
def dvc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment whose dvc only notes how it was called, and whose python finds all right; the file of notes."""
    folder = tmp_path / "venv" / "bin"
    folder.mkdir(parents=True)
    for name, script in (("dvc", FAKE_DVC), ("python", "#!/bin/sh\n")):
        (folder / name).write_text(script)
        (folder / name).chmod(stat.S_IRWXU)
    calls = tmp_path / "calls"
    monkeypatch.setenv("CALLS", str(calls))
    monkeypatch.setenv("STATUS", "0")
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    return calls


def test_run_sets_params_and_starts_dvc_with_its_own_python(
    params: Path, dvc: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, "run", "--budget", "large", "--models", "cnn", "--stage", "train@cnn") == 0
    assert dvc.read_text().splitlines() == ["repro train@cnn", str(Path(sys.executable))]
    assert "dataset faces, budget large, results cnn\n" in capsys.readouterr().out
    assert list(load_config(params).results) == ["cnn"]


def test_what_is_not_trained_any_more_is_not_tuned_either(
    params: Path, dvc: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, "run", "--tune", "cnn vgg16", "--stage", "clean") == 0
    assert command(monkeypatch, "run", "--models", "cnn", "--stage", "clean") == 0
    assert capsys.readouterr().out.endswith(
        "now says results: cnn vgg16 cnn_tuned vgg16_tuned -> cnn cnn_tuned; tune.models: cnn vgg16 -> cnn\n"
        "dataset faces, budget small, results cnn cnn_tuned\n"
    )
    assert command(monkeypatch, "run", "--models", "vgg16", "--tune", "cnn", "--stage", "clean") == 1
    assert "--tune: 'cnn' is unknown. Allowed: vgg16." in capsys.readouterr().err


def test_run_ends_with_dvcs_failure(
    params: Path, dvc: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STATUS", "255")
    assert command(monkeypatch, "run", "--stage", "clean") == 1
    assert capsys.readouterr().err == "error: dvc repro clean failed with exit status 255; see the output above.\n"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--dataset", "mine"), "dataset: 'mine' is unknown."),
        (("--models", "cnn cnn"), "--models: a model is named twice."),
        (("--tune", "vgg"), "--tune: 'vgg' is unknown. Did you mean vgg16?"),
    ],
)
def test_run_starts_nothing_after_a_mistake(
    params: Path,
    dvc: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, str],
    expected: str,
) -> None:
    assert command(monkeypatch, "run", *arguments) == 1
    assert expected in capsys.readouterr().err
    assert not dvc.exists()
    assert params.read_text() == PARAMS


def test_run_starts_nothing_where_a_network_option_is_wrong(
    params: Path, dvc: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    params.write_text(PARAMS.replace('"dropout": 0.4', '"dropout": 2.0'))
    monkeypatch.setattr(sys, "executable", PYTHON)
    assert command(monkeypatch, "run", "--stage", "download") == 1
    assert "models.vgg16.network.dropout: " in capfd.readouterr().err
    assert not dvc.exists()


def test_tuning_can_be_turned_off(params: Path, dvc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert command(monkeypatch, "run", "--tune", "cnn vgg16", "--stage", "clean") == 0
    assert "  models: {cnn: cnn, vgg16: vgg16} #" in spaced(params.read_text())
    assert command(monkeypatch, "run", "--tune", "none", "--stage", "clean") == 0
    assert load_config(params).tune.models == {}
    assert list(load_config(params).results) == ["cnn", "vgg16"]


def test_outside_of_the_project_the_way_in_is_expected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command(monkeypatch, "check") == 1
    assert capsys.readouterr().err.startswith("error: params.yaml is missing. Run the command from the project root")
    assert os.listdir(tmp_path) == []  # noqa: PTH208


def test_a_tilde_that_the_shell_left_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert _with_home(Path("~/faces")) == tmp_path / "home/faces"
    (tmp_path / "~").mkdir()
    (tmp_path / "~/faces").touch()
    assert _with_home(Path("~/faces")) == Path("~/faces"), "a file that really has this name"
    assert _with_home(Path("~nobody-of-this-name/faces")) == Path("~nobody-of-this-name/faces")
    assert _with_home(Path("it's me")) == Path("it's me")


def test_results_of_another_dataset_than_the_commits_come_with_advice(params: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        subprocess.run(["git", *identity, *arguments], cwd=params.parent, check=True, capture_output=True)

    assert _branch_advice("own") == "", "no repository"
    git("init", "--quiet")
    assert _branch_advice("own") == "", "no commit"
    git("add", ".")
    git("commit", "--quiet", "-m", "start")
    assert _branch_advice("faces") == "", "the committed dataset"
    assert "now describe own; the last commit has those of faces" in _branch_advice("own")
    assert "git switch -c own" in _branch_advice("own")
