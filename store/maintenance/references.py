"""References: JSON under ``refs/`` that names the outputs somebody uses."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from store.backends.base import Backend
from store.canonical import digest, digest_of_json
from store.errors import DraftLocked, StoreError
from store.paths import is_name, ref_lock_path

_LOCK_WAIT_S, _LOCK_PAUSE_S = 30.0, 0.05  # another process holds the lock for moments only


@dataclass(frozen=True)
class Ref:
    """A reference: which outputs somebody uses, and who."""

    name: str
    # From stage and key to the name under which the reference holds the output, such as a step's id.
    outputs: dict[tuple[str, str], str]
    # User and machine, the stages file, and when the reference was last written; empty where not recorded.
    owner: str = ""
    path: str = ""
    written: str = ""

    @property
    def age_s(self) -> float | None:
        """Return how many seconds ago it was written; None where that is not recorded."""
        try:
            return (datetime.now(UTC) - datetime.fromisoformat(self.written)).total_seconds()
        except (ValueError, TypeError):
            return None


def lock_ref(root: Backend, name: str) -> AbstractContextManager[None]:
    """Hold a reference's lock; DraftLocked where another process has held it for half a minute."""
    return lock_soon(root, ref_lock_path(name), f"refs/{name} in {root.url}")


@contextmanager
def lock_soon(root: Backend, path: str, what: str) -> Iterator[None]:
    """Hold a lock that others hold for moments only; DraftLocked where one has held it for half a minute."""
    deadline = time.monotonic() + _LOCK_WAIT_S
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(root.lock(path, what))
                break
            except DraftLocked:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_LOCK_PAUSE_S)
        yield


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


def decode_ref(name: str, data: bytes, url: str) -> Ref:
    """Read a reference: every object in it, at any depth, that has a ``stage`` and a ``key`` names an output.

    StoreError where it is not JSON, or not what was written: which outputs it names is unknown.
    """
    try:
        value = parse_ref(data)
        outputs = dict(_iter_outputs(value, ""))
    except (ValueError, RecursionError) as error:
        raise StoreError(
            f"{url} is no reference: {error}. Which outputs it names is unknown, so nothing is freed. Run that "
            f"experiment again, or drop the reference with `--forget {name}`"
        ) from None
    fields = value if isinstance(value, dict) else {}
    owner = "@".join(filter(None, (_text(fields, "user"), _text(fields, "host"))))
    return Ref(name, outputs, owner, _text(fields, "path") or _text(fields, "stages_file"), _text(fields, "written"))


def _iter_outputs(value: Any, label: str) -> Iterator[tuple[tuple[str, str], str]]:
    if isinstance(value, dict):
        stage, key = value.get("stage"), value.get("key")
        if isinstance(stage, str) and isinstance(key, str) and is_name(stage) and is_name(key):
            yield (stage, key), label if label.isprintable() else ""
        for name, each in value.items():
            yield from _iter_outputs(each, name)
    elif isinstance(value, list):
        for each in value:
            yield from _iter_outputs(each, "")


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) and value.isprintable() else ""
