"""Columns that rise throughout: clocks and counters, whatever they are called; nothing that is measured does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SINCE_1970 = 9.4e8  # seconds to the year 2000
_FEWEST = 20  # samples
_NEAR = 4.0  # times the usual step, or a part of it


def is_counter(values: NDArray[np.float64]) -> bool:
    """Tell whether a column counts samples."""
    import numpy as np

    return len(values) > 2 and bool((np.diff(values) == 1).all())


def is_rising(values: NDArray[np.float64]) -> bool:
    """Tell whether a column rises from each sample to the next, mostly by near-equal steps, or counts from 1970."""
    import numpy as np

    steps = np.diff(values)
    if len(values) < _FEWEST or not (steps >= 0).all() or values[-1] == values[0]:
        return False
    if values[0] > SINCE_1970:
        return True
    if not (steps > 0).all():
        return False
    low, usual, high = np.percentile(steps, [10, 50, 90])
    return bool(usual / _NEAR <= low and high <= usual * _NEAR)
