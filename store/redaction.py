"""Removal of credentials from URLs before they are printed."""

from __future__ import annotations

import re

_WITH_CREDENTIALS = r"([A-Za-z][A-Za-z0-9+.-]*:/+)(\S*)@([^\s@]*)"  # compiled only where a text has an `@`


def redact_secrets(text: str) -> str:
    """Return a text in which everything before the last ``@`` of each URL is replaced by ``***``.

    A secret may contain any character, even ``/``, ``#`` and ``?``: what looks like a host may be a part of it.

    Examples
    --------
    >>> redact_secrets("cannot open s3://key:sec/ret@bucket/prefix")
    'cannot open s3://***@bucket/prefix'
    """
    if "@" not in text:
        return text
    return re.sub(_WITH_CREDENTIALS, lambda match: f"{match[1]}***{_visible_part(match[2], match[3])}", text)


def _visible_part(before: str, after: str) -> str:
    """Return what may be shown of a URL after its credentials: not its parameters, which may be credentials, too."""
    if "?" in before or "#" in before:
        return ""
    location, *parameters = re.split("[?#]", after, maxsplit=1)
    return f"@{location}" + ("?***" if parameters else "")
