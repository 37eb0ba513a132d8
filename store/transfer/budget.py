"""A limit on the bytes that a transfer holds in memory, whatever the sizes of its objects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class Budget:
    """So many bytes for all who share it.

    Parameters
    ----------
    limit : int
        A share above it is cut to it, so that one object of any size can always go on alone.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._left = limit
        self._changed = Condition()

    @contextmanager
    def share(self, wanted: int) -> Iterator[None]:
        """Hold a share for the length of the block; wait until others have given back enough."""
        share = min(wanted, self._limit)
        with self._changed:
            self._changed.wait_for(lambda: self._left >= share)
            self._left -= share
        try:
            yield
        finally:
            with self._changed:
                self._left += share
                self._changed.notify_all()
