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
    """One output's folder: published, begun or both."""

    stage: str
    key: str
    published: ObjectInfo | None = None  # the manifest, where there is one
    # By name; journal and scratch belong to their attempt.
    attempts: dict[str, ObjectStats] = field(default_factory=dict)
    journal_and_scratch: dict[str, ObjectStats] = field(default_factory=dict)  # those alone, by their folder's name
    temporaries: list[ObjectInfo] = field(default_factory=list)  # files that killed writers left beside what they wrote
    other: ObjectStats = field(default_factory=ObjectStats)  # the lock and temporary files
    irregular: list[IrregularPath] = field(default_factory=list)  # of such an output nothing is freed

    @property
    def name(self) -> OutputName:
        """Return stage and key."""
        return self.stage, self.key

    @property
    def bytes(self) -> int:
        """Return the bytes of everything in the folder."""
        manifest = self.published.size if self.published else 0
        return manifest + self.other.bytes + sum(stats.bytes for stats in self.attempts.values())

    @property
    def objects(self) -> int:
        """Return the number of objects in the folder."""
        return bool(self.published) + self.other.objects + sum(stats.objects for stats in self.attempts.values())

    @property
    def last_modified(self) -> float:
        """Return when something was last written; of a published output the lock does not count."""
        return self.newest if self.published else max(self.newest, self.other.last_modified)

    @property
    def newest(self) -> float:
        """Return when the manifest or an attempt was last written to; the lock does not count."""
        dates = [stats.last_modified for stats in self.attempts.values()]
        return max([self.published.modified if self.published else 0.0, *dates])

    @property
    def version(self) -> str:
        """Return a text that changes with every write but the lock's, even where dates are whole seconds."""
        attempts = [f"{name} {stats.objects} {stats.bytes}" for name, stats in sorted(self.attempts.items())]
        return ", ".join([self.published.version if self.published else "", f"{self.newest}", *attempts])


@dataclass
class Inventory:
    """What lies in a store."""

    folders: dict[OutputName, Folder] = field(default_factory=dict)
    # The objects below `families/` that name each output.
    markers: dict[OutputName, list[ObjectInfo]] = field(default_factory=dict)
    quarantine: dict[str, ObjectStats] = field(default_factory=dict)  # by prefix
    temporaries: list[ObjectInfo] = field(default_factory=list)  # those outside of outputs
    irregular: list[IrregularPath] = field(default_factory=list)
    # Paths in the store's folders that its format does not know; they are never freed.
    foreign: list[str] = field(default_factory=list)

    @property
    def published(self) -> dict[OutputName, Folder]:
        """Return the folders of published outputs."""
        return {name: folder for name, folder in self.folders.items() if folder.published}


def take_inventory(root: Backend, names: Iterable[OutputName]) -> Inventory:
    """List everything.

    Parameters
    ----------
    names : iterable of (str, str)
        Output folders, so that those without any file are included.
    """
    inventory = Inventory()
    for item in _own_objects(root, "outputs", inventory):
        _count(inventory, item)
    _add_empty(root, names, inventory)
    for item in _own_objects(root, "families", inventory):
        _, stage, _, key = item.path.split("/")
        if is_temporary(item.path):
            inventory.temporaries.append(item)
        else:
            inventory.markers.setdefault((stage, key), []).append(item)
    for item in _own_objects(root, "quarantine", inventory):
        prefix = "/".join(item.path.split("/")[:4])
        inventory.quarantine.setdefault(prefix, ObjectStats()).add(item)
    for top in ("refs", "runs"):
        inventory.temporaries += [item for item in _own_objects(root, top, inventory) if is_temporary(item.path)]
    for each in inventory.irregular:
        _, stage, key, *_ = [*each.path.split("/"), "", ""]
        if each.path.startswith("outputs/") and (stage, key) in inventory.folders:
            inventory.folders[stage, key].irregular.append(each)
    return inventory


def folder_of(root: Backend, stage: str, key: str) -> Folder:
    """List one output's folder."""
    inventory = Inventory()
    for item in _own_objects(root, f"outputs/{stage}/{key}", inventory):
        _count(inventory, item)
    folder = inventory.folders.get((stage, key), Folder(stage, key))
    folder.irregular = inventory.irregular
    return folder


def _own_objects(root: Backend, prefix: str, inventory: Inventory) -> Iterator[ObjectInfo]:
    """Yield the store's objects below a prefix; add other paths to `inventory`."""
    for item in root.list_objects(prefix, inventory.irregular):
        if is_of_store(item.path):
            yield item
        else:
            inventory.foreign.append(item.path)


def _add_empty(root: Backend, names: Iterable[OutputName], inventory: Inventory) -> None:
    """Add output folders without any file: a writer was killed there before it had written anything."""
    foreign = {tuple(path.split("/")[1:3]) for path in inventory.foreign}
    for name in names:
        known = name in inventory.folders or name in foreign
        if not known and all(map(is_of_output, root.list_dir(output_prefix(*name)))):
            inventory.folders[name] = Folder(*name)


def _count(inventory: Inventory, item: ObjectInfo) -> None:
    _, stage, key, child, *_ = item.path.split("/", 4)
    folder = inventory.folders.get((stage, key))
    if folder is None:
        folder = inventory.folders[stage, key] = Folder(stage, key)
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
