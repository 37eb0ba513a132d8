"""What is kept of one stream of one recording once it was read: a few numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.sources.base import Kind, Series
from pipeline.sources.folder.reading.notes import Notes

_LONG = 5.0  # usual steps: what is longer is a gap
_GAPS = 0.02  # of all steps, may be gaps without seeming to part bursts
_FEWEST = 20  # samples, among which nothing rises throughout by chance


@dataclass(frozen=True)
class Extremes:
    """Of each of C channels: the least and the greatest value, how often it comes, and the longest run of it.

    Attributes
    ----------
    values, counts, runs
        (2, C): least, greatest.
    """

    values: NDArray[np.float64]
    counts: NDArray[np.int64]
    runs: NDArray[np.int64]


@dataclass(frozen=True)
class Timing:
    """How samples or frames lie in time.

    Attributes
    ----------
    seconds
        From the first sample to the end of the last.
    rate
        Samples a second as the stream's own times have it, gaps aside; None without times.
    bursts
        Most samples follow the one before within less than half the mean step.
    gaps, longest_gap
        Steps of more than five times the usual one, of bursts the usual one between two; the longest, in seconds.
    """

    seconds: float
    rate: float | None = None
    bursts: bool = False
    gaps: int = 0
    longest_gap: float = 0.0


@dataclass(frozen=True)
class Measure:
    """One stream of one recording.

    Attributes
    ----------
    shape
        Of one sample or frame.
    magnitude
        Of a series the root mean square of all values; of a skeleton its usual extent, the diagonal of the box around
        all joints; None of a video.
    lengths
        Of a series: the median length of the vector of each three channels, (C // 3,); else empty.
    extremes, rising
        Of a series; which channels rise throughout, as clocks do.
    notes
        What reading assumed, of a source that says it.
    """

    recording: str
    samples: int
    shape: tuple[int, ...]
    timing: Timing
    magnitude: float | None = None
    lengths: tuple[float, ...] = ()
    extremes: Extremes | None = None
    rising: tuple[bool, ...] = ()
    notes: Notes | None = None

    @property
    def seconds(self) -> float:
        """From the first sample to the end of the last."""
        return self.timing.seconds


def measured(recording: str, series: Series, kind: Kind, rate: float, notes: Notes | None) -> Measure:
    """Measure a series or skeleton; `rate` is the nominal one, which holds where there are no times."""
    values, count = series.values, len(series.values)
    when = timing(count, series.times, rate)
    if kind == "skeleton":
        boxes = np.ptp(values.reshape(count, -1, values.shape[-1]), axis=1)
        size = float(np.median(np.linalg.norm(boxes, axis=1)))
        return Measure(recording, count, values.shape[1:], when, size, notes=notes)
    flat = values.reshape(count, -1)
    triples = [flat[:, at : at + 3] for at in range(0, flat.shape[1] - 2, 3)]
    lengths = tuple(float(np.median(np.linalg.norm(triple, axis=1))) for triple in triples)
    size = float(np.sqrt(np.mean(np.square(flat))))
    rising = tuple(rising_channels(flat).tolist())
    return Measure(recording, count, values.shape[1:], when, size, lengths, extremes_of(flat), rising, notes)


def timing(count: int, times: NDArray[np.float64] | None, rate: float) -> Timing:
    """Describe (count,) times in seconds; without them the nominal `rate` holds."""
    if times is None:
        return Timing(count / rate)
    steps = np.diff(times)
    if not len(steps):
        return Timing(1 / rate)
    # the mean without the longest steps, among which gaps are, tells where samples come in bursts
    ordered, median = np.sort(steps), float(np.median(steps))
    mean = float(ordered[: max(1, int(len(steps) * (1 - _GAPS)))].mean())
    bursts = median < mean / 2
    long = steps > _LONG * (float(np.median(steps[steps > mean])) if bursts else median)
    spent = float(steps[~long].sum())
    found = float((~long).sum()) / spent if spent > 0 else None
    longest = float(steps.max()) if long.any() else 0.0
    return Timing(float(times[-1] - times[0]) + 1 / (found or rate), found, bursts, int(long.sum()), longest)


def rising_channels(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which of the channels of (T, C) values never fall and rise in most steps; (C,), none of few samples."""
    if len(values) < _FEWEST:
        return np.zeros(values.shape[1], np.bool_)
    steps = np.diff(values, axis=0)
    found: NDArray[np.bool_] = (steps >= 0).all(axis=0) & ((steps > 0).mean(axis=0) > 0.5)
    return found


def extremes_of(values: NDArray[np.float64]) -> Extremes:
    """Return the extremes of (T, C) values."""
    ends = np.stack([values.min(axis=0), values.max(axis=0)])
    at = values[None] == ends[:, None]  # (2, T, C)
    return Extremes(ends, at.sum(axis=1), np.apply_along_axis(_longest_run, 1, at))


def _longest_run(flags: NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))
