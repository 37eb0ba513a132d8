"""A limit on the bytes that a transfer holds in memory, whatever the sizes of its objects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class Budget:
    """A number of bytes that threads share.

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
