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
            line.ahead.put(None)
    finally:
        line.stop.set()
        for worker in workers:
            worker.join()


class _Waiting:
    """A task's items that wait to be consumed; no lock of Python's own, which readers would queue for."""

    def __init__(self, room: int) -> None:
        self._items: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._room: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _ in range(room):
            self._room.put(None)

    def get(self) -> object:
        """Return the next item, or `_DONE`."""
        item = self._items.get()
        self._room.put(None)
        return item

    def put(self, item: object, stop: threading.Event) -> None:
        """Add an item where there is room; the end always has."""
        if item is not _DONE:
            _take(self._room, stop)
        self._items.put(item)


def _take(room: queue.SimpleQueue[None], stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            return room.get(timeout=0.1)
        except queue.Empty:
            continue
    raise _StoppedError


class _Line(Generic[Task]):
    """The tasks that are begun, in order, each with its queue; then None, or what stopped the tasks."""

    def __init__(self, tasks: Iterator[Task], threads: int, items: int) -> None:
        self.stop = threading.Event()
        self.ahead: queue.SimpleQueue[None] = queue.SimpleQueue()  # as many as tasks may be begun
        for _ in range(2 * threads):
            self.ahead.put(None)
        self.begun: queue.SimpleQueue[tuple[Task, _Waiting] | PrefetchError | None] = queue.SimpleQueue()
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

    def _begin(self) -> tuple[Task, _Waiting] | None:
        with self._turn:  # tasks begin in order, or the consumer could wait for one that never starts
            _take(self.ahead, self.stop)
            if self._ended:
                return None
            try:
                for task in self._tasks:
                    begun = task, _Waiting(self._items)
                    self.begun.put(begun)
                    return begun
                self.begun.put(None)
            except BaseException as error:  # the consumer, not this thread, decides what stops the run
                self.begun.put(PrefetchError(error))
            self._ended = True
            return None

    def _run(self, task: Task, waiting: _Waiting) -> None:
        try:
            for item in task():
                waiting.put(item, self.stop)
        except _StoppedError:
            raise
        except BaseException as error:
            waiting.put(PrefetchError(error), self.stop)
        waiting.put(_DONE, self.stop)
