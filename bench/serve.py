"""Measure the service: requests a second and delays at 1, 8 and 64 clients, under hostile requests, and its memory.

    python bench/serve.py [--model export] [--requests 10000] [--note "nothing else ran"]

`ferflow serve` runs in a process of its own with its default limits, the clients in this one: threads with kept
connections, which send photographs of drawn faces one after the other. Written to reports/bench/serve.json, and as a
table into docs/use.md.
"""

import argparse
import contextlib
import http.client
import io
import itertools
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from bench_machine import processor
from PIL import Image

from ferflow.base.files import write_json, write_text
from ferflow.faces import CLASSES, random_face

ROOT = Path(__file__).resolve().parent.parent
START, END = "<!-- service -->", "<!-- /service -->"
CLIENTS = (1, 8, 64)
SIZES = ((640, 480), (1280, 720), (480, 640), (1600, 1200))
MAX_GROWTH = 0.05  # of the memory, from a tenth of the requests to the last one
_TIMEOUT = 120.0


def main() -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default=str(ROOT / "export"), help="network, as for `ferflow serve --model`")
    parser.add_argument("--requests", type=int, default=10_000, help="requests of the measurement of memory")
    parser.add_argument("--note", default="", help="what else ran on the machine, for the report")
    arguments = parser.parse_args()
    photos = photographs()
    few, load = max(64, arguments.requests // 10), os.getloadavg()[0]
    with service(arguments.model) as (process, port):
        for photo in photos:
            send(http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT), photo)
        report: dict[str, Any] = {
            "processor": processor(),
            "cores": len(os.sched_getaffinity(0)),
            "load_before": round(load, 1),
            "note": arguments.note,
            "photos": len(photos),
            "clients": {str(number): run(port, photos, few, number) for number in CLIENTS},
            "hostile": under_attack(port, photos, few),
            "memory": memory(process.pid, port, photos, arguments.requests),
        }
        process.send_signal(signal.SIGTERM)
        report["exit_status"] = process.wait(_TIMEOUT)
    write_json(ROOT / "reports/bench/serve.json", report)
    text, page = table(report), ROOT / "docs/use.md"
    if page.is_file() and START in (old := page.read_text(encoding="utf-8")):
        before, _, rest = old.partition(START)
        write_text(page, f"{before}{START}\n{text}\n{END}{rest.partition(END)[2]}")
    print(text)
    faults = [name for name, found in verdicts(report).items() if not found]
    if faults:
        raise SystemExit(f"Not as it should be: {', '.join(faults)}.")


def verdicts(report: dict[str, Any]) -> dict[str, bool]:
    """Return what has to hold on any machine, and whether it does."""
    attack = report["hostile"]
    return {
        "every photograph is answered": all(not found["failed"] for found in report["clients"].values()),
        "photographs are answered under attack": not attack["failed"],
        "no hostile request makes the service fail": not attack["failures"],
        "memory stays flat": report["memory"]["growth"] <= MAX_GROWTH,
        "the service stops in order": report["exit_status"] == 0,
    }


def table(report: dict[str, Any]) -> str:
    """Return the report as Markdown."""
    lines = [
        f"{report['cores']} cores of {report['processor']}, shared by service and clients; "
        f"load before the measurement {report['load_before']}. {report['note']}".rstrip(),
        "",
        "| clients | requests a second | median | 99th percentile |",
        "| --- | ---: | ---: | ---: |",
    ]
    rows = {**report["clients"], "8, and hostile ones": report["hostile"]}
    lines += [
        f"| {name} | {found['per_second']} | {found['median_ms']} ms | {found['p99_ms']} ms |"
        for name, found in rows.items()
    ]
    memory, attack = report["memory"], report["hostile"]
    answers = ", ".join(f"{count} x {status}" for status, count in attack["answers"].items())
    lines += [
        "",
        f"The hostile requests ({attack['requests']}: noise, damaged and huge pictures, broken forms, bodies that stop "
        f"half-way) got: {answers}. Memory of the service: {memory['first_mb']} MB after {memory['first']:,} requests, "
        f"{memory['last_mb']} MB after {memory['last']:,}.",
    ]
    return "\n".join(lines)


@contextlib.contextmanager
def service(model: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run the service in a process of its own, and return it with its port."""
    command = [sys.executable, "-m", "ferflow.ui.cli", "serve", "--model", model, "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        try:
            line = process.stderr.readline()
            found = re.search(r":(\d+)/predict", line)
            if not found:
                raise SystemExit(line + process.stderr.read())
            yield process, int(found[1])
        finally:
            if process.poll() is None:
                process.kill()


def run(port: int, photos: Sequence[bytes], requests: int, clients: int) -> dict[str, Any]:
    """Send a number of requests from several clients at once."""
    numbers = iter(range(requests))
    times: list[float] = []
    failed: list[int] = []
    lock = threading.Lock()

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT)
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                break
            start = time.perf_counter()
            status = send(connection, photos[number % len(photos)])
            times.append(time.perf_counter() - start)
            if status != 200:
                failed.append(status)
        connection.close()

    start = time.perf_counter()
    in_threads([client] * clients)
    seconds = time.perf_counter() - start
    return {
        "requests": requests,
        "per_second": round(requests / seconds, 1),
        "median_ms": round(1000 * float(np.median(times))),
        "p99_ms": round(1000 * float(np.percentile(times, 99))),
        "failed": len(failed),
    }


def under_attack(port: int, photos: Sequence[bytes], requests: int) -> dict[str, Any]:
    """Send requests from 8 clients while two others send what no service should be sent."""
    ended = threading.Event()
    answers: Counter[str] = Counter()

    def attacker(seed: int) -> None:
        rng = random.Random(seed)
        for attack in itertools.cycle(ATTACKS):
            if ended.is_set():
                break
            answers[attack(port, rng, photos)] += 1

    attackers = [threading.Thread(target=attacker, args=(seed,)) for seed in range(2)]
    for thread in attackers:
        thread.start()
    found = run(port, photos, requests, 8)
    ended.set()
    for thread in attackers:
        thread.join()
    failures = sum(count for status, count in answers.items() if status.startswith("5") and status != "503")
    return {**found, "requests": answers.total(), "answers": dict(sorted(answers.items())), "failures": failures}


def memory(process: int, port: int, photos: Sequence[bytes], requests: int) -> dict[str, Any]:
    """Return the memory of the service after a tenth of the requests and after all, from 8 clients."""
    first = requests // 10
    run(port, photos, first, 8)
    one = resident_mb(process)
    run(port, photos, requests - first, 8)
    two = resident_mb(process)
    return {"first": first, "last": requests, "first_mb": one, "last_mb": two, "growth": round(two / one - 1, 3)}


def resident_mb(process: int) -> int:
    """Return the resident memory of a process in MB (Linux)."""
    text = Path(f"/proc/{process}/status").read_text()
    return round(int(next(line.split()[1] for line in text.splitlines() if line.startswith("VmRSS:"))) / 1000)


def send(connection: http.client.HTTPConnection, content: bytes, type: str = "image/jpeg") -> int:
    """Send a picture and return the status of the answer."""
    connection.request("POST", "/predict", content, {"Content-Type": type})
    response = connection.getresponse()
    response.read()
    return response.status


def photographs() -> list[bytes]:
    """Return JPEG files of several sizes with no face to four, the same ones each time."""
    rng = np.random.default_rng(0)
    photos = []
    for faces, (width, height) in itertools.product(range(5), SIZES):
        levels = rng.integers(60, 200, (height // 40, width // 40, 3), dtype=np.uint8)
        photo = Image.fromarray(levels).resize((width, height), Image.Resampling.BICUBIC)
        side = width // 5
        for place in range(faces):
            face = Image.fromarray(random_face(rng, CLASSES[7][int(rng.integers(7))]))
            photo.paste(face.resize((side, side)), (side // 4 + place * side * 6 // 5, height // 4))
        buffer = io.BytesIO()
        photo.save(buffer, "JPEG", quality=90)
        photos.append(buffer.getvalue())
    return photos


def in_threads(functions: Sequence[Callable[[], None]]) -> None:
    """Run functions at the same time."""
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _attack(content: bytes, type: str, port: int) -> str:
    """Send a body and return the status, or `no answer` if the service hangs up."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT)
    try:
        return str(send(connection, content, type))
    except OSError:
        return "no answer"
    finally:
        connection.close()


def noise(port: int, rng: random.Random, photos: Sequence[bytes]) -> str:
    """Send random bytes as a picture."""
    return _attack(rng.randbytes(rng.randrange(100_000)), "image/png", port)


def damaged(port: int, rng: random.Random, photos: Sequence[bytes]) -> str:
    """Send a photograph with some bytes replaced."""
    content = bytearray(rng.choice(photos))
    for _ in range(20):
        content[rng.randrange(len(content))] = rng.randrange(256)
    return _attack(bytes(content), "image/jpeg", port)


def bomb(port: int, rng: random.Random, photos: Sequence[bytes]) -> str:
    """Send a small file with 400 million pixels."""
    return _attack(_BOMB, "image/png", port)


def flood(port: int, rng: random.Random, photos: Sequence[bytes]) -> str:
    """Send a body of 30 MB."""
    return _attack(bytes(30_000_000), "image/jpeg", port)


def broken_form(port: int, rng: random.Random, photos: Sequence[bytes]) -> str:
    """Send a form that is none."""
    return _attack(b"--x\r\n" + rng.randbytes(10_000), "multipart/form-data; boundary=x", port)


def hang_up(port: int, rng: random.Random, photos: Sequence[bytes]) -> str:
    """Send half of a body and leave."""
    with socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT) as connection:
        head = b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: image/jpeg\r\nContent-Length: 1000000\r\n\r\n"
        connection.sendall(head + photos[0][:10_000])
        time.sleep(0.05)
    return "left"


ATTACKS = (noise, damaged, bomb, flood, broken_form, hang_up)


def _png_bomb() -> bytes:
    buffer = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(buffer, "PNG")
    return buffer.getvalue()


_BOMB = _png_bomb()


if __name__ == "__main__":
    main()
