"""A file's samples become a series: in time, in known units, without what is missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline.sources.base import Series
from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.params import Stream
from pipeline.sources.folder.reading.clock.order import in_order, steps_of
from pipeline.sources.folder.reading.clock.stamps import Clock, read_clock
from pipeline.sources.folder.reading.missing import check_finite, check_limit, check_present, interpolated
from pipeline.sources.folder.reading.notes import Notes
from pipeline.sources.folder.reading.samples import Samples
from pipeline.sources.folder.reading.units import normalise
from pipeline.sources.skeletons import check_count

Clocks = Literal["relative", "shared"]


@dataclass(frozen=True)
class Reading:
    """A series, what was found about it, and the (T,) label of each sample where these were asked for."""

    series: Series
    notes: Notes
    labels: NDArray[Any] | None = None

    @property
    def nbytes(self) -> int:
        """Bytes in memory; of labels their references alone."""
        arrays = (self.series.values, self.series.times, self.labels)
        return sum(array.nbytes for array in arrays if array is not None)


@dataclass(frozen=True)
class Whole:
    """Files that were read, and what raises BrokenFileError where some of their samples cannot be used."""

    reading: Reading
    check: Callable[[slice], None]


def whole_reading(samples: Samples, stream: Stream, clocks: Clocks, *, labelled: bool) -> Whole:
    """Put samples in order, and give them their units.

    Parameters
    ----------
    labelled
        Whether the first of their marks is the label.

    Raises
    ------
    BrokenFileError
        There is none, or times, units or columns do not fit.
    """
    if not len(samples.values):
        raise BrokenFileError("has no samples")
    if stream.missing != "fail":
        check_finite(samples.values, samples.names, samples.where)
        if stream.limit is not None:
            samples = replace(samples, values=np.where(np.abs(samples.values) > stream.limit, np.nan, samples.values))
    clock = None
    if samples.stamps is not None and stream.time is not None:
        clock = read_clock(samples, stream.time)
        _check_files_apart(clock.seconds, samples.ends)
    rows = _present(samples, clock, stream)
    times, rows, notes = _timed(samples, clock, rows, stream)
    values, filled = _taken(samples.values, rows), 0
    if stream.missing == "interpolate":
        values, filled = interpolated(values, times, samples.names)
    values = normalise(values, stream.units)
    if stream.kind == "skeleton":
        values = _joints(values, samples, stream)
    if times is not None:
        times = times + stream.offset + (clock.origin if clock is not None and clocks == "shared" else 0.0)
    notes = msgspec.structs.replace(notes, samples=len(values), interpolated=filled)
    labels = None if not labelled else samples.marks[0][rows]
    return Whole(Reading(Series(np.ascontiguousarray(values), times), notes, labels), _check(samples, rows, stream))


def _check(samples: Samples, rows: NDArray[np.int64], stream: Stream) -> Callable[[slice], None]:
    """Return what raises BrokenFileError where some of the kept samples have no value, or one that cannot be."""
    if stream.missing != "fail" or not _wrong(samples.values, stream.limit).any():
        return lambda part: None

    def check(part: slice) -> None:
        kept = rows[part]
        values = samples.values[kept]

        def where(row: int) -> str:
            return samples.where(int(kept[row]))

        check_finite(values, samples.names, where)
        if stream.limit is not None:
            check_limit(values, stream.limit, samples.names, where)
        check_present(values, samples.names, where)

    return check


def _wrong(values: NDArray[np.float64], limit: float | None) -> NDArray[np.bool_]:
    finite = np.isfinite(values)
    return ~finite if limit is None else ~(finite & (np.abs(values) <= limit))


def _present(samples: Samples, clock: Clock | None, stream: Stream) -> NDArray[np.int64]:
    """Return the samples that are kept: those with a time, and with all values where they are to be dropped else."""
    timeless = np.zeros(len(samples.values), np.bool_) if clock is None else np.isnan(clock.seconds)
    if stream.missing == "fail" and timeless.any():
        where = samples.where(int(timeless.argmax()))
        raise BrokenFileError(f"{where}: no time; say missing: drop to leave out what has none")
    gone = timeless | np.isnan(samples.values).any(axis=1) if stream.missing == "drop" else timeless
    if gone.all():
        raise BrokenFileError("has no sample left: in each of them a value is missing (missing: drop)")
    return np.flatnonzero(~gone)


def _check_files_apart(seconds: NDArray[np.float64], ends: Sequence[int]) -> None:
    """Refuse files of one stream that cover the same time: their clocks begin anew, or they are two streams."""
    spans = []
    for number, own in enumerate(np.split(seconds, ends[:-1]), 1):
        known = own[~np.isnan(own)]
        if len(known):
            spans.append((float(known.min()), float(known.max()), number))
    spans.sort()
    for (_, end, one), (start, _, two) in pairwise(spans):
        if start < end:
            raise BrokenFileError(
                f"files {min(one, two)} and {max(one, two)} of the stream cover the same time: if their clocks begin "
                "anew, leave time out; if they hold different channels, make them two streams"
            )


def _timed(
    samples: Samples, clock: Clock | None, rows: NDArray[np.int64], stream: Stream
) -> tuple[NDArray[np.float64] | None, NDArray[np.int64], Notes]:
    """Put kept samples in order; return seconds from the file's first sample, kept or not, their numbers, and notes."""
    dropped = len(samples.values) - len(rows)
    notes = msgspec.structs.replace(samples.notes, dropped=dropped)
    if clock is None:
        return rows / stream.rate if dropped or stream.offset else None, rows, notes
    order = in_order(_taken(clock.seconds, rows), _taken(samples.values, rows))
    times = order.times
    if len(times) > 1 and times[-1] == times[0]:
        raise BrokenFileError(f"all of its {len(times)} samples have the same time (time.column)")
    steps = steps_of(times)
    return (
        times,
        _taken(rows, order.rows),
        msgspec.structs.replace(
            notes,
            sorted=order.moved,
            doubled=order.doubled,
            spread=order.spread,
            wrapped=clock.wrapped,
            rate=steps.rate,
            gaps=steps.gaps,
            longest_gap=steps.longest,
        ),
    )


def _taken(array: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
    """Return some rows; an array as it is where these are all, in their order."""
    return array if len(rows) == len(array) and (rows[1:] > rows[:-1]).all() else array[rows]


def _joints(values: NDArray[np.float64], samples: Samples, stream: Stream) -> NDArray[np.float64]:
    """Return (T, joints, 3) of (T, 3 joints): x, y, z of each joint, or all x first where axes say so."""
    if samples.shape:
        count = samples.shape[0]
        if not stream.columns:
            check_count(stream.joints, count)
        return values.reshape(len(values), count, 3)
    if values.shape[1] % 3 or values.shape[1] < 6:
        raise BrokenFileError(
            f"has {values.shape[1]} columns for a skeleton, which are not x, y and z of each joint: choose them in "
            "columns, or say kind: series"
        )
    count = values.shape[1] // 3
    check_count(stream.joints, count)
    if stream.axes[-2:] == ("axis", "joint"):
        return values.reshape(len(values), 3, count).transpose(0, 2, 1)
    return values.reshape(len(values), count, 3)
