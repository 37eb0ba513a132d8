"""Reading a feature array's values chunk by chunk, each verified and decompressed straight into the result.

zarr-python reads the same values in two to four times as long: its event loop and its copies cost more than
decompressing does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from store.features.array_metadata import ArrayMetadata
from store.features.row_selection import ChunkSelection, select_chunks
from store.features.shard_index import ShardIndexes, Table
from store.features.zstd import decompress_exact
from store.manifest.limits import MIB

if TYPE_CHECKING:
    from store.reading.output import Output

_MAX_SHARD_WORKERS = 4
_MAX_CHUNK_WORKERS = min(8, 2 * (os.cpu_count() or 1))  # beyond eight, threads wait for Python

ChunkIndex: TypeAlias = tuple[int, ...]  # a chunk's position within its band, along all dimensions but the rows
Job = TypeVar("Job")


class ShardReader:
    """Reads arrays of one output. Threads may share it.

    Beside the result it takes, at a time, a few chunks and as many bytes as a few unpacked shards have.
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        self._indexes = ShardIndexes(output)

    def read(self, array: ArrayMetadata, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Return rows of an array, which has them, in the given order; one that is named twice comes twice."""
        values = np.empty((len(rows), *array.shape[1:]), array.dtype.newbyteorder("<"))
        shards = select_chunks(rows, array.shard[0], array.chunk[0])
        # Two pools: one alone could be filled with shards, whose chunks would then wait for a thread for ever.
        with (
            ThreadPoolExecutor(_MAX_CHUNK_WORKERS) as chunk_threads,
            ThreadPoolExecutor(_MAX_SHARD_WORKERS) as shard_threads,
        ):

            def read_shard(shard: int) -> None:
                opened = self._open(array, shard, shards[shard])
                jobs = list(product(shards[shard], np.ndindex(array.grid[1:])))
                _for_each(chunk_threads, jobs, lambda job: opened.read(*job, values))

            _for_each(shard_threads, shards, read_shard)
        return values

    def _open(self, array: ArrayMetadata, shard: int, selections: Collection[ChunkSelection]) -> _Shard:
        path = array.shard_path(shard)
        # A shard of which rows of every band are wanted is read at once, unless it is far larger than its values:
        # a stranger's may be.
        size_limit = prod(array.shard) * array.dtype.itemsize + MIB
        if len(selections) == array.bands(shard) and self._output.entries[path].size <= size_limit:
            data = self._read_whole(path)
            table = self._indexes.table(array, shard, data)
            return _Shard(self._output, path, array, table, lambda start, stop: data[start:stop])
        table = self._indexes.table(array, shard)
        return _Shard(self._output, path, array, table, partial(self._output.read_range, path))

    def _read_whole(self, path: str) -> bytes:
        if self._output.is_checked(path):
            return self._output.read_range(path, 0, self._output.entries[path].size)
        return self._output.read_bytes(path)


@dataclass(frozen=True)
class _Shard:
    output: Output
    path: str
    array: ArrayMetadata
    table: Table
    fetch: Callable[[int, int], bytes]  # returns the shard's bytes from an offset to another

    def read(self, selection: ChunkSelection, index: ChunkIndex, values: NDArray[Any]) -> None:
        """Read the selected rows of one chunk into their places among the values."""
        array = self.array
        if array.chunk[1:] == array.shape[1:] and selection.is_whole(array.chunk[0]):
            self._unpack(selection.band, index, values[selection.targets])  # without a copy
            return
        chunk = np.empty(array.chunk, values.dtype)
        self._unpack(selection.band, index, chunk)
        # The last chunk along a dimension may reach beyond the array.
        starts = [at * size for at, size in zip(index, array.chunk[1:], strict=True)]
        ends = [min(at + size, whole) for at, size, whole in zip(starts, array.chunk[1:], array.shape[1:], strict=True)]
        in_values = tuple(slice(start, end) for start, end in zip(starts, ends, strict=True))
        in_chunk = tuple(slice(end - start) for start, end in zip(starts, ends, strict=True))
        values[(selection.targets, *in_values)] = chunk[(selection.rows, *in_chunk)]

    def _unpack(self, band: int, index: ChunkIndex, chunk: NDArray[Any]) -> None:
        start, length = (int(each) for each in self.table[(band, *index)])
        # The first reading may slice bytes that are in memory already; the second asks the medium.
        readings = iter((self.fetch, partial(self.output.read_range, self.path)))

        def read() -> None:
            stored = next(readings)(start, start + length)
            frame = stored[:-4]
            if google_crc32c.value(frame) != int.from_bytes(stored[-4:], "little"):
                raise ValueError("it does not have its checksum")
            decompress_exact(frame, chunk)

        try:
            self.output.read_twice(self.path, read, (ValueError, RuntimeError))
        except (ValueError, RuntimeError) as error:  # its hash was right, so it was published like this
            raise self.output.corrupt_error(self.path, f"holds a chunk that cannot be unpacked: {error}") from error


def _for_each(threads: ThreadPoolExecutor, jobs: Collection[Job], do: Callable[[Job], None]) -> None:
    """Do all jobs; a single one without a thread. The first that fails stops those that have not begun."""
    run = threads.map if len(jobs) > 1 else map
    for _ in run(do, jobs):
        pass
