"""Who uses which outputs, and what a store's bytes are for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from store.errors import StoreError
from store.maintenance.inventory import Folder, Inventory
from store.maintenance.lineage import Lineage
from store.maintenance.references import Ref, decode_ref
from store.paths import OutputName


@dataclass(frozen=True)
class Totals:
    """How many outputs (or folders), and their bytes."""

    outputs: int
    bytes: int


@dataclass(frozen=True)
class ExperimentUsage:
    """What one experiment uses: what it alone does, and what others use, too."""

    ref: Ref
    alone: Totals
    shared: Totals


@dataclass(frozen=True)
class Usage:
    """What a store's bytes are for.

    Attributes
    ----------
    stages : dict of str to Sum
        Published outputs.
    unused : Sum
        Published outputs that no experiment uses.
    orphaned : Totals
        What was never published: unfinished outputs, other attempts at published ones.
    """

    stages: dict[str, Totals]
    shares: list[ExperimentUsage]
    unused: Totals
    quarantine: Totals
    orphaned: Totals
    total: int


@dataclass
class Users:
    """The experiments that use outputs of a store, directly or for what those were made from.

    Attributes
    ----------
    refs : list of Ref
    unreadable : list of str
        What is wrong with other references.
    by_output : dict of (str, str) to list of Ref
    """

    refs: list[Ref] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    by_output: dict[OutputName, list[Ref]] = field(default_factory=dict)


def users_of(refs: Mapping[str, bytes], url: str, lineage: Lineage) -> Users:
    """Read the references, and find what each uses."""
    found = Users()
    for name, data in sorted(refs.items()):
        try:
            ref = decode_ref(name, data, f"{url}/refs/{name}")
        except StoreError as error:
            found.unreadable.append(str(error))
            continue
        found.refs.append(ref)
        for output in lineage.with_parents(ref.outputs):
            found.by_output.setdefault(output, []).append(ref)
    return found


def usage_of(inventory: Inventory, lineage: Lineage, users: Users) -> Usage:
    """Sum what lies in a store by what it is for."""
    published = inventory.published
    several = lineage.origins(name for name, each in published.items() if len(each.attempts) > 1)
    sizes, left = {}, [e for e in inventory.folders.values() if e.attempts and not e.published]
    left_bytes = sum(each.bytes for each in left)
    for name, folder in published.items():
        beside = _beside(folder, several[name].attempt) if name in several else 0
        sizes[name] = folder.bytes - beside
        left_bytes += beside
    stages: dict[str, list[OutputName]] = {}
    for name in sizes:
        stages.setdefault(name[0], []).append(name)
    alone: dict[str, list[OutputName]] = {}
    shared: dict[str, list[OutputName]] = {}
    for name in sizes:
        refs = users.by_output.get(name, ())
        for ref in refs:
            (alone if len(refs) == 1 else shared).setdefault(ref.name, []).append(name)
    shares = [
        ExperimentUsage(ref, _sum(sizes, alone.get(ref.name, ())), _sum(sizes, shared.get(ref.name, ())))
        for ref in users.refs
    ]
    quarantined = inventory.quarantine.values()
    other = [*inventory.temporaries, *(item for items in inventory.markers.values() for item in items)]
    return Usage(
        stages={stage: _sum(sizes, names) for stage, names in sorted(stages.items())},
        shares=shares,
        unused=_sum(sizes, [name for name in sizes if name not in users.by_output]),
        quarantine=Totals(len(quarantined), sum(part.bytes for part in quarantined)),
        orphaned=Totals(
            len(left) + sum(len(each.attempts) - 1 for name, each in published.items() if name in several), left_bytes
        ),
        total=sum(sizes.values())
        + left_bytes
        + sum(part.bytes for part in quarantined)
        + sum(item.size for item in other),
    )


def _beside(folder: Folder, attempt: str) -> int:
    return sum(part.bytes for name, part in folder.attempts.items() if name != attempt)


def _sum(sizes: dict[OutputName, int], names: Collection[OutputName]) -> Totals:
    return Totals(len(names), sum(sizes[name] for name in names))
