"""What every command does around its work: a readable error instead of a traceback, and quiet libraries."""

import os
import sys
from collections.abc import Callable

from ferflow.errors import FerflowError


def run_command(command: Callable[[], None]) -> None:
    """Run `command`; end the process with status 1 and one clear message on a FerflowError, 130 on Ctrl-C.

    TensorFlow's start-up notices are silenced unless TF_CPP_MIN_LOG_LEVEL is already set.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    try:
        command()
    except FerflowError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)
