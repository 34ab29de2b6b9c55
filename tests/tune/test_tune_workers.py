"""The same study for any number of workers, whoever is killed; `make storm-tune` runs the long cases."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import tune_storm
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState
from storm_postgres import Postgres
from tune_storm import PACE, RULES, begin, calm, outputs

from ferflow.base.errors import ConfigError, FerflowError
from ferflow.tune import queue
from ferflow.tune.crew import Crew, crew_of
from ferflow.tune.launchers import LocalLauncher
from ferflow.tune.rules import Finished
from ferflow.tune.storage import open_storage, start_proxy
from ferflow.tune.study import Plan

SCRIPT = tune_storm.__file__
LONG = pytest.mark.skipif("FERFLOW_STORM" not in os.environ, reason="long: make storm-tune")


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the study in one process writes."""
    return calm(tmp_path_factory.mktemp("calm"))


@pytest.fixture
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    server = Postgres(tmp_path_factory.mktemp("postgres"))
    server.start()
    yield server
    server.stop()


def join(folder: Path, name: str, url: str, seconds: float = 0.0) -> subprocess.Popen:
    """Start a worker as anybody would, from another folder."""
    elsewhere = folder / name
    elsewhere.mkdir()
    return subprocess.Popen(
        [sys.executable, SCRIPT, "worker", url, str(folder / "trainings"), "--name", name],
        env={**os.environ, "STORM_SECONDS": str(seconds)},
        cwd=elsewhere,
        stderr=(folder / f"{name}.log").open("wb"),
    )


def trainings(folder: Path) -> tuple[Counter, Counter]:
    """How often each trial was begun, and how often it was ended, by its params."""
    lines = [json.loads(line) for line in (folder / "trainings").read_text().splitlines()]
    counted = {
        what: Counter(json.dumps(params) for kind, _, params in lines if kind == what) for what in ("begins", "ends")
    }
    return counted["begins"], counted["ends"]


def once(folder: Path) -> None:
    """Every trial was trained once."""
    begun, ended = trainings(folder)
    assert set(begun.values()) == set(ended.values()) == {1}
    assert len(begun) == RULES.trials


def wait_for(what, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize("workers", [2, pytest.param(1, marks=LONG), pytest.param(4, marks=LONG)])
def test_the_number_of_workers_changes_no_byte(tmp_path: Path, wanted: dict[str, bytes], workers: int) -> None:
    tune_storm.coordinator(tmp_path, workers, "")
    assert outputs(tmp_path) == wanted
    once(tmp_path)


def test_the_window_is_part_of_the_question(tmp_path: Path, wanted: dict[str, bytes]) -> None:
    other = calm(tmp_path, RULES.model_copy(update={"ahead": 3}))
    assert other["trials.csv"] != wanted["trials.csv"]


def begun_so_far(folder: Path) -> int:
    file = folder / "trainings"
    return file.read_text().count("begins") if file.exists() else 0


def storm(folder: Path, rng: random.Random, kills: int, workers: int, postgres: Postgres | None) -> dict[str, int]:
    """Kill workers, the coordinator and the database until the study ends; return what was killed how often."""
    url = postgres.url if postgres else ""
    killed = Counter()
    process = begin(folder, workers, url, seconds=0.05)
    seen = 0
    while process.poll() is None:
        if sum(killed.values()) >= kills:
            process.wait(300)
            break
        now = begun_so_far(folder)
        if now == seen:  # so that most kills hit a training
            time.sleep(0.02)
            continue
        seen = now
        time.sleep(rng.uniform(0, 0.3))
        victim = rng.choices(["worker", "coordinator", "postgres"], [6, 2, 1 if postgres else 0])[0]
        if victim == "postgres":
            postgres.kill()
            time.sleep(rng.uniform(0, 1))
            postgres.start()
        elif victim == "coordinator":
            process.kill()
            process.wait()
            process = begin(folder, workers, url, seconds=0.05)
        else:
            children = []
            with suppress(psutil.NoSuchProcess):
                children = psutil.Process(process.pid).children()
            if not children:
                continue
            with suppress(psutil.NoSuchProcess):
                rng.choice(children).kill()
        killed[victim] += 1
    assert process.returncode == 0, (folder / "coordinator.log").read_text()[-3000:]
    return dict(killed)


def nothing_left(folder: Path) -> None:
    """No process of the study runs any more."""

    def ours() -> list[str]:
        found = []
        for process in psutil.process_iter(["cmdline"]):
            if str(folder) in " ".join(process.info["cmdline"] or []) and "tune_storm" in str(process.info["cmdline"]):
                found.append(str(process.info["cmdline"]))
        return found

    wait_for(lambda: not ours())


@pytest.mark.parametrize(
    ("kills", "workers", "database"),
    [(3, 2, False), pytest.param(50, 3, False, marks=LONG), pytest.param(50, 3, True, marks=LONG)],
)
def test_kills_lose_no_trial_and_change_no_byte(
    tmp_path: Path, wanted: dict[str, bytes], kills: int, workers: int, database: bool, request: pytest.FixtureRequest
) -> None:
    postgres = request.getfixturevalue("postgres") if database else None
    total, rounds, seed = Counter(), 0, 0
    lost = 0
    while sum(total.values()) < kills:
        folder = tmp_path / f"round{rounds}"
        folder.mkdir()
        killed = storm(folder, random.Random(seed + rounds), kills - sum(total.values()), workers, postgres)
        assert outputs(folder) == wanted
        begun, _ = trainings(folder)
        assert len(begun) == RULES.trials, "a trial was lost, or one was invented"
        again = sum(begun.values()) - RULES.trials
        assert again <= workers * killed.get("coordinator", 0) + killed.get("worker", 0) + killed.get("postgres", 0)
        total.update(killed)
        lost += again
        rounds += 1
        nothing_left(folder)
    told = f"{sum(total.values())} kills in {rounds} studies {dict(total)}"
    print(f"{told}: 0 trials lost, {lost} trained again after a kill")


def test_a_worker_of_another_folder_joins_and_leaves(tmp_path: Path, wanted: dict[str, bytes]) -> None:
    """The coordinator starts none; two of other folders do all, and one of them is killed on the way."""
    process = begin(tmp_path, 0, seconds=0.1)
    wait_for((tmp_path / "url").exists)
    url = (tmp_path / "url").read_text()
    first, second = (join(tmp_path, name, url, seconds=0.1) for name in ("a", "b"))
    wait_for(lambda: (tmp_path / "a.log").read_text().count("begins") >= 1)
    assert process.wait(120) == 0
    assert outputs(tmp_path) == wanted
    once(tmp_path)
    assert {first.wait(30), second.wait(30)} == {0}
    counts = [(tmp_path / f"{name}.log").read_text().count("ends: ") for name in ("a", "b")]
    assert sum(counts) == RULES.trials
    assert min(counts) >= 1


@pytest.mark.parametrize("restart", [pytest.param(True, marks=LONG)])
def test_a_database_holds_the_queue(
    tmp_path: Path, wanted: dict[str, bytes], postgres: Postgres, restart: bool
) -> None:
    process = begin(tmp_path, 2, postgres.url, seconds=0.05)
    wait_for((tmp_path / "trainings").exists)
    if restart:
        postgres.kill()
        time.sleep(1)
        postgres.start()
    assert process.wait(120) == 0, (tmp_path / "coordinator.log").read_text()[-2000:]
    assert outputs(tmp_path) == wanted
    assert "answers again" in (tmp_path / "coordinator.log").read_text()
    storage = open_storage(postgres.url, create=False)
    (study,) = storage.get_all_studies()
    assert {trial.state for trial in storage.get_all_trials(study._study_id)} <= {
        TrialState.COMPLETE,
        TrialState.PRUNED,
        TrialState.FAIL,
    }, "none is left running"


def test_a_result_that_comes_late_is_dropped(tmp_path: Path) -> None:
    url = start_proxy(tmp_path / "queue.db", "127.0.0.1")
    storage = open_storage(url, create=True)
    plan = Plan(RULES, tmp_path / "journal.jsonl")
    offer = queue.open_study(storage, "cnn-1", RULES, {}, {})
    decision = plan.open()[0]
    queue.put(storage, offer, decision, [])
    trial_id, _ = queue.claim(storage, offer, "slow")
    assert queue.claim(storage, offer, "other") is None
    queue.give_up(storage, trial_id)
    late = Finished(decision=decision, state="COMPLETE", value=0.9)
    with pytest.raises(UpdateFinishedTrialError):
        queue.hand_in(storage, trial_id, RULES, late)


def test_a_worker_that_fails_ends_the_search_with_its_words(tmp_path: Path) -> None:
    launcher = LocalLauncher([sys.executable, "-c", "raise SystemExit('error: no such data')"], 1, tmp_path / "logs")
    launcher.start("grpc://127.0.0.1:1")
    with pytest.raises(FerflowError, match=r"failed with exit status 1: error: no such data"):
        wait_for(lambda: launcher.tend() is None)
    launcher.stop(0)


def test_a_damaged_queue_is_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "queue.db").write_bytes(b"no database" * 500)
    assert start_proxy(tmp_path / "queue.db", "127.0.0.1").startswith("grpc://127.0.0.1:")
    assert "is damaged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environment", "fault"),
    [
        ({"FERFLOW_TUNE_WORKERS": "-1"}, "whole number from 0 to 1000. Received: '-1'"),
        ({"FERFLOW_TUNE_LAUNCHER": "slurm"}, "local or ray. Received: 'slurm'"),
        ({"FERFLOW_TUNE_STORAGE": "sqlite:///queue.db"}, "must be postgresql"),
        (
            {"FERFLOW_TUNE_STORAGE": "postgresql+psycopg://a@b/c", "FERFLOW_TUNE_LISTEN": "0.0.0.0"},
            "exclude each other",
        ),
        ({"FERFLOW_TUNE_GPUS": "many"}, "0 or more. Received: 'many'"),
    ],
)
def test_a_wrong_crew_is_refused(environment: dict[str, str], fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        crew_of(environment)


def test_a_crew_of_one_works_alone() -> None:
    assert crew_of({}).alone
    assert crew_of({}) == Crew()
    assert not crew_of({"FERFLOW_TUNE_WORKERS": "2"}).alone
    assert not crew_of({"FERFLOW_TUNE_LISTEN": "0.0.0.0:13000"}).alone


@pytest.mark.parametrize("url", ["sqlite:///queue.db", "grpc://host", "grpc://host:port", "mysql://host/db"])
def test_other_storages_are_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="Received"):
        open_storage(url, create=False)


def test_a_port_in_use_is_refused(tmp_path: Path) -> None:
    address = start_proxy(tmp_path / "queue.db", "127.0.0.1").removeprefix("grpc://")
    with pytest.raises(ConfigError, match="free port"):
        start_proxy(tmp_path / "other.db", address)


@LONG
def test_a_worker_that_hangs_loses_its_trial(tmp_path: Path, wanted: dict[str, bytes]) -> None:
    """A stopped process gives no sign of life; its trial is run by the other, and what it hands in later is dropped."""
    assert PACE.lost > 5
    process = begin(tmp_path, 0, seconds=0.1)
    wait_for((tmp_path / "url").exists)
    url = (tmp_path / "url").read_text()
    stopped, other = (join(tmp_path, name, url, seconds=0.1) for name in ("a", "b"))
    wait_for(lambda: "begins" in (tmp_path / "a.log").read_text())
    stopped.send_signal(signal.SIGSTOP)
    assert process.wait(180) == 0
    assert outputs(tmp_path) == wanted
    stopped.send_signal(signal.SIGCONT)
    stopped.kill()
    assert other.wait(60) == 0
