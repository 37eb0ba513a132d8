"""An attempt as a writable Zarr store: every object goes through the draft, which remembers its SHA-256."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from zarr.core.buffer import Buffer

from store.reading.zarr_view import ObjectZarrStore
from store.writing.shard_draft import ShardDraft


class DraftZarrStore(ObjectZarrStore):
    """Zarr's view of an attempt in progress."""

    supports_writes = supports_deletes = True

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

    async def set(self, key: str, value: Buffer) -> None:
        self._check_writable()
        await asyncio.to_thread(self._draft.write, key, value.to_bytes())

    async def delete(self, key: str) -> None:
        self._check_writable()
        await asyncio.to_thread(self._draft.delete, key)

    def _paths(self) -> Iterable[str]:
        return tuple(self._draft.paths())  # listed here, in a thread of its own

    def _size(self, path: str) -> int | None:
        return self._draft.size(path)

    def _read(self, path: str, *span: int) -> bytes:
        return self._draft.read(path, *span)
