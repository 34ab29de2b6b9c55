"""MLflow as a view of what DVC tracks: live runs of trainings, and every result on disk that MLflow lacks."""

from ferflow.ui.tracking.champions import promote, rollback
from ferflow.ui.tracking.dvc_lock import Lock, fingerprint_of_entry, fingerprint_of_running_stage, read_lock
from ferflow.ui.tracking.live_run import LiveRun, open_live_run, selected_names
from ferflow.ui.tracking.live_study import LiveStudy, open_live_study
from ferflow.ui.tracking.store import DEFAULT_URI, Store, check_uri, connect
from ferflow.ui.tracking.sync import publish_champion, sync
from ferflow.ui.tracking.sync_report import SyncReport

__all__ = [
    "DEFAULT_URI",
    "LiveRun",
    "LiveStudy",
    "Lock",
    "Store",
    "SyncReport",
    "check_uri",
    "connect",
    "fingerprint_of_entry",
    "fingerprint_of_running_stage",
    "open_live_run",
    "open_live_study",
    "promote",
    "publish_champion",
    "read_lock",
    "rollback",
    "selected_names",
    "sync",
]
