"""What is printed of a URL that may carry credentials: nothing of them."""

from __future__ import annotations

import re

_WITH_CREDENTIALS = r"([A-Za-z][A-Za-z0-9+.-]*:/+)(\S*)@([^\s@]*)"  # compiled where there is an `@`


def redact_secrets(text: str) -> str:
    """Return a text without what stands before the last ``@`` of each URL in it.

    A secret may hold any character, ``/``, ``#`` and ``?`` too: what looks like a host may be a part of it.

    Examples
    --------
    >>> redacted("cannot open s3://key:sec/ret@bucket/prefix")
    'cannot open s3://***@bucket/prefix'
    """
    if "@" not in text:
        return text
    return re.sub(_WITH_CREDENTIALS, lambda found: f"{found[1]}***{_told(found[2], found[3])}", text)


def _told(before: str, after: str) -> str:
    """Return what may be said of a URL beyond its scheme: parameters may be credentials, too."""
    if "?" in before or "#" in before:
        return ""
    place, *parameters = re.split("[?#]", after, maxsplit=1)
    return f"@{place}" + ("?***" if parameters else "")
