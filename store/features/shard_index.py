"""The index of a shard, which says where its chunks lie, validated in full before anything is read by it."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from store.errors import CorruptObject
from store.features.array_metadata import ArrayMetadata
from store.features.layout import CHUNK_BYTES

if TYPE_CHECKING:
    from store.reading.output import Output

# Of a compressed chunk: zstd adds less than a hundredth to what it cannot compress.
COMPRESSED_BYTES = 2 * CHUNK_BYTES
_CACHE_BYTES = 64 << 20
_ABSENT = np.uint64(2**64 - 1)

Table = NDArray[np.uint64]


class ShardIndexes:
    """The indexes of an output's shards, each read and validated once. Threads may share it.

    An index must list each chunk that holds rows, within the shard: a chunk that it leaves out would be read as the
    fill value, and one that it lists twice could be read without end.
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        self._lock = Lock()
        self._tables: dict[str, Table] = {}
        self._cached_bytes = 0

    def table(self, array: ArrayMetadata, shard: int, data: bytes | None = None) -> Table:
        """Return where each chunk of a shard starts and how many bytes it has, shape (*grid, 2).

        Parameters
        ----------
        data : bytes, optional
            The shard, where it has been read whole.

        Raises
        ------
        CorruptObject
            It changed after it was published, or is not a shard of this array.
        """
        path, size = array.shard_path(shard), index_size(array)
        table = self._tables.get(path)
        if table is None:
            stop = self._output.entries[path].size
            at_hand = iter(() if data is None else (data[-size:],))  # for the first reading; the second reads anew

            def read() -> Table:
                index = next(at_hand, None) or self._output.read_range(path, max(0, stop - size), stop)
                problem = _problem(array, shard, stop, index)
                if problem is not None:
                    raise self._output.corrupt_error(path, f"is not a shard of {array.name}: {problem}")
                return _parse(array, index)

            table = self._output.read_twice(path, read, CorruptObject)
            self._cache(path, table)
        return table

    def _cache(self, path: str, table: Table) -> None:
        with self._lock:
            if self._cached_bytes + table.nbytes > _CACHE_BYTES:
                self._tables.clear()
                self._cached_bytes = 0
            self._cached_bytes += table.nbytes
            self._tables[path] = table


def index_size(array: ArrayMetadata) -> int:
    """Return the size of a shard's index in bytes: offset and length of each chunk, and a checksum."""
    return 16 * int(np.prod(array.grid)) + 4


def _parse(array: ArrayMetadata, index: bytes) -> Table:
    return np.frombuffer(index[:-4], "<u8").reshape(*array.grid, 2)


def _problem(array: ArrayMetadata, shard: int, size: int, index: bytes) -> str | None:
    """Return what is wrong with the index of a shard of `size` bytes, or None."""
    chunks_size = size - index_size(array)
    if chunks_size < 0:
        return f"its {size} bytes are less than its index"
    if google_crc32c.value(index[:-4]) != int.from_bytes(index[-4:], "little"):
        return "its index does not have its checksum"
    table = _parse(array, index)
    offsets, lengths = table[..., 0], table[..., 1]
    present = (offsets != _ABSENT) | (lengths != _ABSENT)
    # Zarr takes a chunk of no bytes for one that is absent.
    if not (present & (lengths > 0))[: array.bands(shard)].all():
        return "its index leaves chunks out"
    offsets, lengths = offsets[present], lengths[present]
    # Offsets are compared with a difference: their sum with a length could overflow.
    if (lengths > chunks_size).any() or (offsets > chunks_size - lengths).any() or int(lengths.sum()) > chunks_size:
        return "its index lists chunks beyond its end, or one twice"
    if (lengths > COMPRESSED_BYTES).any():
        return f"its index lists a chunk of more than {COMPRESSED_BYTES >> 20} MiB, compressed"
    return None
