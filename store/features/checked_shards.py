"""An output as a Zarr store whose shards are checked as a whole, hash and index, before a chunk of them is read."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from zarr.abc.store import ByteRequest
from zarr.core.buffer import Buffer, BufferPrototype, default_buffer_prototype

from store.features.array_metadata import ArrayMetadata
from store.features.shard_index import ShardIndexes
from store.features.verified import VerifiedZarrStore

if TYPE_CHECKING:
    from store.reading.output import Output


class CheckedShards(VerifiedZarrStore):
    """A `VerifiedZarrStore` of arrays whose metadata is trusted."""

    def __init__(self, output: Output, arrays: Mapping[str, ArrayMetadata], indexes: ShardIndexes) -> None:
        super().__init__(output)
        self._arrays = arrays
        self._indexes = indexes
        self._indexed: set[str] = set()

    async def get(
        self, key: str, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        array = self._arrays.get(key.partition("/")[0])
        if array is None or key in self._indexed or key not in self._entries or key.endswith("/zarr.json"):
            return await super().get(key, prototype, byte_range)
        shard = int(key.split("/")[2])
        data = None if byte_range is not None else await asyncio.to_thread(self._output.read_bytes, key)
        await asyncio.to_thread(self._indexes.table, array, shard, data)
        self._indexed.add(key)
        if data is None:
            return await super().get(key, prototype, byte_range)
        return (prototype or default_buffer_prototype()).buffer.from_bytes(data)
