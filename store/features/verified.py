"""A published output as a read-only Zarr store that checks each object at its first touch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING

from zarr.abc.store import ByteRequest
from zarr.abc.store import Store as ZarrStore
from zarr.core.buffer import Buffer, BufferPrototype, default_buffer_prototype

from store.writing.zarr_keys import below, bounds, children

if TYPE_CHECKING:
    from store.reading.output import Output


class VerifiedZarrStore(ZarrStore):
    """Zarr's view of an output.

    An object that the manifest does not list is absent. One that it lists is there with those very bytes, or
    reading it raises CorruptObject: never the fill value.
    """

    supports_writes = False
    supports_deletes = False
    supports_listing = True
    supports_partial_writes = False

    def __init__(self, output: Output) -> None:
        super().__init__(read_only=True)
        self._output = output
        self._entries = output.entries

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VerifiedZarrStore) and other._output.url == self._output.url

    def __hash__(self) -> int:
        return hash(self._output.url)

    def __repr__(self) -> str:
        return f"VerifiedStore({self._output.url!r})"

    async def get(
        self, key: str, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if byte_range is None:
            data = await asyncio.to_thread(self._output.read_bytes, key)
        else:
            data = await asyncio.to_thread(self._output.read_range, key, *bounds(byte_range, entry.size))
        return (prototype or default_buffer_prototype()).buffer.from_bytes(data)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        return await asyncio.gather(*(self.get(key, prototype, wanted) for key, wanted in key_ranges))

    async def exists(self, key: str) -> bool:
        return key in self._entries

    async def set(self, key: str, value: Buffer) -> None:
        self._check_writable()

    async def set_partial_values(self, key_start_values: Iterable[tuple[str, int, bytes]]) -> None:
        self._check_writable()

    async def delete(self, key: str) -> None:
        self._check_writable()

    async def list(self) -> AsyncIterator[str]:
        for path in self._entries:
            yield path

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        for path in below(self._entries, prefix):
            yield path

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        for name in children(self._entries, prefix):
            yield name
