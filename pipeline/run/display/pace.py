"""How fast a step goes, and how long it takes still, by what it was seen to do."""

from __future__ import annotations

from collections import deque

_RECENT = 0.4  # the part of the time since the first observation that counts, and
_LEAST_S = 2.0  # at least so many seconds of it, and
_LEAST_SEEN = 4  # so many observations
_MOST_KEPT = 256


class Pace:
    """Estimates a step's rate from how much was done when; times are seconds of one clock that only goes forward.

    What came before the first observation (imports, opening) does not count; of what came after, the last two fifths,
    so that a rate that changes (rows copied first, a first shard) is followed.
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float]] = deque()  # when, and how much was done; some of older ones
        self._total = 0.0
        self._began = 0.0

    def add(self, at: float, done: float, total: float) -> None:
        """Take an observation: `done` of `total` at a time. One of less than before begins anew."""
        if self._seen and done < self._seen[-1][1]:
            self._seen.clear()
        self._total = total
        if self._seen and done == self._seen[-1][1]:
            return
        if not self._seen:
            self._began = at
        elif at <= self._seen[-1][0]:
            at = self._seen.pop()[0]
        self._seen.append((at, done))
        if len(self._seen) > _MOST_KEPT:  # every other one of the older half goes
            kept = list(self._seen)
            half = len(kept) // 2
            self._seen = deque([*kept[:half:2], *kept[half:]])

    def rate(self, now: float) -> float | None:
        """Return how much is done a second of late; None where too little was seen."""
        if len(self._seen) < 2:
            return None
        since = self._window()
        (at, before), (last, done) = self._seen[since], self._seen[-1]
        if last - at <= 0:
            return None
        slow = (done - before) / (last - at)
        overdue = now - last - 2 * (last - at) / (len(self._seen) - 1 - since)
        return slow if overdue <= 0 else (done - before) / (last - at + overdue)  # nothing has come for long

    def left(self, now: float) -> float | None:
        """Return the seconds until `total` is reached; None where too little was seen."""
        if len(self._seen) <= _LEAST_SEEN and (not self._seen or self._seen[-1][1] < self._total / 3):
            return None
        rate = self.rate(now)
        if rate is None:
            return None
        last, done = self._seen[-1]
        return max((self._total - done) / rate - (now - last), 0.0)

    def _window(self) -> int:
        """Return the place of the observation from which on the rate is measured."""
        last = self._seen[-1][0]
        begin = min(last - _LEAST_S, last - _RECENT * (last - self._began))
        at = len(self._seen) - 2
        while at > 0 and (self._seen[at][0] > begin or len(self._seen) - 1 - at < _LEAST_SEEN):
            at -= 1
        return at
