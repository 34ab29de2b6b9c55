"""Redact credentials in text before it is shown or stored."""

import re

_PATTERNS = (
    (re.compile(r"(https?://[^\s?'\"]+)\?[^\s'\"]+"), r"\1?***"),  # query of an address, which may sign it
    (re.compile(r"//[^/@\s]+@"), "//***@"),  # user and password in an address
    (re.compile(r"\b(Bearer|Basic) +[\w.~+/=-]+", re.IGNORECASE), r"\1 ***"),
)


def redact(text: str) -> str:
    """Return `text` with *** in place of passwords in addresses, query strings and authorization headers.

    >>> redact("postgresql://me:secret@host/db")
    'postgresql://***@host/db'
    """
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text
