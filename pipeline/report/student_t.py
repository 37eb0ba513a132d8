"""Quantiles of Student's t in plain Python: a table of results must not cost the import of scipy."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float, float]:
    """Return the mean of at least two values, and the ends of its interval."""
    mean = statistics.fmean(values)
    half = two_sided_quantile(confidence, len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))
    return mean, mean - half, mean + half


def two_sided_quantile(confidence: float, freedom: int) -> float:
    """Return the t that a variable of so many degrees of freedom stays below in magnitude with this probability.

    Found by bisection on the closed form of the distribution, to the last digits of a float.
    """
    low, high = 0.0, 1.0
    while _probability_within(high, freedom) < confidence:
        low, high = high, 2 * high
    while low < (middle := (low + high) / 2) < high:
        if _probability_within(middle, freedom) < confidence:
            low = middle
        else:
            high = middle
    return high


def _probability_within(t: float, freedom: int) -> float:
    """Return P(|T| <= t) for whole degrees of freedom (Abramowitz and Stegun, equations 26.7.3 and 26.7.4)."""
    angle = math.atan2(t, math.sqrt(freedom))
    cosine, sine = math.cos(angle), math.sin(angle)
    odd = freedom % 2
    term = cosine if odd else 1.0
    total = term if freedom > 1 else 0.0
    for power in range(2 + odd, freedom - 1, 2):  # cos^3, cos^5, ... or cos^2, cos^4, ...
        term *= cosine * cosine * (power - 1) / power
        total += term
    return 2 / math.pi * (angle + sine * total) if odd else sine * total
