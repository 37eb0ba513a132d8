"""What real time a time of the samples is, by which latency is measured and patience ends."""

from __future__ import annotations

import math
import time
from typing import Protocol

_SPELL = 30.0  # seconds


class Clock(Protocol):
    """Sees samples come."""

    def sample(self, time_: float) -> None:
        """Note that a sample of this time is taken now."""
        ...

    def forget(self) -> None:
        """Begin anew: the samples' clock was set."""
        ...

    def since(self, time_: float) -> float:
        """Return the seconds since a window's end at this time."""
        ...


class ReadingClock:
    """Where lines are read as fast as they can be: a window counts from the sample that completed it."""

    def __init__(self) -> None:
        self._latest = time.monotonic()

    def sample(self, time_: float) -> None:
        """See `Clock`."""
        self._latest = time.monotonic()

    def forget(self) -> None:
        """See `Clock`."""

    def since(self, time_: float) -> float:
        """See `Clock`."""
        return time.monotonic() - self._latest


class RealClock:
    """Where samples come as they are measured: time zero is where it is by those that came soonest of late.

    Sensors' clocks drift, so that only the last minute counts.
    """

    def __init__(self) -> None:
        self._since = -math.inf
        self._lag = self._before = math.inf  # the least of this spell, and of the one before

    def sample(self, time_: float) -> None:
        """See `Clock`."""
        now = time.monotonic()
        if now - self._since > _SPELL:
            self._before = self._lag if now - self._since < 2 * _SPELL else math.inf
            self._since, self._lag = now, math.inf
        self._lag = min(self._lag, now - time_)

    def forget(self) -> None:
        """See `Clock`."""
        self._since = -math.inf
        self._lag = self._before = math.inf

    def real(self, time_: float) -> float:
        """Return the time of the monotonic clock that a time of the samples was or will be."""
        return time_ + min(self._lag, self._before)

    def since(self, time_: float) -> float:
        """See `Clock`."""
        return time.monotonic() - self.real(time_)
