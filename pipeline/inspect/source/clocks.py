"""Channels that seem to be clocks or counters, not something that was measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.formatting import counted
from pipeline.inspect.source.measure import Measure

_LARGE = 1e9  # no sensor's value: seconds since 1970 are more


def like_clocks(measures: Sequence[Measure]) -> list[str]:
    """Say which channels, counted from 1, rise throughout in all recordings, or are as large as times since 1970."""
    given = [each for each in measures if each.extremes is not None]
    if not given or len({each.shape for each in given}) > 1:
        return []
    rising = np.all([each.rising for each in given], axis=0)
    largest = np.max([np.abs(each.extremes.values).max(axis=0) for each in given if each.extremes], axis=0)
    found = []
    for at in np.flatnonzero(rising | (largest > _LARGE)).tolist():
        said = f"reaches {largest[at]:.4g}"
        if rising[at]:
            said = f"rises throughout in all {counted(len(given), 'recording')} read, to {largest[at]:.4g}"
        remedy = "name it under `time`, or leave it out of `columns`"
        found.append(f"channel {at + 1} {said}, as a clock or a counter does: {remedy}")
    return found
