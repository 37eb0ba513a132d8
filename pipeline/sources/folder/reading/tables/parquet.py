"""Parquet tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray

from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.params import Column, Stream, TimeUnit
from pipeline.sources.folder.reading.library_file import open_for_library
from pipeline.sources.folder.reading.notes import Notes
from pipeline.sources.folder.reading.samples import NO_STAMP, Samples, Stamps, joined_columns
from pipeline.sources.folder.reading.selection import select


def read(path: Path, stream: Stream, marks: Sequence[Column] = ()) -> Samples:
    """Read the columns of a Parquet file; one of dates and times says its unit itself.

    Raises
    ------
    BrokenFileError
        Damaged or truncated, no such column, or a column of something else than numbers.
    OSError
        The system does not let it be read.
    """
    with open_for_library(path, "Parquet") as file:
        found = pa.parquet.ParquetFile(file)
        names = [str(name) for name in found.schema_arrow.names]
        selection = select(names, len(names), stream, marks)
        wanted = sorted({*selection.values, *selection.stamps, *selection.marks})
        table = found.read(columns=[names[at] for at in wanted], use_threads=False)
        table.validate(full=True)
    values = np.empty((table.num_rows, len(selection.values)))
    for channel, at in enumerate(selection.values):
        values[:, channel] = _numbers(table.column(names[at]), selection.names[channel])
    clocks = [table.column(names[at]) for at in selection.stamps]
    if len(clocks) > 1:
        stamps, unit = joined_columns([[*_texts(each)] for each in clocks]), None
    else:
        stamps, unit = _stamps(clocks[0]) if clocks else (None, None)
    return Samples(
        values=values,
        names=selection.names,
        stamps=stamps,
        unit=unit,
        marks=tuple(_texts(table.column(names[at])) for at in selection.marks),
        where=lambda row: f"row {row + 1}",
        notes=Notes(layout=f"Parquet, columns: {len(names)}", left_out=selection.left_out),
    )


def _numbers(column: Any, name: str) -> NDArray[np.float64]:
    kind = column.type
    if not (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_boolean(kind)
    ):
        raise BrokenFileError(f"{name} holds {kind}, no numbers; name the columns to be read in columns")
    found: NDArray[np.float64] = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return found.astype(np.float64, copy=False)


def _stamps(column: Any) -> tuple[Stamps, TimeUnit | None]:
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_duration(kind) or pa.types.is_time(kind):
        unit: TimeUnit = kind.unit
        width = pa.int32() if pa.types.is_time32(kind) else pa.int64()
        return column.cast(width).cast(pa.int64()).fill_null(NO_STAMP).to_numpy(zero_copy_only=False), unit
    if pa.types.is_integer(kind):
        return column.cast(pa.int64()).fill_null(NO_STAMP).to_numpy(zero_copy_only=False), None
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _numbers(column, "the time"), None
    return [text or "" for text in column.cast(pa.string()).to_pylist()], None


def _texts(column: Any) -> NDArray[Any]:
    return np.array([text or "" for text in column.cast(pa.string()).to_pylist()], dtype=object)
