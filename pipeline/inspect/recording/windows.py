"""Where in time the windows of a recording lie, by the same arithmetic as encoding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.sources.base import Series
from pipeline.stages.encode.align import Windows, frames, starts

Spans = NDArray[np.float64]  # (windows, 2): seconds of the first and the last sample


def series_spans(streams: Sequence[Series], rate: float, spec: Windows, length: int) -> list[Spans]:
    """Return the windows' spans in each stream's seconds, from its own first sample on.

    `length` is that of the timeline that encoding makes of the streams, in samples.
    """
    first = starts(spec, length)
    samples = np.stack([first, first + spec.window - 1], axis=1)
    found = []
    for (begin, end), series in zip(_covered(streams, rate), streams, strict=True):
        origin = 0.0 if series.times is None else float(series.times[0])
        if spec.align == "resample":
            seconds = begin + samples / max(spec.length - 1, 1) * (end - begin)
        else:
            seconds = begin + samples / rate
        found.append(seconds - origin)
    return found


def video_spans(length: int, spec: Windows, seconds: NDArray[np.float64]) -> Spans:
    """Return the windows' spans in a video of `length` frames at (length,) `seconds`."""
    numbers = frames(spec, length)
    return seconds[numbers[:, [0, -1]]]


def _covered(streams: Sequence[Series], rate: float) -> list[tuple[float, float]]:
    """Return what encoding uses of each stream: what all cover where all have times, else each as a whole."""
    own = [
        (0.0, (len(each.values) - 1) / rate) if each.times is None else (float(each.times[0]), float(each.times[-1]))
        for each in streams
    ]
    if len(streams) > 1 and all(each.times is not None for each in streams):
        return [(max(begin for begin, _ in own), min(end for _, end in own))] * len(streams)
    return own
