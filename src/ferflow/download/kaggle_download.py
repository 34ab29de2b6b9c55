"""Download Kaggle datasets with the official client, and handle each way in which it can fail."""

import email.utils
import math
import re
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ferflow.base.errors import DownloadError
from ferflow.download.kaggle_client import Credentials, Outcome, file_size, run_client

_ATTEMPTS = 5  # runs of the client, for failures that may pass by themselves
_LONGEST_WAIT = 600.0  # seconds; if Kaggle asks for more, the user decides
_FIRST_WAIT = 5.0  # seconds; doubled after each attempt if Kaggle does not say how long to wait
_NO_NETWORK = re.compile(
    r"Failed to resolve '[^']*'|Connection refused|Network is unreachable|No route to host|timed out|"
    r"Unable to connect to proxy|CERTIFICATE_VERIFY_FAILED|Connection aborted|Connection reset by peer"
)
_CORRUPT = "does not match expected size"  # the client's message if the partial file cannot be resumed


@dataclass(frozen=True)
class Fetched:
    """A dataset's archive in the cache.

    Attributes:
        archive: Path of the zip file.
        licence: Licence as Kaggle states it, or None.
    """

    archive: Path
    licence: str | None


def fetch(
    dataset: str,
    cache: Path,
    environment: Mapping[str, str],
    patience: float = 300.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Fetched:
    """Download a dataset, resuming what an earlier run left unfinished.

    Args:
        dataset: owner/name or owner/name/version on Kaggle.
        cache: Folder for unfinished downloads; `forget` removes them.
        environment: Environment variables of the client; a login in them or in the client's files is used.
        patience: Seconds without data after which an attempt counts as interrupted. Defaults to 300 seconds.
        sleep: Function that waits between attempts, given seconds. Defaults to `time.sleep`.

    Raises:
        DownloadError: The dataset could not be downloaded; the message says why and what to do.
        OSError: `cache` cannot be written.
    """
    folder = cache / dataset
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / f"{dataset.split('/')[1]}.zip"
    has_login = Credentials(environment).found
    print(f"downloading {dataset} from kaggle.com", file=sys.stderr, flush=True)
    left = _ATTEMPTS
    while True:
        size_before = file_size(archive)
        outcome = run_client(dataset, folder, environment, patience)
        if outcome.returncode == 0 and archive.is_file():
            return Fetched(archive, outcome.licence)
        left -= 1
        if left == 0 or not (wait := _wait(outcome, _ATTEMPTS - left, archive, size_before)) <= _LONGEST_WAIT:
            raise _error(dataset, archive, outcome, has_login)
        print(f"{_summary(outcome)}; trying again in {wait:.0f} s, attempts left: {left}", file=sys.stderr, flush=True)
        sleep(wait)


def forget(dataset: str, cache: Path) -> None:
    """Remove a dataset's archive from the cache, and the cache itself once it is empty."""
    shutil.rmtree(cache / dataset, ignore_errors=True)
    for folder in (cache / dataset).parents:
        if not folder.is_relative_to(cache) or any(folder.iterdir()):
            break
        folder.rmdir()


def _wait(outcome: Outcome, attempts: int, archive: Path, size_before: int) -> float:
    """Return the seconds until another attempt makes sense, or infinity if it does not.

    A partial file that cannot be resumed is removed.
    """
    wait = _FIRST_WAIT * 2.0 ** (attempts - 1)
    status = outcome.status
    if outcome.disk_full or (status is not None and status < 500 and status != 429):
        return math.inf
    if status is not None:
        return _requested_wait(outcome.retry_after, default=wait)
    if _is_corrupt(outcome):
        archive.unlink(missing_ok=True)
        return 0.0
    return wait if file_size(archive) > size_before else math.inf  # data came, so resuming makes progress


def _error(dataset: str, archive: Path, outcome: Outcome, has_login: bool) -> DownloadError:
    page = f"https://www.kaggle.com/datasets/{dataset}"
    by_hand = f"Or download it in a browser from {page} and pass the file: ARCHIVE=path."
    status, reason, size = outcome.status, _reason(outcome), file_size(archive)
    if outcome.disk_full:
        return DownloadError(
            f"The disk is full: {archive} could not be written. Free some space, or move the project to a larger "
            "disk, then run again to resume the download."
        )
    if status in (401, 403):
        return DownloadError(_login_message(dataset, status, has_login, page, by_hand))
    if status == 404:
        return DownloadError(
            f"Kaggle has no dataset named {dataset!r} (HTTP 404). Check datasets.<name>.source.dataset in params.yaml: "
            "it is the part of the dataset's address after kaggle.com/datasets/."
        )
    if status == 429:
        seconds = _requested_wait(outcome.retry_after, math.nan)
        request = "" if math.isnan(seconds) else f" and asks to wait {seconds:.0f} s"
        return DownloadError(
            f"Too many requests: Kaggle currently refuses to serve {dataset} (HTTP 429){request}. Run again later; "
            f"logged-in users may send more requests. {by_hand}"
        )
    if status is not None and status >= 500:
        return DownloadError(f"Kaggle has a server error (HTTP {status}). Run again later. {by_hand}")
    if size or _is_corrupt(outcome):
        return DownloadError(
            f"The download of {dataset} was interrupted after {size} bytes: {reason}. Run again to resume it; if it "
            f"cannot be resumed, it starts from the beginning. {by_hand}"
        )
    if outcome.stalled or _NO_NETWORK.search(reason):
        return DownloadError(
            f"Kaggle cannot be reached: {reason}. Check the network and, behind a proxy, HTTPS_PROXY and "
            f"REQUESTS_CA_BUNDLE (the proxy's certificate). {by_hand}"
        )
    return DownloadError(f"The kaggle client could not download {dataset}: {reason}. {by_hand}")


def _login_message(dataset: str, status: int | None, has_login: bool, page: str, by_hand: str) -> str:
    create_token = (
        "create a token at https://www.kaggle.com/settings/api and store it in KAGGLE_API_TOKEN or "
        "~/.kaggle/access_token"
    )
    if status == 401 and has_login:
        return (
            f"Kaggle rejects your login (HTTP 401): it is invalid or has expired. To renew it, {create_token}. "
            f"{by_hand}"
        )
    if status == 401:
        return f"Kaggle requires a login for {dataset} (HTTP 401). Log in there, {create_token}. {by_hand}"
    login = "" if has_login else f"; to log FERflow in, {create_token}"
    return (
        f"Kaggle refuses access to {dataset} (HTTP 403): it is private, deleted or misspelled, or you have to accept "
        f"its terms first. Open {page}, log in, and accept its terms{login}. {by_hand}"
    )


def _requested_wait(header: str, default: float) -> float:
    """Return the seconds that a Retry-After header asks for, as a number or a date (RFC 9110, section 10.2.3)."""
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except ValueError:
        return default


def _summary(outcome: Outcome) -> str:
    if outcome.status == 429:
        return "too many requests (HTTP 429)"
    return f"HTTP {outcome.status}" if outcome.status else f"interrupted ({_reason(outcome)})"


def _reason(outcome: Outcome) -> str:
    """Return the most informative part of the client's last output."""
    if outcome.stalled:
        return "no data was received for minutes"
    text = "\n".join(outcome.lines)
    network = _NO_NETWORK.search(text)
    if network:
        return network[0]
    return outcome.lines[-1] if outcome.lines else f"it failed with exit status {outcome.returncode} and no output"


def _is_corrupt(outcome: Outcome) -> bool:
    return any(_CORRUPT in line for line in outcome.lines[-3:])
