"""What the user sees of a command: one message, the documented exit status, no notices of libraries."""

import contextlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from ferflow.base.errors import ConfigError, DataError, DownloadError, FerflowError, ModelError, TrackingError
from ferflow.ui import console
from ferflow.ui.console import run_command, start_keras


def fail_with(error: BaseException) -> Callable[[], None]:
    def command() -> None:
        raise error

    return command


@pytest.mark.parametrize("kind", [FerflowError, ConfigError, DataError, DownloadError, ModelError, TrackingError])
def test_a_users_mistake_is_one_message(kind: type[FerflowError], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run_command(fail_with(kind("faces.zip is empty. Download it again.")))
    assert caught.value.code == 1
    assert capsys.readouterr() == ("", "error: faces.zip is empty. Download it again.\n")


def test_ctrl_c_ends_with_130(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run_command(fail_with(KeyboardInterrupt()))
    assert caught.value.code == 130
    assert capsys.readouterr().err == "Interrupted.\n"


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        run_command(fail_with(ZeroDivisionError()))


def test_a_command_that_works_just_returns() -> None:
    done = []
    run_command(lambda: done.append(1))
    assert done == [1]


NOTICES = """\
WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1795219436.538747   18405 port.cc:153] oneDNN custom operations are on.
E0000 00:00:1795219457.951853   18405 cuda_platform.cc:52] failed call to cuInit: INTERNAL: CUDA error
To enable the following instructions: AVX2 FMA, in other operations, rebuild TensorFlow.
"""
NEWS = """\
W0000 00:00:1795219457.951853   18405 gpu.cc:52] something that matters
E0000 00:00:1795219805.893616   20057 util.cc:131] oneDNN supports DT_HALF only on AVX-512
Traceback (most recent call last):
"""


def test_notices_are_held_back_and_the_rest_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    with console._filtered_stderr():
        os.write(2, NOTICES.encode())  # as C++ code does
        os.write(2, NEWS.encode())
        print("by Python", file=os.fdopen(os.dup(2), "w"), flush=True)
        print("to standard output")
    os.write(2, b"after\n")
    shown = capfd.readouterr()
    assert shown.err == NEWS + "by Python\n" + "after\n"
    assert shown.out == "to standard output\n"


def test_what_was_written_before_a_failure_is_shown_too(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        os.write(2, NEWS.encode())
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), console._filtered_stderr():
        fail()
    assert capfd.readouterr().err == NEWS


def start_in_new_process(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    code = f"from ferflow.ui.console import run_command, start_keras\n{code}"
    return subprocess.run(
        [sys.executable, "-c", code], env={**kept, **environment}, capture_output=True, text=True, check=False
    )


def test_start_keras_chooses_the_backend() -> None:
    code = 'start_keras("jax"); import os, keras; print(keras.backend.backend(), os.environ["KERAS_BACKEND"])'
    result = start_in_new_process(code)
    assert result.stdout == "jax jax\n", result.stderr
    assert result.stderr == ""


def test_a_number_of_threads_is_what_the_backend_really_takes() -> None:
    code = (
        'run_command(lambda: start_keras("tensorflow", 1)); import os, threading, keras; '
        "keras.ops.matmul(keras.ops.ones((512, 512)), keras.ops.ones((512, 512))); "
        "names = [open(f'/proc/self/task/{task}/comm').read() for task in os.listdir('/proc/self/task')]; "
        "from tensorflow import config; print(config.threading.get_intra_op_parallelism_threads(), "
        "config.threading.get_inter_op_parallelism_threads(), sum('tf_Compute' in name for name in names))"
    )
    result = start_in_new_process(code)
    assert result.stdout == "1 1 1\n", result.stderr
    refused = start_in_new_process('run_command(lambda: start_keras("jax", 1))')
    assert refused.stderr.startswith("error: tune.threads: jax cannot be given a number of threads. Received: 1.")


@pytest.mark.parametrize(
    ("variable", "says"),
    [
        (
            "jax",
            "error: KERAS_BACKEND=jax is set, but params.yaml says backend: tensorflow. Unset it "
            "(unset KERAS_BACKEND), or run: make repro BACKEND=jax.\n",
        ),
        ("", ""),
        ("tensorflow", ""),
    ],
)
def test_another_backend_in_the_environment_is_an_error(
    variable: str, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", variable)
    monkeypatch.setitem(sys.modules, "keras", fake_keras("tensorflow"))
    with contextlib.suppress(SystemExit):
        run_command(lambda: start_keras("tensorflow"))
    assert capsys.readouterr().err == says


def fake_keras(backend: str) -> Any:
    return SimpleNamespace(config=SimpleNamespace(backend=lambda: backend), ops=SimpleNamespace(zeros=lambda _: None))


def test_keras_imported_with_another_backend_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setitem(sys.modules, "keras", fake_keras("jax"))
    with pytest.raises(ConfigError, match=r"already imported with backend jax.*KERAS_BACKEND=tensorflow"):
        start_keras("tensorflow")
    assert "KERAS_BACKEND" not in os.environ


def test_a_backend_that_is_not_installed_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"torch is not installed.*pip install torch"):
        start_keras("torch")


NETWORKS = """
from ferflow.ui.console import start_keras

start_keras("tensorflow")
import keras
import numpy as np
import tensorflow as tf

for units in range(1, 9):
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(units)]).predict_on_batch(np.zeros((1, 2)))
tf.get_logger().warning("another warning")
"""


def test_one_network_after_another_is_no_reason_for_a_warning() -> None:
    done = subprocess.run([sys.executable, "-c", NETWORKS], capture_output=True, text=True, check=True)
    assert "retracing" not in done.stderr
    assert "another warning" in done.stderr
