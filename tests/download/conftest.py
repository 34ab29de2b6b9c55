import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from download_helpers import FakeKaggle, Handler, Server


@pytest.fixture
def kaggle() -> Iterator[FakeKaggle]:
    """A healthy server with FACES; a test changes what it answers."""
    fake = FakeKaggle()
    handler = type("BoundHandler", (Handler,), {"fake": fake})
    deadline = time.monotonic() + 30  # another run of the tests may hold the port
    while True:
        try:
            server = Server(("localhost", 7777), handler)
            break
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield fake
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment without a login, whose Kaggle is the server above."""
    home = tmp_path / "home"
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if "KAGGLE" not in name and "proxy" not in name.lower()}
    return {**kept, "HOME": str(home), "KAGGLE_API_ENVIRONMENT": "TEST"}
