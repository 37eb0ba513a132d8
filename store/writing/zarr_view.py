"""A draft as a writable Zarr store: what Zarr writes goes through the draft, which remembers each object's SHA-256."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

from zarr.abc.store import ByteRequest, OffsetByteRequest, RangeByteRequest, Store, SuffixByteRequest
from zarr.core.buffer import Buffer, BufferPrototype, default_buffer_prototype

from store.writing.shard_draft import ShardDraft


class DraftZarrStore(Store):
    """Zarr's view of a draft's objects; what may wait for a disk or a network does so in a thread."""

    supports_writes = supports_deletes = supports_listing = True

    def __init__(self, draft: ShardDraft, *, read_only: bool = False) -> None:
        super().__init__(read_only=read_only)
        self._draft = draft

    def with_read_only(self, read_only: bool = False) -> DraftZarrStore:
        return DraftZarrStore(self._draft, read_only=read_only)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DraftZarrStore) and other._draft is self._draft and other.read_only == self.read_only

    def __hash__(self) -> int:
        return hash(id(self._draft))

    def __repr__(self) -> str:
        return f"DraftZarrStore({self._draft.stage}/{self._draft.key}/{self._draft.attempt})"

    async def get(
        self, key: str, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        try:
            data = await asyncio.to_thread(self._read, key, byte_range)
        except FileNotFoundError:
            return None
        return (prototype or default_buffer_prototype()).buffer.from_bytes(data)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        return await asyncio.gather(*(self.get(key, prototype, part) for key, part in key_ranges))

    async def exists(self, key: str) -> bool:
        return await asyncio.to_thread(self._draft.size, key) is not None

    async def set(self, key: str, value: Buffer) -> None:
        self._check_writable()
        await asyncio.to_thread(self._draft.write, key, value.to_bytes())

    async def delete(self, key: str) -> None:
        self._check_writable()
        await asyncio.to_thread(self._draft.delete, key)

    async def list(self) -> AsyncIterator[str]:
        for path in await asyncio.to_thread(lambda: tuple(self._draft.paths())):
            yield path

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        folder = _folder(prefix)
        async for path in self.list():
            if path.startswith(folder):
                yield path

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        start = len(_folder(prefix))
        for name in sorted({path[start:].partition("/")[0] async for path in self.list_prefix(prefix)}):
            yield name

    def _read(self, path: str, part: ByteRequest | None) -> bytes:
        """Return an object's bytes, or a part of them; FileNotFoundError where there is none."""
        if part is None:
            return self._draft.read(path)
        size = self._draft.size(path)
        if size is None:
            raise FileNotFoundError(path)
        match part:
            case RangeByteRequest(start, end):
                return self._draft.read(path, min(start, size), min(end, size))
            case OffsetByteRequest(offset):
                return self._draft.read(path, min(offset, size), size)
            case SuffixByteRequest(suffix):
                return self._draft.read(path, max(0, size - suffix), size)
        raise TypeError(f"unexpected byte request {part!r}")


def _folder(prefix: str) -> str:
    return f"{prefix.rstrip('/')}/" if prefix.rstrip("/") else ""
