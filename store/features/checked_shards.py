"""An output as a Zarr store whose shards are checked as a whole, hash and index, before a chunk of them is read."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

import google_crc32c
import numpy as np
from zarr.abc.store import ByteRequest
from zarr.core.buffer import Buffer, BufferPrototype, default_buffer_prototype

from store.features.trust import Trusted
from store.verified import VerifiedStore

if TYPE_CHECKING:
    from store.outputs import Output

_ABSENT = np.uint64(2**64 - 1)


class CheckedShards(VerifiedStore):
    """A `VerifiedStore` of arrays whose metadata is trusted.

    A shard's index must list each chunk that holds rows, within the shard; a chunk that it leaves out would be
    read as the fill value, and one that it lists twice could be read without end.
    """

    def __init__(self, output: Output, arrays: Mapping[str, Trusted]) -> None:
        super().__init__(output)
        self._arrays = arrays
        self._indexed: set[str] = set()

    async def get(
        self, key: str, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        array = self._arrays.get(key.partition("/")[0])
        if array is None or key in self._indexed or key not in self._entries or key.endswith("/zarr.json"):
            return await super().get(key, prototype, byte_range)
        if byte_range is None:
            data = await asyncio.to_thread(self._output.read_bytes, key)
            self._check(key, array, data[-_index_size(array) :])
            return (prototype or default_buffer_prototype()).buffer.from_bytes(data)
        self._check(key, array, await asyncio.to_thread(self._read_index, key, array))
        return await super().get(key, prototype, byte_range)

    def _read_index(self, key: str, array: Trusted) -> bytes:
        size = self._entries[key].size
        return self._output.read_range(key, max(0, size - _index_size(array)), size)

    def _check(self, key: str, array: Trusted, index: bytes) -> None:
        problem = _problem(array, int(key.split("/")[2]), self._entries[key].size, index)
        if problem is not None:
            raise self._output.refuse(key, f"is not a shard of {array.name}: {problem}")
        self._indexed.add(key)


def _index_size(array: Trusted) -> int:
    """Return the size of a shard's index: offset and length of each chunk, and a checksum."""
    return 16 * int(np.prod(array.grid)) + 4


def _problem(array: Trusted, shard: int, size: int, index: bytes) -> str | None:
    room = size - _index_size(array)
    if room < 0:
        return f"its {size} bytes are less than its index"
    if google_crc32c.value(index[:-4]) != int.from_bytes(index[-4:], "little"):
        return "its index does not have its checksum"
    table = np.frombuffer(index[:-4], "<u8").reshape(*array.grid, 2)
    offsets, lengths = table[..., 0], table[..., 1]
    there = (offsets != _ABSENT) | (lengths != _ABSENT)
    rows = min(array.shard[0], array.shape[0] - shard * array.shard[0])
    if not there[: -(-rows // array.chunk[0])].all():
        return "its index leaves chunks out"
    offsets, lengths = offsets[there], lengths[there]
    if (lengths > room).any() or (offsets > room - lengths).any() or int(lengths.sum()) > room:
        return "its index lists chunks beyond its end, or one twice"
    return None
