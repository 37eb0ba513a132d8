"""Which chunks hold the rows that are wanted, and where each row goes: arithmetic alone."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Rows: TypeAlias = slice | NDArray[np.int64]  # a slice where they follow each other


@dataclass(frozen=True)
class ChunkSelection:
    """What is wanted of one band: the chunks of a shard that hold the same rows.

    Attributes
    ----------
    band : int
        Which of the shard's.
    rows : slice or ndarray
        Those that are wanted, counted from the band's first.
    places : slice or ndarray
        Where they go in the result, in the same order; a slice where `rows` is one.
    """

    band: int
    rows: Rows
    places: Rows

    def is_whole(self, rows_per_chunk: int) -> bool:
        """Tell whether all rows of the band are wanted, one after the other in the result."""
        return isinstance(self.rows, slice) and self.rows.stop - self.rows.start == rows_per_chunk


def select_chunks(
    wanted: NDArray[np.int64], rows_per_shard: int, rows_per_chunk: int
) -> dict[int, list[ChunkSelection]]:
    """Return what is wanted of each shard, in order; `wanted` may be in any order, and name a row twice."""
    order = np.argsort(wanted, kind="stable")
    ordered = wanted[order]
    follows = (np.diff(ordered) == 1) & (np.diff(order) == 1)
    bands = ordered // rows_per_chunk
    cuts = [0, *(np.flatnonzero(np.diff(bands)) + 1).tolist(), len(wanted)] if len(wanted) else []
    bands_per_shard = rows_per_shard // rows_per_chunk
    picks: dict[int, list[ChunkSelection]] = {}
    for start, stop in pairwise(cuts):
        band = int(bands[start])
        rows, places = ordered[start:stop] - band * rows_per_chunk, order[start:stop]
        straight = bool(follows[start : stop - 1].all())
        shard, within = divmod(band, bands_per_shard)
        picks.setdefault(shard, []).append(
            ChunkSelection(within, _slice(rows) if straight else rows, _slice(places) if straight else places)
        )
    return picks


def _slice(rows: NDArray[np.int64]) -> slice:
    return slice(int(rows[0]), int(rows[-1]) + 1)
