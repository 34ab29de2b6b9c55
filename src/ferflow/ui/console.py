"""What every command needs: readable errors instead of tracebacks, and Keras without start-up notices."""

import contextlib
import errno
import importlib.util
import logging
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from ferflow.base.errors import ConfigError, FerflowError
from ferflow.ui.recorded import check_inputs

# What the C++ code of TensorFlow and XLA prints at start-up, at any log level: information, and that there is no GPU.
# Warnings (W), fatal errors (F) and all other lines are passed on.
_NOTICE = re.compile(
    r"^(I0000 |E0000 .*cuda_platform|E0000 .*Unable to register cu|WARNING: All log messages before absl|"
    r".* I tensorflow/|To enable the following instructions:)"
)

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
# NumPy counts the items that it could not write; SQLite, HDF5 and C++ libraries have words of their own.
_FULL_WORDS = re.compile(
    r"^\d+ requested and \d+ written$|disk is full|No space left on device|disk I/O error|File too large"
    r"|No usable temporary directory"
)


def run_command(command: Callable[[], None]) -> None:
    """Run `command`, and end the process with a readable message if it fails.

    A FerflowError is printed as one message, with exit status 1, and so is a full or unwritable disk. Ctrl-C gives exit
    status 130, as in a shell. Any other exception is a bug and keeps its traceback. A stage that DVC runs starts with a
    check of its inputs, see ferflow.ui.recorded.

    Args:
        command: Work of the command, without arguments.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        if stage := os.environ.get("DVC_STAGE"):
            check_inputs(Path(), stage)
        command()
    except FerflowError as error:
        print(f"error: {printable(str(error))}", file=sys.stderr)
        sys.exit(1)
    except Exception as error:
        if message := explain_disk(error):
            print(f"error: {printable(message)}", file=sys.stderr)
            sys.exit(1)
        raise
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        sys.exit(130)


def printable(text: str) -> str:
    r"""Return `text` with control characters escaped, since a message may quote a name that steers the terminal.

    >>> printable("params.yaml: \x1b[2Jseed: unknown key.")
    'params.yaml: \\x1b[2Jseed: unknown key.'
    """
    return "".join(each if each.isprintable() or each in "\n\t" else repr(each)[1:-1] for each in text)


def explain_disk(error: BaseException) -> str | None:
    """Return what to do about a full or unwritable disk, or None if the error has another cause.

    Args:
        error: What a command raised. The libraries that write files wrap the system's error, or only mention it.
    """
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in seen:
        seen.append(cause)
        name = getattr(cause, "filename", None)
        file = os.fsdecode(name) if isinstance(name, str | bytes) else "a file"
        number = cause.errno if isinstance(cause, OSError) else None
        if number in _FULL or _FULL_WORDS.search(str(cause)):
            return (
                f"The disk is full or failing: {file} could not be written ({cause}). Free some space, then run the "
                "same command again. What is finished is kept."
            )
        if number in _FORBIDDEN:
            return (
                f"{file} cannot be read or written: {os.strerror(number or 0)}. Check the owner and the permissions of "
                "the project's files, and whether its disk is mounted read-only; then run the same command again."
            )
        cause = cause.__cause__ or cause.__context__
    return None


def start_keras(backend: str, threads: int | None = None) -> None:
    """Import Keras with the given backend and initialize its devices, without start-up notices.

    Call it before any module that imports Keras: Keras chooses its backend at import, and cannot change it later.

    Args:
        backend: Keras backend that params.yaml names: `tensorflow`, `jax` or `torch`.
        threads: Threads within an operation, and operations at once, which decide how sums are rounded. Defaults to
            None: as many as the backend takes.

    Raises:
        ConfigError: The environment sets another backend, Keras is already imported with another backend, the
            backend's package is not installed, or it cannot be given a number of threads.
    """
    from_environment = os.environ.get("KERAS_BACKEND") or backend
    if from_environment != backend:
        raise ConfigError(
            f"KERAS_BACKEND={from_environment} is set, but params.yaml says backend: {backend}. Unset it "
            f"(unset KERAS_BACKEND), or run: make repro BACKEND={from_environment}."
        )
    if "keras" in sys.modules:
        imported = sys.modules["keras"].config.backend()
        if imported != backend:
            raise ConfigError(
                f"Keras is already imported with backend {imported}, but params.yaml says backend: {backend}. Start a "
                f"new process, and set KERAS_BACKEND={backend} before it imports Keras."
            )
    if importlib.util.find_spec(backend) is None:
        raise ConfigError(
            f"params.yaml says backend: {backend}, but the package {backend} is not installed. Install it "
            f"(pip install {backend}), or set backend to one that is installed."
        )
    os.environ["KERAS_BACKEND"] = backend
    logging.getLogger("tensorflow").addFilter(_is_news)
    with _filtered_stderr():
        if threads is not None:
            _set_threads(backend, threads)
        import keras

        keras.ops.zeros(1)  # initializes the devices, and so prints their notices here and not in the first step


def _set_threads(backend: str, threads: int) -> None:
    if backend == "tensorflow":
        threading = importlib.import_module("tensorflow").config.threading
        threading.set_intra_op_parallelism_threads(threads)
        threading.set_inter_op_parallelism_threads(threads)
    elif backend == "torch":
        torch = importlib.import_module("torch")
        torch.set_num_threads(threads)
        torch.set_num_interop_threads(threads)
    else:
        raise ConfigError(
            f"tune.threads: {backend} cannot be given a number of threads. Received: {threads}. Set tune.threads: "
            "null, or another backend."
        )


def _is_news(record: logging.LogRecord) -> bool:
    """Return whether a message of TensorFlow concerns the user: that each new network is compiled again does not."""
    return "triggered tf.function retracing" not in record.getMessage()


@contextlib.contextmanager
def _filtered_stderr() -> Iterator[None]:
    """Hold back what is written to file descriptor 2, also by C++ code, and then pass on all lines but notices."""
    sys.stderr.flush()
    real = os.dup(2)
    with tempfile.TemporaryFile() as buffer:
        os.dup2(buffer.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(real, 2)
            os.close(real)
            buffer.seek(0)
            for line in buffer.read().decode("utf-8", "replace").splitlines():
                if not _NOTICE.match(line):
                    print(line, file=sys.stderr)
