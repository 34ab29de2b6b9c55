"""Who runs the trials of a search: what the environment says, which changes no byte of the result."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ferflow.base.errors import ConfigError
from ferflow.ui.redact import redact


@dataclass(frozen=True)
class Crew:
    """Who runs the trials. It changes no byte of the result.

    Attributes:
        workers: Number of workers to start, 0 or more; with 0, others have to join. Defaults to 1.
        launcher: What starts them: `local` or `ray`. Defaults to local.
        storage: Address of a PostgreSQL database for the queue. Defaults to None: the search's own queue.
        listen: HOST or HOST:PORT at which the search's own queue can be reached; there is no password. Defaults to
            None: by this machine's processes only.
        cpus: Cores that a worker asks Ray for. Defaults to 1.
        gpus: GPUs that a worker asks Ray for; may be a fraction. Defaults to none.
    """

    workers: int = 1
    launcher: Literal["local", "ray"] = "local"
    storage: str | None = None
    listen: str | None = None
    cpus: float = 1.0
    gpus: float = 0.0

    @property
    def alone(self) -> bool:
        """Whether the search runs its trials itself, because nobody else could take one."""
        return (self.workers, self.launcher, self.storage, self.listen) == (1, "local", None, None)


ALONE = Crew()


def crew_of(environment: Mapping[str, str]) -> Crew:
    """Return who runs the trials.

    Args:
        environment: Environment variables: FERFLOW_TUNE_WORKERS, _LAUNCHER, _STORAGE, _LISTEN, _CPUS and _GPUS.

    Raises:
        ConfigError: A value is not allowed.
    """

    def value(name: str) -> str:
        return environment.get(f"FERFLOW_TUNE_{name}", "").strip()

    workers = value("WORKERS") or "1"
    if not workers.isdecimal() or int(workers) > 1000:
        raise ConfigError(f"FERFLOW_TUNE_WORKERS must be a whole number from 0 to 1000. Received: {workers!r}.")
    launcher = value("LAUNCHER") or "local"
    if launcher not in ("local", "ray"):
        raise ConfigError(f"FERFLOW_TUNE_LAUNCHER must be local or ray. Received: {launcher!r}.")
    storage, listen = value("STORAGE") or None, value("LISTEN") or None
    if storage and listen:
        raise ConfigError(
            "FERFLOW_TUNE_STORAGE and FERFLOW_TUNE_LISTEN exclude each other: the queue is either in a database or the "
            "search's own. Unset one of them."
        )
    if storage and not storage.startswith("postgresql"):
        raise ConfigError(
            f"FERFLOW_TUNE_STORAGE must be postgresql+psycopg://USER@HOST/DATABASE. Received: {redact(storage)!r}."
        )
    return Crew(
        workers=int(workers),
        launcher="ray" if launcher == "ray" else "local",
        storage=storage,
        listen=listen,
        cpus=_number(value("CPUS") or "1", "CPUS"),
        gpus=_number(value("GPUS") or "0", "GPUS"),
    )


def _number(text: str, name: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise ConfigError(f"FERFLOW_TUNE_{name} must be a number, 0 or more. Received: {text!r}.")
    return number
