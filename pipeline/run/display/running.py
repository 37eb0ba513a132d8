"""One running step: how far it is, how fast, what it waits for, how long it takes still, in figures and in words."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.formatting import duration
from pipeline.run.display.pace import Pace
from pipeline.run.messages import StepProgress

_SHARES_OVER_S = 3.0


@dataclass
class Running:
    """A step since its start.

    Attributes
    ----------
    began
        When it started, in the clock's seconds.
    expected
        Seconds that it was expected to take; None where nothing is known.
    together
        How many steps are done as one with it, itself counted.
    """

    began: float
    expected: float | None = None
    together: int = 1
    latest: StepProgress | None = None
    _pace: Pace = field(default_factory=Pace)
    _images: Pace = field(default_factory=Pace)
    _before: dict[str, float] = field(default_factory=dict)  # counts from which shares are told
    _mark: dict[str, float] = field(default_factory=dict)  # from which they will be told next

    def add(self, now: float, progress: StepProgress) -> None:
        """Take what the step says of itself."""
        self.latest = progress
        if progress.counts.get("elapsed", 0.0) >= self._mark.get("elapsed", 0.0) + _SHARES_OVER_S:
            self._before, self._mark = self._mark, progress.counts
        self._pace.add(now, progress.done, progress.total)
        if images := progress.counts.get("images"):
            self._images.add(now, images, images)

    @property
    def share(self) -> float | None:
        """How much is done, from 0 to 1; None where nothing is known."""
        return self.latest.done / self.latest.total if self.latest and self.latest.total else None

    @property
    def far(self) -> str:
        """How far it is: ``12 of 64 epochs``."""
        if self.latest is None:
            return "starts"
        return f"{self.latest.done:,} of {self.latest.total:,} {self._unit}"

    @property
    def short(self) -> str:
        """How far it is, in less room: ``12/64 epochs``."""
        return self.far.replace(" of ", "/", 1)

    @property
    def detail(self) -> str:
        """What else it says: its loss; or what its network did of late."""
        if self.latest is None:
            return ""
        return self._network() or self.latest.what.partition(", ")[2]

    def speed(self, now: float) -> str:
        """How fast it goes: ``380 images/s``; empty where that is not known."""
        for pace, unit in (self._images, "images"), (self._pace, self._unit):
            if rate := pace.rate(now):
                return f"{_figure(rate)} {unit.partition(' ')[0]}/s"  # recordings, of "recordings made"
        return ""

    def left(self, now: float) -> float | None:
        """How many seconds it takes still: by its pace, or, until that is known, as it was expected to."""
        if (left := self._pace.left(now)) is not None:
            return left
        rest = (self.expected or 0.0) - (now - self.began)
        return rest if rest > 0 else None

    @property
    def _unit(self) -> str:
        return self.latest.what.partition(",")[0] if self.latest else ""

    def _network(self) -> str:
        """Say whether the network computed of late, or waited for images."""
        if self.latest is None or not (available := self._since("available")):
            return ""
        busy = min(1.0, self._since("network") / available)
        waiting = min(1.0 - busy, self._since("waiting") / self._since("elapsed"))
        return f"network busy {busy:.0%}" if busy >= waiting else "waits for images"

    def _since(self, name: str) -> float:
        assert self.latest is not None
        return self.latest.counts.get(name, 0.0) - self._before.get(name, 0.0)


def left_text(seconds: float | None) -> str:
    """Write how long something takes still; ``-`` where nothing is known."""
    return "-" if seconds is None else duration(max(1.0, round(seconds))).replace(".0 s", " s")


def _figure(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.1f}" if rate >= 1 else f"{rate:.2f}"
