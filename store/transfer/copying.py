"""Copying one output: compare both sides, send what is missing, check what arrived, publish."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from store.backends.base import Backend
from store.backends.lock_owner import this_process
from store.errors import CorruptManifest, MissingOutput, NotPermitted, StoreError, StoreFull
from store.maintenance.quarantine import replace_published
from store.manifest.checksums import entry_of_object
from store.manifest.family_index import add_to_family
from store.manifest.manifest import encode_manifest, load_manifest, manifest_and_text
from store.manifest.schema import Manifest
from store.manifest.store_format import write_format
from store.paths import BEING_DELETED, lock_path, manifest_path, output_prefix, quarantine_prefix
from store.reading.output import Output
from store.transfer.reading import ChecksumMismatch
from store.transfer.sending import Progress, ProgressCounter, send
from store.writing.attempts import delete_attempt, has_mark, new_attempt, unmark

if TYPE_CHECKING:
    from store.store import Store


@dataclass(frozen=True)
class CopyResult:
    """What a transfer did."""

    objects: int
    bytes: int
    sent: int  # bytes that had to be sent; 0 also where an earlier transfer had left all objects at the target
    already_present: bool = False  # the target had the output before
    # The manifest that the target had before, and keeps, where its objects differ from the source's.
    differs: Manifest | None = None


def copy_output(
    source: Store, target: Store, stage: str, key: str, progress: Progress | None = None, *, replace: bool = False
) -> CopyResult:
    """Copy a published output; every object is verified against its manifest on the way.

    Both stores hold equal manifests afterwards, the attempt's name included, unless an attempt of that name is being
    deleted at the target. Several objects are sent at a time, large ones in pieces, within
    `store.transfer.sending.IN_FLIGHT` bytes of memory. A transfer that is killed leaves either no output at the target
    or the whole one, and the next call sends only what is missing. An output that is replaced at the source meanwhile
    is copied as it is then.

    Parameters
    ----------
    progress : callable, optional
        Called with the bytes that are at the target and the total, from any thread, never by two at once.
    replace : bool
        Replace the target's output where its objects differ; it is set aside there.

    Raises
    ------
    MissingOutput
        The source has no such output (any more).
    CorruptObject, CorruptManifest
        A copy is damaged: `url`, `stage`, `key` and `path` say where. Nothing is published.
    DraftLocked
        Another process writes this output at the target now.
    StoreFull
        A folder has less space than the missing objects need, or ran full.
    """
    while True:
        published = manifest_and_text(source._root, stage, key)
        if published is None:
            path = manifest_path(stage, key)
            raise MissingOutput(f"{source.url}/{path} is not there: nothing to copy. Run the step that makes it")
        manifest, text = published
        try:
            return _copy(source, target, manifest, text, progress, replace)
        except ChecksumMismatch as error:
            now = source.manifest(stage, key)
            if now is not None and now.attempt == manifest.attempt:
                raise Output(source._root, manifest).checksum_error(error.expected, error.actual) from None


def _copy(
    source: Store, target: Store, manifest: Manifest, text: bytes, progress: Progress | None, replace: bool
) -> CopyResult:
    stage, key = manifest.stage, manifest.key
    counter = ProgressCounter(manifest.bytes, progress)
    if existing := _existing_copy(target, manifest, replace):
        counter.add(counter.total)
        return existing
    origin, destination = source._root, target._root
    write_format(destination)
    prefix = f"{output_prefix(stage, key)}/{manifest.attempt}"
    with destination.lock(lock_path(stage, key), f"{stage}/{key} in {target.url}"):
        # Again, under the lock: another process may have published the output meanwhile.
        if existing := _existing_copy(target, manifest, replace):
            counter.add(counter.total)
            return existing
        is_replacement = destination.size(manifest_path(stage, key)) is not None
        manifest, text = _with_usable_attempt(destination, manifest, text)
        to = f"{output_prefix(stage, key)}/{manifest.attempt}"
        _check_source(origin, manifest, prefix)
        arrived = _arrived_earlier(destination, manifest, to)
        missing = [entry for entry in manifest.objects if arrived.get(entry.path) != entry.size]
        missing.sort(key=lambda entry: -entry.size)  # large ones first, so that the last to end is a small one
        missing_bytes = sum(entry.size for entry in missing)
        counter.add(counter.total - missing_bytes)
        _check_space(destination, missing_bytes, stage, key)
        send(origin, prefix, destination, to, missing, counter)
        _check_arrived(destination, manifest, to)
        destination.sync(f"{to}/{entry.path}" for entry in manifest.objects)
        if is_replacement:
            why = f"replaced by another one from {source.url} ({this_process()})"
            replace_published(destination, stage, key, text, why)
            add_to_family(destination, manifest)
        else:
            _publish(destination, manifest, text, to)
    return CopyResult(len(manifest.objects), counter.total, missing_bytes)


def _existing_copy(target: Store, manifest: Manifest, replace: bool) -> CopyResult | None:
    """Return the result of a transfer where the target keeps the output that it has; None where it has to be sent."""
    try:
        theirs = target.manifest(manifest.stage, manifest.key)
    except CorruptManifest as error:
        if not replace:
            raise
        target.quarantine(manifest.stage, manifest.key, str(error))
        return None
    if theirs is None or (replace and theirs.objects != manifest.objects):
        return None
    size = manifest.bytes
    return CopyResult(len(manifest.objects), size, 0, True, None if theirs.objects == manifest.objects else theirs)


def _with_usable_attempt(backend: Backend, manifest: Manifest, text: bytes) -> tuple[Manifest, bytes]:
    """Return the manifest to publish and its text; it names a new attempt where that of the source cannot be used.

    In a bucket that is an attempt that is being deleted. In a folder, whose lock is held, nobody deletes any more.
    """
    prefix = f"{output_prefix(manifest.stage, manifest.key)}/{manifest.attempt}"
    published = load_manifest(backend, manifest.stage, manifest.key)
    in_use = published is not None and published.attempt == manifest.attempt
    if has_mark(backend, prefix, BEING_DELETED):
        if backend.locks_are_exclusive:
            unmark(backend, prefix, BEING_DELETED)
        else:
            in_use = True
    if not in_use:
        return manifest, text
    renamed = msgspec.structs.replace(manifest, attempt=new_attempt())
    return renamed, encode_manifest(renamed)


def _sizes(backend: Backend, prefix: str) -> dict[str, int]:
    """Return the size of every object below an attempt, by its path there."""
    return {info.path.removeprefix(f"{prefix}/"): info.size for info in backend.list_objects(prefix)}


def _check_source(backend: Backend, manifest: Manifest, prefix: str) -> None:
    """Raise ChecksumMismatch, before anything is sent, where the source's listing contradicts the manifest."""
    try:
        sizes = _sizes(backend, prefix)
    except NotPermitted:  # a source that is read by name alone; each object is compared as it is sent
        return
    suspect = next((entry for entry in manifest.objects if sizes.get(entry.path) != entry.size), None)
    if suspect is None:
        return
    actual = entry_of_object(backend, prefix, suspect.path, suspect.size)
    if actual == suspect:
        where = f"{backend.url}/{prefix}/{suspect.path}"
        raise StoreError(f"{where} was listed with another size than it has; run again")
    raise ChecksumMismatch(suspect, actual)


def _arrived_earlier(backend: Backend, manifest: Manifest, prefix: str) -> dict[str, int]:
    """Return the sizes, by path, of the objects that an earlier transfer left complete at the target.

    In a bucket an object is put as a whole or not at all, its body verified by the service, and only copies of this
    very attempt have its name (a draft never continues under the name of an attempt without a journal). So an equal
    size means equal bytes there; but not once a copy of this attempt was found damaged, which may have been left
    halfway on its way into quarantine. A folder promises none of this after a power loss: there the bytes are read.
    """
    sizes = _sizes(backend, prefix)
    if not backend.locks_are_exclusive:
        damaged = backend.list_dir(quarantine_prefix(manifest.stage, manifest.key))
        return {} if damaged else sizes
    likely = [entry for entry in manifest.objects if sizes.get(entry.path) == entry.size]
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as threads:
        actual = threads.map(lambda entry: entry_of_object(backend, prefix, entry.path, entry.size), likely)
        return {entry.path: entry.size for entry, stored in zip(likely, actual, strict=True) if stored == entry}


def _check_space(backend: Backend, size: int, stage: str, key: str) -> None:
    free = backend.free_bytes()
    if free is not None and free < size:
        raise StoreFull(
            f"cannot copy {stage}/{key} to {backend.url}: {size:,} bytes are missing there and {free:,} are "
            "free. Free some space (or raise the quota) and run again; what has arrived is kept"
        )


def _check_arrived(backend: Backend, manifest: Manifest, prefix: str) -> None:
    sizes = _sizes(backend, prefix)
    for entry in manifest.objects:
        if sizes.get(entry.path) != entry.size:
            raise StoreError(
                f"{backend.url}/{prefix}/{entry.path} has {sizes.get(entry.path, 'no')} bytes after {entry.size} were "
                "written; something else changes this store. Run again"
            )


def _publish(backend: Backend, manifest: Manifest, text: bytes, prefix: str) -> None:
    if backend.put_if_absent(manifest_path(manifest.stage, manifest.key), text):
        add_to_family(backend, manifest)
        return
    # Another process published the output first: keep that one if it is whole, and drop our objects.
    first = load_manifest(backend, manifest.stage, manifest.key)
    if first is not None and first.attempt != manifest.attempt:
        Output(backend, first).verify()
        delete_attempt(backend, prefix)
