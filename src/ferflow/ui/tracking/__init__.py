"""MLflow as a view of what DVC tracks: live runs of trainings, and all that is missing from the disk."""

from ferflow.ui.tracking.content import flatten
from ferflow.ui.tracking.fingerprint import from_lock, of_running_stage
from ferflow.ui.tracking.live import LiveRun, open_live_run
from ferflow.ui.tracking.lock import Lock, read_lock
from ferflow.ui.tracking.store import DEFAULT_URI, Store, check_uri, connect
from ferflow.ui.tracking.sync import SyncReport, publish_champion, sync

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
