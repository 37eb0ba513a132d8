"""Sending the objects of an output, several at once, within a limit on memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Event, Lock

from store.backends.base import Backend, Data
from store.backends.reread import read_again
from store.errors import StoreError
from store.manifest.schema import ObjectEntry
from store.transfer.budget import Budget
from store.transfer.reading import PIECE, ChecksumMismatch, pieces, verify_stream

OBJECTS_AT_ONCE = 16
FEW = 4
AHEAD = 4
READS_AT_ONCE = FEW * AHEAD
IN_FLIGHT = 256 << 20
"""Bytes of objects that a transfer holds at most, whatever their sizes and number."""

_LARGEST_SHARE = 5 * PIECE  # one being read, one in hand, and parts on their way to a bucket

Progress = Callable[[int, int], None]


class ProgressCounter:
    """Tells how far a transfer is.

    Parameters
    ----------
    total : int
        Bytes in all.
    progress : callable, optional
        Called with the bytes so far and in all, one call at a time.
    """

    def __init__(self, total: int, progress: Progress | None) -> None:
        self.total = total
        self._progress = progress
        self._done = 0
        self._guard = Lock()

    def add(self, count: int) -> None:
        """Count bytes that are at the target, or on their way."""
        with self._guard:
            self._done += count
            if self._progress is not None:
                self._progress(self._done, self.total)


def send(
    source: Backend, prefix: str, target: Backend, to: str, entries: Sequence[ObjectEntry], report: ProgressCounter
) -> None:
    """Copy objects below `prefix` to `to`, and return when all are safe; the first failure ends the others.

    Raises
    ------
    Differs
        An object of the source is not what its entry says.
    StoreError
        A medium failed.
    """
    budget, stopped = Budget(IN_FLIGHT), Event()
    few = len(entries) < FEW  # else a request an object keeps the line busy, and costs less

    def copy(entry: ObjectEntry) -> None:
        with budget.share(min(2 * entry.size, _LARGEST_SHARE + (AHEAD * PIECE if few else 0))):
            if not stopped.is_set():
                path = f"{prefix}/{entry.path}"

                def fill() -> None:
                    found = pieces(source, path, entry.size, readers, AHEAD) if few else source.stream(path)
                    target.write_stream(
                        f"{to}/{entry.path}", entry.size, _counted(verify_stream(found, entry), report, stopped)
                    )

                read_again(source, path, fill, ChecksumMismatch)

    with ThreadPoolExecutor(READS_AT_ONCE) as readers, ThreadPoolExecutor(OBJECTS_AT_ONCE) as threads:
        try:
            for done in as_completed([threads.submit(copy, entry) for entry in entries]):
                done.result()
        except BaseException:  # raised again: a failure, or Ctrl-C
            stopped.set()
            threads.shutdown(wait=False, cancel_futures=True)
            raise


def _counted(found: Iterator[Data], report: ProgressCounter, stopped: Event) -> Iterator[Data]:
    done = 0
    try:
        for piece in found:
            if stopped.is_set():
                raise StoreError("the transfer was stopped; run it again to go on")
            yield piece
            done += memoryview(piece).nbytes
            report.add(memoryview(piece).nbytes)
    except ChecksumMismatch:
        report.add(-done)
        raise
