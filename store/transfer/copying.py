"""Copying one output: plan, send what is missing, look at what arrived, publish."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from store.backends.base import Backend
from store.backends.local.file_lock import this_process
from store.errors import CorruptManifest, MissingOutput, StoreError, StoreFull
from store.maintenance.quarantine import replace_published
from store.manifest.checksums import entry_of_object
from store.manifest.family_index import add_to_family
from store.manifest.manifest import encode_manifest, load_manifest, manifest_and_text
from store.manifest.schema import Manifest
from store.paths import lock_path, manifest_path, output_prefix, quarantine_prefix
from store.reading.output import Output
from store.transfer.plan import Transfer, plan_transfer
from store.transfer.reading import ChecksumMismatch
from store.transfer.sending import Progress, ProgressCounter, send
from store.writing.attempts import delete_attempt, is_being_deleted, new_attempt, unmark_being_deleted

if TYPE_CHECKING:
    from store.store import Store


@dataclass(frozen=True)
class CopyResult:
    """What a transfer did.

    Attributes
    ----------
    objects, bytes : int
        Of the output.
    sent : int
        Bytes that had to be sent; of an output that is new at the target perhaps none, where its objects were there.
    there : bool
        The target had the output already.
    differs : Manifest or None
        What the target had already, and keeps, where its objects are others than the source's.
    """

    objects: int
    bytes: int
    sent: int
    there: bool = False
    differs: Manifest | None = None


def copy_output(
    source: Store, target: Store, stage: str, key: str, progress: Progress | None = None, *, replace: bool = False
) -> CopyResult:
    """Copy a published output, every object checked against its manifest on the way.

    Both stores hold equal manifests afterwards, the attempt's name included, unless an attempt of that name is being
    deleted at the target. Several objects are under way at once, large ones in pieces, within
    `store.transfer.sending.IN_FLIGHT` bytes of memory. Killed at any moment it leaves no output at the target but the
    whole one, and the next call sends only what is not there. An output that is replaced at the source meanwhile is
    copied as it is then.

    Parameters
    ----------
    source, target : Store
    stage, key : str
    progress : callable, optional
        Called with the bytes that are at the target and the bytes in all, from any thread, one call at a time.
    replace : bool
        Take the place of what the target has, where that has other objects; it is set aside there.

    Raises
    ------
    MissingOutput
        The source has no such output (any more).
    CorruptObject, CorruptManifest
        A copy is damaged: `url`, `stage`, `key` and `path` say where. Nothing is published.
    DraftLocked
        Another process writes this output at the target now.
    StoreFull
        A folder has less space than is missing, or ran full.
    """
    while True:
        data, manifest = _published(source, stage, key)
        try:
            return _copy(source, target, data, manifest, progress, replace)
        except ChecksumMismatch as error:
            now = source.manifest(stage, key)
            if now is not None and now.attempt == manifest.attempt:
                raise Output(source._root, manifest).damaged(error.expected, error.found) from None


def _copy(
    source: Store, target: Store, data: bytes, manifest: Manifest, progress: Progress | None, replace: bool
) -> CopyResult:
    stage, key = manifest.stage, manifest.key
    report = ProgressCounter(sum(entry.size for entry in manifest.objects), progress)
    if found := _there_already(target, manifest, replace):
        report.add(report.total)
        return found
    target.initialise()
    here, there = source._root, target._root
    prefix = f"{output_prefix(stage, key)}/{manifest.attempt}"
    with there.lock(lock_path(stage, key), f"{stage}/{key} in {target.url}"):
        if found := _there_already(target, manifest, replace):  # since: whoever published it has let go of the lock
            report.add(report.total)
            return found
        before = there.size(manifest_path(stage, key)) is not None
        manifest, data = _placed(there, manifest, data)
        to = f"{output_prefix(stage, key)}/{manifest.attempt}"
        transfer = plan_transfer(manifest, sizes(here, prefix), _trusted(there, manifest, to))
        if transfer.damaged is not None:
            differing = entry_of_object(here, prefix, transfer.damaged.path, transfer.damaged.size)
            if differing == transfer.damaged:
                wrong_size = f"{here.url}/{prefix}/{differing.path} was listed with another size than it has"
                raise StoreError(f"{wrong_size}; run again")
            raise ChecksumMismatch(transfer.damaged, differing)
        report.add(report.total - transfer.bytes)
        _check_space(there, transfer, stage, key)
        send(here, prefix, there, to, transfer.missing, report)
        _check_arrived(there, manifest, to)
        there.sync(f"{to}/{entry.path}" for entry in manifest.objects)
        if before:
            why = f"replaced by another one from {source.url} ({this_process()})"
            replace_published(there, stage, key, data, why)
            add_to_family(there, manifest)
        else:
            _publish(there, manifest, data, to)
    return CopyResult(len(manifest.objects), report.total, transfer.bytes)


def _there_already(target: Store, manifest: Manifest, replace: bool) -> CopyResult | None:
    """Return what a transfer has done where the target has the output; None where it has to be sent."""
    try:
        theirs = target.manifest(manifest.stage, manifest.key)
    except CorruptManifest as error:
        if not replace:
            raise
        target.quarantine(manifest.stage, manifest.key, str(error))
        return None
    if theirs is None or (replace and theirs.objects != manifest.objects):
        return None
    size = sum(entry.size for entry in manifest.objects)
    return CopyResult(len(manifest.objects), size, 0, True, None if theirs.objects == manifest.objects else theirs)


def _placed(root: Backend, manifest: Manifest, data: bytes) -> tuple[Manifest, bytes]:
    """Return the manifest to publish: under another attempt's name where that of the source cannot be used.

    In a bucket that is the one that is being deleted; on a folder, whose lock is held, nobody is at that any more.
    """
    prefix = f"{output_prefix(manifest.stage, manifest.key)}/{manifest.attempt}"
    published = load_manifest(root, manifest.stage, manifest.key)
    taken = published is not None and published.attempt == manifest.attempt
    if is_being_deleted(root, prefix):
        if root.resumable:
            unmark_being_deleted(root, prefix)
        else:
            taken = True
    if not taken:
        return manifest, data
    moved = msgspec.structs.replace(manifest, attempt=new_attempt())
    return moved, encode_manifest(moved)


def _published(source: Store, stage: str, key: str) -> tuple[bytes, Manifest]:
    found = manifest_and_text(source._root, stage, key)
    if found is None:
        path = manifest_path(stage, key)
        raise MissingOutput(f"{source.url}/{path} is not there: nothing to copy. Run the step that makes it")
    return found[1], found[0]


def sizes(root: Backend, prefix: str) -> dict[str, int]:
    """Return the size of every object below an attempt, by its path there."""
    return {each.path.removeprefix(f"{prefix}/"): each.size for each in root.listing(prefix)}


def _trusted(root: Backend, manifest: Manifest, prefix: str) -> dict[str, int]:
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


def _check_space(root: Backend, transfer: Transfer, stage: str, key: str) -> None:
    free = root.free()
    if free is not None and free < transfer.bytes:
        raise StoreFull(
            f"cannot copy {stage}/{key} to {root.url}: {transfer.bytes:,} bytes are missing there and {free:,} are "
            "free. Free some space (or raise the quota) and run again; what has arrived is kept"
        )


def _check_arrived(root: Backend, manifest: Manifest, prefix: str) -> None:
    found = sizes(root, prefix)
    for entry in manifest.objects:
        if found.get(entry.path) != entry.size:
            raise StoreError(
                f"{root.url}/{prefix}/{entry.path} has {found.get(entry.path, 'no')} bytes after {entry.size} were "
                "written; something else changes this store. Run again"
            )


def _publish(root: Backend, manifest: Manifest, data: bytes, prefix: str) -> None:
    if root.create(manifest_path(manifest.stage, manifest.key), data):
        add_to_family(root, manifest)
        return
    first = load_manifest(root, manifest.stage, manifest.key)
    if first is not None and first.attempt != manifest.attempt:
        Output(root, first).verify()
        delete_attempt(root, prefix)
