"""Which chunks hold the rows that are asked for, and where each row goes: arithmetic alone."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Rows: TypeAlias = slice | NDArray[np.int64]  # a slice where they follow each other


@dataclass(frozen=True)
class ChunkSelection:
    """The rows selected of one band: the chunks of a shard that hold the same rows."""

    band: int  # which of the shard's
    rows: Rows  # those that are selected, counted from the band's first
    targets: Rows  # where they go in the result, in the same order; a slice where `rows` is one

    def is_whole(self, rows_per_chunk: int) -> bool:
        """Return whether all rows of the band are selected, one after the other in the result."""
        return isinstance(self.rows, slice) and self.rows.stop - self.rows.start == rows_per_chunk


def select_chunks(rows: NDArray[np.int64], rows_per_shard: int, rows_per_chunk: int) -> dict[int, list[ChunkSelection]]:
    """Return what to read of each shard, in order; `rows` may be in any order, and name a row twice."""
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    # Rows that follow each other here and in the result are copied as a slice, straight into it.
    follows = (np.diff(ordered) == 1) & (np.diff(order) == 1)
    bands = ordered // rows_per_chunk
    cuts = [0, *(np.flatnonzero(np.diff(bands)) + 1).tolist(), len(rows)] if len(rows) else []
    bands_per_shard = rows_per_shard // rows_per_chunk
    selections: dict[int, list[ChunkSelection]] = {}
    for start, stop in pairwise(cuts):
        band = int(bands[start])
        of_band, targets = ordered[start:stop] - band * rows_per_chunk, order[start:stop]
        contiguous = bool(follows[start : stop - 1].all())
        shard, band_in_shard = divmod(band, bands_per_shard)
        selections.setdefault(shard, []).append(
            ChunkSelection(
                band_in_shard,
                _slice(of_band) if contiguous else of_band,
                _slice(targets) if contiguous else targets,
            )
        )
    return selections


def _slice(rows: NDArray[np.int64]) -> slice:
    return slice(int(rows[0]), int(rows[-1]) + 1)
