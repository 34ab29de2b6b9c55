"""Stage download: obtain the raw data unchanged, and write a receipt for it."""

from ferflow.download.acquire import acquire
from ferflow.download.folders import fingerprint
from ferflow.download.receipt import Receipt

__all__ = ["Receipt", "acquire", "fingerprint"]
