"""Register a version of a dataset's model, and decide whether it becomes the champion."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ferflow.base.arrays import Split
from ferflow.base.errors import FerflowError
from ferflow.base.hashing import digest_of
from ferflow.ui.tracking.champions import DECISION, ROLLED_BACK, champion_of, history_of, move, usable
from ferflow.ui.tracking.logged_models import MODEL_SHA256, SERVED, Network, input_side, load_served, log_network
from ferflow.ui.tracking.registration_turn import turn, versions_of
from ferflow.ui.tracking.store import Store
from ferflow.ui.tracking.verdict import Decision, Measured, Rival, decide, measure, validation_digest

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

CHALLENGER = "challenger"
"""Alias of the newest version."""
_BACKEND = "ferflow.backend"
_DECIDED_ON = "ferflow.decided_on"
_FIGURES = "ferflow.figures"
_MAX_DESCRIPTION = 5000  # characters that MLflow's databases accept


@dataclass(frozen=True)
class Candidate:
    """A trained network that wants to become the champion.

    Attributes:
        network: The network.
        registration: Content of registration.json.
        card: Model card as Markdown.
    """

    network: Network
    registration: Mapping[str, Any]
    card: str

    @property
    def name(self) -> str:
        """Name of the registered model."""
        return str(self.registration["name"])

    @property
    def alias(self) -> str:
        """Alias of the champion."""
        return str(self.registration["alias"])


@dataclass(frozen=True)
class Registered:
    """What a registration did.

    Attributes:
        outcome: `registered` if a version was created or the champion moved, else `unchanged`.
        decision: Decision about the version.
    """

    outcome: Literal["registered", "unchanged"]
    decision: Decision


def register(
    store: Store, experiment: str, run_id: str | None, candidate: Candidate, split: Split | None
) -> Registered:
    """Create a version of a network, unless one answers as it does, and decide whether it is the champion.

    Registrations of several processes decide one after the other; see ferflow.ui.tracking.registration_turn.

    Args:
        store: MLflow store with the registry.
        experiment: Id of the experiment that the model belongs to.
        run_id: Id of the run that trained it, or None if it is unknown.
        candidate: Network to register.
        split: Validation split, or None if it is not at hand.

    Raises:
        ModelError: The registered model cannot be loaded, or its answers are not probabilities.
        ConfigError: The network's Keras backend cannot be used.
        TrackingError: The store cannot be used.
    """
    name = candidate.name
    version = _version_with(store, name, candidate.network)
    created = version is None
    if version is None:
        version = _create_version(store, experiment, run_id, candidate, split)
    number = str(version.version)
    measured = Measured.from_tags(version.tags)
    if measured is None or (split is not None and measured.validation != validation_digest(split)):
        measured = _measure(store, f"models:/{name}/{number}", candidate.network, split)
    rival: Rival | None = None
    while True:
        with turn(store, name, number):
            champion = champion_of(store, name, candidate.alias)
            present = None if champion is None else str(champion.version)
            if champion is None or present == number or (rival and rival.version == present):
                rival = rival if rival and rival.version == present else None
                return _conclude(store, candidate, number, measured, champion, rival, created=created)
        # Loading a model can take long, so the champion is measured outside of the turn, and may change meanwhile.
        rival = _rival(store, champion, candidate, measured, split)


def _conclude(
    store: Store,
    candidate: Candidate,
    number: str,
    measured: Measured,
    champion: "ModelVersion | None",
    rival: Rival | None,
    *,
    created: bool,
) -> Registered:
    """Decide, record the decision in the version's tags, and move the aliases. Call it within a turn."""
    name, alias = candidate.name, candidate.alias
    present = None if champion is None else str(champion.version)
    with store.session() as client:
        version = client.get_model_version(name, number)
        tags, card = version.tags, _shortened(candidate.card)
        if version.description != card:
            client.update_model_version(name, number, card)
        known = tags.get(DECISION)
        question = digest_of([candidate.registration["passed"], candidate.registration["gates"], present])
        if known and (present == number or tags.get(_DECIDED_ON) == question):
            return Registered("registered" if created else "unchanged", Decision.from_text(known))
        decision = decide(candidate.registration, number, measured, rival, rolled_back=ROLLED_BACK in tags)
        # Once the alias has moved, the question that the next run asks names this version as the champion.
        after = number if decision.promoted else present
        asked = digest_of([candidate.registration["passed"], candidate.registration["gates"], after])
        recorded = {
            **measured.tags(),
            _FIGURES: json.dumps(decision.figures),
            DECISION: json.dumps(decision.to_json()),
            "ferflow.promoted": "true" if decision.promoted else "false",
            _DECIDED_ON: asked,
        }
        for key, value in recorded.items():
            client.set_model_version_tag(name, number, key, value)
        challenger = champion_of(store, name, CHALLENGER)
        if challenger is None or int(challenger.version) < int(number):
            client.set_registered_model_alias(name, CHALLENGER, number)
    if decision.promoted and present != number:
        move(store, name, alias, [*history_of(store, name, present), number])
    return Registered("registered" if created or decision.promoted else "unchanged", decision)


def _version_with(store: Store, name: str, network: Network) -> "ModelVersion | None":
    """Return the first version with these weights, views and temperature whose files can be read, or None."""
    same = [version for version in versions_of(store, name) if _is(version.tags, network)]
    return next((version for version in same if usable(store, version)), None)


def _is(tags: Mapping[str, str], network: Network) -> bool:
    """Return whether the tags are those of a version with the network's weights, views and temperature."""
    return tags.get(MODEL_SHA256) == network.sha256 and tags.get(SERVED) == network.served


def _create_version(
    store: Store, experiment: str, run_id: str | None, candidate: Candidate, split: Split | None
) -> "ModelVersion":
    from mlflow.exceptions import MlflowException

    name, network = candidate.name, candidate.network
    model_id = log_network(store, experiment, run_id, network)
    measured = _measure(store, f"models:/{model_id}", network, split)
    tags = {**dict(network.tags), **measured.tags(), MODEL_SHA256: network.sha256}
    tags |= {SERVED: network.served, _BACKEND: network.backend}
    with store.session() as client:
        try:
            client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        for attempt in range(10):
            try:
                version = client.create_model_version(
                    name,
                    f"models:/{model_id}",
                    run_id,
                    tags=tags,
                    description=_shortened(candidate.card),
                    model_id=model_id,
                )
                break
            except MlflowException as error:
                # MLflow gives up after a few attempts if other processes take the same number at the same time.
                if attempt == 9 or "creation error" not in str(error):
                    raise
                time.sleep(0.2 * (attempt + 1))
        first = _version_with(store, name, network)
        if first is not None and first.version != version.version:  # another process registered the same weights
            client.delete_model_version(name, version.version)
            return first
        return version


def _measure(store: Store, uri: str, network: Network, split: Split | None) -> Measured:
    side = input_side(network.folder / "model.keras")
    model = load_served(store, uri, network.backend)
    try:
        return measure(model.predict, split, side)
    except ValueError:  # the data at hand is not what this network was trained on
        return measure(model.predict, None, side)


def _rival(store: Store, champion: "ModelVersion", candidate: Candidate, ours: Measured, split: Split | None) -> Rival:
    """Return the present champion with its answers on the validation images at hand."""
    number, tags = str(champion.version), champion.tags
    figures = json.loads(tags.get(_FIGURES, "{}"))
    model = tags.get("ferflow.model", "unknown")
    recorded = Measured.from_tags(tags)
    if _is(tags, candidate.network):
        return Rival(number, model, figures, recorded, same_weights=True)
    if recorded and recorded.correct.size and recorded.validation == ours.validation:
        return Rival(number, model, figures, recorded)
    if split is None or not ours.correct.size:
        return Rival(number, model, figures, None, "the validation images are missing. Run: dvc checkout data/prepare")
    try:
        served = load_served(store, f"models:/{candidate.name}/{number}", tags.get(_BACKEND, "tensorflow"))
        measured = measure(served.predict, split, split.images.shape[1])
    except (FerflowError, ValueError) as error:
        advice = "Decide yourself: ferflow promote VERSION"
        return Rival(number, model, figures, None, f"{str(error).partition(chr(10))[0]}. {advice}", same_images=False)
    return Rival(number, model, figures, measured, same_images=False)


def _shortened(card: str) -> str:
    """Return the card, without its last sections if it is longer than MLflow's databases accept."""
    sections, note = card.split("\n## "), "\nThe rest is in reports/register/model_card.md.\n"
    if len(card) <= _MAX_DESCRIPTION:
        return card
    while len(sections) > 1 and len("\n## ".join(sections)) + len(note) > _MAX_DESCRIPTION:
        sections.pop()
    return "\n## ".join(sections)[: _MAX_DESCRIPTION - len(note)] + note
