"""Recordings of different lengths as one batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.edge.card import time_input

Prepared = Mapping[str, tuple[NDArray[Any], NDArray[np.float64]]]  # values (T, *sample) and times (T,) by stream


def padded(recordings: Sequence[Prepared]) -> dict[str, NDArray[Any]]:
    """Return a graph's inputs: (B, T, *sample) values and (B, T) times; shorter recordings repeat their last sample."""
    batch: dict[str, NDArray[Any]] = {}
    for name, (first, _) in recordings[0].items():
        streams = [each[name] for each in recordings]
        longest = max(len(times) for _, times in streams)
        values = np.empty((len(streams), longest, *first.shape[1:]), np.float32)
        times = np.empty((len(streams), longest), np.float64)
        for row, (own, at) in enumerate(streams):
            values[row, : len(at)], times[row, : len(at)] = own, at
            values[row, len(at) :], times[row, len(at) :] = own[-1], at[-1]
        batch[name], batch[time_input(name)] = values, times
    return batch
