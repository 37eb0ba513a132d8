"""Removal of credentials from URLs before they are printed."""

from __future__ import annotations

import re

# An `@` of these stands before a revision, as `store.backends.web.addresses` reads them.
_DATASET = r"(?<![^\s,;'\"`(\[=])(hf://datasets/[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)@(?=[\w.%-])"
_WITH_CREDENTIALS = r"([A-Za-z][A-Za-z0-9+.-]*:/+)(\S*)@([^\s@]*)"  # compiled only where a text has an `@`


def redact_secrets(text: str) -> str:
    """Return a text in which everything before the last ``@`` of each URL is replaced by ``***``.

    A secret may contain any character, even ``/``, ``#`` and ``?``: what looks like a host may be a part of it.

    Examples
    --------
    >>> redact_secrets("cannot open s3://key:sec/ret@bucket/prefix")
    'cannot open s3://***@bucket/prefix'
    >>> redact_secrets("hf://datasets/owner/name@main")
    'hf://datasets/owner/name@main'
    """
    if "@" not in text:
        return text
    kept = re.sub(_DATASET, "\\1\0", text)
    shown = re.sub(_WITH_CREDENTIALS, lambda match: f"{match[1]}***{_visible_part(match[2], match[3])}", kept)
    return shown.replace("\0", "@")


def _visible_part(before: str, after: str) -> str:
    """Return what may be shown of a URL after its credentials: not its parameters, which may be credentials, too."""
    if "?" in before or "#" in before:
        return ""
    location, *parameters = re.split("[?#]", after, maxsplit=1)
    return f"@{location}" + ("?***" if parameters else "")
