"""An object's bytes on their way to another store: read in ranges, several at a time, and hashed as they pass."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from itertools import islice

from store.backends.base import Backend, Data
from store.manifest.schema import ObjectEntry

PIECE = 8 << 20


def read_ahead(backend: Backend, path: str, size: int, readers: Executor, ahead: int) -> Iterator[Data]:
    """Yield `size` bytes of an object in order; later pieces are read while earlier ones are used.

    Parameters
    ----------
    size : int
        No byte beyond it is read, however many there are.
    readers : Executor
        Its threads do the reading.
    ahead : int
        Concurrent reads. So many pieces of `PIECE` bytes are held in memory, besides the one that was yielded.
    """
    starts = iter(range(0, size, PIECE))
    pending: deque[Future[bytes]] = deque()

    def submit() -> None:
        for start in islice(starts, ahead - len(pending)):
            pending.append(readers.submit(backend.read, path, start, min(start + PIECE, size)))

    try:
        submit()
        while pending:
            piece = pending.popleft().result()
            submit()
            yield piece
    finally:
        for read in pending:
            read.cancel()


def verify_stream(pieces: Iterator[Data], expected: ObjectEntry) -> Iterator[Data]:
    """Yield an object's bytes while they are hashed; ChecksumMismatch at their end where they are others.

    A writer gets exactly the bytes that were hashed, and the error before it has finished the object. So it never
    publishes wrong bytes.
    """
    sha256, size = hashlib.sha256(), 0
    try:
        for piece in pieces:
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

    def __init__(self, expected: ObjectEntry, actual: ObjectEntry | None) -> None:
        super().__init__(expected.path)
        self.expected, self.actual = expected, actual
