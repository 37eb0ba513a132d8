"""Series and skeletons: the streams of one recording on one timeline."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.sources.base import Series
from pipeline.stages.encode.align import TooShortError, Windows, interpolate, positions


class NoOverlapError(ValueError):
    """The clocks of one recording's streams share no time."""


def timeline(streams: Sequence[Series], rate: float, spec: Windows) -> NDArray[np.float64]:
    """Join (T_i, C_i) streams of one recording into one (T, sum of C_i) timeline, linearly interpolated.

    With ``align: resample`` T is L, and samples lie evenly between the first and the last by relative time
    (streams of one trial span the same action, at rates that seldom are the nominal ones). Otherwise samples
    lie at `rate`; a stream without times is taken to have that rate already, and the shortest stream ends the
    timeline. Where all of several streams carry times, only the span that they share is used.

    Raises
    ------
    TooShortError
        A stream has no samples.
    NoOverlapError
        Streams with times share no span.
    """
    if any(len(stream.values) == 0 for stream in streams):
        raise TooShortError("has no samples")
    span = _shared_span(streams)
    if spec.align == "resample":
        return np.concatenate([_stretch(stream, span, spec.length) for stream in streams], axis=1)
    clocked = [_at_rate(stream, span, rate) for stream in streams]
    shortest = min(len(values) for values in clocked)
    return np.concatenate([values[:shortest] for values in clocked], axis=1)


def _shared_span(streams: Sequence[Series]) -> tuple[float, float] | None:
    """Return the seconds that all streams cover; None where each goes by its own first and last sample."""
    clocks = [stream.times for stream in streams if stream.times is not None]
    if len(streams) == 1 or len(clocks) < len(streams):
        return None
    start, end = max(float(times[0]) for times in clocks), min(float(times[-1]) for times in clocks)
    if end < start:
        raise NoOverlapError(f"its streams share no time: one starts at {start:g} s, another ends at {end:g} s")
    return start, end


def _stretch(stream: Series, span: tuple[float, float] | None, samples: int) -> NDArray[np.float64]:
    length = len(stream.values)
    if stream.times is None:
        at = positions(length, samples)
        return interpolate(stream.values, np.arange(length, dtype=np.float64), at)
    start, end = span or (float(stream.times[0]), float(stream.times[-1]))
    return interpolate(stream.values, stream.times, np.linspace(start, end, samples))


def _at_rate(stream: Series, span: tuple[float, float] | None, rate: float) -> NDArray[np.float64]:
    if stream.times is None:
        return stream.values
    start, end = span or (float(stream.times[0]), float(stream.times[-1]))
    # A span that is a whole number of samples but for rounding has its last sample, too.
    ticks = int(np.floor((end - start) * rate + 1e-6)) + 1
    return interpolate(stream.values, stream.times, start + np.arange(ticks) / rate)
