"""The champion of a registered model: which version it is, and moving the alias by hand, forward and back."""

from typing import TYPE_CHECKING

from ferflow.base.errors import TrackingError
from ferflow.ui.tracking.logged_models import loadable
from ferflow.ui.tracking.registration_turn import turn, versions_of
from ferflow.ui.tracking.store import Store
from ferflow.ui.tracking.verdict import Decision

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

DECISION = "ferflow.decision"
"""Tag of a version: the decision about it as JSON; see ferflow.ui.tracking.verdict.Decision."""
HISTORY = "ferflow.champions"
"""Tag of a registered model: the numbers of all champions so far, the present one last."""
ROLLED_BACK = "ferflow.rolled_back"
"""Tag of a version that was the champion until somebody rolled it back."""


def champion_of(store: Store, name: str, alias: str) -> "ModelVersion | None":
    """Return the version of a registered model that has an alias, or None if there is no such model or alias."""
    with store.session() as client:
        found = [model for model in client.search_registered_models(f"name = '{name}'") if alias in model.aliases]
        return client.get_model_version(name, found[0].aliases[alias]) if found else None


def usable(store: Store, version: "ModelVersion") -> bool:
    """Return whether the files of a version are where MLflow looks for them."""
    # A search leaves out the id of the logged model; the source has it, too.
    return loadable(store, str(version.source).removeprefix("models:/"))


def promote(store: Store, name: str, alias: str, version: str, *, force: bool = False) -> str:
    """Make a version the champion by hand, and return a sentence that says so.

    Args:
        store: MLflow store with the registry.
        name: Name of the registered model.
        alias: Alias of the champion.
        version: Number of the version.
        force: Whether to promote a version that failed a gate. Defaults to False.

    Raises:
        TrackingError: There is no such version, it failed a gate, or the store cannot be used.
    """
    versions = {str(item.version): item for item in versions_of(store, name)}
    if version not in versions:
        known = f"Versions: {', '.join(versions)}" if versions else "It has no versions yet. Run: dvc repro register"
        raise TrackingError(f"{name} has no version {version}. {known}.")
    text = versions[version].tags.get(DECISION)
    failed = Decision.from_text(text).failed if text else []
    champion = champion_of(store, name, alias)
    present = champion is not None and str(champion.version) == version
    if failed and not force and not present:
        raise TrackingError(
            f"Version {version} of {name} failed a gate:\n  " + "\n  ".join(failed) + "\nTo promote it all the same: "
            f"ferflow promote {version} --force"
        )
    with turn(store, name, version):
        champion = champion_of(store, name, alias)
        before = None if champion is None else str(champion.version)
        if before == version:
            return f"{name}@{alias} is version {version} already."
        move(store, name, alias, [*history_of(store, name, before), version])
        with store.session() as client:
            client.delete_model_version_tag(name, version, ROLLED_BACK)
    return f"{name}@{alias}: {before or 'none'} -> {version}"


def rollback(store: Store, name: str, alias: str) -> str:
    """Make the previous champion the champion again, and return a sentence that says so.

    The version that loses the alias is not promoted again by `dvc repro` or `ferflow track`, only by `ferflow promote`.

    Args:
        store: MLflow store with the registry.
        name: Name of the registered model.
        alias: Alias of the champion.

    Raises:
        TrackingError: There is no champion, no previous one that still exists, or the store cannot be used.
    """
    champion = champion_of(store, name, alias)
    if champion is None:
        raise TrackingError(f"{name} has no version with the alias {alias}, so there is nothing to roll back.")
    with turn(store, name, str(champion.version)):
        champion = champion_of(store, name, alias)
        present = str(champion.version) if champion else ""
        known = {str(item.version) for item in versions_of(store, name)}
        earlier = [number for number in history_of(store, name, present)[:-1] if number in known and number != present]
        if not earlier:
            raise TrackingError(
                f"{name}@{alias} is version {present}, and no version was the champion before it. To choose one "
                "yourself: ferflow promote VERSION"
            )
        with store.session() as client:
            client.set_model_version_tag(name, present, ROLLED_BACK, "true")
        move(store, name, alias, earlier)
    return f"{name}@{alias}: {present} -> {earlier[-1]}"


def move(store: Store, name: str, alias: str, champions: list[str]) -> None:
    """Give the alias to the last of `champions`, and record all of them."""
    with store.session() as client:
        # The history first: if this process is killed between the two, _history leaves out what never had the alias.
        client.set_registered_model_tag(name, HISTORY, " ".join(champions))
        client.set_registered_model_alias(name, alias, champions[-1])


def history_of(store: Store, name: str, present: str | None) -> list[str]:
    """Return the champions so far; the last one is `present`, also if the alias was moved in MLflow's own UI."""
    with store.session() as client:
        champions = str(client.get_registered_model(name).tags.get(HISTORY, "")).split()
    if present is None:
        return []
    if present in champions:
        last = len(champions) - champions[::-1].index(present)
        return champions[:last]
    return [*champions, present]
