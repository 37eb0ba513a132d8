"""Samples in the order of their time, each with a time of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LONG = 5.0  # times the usual step make a gap
_LATE = 2.0  # times the usual step: how far a burst's samples are spread at most


@dataclass(frozen=True)
class Order:
    """Which samples are kept, in which order, and when they were.

    Attributes
    ----------
    rows
        Numbers of the samples.
    times
        (T,) seconds, increasing.
    moved, doubled, spread
        How many stood before an earlier one, were left out, and got times of their own.
    """

    rows: NDArray[np.int64]
    times: NDArray[np.float64]
    moved: int
    doubled: int
    spread: int


@dataclass(frozen=True)
class Steps:
    """What lies between samples."""

    rate: float | None
    gaps: int
    longest: float


def in_order(seconds: NDArray[np.float64], values: NDArray[np.float64]) -> Order:
    """Sort samples by time, those of one time as they stand in the file, and tell these apart.

    Where all samples of one time have the same values, throughout the file, they are one sample written several times:
    the first is kept. Otherwise they arrived in bursts, or the clock ticks more slowly than samples come: the n samples
    of a time are spread evenly from it up to the next one, the i-th of them at ``t + i (t_next - t) / n``. None is put
    further from the one before than twice the usual such step, so that a gap after a burst stays a gap; the last
    burst's samples have the usual step. The rule is this program's own: what stamps that are shared mean, the file does
    not say.

    Parameters
    ----------
    seconds
        (T,), finite.
    values
        (T, C).
    """
    backwards = seconds[1:] < seconds[:-1]
    moved = int((seconds < np.maximum.accumulate(seconds)).sum()) if backwards.any() else 0
    rows = np.argsort(seconds, kind="stable") if moved else np.arange(len(seconds))
    times = seconds[rows]
    first = np.diff(times, prepend=-np.inf) > 0
    if first.all():
        return Order(rows, times, moved, 0, 0)
    starts = np.flatnonzero(first)
    group = np.cumsum(first) - 1
    same = values[rows] == values[rows[starts]][group]
    if (same | np.isnan(values[rows]) & np.isnan(values[rows[starts]])[group]).all():
        return Order(rows[starts], times[starts], moved, len(rows) - len(starts), 0)
    counts = np.diff(starts, append=len(rows))
    distinct = times[starts]
    if len(starts) == 1:
        return Order(rows, times, moved, 0, 0)
    steps = np.diff(distinct) / counts[:-1]
    usual = float(np.median(steps))
    steps = np.append(np.where(steps > _LATE * usual, usual, steps), usual)
    place = np.arange(len(rows)) - starts[group]
    spread = int(counts[counts > 1].sum())
    return Order(rows, distinct[group] + place * steps[group], moved, 0, spread)


def steps_of(times: NDArray[np.float64]) -> Steps:
    """Describe what lies between samples: the rate without gaps, and the gaps."""
    steps = np.diff(times)
    if not len(steps):
        return Steps(None, 0, 0.0)
    long = steps > _LONG * float(np.median(steps))
    usual = steps[~long]
    spent = float(usual.sum())
    return Steps(len(usual) / spent if spent > 0 else None, int(long.sum()), float(steps.max()) if long.any() else 0.0)
