"""Waits for lines and for the clock, and gives a session both; the only loop."""

from __future__ import annotations

import math
import os
import select
import time
from collections import deque
from collections.abc import Callable, Collection
from typing import Literal

from pipeline.edge.stream.feeds.feed import Feed
from pipeline.edge.stream.samples import Samples
from pipeline.edge.stream.session import Session
from pipeline.edge.stream.windowing.clocks import RealClock

Pace = Literal["none", "real"]
_LONGEST_PAUSE = 60.0  # seconds between lines of a file that are waited for; a time may be absurd


class Stop:
    """Ends a loop from a signal handler, while it waits, too."""

    def __init__(self) -> None:
        self._out, self._in = os.pipe()
        self.said = False

    def say(self) -> None:
        """End it."""
        self.said = True
        os.write(self._in, b"x")

    def fileno(self) -> int:
        """What is ready to be read when it is said."""
        return self._out

    def close(self) -> None:
        """Let go of its descriptors."""
        os.close(self._out)
        os.close(self._in)


class Listening:
    """Reads a feed until it ends or is to stop.

    Parameters
    ----------
    clock
        None where lines are taken as fast as they can be read, and no window waits for anything but samples.
    patience
        Seconds of real time after a window's end at which it is decided, whatever is missing.
    replay
        Lines do not come at their own pace: each waits until as much time has passed as its samples' times say.
    """

    def __init__(
        self, feed: Feed, session: Session, stop: Stop, clock: RealClock | None, patience: float, *, replay: bool
    ) -> None:
        self._feed = feed
        self._session = session
        self._stop = stop
        self._clock = clock
        self._patience = patience
        self._replay = replay
        self._ready: deque[tuple[float, Samples]] = deque()  # and when they are due
        self._last: tuple[float, float] | None = None  # due, and the samples' time

    def run(self, wanted: Callable[[], bool] = lambda: True) -> None:
        """Listen until there is nothing to come, until it is to stop, or while the output is wanted."""
        while not self._stop.said and wanted():
            self._take_due()
            if self._feed.ended and not self._ready:
                break
            if not self._read(self._seconds_left()):
                self._force_due()
        self._session.finish()

    def _read(self, timeout: float | None) -> bool:
        """Wait for lines until a time, and tell whether there were any."""
        feeds: Collection[int] = () if self._ready else self._feed.descriptors()
        ready, _, _ = select.select([*feeds, self._stop.fileno()], [], [], timeout)
        for line in self._feed.read(ready):
            if (samples := self._session.parse(line)) is not None:
                self._ready.append((self._due(samples), samples))
        return bool(ready)

    def _due(self, samples: Samples) -> float:
        """Return the real time at which samples are to be taken."""
        if not self._replay:
            return -math.inf
        time_ = samples.times[-1] or 0.0
        due, before = self._last or (time.monotonic(), time_)
        pause = time_ - before
        self._last = due + (pause if abs(pause) < _LONGEST_PAUSE else 0.0), time_
        return self._last[0]

    def _take_due(self) -> None:
        while self._ready and not self._stop.said and self._ready[0][0] <= time.monotonic():
            self._session.take(self._ready.popleft()[1])

    def _deadline(self) -> float:
        """Return the real time at which the next window is decided, whatever is missing."""
        if self._clock is None or (end := self._session.next_end) is None:
            return math.inf
        return self._clock.real(end) + self._patience

    def _seconds_left(self) -> float | None:
        until = min(self._ready[0][0] if self._ready else math.inf, self._deadline())
        return None if until == math.inf else max(0.0, until - time.monotonic())

    def _force_due(self) -> None:
        due = self._ready[0][0] if self._ready else math.inf
        if self._deadline() <= min(time.monotonic(), due):
            self._session.force()
