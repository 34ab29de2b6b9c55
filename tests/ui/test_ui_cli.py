"""`ferflow`: what it does to params.yaml, what it asks of dvc, and what it says."""

import os
import re
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from ferflow.base.errors import ConfigError
from ferflow.ui.cli import main, set_params

PARAMS = """\
# What to run.
dataset: faces # one of `datasets`
budget: "small"

seed: 1 # of everything
enabled: [cnn, vgg16] # in this order
datasets:
  faces: {source: sample}
  own:
    # yours
    source: local
models:
  cnn: {}
  vgg16:
    network: {weights: none}
tune:
  models: []
  space:
    train.learning_rate: {low: 0.001, high: 0.01, log: true}
    network.dropout: {low: 0.1, high: 0.5}
budgets: {small: {}, large: {}}
"""


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


def test_a_list_is_set_and_keeps_its_way_of_writing(params: Path) -> None:
    config = set_params(params, {"enabled": ["vgg16"], "tune.models": ["vgg16"]})
    assert config.results == ("vgg16", "vgg16_tuned")
    text = spaced(params.read_text())
    assert "enabled: [vgg16] # in this order\n" in text
    assert "  models: [vgg16]\n" in text
    assert len(text.splitlines()) == len(PARAMS.splitlines())


def test_a_list_that_the_file_leaves_out_is_added(params: Path) -> None:
    params.write_text(PARAMS.replace("  models: []\n", ""))
    assert set_params(params, {"tune.models": ["cnn"]}).tune.models == ("cnn",)


def test_nothing_is_written_where_nothing_differs(params: Path, capsys: pytest.CaptureFixture[str]) -> None:
    params.chmod(0o444)
    before = params.stat()
    set_params(params, {"dataset": "faces", "enabled": ["cnn", "vgg16"], "tune.models": []})
    assert params.stat().st_mtime_ns == before.st_mtime_ns
    assert params.stat().st_ino == before.st_ino
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"dataset": "mine"}, "dataset: 'mine' is not known."),
        ({"enabled": ["cnn", "alexnet"]}, "enabled: 'alexnet' is not known."),
        ({"enabled": ["cnn"], "seed": "x"}, "seed: "),
        ({"nothing.models": ["cnn"]}, "nothing.models cannot be set, since there is no section 'nothing'"),
    ],
)
def test_the_file_stays_as_it_was_on_an_error(params: Path, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        set_params(params, changes)
    assert told in str(caught.value)
    assert params.read_text() == PARAMS
    assert [path.name for path in params.parent.iterdir()] == ["params.yaml"]


def test_the_repositorys_own_params_survive_to_the_byte(tmp_path: Path) -> None:
    original = (Path(__file__).parents[2] / "params.yaml").read_text()
    path = tmp_path / "params.yaml"
    path.write_text(original)
    config = set_params(path, {"dataset": "own"})
    set_params(path, {"dataset": "sample", "enabled": ["cnn"], "tune.models": []})
    set_params(path, {"enabled": list(config.enabled), "tune.models": list(config.tune.models)})
    assert path.read_text() == original


def test_check(params: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(monkeypatch, "check") == 0
    assert capsys.readouterr().out == "params.yaml is right: 2 models, 2 datasets.\n"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("network: {weights: none}", "network: {wieghts: none}", "models.vgg16.network.wieghts: unknown key."),
        ("  cnn: {}", "  cnn: {}\n  mine: {}", "models: 'mine' has no module in src/ferflow/models."),
        ("  models: []", "  models: [vgg16]", ""),
        ("high: 0.5", "high: 1.0", ""),
        (
            "  models: []\n  space:",
            "  models: [cnn]\n  space:\n    network.dens: {choices: [1]}",
            "network.dens: unknown",
        ),
    ],
)
def test_check_tells_what_only_the_networks_know(
    params: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], old: str, new: str, told: str
) -> None:
    params.write_text(PARAMS.replace(old, new))
    status = command(monkeypatch, "check")
    shown = capsys.readouterr()
    assert told in shown.err
    assert status == (1 if told else 0)


def test_check_tells_an_end_of_a_range_that_the_network_refuses(
    params: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    params.write_text(PARAMS.replace("  models: []", "  models: [cnn]").replace("high: 0.5", "high: 1.0"))
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
    assert "dataset faces, budget large, models cnn\n" in capsys.readouterr().out
    assert "enabled: [cnn] #" in spaced(params.read_text())


def test_what_is_not_trained_any_more_is_not_tuned_either(
    params: Path, dvc: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, "run", "--tune", "cnn vgg16", "--stage", "clean") == 0
    assert command(monkeypatch, "run", "--models", "cnn", "--stage", "clean") == 0
    assert capsys.readouterr().out.endswith(
        "now says enabled: cnn vgg16 -> cnn; tune.models: cnn vgg16 -> cnn\n"
        "dataset faces, budget small, models cnn cnn_tuned\n"
    )
    assert command(monkeypatch, "run", "--models", "vgg16", "--tune", "cnn", "--stage", "clean") == 1
    assert "tune.models: 'cnn' is not known. Allowed: vgg16." in capsys.readouterr().err


def test_run_ends_with_dvcs_failure(
    params: Path, dvc: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STATUS", "255")
    assert command(monkeypatch, "run", "--stage", "clean") == 1
    assert capsys.readouterr().err == "error: dvc repro clean ended with status 255; its message stands above.\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--dataset", "mine"), "dataset: 'mine' is not known."),
        (("--models", "cnn cnn"), "enabled: a model is named twice."),
        (("--tune", "vgg"), "tune.models: 'vgg' is not known. Did you mean vgg16?"),
    ],
)
def test_run_starts_nothing_after_a_mistake(
    params: Path,
    dvc: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, str],
    told: str,
) -> None:
    assert command(monkeypatch, "run", *arguments) == 1
    assert told in capsys.readouterr().err
    assert not dvc.exists()
    assert params.read_text() == PARAMS


def test_run_starts_nothing_where_a_network_option_is_wrong(
    params: Path, dvc: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    params.write_text(PARAMS.replace("weights: none", "dropout: 2.0"))
    monkeypatch.setattr(sys, "executable", PYTHON)
    assert command(monkeypatch, "run", "--stage", "download") == 1
    assert "models.vgg16.network.dropout: " in capfd.readouterr().err
    assert not dvc.exists()


def test_tuning_can_be_turned_off(params: Path, dvc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert command(monkeypatch, "run", "--tune", "cnn vgg16", "--stage", "clean") == 0
    assert "  models: [cnn, vgg16]\n" in params.read_text()
    assert command(monkeypatch, "run", "--tune", "none", "--stage", "clean") == 0
    assert params.read_text() == PARAMS


def test_outside_of_the_project_the_way_in_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command(monkeypatch, "check") == 1
    assert capsys.readouterr().err.startswith("error: params.yaml is missing. Run from the project's folder")
    assert os.listdir(tmp_path) == []  # noqa: PTH208
