"""Sending the objects of an output, several at once, within a limit on memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from threading import Condition, Event, Lock

from store.backends.base import Backend, Data
from store.backends.reread import read_again
from store.errors import StoreError
from store.manifest.schema import ObjectEntry
from store.transfer.reading import PIECE, ChecksumMismatch, read_ahead, verify_stream

MAX_WORKERS = 16  # objects that are sent at a time
SEQUENTIAL_LIMIT = 4  # from so many objects on, each is read sequentially, in one request
READ_AHEAD = 4  # concurrent reads of each of fewer objects
IN_FLIGHT = 256 << 20
"""Bytes of objects that a transfer holds in memory at most, whatever their sizes and number."""

_MAX_SHARE = 5 * PIECE  # one piece being read, one being written, and the parts that a bucket's client holds

Progress = Callable[[int, int], None]


class ProgressCounter:
    """Counts the bytes of a transfer for its caller.

    Parameters
    ----------
    total : int
        Bytes in all.
    progress : callable, optional
        Called with the bytes so far and the total, never by two threads at once.
    """

    def __init__(self, total: int, progress: Progress | None) -> None:
        self.total = total
        self._progress = progress
        self._done = 0
        self._lock = Lock()

    def add(self, count: int) -> None:
        """Count bytes that are at the target, or on their way to it; negative where they have to be sent again."""
        with self._lock:
            self._done += count
            if self._progress is not None:
                self._progress(self._done, self.total)


class MemoryBudget:
    """A number of bytes of memory that threads share.

    Parameters
    ----------
    limit : int
        A larger share is reduced to it, so that an object of any size can still be sent alone.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._free = limit
        self._changed = Condition()

    @contextmanager
    def share(self, wanted: int) -> Iterator[None]:
        """Hold a share for the length of the block; wait until other threads have released enough."""
        share = min(wanted, self._limit)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= share)
            self._free -= share
        try:
            yield
        finally:
            with self._changed:
                self._free += share
                self._changed.notify_all()


def send(
    source: Backend, prefix: str, target: Backend, to: str, entries: Sequence[ObjectEntry], counter: ProgressCounter
) -> None:
    """Copy objects below `prefix` to `to`; return when all are durable. The first failure stops the others.

    Raises
    ------
    ChecksumMismatch
        The bytes of an object of the source are not those of its entry.
    StoreError
        A medium failed.
    """
    budget, stopped = MemoryBudget(IN_FLIGHT), Event()
    # With many objects, one request for each keeps the line busy and costs less than ranged reads.
    sequential = len(entries) >= SEQUENTIAL_LIMIT

    def copy(entry: ObjectEntry) -> None:
        path = f"{prefix}/{entry.path}"

        def write() -> None:
            pieces = source.stream(path) if sequential else read_ahead(source, path, entry.size, readers, READ_AHEAD)
            pieces = _count(verify_stream(pieces, entry), counter, stopped)
            target.write_stream(f"{to}/{entry.path}", entry.size, pieces)

        with budget.share(min(2 * entry.size, _MAX_SHARE + (0 if sequential else READ_AHEAD * PIECE))):
            if not stopped.is_set():
                read_again(source, path, write, ChecksumMismatch)

    with (
        ThreadPoolExecutor(SEQUENTIAL_LIMIT * READ_AHEAD) as readers,
        ThreadPoolExecutor(MAX_WORKERS) as threads,
    ):
        try:
            for future in as_completed([threads.submit(copy, entry) for entry in entries]):
                future.result()
        except BaseException:  # raised again: a failure, or Ctrl-C
            stopped.set()
            threads.shutdown(wait=False, cancel_futures=True)
            raise


def _count(pieces: Iterator[Data], counter: ProgressCounter, stopped: Event) -> Iterator[Data]:
    sent = 0
    try:
        for piece in pieces:
            if stopped.is_set():
                raise StoreError("the transfer was stopped; run it again to go on")
            yield piece
            sent += memoryview(piece).nbytes
            counter.add(memoryview(piece).nbytes)
    except ChecksumMismatch:
        counter.add(-sent)
        raise
