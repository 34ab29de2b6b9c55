"""Who becomes the champion: the gates, the comparison on the same images, and what a person decides."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from tracking_helpers import CLASSES, GATES, SIDE, candidate_in, write_network

from ferflow.base.arrays import Split
from ferflow.base.errors import TrackingError
from ferflow.ui.tracking import Store, connect, promote, rollback
from ferflow.ui.tracking.champions import champion_of
from ferflow.ui.tracking.registration_turn import DECIDING, turn, versions_of
from ferflow.ui.tracking.registry import register
from ferflow.ui.tracking.verdict import Decision, Measured, Rival, decide

NewStore = Callable[..., Store]


def drawn_split(labels_of: Any, images: int = 60, seed: int = 0) -> Split:
    """Random images, labelled by `labels_of`, a function of the images."""
    pictures = np.random.default_rng(seed).integers(0, 256, (images, SIDE, SIDE), dtype=np.uint8)
    index = pd.DataFrame({"id": [str(number) for number in range(images)]})
    return Split(pictures, labels_of(pictures), index, tuple(CLASSES))


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("networks")
    return [write_network(folder / str(seed), seed=seed) for seed in (1, 2, 3)]


def answers_of(network: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Labels that make a network right on every image."""
    import keras

    model = keras.saving.load_model(network / "model.keras")
    return lambda pictures: model.predict(pictures[..., None], verbose=0).argmax(axis=1)


@pytest.fixture
def store(tmp_path: Path, new_store: NewStore) -> Store:
    return new_store(tmp_path)


def register_network(store: Store, folder: Path, split: Split | None, **changes: Any) -> Decision:
    return register(store, store.experiment("drawn"), None, candidate_in(folder, **changes), split).decision


def champion(store: Store, name: str = "ferflow") -> str | None:
    found = champion_of(store, name, "champion")
    return str(found.version) if found else None


@st.composite
def answers(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    size = draw(st.integers(1, 80))
    bits = st.lists(st.booleans(), min_size=size, max_size=size)
    return np.array(draw(bits)), np.array(draw(bits))


def rival_with(correct: np.ndarray, digest: str = "v", **changes: Any) -> Rival:
    return Rival("1", "cnn", {"accuracy": 0.5}, Measured(1.0, digest, correct), **changes)


def decided(measured: Measured, rival: Rival | None, **changes: Any) -> Decision:
    registration = {
        "passed": True, "because": [], "figures": {"accuracy": 0.7}, "model": "cnn", "name": "ferflow", "gates": GATES,
    }  # fmt: skip
    return decide({**registration, **changes}, "2", measured, rival)


@given(pair=answers())
def test_it_is_promoted_unless_mcnemar_calls_it_worse(pair: tuple[np.ndarray, np.ndarray]) -> None:
    ours, theirs = pair
    decision = decided(Measured(1.0, "v", ours), rival_with(theirs))
    first, second = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    worse = first < second and binomtest(first, first + second, 0.5).pvalue < GATES["significance"]
    assert decision.promoted == (not worse)
    assert decision.champion is not None
    assert decision.champion["version"] == "1"


@given(ours=st.lists(st.booleans(), max_size=70), latency=st.floats(0.0, 1e4))
def test_what_was_measured_survives_the_tags(ours: list[bool], latency: float) -> None:
    measured = Measured(round(latency, 3), "digest", np.array(ours, bool))
    again = Measured.from_tags(measured.tags())
    assert again is not None
    assert (again.latency_ms, again.validation) == (measured.latency_ms, "digest")
    np.testing.assert_array_equal(again.correct, measured.correct)


@pytest.mark.parametrize(
    ("measured", "rival", "changes", "says"),
    [
        (Measured(20000.0), None, {}, "20000.0 ms a face exceeds max_latency_ms 10000 ms"),
        (Measured(1.0), None, {"passed": False, "because": ["gate failed: too small"]}, "gate failed: too small"),
        (Measured(1.0), rival_with(np.ones(5, bool)), {}, "cannot be compared with champion 1 (cnn)"),
        (
            Measured(1.0, "v", np.zeros(9, bool)),
            rival_with(np.ones(9, bool), "other", problem="it has other classes"),
            {},
            "cannot be compared with champion 1 (cnn): it has other classes",
        ),
        (Measured(1.0, "v", np.zeros(9, bool)), rival_with(np.ones(9, bool)), {}, "0.0 % of 9 validation images right"),
    ],
)
def test_every_gate_can_stop_it_and_says_so(
    measured: Measured, rival: Rival | None, changes: dict[str, Any], says: str
) -> None:
    decision = decided(measured, rival, **changes)
    assert not decision.promoted
    assert says in str(decision)
    assert Decision.from_text(json.dumps(decision.to_json())) == decision


def test_other_validation_images_are_said(networks: list[Path]) -> None:
    rival = replace(rival_with(np.ones(9, bool)), same_images=False)
    decision = decided(Measured(1.0, "v", np.ones(9, bool)), rival)
    assert decision.promoted
    assert "The validation images have changed since that champion was registered" in str(decision)


def test_a_worse_version_stays_a_challenger_and_a_better_one_is_promoted(store: Store, networks: list[Path]) -> None:
    worse, better, _ = networks
    split = drawn_split(answers_of(better))
    first = register_network(store, worse, split)
    assert first.promoted
    assert champion(store) == "1"
    assert register_network(store, better, split).promoted
    assert champion(store) == "2"
    register(store, store.experiment("drawn"), None, candidate_in(worse), split)
    assert champion(store) == "2", "the first version again: it is worse now"
    assert len(versions_of(store, "ferflow")) == 2

    name = "second"
    assert register_network(store, better, split, name=name).promoted
    refused = register_network(store, worse, split, name=name)
    assert not refused.promoted
    assert "significantly worse" in str(refused)
    assert champion(store, name) == "1"
    version = store.client.get_model_version_by_alias(name, "challenger")
    assert str(version.version) == "2"
    assert version.tags["ferflow.promoted"] == "false"
    recorded = json.loads(version.tags["ferflow.decision"])
    assert recorded["champion"]["version"] == "1"
    assert {"accuracy", "macro_f1", "worst_recall", "ece", "size_mb", "latency_ms"} <= recorded["figures"].keys()
    assert {"accuracy", "latency_ms"} <= recorded["champion"]["figures"].keys()


def test_on_new_validation_images_the_champion_is_measured_again(store: Store, networks: list[Path]) -> None:
    first, second, _ = networks
    assert register_network(store, first, drawn_split(answers_of(first))).promoted
    decision = register_network(store, second, drawn_split(answers_of(second), seed=9))
    assert decision.promoted
    assert "The validation images have changed" in str(decision)
    assert decision.champion is not None
    assert decision.champion["accuracy_on_these_images"] < 1.0


def test_without_validation_images_nothing_replaces_a_champion(store: Store, networks: list[Path]) -> None:
    assert register_network(store, networks[0], None).promoted
    decision = register_network(store, networks[1], None)
    assert not decision.promoted
    assert "dvc checkout data/prepare" in str(decision)


def test_two_datasets_have_two_champions(store: Store, networks: list[Path]) -> None:
    register_network(store, networks[0], None, name="ferflow-fer2013")
    register_network(store, networks[1], None, name="ferflow-sample")
    assert [champion(store, f"ferflow-{dataset}") for dataset in ("fer2013", "sample")] == ["1", "1"]


def test_promote_and_rollback(store: Store, networks: list[Path]) -> None:
    first, second, third = networks
    split = drawn_split(answers_of(second))
    register_network(store, first, split)
    with pytest.raises(TrackingError, match="no version was the champion before it"):
        rollback(store, "ferflow", "champion")
    register_network(store, second, split)
    assert rollback(store, "ferflow", "champion") == "ferflow@champion: 2 -> 1"
    assert champion(store) == "1"
    # What a person has rolled back does not return by itself.
    decision = register_network(store, second, split)
    assert not decision.promoted
    assert "was rolled back" in str(decision)
    assert champion(store) == "1"
    assert promote(store, "ferflow", "champion", "2") == "ferflow@champion: 1 -> 2"
    assert "already" in promote(store, "ferflow", "champion", "2")

    register_network(store, third, split, passed=False, because=["gate failed: too small"])
    with pytest.raises(TrackingError, match=r"failed a gate:\n  gate failed: too small(.|\n)*promote 3 --force"):
        promote(store, "ferflow", "champion", "3")
    assert promote(store, "ferflow", "champion", "3", force=True) == "ferflow@champion: 2 -> 3"
    assert rollback(store, "ferflow", "champion") == "ferflow@champion: 3 -> 2"
    assert rollback(store, "ferflow", "champion") == "ferflow@champion: 2 -> 1"
    with pytest.raises(TrackingError, match="no version was the champion before it"):
        rollback(store, "ferflow", "champion")
    with pytest.raises(TrackingError, match=r"has no version 9\. Versions: 1, 2, 3"):
        promote(store, "ferflow", "champion", "9")
    with pytest.raises(TrackingError, match="has no versions yet"):
        promote(store, "nobody", "champion", "1")
    with pytest.raises(TrackingError, match="nothing to roll back"):
        rollback(store, "nobody", "champion")


def announced(store: Store) -> dict[str, int]:
    versions = versions_of(store, "ferflow")
    return {str(version.version): sum(key.startswith(DECIDING) for key in version.tags) for version in versions}


def test_an_abandoned_turn_ends(store: Store, networks: list[Path]) -> None:
    for network in networks[:2]:
        register_network(store, network, None)
    store.client.set_model_version_tag("ferflow", "1", f"{DECIDING}0", "of a process that was killed")
    with turn(store, "ferflow", "2", abandoned_after=0.5, poll=0.05):
        assert announced(store) == {"1": 0, "2": 1}
    assert announced(store) == {"1": 0, "2": 0}


def test_turns_exclude_one_another_also_for_the_same_version(store: Store, networks: list[Path]) -> None:
    for network in networks[:2]:
        register_network(store, network, None)
    inside: list[str] = []
    most: list[int] = []

    def decide_thrice(version: str) -> None:
        for _ in range(3):
            with turn(store, "ferflow", version, poll=0.01):
                inside.append(version)
                time.sleep(0.05)
                most.append(len(inside))
                inside.remove(version)

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(decide_thrice, version) for version in ("1", "1", "2", "2")]:
            done.result()
    assert most == [1] * 12
    assert announced(store) == {"1": 0, "2": 0}


REGISTERING = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_tracking_promotion import answers_of, drawn_split, register_network
from ferflow.ui.tracking import connect
store = connect({uri!r}, Path({root!r}))
split = drawn_split(answers_of(Path({best!r})))
Path({ready!r}).touch()
while not Path({start!r}).exists():
    time.sleep(0.01)
print(register_network(store, Path({folder!r}), split, name={name!r}))
"""


def test_registrations_at_once_end_with_one_champion_and_every_version(
    server: str, tmp_path: Path, networks: list[Path]
) -> None:
    name = "contested"
    start = tmp_path / "start"
    processes, ready = [], []
    for number, folder in enumerate([*networks, networks[2]]):  # the last one's weights come twice
        ready.append(tmp_path / f"ready{number}")
        code = REGISTERING.format(
            tests=str(Path(__file__).parent),
            uri=server,
            root=str(tmp_path),
            best=str(networks[1]),
            ready=str(ready[-1]),
            start=str(start),
            folder=str(folder),
            name=name,
        )
        processes.append(
            subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
    while not all(path.exists() for path in ready):
        assert all(process.poll() in (None, 0) for process in processes), [
            p.stderr.read() for p in processes if p.poll()
        ]
    start.touch()
    for process in processes:
        out, error = process.communicate(timeout=300)
        assert process.returncode == 0, error
        assert "of contested" in out
    store = connect(server, tmp_path)
    versions = versions_of(store, name)
    assert len({version.tags["ferflow.model_sha256"] for version in versions}) == 3
    assert len(versions) == 3, "the same weights are one version"
    assert all("ferflow.decision" in version.tags for version in versions)
    assert not any(key.startswith(DECIDING) for version in versions for key in version.tags)
    (best,) = [v for v in versions if v.tags["ferflow.model_sha256"] == candidate_in(networks[1]).network.sha256]
    assert champion(store, name) == str(best.version), "whoever came first, the best one is the champion"
    champions = store.client.get_registered_model(name).tags["ferflow.champions"].split()
    assert champions[-1] == str(best.version)
    assert len(champions) == len(set(champions))
