"""Reading a feature output: verified against its manifest as it is read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from store.errors import LayoutError
from store.features.array_metadata import ArrayMetadata, read_metadata
from store.features.shard_reader import ShardReader

if TYPE_CHECKING:
    from store.reading.output import Output


def open_features(output: Output) -> FeatureOutput:
    """Open a published feature output; CorruptObject where its metadata is not (or no more) what a layout lays out."""
    return FeatureOutput(output)


class FeatureOutput:
    """A feature output's arrays."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self.attributes, self._arrays = read_metadata(output)  # the attributes that `create` was given
        self._reader = ShardReader(output)
        self.names = tuple(sorted(self._arrays))
        self.rows = self._arrays[self.names[0]].shape[0]  # of every array: one for each recording

    def array(self, name: str) -> ArrayMetadata:
        """Return an array's shape (recording, ...), type, and how it is cut; LayoutError where there is none."""
        try:
            return self._arrays[name]
        except KeyError:
            raise LayoutError(f"{self._output.url} has no array {name!r}; it has {', '.join(self.names)}") from None

    def read(self, name: str, rows: Sequence[int] | None = None) -> np.ndarray[Any, Any]:
        """Return an array's values, shape (recording, ...): all rows, or the given ones in the given order.

        Raises
        ------
        CorruptObject
            A shard's bytes changed after it was published, or the shard is gone; or what was published does not
            unpack to the array's chunks.
        LayoutError
            The rows take more memory than this machine has.
        IndexError
            There is no such row.
        """
        array = self.array(name)
        wanted = np.arange(self.rows) if rows is None else np.asarray(rows, np.int64)
        _check_memory(self._output, array, len(wanted))
        if len(wanted) and not 0 <= wanted.min() <= wanted.max() < self.rows:
            raise IndexError(f"rows {wanted.min()} to {wanted.max()} of {name}; it has rows 0 to {self.rows - 1}")
        return self._reader.read(array, wanted)


def _check_memory(output: Output, array: ArrayMetadata, rows: int) -> None:
    needed = rows * prod(array.shape[1:]) * array.dtype.itemsize
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > total:
        raise LayoutError(
            f"{output.url}/{array.name}: {rows} rows take {needed >> 30} GiB; this machine has {total >> 30}. "
            "Read fewer rows at a time"
        )
