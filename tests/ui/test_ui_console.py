"""What the user sees of a command: one message, the right status, no notices of libraries."""

import os
from collections.abc import Callable

import pytest

from ferflow.base.errors import ConfigError, DataError, DownloadError, FerflowError, ModelError, TrackingError
from ferflow.ui import console
from ferflow.ui.console import run_command


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
    assert capsys.readouterr().err == "stopped\n"


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
