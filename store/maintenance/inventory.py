"""What lies in a store, with sizes and dates: one listing, whatever the number of outputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from store.backends.base import Backend, IrregularPath, ObjectInfo
from store.paths import OutputName, attempt_of, is_of_output, is_of_store, is_temporary, output_prefix


@dataclass
class ObjectStats:
    """Objects counted together: how many, their bytes, and when the newest was written."""

    objects: int = 0
    bytes: int = 0
    last_modified: float = 0.0

    def add(self, item: ObjectInfo) -> None:
        """Count an object."""
        self.objects += 1
        self.bytes += item.size
        self.last_modified = max(self.last_modified, item.modified)


@dataclass
class Folder:
    """One output's folder: published, begun or both.

    Attributes
    ----------
    published : Listed or None
        The manifest, where there is one.
    attempts : dict of str to Part
        By name; journal and scratch belong to their attempt.
    journal_and_scratch : dict of str to Part
        Journals and scratch alone, by their folder's name.
    temporaries : list of Listed
        What killed writers left beside what they wrote.
    other : ObjectStats
        The lock and temporary files.
    irregular : list of Irregular
        What is neither a plain file nor a folder; nothing of such an output is freed.
    """

    stage: str
    key: str
    published: ObjectInfo | None = None
    attempts: dict[str, ObjectStats] = field(default_factory=dict)
    journal_and_scratch: dict[str, ObjectStats] = field(default_factory=dict)
    temporaries: list[ObjectInfo] = field(default_factory=list)
    other: ObjectStats = field(default_factory=ObjectStats)
    irregular: list[IrregularPath] = field(default_factory=list)

    @property
    def name(self) -> OutputName:
        """Return stage and key."""
        return self.stage, self.key

    @property
    def bytes(self) -> int:
        """Return the bytes of everything in the folder."""
        manifest = self.published.size if self.published else 0
        return manifest + self.other.bytes + sum(part.bytes for part in self.attempts.values())

    @property
    def objects(self) -> int:
        """Return the number of objects in the folder."""
        return bool(self.published) + self.other.objects + sum(part.objects for part in self.attempts.values())

    @property
    def last_modified(self) -> float:
        """Return when something was last written; of a published output the lock says nothing."""
        return self.newest if self.published else max(self.newest, self.other.last_modified)

    @property
    def newest(self) -> float:
        """Return when the manifest or an attempt was last written to; the lock is no part of them."""
        dates = [part.last_modified for part in self.attempts.values()]
        return max([self.published.modified if self.published else 0.0, *dates])

    @property
    def version(self) -> str:
        """Return another text whenever something was written, even where dates are whole seconds; but for the lock."""
        attempts = [f"{name} {part.objects} {part.bytes}" for name, part in sorted(self.attempts.items())]
        return ", ".join([self.published.version if self.published else "", f"{self.newest}", *attempts])


@dataclass
class Inventory:
    """What lies in a store.

    Attributes
    ----------
    folders : dict of (str, str) to Folder
    markers : dict of (str, str) to list of Listed
        The objects below ``families/`` that name each output.
    quarantine : dict of str to Part
        By prefix.
    temporaries : list of Listed
        Those outside of outputs.
    irregular : list of Irregular
        Everything that is neither a plain file nor a folder.
    foreign : list of str
        Paths of what the store's format does not know, in the folders that are the store's. It is never freed.
    """

    folders: dict[OutputName, Folder] = field(default_factory=dict)
    markers: dict[OutputName, list[ObjectInfo]] = field(default_factory=dict)
    quarantine: dict[str, ObjectStats] = field(default_factory=dict)
    temporaries: list[ObjectInfo] = field(default_factory=list)
    irregular: list[IrregularPath] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    @property
    def published(self) -> dict[OutputName, Folder]:
        """Return the folders of published outputs."""
        return {name: folder for name, folder in self.folders.items() if folder.published}


def take_inventory(root: Backend, names: Iterable[OutputName]) -> Inventory:
    """List everything.

    Parameters
    ----------
    root : Root
    names : iterable of (str, str)
        Output folders, so that those without any file are there, too.
    """
    found = Inventory()
    for item in _ours(root, "outputs", found):
        _count(found, item)
    _add_empty(root, names, found)
    for item in _ours(root, "families", found):
        _, stage, _, key = item.path.split("/")
        if is_temporary(item.path):
            found.temporaries.append(item)
        else:
            found.markers.setdefault((stage, key), []).append(item)
    for item in _ours(root, "quarantine", found):
        prefix = "/".join(item.path.split("/")[:4])
        found.quarantine.setdefault(prefix, ObjectStats()).add(item)
    found.temporaries += [item for item in _ours(root, "refs", found) if is_temporary(item.path)]
    for each in found.irregular:
        _, stage, key, *_ = [*each.path.split("/"), "", ""]
        if each.path.startswith("outputs/") and (stage, key) in found.folders:
            found.folders[stage, key].irregular.append(each)
    return found


def folder_of(root: Backend, stage: str, key: str) -> Folder:
    """List one output's folder."""
    found = Inventory()
    for item in _ours(root, f"outputs/{stage}/{key}", found):
        _count(found, item)
    folder = found.folders.get((stage, key), Folder(stage, key))
    folder.irregular = found.irregular
    return folder


def _ours(root: Backend, prefix: str, found: Inventory) -> Iterator[ObjectInfo]:
    """Yield what lies below a prefix and is of the store; add the rest to `found`."""
    for item in root.listing(prefix, found.irregular):
        if is_of_store(item.path):
            yield item
        else:
            found.foreign.append(item.path)


def _add_empty(root: Backend, names: Iterable[OutputName], found: Inventory) -> None:
    """Add output folders without any file: a writer was killed there before it had written anything."""
    foreign = {tuple(path.split("/")[1:3]) for path in found.foreign}
    for name in names:
        known = name in found.folders or name in foreign
        if not known and all(map(is_of_output, root.children(output_prefix(*name)))):
            found.folders[name] = Folder(*name)


def _count(found: Inventory, item: ObjectInfo) -> None:
    _, stage, key, child, *_ = item.path.split("/", 4)
    folder = found.folders.get((stage, key))
    if folder is None:
        folder = found.folders[stage, key] = Folder(stage, key)
    if child == "manifest.json":
        folder.published = item
        return
    attempt = attempt_of(child)
    if is_temporary(item.path):
        folder.temporaries.append(item)
    if attempt:
        folder.attempts.setdefault(attempt, ObjectStats()).add(item)
        if child != attempt:
            folder.journal_and_scratch.setdefault(child, ObjectStats()).add(item)
    else:
        folder.other.add(item)
