"""A part of a longer recording, to the sample."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.sources.broken_file import BrokenFileError

_TOLERANCE = 1e-6  # seconds, or a thousandth of a sample where that is less: what rounding makes of times


@dataclass(frozen=True)
class Span:
    """Seconds from `start` on, before `end`; None for the file's own end."""

    start: float = 0.0
    end: float | None = None


def within(times: NDArray[np.float64] | None, length: int, rate: float, span: Span) -> slice:
    """Return which samples lie in [start, end).

    Parameters
    ----------
    times
        (T,) seconds, not decreasing; None: sample i is at ``i / rate``.

    Raises
    ------
    BrokenFileError
        None does.
    """
    near = min(_TOLERANCE, 1e-3 / rate)
    end = math.inf if span.end is None else span.end
    if times is None:
        first = max(0, math.ceil((span.start - near) * rate))
        last = length if math.isinf(end) else min(length, max(0, math.ceil((end - near) * rate)))
    else:
        first = int(np.searchsorted(times, span.start - near))
        last = int(np.searchsorted(times, end - near))
    if last <= first:
        begins, ends = (0.0, (length - 1) / rate) if times is None else (float(times[0]), float(times[-1]))
        raise BrokenFileError(
            f"has no sample from {span.start:.15g} s to before {end:.15g} s: it has {length}, from {begins:.15g} s "
            f"to {ends:.15g} s"
        )
    return slice(first, last)
