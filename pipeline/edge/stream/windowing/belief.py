"""A time far ahead of its stream is believed when the next one is near it: one absurd time moves nothing."""

from __future__ import annotations

from typing import Generic, TypeVar

V = TypeVar("V")


class BelievedTimes(Generic[V]):
    """Samples of one stream, of which one that leaps ahead, or is the first, waits for a second.

    Parameters
    ----------
    leap
        Seconds that a sample may be ahead of all before it.
    """

    def __init__(self, leap: float) -> None:
        self._leap = leap
        self._latest: float | None = None
        self._waiting: tuple[float, V] | None = None
        self.absurd = 0  # samples that nobody confirmed

    def admit(self, time: float, values: V) -> tuple[tuple[float, V], ...]:
        """Return the samples that are believed now: this one, or none, or the one that waited, too."""
        latest = self._latest
        if latest is not None and time <= latest + self._leap:
            self._latest = max(time, latest)
            before, self._waiting = self._waiting, None
            if before is None:
                return ((time, values),)
            if before[0] <= self._latest + self._leap:  # it only came before its turn
                self._latest = max(self._latest, before[0])
                return before, (time, values)
            self.absurd += 1
            return ((time, values),)
        before, self._waiting = self._waiting, (time, values)
        if before is None:
            return ()
        if abs(time - before[0]) > self._leap:
            self.absurd += 1
            return ()
        self._latest, self._waiting = max(time, before[0]), None
        return before, (time, values)

    def forget(self) -> None:
        """Begin anew, as a clock that was set does."""
        self._latest = self._waiting = None
