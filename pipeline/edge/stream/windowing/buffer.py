"""The samples of one stream that windows still to come need, sorted by time, in memory of a fixed size."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kept = Literal["kept", "duplicate", "full"]


class StreamBuffer:
    """A ring of samples that are sorted by time; times are distinct.

    Parameters
    ----------
    sample
        Shape of one sample.
    capacity
        How many there may be.
    """

    def __init__(self, sample: tuple[int, ...], capacity: int) -> None:
        self._capacity = capacity
        self._times = np.empty(2 * capacity, np.float64)  # samples lie in a stretch of it, which moves to the right
        self._values = np.empty((2 * capacity, *sample), np.float32)
        self._start = self._stop = 0

    def __len__(self) -> int:
        return self._stop - self._start

    @property
    def first(self) -> float | None:
        """The least time."""
        return float(self._times[self._start]) if len(self) else None

    def put(self, time: float, values: NDArray[np.float32]) -> Kept:
        """Sort a sample in; say where there is one of its time already, or no room."""
        if len(self) == self._capacity:
            return "full"
        if self._stop == len(self._times):
            self._move_to_front()
        place = self._stop
        if len(self) and time <= self._times[place - 1]:
            place = self._start + int(np.searchsorted(self._times[self._start : self._stop], time))
            if self._times[place] == time:
                return "duplicate"
            for array in (self._times, self._values):
                array[place + 1 : self._stop + 1] = array[place : self._stop].copy()
        self._times[place] = time
        self._values[place] = values
        self._stop += 1
        return "kept"

    def _move_to_front(self) -> None:
        count = len(self)
        for array in (self._times, self._values):
            array[:count] = array[self._start : self._stop].copy()
        self._start, self._stop = 0, count

    def drop_before(self, time: float) -> None:
        """Forget samples that are earlier."""
        self._start += int(np.searchsorted(self._times[self._start : self._stop], time))

    def cut(self, start: float, end: float) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Return times (T,) and values (T, *sample) from `start` on, until before `end`."""
        times = self._times[self._start : self._stop]
        low, high = (self._start + int(each) for each in np.searchsorted(times, (start, end)))
        return self._times[low:high].copy(), self._values[low:high].copy()

    def clear(self) -> None:
        """Forget all."""
        self._start = self._stop = 0
