"""One decision about a champion at a time, across processes and machines, with nothing but MLflow's tags.

MLflow's aliases have no compare-and-set: two processes that both compared their model with the same champion would both
move the alias, and the worse one could come last. So each announces itself by a tag on its version and waits its turn.
This is the one-bit mutual exclusion of Burns (1981). A process's place in the order is the number of its version, then
the key of its tag, which is its own: two processes that register the same weights decide on the same version. A lower
place goes first, a higher one waits until no lower one is announced, and a lower one then waits for the higher ones
that were faster.
"""

import contextlib
import time
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ferflow.ui.tracking.store import Store

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

DECIDING = "ferflow.deciding."
"""Start of the tags of a version that is being compared with the champion, or waits to be: a tag for each process."""


@contextlib.contextmanager
def turn(store: Store, name: str, version: str, *, abandoned_after: float = 60.0, poll: float = 0.2) -> Iterator[None]:
    """Wait until no other version of a registered model is being decided on, and let none start until the end.

    An announcement that stays the same for `abandoned_after` seconds belongs to a killed process; it is removed.
    Keep long work, such as loading a model, outside of the turn.

    Args:
        store: MLflow store with the registry.
        name: Name of the registered model.
        version: Version that this process decides on.
        abandoned_after: Seconds after which another announcement counts as abandoned. Defaults to 60 seconds.
        poll: Seconds between two looks at the announcements. Defaults to 0.2 seconds.

    Raises:
        TrackingError: The store cannot be used.
    """
    key = f"{DECIDING}{uuid.uuid4().hex}"
    others = _Others(store, name, (int(version), key), abandoned_after)
    try:
        while True:
            while others.announced(lower=True):
                time.sleep(poll)
            with store.session() as client:
                # A new value each time: another process takes one that stays the same for that of a killed process.
                client.set_model_version_tag(name, version, key, uuid.uuid4().hex)
            if not others.announced(lower=True):
                break
            _withdraw(store, name, version, key)
        while others.announced(lower=False):
            time.sleep(poll)
        yield
    finally:
        _withdraw(store, name, version, key)


def versions_of(store: Store, name: str) -> "list[ModelVersion]":
    """Return all versions of a registered model with their tags, in order; none if there is no such model."""
    found: list[ModelVersion] = []
    token = None
    with store.session() as client:
        while True:
            page = client.search_model_versions(f"name = '{name}'", page_token=token)
            found += page
            token = page.token
            if not token:
                return sorted(found, key=lambda version: int(version.version))


def _withdraw(store: Store, name: str, version: str, key: str) -> None:
    with store.session() as client:
        client.delete_model_version_tag(name, version, key)


class _Others:
    """The announcements of the other processes, and for how long each has been seen."""

    def __init__(self, store: Store, name: str, own: tuple[int, str], abandoned_after: float) -> None:
        self._store, self._name, self._own, self._abandoned_after = store, name, own, abandoned_after
        self._first_seen: dict[tuple[str, str], float] = {}

    def announced(self, *, lower: bool) -> bool:
        """Return whether a lower (or a higher) place is announced; abandoned announcements are removed."""
        waiting = False
        for version in versions_of(self._store, self._name):
            for key, value in version.tags.items():
                place = int(version.version), key
                if not key.startswith(DECIDING) or place == self._own or (place < self._own) != lower:
                    continue
                seen = self._first_seen.setdefault((key, value), time.monotonic())
                if time.monotonic() - seen > self._abandoned_after:
                    _withdraw(self._store, self._name, str(version.version), key)
                else:
                    waiting = True
        return waiting
