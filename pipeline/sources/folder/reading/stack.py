"""Arrays of many recordings, and tables with one a line: one of them is taken, the rest kept for the next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.params import Column, Csv, RowColumn, Stream
from pipeline.sources.folder.reading.arrays import array_file
from pipeline.sources.folder.reading.arrays.axes import arranged, default_axes, rows_of
from pipeline.sources.folder.reading.cache import Latest
from pipeline.sources.folder.reading.file_format import format_of
from pipeline.sources.folder.reading.samples import Samples
from pipeline.sources.folder.reading.tables.readers import table_readers

_ARRAYS = ("npy", "npz", "mat", "hdf5")
_latest: Latest[NDArray[Any]] = Latest(count=64, limit=2 << 30, size=lambda array: array.nbytes)


def read_row(paths: tuple[Path, ...], stream: Stream, row: int) -> Samples:
    """Read the recording of a number, from 0. Of several files of one stream, the channels are joined.

    Raises
    ------
    BrokenFileError
        No such row, axes that do not fit, or what reading the file says.
    OSError
        The system does not let it be read.
    """
    found = []
    for path in paths:
        stack = _stack(path, stream)
        if row >= len(stack):
            raise BrokenFileError(f"has {len(stack)} rows, but row {row + 1} is wanted")
        one = arranged(stack[row], tuple(axis for axis in stream.axes if axis != "recording"), stream.kind)
        found.append(one if one.ndim > 2 else rows_of(one)[0])
    if len({each.shape[0] for each in found}) > 1 or (len(found) > 1 and any(each.ndim > 2 for each in found)):
        shapes = ", ".join(" x ".join(map(str, each.shape)) for each in found)
        raise BrokenFileError(f"the stream's files have rows of {shapes}, which cannot be joined by their channels")
    joined = found[0] if len(found) == 1 else np.concatenate(found, axis=1)
    axes = ("time", "channel") if joined.ndim == 2 else ("time", "joint", "axis")
    in_order = msgspec.structs.replace(stream, axes=axes)
    return array_file.samples_of(joined, "", None, in_order)


def count_rows(path: Path, stream: Stream) -> int:
    """Return how many recordings a file has; BrokenFileError where it cannot be read."""
    return len(_stack(path, stream))


def read_column(path: Path, described: RowColumn) -> list[str]:
    """Read a value for each recording, of an array or a table; BrokenFileError where there is not one each."""
    format = format_of(path)
    if format in _ARRAYS:
        stream = Stream(rate=1.0, key=described.key, format=format)
        array = array_file.read_array(path, stream, format, text=True)
        values = array.reshape(-1)
        if values.size != max(array.shape, default=1):
            raise BrokenFileError(f"has shape {array.shape}, wanted one value for each row: save labels, not scores")
        return [f"{value:.15g}" if values.dtype.kind == "f" else str(value) for value in values.tolist()]
    column = described.column if described.column is not None else 1
    header = described.csv.header if described.csv.header is not None else isinstance(column, str)
    csv = msgspec.structs.replace(described.csv, header=header)
    return _texts(path, format, csv, column)


def _texts(path: Path, format: str, csv: Csv, column: Column) -> list[str]:
    readers = table_readers()
    if format not in readers:
        raise BrokenFileError("is neither a table nor an array, one of which has a value for each row")
    stream = Stream(rate=1.0, columns=(column,), csv=csv, format=format)  # type: ignore[arg-type]
    (texts,) = readers[format](path, stream, (column,)).marks
    return [str(text).strip() for text in texts.tolist()]


def _stack(path: Path, stream: Stream) -> NDArray[Any]:
    """Return (recordings, ...): all of a file, the recordings first."""
    stat = path.stat()
    state = (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino)
    return _latest.get((path, *state, stream), lambda: _read(path, stream))


def _read(path: Path, stream: Stream) -> NDArray[Any]:
    format = format_of(path, stream.format)
    if format in _ARRAYS:
        array = array_file.read_array(path, stream, format)
    else:
        readers = table_readers()
        if format not in readers:
            raise BrokenFileError(f"is {format}, which has no rows that are recordings: save an array or a table")
        array = readers[format](path, Stream(rate=stream.rate, csv=stream.csv, key=stream.key), ()).values
    axes = stream.axes or ("recording", *default_axes(stream.kind, array.ndim - 1))
    if "recording" not in axes or len(axes) != array.ndim:
        shape = " x ".join(map(str, array.shape))
        raise BrokenFileError(
            f"has an array of shape {shape}: say what its axes are, as in axes: [recording, time, channel]"
        )
    return np.moveaxis(array, axes.index("recording"), 0)
