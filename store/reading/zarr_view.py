"""A published output as a read-only Zarr group, for xarray and other readers of Zarr; each object is verified first.

Start at `open_zarr`. `ObjectZarrStore` is what the views of an output and of a draft have in common.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterable

import zarr
from zarr.abc.store import ByteRequest, OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.abc.store import Store as ZarrStore
from zarr.core.buffer import Buffer, BufferPrototype, default_buffer_prototype

from store.reading.output import Output


def open_zarr(output: Output) -> zarr.Group:
    """Open an output's Zarr group, read-only; each object is compared with the manifest at its first touch.

    Its hash is checked, and no more: what Zarr makes of metadata that a stranger wrote is not bounded. Values of
    features are read with `store.features.open_features`, which checks those, too, and is faster.
    """
    return zarr.open_group(VerifiedZarrStore(output), mode="r", zarr_format=3, use_consolidated=False)


class ObjectZarrStore(ZarrStore):
    """A Zarr store over objects by path; a subclass says how they are listed and read."""

    supports_writes = supports_deletes = False
    supports_listing = True

    @abstractmethod
    def _paths(self) -> Iterable[str]: ...

    @abstractmethod
    def _size(self, path: str) -> int | None: ...

    @abstractmethod
    def _read(self, path: str, *span: int) -> bytes:
        """Return an object's bytes, all or from a start to a stop; FileNotFoundError where there is none."""

    async def get(
        self, key: str, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        try:
            data = await asyncio.to_thread(self._read_part, key, byte_range)
        except FileNotFoundError:
            return None
        return (prototype or default_buffer_prototype()).buffer.from_bytes(data)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        return await asyncio.gather(*(self.get(key, prototype, part) for key, part in key_ranges))

    async def exists(self, key: str) -> bool:
        return await asyncio.to_thread(self._size, key) is not None

    async def set(self, key: str, value: Buffer) -> None:
        self._check_writable()

    async def delete(self, key: str) -> None:
        self._check_writable()

    async def list(self) -> AsyncIterator[str]:
        for path in await asyncio.to_thread(self._paths):
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

    def _read_part(self, path: str, part: ByteRequest | None) -> bytes:
        if part is None:
            return self._read(path)
        size = self._size(path)
        if size is None:
            raise FileNotFoundError(path)
        return self._read(path, *_span(part, size))


class VerifiedZarrStore(ObjectZarrStore):
    """Zarr's view of an output.

    An object that the manifest does not list is absent. One that it lists is there with those very bytes, or
    reading it raises CorruptObject: never the fill value.
    """

    def __init__(self, output: Output) -> None:
        super().__init__(read_only=True)
        self._output = output

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VerifiedZarrStore) and other._output.url == self._output.url

    def __hash__(self) -> int:
        return hash(self._output.url)

    def __repr__(self) -> str:
        return f"VerifiedZarrStore({self._output.url!r})"

    def _paths(self) -> Iterable[str]:
        return self._output.entries

    def _size(self, path: str) -> int | None:
        return self._output.entries[path].size if path in self._output.entries else None

    def _read(self, path: str, *span: int) -> bytes:
        if path not in self._output.entries:
            raise FileNotFoundError(path)
        return self._output.read_range(path, *span) if span else self._output.read_bytes(path)


def _folder(prefix: str) -> str:
    return f"{prefix.rstrip('/')}/" if prefix.rstrip("/") else ""


def _span(part: ByteRequest, size: int) -> tuple[int, int]:
    """Return where a byte request starts and stops in an object of `size` bytes."""
    match part:
        case RangeByteRequest(start, end):
            return min(start, size), min(end, size)
        case OffsetByteRequest(offset):
            return min(offset, size), size
        case SuffixByteRequest(suffix):
            return max(0, size - suffix), size
    raise TypeError(f"unexpected byte request {part!r}")
