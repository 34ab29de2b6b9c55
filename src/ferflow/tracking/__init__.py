"""MLflow as a view of what DVC tracks: live runs of trainings, and all that is missing from the disk."""

from ferflow.tracking.content import flatten
from ferflow.tracking.fingerprint import from_lock, of_running_stage
from ferflow.tracking.live import LiveRun, open_live_run
from ferflow.tracking.lock import Lock, read_lock
from ferflow.tracking.store import DEFAULT_URI, Store, check_uri, connect
from ferflow.tracking.sync import SyncReport, publish_champion, sync

__all__ = [
    "DEFAULT_URI",
    "LiveRun",
    "Lock",
    "Store",
    "SyncReport",
    "check_uri",
    "connect",
    "flatten",
    "from_lock",
    "of_running_stage",
    "open_live_run",
    "publish_champion",
    "read_lock",
    "sync",
]
