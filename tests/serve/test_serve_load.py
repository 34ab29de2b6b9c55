import contextlib
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
from serve_helpers import SMALL, Blocked, Fixed, counter, picture, running, send, send_form, serving

from ferflow.base.errors import FerflowError
from ferflow.serve.limits import Limits
from ferflow.serve.server import listen
from ferflow.use.recognizer import Recognizer


def test_many_at_once_get_the_answers_that_each_gets_alone(service: httpx.Client) -> None:
    pictures = [picture(faces=number) for number in range(4)]
    alone = [without_times(send(service, content)) for content in pictures]
    with ThreadPoolExecutor(24) as pool:
        together = list(pool.map(lambda number: without_times(send(service, pictures[number % 4])), range(48)))
    assert together == alone * 12


def test_the_network_runs_once_for_faces_of_several_requests(network: Path) -> None:
    recognizer = Recognizer(network, detector=Fixed((0, 0, 50, 50), (5, 5, 50, 50)), threads=1)
    slow_network(recognizer, 0.2)
    with running(recognizer, Limits(threads=4)) as client:
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda _: send(client, SMALL, "image/png"), range(16)))
        assert all(len(answer.json()["pictures"][0]["faces"]) == 2 for answer in answers)
        assert counter(client, "ferflow_batch_faces_sum") == 32
        assert counter(client, "ferflow_batch_faces_count") < 8


def test_a_full_service_refuses_at_once_and_says_when_to_try_again(network: Path) -> None:
    with blocked(network, Limits(requests=2, threads=1)) as (client, detector), ThreadPoolExecutor(2) as pool:
        taken = [pool.submit(send, client, SMALL, "image/png") for _ in range(2)]
        detector.entered.acquire()
        wait_for(lambda: counter(client, "ferflow_requests_running") == 2)
        refused = send(client, SMALL * 100, "image/png")
        assert (refused.status_code, refused.json()["code"]) == (503, "busy")
        assert refused.headers["retry-after"] == "1"
        assert client.get("/health").status_code == 200
        detector.go.set()
        assert [future.result().status_code for future in taken] == [200, 200]
        assert send(client, SMALL, "image/png").status_code == 200


def test_an_answer_that_takes_too_long_is_given_up(network: Path) -> None:
    with blocked(network, Limits(timeout=0.3, threads=1)) as (client, detector):
        # The first picture blocks the only thread, the second one waits for it and is forgotten.
        with ThreadPoolExecutor(2) as pool:
            for response in pool.map(lambda _: send(client, SMALL, "image/png"), range(2)):
                assert (response.status_code, response.json()["code"]) == (503, "busy")
        detector.go.set()
        assert send(client, SMALL, "image/png").status_code == 200
        assert counter(client, "ferflow_batch_faces_sum") == 1


def test_a_body_that_does_not_arrive_is_given_up(network: Path) -> None:
    with running(Recognizer(network, detector=Fixed()), Limits(timeout=0.3)) as client:
        with raw_request(client) as connection:
            answer = b"".join(iter(lambda: connection.recv(10_000), b""))
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'"slow_body"' in answer
        assert send(client, SMALL, "image/png").status_code == 200


def test_a_client_that_hangs_up_leaves_no_trace(network: Path) -> None:
    with running(Recognizer(network, detector=Fixed()), Limits()) as client:
        with raw_request(client):
            wait_for(lambda: counter(client, "ferflow_requests_running") == 1)
        wait_for(lambda: counter(client, "ferflow_requests_running") == 0)
        assert counter(client, 'ferflow_requests_total{status="499"}') == 1


def test_a_bug_is_answered_without_its_details(network: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def detect(self, image: np.ndarray) -> list[object]:
            raise RuntimeError("secret detail")

    with running(Recognizer(network, detector=Broken()), Limits()) as client:  # type: ignore[arg-type]
        response = send(client, SMALL, "image/png")
        assert (response.status_code, response.json()["code"]) == (500, "failed")
        assert "secret" not in response.text
        assert counter(client, 'ferflow_requests_total{status="500"}') == 1
    assert "secret detail" in caplog.text, "whoever runs the service sees the reason"


def test_a_network_that_fails_once_answers_the_next_request(network: Path) -> None:
    recognizer = Recognizer(network, detector=Fixed((0, 0, 50, 50)))
    works, recognizer.network.probabilities = recognizer.network.probabilities, fails  # type: ignore[method-assign]
    with running(recognizer, Limits()) as client:
        assert send(client, SMALL, "image/png").status_code == 500
    recognizer.network.probabilities = works  # type: ignore[method-assign]
    with running(recognizer, Limits()) as client:
        assert send(client, SMALL, "image/png").status_code == 200


def test_requests_that_have_begun_are_answered_before_the_service_stops(network: Path) -> None:
    detector = Blocked()
    recognizer = Recognizer(network, detector=detector)
    with serving(recognizer, Limits()) as (client, server), ThreadPoolExecutor(1) as pool:
        begun = pool.submit(send, client, SMALL, "image/png")
        detector.entered.acquire()
        server.should_exit = True
        wait_for(lambda: not accepts(client))
        detector.go.set()
        assert begun.result().status_code == 200


def test_the_command_answers_and_stops_in_order(network: Path) -> None:
    command = [sys.executable, "-m", "ferflow.ui.cli", "serve", "--model", str(network), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        lines = process.stderr.readline() + process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", lines)
        assert found, lines
        with httpx.Client(base_url=found[0]) as client:
            files = [("a.jpg", picture(), "image/jpeg"), ("b.png", picture("PNG"), "image/png")]
            assert [len(answer["faces"]) for answer in send_form(client, files).json()["pictures"]] == [2, 2]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert process.stderr.read() == "Stopped.\n"


def test_a_port_that_is_taken_is_named() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(FerflowError, match=rf"cannot listen at 127\.0\.0\.1, port {port}: .*--port"):
            listen("127.0.0.1", port)
    with pytest.raises(FerflowError, match="cannot listen at no such host"):
        listen("no such host", 8000)
    with pytest.raises(FerflowError, match="port 99999"):
        listen("127.0.0.1", 99999)


def test_the_service_needs_neither_tensorflow_nor_mlflow() -> None:
    heavy = {"tensorflow", "keras", "mlflow", "dvc", "pandas", "sklearn", "matplotlib"}
    code = f"import sys, ferflow.serve.server, ferflow.ui.serve_command; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def without_times(response: httpx.Response) -> object:
    (answer,) = response.json()["pictures"]
    return {name: value for name, value in answer.items() if name != "milliseconds"}


def slow_network(recognizer: Recognizer, seconds: float) -> None:
    predict = recognizer.network.probabilities

    def slow(crops: np.ndarray) -> np.ndarray:
        time.sleep(seconds)
        return predict(crops)

    recognizer.network.probabilities = slow  # type: ignore[method-assign]


def fails(crops: np.ndarray) -> np.ndarray:
    raise RuntimeError("the network has failed")


@contextlib.contextmanager
def blocked(network: Path, limits: Limits) -> Iterator[tuple[httpx.Client, Blocked]]:
    detector = Blocked()
    with running(Recognizer(network, detector=detector, threads=1), limits) as client:
        try:
            yield client, detector
        finally:
            detector.go.set()


@contextlib.contextmanager
def raw_request(client: httpx.Client) -> Iterator[socket.socket]:
    """A connection that has sent half of a request."""
    with socket.create_connection((client.base_url.host, client.base_url.port or 0), timeout=30) as connection:
        head = [
            "POST /predict HTTP/1.1",
            "Host: a",
            "Connection: close",
            "Content-Type: image/png",
            "Content-Length: 100",
        ]
        connection.sendall("\r\n".join([*head, "", "1"]).encode())
        yield connection


def accepts(client: httpx.Client) -> bool:
    """Whether new connections get an answer."""
    try:
        return httpx.get(f"{client.base_url}/health", timeout=1).status_code == 200
    except httpx.TransportError:
        return False


def wait_for(condition: object) -> None:
    deadline = time.monotonic() + 20
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)
