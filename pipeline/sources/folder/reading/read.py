"""One stream's files become a series or a skeleton."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.sources.base import Series
from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.listing.patterns import plain
from pipeline.sources.folder.params import Column, Stream
from pipeline.sources.folder.reading.cache import Latest
from pipeline.sources.folder.reading.cut import Span, within
from pipeline.sources.folder.reading.file_format import format_of
from pipeline.sources.folder.reading.samples import Samples, joined, taken
from pipeline.sources.folder.reading.tables.readers import table_readers
from pipeline.sources.folder.reading.whole import Clocks, Reading, Whole, whole_reading

Apart = tuple[tuple[Column, str], ...]  # columns, and the value that a sample has in each

_latest: Latest[Whole] = Latest(count=2, limit=512 << 20, size=lambda whole: whole.reading.nbytes)
_latest_samples: Latest[Samples] = Latest(count=2, limit=512 << 20, size=lambda samples: samples.nbytes)


def read_series(
    paths: Sequence[Path],
    stream: Stream,
    *,
    clocks: Clocks = "relative",
    span: Span | None = None,
    label: Column | None = None,
    check: bool = True,
    row: int | None = None,
    apart: Apart = (),
) -> Reading:
    """Read a series or skeleton from its files, in the order that they are given in.

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
    check
        False: values may be NaN, infinite or beyond the limit, for whoever wants times and labels alone. Of a span,
        only what lies in it is checked.
    row
        Which recording of files that hold many, from 0.
    apart
        Of files that hold several subjects' samples, or sessions': only those which have these values, as if there were
        no others. The columns are no channels.

    Raises
    ------
    BrokenFileError
        What is wrong with the files' content, without their names.
    OSError
        The system does not let one be read.
    """
    files = tuple(paths)

    def whole() -> Whole:
        return whole_reading(_samples_of(files, stream, label, row, apart), stream, clocks, labelled=label is not None)

    if span is None:
        found, rows = whole(), slice(None)
    else:
        found = _latest.get((_state(files), stream, clocks, label, apart), whole)
        rows = within(found.reading.series.times, len(found.reading.series.values), stream.rate, span)
    if check:
        found.check(rows)
    return found.reading if span is None else _cut(found.reading, rows, span.start if clocks == "relative" else 0.0)


def values_of(
    paths: Sequence[Path], stream: Stream, columns: Sequence[Column], label: Column | None = None
) -> list[tuple[str, ...]]:
    """Return which values some columns have together, each once, in their order; not where one has none.

    Raises
    ------
    BrokenFileError, OSError
        As `read_series`.
    """
    marks = _marked(paths, stream, label, columns).marks
    own = marks[len(marks) - len(columns) :]
    found = dict.fromkeys(tuple(map(plain, values)) for values in dict.fromkeys(zip(*own, strict=True)))
    return [values for values in found if all(values)]


def _samples_of(files: Sequence[Path], stream: Stream, label: Column | None, row: int | None, apart: Apart) -> Samples:
    if row is not None:
        from pipeline.sources.folder.reading.stack import read_row

        return read_row(tuple(files), stream, row)
    if not apart:
        return _samples(files, stream, () if label is None else (label,))
    samples = _marked(files, stream, label, [column for column, _ in apart])
    own = samples.marks[len(samples.marks) - len(apart) :]
    fits = np.ones(len(samples.values), np.bool_)
    for texts, (_, value) in zip(own, apart, strict=True):
        same = {text for text in {*texts.tolist()} if plain(text) == value}
        fits &= np.fromiter((text in same for text in texts), np.bool_, len(texts))
    return taken(samples, np.flatnonzero(fits))


def _marked(files: Sequence[Path], stream: Stream, label: Column | None, columns: Sequence[Column]) -> Samples:
    """Read files whose samples are told apart by some columns; they are kept for the next value."""
    marks = (*([] if label is None else [label]), *columns)
    return _latest_samples.get((_state(files), stream, marks), lambda: _samples(files, stream, marks))


def _state(files: Sequence[Path]) -> tuple[tuple[Path, int, int, int, int], ...]:
    return tuple(
        (path, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino)
        for path in files
        for stat in (path.stat(),)
    )


def _cut(whole: Reading, rows: slice, start: float) -> Reading:
    series = whole.series
    times = None if series.times is None else series.times[rows] - start
    labels = None if whole.labels is None else whole.labels[rows]
    return Reading(Series(series.values[rows].copy(), times), whole.notes, labels)


def _samples(files: Sequence[Path], stream: Stream, marks: Sequence[Column]) -> Samples:
    format = format_of(files[0], stream.format)
    if format not in ("json", "ntu"):
        samples = joined([_of_file(path, stream, marks) for path in files])
        if len(samples.marks) < len(marks):
            raise BrokenFileError(f"has no columns {', '.join(map(str, marks))} (source.segments): it is no table")
        return samples
    from pipeline.sources.folder.reading.exports import ntu, skeleton_json

    name, read = ("JSON", skeleton_json.read) if format == "json" else ("NTU RGB+D's text", ntu.read)
    if stream.kind != "skeleton":
        raise BrokenFileError(f"is {name}, which is read for skeletons alone: say kind: skeleton")
    return read(files, stream)


def _of_file(path: Path, stream: Stream, marks: Sequence[Column]) -> Samples:
    format = format_of(path, stream.format)
    if format in ("npy", "npz", "mat", "hdf5"):
        from pipeline.sources.folder.reading.arrays import array_file

        return array_file.read(path, stream, format, marks)
    readers = table_readers()
    if format not in readers:
        raise BrokenFileError(f"is a video or a picture, but its stream has kind: {stream.kind}; say kind: video")
    return readers[format](path, stream, marks)
