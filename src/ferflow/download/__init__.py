"""Stage download: the raw data, as it came, and a receipt for it."""

from ferflow.download.acquire import Receipt, acquire
from ferflow.download.folders import fingerprint

__all__ = ["Receipt", "acquire", "fingerprint"]
