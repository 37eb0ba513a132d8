"""Copying one output: plan, send what is missing, look at what arrived, publish."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from store.attempts import drop_attempt, load_manifest, manifest_and_text
from store.digests import entry_of_object
from store.errors import MissingOutput, StoreError, StoreFull
from store.families import mark
from store.manifest import Manifest
from store.outputs import Output
from store.paths import lock_path, manifest_path, output_prefix, quarantine_prefix
from store.roots.contract import Root
from store.transfer.plan import Transfer, plan_transfer
from store.transfer.reading import Differs
from store.transfer.sending import Progress, Report, send

if TYPE_CHECKING:
    from store.store import Store


@dataclass(frozen=True)
class Copied:
    """What a transfer did.

    Attributes
    ----------
    objects, bytes : int
        Of the output.
    sent : int
        Bytes that had to be sent; 0 where the target had the output already.
    """

    objects: int
    bytes: int
    sent: int


def copy_output(source: Store, target: Store, stage: str, key: str, progress: Progress | None = None) -> Copied:
    """Copy a published output, every object checked against its manifest on the way.

    Both stores hold equal manifests afterwards, the attempt's name included. Several objects are under way at
    once, large ones in pieces, within `store.transfer.sending.IN_FLIGHT` bytes of memory. Killed at any moment it
    leaves no output at the target but the whole one, and the next call sends only what is not there.

    Parameters
    ----------
    source, target : Store
    stage, key : str
    progress : callable, optional
        Called with the bytes that are at the target and the bytes in all, from any thread, one call at a time.

    Raises
    ------
    MissingOutput
        The source has no such output.
    CorruptObject, CorruptManifest
        The source's copy is damaged: `url`, `stage`, `key` and `path` say where. Nothing is published.
    DraftLocked
        Another process writes this output at the target now.
    StoreFull
        A folder has less space than is missing, or ran full.
    """
    data, manifest = _published(source, stage, key)
    report = Report(sum(entry.size for entry in manifest.objects), progress)
    there_already = Copied(len(manifest.objects), report.total, 0)
    if target.has(stage, key):
        report.add(report.total)
        return there_already
    target.begin()
    here, there = source._root, target._root
    prefix = f"{output_prefix(stage, key)}/{manifest.attempt}"
    with there.lock(lock_path(stage, key), f"{stage}/{key} in {target.url}"):
        if target.has(stage, key):  # since we looked: whoever published it has let go of the lock
            report.add(report.total)
            return there_already
        transfer = plan_transfer(manifest, sizes(here, prefix), _trusted(there, manifest, prefix))
        try:
            if transfer.damaged is not None:
                found = entry_of_object(here, prefix, transfer.damaged.path, transfer.damaged.size)
                if found == transfer.damaged:
                    raise StoreError(
                        f"{here.url}/{prefix}/{found.path} was listed with another size than it has; run again"
                    )
                raise Differs(transfer.damaged, found)
            report.add(report.total - transfer.bytes)
            _check_space(there, transfer, stage, key)
            send(here, there, prefix, transfer.missing, report)
        except Differs as error:
            raise Output(here, manifest).damaged(error.expected, error.found) from None
        _check_arrived(there, manifest, prefix)
        there.sync(f"{prefix}/{entry.path}" for entry in manifest.objects)
        _publish(there, manifest, data, prefix)
    return Copied(len(manifest.objects), report.total, transfer.bytes)


def _published(source: Store, stage: str, key: str) -> tuple[bytes, Manifest]:
    found = manifest_and_text(source._root, stage, key)
    if found is None:
        path = manifest_path(stage, key)
        raise MissingOutput(f"{source.url}/{path} is not there: nothing to copy. Run the step that makes it")
    return found[1], found[0]


def sizes(root: Root, prefix: str) -> dict[str, int]:
    """Return the size of every object below an attempt, by its path there."""
    return {each.path.removeprefix(f"{prefix}/"): each.size for each in root.listing(prefix)}


def _trusted(root: Root, manifest: Manifest, prefix: str) -> dict[str, int]:
    """Return the size of what an earlier transfer left whole at the target.

    In a bucket an object is put as a whole or not at all, its body checked by the service, and only copies of this
    very attempt have its name (a draft never goes on under the name of one that nobody journalled). So an equal size
    means equal bytes; but not once a copy of this attempt was found damaged there, which may have been left halfway
    on its way into quarantine. A folder promises none of this after a loss of power: there the bytes are read.
    """
    found = sizes(root, prefix)
    if not root.resumable:
        damaged = root.children(quarantine_prefix(manifest.stage, manifest.key))
        return {} if damaged else found
    likely = [entry for entry in manifest.objects if found.get(entry.path) == entry.size]
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as threads:
        read = threads.map(lambda entry: entry_of_object(root, prefix, entry.path, entry.size), likely)
        return {entry.path: entry.size for entry, again in zip(likely, read, strict=True) if again == entry}


def _check_space(root: Root, transfer: Transfer, stage: str, key: str) -> None:
    free = root.free()
    if free is not None and free < transfer.bytes:
        raise StoreFull(
            f"cannot copy {stage}/{key} to {root.url}: {transfer.bytes:,} bytes are missing there and {free:,} are "
            "free. Free some space (or raise the quota) and run again; what has arrived is kept"
        )


def _check_arrived(root: Root, manifest: Manifest, prefix: str) -> None:
    found = sizes(root, prefix)
    for entry in manifest.objects:
        if found.get(entry.path) != entry.size:
            raise StoreError(
                f"{root.url}/{prefix}/{entry.path} has {found.get(entry.path, 'no')} bytes after {entry.size} were "
                "written; something else changes this store. Run again"
            )


def _publish(root: Root, manifest: Manifest, data: bytes, prefix: str) -> None:
    if root.create(manifest_path(manifest.stage, manifest.key), data):
        mark(root, manifest)
        return
    first = load_manifest(root, manifest.stage, manifest.key)
    if first is not None and first.attempt != manifest.attempt:
        Output(root, first).verify()
        drop_attempt(root, prefix)
