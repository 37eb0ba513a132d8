"""From the probabilities of one window after the other to labels that do not flicker."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ConfigError

Probabilities = NDArray[np.floating]
FORMS = "majority:N, average:N, hysteresis:ENTER,LEAVE or none"


@dataclass(frozen=True)
class Smoothed:
    """What recent windows say together.

    Attributes
    ----------
    label
        Index of a class; None where there is none to be sure of.
    probabilities
        Of all classes.
    """

    label: int | None
    probabilities: Probabilities

    @property
    def probability(self) -> float:
        """Of the label, else of the likeliest class."""
        return float(self.probabilities.max() if self.label is None else self.probabilities[self.label])


class Smoothing(Protocol):
    """Takes windows one by one."""

    def add(self, probabilities: Probabilities) -> Smoothed:
        """Return what this window says, with those before it."""
        ...

    def clear(self) -> None:
        """Forget the windows before: some are missing."""
        ...


class Average:
    """The mean of the last windows' probabilities; of one, each window's own."""

    def __init__(self, count: int) -> None:
        self._last: deque[Probabilities] = deque(maxlen=count)

    def add(self, probabilities: Probabilities) -> Smoothed:
        """See `Smoothing`."""
        self._last.append(probabilities)
        mean = np.mean(self._last, axis=0)
        return Smoothed(int(mean.argmax()), mean)

    def clear(self) -> None:
        """See `Smoothing`."""
        self._last.clear()


class Majority(Average):
    """The label that most of the last windows have, of equally many the one seen last; with the mean probabilities."""

    def add(self, probabilities: Probabilities) -> Smoothed:
        """See `Smoothing`."""
        mean = super().add(probabilities).probabilities
        labels = [int(each.argmax()) for each in reversed(self._last)]
        return Smoothed(Counter(labels).most_common(1)[0][0], mean)


class Hysteresis:
    """A class begins when its probability reaches `enter`, and ends when it falls below `leave` or another begins."""

    def __init__(self, enter: float, leave: float) -> None:
        self._enter, self._leave = enter, leave
        self._label: int | None = None

    def add(self, probabilities: Probabilities) -> Smoothed:
        """See `Smoothing`."""
        top = int(probabilities.argmax())
        if probabilities[top] >= self._enter:
            self._label = top
        elif self._label is not None and probabilities[self._label] < self._leave:
            self._label = None
        return Smoothed(self._label, probabilities)

    def clear(self) -> None:
        """See `Smoothing`."""
        self._label = None


def smoothing_of(text: str) -> Smoothing:
    """Make what ``--smooth`` names; ConfigError says what it takes."""
    kind, _, rest = text.partition(":")
    try:
        if kind == "none" and not rest:
            return Average(1)
        if kind in ("majority", "average") and 1 <= int(rest) <= 10_000:
            return {"majority": Majority, "average": Average}[kind](int(rest))
        if kind == "hysteresis":
            enter, leave = map(float, rest.split(","))
            if 0 <= leave <= enter <= 1:
                return Hysteresis(enter, leave)
    except ValueError:
        pass
    raise ConfigError(f"--smooth {text}: give {FORMS}, where N is 1 or more and 0 <= LEAVE <= ENTER <= 1")
