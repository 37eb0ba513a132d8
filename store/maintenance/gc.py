"""Freeing what nobody uses, beside steps that run.

Who starts to use an output names it in a reference first and looks for it then. Cleaning hides the manifest first,
looks at the references then, and puts it back where the output is named by now. So in whatever order they come,
either the output stays whole or its user finds it missing in time.

In a bucket a cleaning may stand still between its look and its deletion for so long that its lease is taken over. So it
notes before the look which attempts it means to delete, and deletes those and nothing else; whoever makes the output
again finds the note, since it was there before that user's reference, and writes under another attempt's name.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby

from store.backends.base import Backend, IrregularPath
from store.errors import DraftLocked, IrregularFile, StoreError
from store.maintenance.garbage import GarbageItem, find_garbage
from store.maintenance.inventory import Folder, Inventory, folder_of
from store.maintenance.lineage import Lineage
from store.maintenance.references import Ref, decode_ref
from store.manifest.limits import REF_BYTES, read_at_most
from store.manifest.validation import Contradiction
from store.paths import JOURNAL, SCRATCH, OutputName, attempt_of, is_name, lock_path, manifest_path, output_prefix
from store.writing.attempts import delete_attempt, delete_remains, mark_being_deleted, unmark_being_deleted

_AT_ONCE = 8  # outputs freed at a time; each waits for the disk or the network


@dataclass
class GarbageCollection:
    """What can be freed, and the freeing of it; made by `Store.cleaning`.

    Attributes
    ----------
    refs : dict of str to Ref
        Those that count.
    garbage : list of Scrap
    unreadable : dict of (str, str) to str
        Outputs whose manifests cannot be trusted, and why. None of them stays: else there would be no cleaning,
        since what such an output was made from cannot be told.
    has_no_references : bool
        There is no reference, so that nothing tells which outputs are used: published ones all stay.
    """

    root: Backend
    inventory: Inventory
    grace_s: float
    now: float
    drop_refs: Collection[str] = ()
    contradiction: Contradiction | None = None
    refs: dict[str, Ref] = field(init=False, default_factory=dict)
    garbage: list[GarbageItem] = field(init=False)
    unreadable: dict[OutputName, str] = field(init=False)
    has_no_references: bool = field(init=False)

    def __post_init__(self) -> None:
        published = self.inventory.published
        self._guard = threading.Lock()
        self._seen: dict[str, str] | None = None
        self._named: set[OutputName] = set()
        self._kept: set[OutputName] = set()
        self._lineage = Lineage(self.root, published, self.contradiction)
        self._young = {name for name, each in published.items() if self.now - each.last_modified < self.grace_s}
        self._read_refs()
        self._known = frozenset(self._named)
        self.has_no_references = not self.refs and not self.drop_refs
        several = [name for name, each in published.items() if len(each.attempts) > 1]
        attempts = {name: each.attempt for name, each in self._lineage.origins(several).items()}
        self.unreadable = self._lineage.unreadable
        self.garbage = find_garbage(
            self.inventory,
            kept=set(published) if self.has_no_references else self._kept,
            named=self._named,
            published_attempts=attempts,
            now=self.now,
            grace_s=self.grace_s,
        )

    def run(self) -> Iterator[tuple[GarbageItem, str]]:
        """Free what can be freed; yield each, and why it was left (empty where it was freed).

        Killed at any moment it leaves no half output: without a manifest there is none, and the next cleaning frees
        the rest.
        """
        for name in self.drop_refs:
            self.root.delete(f"refs/{name}")
        # what lies in one output goes one after the other: it has one lock
        groups = [list(each) for _, each in groupby(self.garbage, key=lambda scrap: scrap.name or scrap.path)]
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            for group, left in zip(groups, threads.map(self._free_all, groups), strict=True):
                yield from zip(group, left, strict=True)

    def _free_all(self, scraps: list[GarbageItem]) -> list[str]:
        return [self._free(scrap) for scrap in scraps]

    def _free(self, scrap: GarbageItem) -> str:
        try:
            if scrap.name is None:
                return self._free_loose(scrap)
            with self.root.lock(lock_path(*scrap.name), f"{'/'.join(scrap.name)} in {self.root.url}"):
                names = self.root.children(output_prefix(*scrap.name))  # before what tells whether they may go
                folder = folder_of(self.root, *scrap.name)
                if folder.irregular:
                    return "{0.path} is {0.what}".format(folder.irregular[0])
                if scrap.kind in ("attempt", "temporary"):
                    return self._free_part(scrap, folder)
                return self._free_folder(scrap, folder, names)
        except DraftLocked as error:
            return f"being written by {error.owner}"
        except IrregularFile as error:  # put there meanwhile
            return f"{error.path} is {error.what}"

    def _free_folder(self, scrap: GarbageItem, folder: Folder, names: Collection[str]) -> str:
        if not folder.published and not folder.attempts:  # freed meanwhile, or never begun
            delete_remains(self.root, *folder.name, names)
            return ""
        if folder.published and scrap.kind == "unfinished":
            return "published meanwhile"
        if folder.version != scrap.version:
            return "written to meanwhile"
        if self._is_used(folder):
            return "used meanwhile"
        if not self._hide(folder):
            return "used meanwhile"
        for marker in scrap.markers:
            self.root.delete(marker)
        delete_remains(self.root, *folder.name, {*names, *(attempt + SCRATCH for attempt in folder.attempts)})
        return ""

    def _hide(self, folder: Folder) -> bool:
        """Note what is being freed and delete the manifest; undo both where the output is named by now.

        So, too, where that cannot be told.
        """
        path = manifest_path(*folder.name)
        manifest = self.root.read(path) if folder.published else None
        attempts = [f"{output_prefix(*folder.name)}/{attempt}" for attempt in folder.attempts]
        used = True
        try:
            for attempt in attempts:
                mark_being_deleted(self.root, attempt)
            if manifest is not None:
                self.root.delete(path)
            used = self._is_used(folder)
        finally:
            if used:
                if manifest is not None:
                    self.root.create(path, manifest)
                for attempt in attempts:
                    unmark_being_deleted(self.root, attempt)
        return not used

    def _free_part(self, scrap: GarbageItem, folder: Folder) -> str:
        if scrap.kind == "temporary":
            if scrap.path.endswith((JOURNAL, SCRATCH)):
                self.root.delete_all(scrap.path)
            else:
                self.root.delete(scrap.path)
            return ""
        attempt = attempt_of(scrap.path.rpartition("/")[2])
        part = folder.attempts.get(attempt or "")
        if part is not None and part.last_modified > scrap.last_modified:
            return "written to meanwhile"
        published = Lineage(self.root, [folder.name]).origins([folder.name]).get(folder.name)
        if folder.published and (published is None or published.attempt == attempt):
            return "published meanwhile"
        mark_being_deleted(self.root, scrap.path)
        if self.root.size(manifest_path(*folder.name)) is None:  # somebody may be bringing this very attempt again
            unmark_being_deleted(self.root, scrap.path)
            return "written to meanwhile"
        delete_attempt(self.root, scrap.path)
        return ""

    def _free_loose(self, scrap: GarbageItem) -> str:
        if scrap.kind == "quarantine":
            self.root.delete_all(scrap.path)
            return ""
        if scrap.kind == "marker":
            _, stage, *_, key = scrap.path.split("/")
            if self.root.size(manifest_path(stage, key)) is not None:
                return "published meanwhile"
        self.root.delete(scrap.path)
        return ""

    def _is_used(self, folder: Folder) -> bool:
        """Look at the references again: has somebody named this output, or one that was made from it?"""
        with self._guard:
            self._read_refs()
            return folder.name in (self._kept if folder.published else self._named - self._known)

    def _read_refs(self) -> None:
        irregular: list[IrregularPath] = []
        there = {item.path.removeprefix("refs/"): item.version for item in self.root.listing("refs", irregular)}
        for each in irregular:
            raise StoreError(
                f"{self.root.url}/{each.path} is {each.what}, which is not followed. What it names cannot be told, so "
                "nothing is freed. Put the reference itself there, or delete it"
            )
        seen = {name: version for name, version in there.items() if is_name(name) and name not in self.drop_refs}
        if seen == self._seen:
            return
        refs = {}
        for name in seen:
            path = f"refs/{name}"
            try:
                refs[name] = decode_ref(name, read_at_most(self.root, path, REF_BYTES), f"{self.root.url}/{path}")
            except FileNotFoundError:
                continue
        self.refs, self._seen = refs, seen
        self._named = {output for ref in refs.values() for output in ref.outputs}
        self._kept = self._lineage.with_parents(self._named | self._young)
        if refs or self.drop_refs:
            self._check_trusted()

    def _check_trusted(self) -> None:
        """Raise where it cannot be told what an output was made from that stays."""
        doubted = sorted(name for name in self._kept if name in self._lineage.unreadable)
        if doubted:
            more = f"\n  and {len(doubted) - 1} more like it" if len(doubted) > 1 else ""
            raise StoreError(
                f"{self._lineage.unreadable[doubted[0]]}{more}\n  What that output was made from cannot be told, so "
                "nothing is freed. `pipeline verify --all` names every one, and with --quarantine sets damaged ones "
                "aside; then clean"
            )


def resolve_ref_names(refs: Collection[str], wanted: Collection[str]) -> list[str]:
    """Return the references that names, or unique beginnings of names, stand for.

    Raises
    ------
    StoreError
        One stands for none or several.
    """
    found = []
    for text in wanted:
        fitting = [name for name in refs if name == text] or [name for name in refs if name.startswith(text)]
        if len(fitting) != 1:
            known = ", ".join(sorted(fitting or refs)) or "none"
            said = "there is no such reference" if not fitting else "several references begin so"
            raise StoreError(f"--forget {text}: {said}. There are: {known}")
        found += fitting
    return found
