"""One stream's files become a series or a skeleton."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline.sources.base import Series
from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.natural_order import natural
from pipeline.sources.folder.params import Column, Stream
from pipeline.sources.folder.reading.cache import Latest
from pipeline.sources.folder.reading.clock.order import in_order, steps_of
from pipeline.sources.folder.reading.clock.stamps import Clock, read_clock
from pipeline.sources.folder.reading.cut import Span, within
from pipeline.sources.folder.reading.file_format import format_of
from pipeline.sources.folder.reading.missing import check_finite, check_present, interpolated
from pipeline.sources.folder.reading.notes import Notes
from pipeline.sources.folder.reading.samples import Samples, joined
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


_latest: Latest[Reading] = Latest(count=2, limit=512 << 20, size=lambda reading: reading.nbytes)


def read_series(
    paths: Sequence[Path],
    stream: Stream,
    *,
    clocks: Clocks = "relative",
    span: Span | None = None,
    label: Column | None = None,
) -> Reading:
    """Read a series or skeleton from its files, in natural order of their names.

    Values are in g, deg/s and m. Times are seconds: from the files' first sample, dropped or not (``relative``), or as
    the clock says, since 1970 for dates (``shared``), the stream's offset added; None where the files have none, no
    sample was dropped and there is no offset.

    Parameters
    ----------
    span
        Of a longer file, which is kept in memory for the next span of it. With ``relative`` clocks, times are those
        from the span's start, else they stay.
    label
        The column that has each sample's label: it is no channel, and its text is returned.

    Raises
    ------
    BrokenFileError
        What is wrong with the files' content, without their names.
    OSError
        The system does not let one be read.
    """
    files = sorted(paths, key=lambda path: natural(path.as_posix()))
    whole = partial(_whole, files, stream, clocks, label)
    if span is None:
        return whole()
    state = tuple((path, stat.st_mtime_ns, stat.st_size, stat.st_ino) for path in files for stat in (path.stat(),))
    return _cut(_latest.get((state, stream, clocks, label), whole), span, stream.rate, clocks)


def _cut(whole: Reading, span: Span, rate: float, clocks: Clocks) -> Reading:
    series = whole.series
    rows = within(series.times, len(series.values), rate, span)
    times = None if series.times is None else series.times[rows] - (span.start if clocks == "relative" else 0.0)
    labels = None if whole.labels is None else whole.labels[rows]
    return Reading(Series(series.values[rows].copy(), times), whole.notes, labels)


def _whole(files: Sequence[Path], stream: Stream, clocks: Clocks, label: Column | None) -> Reading:
    samples = _samples(files, stream, label)
    if not len(samples.values):
        raise BrokenFileError("has no samples")
    if label is not None and samples.labels is None:
        raise BrokenFileError(f"has no column of labels, {label!r}: it is no table")
    check_finite(samples.values, samples.names, samples.where)
    if stream.limit is not None:
        samples = replace(samples, values=_within_limit(samples, stream.limit, stream.missing))
    clock = None
    if samples.stamps is not None and stream.time is not None:
        clock = read_clock(samples, stream.time)
        _check_files_apart(clock.seconds, samples.ends)
    rows = _present(samples, clock, stream)
    times, rows, notes = _timed(samples, clock, rows, stream)
    values, filled = interpolated(_taken(samples.values, rows), times, samples.names)
    values = normalise(values, stream.units)
    if stream.kind == "skeleton":
        values = _joints(values, samples, stream)
    if times is not None:
        times = times + stream.offset + (clock.origin if clock is not None and clocks == "shared" else 0.0)
    notes = msgspec.structs.replace(notes, samples=len(values), interpolated=filled)
    labels = None if samples.labels is None else samples.labels[rows]
    return Reading(Series(np.ascontiguousarray(values), times), notes, labels)


def _within_limit(samples: Samples, limit: float, missing: str) -> NDArray[np.float64]:
    """Return the values, NaN for what is beyond the limit; that is refused where nothing may be missing."""
    beyond = np.abs(samples.values) > limit
    if missing == "fail" and beyond.any():
        row, column = (int(at) for at in np.argwhere(beyond)[0])
        raise BrokenFileError(
            f"{samples.where(row)}, {samples.names[column]}: {samples.values[row, column]:g} is beyond the limit, "
            f"{limit:g}; say missing: drop or interpolate"
        )
    return np.where(beyond, np.nan, samples.values)


def _present(samples: Samples, clock: Clock | None, stream: Stream) -> NDArray[np.int64]:
    """Return the samples that are kept: those with a time, and with all values where `missing` wants these."""
    timeless = np.zeros(len(samples.values), np.bool_) if clock is None else np.isnan(clock.seconds)
    if stream.missing == "fail":
        check_present(samples.values, samples.names, samples.where)
        if timeless.any():
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
    if values.shape[1] % 3:
        raise BrokenFileError(
            f"has {values.shape[1]} columns for a skeleton, which are not x, y and z of each joint: choose them in "
            "columns"
        )
    count = values.shape[1] // 3
    check_count(stream.joints, count)
    if stream.axes[-2:] == ("axis", "joint"):
        return values.reshape(len(values), 3, count).transpose(0, 2, 1)
    return values.reshape(len(values), count, 3)


def _samples(files: Sequence[Path], stream: Stream, label: Column | None) -> Samples:
    format = format_of(files[0], stream.format)
    if format not in ("json", "ntu"):
        return joined([_of_file(path, stream, label) for path in files])
    from pipeline.sources.folder.reading.exports import ntu, skeleton_json

    name, read = ("JSON", skeleton_json.read) if format == "json" else ("NTU RGB+D's text", ntu.read)
    if stream.kind != "skeleton":
        raise BrokenFileError(f"is {name}, which is read for skeletons alone: say kind: skeleton")
    return read(files, stream)


def _of_file(path: Path, stream: Stream, label: Column | None) -> Samples:
    format = format_of(path, stream.format)
    if format in ("npy", "npz", "mat", "hdf5"):
        from pipeline.sources.folder.reading.arrays import array_file

        return array_file.read(path, stream, format, label)
    readers = _tables()
    if format not in readers:
        raise BrokenFileError(f"is a video or a picture, but its stream has kind: {stream.kind}; say kind: video")
    return readers[format](path, stream, label)


def _tables() -> Mapping[str, Callable[[Path, Stream, Column | None], Samples]]:
    from pipeline.sources.folder.reading.tables import excel, parquet, text

    return {"csv": text.read, "parquet": parquet.read, "excel": excel.read}
