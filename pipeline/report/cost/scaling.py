"""How long work takes, by how long less or more of it took: a fixed part (start, reading), and one that grows."""

from __future__ import annotations

import math
from collections.abc import Iterable

_LONGEST_FIXED_S = 10.0  # of a process's first step, whose imports count: measured, on a busy machine
_APART = 2.0  # amounts of work must differ by so much, and
_SLOWER = 1.5  # the larger take so much longer, before the fixed part is told from the rest
_KNOWN_WITHIN = 2.0  # the factor between the least and the most that it may take, to be called known


def expected_seconds(measured: Iterable[tuple[float, float]], work: float) -> float | None:
    """Estimate the seconds that an amount of work takes.

    Parameters
    ----------
    measured
        Amounts of like work, above zero, and the seconds that each took. Of equal amounts the median counts.
    work
        The amount of work to be done, in the same unit, above zero.

    Returns
    -------
    float or None
        Seconds; None where nothing was measured, or so much less or more that it may be twice as long, or half,
        depending on how much of what was measured is fixed.
    """
    by_amount: dict[float, list[float]] = {}
    for amount, seconds in measured:
        by_amount.setdefault(amount, []).append(seconds)
    if not by_amount:
        return None
    from statistics import median_low  # slow to import

    took = {amount: median_low(each) for amount, each in sorted(by_amount.items())}
    nearest = min(took, key=lambda amount: abs(math.log(work / amount)))
    grown = work / nearest
    low, high = sorted(fixed + (took[nearest] - fixed) * grown for fixed in _fixed_range(took))
    return (low + high) / 2 if high <= _KNOWN_WITHIN * low else None


def _fixed_range(took: dict[float, float]) -> tuple[float, float]:
    """Return the least and the most that is fixed of what each amount of work took; they rise by amount."""
    (least, quick), (most, slow) = min(took.items()), max(took.items())
    if most >= _APART * least and slow >= _SLOWER * quick:
        fixed = min(max(0.0, quick - (slow - quick) / (most - least) * least), *took.values())
        return fixed, fixed
    return 0.0, min(_LONGEST_FIXED_S, *took.values())
