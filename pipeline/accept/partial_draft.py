"""A draft of which only some shards are computed: the others count as done, and are those of the earlier output."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from store.canonical import digest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from store import Draft


class PartialDraft:
    """Looks to a stage like a draft that was stopped when all but the `wanted` shards were done.

    The draft itself is empty. `recordings` are the ids of the earlier output's rows, by shard; `skipped` those
    of which it has no values, with the reason.
    """

    def __init__(
        self, draft: Draft, wanted: Collection[int], recordings: Sequence[Sequence[str]], skipped: Mapping[str, str]
    ) -> None:
        self._draft = draft
        self._rest = frozenset(str(shard) for shard in range(len(recordings)) if shard not in wanted)
        self._notes = {
            f"skipped-{shard}.json": json.dumps({id_: skipped[id_] for id_ in ids if id_ in skipped}).encode()
            for shard, ids in enumerate(recordings)
            if shard not in wanted
        }

    def __getattr__(self, name: str) -> Any:
        return getattr(self._draft, name)

    @property
    def done(self) -> frozenset[str]:
        """Return the shards that need not be computed."""
        return self._draft.done | self._rest

    def scratch_read(self, name: str) -> bytes | None:
        """Return what an earlier owner noted of a shard: what was broken in it."""
        return self._notes.get(name) or self._draft.scratch_read(name)


def choose_shards(key: str, usable: NDArray[np.int64], count: int) -> list[int]:
    """Choose at most `count` shards to compute again, from the number of `usable` rows of each.

    Those with fewer than half as many usable rows as the fullest are left out. The order of the others is that of
    a digest of the step's new key and their number: anybody finds the same, and another change another one.
    """
    good = np.flatnonzero((usable > 0) & (2 * usable >= usable.max(initial=0)))
    return sorted(sorted(map(int, good), key=lambda shard: digest([key, shard]))[:count])
