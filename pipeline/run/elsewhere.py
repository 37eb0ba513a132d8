"""The steps of a run that other runs are doing: by whom, and when to try them again."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from pipeline.plan.steps.step import Step
from pipeline.run.messages import StepFailed
from store import Store

LOOK_EVERY_S = 1.0  # for the outputs of such steps
_TRY_EVERY_S = 5.0  # to take them over


@dataclass
class _Held:
    try_at: float
    failed: StepFailed


class Elsewhere:
    """Steps that could not be begun because another process holds their locks, by id."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: dict[str, _Held] = {}
        self._owners: dict[str, str] = {}  # as they were told last; steps that were left stay here

    def __contains__(self, id_: str) -> bool:
        return id_ in self._held

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._held))

    def __len__(self) -> int:
        return len(self._held)

    def add(self, id_: str, failed: StepFailed) -> str:
        """Add a step, of which the message says who does it; return that where it is news."""
        self._held[id_] = _Held(time.monotonic() + _TRY_EVERY_S, failed)
        return self._news(id_, failed.locked_by)

    def remove(self, id_: str) -> StepFailed:
        """Take a step out; return how it failed."""
        return self._held.pop(id_).failed

    def drop(self, ids: Collection[str]) -> None:
        """Forget steps that are not to be done any more."""
        self._held = {id_: held for id_, held in self._held.items() if id_ not in ids}

    def look(self, step: Step) -> str:
        """Look who holds a step, if it is time to; take it out where nobody does. Return a new holder's name."""
        held = self._held[step.id]
        if time.monotonic() < held.try_at:
            return ""
        writer = self._store.writer(step.stage, step.key)
        if writer is None or not writer.holds:  # or only a try tells
            del self._held[step.id]
            return ""
        held.try_at = time.monotonic() + _TRY_EVERY_S
        return self._news(step.id, writer.name)

    def _news(self, id_: str, owner: str) -> str:
        known, self._owners[id_] = self._owners.get(id_), owner
        return "" if known == owner else owner
