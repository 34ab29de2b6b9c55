"""What every command does around its work: a readable error instead of a traceback, and quiet libraries."""

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator

from ferflow.base.errors import FerflowError

# What TensorFlow's and XLA's C++ parts print at start-up, whatever their log level: information and the absence of a
# GPU. W and F lines, and all else, are passed on.
_NOTICE = re.compile(
    r"^(I0000 |E0000 .*cuda_platform|E0000 .*Unable to register cu|WARNING: All log messages before absl|"
    r".* I tensorflow/|To enable the following instructions:)"
)


def run_command(command: Callable[[], None]) -> None:
    """Run `command`; end the process with status 1 and one clear message on a FerflowError, 130 on Ctrl-C."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        command()
    except FerflowError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)


def start_keras() -> None:
    """Import keras and wake its backend with the backend's start-up notices held back; all else is shown."""
    with _filtered_stderr():
        import keras

        keras.ops.zeros(1)  # the devices are looked for now, not in the first step


@contextlib.contextmanager
def _filtered_stderr() -> Iterator[None]:
    """Hold back what is written to file descriptor 2, also by C++ code, and pass on all lines but notices."""
    sys.stderr.flush()
    real = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(real, 2)
            os.close(real)
            held.seek(0)
            for line in held.read().decode("utf-8", "replace").splitlines():
                if not _NOTICE.match(line):
                    print(line, file=sys.stderr)
