"""Outputs of one key with other objects: here and in a remote.

A key says what an output was made of, and not which bytes came of it: another GPU gives features that differ in the
last bit and are as good. So that two differ is told, and nothing is done about it before somebody says which to keep.
"""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from store.errors import Corrupt, StoreError, UnsafePath, UnsupportedFormat

if TYPE_CHECKING:
    from store.manifest.schema import Manifest
    from store.paths import OutputName
    from store.remotes import StoreChain
    from store.store import Store

_AT_ONCE = 16  # manifests; each waits for the network


@dataclass(frozen=True)
class DifferingOutput:
    """An output of a remote that has other objects than the one of its key here."""

    url: str
    theirs: Manifest


def find_differing(chain: StoreChain, names: Collection[OutputName]) -> dict[OutputName, DifferingOutput]:
    """Compare outputs that are here with those of the first remote that has each: the digests of their objects.

    Those that cannot be read, here or there, are left out: using them tells of that. A remote that is away is told of
    in `StoreChain.failures`.
    """
    found: dict[OutputName, DifferingOutput] = {}
    if not names:
        return found
    missing = set(names)
    with ThreadPoolExecutor(min(_AT_ONCE, len(missing))) as threads:
        mine = dict(zip(names, threads.map(lambda name: _manifest(chain.local, name), names), strict=True))
        for url, remote in chain.remotes().items():
            asked = [name for name in names if name in missing and mine[name] is not None]
            try:
                theirs = list(threads.map(lambda name, remote=remote: _manifest(remote, name), asked))
            except StoreError as error:
                chain.failures[url] = str(error)
                continue
            for name, manifest in zip(asked, theirs, strict=True):
                ours = mine[name]
                if manifest is not None and ours is not None:
                    missing.discard(name)
                    if manifest.objects != ours.objects:
                        found[name] = DifferingOutput(remote.url, manifest)
    return found


def _manifest(store: Store, name: OutputName) -> Manifest | None:
    try:
        return store.manifest(*name)
    except (Corrupt, UnsafePath, UnsupportedFormat):
        return None
