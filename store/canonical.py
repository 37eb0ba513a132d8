"""Canonical JSON: equal values have equal bytes on every machine, system and Python version."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from itertools import islice
from typing import Any


def canonical_json(value: object) -> bytes:
    """Encode a value as JSON with sorted keys, no spaces, and UTF-8 text.

    Parameters
    ----------
    value : object
        ``dict`` with ``str`` keys, ``list`` or ``tuple``, ``str``, ``int``, finite ``float``, ``bool`` or
        ``None``, nested at will. Subclasses of the scalar types (NumPy scalars, enumerations) are refused,
        because how they print is not theirs to promise.

    Returns
    -------
    bytes
        The same for equal values. A tuple equals a list; ``1`` and ``1.0`` differ.

    Raises
    ------
    TypeError
        A value of another type; the message names where it stands.
    ValueError
        A number that is not finite, text that is not Unicode, or a value that contains itself.

    Examples
    --------
    >>> canonical_json({"b": [1, 2.5, None], "a": "é"})
    b'{"a":"\\xc3\\xa9","b":[1,2.5,null]}'
    """
    _check(value, "value", ())
    return _dump(value)


def digest(value: object) -> str:
    """Return the SHA-256 of a value's canonical JSON, in lower-case hex.

    Examples
    --------
    >>> digest({})
    '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'
    """
    return hashlib.sha256(canonical_json(value)).hexdigest()


def digest_of_json(value: object) -> str:
    """Do as `digest` for what a JSON parser returned, which needs no check but for its depth: RecursionError."""
    return hashlib.sha256(_dump(value)).hexdigest()


def digest_rows(rows: Iterable[str | list[Any]]) -> str:
    """Do as `digest` for a long list, which is never held whole, of texts or of lists of texts, numbers and None."""
    found, every = hashlib.sha256(b"["), iter(rows)
    first = True
    while part := list(islice(every, _PART)):
        found.update((b"" if first else b",") + _dump(part)[1:-1])
        first = False
    found.update(b"]")
    return found.hexdigest()


_DEEPEST = 200
_PART = 4096


def _dump(value: object) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def _check(value: object, where: str, outer: tuple[int, ...]) -> None:
    kind = type(value)
    if value is None or kind is bool:
        return
    if kind is int:
        _check_integer(value, where)
    elif kind is float:
        _check_finite(value, where)
    elif kind is str:
        _check_text(value, where)
    elif isinstance(value, (dict, list, tuple)):
        if id(value) in outer:
            raise ValueError(f"{where} contains itself; canonical JSON needs a tree")
        if len(outer) >= _DEEPEST:
            raise ValueError(f"{where[:80]}... is nested more than {_DEEPEST} levels deep")
        _check_children(value, where, (*outer, id(value)))
    else:
        raise TypeError(
            f"{where} is a {kind.__module__}.{kind.__qualname__}, which has no canonical JSON; "
            "use a dict, list, str, int, float, bool or None"
        )


def _check_children(value: Any, where: str, outer: tuple[int, ...]) -> None:
    if not isinstance(value, dict):
        for position, item in enumerate(value):
            _check(item, f"{where}[{position}]", outer)
        return
    for key, item in value.items():
        if type(key) is not str:
            raise TypeError(f"{where} has the key {key!r} of type {type(key).__name__}; keys must be str")
        _check_text(key, f"a key of {where}")
        _check(item, f"{where}[{key!r}]", outer)


def _check_text(text: Any, where: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError(f"{where} holds {text!r}, which is not valid Unicode text") from None


def _check_finite(number: Any, where: str) -> None:
    if not math.isfinite(number):
        raise ValueError(f"{where} is {number}, which JSON cannot hold; use a finite number")


def _check_integer(number: Any, where: str) -> None:
    if not -(2**63) <= number < 2**64:
        raise ValueError(f"{where} is an integer beyond 64 bits, which few JSON readers keep; use a str")
