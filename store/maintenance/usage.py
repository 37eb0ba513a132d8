"""Who uses which outputs, and what a store's bytes are for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from store.errors import StoreError
from store.maintenance.inventory import Inventory
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
    """What a store's bytes are for."""

    stages: dict[str, Totals]  # published outputs
    shares: list[ExperimentUsage]
    unused: Totals  # published outputs that no experiment uses
    quarantine: Totals
    orphaned: Totals  # what was never published: unfinished outputs, and other attempts at published ones
    total: int


@dataclass
class Users:
    """The experiments that use outputs of a store, directly or for what those were made from."""

    refs: list[Ref] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)  # what is wrong with each of the other references
    by_output: dict[OutputName, list[Ref]] = field(default_factory=dict)


def users_of(refs: Mapping[str, bytes], url: str, lineage: Lineage) -> Users:
    """Read the references, and find what each uses."""
    users = Users()
    for name, data in sorted(refs.items()):
        try:
            ref = decode_ref(name, data, f"{url}/refs/{name}")
        except StoreError as error:
            users.unreadable.append(str(error))
            continue
        users.refs.append(ref)
        for output in lineage.with_ancestors(ref.outputs):
            users.by_output.setdefault(output, []).append(ref)
    return users


def usage_of(inventory: Inventory, lineage: Lineage, users: Users) -> Usage:
    """Sum what lies in a store by what it is for."""
    published = inventory.published
    several = lineage.origins(name for name, folder in published.items() if len(folder.attempts) > 1)
    sizes = {name: folder.bytes for name, folder in published.items()}
    unfinished = [folder.bytes for folder in inventory.folders.values() if folder.attempts and not folder.published]
    superfluous = []
    for name, origin in several.items():
        others = [stats.bytes for attempt, stats in published[name].attempts.items() if attempt != origin.attempt]
        sizes[name] -= sum(others)
        superfluous += others

    def totals(names: Iterable[OutputName]) -> Totals:
        chosen = [sizes[name] for name in names]
        return Totals(len(chosen), sum(chosen))

    used: dict[str, list[OutputName]] = {ref.name: [] for ref in users.refs}
    for name in sizes:
        for ref in users.by_output.get(name, ()):
            used[ref.name].append(name)
    shares = []
    for ref in users.refs:
        alone = [name for name in used[ref.name] if len(users.by_output[name]) == 1]
        shared = [name for name in used[ref.name] if len(users.by_output[name]) > 1]
        shares.append(ExperimentUsage(ref, totals(alone), totals(shared)))
    quarantine = [stats.bytes for stats in inventory.quarantine.values()]
    other = [*inventory.temporaries, *(item for items in inventory.markers.values() for item in items)]
    orphaned = [*unfinished, *superfluous]
    return Usage(
        stages={stage: totals(n for n in sizes if n[0] == stage) for stage in sorted({stage for stage, _ in sizes})},
        shares=shares,
        unused=totals(name for name in sizes if name not in users.by_output),
        quarantine=Totals(len(quarantine), sum(quarantine)),
        orphaned=Totals(len(orphaned), sum(orphaned)),
        total=sum(sizes.values()) + sum(orphaned) + sum(quarantine) + sum(item.size for item in other),
    )
