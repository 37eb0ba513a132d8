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


def two_sided_quantile(confidence: float, freedom: float) -> float:
    """Return the t that a variable of so many degrees of freedom, whole or not, stays below in magnitude so often.

    Found by bisection, to the last digits of a float.
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


def _probability_within(t: float, freedom: float) -> float:
    """Return P(|T| <= t): 1 - I_x(freedom / 2, 1 / 2) with x = freedom / (freedom + t^2) (DLMF 8.17)."""
    square = t * t
    rest, x = square / (freedom + square), freedom / (freedom + square)
    if not square:
        return 0.0
    half = freedom / 2
    front = math.exp(
        math.lgamma(half + 0.5) - math.lgamma(half) - math.lgamma(0.5) + half * math.log(x) + 0.5 * math.log(rest)
    )
    if x < (half + 1) / (half + 2.5):  # where the fraction converges fast
        return 1 - front * _fraction(x, half, 0.5) / half
    return front * _fraction(rest, 0.5, half) / 0.5


def _fraction(x: float, a: float, b: float) -> float:
    """Return the continued fraction of the incomplete beta function (DLMF 8.17.22), after Lentz."""
    tiny = 1e-300
    c, d = 1.0, 1 / ((1 - (a + b) * x / (a + 1)) or tiny)
    value, m, change = d, 1, 0.0
    while abs(change - 1) > 1e-16 and m < 10_000:
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / ((1 + even * d) or tiny)
        c = (1 + even / c) or tiny
        value *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1 / ((1 + odd * d) or tiny)
        c = (1 + odd / c) or tiny
        change = d * c
        value *= change
        m += 1
    return value
