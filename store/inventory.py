"""What lies in a store, with sizes and dates: one listing, whatever the number of outputs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from store.paths import attempt_of, is_name, is_temporary
from store.roots.contract import Irregular, Listed, Root

Name = tuple[str, str]  # an output's stage and key


@dataclass
class Part:
    """Objects counted together: how many, their bytes, and when the newest was written."""

    objects: int = 0
    bytes: int = 0
    touched: float = 0.0

    def add(self, item: Listed) -> None:
        """Count an object."""
        self.objects += 1
        self.bytes += item.size
        self.touched = max(self.touched, item.modified)


@dataclass
class Folder:
    """One output's folder: published, begun or both.

    Attributes
    ----------
    published : Listed or None
        The manifest, where there is one.
    attempts : dict of str to Part
        By name; journal and scratch belong to their attempt.
    notes : dict of str to Part
        Journals and scratch alone, by their folder's name.
    temporaries : list of Listed
        What killed writers left beside what they wrote.
    rest : Part
        The lock, temporary files, and what has no business here.
    irregular : list of Irregular
        What is neither a plain file nor a folder; nothing of such an output is freed.
    """

    stage: str
    key: str
    published: Listed | None = None
    attempts: dict[str, Part] = field(default_factory=dict)
    notes: dict[str, Part] = field(default_factory=dict)
    temporaries: list[Listed] = field(default_factory=list)
    rest: Part = field(default_factory=Part)
    irregular: list[Irregular] = field(default_factory=list)

    @property
    def name(self) -> Name:
        """Return stage and key."""
        return self.stage, self.key

    @property
    def bytes(self) -> int:
        """Return the bytes of everything in the folder."""
        manifest = self.published.size if self.published else 0
        return manifest + self.rest.bytes + sum(part.bytes for part in self.attempts.values())

    @property
    def objects(self) -> int:
        """Return the number of objects in the folder."""
        return bool(self.published) + self.rest.objects + sum(part.objects for part in self.attempts.values())

    @property
    def touched(self) -> float:
        """Return when something was last written; of a published output the lock says nothing."""
        return self.newest if self.published else max(self.newest, self.rest.touched)

    @property
    def newest(self) -> float:
        """Return when the manifest or an attempt was last written to; the lock is no part of them."""
        dates = [part.touched for part in self.attempts.values()]
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
    """

    folders: dict[Name, Folder] = field(default_factory=dict)
    markers: dict[Name, list[Listed]] = field(default_factory=dict)
    quarantine: dict[str, Part] = field(default_factory=dict)
    temporaries: list[Listed] = field(default_factory=list)
    irregular: list[Irregular] = field(default_factory=list)

    @property
    def published(self) -> dict[Name, Folder]:
        """Return the folders of published outputs."""
        return {name: folder for name, folder in self.folders.items() if folder.published}


def take_inventory(root: Root, names: Iterable[Name]) -> Inventory:
    """List everything.

    Parameters
    ----------
    root : Root
    names : iterable of (str, str)
        Output folders, so that those without any file are there, too.
    """
    found = Inventory()
    for stage, key in names:
        found.folders[stage, key] = Folder(stage, key)
    for item in root.listing("outputs", found.irregular):
        _count(found, item)
    for item in root.listing("families", found.irregular):
        _, stage, *_, key = item.path.split("/")
        if is_temporary(item.path):
            found.temporaries.append(item)
        else:
            found.markers.setdefault((stage, key), []).append(item)
    for item in root.listing("quarantine", found.irregular):
        prefix = "/".join(item.path.split("/")[:4])
        found.quarantine.setdefault(prefix, Part()).add(item)
    found.temporaries += [item for item in root.listing("refs", found.irregular) if is_temporary(item.path)]
    for each in found.irregular:
        _, stage, key, *_ = [*each.path.split("/"), "", ""]
        if each.path.startswith("outputs/") and (stage, key) in found.folders:
            found.folders[stage, key].irregular.append(each)
    return found


def folder_of(root: Root, stage: str, key: str) -> Folder:
    """List one output's folder."""
    found = Inventory()
    for item in root.listing(f"outputs/{stage}/{key}", found.irregular):
        _count(found, item)
    folder = found.folders.get((stage, key), Folder(stage, key))
    folder.irregular = found.irregular
    return folder


def _count(found: Inventory, item: Listed) -> None:
    parts = item.path.split("/", 4)
    if len(parts) < 4 or not is_name(parts[1]) or not is_name(parts[2]):
        if is_temporary(item.path):
            found.temporaries.append(item)
        return
    _, stage, key, child, *below = parts
    folder = found.folders.get((stage, key))
    if folder is None:
        folder = found.folders[stage, key] = Folder(stage, key)
    if child == "manifest.json" and not below:
        folder.published = item
        return
    attempt = attempt_of(child) if below else None
    if is_temporary(item.path):
        folder.temporaries.append(item)
    if attempt:
        folder.attempts.setdefault(attempt, Part()).add(item)
        if child != attempt:
            folder.notes.setdefault(child, Part()).add(item)
    else:
        folder.rest.add(item)
