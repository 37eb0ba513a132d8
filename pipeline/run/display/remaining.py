"""How long a whole run takes still: what is running, and what is to come, one after another or side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class StepLeft:
    """What is known of a step that has not ended.

    Attributes
    ----------
    seconds
        That it takes still, beside nothing else; None where nothing is known.
    group
        Of like steps, whose times speak for each other: an entry's.
    needs
        Steps that must end before; those that are not left do not matter.
    alone
        Whether nothing runs beside it.
    """

    seconds: float | None
    group: str
    needs: tuple[str, ...] = ()
    alone: bool = False


@dataclass(frozen=True)
class RunLeft:
    """Seconds that a run takes still; `unknown` steps are not among them."""

    seconds: float
    unknown: int


@dataclass
class Measured:
    """What the steps that ended in this run took, beside what was expected of them."""

    _took: dict[str, list[float]] = field(default_factory=dict)  # by group
    _seconds: float = 0.0
    _expected: float = 0.0

    def add(self, group: str, seconds: float, expected: float | None) -> None:
        """Add a step that ended."""
        self._took.setdefault(group, []).append(seconds)
        if expected:
            self._seconds += seconds
            self._expected += expected

    def corrected(self, group: str, expected: float | None) -> float | None:
        """Return how long a step will take: as like ones did in this run; else as expected, as far as that held."""
        if took := self._took.get(group):
            return sum(took) / len(took)
        if expected is None:
            return None
        return expected * (self._seconds / self._expected if self._expected else 1.0)


def left_of_run(steps: Mapping[str, StepLeft], at_once: int) -> RunLeft:
    """Estimate how long steps take in all; each stands after those that it needs.

    No fewer seconds than the longest chain of steps that need one another, nor than all of them shared out among
    `at_once` workers; steps that run alone are not shared out.
    """
    chain: dict[str, float] = {}
    alone = shared = 0.0
    for id_, step in steps.items():
        seconds = step.seconds or 0.0
        chain[id_] = seconds + max((chain[need] for need in step.needs if need in chain), default=0.0)
        if step.alone:
            alone += seconds
        else:
            shared += seconds
    unknown = sum(step.seconds is None for step in steps.values())
    return RunLeft(max([alone + shared / max(at_once, 1), *chain.values()]), unknown)
