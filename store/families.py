"""Families: which outputs differ in their raw data alone, so that one of grown data finds the earlier ones.

``families/<stage>/<family>/<key>`` is a small JSON object, written after the manifest. Nothing rests on it: one that is
lost costs only computing again, and one whose output is gone is passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from store.errors import StoreError
from store.manifest import Manifest
from store.paths import check_name, is_name
from store.roots.contract import Root

if TYPE_CHECKING:
    from store.outputs import Output
    from store.store import Store

_AT_ONCE = 8  # marks read at a time; on a bucket each waits for the network
_MARK_BYTES = 1000
_NEWEST = 8  # members of one store that are looked at


class _Mark(msgspec.Struct, frozen=True, order=True):
    created: str = ""
    attempt: str = ""


def family_prefix(stage: str, family: str) -> str:
    """Return the folder of one family's marks."""
    return f"families/{check_name(stage, 'the stage')}/{check_name(family, 'the family')}"


def mark(root: Root, manifest: Manifest) -> None:
    """Note a published output under its family, where its recipe names raw data; the medium's failure is let pass."""
    if "raw" in manifest.recipe:
        with suppress(StoreError):
            root.put(_mark_path(manifest), msgspec.json.encode(_Mark(manifest.created, manifest.attempt)))


def unmark(root: Root, manifest: Manifest) -> None:
    """Take an output that is deleted out of its family; a failure of the medium is let pass."""
    with suppress(StoreError):
        root.delete(_mark_path(manifest))


def members(root: Root, stage: str, family: str) -> list[str]:
    """Return the keys of a family's outputs, the newest first; some may be gone by now."""
    prefix = family_prefix(stage, family)
    keys = [name for name in root.children(prefix) if is_name(name)]
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        marks = threads.map(lambda key: _read(root, f"{prefix}/{key}"), keys)
        return [key for _, key in sorted(zip(marks, keys, strict=True), reverse=True)]


def relatives(stores: Iterable[Store], stage: str, family: str) -> Iterator[Output]:
    """Yield the newest outputs of a family, store by store, each key once; what cannot be read is passed over."""
    seen = set()
    for store in stores:
        keys: list[str] = []
        with suppress(StoreError):
            keys = store.family(stage, family)[:_NEWEST]
        for key in keys:
            if key not in seen:
                with suppress(StoreError):
                    output = store.output(stage, key)
                    seen.add(key)
                    yield output


def _mark_path(manifest: Manifest) -> str:
    return f"{family_prefix(manifest.stage, manifest.family)}/{check_name(manifest.key, 'the key')}"


def _read(root: Root, path: str) -> _Mark:
    try:
        return msgspec.json.decode(root.read(path, 0, _MARK_BYTES), type=_Mark)
    except (FileNotFoundError, StoreError, msgspec.DecodeError, UnicodeDecodeError):
        return _Mark()
