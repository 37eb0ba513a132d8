"""What Zarr stores over a set of object paths have in common: byte ranges and listing."""

from __future__ import annotations

from collections.abc import Iterable

from zarr.abc.store import ByteRequest, OffsetByteRequest, RangeByteRequest, SuffixByteRequest


def bounds(request: ByteRequest | None, size: int) -> tuple[int, int]:
    """Return where a Zarr byte request starts and stops in an object of `size` bytes."""
    if request is None:
        return 0, size
    if isinstance(request, RangeByteRequest):
        return min(request.start, size), min(request.end, size)
    if isinstance(request, OffsetByteRequest):
        return min(request.offset, size), size
    if isinstance(request, SuffixByteRequest):
        return max(0, size - request.suffix), size
    raise TypeError(f"unexpected byte request {request!r}")


def below(paths: Iterable[str], prefix: str) -> list[str]:
    """Return the paths below a prefix, which may be empty."""
    start = f"{prefix.rstrip('/')}/" if prefix.rstrip("/") else ""
    return [path for path in paths if path.startswith(start)]


def children(paths: Iterable[str], prefix: str) -> list[str]:
    """Return the names directly below a prefix, each once."""
    start = len(prefix.rstrip("/")) + 1 if prefix.rstrip("/") else 0
    return sorted({path[start:].partition("/")[0] for path in below(paths, prefix)})
