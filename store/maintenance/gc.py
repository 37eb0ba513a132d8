"""Freeing what nobody uses, beside steps that run.

A user first names an output in a reference, then looks whether it is there. Garbage collection first deletes the
manifest, then reads the references again, and puts the manifest back if the output is named by now. So in whatever
order the two come, either the output stays whole or its user finds it missing in time.

In a bucket a collection may be suspended between that reading and the deletion until its lease is taken over. So it
marks, before the reading, which attempts it is about to delete, and deletes those and nothing else. Whoever makes the
output again finds the marks, since they are older than that user's reference, and writes another attempt.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import groupby

from store.backends.base import Backend, IrregularPath
from store.errors import DraftLocked, IrregularFile, StoreError
from store.maintenance.garbage import GarbageItem, find_garbage
from store.maintenance.inventory import Folder, Inventory, folder_of
from store.maintenance.lineage import Lineage
from store.maintenance.references import Ref, decode_ref
from store.manifest.limits import REF_BYTES, read_bounded
from store.manifest.validation import Contradiction
from store.paths import BEING_DELETED, JOURNAL, SCRATCH, OutputName, is_name, lock_path, manifest_path, output_prefix
from store.writing.attempts import delete_attempt, delete_remains, mark, unmark

_MAX_WORKERS = 8  # outputs freed at a time; each waits for the disk or the network


class GarbageCollection:
    """What of a store can be freed (`garbage`), and the freeing of it; made by `Store.garbage_collection`."""

    def __init__(
        self,
        root: Backend,
        inventory: Inventory,
        grace_s: float,
        now: float,
        drop_refs: Collection[str] = (),
        contradiction: Contradiction | None = None,
    ) -> None:
        self.inventory, self.grace_s, self.now, self.drop_refs = inventory, grace_s, now, drop_refs
        self.refs: dict[str, Ref] = {}  # but for those to drop
        published = inventory.published
        self._root = root
        self._lock = threading.Lock()
        self._ref_versions: dict[str, str] | None = None
        self._named: set[OutputName] = set()
        self._kept: set[OutputName] = set()
        self._lineage = Lineage(root, published, contradiction)
        self._young = {name for name, folder in published.items() if now - folder.last_modified < grace_s}
        self._read_refs()
        self._named_at_start = frozenset(self._named)
        self.has_no_references = not self.refs and not drop_refs  # so that all published outputs stay
        several = [name for name, folder in published.items() if len(folder.attempts) > 1]
        attempts = {name: origin.attempt for name, origin in self._lineage.origins(several).items()}
        # None of these is among the outputs that stay: what such a one was made from is unknown, so a collection that
        # had to keep one has raised.
        self.unreadable = self._lineage.unreadable
        self.garbage = find_garbage(
            inventory,
            kept=set(published) if self.has_no_references else self._kept,
            named=self._named,
            published_attempts=attempts,
            now=now,
            grace_s=grace_s,
        )

    def run(self) -> Iterator[tuple[GarbageItem, str]]:
        """Free what can be freed; yield each item, and why it was not freed (empty where it was).

        Killed at any moment it leaves no half output: without a manifest there is no output, and the next collection
        frees the rest.
        """
        for name in self.drop_refs:
            self._root.delete(f"refs/{name}")
        # Items of one output are freed one after another, since they share its lock.
        groups = [list(items) for _, items in groupby(self.garbage, key=lambda item: item.name or item.path)]
        with ThreadPoolExecutor(_MAX_WORKERS) as threads:
            for group, reasons in zip(
                groups, threads.map(lambda items: list(map(self._free, items)), groups), strict=True
            ):
                yield from zip(group, reasons, strict=True)

    def _free(self, item: GarbageItem) -> str:
        """Free one item; return why it was not freed, or an empty string."""
        try:
            if item.name is None:
                return self._free_unlocked(item)
            with self._root.lock(lock_path(*item.name), f"{'/'.join(item.name)} in {self._root.url}"):
                # Listed before the checks: what is written after them must not be deleted with the rest.
                children = self._root.list_dir(output_prefix(*item.name))
                folder = folder_of(self._root, *item.name)
                if folder.irregular:
                    return "{0.path} is {0.what}".format(folder.irregular[0])
                if item.kind in ("attempt", "temporary"):
                    return self._free_part(item, folder)
                return self._free_folder(item, folder, children)
        except DraftLocked as error:
            return f"being written by {error.owner}"
        except IrregularFile as error:  # put there after the listing
            return f"{error.path} is {error.what}"

    def _free_folder(self, item: GarbageItem, folder: Folder, children: Collection[str]) -> str:
        if not folder.published and not folder.attempts:  # freed meanwhile, or a writer was killed at its very start
            delete_remains(self._root, *folder.name, children)
            return ""
        if folder.published and item.kind == "unfinished":
            return "published meanwhile"
        if folder.version != item.version:
            return "written to meanwhile"
        if self._is_used(folder) or not self._hide(folder):
            return "used meanwhile"
        for marker in item.markers:
            self._root.delete(marker)
        delete_remains(self._root, *folder.name, {*children, *(attempt + SCRATCH for attempt in folder.attempts)})
        return ""

    def _hide(self, folder: Folder) -> bool:
        """Mark the attempts as being deleted and delete the manifest; return whether the output is still unused.

        Both are undone where it is used by now, and where the references cannot be read (an error is raised then).
        """
        path = manifest_path(*folder.name)
        manifest = self._root.read(path) if folder.published else None
        attempts = [f"{output_prefix(*folder.name)}/{attempt}" for attempt in folder.attempts]
        used = True
        try:
            for attempt in attempts:
                mark(self._root, attempt, BEING_DELETED)
            if manifest is not None:
                self._root.delete(path)
            used = self._is_used(folder)
        finally:
            if used:
                if manifest is not None:
                    self._root.put_if_absent(path, manifest)
                for attempt in attempts:
                    unmark(self._root, attempt, BEING_DELETED)
        return not used

    def _free_part(self, item: GarbageItem, folder: Folder) -> str:
        if item.kind == "temporary":
            is_folder = item.path.endswith((JOURNAL, SCRATCH))
            (self._root.delete_all if is_folder else self._root.delete)(item.path)
            return ""
        attempt = item.path.rpartition("/")[2]
        stats = folder.attempts.get(attempt)
        if stats is not None and stats.last_modified > item.last_modified:
            return "written to meanwhile"
        published = Lineage(self._root, [folder.name]).origins([folder.name]).get(folder.name)
        if folder.published and (published is None or published.attempt == attempt):
            return "published meanwhile"
        mark(self._root, item.path, BEING_DELETED)
        if self._root.size(manifest_path(*folder.name)) is None:  # somebody may be fetching this very attempt again
            unmark(self._root, item.path, BEING_DELETED)
            return "written to meanwhile"
        delete_attempt(self._root, item.path)
        return ""

    def _free_unlocked(self, item: GarbageItem) -> str:
        if item.kind == "quarantine":
            self._root.delete_all(item.path)
            return ""
        if item.kind == "marker":
            _, stage, *_, key = item.path.split("/")
            if self._root.size(manifest_path(stage, key)) is not None:
                return "published meanwhile"
        self._root.delete(item.path)
        return ""

    def _is_used(self, folder: Folder) -> bool:
        """Read the references again: does one name this output now, or one that was made from it?"""
        with self._lock:
            self._read_refs()
            return folder.name in (self._kept if folder.published else self._named - self._named_at_start)

    def _read_refs(self) -> None:
        irregular: list[IrregularPath] = []
        versions = {
            name: item.version
            for item in self._root.list_objects("refs", irregular)
            if is_name(name := item.path.removeprefix("refs/")) and name not in self.drop_refs
        }
        if irregular:
            raise StoreError(
                f"{self._root.url}/{irregular[0].path} is {irregular[0].what}, which is not followed. Which outputs it "
                "names is unknown, so nothing is freed. Put the reference itself there, or delete it"
            )
        if versions == self._ref_versions:
            return
        refs = {}
        for name in versions:
            path = f"refs/{name}"
            with suppress(FileNotFoundError):  # dropped meanwhile
                refs[name] = decode_ref(name, read_bounded(self._root, path, REF_BYTES), f"{self._root.url}/{path}")
        self.refs, self._ref_versions = refs, versions
        self._named = {output for ref in refs.values() for output in ref.outputs}
        self._kept = self._lineage.with_ancestors(self._named | self._young)
        if refs or self.drop_refs:
            self._check_trusted()

    def _check_trusted(self) -> None:
        """Raise if it is unknown what an output that stays was made from: its ancestors must stay, too."""
        doubted = sorted(name for name in self._kept if name in self._lineage.unreadable)
        if doubted:
            more = f"\n  and {len(doubted) - 1} more like it" if len(doubted) > 1 else ""
            raise StoreError(
                f"{self._lineage.unreadable[doubted[0]]}{more}\n  What that output was made from is unknown, so "
                "nothing is freed. `pipeline verify --all` names every such output, and with --quarantine sets damaged "
                "ones aside; then clean"
            )


def resolve_ref_names(refs: Collection[str], wanted: Collection[str]) -> list[str]:
    """Return the references that names, or unique beginnings of names, stand for; StoreError for none or more."""
    resolved = []
    for text in wanted:
        matches = [name for name in refs if name == text] or [name for name in refs if name.startswith(text)]
        if len(matches) != 1:
            known = ", ".join(sorted(matches or refs)) or "none"
            reason = "several references begin so" if matches else "there is no such reference"
            raise StoreError(f"--forget {text}: {reason}. There are: {known}")
        resolved += matches
    return resolved
