"""Checking outputs against their manifests, and telling everything that is off, not the first of it alone."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from store.attempts import load_manifest
from store.digests import entry_of_object
from store.errors import CorruptManifest, UnsupportedFormat
from store.manifest import Manifest, ObjectEntry
from store.paths import output_prefix
from store.roots.contract import Root

_AT_ONCE = 4  # objects read at a time, each in pieces of about a MiB


@dataclass(frozen=True)
class Damage:
    """An object that is not what the manifest lists.

    Attributes
    ----------
    path : str
        Below the output; ``manifest.json`` where that itself cannot be used.
    expected, found : str
    """

    path: str
    expected: str
    found: str


@dataclass(frozen=True)
class Checked:
    """What was found of an output.

    Attributes
    ----------
    attempt : str or None
        What its manifest names; None where that cannot be read.
    foreign : list of str
        Objects beside those that the manifest lists: nothing reads them.
    """

    stage: str
    key: str
    attempt: str | None
    objects: int
    bytes: int
    damage: list[Damage] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)


def check_output(
    root: Root, stage: str, key: str, *, deep: bool = True, progress: Callable[[int, int], None] | None = None
) -> Checked | None:
    """Compare every object of an output with its manifest.

    Parameters
    ----------
    root : Root
    stage, key : str
    deep : bool
        Read everything and compare SHA-256; else compare sizes, in one listing.
    progress : callable, optional
        Called with bytes checked and bytes in all.

    Returns
    -------
    Checked or None
        None where nothing is published.
    """
    try:
        manifest = load_manifest(root, stage, key)
    except UnsupportedFormat:
        raise
    except CorruptManifest as error:
        return Checked(stage, key, None, 0, 0, [Damage("manifest.json", "a manifest", str(error))])
    if manifest is None:
        return None
    prefix = f"{output_prefix(stage, key)}/{manifest.attempt}"
    there = {item.path.removeprefix(f"{prefix}/"): item.size for item in root.listing(prefix)}
    total = sum(entry.size for entry in manifest.objects)
    damage: list[Damage] = []
    right: list[ObjectEntry] = []
    for entry in manifest.objects:
        size = there.get(entry.path)
        if size == entry.size:
            right.append(entry)
        else:
            damage.append(
                Damage(entry.path, f"{entry.size} bytes", "no such object" if size is None else f"{size} bytes")
            )
    if deep:
        damage += _read(root, prefix, right, total, progress)
    listed = {entry.path for entry in manifest.objects}
    found = Checked(stage, key, manifest.attempt, len(manifest.objects), total)
    found.damage.extend(sorted(damage, key=lambda each: each.path))
    found.foreign.extend(sorted(there.keys() - listed))
    return found if not found.damage or _same(root, manifest) else check_output(root, stage, key, deep=deep)


def _read(
    root: Root,
    prefix: str,
    entries: list[ObjectEntry],
    total: int,
    progress: Callable[[int, int], None] | None,
) -> list[Damage]:
    damage: list[Damage] = []
    done = 0
    waiting = iter(entries)
    running: dict[Future[ObjectEntry | None], ObjectEntry] = {}
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        while True:
            while len(running) < 2 * _AT_ONCE and (entry := next(waiting, None)) is not None:
                running[threads.submit(entry_of_object, root, prefix, entry.path, entry.size)] = entry
            if not running:
                return damage
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                entry = running.pop(future)
                found = future.result()
                if found != entry:
                    damage.append(_difference(entry, found))
                done += entry.size
                if progress:
                    progress(done, total)


def _difference(entry: ObjectEntry, found: ObjectEntry | None) -> Damage:
    if found is None or found.size != entry.size:
        return Damage(entry.path, f"{entry.size} bytes", f"{found.size} bytes" if found else "no such object")
    return Damage(entry.path, f"SHA-256 {entry.sha256}", f"SHA-256 {found.sha256}")


def _same(root: Root, manifest: Manifest) -> bool:
    """Tell whether the manifest that was checked is still there: else another run has replaced or freed the output."""
    try:
        now = load_manifest(root, manifest.stage, manifest.key)
    except CorruptManifest:
        return False
    return now is not None and now.attempt == manifest.attempt
