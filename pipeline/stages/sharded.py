"""Stages whose output is made shard by shard, by one process or by many, in any order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

Note = Mapping[str, Any]  # JSON values: what is worth knowing about a shard that was made


class Sharded(Protocol):
    """One step in parts: its coordinator calls `prepare` and `finalise`, whoever makes shards calls `make_shards`."""

    def prepare(self) -> Sequence[int]:
        """Create the arrays and copy what earlier outputs have; return the shards that are left to make."""
        ...

    def make_shards(self, numbers: Iterable[int]) -> Iterator[tuple[int, Note]]:
        """Make shards, in this order, overlapping one with the next; yield each when it is journalled."""
        ...

    def finalise(self, notes: Iterable[Note]) -> dict[str, Any]:
        """Write what belongs to the output as a whole, when every shard is there; return its provenance."""
        ...


def seconds_by_phase(notes: Iterable[Note]) -> dict[str, float]:
    """Add up the ``timings`` of shards."""
    found: dict[str, float] = {}
    for note in notes:
        for phase, seconds in note["timings"].items():
            found[phase] = round(found.get(phase, 0.0) + seconds, 3)
    return found


def run_sharded(step: Sharded) -> dict[str, Any]:
    """Do a step whole in this process; return its provenance."""
    return step.finalise([note for _, note in step.make_shards(step.prepare())])
