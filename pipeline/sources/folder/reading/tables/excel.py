"""Excel workbooks, where openpyxl is installed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.params import Column, Stream, TimeUnit
from pipeline.sources.folder.reading.library_file import open_for_library
from pipeline.sources.folder.reading.notes import Notes
from pipeline.sources.folder.reading.samples import Samples, Stamps, joined_columns
from pipeline.sources.folder.reading.selection import select
from pipeline.sources.folder.reading.tables.dialect import MISSING, number

_EPOCH = datetime(1970, 1, 1)


def read(path: Path, stream: Stream, marks: Sequence[Column] = ()) -> Samples:
    """Read a sheet of a workbook: the one called `key`, else the first. Formulas count as the values last seen.

    ``csv.skip`` and ``csv.header`` hold for its rows, too.

    Raises
    ------
    BrokenFileError
        openpyxl is not installed, no workbook, no such sheet or column, or a cell that is no number.
    """
    try:
        import openpyxl
    except ImportError:
        raise BrokenFileError("is an Excel workbook, which needs openpyxl: pip install openpyxl") from None
    with open_for_library(path, "an Excel workbook (.xlsx)") as file:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        if stream.key and stream.key not in book.sheetnames:
            raise BrokenFileError(f"has no sheet `{stream.key}` (key); it has {', '.join(book.sheetnames)}")
        sheet = book[stream.key] if stream.key else book[book.sheetnames[0]]
        cells = [(at, row) for at, row in enumerate(sheet.iter_rows(values_only=True), 1) if at > stream.csv.skip]
    rows = [(at, row) for at, row in cells if any(not _is_missing(cell) for cell in row)]
    return _samples(rows, stream, marks)


def _samples(rows: Sequence[tuple[int, Sequence[Any]]], stream: Stream, marks: Sequence[Column]) -> Samples:
    if not rows:
        raise BrokenFileError("has no samples")
    named = stream.csv.header
    if named is None:
        named = all(_is_missing(cell) or isinstance(cell, str) for cell in rows[0][1])
    names = [str(cell).strip() if cell is not None else "" for cell in rows[0][1]] if named else None
    rows = rows[named:]
    if not rows:
        raise BrokenFileError("has no samples, only a row of names")
    width = len(rows[0][1])
    selection = select(names, width, stream, marks)
    values = [
        [_number(row[at], f"row {line}, {name}") for at, name in zip(selection.values, selection.names, strict=True)]
        for line, row in rows
    ]
    columns = [[row[at] for _, row in rows] for at in selection.stamps]
    stamps, unit = _stamps(columns, stream, [line for line, _ in rows]) if columns else (None, None)
    lines = [line for line, _ in rows]
    return Samples(
        values=np.array(values, np.float64),
        names=selection.names,
        stamps=stamps,
        unit=unit,
        marks=tuple(
            np.array(["" if row[at] is None else str(row[at]) for _, row in rows], dtype=object)
            for at in selection.marks
        ),
        where=lambda row: f"row {lines[row]}",
        notes=Notes(layout=f"Excel, columns: {width}", left_out=selection.left_out),
    )


def _is_missing(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and cell.strip() in MISSING)


def _number(cell: Any, where: str) -> float:
    if _is_missing(cell):
        return float("nan")
    if isinstance(cell, (int, float)):
        return float(cell)
    try:
        return number(str(cell), ".")
    except ValueError:
        raise BrokenFileError(f"{where}: {str(cell)!r} is no number") from None


def _stamps(columns: Sequence[Sequence[Any]], stream: Stream, lines: Sequence[int]) -> tuple[Stamps, TimeUnit | None]:
    dated = any(isinstance(cell, (date, time, timedelta)) for column in columns for cell in column)
    if dated or len(columns) > 1 or (stream.time is not None and (stream.time.format or stream.time.unit == "iso8601")):
        texts = [["" if _is_missing(cell) else _written(cell) for cell in column] for column in columns]
        return joined_columns(texts) or [], "iso8601" if dated else None
    return np.array([_number(cell, f"row {at}, the time") for cell, at in zip(columns[0], lines, strict=True)]), None


def _written(cell: Any) -> str:
    if isinstance(cell, timedelta):
        cell = _EPOCH + cell
    if isinstance(cell, datetime) and cell.time() == time(0):
        cell = cell.date()  # Excel has no type of its own for dates
    return cell.isoformat() if isinstance(cell, (date, time)) else str(cell)
