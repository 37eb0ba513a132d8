"""A JSON object that ends in the SHA-256 of its own text: every byte before that last member.

Of the text, not of the values: it costs one pass over the bytes, whatever is in them, and needs no agreement on how a
number is written.
"""

from __future__ import annotations

import hashlib
import re

MEMBER = "sha256"

_END = re.compile(rb'"sha256"\s*:\s*"([0-9a-f]{64})"\s*\}\s*')


def with_digest(text: bytes) -> bytes:
    """Return a JSON object's text, not an empty one, with the digest as its last member, on a line of its own.

    Examples
    --------
    >>> with_digest(b'{"a": 1}')[:22]
    b'{"a": 1,\\n "sha256": "'
    """
    head = text.rstrip().removesuffix(b"}").rstrip() + b",\n "
    return head + f'"{MEMBER}": "{hashlib.sha256(head).hexdigest()}"\n}}\n'.encode()


def check_digest(data: bytes) -> bool:
    """Return whether a text has a digest in it; ValueError where it is another text than was written."""
    start = data.rfind(f'"{MEMBER}"'.encode())
    end = _END.fullmatch(data, start) if start >= 0 else None
    if end is None:
        return False
    if hashlib.sha256(memoryview(data)[:start]).hexdigest().encode() != end[1]:
        raise ValueError(f"it changed after it was written: its {MEMBER} is not that of its text")
    return True
