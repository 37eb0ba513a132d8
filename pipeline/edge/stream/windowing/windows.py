"""Which windows there are: every so many milliseconds of the samples' own time one ends, wherever samples begin."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Windows:
    """Windows by number: that of number k ends, excluded, at k times `every`.

    Attributes
    ----------
    seconds
        From a window's start to its end.
    every_ms
        From one end to the next.
    """

    seconds: float
    every_ms: int

    @property
    def every(self) -> float:
        """Seconds from one end to the next."""
        return self.every_ms / 1000

    def end(self, number: int) -> float:
        """Return a window's end."""
        return number * self.every_ms / 1000

    def start(self, number: int) -> float:
        """Return a window's start."""
        return self.end(number) - self.seconds

    def first_from(self, time: float) -> int:
        """Return the first window that starts at a time or later."""
        return math.ceil((time + self.seconds) / self.every - 1e-6)

    def first_with(self, time: float) -> int:
        """Return the first window that has a time within it."""
        number = math.floor(time / self.every) + 1
        return number + (self.end(number) <= time)

    def middle(self, end: float) -> tuple[float, float]:
        """Return the stretch that the window with this end speaks for: a step, around the window's middle."""
        centre = end - self.seconds / 2
        return centre - self.every / 2, centre + self.every / 2
