"""Canonical JSON: equal values have equal bytes on every machine, system and Python version."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from itertools import islice
from typing import Any

_MAX_DEPTH = 200
_ROWS = 4096  # that are encoded at a time

# Not RFC 8785 (the `rfc8785` package): that writes 1.0 as 1 and refuses integers above 2**53, and keys that were
# published with this encoding must stay the same.


def canonical_json(value: object) -> bytes:
    """Encode a value as JSON with sorted keys, no spaces, and UTF-8 text.

    Parameters
    ----------
    value : object
        ``dict`` with ``str`` keys, ``list`` or ``tuple``, ``str``, ``int``, finite ``float``, ``bool`` or
        ``None``, nested at will. Subclasses of the scalar types (NumPy scalars, enumerations) are refused,
        because how they print may change with their library.

    Returns
    -------
    bytes
        The same for equal values. A tuple equals a list; ``1`` and ``1.0`` differ.

    Raises
    ------
    TypeError
        A value of another type; the message says where it is.
    ValueError
        A number that is not finite, text that is not Unicode, or a value that contains itself.

    Examples
    --------
    >>> canonical_json({"b": [1, 2.5, None], "a": "é"})
    b'{"a":"\\xc3\\xa9","b":[1,2.5,null]}'
    """
    _check(value, "value", ())
    return _encode(value)


def digest(value: object) -> str:
    """Return the SHA-256 of a value's canonical JSON, in lower-case hex.

    Examples
    --------
    >>> digest({})
    '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'
    """
    return hashlib.sha256(canonical_json(value)).hexdigest()


def digest_of_json(value: object) -> str:
    """Return the `digest` of what a JSON parser returned; nothing but its depth is checked, by a RecursionError."""
    return hashlib.sha256(_encode(value)).hexdigest()


def digest_rows(rows: Iterable[str | list[Any]]) -> str:
    """Return the `digest` of a long list without holding it whole; rows are texts or lists of texts, numbers, None."""
    sha256, remaining = hashlib.sha256(b"["), iter(rows)
    separator = b""
    while part := list(islice(remaining, _ROWS)):
        sha256.update(separator + _encode(part)[1:-1])
        separator = b","
    sha256.update(b"]")
    return sha256.hexdigest()


def _encode(value: object) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def _check(value: Any, where: str, ancestors: tuple[int, ...]) -> None:
    value_type = type(value)
    if value is None or value_type is bool:
        return
    if value_type is int:
        if not -(2**63) <= value < 2**64:
            raise ValueError(f"{where} is an integer beyond 64 bits, which few JSON readers keep; use a str")
    elif value_type is float:
        if not math.isfinite(value):
            raise ValueError(f"{where} is {value}, which JSON cannot hold; use a finite number")
    elif value_type is str:
        _check_text(value, where)
    elif isinstance(value, (dict, list, tuple)):
        if id(value) in ancestors:
            raise ValueError(f"{where} contains itself; canonical JSON needs a tree")
        if len(ancestors) >= _MAX_DEPTH:
            raise ValueError(f"{where[:80]}... is nested more than {_MAX_DEPTH} levels deep")
        _check_items(value, where, (*ancestors, id(value)))
    else:
        raise TypeError(
            f"{where} is a {value_type.__module__}.{value_type.__qualname__}, which has no canonical JSON; "
            "use a dict, list, str, int, float, bool or None"
        )


def _check_items(value: Any, where: str, ancestors: tuple[int, ...]) -> None:
    if not isinstance(value, dict):
        for position, item in enumerate(value):
            _check(item, f"{where}[{position}]", ancestors)
        return
    for key, item in value.items():
        if type(key) is not str:
            raise TypeError(f"{where} has the key {key!r} of type {type(key).__name__}; keys must be str")
        _check_text(key, f"a key of {where}")
        _check(item, f"{where}[{key!r}]", ancestors)


def _check_text(text: str, where: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError(f"{where} holds {text!r}, which is not valid Unicode text") from None
