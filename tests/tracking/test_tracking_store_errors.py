"""Whatever a store raises is one message, and it never ends a training."""

import contextlib
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferflow.base.errors import ModelError, TrackingError
from ferflow.ui.tracking import LiveRun, Store, connect

NewStore = Callable[..., Store]


def damaged(folder: Path, database: Path) -> str:
    """A SQLite file whose header is right and whose pages are not."""
    content = bytearray(database.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    (folder / "damaged.db").write_bytes(content)
    return "sqlite:///damaged.db"


def empty_tables(folder: Path, database: Path) -> str:
    """A SQLite file of another program."""
    import sqlite3

    with contextlib.closing(sqlite3.connect(folder / "other.db")) as connection, connection:
        connection.execute("create table alembic_version (version_num text)")
        connection.execute("insert into alembic_version values ('0123456789ab')")
    return "sqlite:///other.db"


def text(folder: Path, _database: Path) -> str:
    (folder / "text.db").write_text("this is no database" * 100)
    return "sqlite:///text.db"


def read_only(_folder: Path, _database: Path) -> str:
    return "sqlite:////proc/mlflow.db"


UNUSABLE: dict[str, str | Callable[[Path, Path], str]] = {
    "empty address": "",
    "a folder": "./mlruns",
    "file scheme": "file:./mlruns",
    "no scheme": "localhost:5000",
    "wrong scheme": "ftp://host/runs",
    "sqlite in memory": "sqlite://",
    "sqlite in memory, too": "sqlite:///",
    "no driver": "postgresql://user:secret@localhost/db",
    "no such driver": "postgresql+nonsense://user:secret@localhost/db",
    "no driver for mysql": "mysql+pymysql://user:secret@localhost/db",
    "no driver for mssql": "mssql+pyodbc://user:secret@localhost/db",
    "not an address of a database": "postgresql://user:secret@localhost:port/db",
    "nobody listens": "http://user:secret@127.0.0.1:9",
    "no such host": "http://user:secret@nowhere.invalid:5000",
    "not an address": "http://[::1",
    "port out of range": "http://127.0.0.1:99999",
    "host that cannot be encoded": "http://" + "a" * 300 + ".example",
    "no folder": "sqlite:///no/such/folder/mlflow.db",
    "damaged": damaged,
    "text": text,
    "another program's": empty_tables,
    "read-only": read_only,
}


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


@pytest.mark.parametrize("kind", UNUSABLE)
def test_an_unusable_store_is_one_message_and_no_training_ends(
    kind: str, tmp_path: Path, empty_database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = UNUSABLE[kind]
    uri = made if isinstance(made, str) else made(tmp_path, empty_database)
    with pytest.raises(TrackingError) as caught:
        connect(uri, tmp_path, timeout=1, retries=0)
    message = str(caught.value)
    assert 1 < len(message.splitlines()) <= 4 or "MLFLOW_TRACKING_URI is invalid" in message
    assert len(message) < 1200
    assert "secret" not in message
    capsys.readouterr()

    epochs = 0
    with LiveRun(
        uri, tmp_path, experiment="drawn", name="cnn", fingerprint="f" * 64, params={}, tags={}, retry_after=3600.0
    ) as run:
        for epoch in (1, 2, 3):
            run.log_epoch(epoch, {"loss": 1.0})
            epochs += 1
    assert epochs == 3
    said = capsys.readouterr().err
    assert said.count("warning:") == 1
    assert "The training continues" in said
    assert "Traceback" not in said
    assert "secret" not in said


@pytest.fixture(scope="module")
def talkative_server() -> Iterator[tuple[str, list[bytes]]]:
    """Its address, and a list whose last item it answers every request with."""
    answers = [b""]
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            while True:
                try:
                    connection = listener.accept()[0]
                except OSError:
                    return
                with connection, contextlib.suppress(OSError):
                    connection.recv(65536)
                    connection.sendall(answers[-1])

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", answers
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def http(status: int, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status} Status\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + body


bodies = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([b"", b"{}", b"[]", b"null", b"<html>", b'{"experiments": 3}', b'{"error_code": 1}']),
)
answers = st.one_of(st.binary(max_size=60), st.builds(http, st.sampled_from([200, 302, 400, 401, 404, 500]), bodies))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=answers)
def test_whatever_a_server_answers_no_training_ends(
    tmp_path: Path, talkative_server: tuple[str, list[bytes]], answer: bytes
) -> None:
    uri, given_answers = talkative_server
    given_answers.append(answer)
    with contextlib.suppress(TrackingError):
        connect(uri, tmp_path, timeout=1, retries=0)
    with LiveRun(uri, tmp_path, experiment="drawn", name="cnn", fingerprint="f" * 64, params={}, tags={}) as run:
        run.log_epoch(1, {"loss": 1.0})


class StrangeError(Exception):
    """An error of a type that no one expects."""


@pytest.mark.parametrize(
    "error", [ImportError("x", name="psycopg2"), ValueError("x"), KeyError("x"), StrangeError("x")]
)
def test_any_error_of_the_store_is_translated(
    tmp_path: Path, new_store: NewStore, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    store = new_store(tmp_path)

    def broken(*_arguments: Any, **_options: Any) -> None:
        raise error

    monkeypatch.setattr(type(store.client), "search_runs", broken)
    with pytest.raises(TrackingError, match="cannot be used"):
        store.find_run("0", "f" * 64)


def test_ferflow_s_own_errors_keep_their_type(tmp_path: Path, new_store: NewStore) -> None:
    with pytest.raises(ModelError), new_store(tmp_path).session():
        raise ModelError("x")


def test_a_database_that_becomes_unusable_while_training_ends_nothing(
    tmp_path: Path, new_store: NewStore, capsys: pytest.CaptureFixture[str]
) -> None:
    new_store(tmp_path)
    options = {"experiment": "drawn", "name": "cnn", "fingerprint": "f" * 64, "params": {}, "tags": {}}
    with LiveRun("sqlite:///mlflow.db", tmp_path, retry_after=0.0, **options) as run:
        run.log_epoch(1, {"loss": 1.0})
        (tmp_path / "mlflow.db").write_bytes(b"\xff" * 8192)
        run.log_epoch(2, {"loss": 1.0})
        run.log_epoch(3, {"loss": 1.0})
    assert capsys.readouterr().err.count("warning:") == 1
    shutil.rmtree(tmp_path / "mlartifacts", ignore_errors=True)
