"""Read ahead in threads, in order and within bounds, so that decoding overlaps with what consumes it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")
Task = TypeVar("Task", bound=Callable[[], Iterator[object]])
_DONE = object()


@dataclass(frozen=True)
class PrefetchError:
    """A task ended with this error, after the items that came before."""

    error: BaseException


class _StoppedError(Exception):
    """The consumer is gone."""


def read_ahead(
    tasks: Iterable[Task], *, threads: int, items: int
) -> Generator[tuple[Task, object | PrefetchError], None, None]:
    """Run tasks, which give iterators, in `threads` threads; yield ``(task, item)`` in the order of tasks and items.

    At most ``2 x threads`` tasks are begun and not yet consumed, each with at most `items` items waiting, so
    memory does not depend on how many tasks there are or how much one yields. `tasks` is advanced in the threads, one
    at a time. A task's exception arrives as `PrefetchError`; one of `tasks` itself is raised here, when what came
    before it is consumed. Closing the generator stops the threads.
    """
    line = _Line(iter(tasks), threads, items)
    workers = [threading.Thread(target=line.work, name=f"read-ahead-{n}", daemon=True) for n in range(threads)]
    for worker in workers:
        worker.start()
    try:
        while (begun := line.begun.get()) is not None:
            if isinstance(begun, PrefetchError):
                raise begun.error
            task, waiting = begun
            while (item := waiting.get()) is not _DONE:
                yield task, item
            line.ahead.release()
    finally:
        line.stop.set()
        for worker in workers:
            worker.join()


class _Line(Generic[Task]):
    """The tasks that are begun, in order, each with its queue; then None, or what stopped the tasks."""

    def __init__(self, tasks: Iterator[Task], threads: int, items: int) -> None:
        self.stop = threading.Event()
        self.ahead = threading.Semaphore(2 * threads)
        self.begun: queue.SimpleQueue[tuple[Task, queue.Queue[object]] | PrefetchError | None] = queue.SimpleQueue()
        self._tasks = tasks
        self._items = items
        self._turn = threading.Lock()
        self._ended = False

    def work(self) -> None:
        """Run tasks until none is left or the consumer is gone."""
        try:
            while (begun := self._begin()) is not None:
                self._run(*begun)
        except _StoppedError:
            return

    def _begin(self) -> tuple[Task, queue.Queue[object]] | None:
        with self._turn:  # tasks begin in order, or the consumer could wait for one that never starts
            while not self.ahead.acquire(timeout=0.1):
                if self.stop.is_set():
                    raise _StoppedError
            if self._ended:
                return None
            try:
                for task in self._tasks:
                    begun = task, queue.Queue[object](self._items)
                    self.begun.put(begun)
                    return begun
                self.begun.put(None)
            except BaseException as error:  # the consumer, not this thread, decides what stops the run
                self.begun.put(PrefetchError(error))
            self._ended = True
            return None

    def _run(self, task: Task, waiting: queue.Queue[object]) -> None:
        try:
            for item in task():
                self._put(waiting, item)
        except _StoppedError:
            raise
        except BaseException as error:
            self._put(waiting, PrefetchError(error))
        self._put(waiting, _DONE)

    def _put(self, waiting: queue.Queue[object], item: object) -> None:
        while not self.stop.is_set():
            try:
                return waiting.put(item, timeout=0.1)
            except queue.Full:
                continue
        raise _StoppedError
