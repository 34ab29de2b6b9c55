"""The table of commands: each leads to a function, and only the named one is imported."""

import pkgutil
import subprocess
import sys

import pytest

from ferflow.ui import cli
from ferflow.ui.cli import COMMANDS, main


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["ferflow", name, "--help"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: ferflow {name} ")
    assert COMMANDS[name][1][1:20] in " ".join(shown.split())


def test_the_list_of_commands_imports_none_of_them() -> None:
    code = (
        "import sys; sys.argv = ['ferflow', '--help']\n"
        "from ferflow.ui.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'pydantic', 'ruamel', 'pandas', 'numpy', 'tensorflow', 'keras', 'mlflow', 'dvc'}\n"
        "print('imported:', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "imported: []"
    for name in COMMANDS:
        assert f"    {name} " in done.stdout or f"    {name}\n" in done.stdout


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def lacking(_name: str) -> None:
        raise ModuleNotFoundError("No module named 'mlflow'", name="mlflow")

    monkeypatch.setattr(pkgutil, "resolve_name", lacking)
    monkeypatch.setattr(sys, "argv", ["ferflow", "check"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ferflow check needs the package mlflow, which is not installed.")


def test_a_module_of_ours_that_is_missing_is_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cli.COMMANDS, "check", ("no_such_module:add", "check nothing at all, whatever it is"))
    monkeypatch.setattr(sys, "argv", ["ferflow", "check"])
    with pytest.raises(ModuleNotFoundError):
        main()


def test_an_unknown_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["ferflow", "evalute"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert "invalid choice: 'evalute'" in capsys.readouterr().err
