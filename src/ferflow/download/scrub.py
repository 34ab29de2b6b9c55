"""Taking out of a text what a stranger must not read: the user's Kaggle login above all."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

_NAMES = re.compile(r"KAGGLE_\w*(TOKEN|KEY|SECRET|PASSWORD)\w*", re.IGNORECASE)
_FILES = ("kaggle.json", "credentials.json", "access_token", "access_token.txt")
_KEYS = ("key", "token", "access_token", "refresh_token")
_PATTERNS = (
    (re.compile(r"(https?://[^\s?'\"]+)\?[^\s'\"]+"), r"\1?***"),  # signed addresses
    (re.compile(r"//[^/@\s]+@"), "//***@"),  # name and password of a proxy
    (re.compile(r"\b(Bearer|Basic) +[\w.~+/=-]+", re.IGNORECASE), r"\1 ***"),
)


class Scrubber:
    """Removes secrets from text.

    Attributes:
        has_login: whether the user has a Kaggle login of any kind.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Learn the secrets that stand in the environment and in the kaggle client's files."""
        home = Path(environment.get("HOME") or Path.home())
        folders = [home / ".kaggle", Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "kaggle"]
        if environment.get("KAGGLE_CONFIG_DIR"):
            folders.append(Path(environment["KAGGLE_CONFIG_DIR"]))
        found: set[str] = set()
        for name, value in environment.items():
            if _NAMES.fullmatch(name):
                found |= {value, *_secrets_in(Path(value))}  # the client takes a file's path too
        for folder in folders:
            for file in _FILES:
                found |= _secrets_in(folder / file)
        self._secrets = sorted((value for value in found if len(value) > 3), key=len, reverse=True)
        self.has_login = bool(self._secrets)

    def __call__(self, text: str) -> str:
        """Return `text` with *** in place of secrets, signatures of addresses and authorizations."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
        return text


def _secrets_in(path: Path) -> set[str]:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):  # missing, no text, or no path at all
        return set()
    try:
        values = json.loads(text)
    except ValueError:
        return {text}
    return {values[key] for key in _KEYS if isinstance(values.get(key), str)} if isinstance(values, dict) else {text}
