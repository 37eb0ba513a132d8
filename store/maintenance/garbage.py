"""What of a store can be freed: a decision, which changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Literal

from store.maintenance.inventory import Folder, Inventory
from store.paths import OutputName, attempt_of, output_prefix

_RESUMABLE_S = 60 * 86400.0  # somebody may still resume an unfinished output that a reference names
_WRITING_S = 3600.0  # a temporary file that no lock protects may be in use for this long

Kind = Literal["output", "unfinished", "attempt", "temporary", "quarantine", "marker"]

REASONS: Mapping[Kind, str] = {
    "output": "no experiment uses it",
    "unfinished": "left unfinished",
    "attempt": "left beside the published one",
    "temporary": "temporary file of a killed writer",
    "quarantine": "damaged, set aside",
    "marker": "names an output that is gone",
}


@dataclass(frozen=True)
class GarbageItem:
    """Something that can be freed: a folder of objects, or one object."""

    kind: Kind
    path: str  # below the store
    bytes: int
    objects: int
    last_modified: float  # when its newest object was written, in seconds since 1970
    name: OutputName | None = None  # the output whose lock protects it
    markers: tuple[str, ...] = ()  # objects that are deleted with it
    version: str = ""  # changes whenever the output's folder is written to

    @property
    def reason(self) -> str:
        """Say why it can be freed."""
        return REASONS[self.kind]


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
    kept : set of (str, str)
        Published outputs that stay.
    named : set of (str, str)
        Outputs that references name: unfinished attempts at them stay for 60 days at least.
    published_attempts : mapping
        Which attempt is the published one, where there are several.
    now : float
        In seconds since 1970.
    grace_s : float
        What was written less than this many seconds ago stays.
    """
    garbage: list[GarbageItem] = []
    published = inventory.published
    for name, folder in inventory.folders.items():
        if folder.irregular:  # nothing of it is freed
            continue
        # An unused output that is too young to be freed may hold older remains of killed writers.
        if folder.published and (name in kept or now - folder.last_modified < grace_s):
            garbage += _superfluous(folder, published_attempts.get(name))
        elif folder.published:
            garbage.append(_whole(folder, "output", tuple(item.path for item in inventory.markers.get(name, ()))))
        elif name not in named or now - folder.last_modified >= _RESUMABLE_S:
            garbage.append(_whole(folder, "unfinished"))
    irregular = {"/".join(each.path.split("/")[:4]) for each in inventory.irregular}
    garbage += [
        GarbageItem("quarantine", prefix, stats.bytes, stats.objects, stats.last_modified)
        for prefix, stats in inventory.quarantine.items()
        if prefix not in irregular
    ]
    garbage += [
        GarbageItem("marker", item.path, item.size, 1, item.modified)
        for name, items in inventory.markers.items()
        for item in items
        if name not in published
    ]
    garbage += [
        GarbageItem("temporary", item.path, item.size, 1, item.modified)
        for item in inventory.temporaries
        if now - item.modified >= _WRITING_S
    ]
    return [item for item in garbage if now - item.last_modified >= grace_s]


def _whole(folder: Folder, kind: Kind, markers: tuple[str, ...] = ()) -> GarbageItem:
    return GarbageItem(
        kind, output_prefix(*folder.name), folder.bytes, folder.objects, folder.last_modified, folder.name, markers,
        folder.version,
    )  # fmt: skip


def _superfluous(folder: Folder, published_attempt: str | None) -> Iterator[GarbageItem]:
    """Yield what a published output does not need: other attempts, and what killed writers left."""
    prefix = output_prefix(*folder.name)
    # None where the manifest cannot be read: then any attempt may be the published one.
    others = {name for name in folder.attempts if published_attempt and name != published_attempt}
    for name in sorted(others):
        stats = folder.attempts[name]
        yield GarbageItem("attempt", f"{prefix}/{name}", stats.bytes, stats.objects, stats.last_modified, folder.name)
    if len(folder.attempts) == 1 + len(others):  # a writer was killed after it had published
        for child, stats in sorted(folder.journal_and_scratch.items()):
            if attempt_of(child) not in others:
                yield GarbageItem(
                    "temporary", f"{prefix}/{child}", stats.bytes, stats.objects, stats.last_modified, folder.name
                )
    for item in folder.temporaries:
        yield GarbageItem("temporary", item.path, item.size, 1, item.modified, folder.name)
