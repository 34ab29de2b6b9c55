"""Datasets of kaggle.com: had by the official client, with an answer to each way it can fail."""

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
from ferflow.download.budget import disk_errors
from ferflow.download.client import Outcome, run_client
from ferflow.download.scrub import Scrubber

_TRIES = 5  # runs of the client, for what may pass by itself
_LONGEST_WAIT = 600.0  # seconds; who is told to wait longer is told so
_FIRST_WAIT = 5.0  # seconds; doubled each time, where Kaggle does not say
_NO_NETWORK = re.compile(
    r"Failed to resolve '[^']*'|Connection refused|Network is unreachable|No route to host|timed out|"
    r"Unable to connect to proxy|CERTIFICATE_VERIFY_FAILED|Connection aborted|Connection reset by peer"
)
_UNSOUND = "does not match expected size"  # the client: what is there cannot be trusted


@dataclass(frozen=True)
class Fetched:
    """A dataset's archive in the cache.

    Attributes:
        archive: the zip.
        licence: as Kaggle states it, or None.
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
    """Download a dataset; what an earlier run left unfinished is gone on with.

    Args:
        dataset: owner/name or owner/name/version on Kaggle.
        cache: where unfinished downloads live; see `forget`.
        environment: of the client; a login in it or in the client's files is used.
        patience: seconds without a byte after which a try counts as broken.
        sleep: waits between tries.

    Raises:
        DownloadError: with what happened and the way out.
    """
    folder = cache / dataset
    with disk_errors(cache):
        folder.mkdir(parents=True, exist_ok=True)
    archive = folder / f"{dataset.split('/')[1]}.zip"
    has_login = Scrubber(environment).has_login
    print(f"downloading {dataset} from kaggle.com", file=sys.stderr, flush=True)
    left = _TRIES
    while True:
        before = _size(archive)
        outcome = run_client(dataset, folder, environment, patience)
        if outcome.returncode == 0 and archive.is_file():
            return Fetched(archive, outcome.licence)
        left -= 1
        if left == 0 or not (wait := _wait(outcome, _TRIES - left, archive, before)) <= _LONGEST_WAIT:
            raise _error(dataset, archive, outcome, has_login)
        print(f"{_happened(outcome)}; next try in {wait:.0f} s, {left} left", file=sys.stderr, flush=True)
        sleep(wait)


def forget(dataset: str, cache: Path) -> None:
    """Remove a dataset's archive, and the cache when nothing else is in it."""
    shutil.rmtree(cache / dataset, ignore_errors=True)
    for folder in (cache / dataset).parents:
        if not folder.is_relative_to(cache) or any(folder.iterdir()):
            break
        folder.rmdir()


def _wait(outcome: Outcome, tried: int, archive: Path, before: int) -> float:
    """Return the seconds until another try makes sense; infinite where it does not."""
    wait = _FIRST_WAIT * 2.0 ** (tried - 1)
    status = outcome.status
    if outcome.disk_full or (status is not None and status < 500 and status != 429):
        return math.inf
    if status is not None:
        return _told_wait(outcome.retry_after, otherwise=wait)
    if _unsound(outcome):
        archive.unlink(missing_ok=True)
        return 0.0
    return wait if _size(archive) > before else math.inf  # what came is gone on with


def _error(dataset: str, archive: Path, outcome: Outcome, has_login: bool) -> DownloadError:
    page = f"https://www.kaggle.com/datasets/{dataset}"
    by_hand = f"Or download it in a browser from {page} and name the file: ARCHIVE=path."
    status, reason, size = outcome.status, _reason(outcome), _size(archive)
    if outcome.disk_full:
        return DownloadError(
            f"The disk is full: {archive} could not be written. Free some space, or move the project to a larger "
            "disk, and run again; the download goes on where it stopped."
        )
    if status in (401, 403):
        return DownloadError(_refused(dataset, status, has_login, page, by_hand))
    if status == 404:
        return DownloadError(
            f"Kaggle knows no dataset {dataset!r} (HTTP 404). Check datasets.<name>.dataset in params.yaml: it is "
            f"what follows kaggle.com/datasets/ in the address of the dataset's page."
        )
    if status == 429:
        told = _told_wait(outcome.retry_after, math.nan)
        asked = "" if math.isnan(told) else f" and asks to wait {told:.0f} s"
        return DownloadError(
            f"Too many requests: Kaggle does not serve {dataset} at the moment (HTTP 429){asked}. Run again later; "
            f"with a login more requests are allowed. {by_hand}"
        )
    if status is not None and status >= 500:
        return DownloadError(f"Kaggle has trouble of its own (HTTP {status}). Run again later. {by_hand}")
    if size or _unsound(outcome):
        return DownloadError(
            f"The download of {dataset} broke off after {size} bytes: {reason}. Run again: it goes on where it "
            f"stopped, or starts anew where that cannot be. {by_hand}"
        )
    if outcome.stalled or _NO_NETWORK.search(reason):
        return DownloadError(
            f"Kaggle cannot be reached: {reason}. Check the network, and HTTPS_PROXY (or REQUESTS_CA_BUNDLE for its "
            f"certificate) if there is a proxy. {by_hand}"
        )
    return DownloadError(f"The kaggle client could not download {dataset}: {reason}. {by_hand}")


def _refused(dataset: str, status: int | None, has_login: bool, page: str, by_hand: str) -> str:
    token = (
        "make a token at https://www.kaggle.com/settings/api, and put it in KAGGLE_API_TOKEN or ~/.kaggle/access_token"
    )
    if status == 401 and has_login:
        return (
            f"Kaggle does not accept your login (HTTP 401): it is wrong or has run out. To renew it, {token}. {by_hand}"
        )
    if status == 401:
        return f"Kaggle wants a login for {dataset} (HTTP 401). Log in there, {token}. {by_hand}"
    also = "" if has_login else f"; for the program to be logged in, {token}"
    return (
        f"Kaggle refuses {dataset} (HTTP 403): it is private, gone, misspelled, or wants your consent first. Open "
        f"{page}, log in, and accept its terms{also}. {by_hand}"
    )


def _told_wait(header: str, otherwise: float) -> float:
    """Return the seconds of a Retry-After header, which are a number or a date."""
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except ValueError:
        return otherwise


def _happened(outcome: Outcome) -> str:
    if outcome.status == 429:
        return "too many requests (HTTP 429)"
    return f"HTTP {outcome.status}" if outcome.status else f"broke off ({_reason(outcome)})"


def _reason(outcome: Outcome) -> str:
    """Return what is worth telling of the client's last words."""
    if outcome.stalled:
        return "nothing came for minutes"
    text = "\n".join(outcome.lines)
    network = _NO_NETWORK.search(text)
    if network:
        return network[0]
    return outcome.lines[-1] if outcome.lines else f"it ended with status {outcome.returncode} and no word"


def _unsound(outcome: Outcome) -> bool:
    return any(_UNSOUND in line for line in outcome.lines[-3:])


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
