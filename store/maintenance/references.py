"""References: JSON under ``refs/`` that names the outputs somebody uses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from store.canonical import digest, digest_of_json
from store.errors import StoreError
from store.paths import is_name


@dataclass(frozen=True)
class Ref:
    """Who uses what.

    Attributes
    ----------
    name : str
    outputs : dict of (str, str) to str
        Stage and key of each, and what it is called there: the name under which the reference holds it.
    owner, path, written : str
        User and machine, what they used it from, and when they last said so; empty where it does not say.
    """

    name: str
    outputs: dict[tuple[str, str], str]
    owner: str = ""
    path: str = ""
    written: str = ""

    @property
    def age_s(self) -> float | None:
        """Return how long ago it was written, where it says."""
        try:
            return (datetime.now(UTC) - datetime.fromisoformat(self.written)).total_seconds()
        except (ValueError, TypeError):
            return None


def encode_ref(value: dict[str, Any]) -> bytes:
    """Write a reference with the digest of all of it, so that a damaged one frees nothing."""
    return msgspec.json.encode({**value, "sha256": digest(value)}, order="sorted")


def parse_ref(data: bytes) -> Any:
    """Return what a reference says; ValueError where it is not JSON, or not what `encode_ref` wrote."""
    value = msgspec.json.decode(data)
    if isinstance(value, dict) and "sha256" in value:
        expected = value.pop("sha256")
        if digest_of_json(value) != expected:
            raise ValueError("it changed after it was written")
    return value


def decode_ref(name: str, data: bytes, where: str) -> Ref:
    """Read a reference: every object in it, at any depth, that has a ``stage`` and a ``key`` names an output.

    Raises
    ------
    StoreError
        It is not JSON, or not what was written: what it names cannot be told.
    """
    try:
        value = parse_ref(data)
        outputs = dict(_iter_outputs(value, ""))
    except (ValueError, RecursionError) as error:
        raise StoreError(
            f"{where} is no reference: {error}. What it names cannot be told, so nothing is freed. Run that experiment "
            f"again, or drop the reference with `--forget {name}`"
        ) from None
    told = value if isinstance(value, dict) else {}
    who = "@".join(text for text in (_text(told, "user"), _text(told, "host")) if text)
    return Ref(name, outputs, who, _text(told, "path") or _text(told, "stages_file"), _text(told, "written"))


def _iter_outputs(value: Any, called: str) -> Iterator[tuple[tuple[str, str], str]]:
    if isinstance(value, dict):
        stage, key = value.get("stage"), value.get("key")
        if isinstance(stage, str) and isinstance(key, str) and is_name(stage) and is_name(key):
            yield (stage, key), called if called.isprintable() else ""
        for name, each in value.items():
            yield from _iter_outputs(each, name)
    elif isinstance(value, list):
        for each in value:
            yield from _iter_outputs(each, "")


def _text(told: dict[str, Any], field: str) -> str:
    value = told.get(field)
    return value if isinstance(value, str) and value.isprintable() else ""
