"""`ferflow page` as a person runs it."""

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

# Jobs that a shell runs in the background ignore Ctrl-C, and so do their children, unless they say otherwise.
CODE = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); sys.argv[0] = 'ferflow'; "
    "from ferflow.ui.cli import main; main()"
)


def ferflow(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", CODE, *arguments], capture_output=True, text=True, timeout=120)


def test_a_page_is_written_without_the_pipelines_packages(network_folder: Path, tmp_path: Path, runtime: Path) -> None:
    code = f"""{CODE.removesuffix("main()")}
try:
    main()
finally:
    heavy = {{"tensorflow", "keras", "mlflow", "dvc", "pandas", "sklearn", "yaml", "scipy"}} & set(sys.modules)
    print("heavy:", *sorted(heavy))"""
    arguments = ["page", str(tmp_path / "out"), "--model", str(network_folder), "--runtime", str(runtime)]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"wrote {tmp_path / 'out'}: ")
    assert done.stdout.endswith("heavy:\n")
    assert (tmp_path / "out" / "index.html").is_file()


def test_the_page_is_served_until_ctrl_c(network_folder: Path, tmp_path: Path, runtime: Path) -> None:
    arguments = ["page", str(tmp_path / "out"), "--model", str(network_folder), "--runtime", str(runtime)]
    command = [sys.executable, "-c", CODE, *arguments, "--serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        address = process.stdout.readline().split()[1]
        with urllib.request.urlopen(address, timeout=30) as answer:
            assert b"<title>FERflow" in answer.read()
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(30) == 0
        assert process.stderr.read() == ""


def test_mistakes_are_told_without_a_traceback(network_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    done = ferflow("page", str(tmp_path / "o"), "--model", str(network_folder), "--runtime", str(tmp_path / "none"))
    assert done.returncode == 1
    assert "npm install --ignore-scripts onnxruntime-web@" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("words", ["forbids inferring people's emotions at work and in education", "--runtime"])
def test_help_names_forbidden_uses_and_the_runtime(words: str) -> None:
    assert words in " ".join(ferflow("page", "--help").stdout.split())
