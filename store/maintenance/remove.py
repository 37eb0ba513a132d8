"""Deleting an output."""

from __future__ import annotations

from contextlib import suppress

from store.backends.base import Backend
from store.errors import StoreError
from store.manifest.family_index import remove_from_family
from store.manifest.manifest import load_manifest
from store.paths import lock_path, output_prefix
from store.writing.attempts import delete_output


def remove_output(root: Backend, stage: str, key: str) -> None:
    """Delete an output and all attempts at it, its manifest first; DraftLocked where another process writes it."""
    if not root.list_dir(output_prefix(stage, key)):
        return
    with root.lock(lock_path(stage, key), f"{stage}/{key} in {root.url}"):
        with suppress(StoreError):  # a manifest that cannot be read is deleted all the same
            if manifest := load_manifest(root, stage, key):
                remove_from_family(root, manifest)
        delete_output(root, stage, key)
