"""Verifying outputs against their manifests: everything that differs is reported, not the first difference alone."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from store.backends.base import Backend, IrregularPath
from store.backends.reread import read_again
from store.errors import CorruptManifest, NotPermitted
from store.manifest.checksums import entry_of_object
from store.manifest.manifest import load_manifest
from store.manifest.schema import Manifest, ObjectEntry
from store.manifest.validation import Contradiction, misspelt
from store.paths import is_name, manifest_path, output_prefix

MAX_WORKERS = 4  # objects read at a time, each in pieces of about a MiB
MAX_ASKED = 16  # objects of which the size is asked for at a time; each waits for the network
_BATCH = 1000


@dataclass(frozen=True)
class Mismatch:
    """An object that is not what the manifest lists."""

    path: str  # below the output; `manifest.json` where that itself cannot be used
    expected: str
    found: str


@dataclass(frozen=True)
class VerifyResult:
    """What is known of an output after it was compared with its manifest."""

    stage: str
    key: str
    attempt: str | None  # what its manifest names; None where that cannot be read
    objects: int
    bytes: int
    damage: list[Mismatch] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)  # objects beside those that the manifest lists: nothing reads them
    irregular: list[IrregularPath] = field(default_factory=list)  # by its path in the store
    # A line for each object that was read wrong once, and right the next time: suspect disk, memory or network.
    misread: list[str] = field(default_factory=list)


def verify_output(
    backend: Backend,
    stage: str,
    key: str,
    *,
    deep: bool = True,
    contradiction: Contradiction | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> VerifyResult | None:
    """Compare every object of an output with its manifest; None where nothing is published.

    Parameters
    ----------
    deep : bool
        Read everything and compare SHA-256; else compare sizes, in one listing where there is one.
    contradiction : callable, optional
        Returns what a recipe contradicts.
    progress : callable, optional
        Called with bytes verified and bytes in all.
    """
    misread: list[str] = []
    try:
        manifest, damage = _load_manifest(backend, stage, key, contradiction, misread)
    except CorruptManifest as error:
        return VerifyResult(stage, key, None, 0, 0, [Mismatch("manifest.json", "a manifest", str(error))])
    if manifest is None:
        return None
    prefix = f"{output_prefix(stage, key)}/{manifest.attempt}"
    total = manifest.bytes
    result = VerifyResult(stage, key, manifest.attempt, len(manifest.objects), total, misread=misread)
    sizes = _sizes(backend, prefix, manifest.objects, deep, result.irregular)
    irregular = {each.path.removeprefix(f"{prefix}/"): each.what for each in result.irregular}
    of_right_size: list[ObjectEntry] = []
    for entry in manifest.objects:
        size = sizes.get(entry.path)
        if size == entry.size:
            of_right_size.append(entry)
        else:
            actual = irregular.get(entry.path, "no such object") if size is None else f"{size} bytes"
            damage.append(Mismatch(entry.path, f"{entry.size} bytes", actual))
    if deep:
        damage += _compare_all(backend, prefix, of_right_size, total, progress, misread)
    result.damage.extend(sorted(damage, key=lambda each: each.path))
    result.foreign.extend(sorted(sizes.keys() - {entry.path for entry in manifest.objects}))
    if not damage or _is_still_published(backend, manifest):
        return result
    return verify_output(backend, stage, key, deep=deep, contradiction=contradiction, progress=progress)


def _sizes(
    backend: Backend, prefix: str, entries: list[ObjectEntry], deep: bool, irregular: list[IrregularPath]
) -> dict[str, int]:
    """Return the size of every object below an attempt; of those of the manifest alone where nothing can be listed.

    With `deep` those are taken for right then, since each is read afterwards.
    """
    try:
        return {item.path.removeprefix(f"{prefix}/"): item.size for item in backend.list_objects(prefix, irregular)}
    except NotPermitted:
        if deep:
            return {entry.path: entry.size for entry in entries}
    found: dict[str, int] = {}
    with ThreadPoolExecutor(MAX_ASKED) as threads:
        for start in range(0, len(entries), _BATCH):  # as in `_compare_all`
            batch = entries[start : start + _BATCH]
            sizes = threads.map(lambda entry: backend.size(f"{prefix}/{entry.path}"), batch)
            found |= {entry.path: size for entry, size in zip(batch, sizes, strict=True) if size is not None}
    return found


def _load_manifest(
    backend: Backend, stage: str, key: str, contradiction: Contradiction | None, misread: list[str]
) -> tuple[Manifest | None, list[Mismatch]]:
    """Read a manifest and compare its recipe with its key and inputs: those of earlier versions have no digest."""

    def read() -> Manifest | None:
        manifest = load_manifest(backend, stage, key, misread.append)
        problem = manifest and (
            (contradiction and contradiction(stage, key, manifest.recipe, manifest.inputs))
            or _misspelt_input(backend, manifest)
        )
        if problem:
            raise _Differs(Mismatch("manifest.json", "what its recipe says", problem))
        return manifest

    try:
        return read_again(backend, manifest_path(stage, key), read, _Differs, misread.append), []
    except _Differs as error:
        return load_manifest(backend, stage, key, misread.append), [error.mismatch]


def _misspelt_input(backend: Backend, manifest: Manifest) -> str | None:
    try:
        stages = [stage for stage in backend.list_folders("outputs") if is_name(stage)] if manifest.inputs else []
    except NotPermitted:  # which stages there are is not known
        return None
    absent = [
        key for key in manifest.inputs if all(backend.size(manifest_path(stage, key)) is None for stage in stages)
    ]
    known = (key for stage in stages for key in backend.list_folders(f"outputs/{stage}"))
    return misspelt(absent, known) if absent else None


def _compare_all(
    backend: Backend,
    prefix: str,
    entries: list[ObjectEntry],
    total: int,
    progress: Callable[[int, int], None] | None,
    misread: list[str],
) -> list[Mismatch]:
    damage: list[Mismatch] = []
    done = 0
    pending = iter(entries)
    running: dict[Future[Mismatch | None], ObjectEntry] = {}
    with ThreadPoolExecutor(MAX_WORKERS) as threads:
        while True:
            # A few at a time: a future for each of 250,000 objects would take more memory than their bytes do.
            while len(running) < 2 * MAX_WORKERS and (entry := next(pending, None)) is not None:
                running[threads.submit(_compare, backend, prefix, entry, misread)] = entry
            if not running:
                return damage
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                entry = running.pop(future)
                if mismatch := future.result():
                    damage.append(mismatch)
                done += entry.size
                if progress:
                    progress(done, total)


def _compare(backend: Backend, prefix: str, entry: ObjectEntry, misread: list[str]) -> Mismatch | None:
    """Read an object, and once more where it is not what the manifest lists."""

    def read() -> None:
        actual = entry_of_object(backend, prefix, entry.path, entry.size)
        if actual is None or actual.size != entry.size:
            size = f"{actual.size} bytes" if actual else "no such object"
            raise _Differs(Mismatch(entry.path, f"{entry.size} bytes", size))
        if actual.sha256 != entry.sha256:
            raise _Differs(Mismatch(entry.path, f"SHA-256 {entry.sha256}", f"SHA-256 {actual.sha256}"))

    try:
        read_again(backend, f"{prefix}/{entry.path}", read, _Differs, misread.append)
    except _Differs as error:
        return error.mismatch
    return None


class _Differs(Exception):
    def __init__(self, mismatch: Mismatch) -> None:
        super().__init__(mismatch.path)
        self.mismatch = mismatch


def _is_still_published(backend: Backend, manifest: Manifest) -> bool:
    """Return whether a manifest is still in place: another run may have replaced or deleted the output meanwhile."""
    try:
        current = load_manifest(backend, manifest.stage, manifest.key)
    except CorruptManifest:
        return False
    return current is not None and current.attempt == manifest.attempt
