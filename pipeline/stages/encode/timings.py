"""Seconds spent by phase, summed over threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TypeVar

Item = TypeVar("Item")
_END = object()


class Timings:
    """Adds up seconds by name; phases overlap, so they may add up to more than passed on the wall.

    A phase within a phase, in one thread, counts for the inner one only.
    """

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._so_far: dict[str, float] = {}
        self._lock = threading.Lock()
        self._within = threading.local()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the time inside the block under `name`."""
        outer, self._within.seconds = getattr(self._within, "seconds", 0.0), 0.0
        started = time.perf_counter()
        try:
            yield
        finally:
            elapsed = time.perf_counter() - started
            inner, self._within.seconds = self._within.seconds, outer + elapsed
            self.count(name, elapsed - inner)

    def count(self, name: str, seconds: float) -> None:
        """Add seconds that were measured otherwise."""
        with self._lock:
            self._seconds[name] = self._seconds.get(name, 0.0) + seconds
            self._so_far[name] = self._so_far.get(name, 0.0) + seconds

    def tell(self, name: str, amount: int) -> None:
        """Count what is no time, for `so_far` alone."""
        with self._lock:
            self._so_far[name] = self._so_far.get(name, 0.0) + amount

    def so_far(self) -> dict[str, float]:
        """Return the seconds by phase, taken or not, and what was told beside them."""
        with self._lock:
            return dict(self._so_far)

    def timed(self, name: str, items: Iterator[Item], when: Callable[[], bool] = lambda: True) -> Iterator[Item]:
        """Yield items; the time until each of them counts under `name`, if `when` says so before it is asked for."""
        while True:
            with self.phase(name) if when() else nullcontext():
                item = next(items, _END)
            if item is _END:
                return
            yield item  # type: ignore[misc]

    def take(self) -> dict[str, float]:
        """Return the seconds by phase since the last call, to milliseconds."""
        with self._lock:
            seconds, self._seconds = self._seconds, {}
        return {name: round(spent, 3) for name, spent in sorted(seconds.items())}
