"""What came in, what was lost and why, and how late decisions were; in memory that does not grow."""

from __future__ import annotations

import math
import resource
import sys
from collections import Counter
from collections.abc import Callable


class Latencies:
    """Quantiles of times, from counts in bins that are 2 % wide."""

    def __init__(self) -> None:
        self._bins: Counter[int] = Counter()

    def add(self, seconds: float) -> None:
        """Count a time."""
        self._bins[round(math.log(max(seconds, 1e-6)) / math.log(1.02))] += 1

    def quantile(self, share: float) -> float:
        """Return the time that a share of all do not exceed; NaN where there is none."""
        left = share * self._bins.total()
        for place in sorted(self._bins):
            left -= self._bins[place]
            if left <= 0:
                return float(1.02**place)
        return math.nan


class Tally:
    """Counts of one session.

    Parameters
    ----------
    tell
        Called with the first mistake of each kind.
    """

    def __init__(self, tell: Callable[[str], None] = lambda text: None) -> None:
        self._tell = tell
        self.samples = 0
        self.by_stream: Counter[str] = Counter()
        self.late = 0
        self.decisions = 0
        self.undecided: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.events = 0
        self.restarts = 0
        self.latencies = Latencies()

    def drop(self, kind: str, detail: str = "", count: int = 1) -> None:
        """Count samples that are not used; the first of a kind is told."""
        if kind not in self.dropped:
            self._tell(f"{kind}{f' ({detail})' if detail else ''}: left out, as will be all that are like it")
        self.dropped[kind] += count

    def set_back(self, detail: str) -> None:
        """Count that a clock was set back; the first time is told."""
        if not self.restarts:
            self._tell(f"{detail}: begun anew, as will be each time")
        self.restarts += 1

    def summary(self) -> str:
        """Return all of it on one line."""
        return "; ".join(
            (
                f"{self.samples} samples",
                f"{self.dropped.total()} dropped{_parts(self.dropped)}",
                f"{self.late} late{f' ({self.restarts} times a clock was set back)' if self.restarts else ''}",
                f"{self.decisions} decisions{_parts(self.undecided)}",
                f"{self.events} events",
                f"latency p50 {self._latency(0.5)}, p99 {self._latency(0.99)}",
                f"peak memory {peak_memory() / 1e6:.0f} MB",
            )
        )

    def _latency(self, share: float) -> str:
        return f"{self.latencies.quantile(share) * 1e3:.1f} ms" if self.decisions else "-"


def _parts(counts: Counter[str]) -> str:
    return f" ({', '.join(f'{count} {kind}' for kind, count in counts.most_common())})" if counts else ""


def peak_memory() -> int:
    """Return the most bytes that this process had in memory."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
