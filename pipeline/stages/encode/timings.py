"""Seconds spent by phase, summed over threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Timings:
    """Adds up seconds by name; phases overlap, so they may add up to more than passed on the wall.

    A phase within a phase, in one thread, counts for the inner one only.
    """

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._lock = threading.Lock()
        self._within = threading.local()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the time inside the block under `name`."""
        outer, self._within.seconds = getattr(self._within, "seconds", 0.0), 0.0
        began = time.perf_counter()
        try:
            yield
        finally:
            took = time.perf_counter() - began
            inner, self._within.seconds = self._within.seconds, outer + took
            with self._lock:
                self._seconds[name] = self._seconds.get(name, 0.0) + took - inner

    def taken(self) -> dict[str, float]:
        """Return the seconds by phase since the last time, to milliseconds."""
        with self._lock:
            taken, self._seconds = self._seconds, {}
        return {name: round(seconds, 3) for name, seconds in sorted(taken.items())}
