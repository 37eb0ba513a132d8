"""obstore's requests, each with an end: in time, and in the bytes that are taken in.

Nothing that a service says of an answer's length is believed: bytes are counted as they come.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import obstore
from obstore.store import ObjectStore

from store.backends.base import Data
from store.backends.object_store.deadlines import STALLS_PER_MIB, DeadlineExceeded, RequestBudget, call

PIECE = 1 << 20
PAGE = 1000  # entries of a listing at a time
MOST_LISTED = 20_000_000


class Answer(NamedTuple):
    """An object's bytes, and what the service says of it."""

    data: bytes
    meta: Any


def get(objects: ObjectStore, path: str, start: int, stop: int) -> bytes:
    """Return bytes `start` to `stop` of an object, or to its end; `DeadlineExceeded` where more than those come."""
    wanted = stop - start
    data = call(lambda: _taken(objects, path, wanted, {"range": (start, stop)})).data
    if len(data) > wanted:
        raise DeadlineExceeded(f"more than the {wanted:,} bytes that were asked for came")
    return data


def first_bytes(objects: ObjectStore, path: str, most: int) -> Answer:
    """Return an object's bytes, or the first `most` and a few more."""
    return call(lambda: _taken(objects, path, most, {}))


async def _taken(objects: ObjectStore, path: str, most: int, options: Any) -> Answer:
    allowance = RequestBudget()
    found = await allowance.wait(lambda: obstore.get_async(objects, path, options=options))
    pieces, size = [], 0
    body = found.stream(min_chunk_size=min(PIECE, most))
    while size <= most and (piece := await allowance.wait(lambda: _next(body))) is not None:
        pieces.append(piece)
        size += len(piece)
        allowance.earn(len(piece) / PIECE * STALLS_PER_MIB)
    return Answer(pieces[0] if len(pieces) == 1 else b"".join(pieces), found.meta)


def stream(objects: ObjectStore, path: str) -> Iterator[Data]:
    """Yield an object's bytes in pieces of about a MiB; whoever takes them says when there are too many."""
    allowance = RequestBudget()
    found = call(lambda: allowance.wait(lambda: obstore.get_async(objects, path)))
    body = found.stream(min_chunk_size=PIECE)
    while (piece := call(lambda: allowance.wait(lambda: _next(body)))) is not None:
        allowance.earn(len(piece) / PIECE * STALLS_PER_MIB)
        yield memoryview(piece)


def head(objects: ObjectStore, path: str) -> Any:
    """Return what the service says of an object."""
    return call(lambda: RequestBudget().wait(lambda: obstore.head_async(objects, path)))


def entries(objects: ObjectStore, prefix: str) -> Iterator[Any]:
    """Yield what the service says of every object below a prefix; `DeadlineExceeded` where the listing has no end."""
    allowance = RequestBudget()
    pages, begun, count = None, set(), 0

    async def page() -> Sequence[Any] | None:
        nonlocal pages
        if pages is None:
            pages = obstore.list(objects, prefix, chunk_size=PAGE)
        return await allowance.wait(lambda: _next(pages))

    while (found := call(page)) is not None:
        allowance.earn(1.0)
        first, count = found[0]["path"], count + len(found)
        if first in begun or count > MOST_LISTED:
            raise DeadlineExceeded("the listing comes to no end" + (f": {first} comes again" if first in begun else ""))
        begun.add(first)
        yield from found


def children(objects: ObjectStore, prefix: str) -> tuple[list[str], list[str]]:
    """Return the paths of folders and of objects directly below a prefix.

    An empty object whose key is the prefix and a slash, such as consoles make for a folder, is none of them.
    """
    found = call(lambda: RequestBudget().wait(lambda: obstore.list_with_delimiter_async(objects, prefix)))
    return list(found["common_prefixes"]), [meta["path"] for meta in found["objects"] if meta["path"] != prefix]


def put(objects: ObjectStore, path: str, data: Data, *, mode: Any = "overwrite", factor: float = 1.0) -> Any:
    """Write an object in one request and return what the service says of it.

    Parameters
    ----------
    objects : ObjectStore
    path : str
    data : bytes-like
    mode : str or dict
        As obstore's.
    factor : float
        How many times as long as usual it may take.
    """

    async def work() -> Any:
        allowance = RequestBudget(factor)
        allowance.earn(memoryview(data).nbytes / PIECE * STALLS_PER_MIB)
        return await allowance.wait(lambda: obstore.put_async(objects, path, data, mode=mode, use_multipart=False))

    return call(work)


def delete(objects: ObjectStore, paths: str | list[str]) -> None:
    """Delete objects."""

    async def work() -> None:
        allowance = RequestBudget()
        allowance.earn(0 if isinstance(paths, str) else len(paths) / PAGE)
        await allowance.wait(lambda: obstore.delete_async(objects, paths))

    call(work)


def copy(objects: ObjectStore, path: str, to: str, factor: float) -> None:
    """Have the service copy an object."""
    call(lambda: RequestBudget(factor).wait(lambda: obstore.copy_async(objects, path, to)))


def rename(objects: ObjectStore, path: str, to: str, factor: float) -> None:
    """Have the service copy an object and delete the first."""
    call(lambda: RequestBudget(factor).wait(lambda: obstore.rename_async(objects, path, to)))


async def _next(found: Any) -> Any:
    return await anext(found, None)
