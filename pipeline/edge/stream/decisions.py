"""What goes out: a decision a window, and an event where decisions with the same label follow each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from pipeline.edge.stream.windowing.windows import Windows


class Decision(msgspec.Struct, frozen=True, kw_only=True, tag="decision", omit_defaults=True):
    """One window's label.

    Attributes
    ----------
    end
        Of the window, in seconds of the samples' time.
    label
        None where there is none, for the `reason`.
    probability
        Of the label, else of the likeliest class; None where the model was not asked.
    latency_ms
        Since the window's end; where lines are read as fast as they can be, since the sample that completed it.
    """

    end: float
    label: str | None
    probability: float | None
    latency_ms: float
    reason: str = ""


class Event(msgspec.Struct, frozen=True, kw_only=True, tag="event"):
    """A stretch of one label; `confidence` is the mean of its decisions' probabilities."""

    start: float
    end: float
    label: str
    confidence: float


class Events:
    """Joins decisions as they come; each speaks for the step around its window's middle."""

    def __init__(self, windows: Windows) -> None:
        self._windows = windows
        self._label: str | None = None
        self._start = self._end = 0.0
        self._probabilities: list[float] = [0.0, 0.0]  # sum, count

    def add(self, decision: Decision) -> Iterator[Event]:
        """Yield the event that this decision ends."""
        start, end = self._windows.middle(decision.end)
        follows = abs(start - self._end) < self._windows.every / 2
        if decision.label != self._label or not follows:
            yield from self.close()
            self._label, self._start, self._probabilities = decision.label, start, [0.0, 0.0]
        self._end = end
        self._probabilities[0] += decision.probability or 0.0
        self._probabilities[1] += 1

    def close(self) -> Iterator[Event]:
        """Yield the event that is open."""
        if self._label is not None:
            total, count = self._probabilities
            times = {"start": round(self._start, 6), "end": round(self._end, 6)}
            yield Event(**times, label=self._label, confidence=round(total / count, 4))
        self._label = None


def encode_line(said: Decision | Event) -> str:
    """Return a line of JSON."""
    return msgspec.json.encode(said).decode()


def decode_line(line: bytes | str) -> Decision | Event:
    """Read a line of JSON; msgspec.MsgspecError where it is neither."""
    decoded: Any = msgspec.json.decode(line, type=Decision | Event)
    return decoded  # type: ignore[no-any-return]
