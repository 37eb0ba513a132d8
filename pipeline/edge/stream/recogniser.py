"""Which window is complete, and what the model says of it: a function of the samples' times and of their order."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.edge.card import StreamInput, time_input
from pipeline.edge.stream.model import Model
from pipeline.edge.stream.smoothing import Probabilities
from pipeline.edge.stream.tally import Tally
from pipeline.edge.stream.windowing.belief import BelievedTimes
from pipeline.edge.stream.windowing.buffer import StreamBuffer
from pipeline.edge.stream.windowing.clocks import Clock
from pipeline.edge.stream.windowing.windows import Windows

ENOUGH = 0.5  # of the samples that a stream's rate promises
ROOM = 4  # times as many samples as its rate promises are kept
Cut = dict[str, tuple[NDArray[np.float64], NDArray[np.float32]]]


@dataclass(frozen=True)
class Waiting:
    """How long a window that has ended waits for samples, in seconds of the samples' own time.

    Attributes
    ----------
    patience
        For a stream of which none has come since its end, while others go on.
    disorder
        For samples that come after later ones of their stream.
    """

    patience: float = 0.1
    disorder: float = 0.0

    @property
    def longest(self) -> float:
        """Seconds after a window's end at which it is decided, whatever is missing."""
        return max(self.patience, self.disorder)


@dataclass(frozen=True)
class Outcome:
    """A window that was decided; without probabilities where `reason` says why."""

    end: float
    probabilities: Probabilities | None
    reason: str = ""


class Recogniser:
    """Samples in, outcomes out, window by window.

    The first window begins with the first sample. A window is decided when each stream has a sample at its end or
    later, or when any has one that is later by the patience; after a window without any sample the next is the first
    that has one.
    """

    def __init__(self, model: Model, windows: Windows, waiting: Waiting, tally: Tally, clock: Clock) -> None:
        self._model = model
        self._windows = windows
        self._waiting = waiting
        self._tally = tally
        self._clock = clock
        self._streams = {each.name: _Stream.of(each, windows, waiting) for each in model.streams}
        self._late_after = max(16, math.ceil(sum(each.rate for each in model.streams) * windows.seconds))
        self._begin()

    def _begin(self) -> None:
        self._next: int | None = None  # the window to be decided; None: the first that the buffers have
        self._least = -(10**18)  # which it may be at the earliest
        self._whole = True  # and whether it must not begin before the first sample
        self._late_run = 0
        for stream in self._streams.values():
            stream.forget()

    @property
    def next_end(self) -> float | None:
        """The end of the next window; None while there is no sample to begin with."""
        return None if (number := self._number()) is None else self._windows.end(number)

    def take(self, name: str, time: float, values: NDArray[np.float32]) -> Iterator[Outcome]:
        """Take a sample of a stream, and yield the windows that are complete now."""
        stream = self._streams[name]
        absurd = stream.believed.absurd
        for sample in stream.believed.admit(time, values):
            yield from self._admit(stream, *sample)
        if stream.believed.absurd > absurd:
            self._tally.drop("times far from those before and after", f"stream {name}")

    def force(self) -> Iterator[Outcome]:
        """Decide the next window, whatever is missing: real time has passed."""
        if (number := self._number()) is not None:
            yield self._decide(number)

    def finish(self) -> Iterator[Outcome]:
        """Decide the windows that have ended: no sample will come."""
        last = max(each.latest for each in self._streams.values())
        while (number := self._number()) is not None and self._windows.end(number) <= last:
            yield self._decide(number)

    def _admit(self, stream: _Stream, time: float, values: NDArray[np.float32]) -> Iterator[Outcome]:
        if time < self._windows.end(self._least - 1):  # of the last window that was decided
            self._tally.late += 1
            if time < self._windows.start(self._least):
                self._tally.drop("samples older than every window to come", f"stream {stream.name}")
                self._late_run += 1
                if self._late_run > self._late_after:
                    self._tally.set_back(f"the clock of stream {stream.name} was set back to {time:.3f} s")
                    self._clock.forget()
                    self._begin()
                return
        self._late_run = 0
        self._clock.sample(time)
        stream.latest = max(stream.latest, time)
        kept = stream.buffer.put(time, values)
        if kept == "duplicate":
            self._tally.drop("a second sample of the same time", f"stream {stream.name}")
        elif kept == "full":
            most = f"{stream.name} has more than {ROOM} times its {stream.rate:g} Hz"
            self._tally.drop("more samples than a window has room for", most)
        while (number := self._number()) is not None and self._complete(self._windows.end(number)):
            yield self._decide(number)

    def _number(self) -> int | None:
        """Return the next window: it is fixed once one was decided."""
        if self._next is not None:
            return self._next
        firsts = [first for each in self._streams.values() if (first := each.buffer.first) is not None]
        if not firsts:
            return None
        choose = self._windows.first_from if self._whole else self._windows.first_with
        return max(self._least, choose(min(firsts)))

    def _complete(self, end: float) -> bool:
        latest = [each.latest for each in self._streams.values()]
        return min(latest) >= end + self._waiting.disorder or max(latest) >= end + self._waiting.longest

    def _decide(self, number: int) -> Outcome:
        start, end = self._windows.start(number), self._windows.end(number)
        cut = {name: each.buffer.cut(start, end) for name, each in self._streams.items()}
        outcome = self._outcome(cut, start, end)
        after = self._windows.start(number + 1)
        for stream in self._streams.values():
            stream.buffer.drop_before(after)
        empty = not any(len(times) for times, _ in cut.values())
        self._next, self._least, self._whole = None if empty else number + 1, number + 1, False
        return outcome

    def _outcome(self, cut: Cut, start: float, end: float) -> Outcome:
        if any(self._streams[name].lacks(times) for name, (times, _) in cut.items()):
            return Outcome(end, None, "gap")
        batch: dict[str, NDArray[Any]] = {}
        for name, (times, values) in cut.items():
            batch |= {name: values[None], time_input(name): times[None] - start}
        probabilities = self._model.probabilities(batch)[0]
        if not np.isfinite(probabilities).all():
            return Outcome(end, None, "the model's output is not finite")
        return Outcome(end, probabilities)


@dataclass
class _Stream:
    """One stream: what is kept of it, and how far it is."""

    name: str
    rate: float
    enough: int
    buffer: StreamBuffer
    believed: BelievedTimes[NDArray[np.float32]]
    latest: float = -math.inf

    @classmethod
    def of(cls, stream: StreamInput, windows: Windows, waiting: Waiting) -> _Stream:
        longest = windows.seconds + windows.every + waiting.longest
        capacity = math.ceil(stream.rate * longest * ROOM) + 16
        leap = max(1.0, 4 / stream.rate, 2 * waiting.longest)
        enough = max(1, math.ceil(ENOUGH * stream.rate * windows.seconds))
        buffer = StreamBuffer(stream.sample, capacity)
        return cls(stream.name, stream.rate, enough, buffer, BelievedTimes(leap))

    def lacks(self, times: NDArray[np.float64]) -> bool:
        """Tell whether a window has too few samples of it, or has them in less than half of its time."""
        if len(times) < self.enough:
            return True
        return self.enough > 1 and float(times[-1] - times[0]) < (self.enough - 1) / self.rate - 1 / self.rate

    def forget(self) -> None:
        """Begin anew."""
        self.buffer.clear()
        self.believed.forget()
        self.latest = -math.inf
