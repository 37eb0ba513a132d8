"""The index of families: which outputs differ in their raw data alone, so that one of grown data finds earlier ones.

``families/<stage>/<family>/<key>`` is a small JSON object, written after the manifest. No output depends on it: where
one is lost, rows are computed again that could have been copied, and one whose output is gone is passed over.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import msgspec

from store.backends.base import Backend
from store.errors import StoreError
from store.manifest.schema import Manifest
from store.paths import check_name, is_name

MAX_WORKERS = 8  # on a bucket each waits for the network
_ENTRY_BYTES = 1000


class _FamilyEntry(msgspec.Struct, frozen=True, order=True):
    created: str = ""
    attempt: str = ""


def family_prefix(stage: str, family: str) -> str:
    """Return the folder of one family's entries."""
    return f"families/{check_name(stage, 'the stage')}/{check_name(family, 'the family')}"


def add_to_family(backend: Backend, manifest: Manifest) -> None:
    """Add a published output to its family, where its recipe names raw data; a failure of the medium is ignored."""
    if "raw" in manifest.recipe:
        with suppress(StoreError):
            path = f"{family_prefix(manifest.stage, manifest.family)}/{check_name(manifest.key, 'the key')}"
            backend.put(path, msgspec.json.encode(_FamilyEntry(manifest.created, manifest.attempt)))


def family_keys(backend: Backend, stage: str, family: str) -> list[str]:
    """Return the keys of a family's outputs, the newest first; some may be gone by now."""
    prefix = family_prefix(stage, family)
    keys = [name for name in backend.list_dir(prefix) if is_name(name)]
    with ThreadPoolExecutor(MAX_WORKERS) as threads:
        entries = threads.map(lambda key: _read(backend, f"{prefix}/{key}"), keys)
        return [key for _, key in sorted(zip(entries, keys, strict=True), reverse=True)]


def _read(backend: Backend, path: str) -> _FamilyEntry:
    try:
        return msgspec.json.decode(backend.read(path, 0, _ENTRY_BYTES), type=_FamilyEntry)
    except (FileNotFoundError, StoreError, msgspec.DecodeError, UnicodeDecodeError):
        return _FamilyEntry()
