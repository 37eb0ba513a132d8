"""An object's bytes on their way: from one request, or from ranged reads of which a few are under way; hashed."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future

from store.backends.base import Backend, Data
from store.manifest.schema import ObjectEntry

PIECE = 8 << 20


def pieces(root: Backend, path: str, size: int, readers: Executor, ahead: int) -> Iterator[Data]:
    """Yield `size` bytes of an object in order; each piece is asked for while earlier ones are used.

    Parameters
    ----------
    root : Root
    path : str
    size : int
        No byte beyond it is read, however much there is.
    readers : Executor
        Its threads do the reading.
    ahead : int
        Reads under way at once; so many pieces of `PIECE` bytes are held in memory, and the one that was yielded.
    """
    starts = iter(range(0, size, PIECE))
    waiting: deque[Future[bytes]] = deque()

    def ask() -> None:
        for start in starts:
            waiting.append(readers.submit(root.read, path, start, min(start + PIECE, size)))
            if len(waiting) >= ahead:
                return

    try:
        ask()
        while waiting:
            piece = waiting.popleft().result()
            ask()
            yield piece
    finally:
        for read in waiting:
            read.cancel()


def verify_stream(found: Iterator[Data], expected: ObjectEntry) -> Iterator[Data]:
    """Pass an object's bytes on as they are hashed, and raise at their end where they are not the expected ones.

    Whoever writes them gets the very bytes that were hashed, and the error before it has finished the object: it
    never makes a wrong one.

    Raises
    ------
    Differs
    """
    sha256, size = hashlib.sha256(), 0
    try:
        for piece in found:
            sha256.update(piece)
            size += memoryview(piece).nbytes
            if size > expected.size:
                break
            yield piece
    except FileNotFoundError:
        raise ChecksumMismatch(expected, None) from None
    entry = ObjectEntry(expected.path, size, sha256.hexdigest())
    if entry != expected:
        raise ChecksumMismatch(expected, entry)


class ChecksumMismatch(Exception):
    """An object's bytes are not those of the manifest."""

    def __init__(self, expected: ObjectEntry, found: ObjectEntry | None) -> None:
        super().__init__(expected.path)
        self.expected = expected
        self.found = found
