"""obstore's requests, each bounded in time and in the number of bytes that it accepts.

Lengths that a service claims are not trusted: bytes are counted as they arrive.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, TypeVar

import obstore
from obstore.store import ObjectStore

from store.backends.base import Data
from store.backends.object_store.deadlines import MIB, STALLS_PER_MIB, DeadlineExceeded, RequestBudget, call

PAGE = 1000  # entries of a listing at a time
MAX_LISTED = 20_000_000

T = TypeVar("T")

Check = Callable[[Any], None]
"""Looks at obstore's GetResult before any byte of it is taken, and raises where it cannot be the object."""


def accept(answer: Any) -> None:
    """Take any answer: a service's own API names its errors by their status."""


def get(objects: ObjectStore, path: str, start: int, stop: int, check: Check = accept) -> bytes:
    """Return bytes `start` to `stop` of an object, or to its end; `DeadlineExceeded` where more than those arrive."""
    wanted = stop - start
    data, _ = call(lambda: _receive(objects, path, wanted, {"range": (start, stop)}, check))
    if len(data) > wanted:
        raise DeadlineExceeded(f"more than the {wanted:,} bytes that were asked for came")
    return data


def first_bytes(objects: ObjectStore, path: str, limit: int, check: Check = accept) -> tuple[bytes, Any]:
    """Return an object's bytes, or slightly more than the first `limit` of them, and its metadata."""
    return call(lambda: _receive(objects, path, limit, {}, check))


async def _receive(objects: ObjectStore, path: str, limit: int, options: Any, check: Check) -> tuple[bytes, Any]:
    budget = RequestBudget()
    answer = await budget.wait(lambda: obstore.get_async(objects, path, options=options))
    check(answer)
    pieces, size = [], 0
    body = answer.stream(min_chunk_size=min(MIB, limit))
    while size <= limit and (piece := await budget.wait(lambda: _next(body))) is not None:
        pieces.append(piece)
        size += len(piece)
        budget.earn_bytes(len(piece))
    data = pieces[0] if len(pieces) == 1 else b"".join(pieces)  # a single piece is not copied
    return data, answer.meta


def stream(objects: ObjectStore, path: str, check: Check = accept) -> Iterator[Data]:
    """Yield an object's bytes in pieces of about a MiB; the caller stops when there are too many."""
    budget = RequestBudget()
    answer = call(lambda: budget.wait(lambda: obstore.get_async(objects, path)))
    check(answer)
    body = answer.stream(min_chunk_size=MIB)
    while (piece := call(lambda: budget.wait(lambda: _next(body)))) is not None:
        budget.earn_bytes(len(piece))
        yield memoryview(piece)


def head(objects: ObjectStore, path: str, check: Check = accept) -> Any:
    """Return an object's metadata."""
    answer = _request(lambda: obstore.get_async(objects, path, options={"head": True}))
    check(answer)
    return answer.meta


def entries(objects: ObjectStore, prefix: str) -> Iterator[Any]:
    """Yield the metadata of every object below a prefix; `DeadlineExceeded` where the listing does not end."""
    budget = RequestBudget()
    pages, first_paths, count = None, set(), 0

    async def page() -> Sequence[Any] | None:
        nonlocal pages
        if pages is None:
            pages = obstore.list(objects, prefix, chunk_size=PAGE)
        return await budget.wait(lambda: _next(pages))

    while (metas := call(page)) is not None:
        budget.earn(1.0)
        first, count = metas[0]["path"], count + len(metas)
        if first in first_paths or count > MAX_LISTED:
            repeated = f": {first} comes again" if first in first_paths else ""
            raise DeadlineExceeded(f"the listing comes to no end{repeated}")
        first_paths.add(first)
        yield from metas


def list_dir(objects: ObjectStore, prefix: str) -> tuple[list[str], list[str]]:
    """Return the paths of folders and of objects directly below a prefix.

    An empty object whose key is the prefix and a slash, such as consoles create for a folder, is left out.
    """
    listing = _request(lambda: obstore.list_with_delimiter_async(objects, prefix))
    return list(listing["common_prefixes"]), [meta["path"] for meta in listing["objects"] if meta["path"] != prefix]


def put(objects: ObjectStore, path: str, data: Data, *, mode: Any = "overwrite", factor: float = 1.0) -> Any:
    """Write an object in one request and return its metadata.

    Parameters
    ----------
    mode : str or dict
        As obstore's.
    factor : float
        How many times as long as usual it may take.
    """
    return _request(
        lambda: obstore.put_async(objects, path, data, mode=mode, use_multipart=False),
        factor,
        memoryview(data).nbytes / MIB * STALLS_PER_MIB,
    )


def delete(objects: ObjectStore, paths: str | list[str]) -> None:
    """Delete objects."""
    _request(lambda: obstore.delete_async(objects, paths), stalls=0 if isinstance(paths, str) else len(paths) / PAGE)


def copy(objects: ObjectStore, path: str, to: str, factor: float) -> None:
    """Have the service copy an object."""
    _request(lambda: obstore.copy_async(objects, path, to), factor)


def rename(objects: ObjectStore, path: str, to: str, factor: float) -> None:
    """Have the service copy an object and delete the original."""
    _request(lambda: obstore.rename_async(objects, path, to), factor)


def _request(make: Callable[[], Awaitable[T]], factor: float = 1.0, stalls: float = 0.0) -> T:
    """Return the answer to one request, which may wait `factor` times as long as usual, and `stalls` on top."""

    async def work() -> T:
        budget = RequestBudget(factor)
        budget.earn(stalls)
        return await budget.wait(make)

    return call(work)


async def _next(pieces: Any) -> Any:
    return await anext(pieces, None)
