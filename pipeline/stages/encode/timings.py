"""Seconds spent by phase, summed over threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Timings:
    """Adds up seconds by name; phases overlap, so they may add up to more than passed on the wall."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._lock = threading.Lock()

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the time inside the block under `name`."""
        began = time.perf_counter()
        try:
            yield
        finally:
            took = time.perf_counter() - began
            with self._lock:
                self._seconds[name] = self._seconds.get(name, 0.0) + took

    def rounded(self) -> dict[str, float]:
        """Return the seconds by phase, to milliseconds."""
        with self._lock:
            return {name: round(seconds, 3) for name, seconds in sorted(self._seconds.items())}
