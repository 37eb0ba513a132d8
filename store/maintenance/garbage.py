"""What of a store can be freed: a decision, which changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Literal

from store.maintenance.inventory import Folder, Inventory, ObjectStats
from store.paths import OutputName, attempt_of, output_prefix

_RESUMED_S = 60 * 86400.0  # somebody may still go on with what was begun and is named
_WRITING_S = 3600.0  # a temporary file that nobody's lock protects is left alone for this long

Kind = Literal["output", "unfinished", "attempt", "temporary", "quarantine", "marker"]

WHY: Mapping[Kind, str] = {
    "output": "no experiment uses it",
    "unfinished": "left unfinished",
    "attempt": "left beside the published one",
    "temporary": "temporary file of a killed writer",
    "quarantine": "damaged, set aside",
    "marker": "names an output that is gone",
}


@dataclass(frozen=True)
class GarbageItem:
    """Something that can be freed: a folder of objects, or one object.

    Attributes
    ----------
    path : str
        Below the store.
    touched : float
        When its newest object was written, in seconds since 1970.
    name : (str, str) or None
        The output whose lock protects it.
    markers : tuple of str
        Objects that go with it.
    version : str
        Another one when the output's folder has been written to.
    """

    kind: Kind
    path: str
    bytes: int
    objects: int
    touched: float
    name: OutputName | None = None
    markers: tuple[str, ...] = ()
    version: str = ""

    @property
    def why(self) -> str:
        """Say why it can go."""
        return WHY[self.kind]


def find_garbage(
    inventory: Inventory,
    *,
    kept: Set[OutputName],
    named: Set[OutputName],
    published_attempts: Mapping[OutputName, str],
    now: float,
    grace_s: float,
) -> list[GarbageItem]:
    """Decide what can be freed.

    Parameters
    ----------
    inventory : Inventory
    kept : set of (str, str)
        Published outputs that stay.
    named : set of (str, str)
        Outputs that references name: what was begun of them stays for 60 days at least.
    published_attempts : mapping
        Which attempt is the published one, where there are several.
    now : float
        In seconds since 1970.
    grace_s : float
        What was written less than this many seconds ago, stays.
    """

    def old(touched: float, grace: float = grace_s) -> bool:
        return now - touched >= grace

    found: list[GarbageItem] = []
    for name, folder in inventory.folders.items():
        prefix = output_prefix(*name)
        if folder.irregular:
            continue
        if folder.published and name not in kept and old(folder.touched):
            markers = tuple(item.path for item in inventory.markers.get(name, ()))
            found.append(
                GarbageItem(
                    "output", prefix, folder.bytes, folder.objects, folder.touched, name, markers, folder.version
                )
            )
        elif not folder.published and old(folder.touched, max(grace_s, _RESUMED_S) if name in named else grace_s):
            found.append(
                GarbageItem(
                    "unfinished", prefix, folder.bytes, folder.objects, folder.touched, name, version=folder.version
                )
            )
        elif folder.published:
            beside = _beside(folder, published_attempts.get(name))
            found += [
                GarbageItem("attempt", f"{prefix}/{attempt}", part.bytes, part.objects, part.touched, name)
                for attempt, part in sorted(beside.items())
                if old(part.touched)
            ]
            found += [  # its writer was killed once it had published
                GarbageItem("temporary", f"{prefix}/{child}", part.bytes, part.objects, part.touched, name)
                for child, part in sorted(folder.notes.items())
                if attempt_of(child) not in beside and len(folder.attempts) == 1 + len(beside) and old(part.touched)
            ]
            found += [
                GarbageItem("temporary", item.path, item.size, 1, item.modified, name)
                for item in folder.temporaries
                if old(item.modified)
            ]
    held = {"/".join(each.path.split("/")[:4]) for each in inventory.irregular}
    for prefix, part in inventory.quarantine.items():
        if old(part.touched) and prefix not in held:
            found.append(GarbageItem("quarantine", prefix, part.bytes, part.objects, part.touched))
    for name, items in inventory.markers.items():
        folder_there = inventory.folders.get(name)
        if not (folder_there and folder_there.published):
            found += [
                GarbageItem("marker", item.path, item.size, 1, item.modified) for item in items if old(item.modified)
            ]
    for item in inventory.temporaries:
        if old(item.modified, max(grace_s, _WRITING_S)):
            found.append(GarbageItem("temporary", item.path, item.size, 1, item.modified))
    return found


def _beside(folder: Folder, published: str | None) -> dict[str, ObjectStats]:
    """Return the attempts that the manifest does not name; none where it cannot be read."""
    return {name: part for name, part in folder.attempts.items() if published and name != published}
