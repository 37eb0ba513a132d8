"""Outputs that have the same key here and in a remote, but other objects.

A key identifies what an output was made from, not the bytes that resulted: on another GPU, features differ in the last
bit and are equally valid. So a difference is only reported, and nothing is replaced until the user chooses.
"""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from store.errors import Corrupt, UnsafePath, UnsupportedFormat
from store.remotes import MAX_WORKERS, StoreChain

if TYPE_CHECKING:
    from store.manifest.schema import Manifest
    from store.paths import OutputName
    from store.store import Store


@dataclass(frozen=True)
class DifferingOutput:
    """An output of a remote whose objects differ from those of the output with the same key here."""

    url: str
    theirs: Manifest


def find_differing(chain: StoreChain, names: Collection[OutputName]) -> dict[OutputName, DifferingOutput]:
    """Compare outputs that are here with those of the first remote that has each, by the digests of their objects.

    Those that cannot be read, here or there, are left out: whoever uses them gets the error. A remote that cannot be
    reached is recorded in `StoreChain.failures`.
    """
    if not names:
        return {}
    with ThreadPoolExecutor(min(MAX_WORKERS, len(names))) as threads:
        manifests = zip(names, threads.map(lambda name: _manifest(chain.local, name), names), strict=True)
        ours = {name: manifest for name, manifest in manifests if manifest is not None}
    return {
        name: DifferingOutput(remote.url, theirs)
        for _, remote, name, theirs in chain.first_answers(_manifest, ours)
        if theirs.objects != ours[name].objects
    }


def _manifest(store: Store, name: OutputName) -> Manifest | None:
    try:
        return store.manifest(*name)
    except (Corrupt, UnsafePath, UnsupportedFormat):
        return None
