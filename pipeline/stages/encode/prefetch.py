"""Read ahead in threads, in order and within bounds, so that decoding overlaps with what consumes it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
_DONE = object()


@dataclass(frozen=True)
class Failed:
    """A task ended with this error, after the items that came before."""

    error: BaseException


class _StoppedError(Exception):
    """The consumer is gone."""


def read_ahead(
    tasks: Sequence[Callable[[], Iterator[T]]], *, threads: int, items: int
) -> Generator[tuple[int, T | Failed], None, None]:
    """Run generators in `threads` threads, and yield ``(task, item)`` in the order of tasks and items.

    At most ``2 x threads`` tasks are begun and not yet consumed, each with at most `items` items waiting, so
    memory does not depend on how many tasks there are or how much one yields. A task's exception arrives as
    `Failed`. Closing the generator stops the threads.
    """
    line = _Line(tasks, threads, items)
    workers = [threading.Thread(target=line.work, name=f"read-ahead-{n}", daemon=True) for n in range(threads)]
    for worker in workers:
        worker.start()
    try:
        for number in range(len(tasks)):
            for item in line.take(number):
                yield number, item
    finally:
        line.stop.set()
        for worker in workers:
            worker.join()


class _Line(Generic[T]):
    """The queue of each task, and what is left to begin."""

    def __init__(self, tasks: Sequence[Callable[[], Iterator[T]]], threads: int, items: int) -> None:
        self.stop = threading.Event()
        self._tasks = tasks
        self._next = iter(range(len(tasks)))
        self._turn = threading.Lock()
        self._ahead = threading.Semaphore(2 * threads)
        self._queues: list[queue.Queue[object]] = [queue.Queue(items) for _ in tasks]

    def work(self) -> None:
        """Run tasks until none is left or the consumer is gone."""
        try:
            while (number := self._begin()) is not None:
                self._run(number)
        except _StoppedError:
            return

    def take(self, number: int) -> Iterator[T | Failed]:
        """Yield one task's items as they come."""
        while (item := self._queues[number].get()) is not _DONE:
            yield item  # type: ignore[misc]
        self._ahead.release()

    def _begin(self) -> int | None:
        with self._turn:  # tasks begin in order, or the consumer could wait for one that never starts
            while not self._ahead.acquire(timeout=0.1):
                if self.stop.is_set():
                    raise _StoppedError
            return next(self._next, None)

    def _run(self, number: int) -> None:
        try:
            for item in self._tasks[number]():
                self._put(number, item)
        except _StoppedError:
            raise
        except BaseException as error:  # the consumer, not this thread, decides what stops the run
            self._put(number, Failed(error))
        self._put(number, _DONE)

    def _put(self, number: int, item: object) -> None:
        while not self.stop.is_set():
            try:
                return self._queues[number].put(item, timeout=0.1)
            except queue.Full:
                continue
        raise _StoppedError
