"""Where records of runs lie, under which numbers, and how many there may be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.plan.history import reference_name, user_name
from pipeline.plan.runs.record import (
    RecordHead,
    UnreadableRecord,
    asked_by,
    decode,
    decode_head,
    digest_of_asked,
    digest_of_keys,
)
from store.errors import StoreError

if TYPE_CHECKING:
    from pipeline.plan.planner import Plan
    from store import Records, Store

MOST_BYTES = 8_000_000  # of one record: some 20,000 models
MOST_AT_ONCE = 8  # processes at the same run that others see
_LOOKED_AT = 3  # of the runs with the same settings, the newest, for one with the same keys
MOST_RUNS = 100  # that are remembered, beside kept ones


class Slot(NamedTuple):
    """Where a record lies: the run's number, and what stands for its settings."""

    number: int
    asked: str

    @property
    def name(self) -> str:
        """Return the record's name."""
        return f"{self.number}-{self.asked}.json"

    @property
    def locks(self) -> list[str]:
        """Return the names of the locks of which each process that is at this run holds one."""
        return [str(self.number), *(f"{self.number}.{other}" for other in range(2, MOST_AT_ONCE + 1))]

    def is_held(self, records: Records, but: str = "") -> bool:
        """Tell whether a process is at this run, `but` for the one with this lock."""
        owners = (records.owner(name) for name in self.locks if name != but)
        return any(owner is not None and owner.holds for owner in owners)


def group_of(path: Path) -> str:
    """Name the records of a stages file: of one user, on whichever machine it lies at this path."""
    return reference_name(path.absolute(), f"{user_name()}:").removesuffix(".json")


def slots_of(records: Records) -> list[Slot]:
    """Return where records lie; what is named otherwise is none of this version's."""
    names = records.names()
    parts = [name.removesuffix(".json").partition("-") for name in names]
    slots = [Slot(int(number), asked) for number, _, asked in parts if number.isdecimal()]
    return [slot for slot in slots if slot.name in names]


def find_slot(records: Records, asked: Mapping[str, Any], keys: str) -> tuple[Slot, RecordHead] | None:
    """Return the newest run of these settings and keys."""
    digest = digest_of_asked(asked)
    for slot in sorted((slot for slot in slots_of(records) if slot.asked == digest), reverse=True)[:_LOOKED_AT]:
        content = records.read(slot.name)
        with suppress(UnreadableRecord):  # it stays as it is, and this run has another number
            if content is not None and (head := decode_head(content)).keys == keys:
                return slot, head
    return None


def number_of(plan: Plan) -> int | None:
    """Return under which number a plan's run is remembered; None where it is not, or that cannot be read."""
    with suppress(StoreError):
        found = find_slot(plan.store.runs(group_of(plan.path)), asked_by(plan), digest_of_keys(plan))
        return found[0].number if found else None
    return None


def next_number(store: Store, records: Records, slots: Iterable[Slot]) -> int:
    """Return a number that no run has, nor a reference of one that was kept."""
    group = records.url.rpartition("/")[2]
    kept = (name.removeprefix(f"{group}.").removesuffix(".json") for name in store.ref_names(f"{group}."))
    return max([0, *(slot.number for slot in slots), *(int(each) for each in kept if each.isdecimal())]) + 1


def delete_oldest(store: Store, records: Records, own: Slot, slots: Sequence[Slot]) -> None:
    """Delete records of the oldest runs where there are many; kept runs, and records of other versions, stay."""
    if len(slots) < MOST_RUNS:
        return
    group = records.url.rpartition("/")[2]
    kept = {*store.ref_names(f"{group}.")}
    free = sorted(slot for slot in {*slots, own} if f"{group}.{slot.number}.json" not in kept)
    for slot in free[: max(len(free) - MOST_RUNS, 0)]:
        content = records.read(slot.name)
        try:
            if content is not None and slot != own:
                decode(content)
                records.delete(slot.name)
        except UnreadableRecord:
            continue
