"""The real kaggle client against a server on localhost, as a user would experience it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from download_helpers import FACES, TOKEN, FakeKaggle, Handler, damaged, file_size_limit, status, tree, zip_of

from defaults import section
from ferflow.base.errors import DownloadError
from ferflow.download import Receipt, acquire, fingerprint
from ferflow.download.kaggle_client import Credentials
from ferflow.download.kaggle_download import fetch
from ferflow.settings.datasets import KaggleSource

NAME = "msambare/fer2013"
MEGABYTE = 1 << 20
Get = Callable[..., Receipt]


@pytest.fixture
def get(tmp_path: Path, environment: dict[str, str]) -> Get:
    def acquire_it(dataset: str = NAME, archive: Path | None = None, sha256: str | None = None, **more: str) -> Receipt:
        return acquire(
            "fer2013",
            KaggleSource(kind="kaggle", dataset=dataset, sha256=sha256),
            raw=tmp_path / "data" / "raw",
            cache=tmp_path / "data" / ".download",
            limits=section("unpack"),
            seed=0,
            environment={**environment, **more},
            archive=archive,
        )

    return acquire_it


def left(tmp_path: Path) -> set[str]:
    """Names of the entries of data/."""
    return {path.name for path in (tmp_path / "data").iterdir()} if (tmp_path / "data").exists() else set()


def test_a_public_dataset_comes_without_an_account(kaggle: FakeKaggle, get: Get, tmp_path: Path) -> None:
    receipt = get()
    assert tree(tmp_path / "data" / "raw") == FACES
    assert left(tmp_path) == {"raw"}
    assert kaggle.paths()[:2] == ["GetDatasetMetadata", "DownloadDataset"]
    assert not any("Authorization" in headers for _, headers, _ in kaggle.asked)
    (tmp_path / "fer2013.zip").write_bytes(kaggle.archive)
    assert receipt == Receipt(
        dataset="fer2013",
        source="kaggle",
        origin=NAME,
        sha256=fingerprint(tmp_path / "fer2013.zip"),
        licence="CC0-1.0",
        files=len(FACES),
        bytes=sum(map(len, FACES.values())),
    )
    by_hand = get(archive=tmp_path / "fer2013.zip")
    assert tree(tmp_path / "data" / "raw") == FACES
    assert (by_hand.source, by_hand.sha256, by_hand.licence) == ("archive", receipt.sha256, None)


def test_a_version_is_requested_and_reported(kaggle: FakeKaggle, get: Get) -> None:
    assert get(f"{NAME}/3").origin == f"{NAME}/3"
    body = next(body for path, _, body in kaggle.asked if path.endswith("DownloadDataset"))
    assert json.loads(body)["datasetVersionNumber"] == 3


def test_a_token_is_used_and_never_shown(
    kaggle: FakeKaggle, get: Get, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    echo = json.dumps({"code": 400, "message": f"no such thing as {TOKEN}"}).encode()
    kaggle.replies["DownloadDataset"] = [status(400, {"Content-Type": "application/json"}, echo)]
    with pytest.raises(DownloadError, match=r"no such thing as \*\*\*") as caught:
        get(KAGGLE_API_TOKEN=TOKEN, VERBOSE="1")
    assert kaggle.headers("DownloadDataset")[0]["Authorization"] == f"Bearer {TOKEN}"
    shown = "".join(capfd.readouterr()) + str(caught.value)
    written = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert TOKEN not in shown
    assert TOKEN.encode() not in written


def test_a_kaggle_json_is_used(kaggle: FakeKaggle, get: Get, environment: dict[str, str]) -> None:
    folder = Path(environment["HOME"]) / ".kaggle"
    folder.mkdir()
    (folder / "kaggle.json").write_text(json.dumps({"username": "someone", "key": "0123456789abcdef"}))
    get()
    assert kaggle.headers("DownloadDataset")[0]["Authorization"].startswith("Basic ")
    assert Credentials(environment).redacted("key 0123456789abcdef") == "key ***"


@pytest.mark.parametrize(
    ("code", "token", "said"),
    [
        (401, "", r"requires a login for .*kaggle\.com/settings/api.*KAGGLE_API_TOKEN.*ARCHIVE="),
        (401, TOKEN, r"rejects your login .*invalid or has expired.*renew"),
        (
            403,
            "",
            r"private, deleted or misspelled.*accept its terms first.*datasets/msambare/fer2013.*accept its terms",
        ),
        (404, "", r"has no dataset named 'msambare/fer2013'.*datasets\.<name>\.source\.dataset in params\.yaml"),
    ],
)
def test_a_refusal_of_kaggle_is_reported_with_the_remedy(
    kaggle: FakeKaggle, get: Get, tmp_path: Path, code: int, token: str, said: str
) -> None:
    kaggle.replies["GetDatasetMetadata"] = [status(code)]
    with pytest.raises(DownloadError, match=said):
        get(**({"KAGGLE_API_TOKEN": token} if token else {}))
    assert kaggle.paths().count("GetDatasetMetadata") == 1
    assert "raw" not in left(tmp_path)


def test_too_many_requests_and_server_errors_are_retried_as_requested(
    kaggle: FakeKaggle, tmp_path: Path, environment: dict[str, str]
) -> None:
    kaggle.replies["DownloadDataset"] = [status(429, {"Retry-After": "7"}), status(503)]
    waits: list[float] = []
    fetched = fetch(NAME, tmp_path, environment, sleep=waits.append)
    assert waits == [7.0, 10.0]
    assert fetched.archive.read_bytes() == kaggle.archive


def test_a_wait_that_is_too_long_is_left_to_the_user(kaggle: FakeKaggle, get: Get) -> None:
    kaggle.replies["DownloadDataset"] = [status(429, {"Retry-After": "7200"})]
    with pytest.raises(DownloadError, match=r"Too many requests: .*wait 7200 s"):
        get()


def test_a_missing_network_is_reported(get: Get) -> None:
    with pytest.raises(DownloadError, match=r"cannot be reached: Connection refused.*HTTPS_PROXY.*ARCHIVE="):
        get()  # nothing listens on the port


def stall_after(size: int) -> Callable[[Handler], None]:
    def reply(handler: Handler) -> None:
        handler.send_archive(cut=size)
        handler.wfile.flush()
        time.sleep(60)

    return reply


def big_archive() -> bytes:
    noise = b"".join(os.urandom(MEGABYTE) for _ in range(3))
    return zip_of({**FACES, "train/angry/noise.jpg": noise})


def test_an_interrupted_download_is_resumed(
    kaggle: FakeKaggle, tmp_path: Path, environment: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    start = time.monotonic()
    fetch(NAME, tmp_path / "measured", environment)
    patience = 3 + 3 * (time.monotonic() - start)  # enough for the client to start, however busy the machine is
    kaggle.archive = big_archive()
    kaggle.replies["bundle.zip"] = [stall_after(2 * MEGABYTE)]
    kaggle.asked.clear()
    fetched = fetch(NAME, tmp_path / "cache", environment, patience, sleep=lambda _: None)
    assert fetched.archive.read_bytes() == kaggle.archive
    # The client asks for the size first, and then for what it lacks.
    assert ranges(kaggle) == [None, None, f"bytes={2 * MEGABYTE}-"]
    assert "interrupted (no data was received for minutes)" in capfd.readouterr().err


def test_a_silent_server_is_reported(kaggle: FakeKaggle, tmp_path: Path, environment: dict[str, str]) -> None:
    kaggle.replies["GetDatasetMetadata"] = [lambda _: time.sleep(60)]
    with pytest.raises(DownloadError, match="cannot be reached: no data was received"):
        fetch(NAME, tmp_path, environment, patience=3)


def ranges(kaggle: FakeKaggle) -> list[str | None]:
    return [headers.get("Range") for path, headers, _ in kaggle.asked if "bundle.zip" in path]


def test_a_corrupt_download_is_discarded_and_repeated(kaggle: FakeKaggle, get: Get, tmp_path: Path) -> None:
    kaggle.replies["bundle.zip"] = [damaged]
    get()
    assert tree(tmp_path / "data" / "raw") == FACES
    assert left(tmp_path) == {"raw"}


def test_a_wrong_checksum_is_reported_and_the_archive_not_kept(kaggle: FakeKaggle, get: Get, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="Wrong checksum"):
        get(sha256="0" * 64)
    assert left(tmp_path) == set()
    assert kaggle.paths().count("DownloadDataset") == 2  # in case the first was damaged on the way


def test_a_full_disk_is_reported_at_once(kaggle: FakeKaggle, get: Get, tmp_path: Path) -> None:
    kaggle.archive = big_archive()
    with file_size_limit(MEGABYTE), pytest.raises(DownloadError, match=r"disk is full.*resume the download"):
        get()
    assert ranges(kaggle) == [None]  # the client alone would retry for a minute
    get()
    assert len(tree(tmp_path / "data" / "raw")) == len(FACES) + 1


def test_a_killed_download_leaves_no_client_and_is_resumed(
    kaggle: FakeKaggle, get: Get, tmp_path: Path, environment: dict[str, str]
) -> None:
    kaggle.archive = big_archive()
    kaggle.replies["bundle.zip"] = [stall_after(2 * MEGABYTE)]
    cache = tmp_path / "data" / ".download"
    code = (
        "import os; from pathlib import Path; from ferflow.download.kaggle_download import fetch;"
        f"fetch({NAME!r}, Path({str(cache)!r}), os.environ)"
    )
    run = subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.DEVNULL)
    partial = cache / NAME / "fer2013.zip"
    try:
        wait_for(lambda: partial.exists() and partial.stat().st_size == 2 * MEGABYTE)
        clients = children_of(run.pid)
        assert len(clients) == 1
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait()
    wait_for(lambda: not Path(f"/proc/{clients[0]}").exists())
    get()
    assert ranges(kaggle)[-1] == f"bytes={2 * MEGABYTE}-"
    assert len(tree(tmp_path / "data" / "raw")) == len(FACES) + 1
    assert left(tmp_path) == {"raw"}


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_for(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.1)


def test_credentials_are_found_everywhere_and_redacted(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for path, text in {
        ".kaggle/access_token": "token-in-a-file\n",
        ".config/kaggle/kaggle.json": '{"username": "someone", "key": "key-in-json"}',
        ".kaggle/credentials.json": '{"refresh_token": "refresh-me", "username": "someone"}',
        "elsewhere/token": "token-elsewhere",
    }.items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(text)
    variables = {"HOME": str(home), "KAGGLE_KEY": "key-in-env", "KAGGLE_API_TOKEN": str(home / "elsewhere/token")}
    credentials = Credentials(variables)
    scrub = credentials.redacted
    text = "token-in-a-file key-in-json refresh-me token-elsewhere key-in-env someone"
    assert scrub(text) == "*** *** *** *** *** someone"
    assert scrub("Authorization: Basic c29tZW9uZTprZXk=") == "Authorization: Basic ***"
    assert (
        scrub("for url: https://storage.example/x.zip?X-Sig=5163d0&y=1") == "for url: https://storage.example/x.zip?***"
    )
    assert scrub("proxy http://me:secret@proxy:3128/") == "proxy http://***@proxy:3128/"
    assert credentials.found
    assert not Credentials({"HOME": str(tmp_path / "nobody")}).found
