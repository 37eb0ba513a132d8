"""The types of a stages file's keys, and the conversion that names file, line, key and remedy when one is off."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Any, Literal, TypeVar

import msgspec

from pipeline.stagesfile.document import Document

T = TypeVar("T")


class Experiment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The top level of a stages file; see docs/stages-file.md."""

    store: str = ".store"
    remote: tuple[str, ...] = ()
    source: dict[str, Any] = msgspec.field(default_factory=lambda: {"name": "sample"})
    modalities: tuple[str, ...]
    protocol: str
    seeds: tuple[int, ...] = (0,)
    matrix: dict[str, list[Any]] = {}
    on_bad_recording: Literal["fail", "skip"] = "fail"
    stages: dict[str, dict[str, Any] | None]


def convert(document: Document, key: str, value: Any, kind: type[T]) -> T:
    """Convert plain values to a struct; ConfigError names the line, the key and what is accepted."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        message, at, where = str(error).partition(" - at `$")
        inner = where.rstrip("`").lstrip(".") if at else ""
        inner = inner.replace("[...]", "")
        full = ".".join(part for part in (key, inner) if part)
        unknown = re.search(r"unknown field `([^`]+)`", message)
        if unknown:
            full = ".".join(part for part in (full, unknown[1]) if part)
            fields = _fields_at(kind, inner)
            raise document.error(full, "no such key", did_you_mean(unknown[1], fields)) from None
        remedy = "give a value of that type"
        if "missing required field" in message:
            remedy = "add the key; stages.yaml shows an example"
        raise document.error(full, message[:1].lower() + message[1:], remedy) from None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Say what names there are, the nearest first."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean `{close[0]}`? " if close else ""
    return f"{hint}known: {', '.join(names)}"


def _fields_at(kind: Any, path: str) -> list[str]:
    for part in filter(None, path.split(".")):
        annotations = {field.name: field.type for field in msgspec.structs.fields(kind)}
        kind = annotations.get(part, kind)
    try:
        return [field.encode_name for field in msgspec.structs.fields(kind)]
    except TypeError:
        return []
