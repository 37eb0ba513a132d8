"""Which samples of a series make up which point of an image's side: arithmetic of lengths alone."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

CONSTANT = 10 * float(np.finfo(np.float64).eps)  # a smaller range counts as none, as in scikit-learn and so in pyts


@lru_cache(maxsize=64)
def taps(length: int, size: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return what brings a series of `length` samples to `size` points: point j is ``sum_w weight * series[index]``.

    Fewer points than samples are piecewise aggregates: the means of segments with pyts's bounds (without overlap).
    More points are interpolated linearly, evenly spaced from the first sample to the last; pyts refuses these.

    Returns
    -------
    index, weight
        (W, size) each, read-only; W is the longest segment, 2 with interpolation.
    """
    if size > length:
        at = np.linspace(0.0, length - 1.0, size)
        before = np.minimum(at.astype(np.int64), max(length - 2, 0))
        share = at - before
        index = np.stack([before, np.minimum(before + 1, length - 1)])
        weight = np.stack([1.0 - share, share])
    else:
        bounds = np.linspace(0, length, size + 1).astype(np.int64)
        counts = np.diff(bounds)
        step = np.arange(counts.max())[:, None]
        index = np.minimum(bounds[:-1] + step, length - 1)
        weight = (step < counts) / counts
    index.setflags(write=False)
    weight.setflags(write=False)
    return index, weight
