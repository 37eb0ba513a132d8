"""The last few files that were read whole, so that many stretches of one long file read it once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Found = TypeVar("Found")


class Latest(Generic[Found]):
    """What was made last, by key; at most `count` things of together at most `limit` bytes.

    Several threads that want one thing at once have it made once; what is larger than the limit is not kept. An error
    is raised for whoever asked, and not kept.
    """

    def __init__(self, count: int, limit: int, size: Callable[[Found], int]) -> None:
        self._count, self._limit, self._size = count, limit, size
        self._kept: OrderedDict[Hashable, Found] = OrderedDict()
        self._lock = threading.Lock()
        self._making: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable, make: Callable[[], Found]) -> Found:
        """Return what is kept under a key, or make it."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                if key in self._kept:
                    return self._kept[key]
            try:
                found = make()
                self._keep(key, found)
            finally:
                with self._lock:
                    self._making.pop(key, None)
            return found

    def clear(self) -> None:
        """Keep nothing."""
        with self._lock:
            self._kept.clear()

    def _keep(self, key: Hashable, found: Found) -> None:
        with self._lock:
            if self._size(found) > self._limit:
                return
            self._kept[key] = found
            while len(self._kept) > self._count or sum(map(self._size, self._kept.values())) > self._limit:
                self._kept.popitem(last=False)
