"""An attempt as a writable Zarr store: every object goes through the draft, which remembers its SHA-256."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING

from zarr.abc.store import ByteRequest
from zarr.abc.store import Store as ZarrStore
from zarr.core.buffer import Buffer, BufferPrototype, default_buffer_prototype

from store.writing.zarr_keys import below, bounds, children

if TYPE_CHECKING:
    from store.writing.writer import Writer


class DraftZarrStore(ZarrStore):
    """Zarr's view of an attempt in progress."""

    supports_writes = True
    supports_deletes = True
    supports_listing = True
    supports_partial_writes = False

    def __init__(self, draft: Writer, *, read_only: bool = False) -> None:
        super().__init__(read_only=read_only)
        self._draft = draft

    def with_read_only(self, read_only: bool = False) -> DraftZarrStore:
        return DraftZarrStore(self._draft, read_only=read_only)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DraftZarrStore) and other._draft is self._draft and other.read_only == self.read_only

    def __hash__(self) -> int:
        return hash(id(self._draft))

    def __repr__(self) -> str:
        return f"AttemptStore({self._draft.stage}/{self._draft.key}/{self._draft.attempt})"

    async def get(
        self, key: str, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        data = await asyncio.to_thread(self._read, key, byte_range)
        return None if data is None else (prototype or default_buffer_prototype()).buffer.from_bytes(data)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        return await asyncio.gather(*(self.get(key, prototype, wanted) for key, wanted in key_ranges))

    async def exists(self, key: str) -> bool:
        return await asyncio.to_thread(self._draft.size, key) is not None

    async def set(self, key: str, value: Buffer) -> None:
        self._check_writable()
        await asyncio.to_thread(self._draft.write, key, value.to_bytes())

    async def set_partial_values(self, key_start_values: Iterable[tuple[str, int, bytes]]) -> None:
        raise NotImplementedError("objects are written whole")

    async def delete(self, key: str) -> None:
        self._check_writable()
        await asyncio.to_thread(self._draft.delete, key)

    async def list(self) -> AsyncIterator[str]:
        for path in await asyncio.to_thread(self._paths):
            yield path

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        for path in below(await asyncio.to_thread(self._paths), prefix):
            yield path

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        for name in children(await asyncio.to_thread(self._paths), prefix):
            yield name

    def _paths(self) -> tuple[str, ...]:
        return tuple(self._draft.paths())

    def _read(self, key: str, byte_range: ByteRequest | None) -> bytes | None:
        try:
            if byte_range is None:
                return self._draft.read(key)
            size = self._draft.size(key)
            return None if size is None else self._draft.read(key, *bounds(byte_range, size))
        except FileNotFoundError:
            return None
