"""Channels that are cut off: many samples at the very same extreme."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from pipeline.inspect.source.measure import Measure

_SAMPLES = 10  # in all recordings that were read
_RUN = 3  # one after the other, at least once

RULE = "10 samples or more at a channel's extreme, 3 of them in a row"


class Clipped(msgspec.Struct, frozen=True):
    """One end of one channel, counted from 1; `recordings` are those with samples there, most samples first."""

    channel: int
    value: float
    samples: int
    recordings: tuple[str, ...]


def clipped(measures: Sequence[Measure]) -> list[Clipped]:
    """Return what is cut off, by `RULE`; a recording in which the channel is constant does not count."""
    given = [(each.recording, each.extremes) for each in measures if each.extremes is not None]
    if not given or len({each.values.shape for _, each in given}) > 1:
        return []
    values = np.stack([each.values for _, each in given])  # (N, 2, C)
    lows, highs = values[:, 0].min(axis=0), values[:, 1].max(axis=0)
    found = []
    for channel in np.flatnonzero(lows < highs).tolist():
        for end, extreme in ((0, lows[channel]), (1, highs[channel])):
            at = [(each.counts[end, channel], name, each) for name, each in given]
            at = [each for each in at if each[2].values[end, channel] == extreme and np.ptp(each[2].values[:, channel])]
            samples = int(sum(count for count, _, _ in at))
            run = max((int(each.runs[end, channel]) for _, _, each in at), default=0)
            if samples >= _SAMPLES and run >= _RUN:
                names = tuple(name for _, name, _ in sorted(at, key=lambda each: (-each[0], each[1])))
                found.append(Clipped(channel + 1, float(extreme), samples, names))
    return found
