"""One block of a text table's lines becomes numbers: by pyarrow where it can, else line by line, which says why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.reading.samples import NO_STAMP, Stamps, joined_columns
from pipeline.sources.folder.reading.selection import Selection
from pipeline.sources.folder.reading.tables.dialect import (
    MISSING,
    WHITESPACE,
    Dialect,
    not_utf8,
    number,
    split,
)
from pipeline.sources.folder.reading.tables.lines import counted

StampKind = Literal["integer", "number", "text"]
_ARROW = {"integer": pa.int64(), "number": pa.float64(), "text": pa.string()}


@dataclass(frozen=True)
class Block:
    """What was read of a block's lines: (T, C) values, NaN where one is missing, with stamps and marks."""

    values: NDArray[np.float64]
    stamps: Stamps | None
    marks: tuple[NDArray[Any], ...]


def parse(data: bytes, first: int, dialect: Dialect, selection: Selection, stamps: StampKind) -> Block:
    """Read a block of whole lines.

    Numbers are what Python's ``float()`` makes of them. NaN and what else stands for nothing (`dialect.MISSING`) is
    missing.

    Parameters
    ----------
    first
        The number of the block's first line, for messages.

    Raises
    ------
    BrokenFileError
        A line of another number of columns, or a value that is no number.
    """
    plain = _plain(data, dialect)
    for kind in ("integer", "number") if stamps == "integer" else (stamps,):
        try:
            return _by_arrow(plain, dialect, selection, kind)
        except pa.ArrowInvalid:
            continue
    return _by_line(data, first, dialect, selection, stamps)


def _plain(data: bytes, dialect: Dialect) -> bytes:
    """Leave out what arrow does not know: comments, lines of delimiters alone, runs of blanks, ends of lines."""
    separator = dialect.separator
    if re.search(_uncounted(dialect), b"\n" + data):
        data = b"\n".join(line for _, line in counted(data, 1, dialect.comments, separator))
    if dialect.delimiter == WHITESPACE:
        data = data.replace(b"\t", b" ")
        if b"  " in data:
            data = re.sub(rb" {2,}", b" ", data)
        data = data.replace(b" \n", b"\n").replace(b" \r\n", b"\r\n").replace(b"\n ", b"\n").strip(b" ")
    if dialect.end:
        end = dialect.end
        data = data.replace(end + b"\n", b"\n").replace(end + b"\r\n", b"\r\n").removesuffix(end)
    return data


def _uncounted(dialect: Dialect) -> bytes:
    nothing = rb"\n[" + re.escape(dialect.separator) + rb' \t"]+\r?(?:\n|\Z)'
    marks = b"|".join(map(re.escape, dialect.comments))
    return nothing + (rb"|\n[ \t]*(?:" + marks + rb")" if marks else b"")


def _by_arrow(data: bytes, dialect: Dialect, selection: Selection, stamps: StampKind) -> Block:
    names = [str(at) for at in range(dialect.columns)]
    types: dict[str, Any] = {names[at]: pa.float64() for at in selection.values}
    for at in selection.stamps:
        types[names[at]] = _ARROW[stamps]
    for at in selection.marks:
        types[names[at]] = pa.string()
    if dialect.open_end:
        types.setdefault(names[-1], pa.null())
    if {*selection.stamps, *selection.marks} & {*selection.values} or {*selection.stamps} & {*selection.marks}:
        raise pa.ArrowInvalid("a column is wanted in two ways")
    try:
        table = pa.csv.read_csv(
            pa.py_buffer(data),
            pa.csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
            pa.csv.ParseOptions(delimiter=dialect.separator.decode()),
            pa.csv.ConvertOptions(
                column_types=types,
                include_columns=[*types],
                null_values=[*MISSING],
                strings_can_be_null=False,
                decimal_point=dialect.decimal,
            ),
        )
    except pa.ArrowException as error:
        raise pa.ArrowInvalid(str(error)) from error
    values = np.empty((table.num_rows, len(selection.values)))
    for channel, at in enumerate(selection.values):
        values[:, channel] = _floats(table.column(names[at]))
    found = joined_columns([_stamps(table.column(names[at]), stamps) for at in selection.stamps])
    return Block(values, found, tuple(_marks(table.column(names[at])) for at in selection.marks))


def _floats(column: Any) -> NDArray[np.float64]:
    found: NDArray[np.float64] = column.to_numpy(zero_copy_only=False)
    return found


def _stamps(column: Any, kind: StampKind) -> Stamps:
    if kind == "text":
        return [text.strip() for text in column.to_pylist()]
    if kind == "number":
        return _floats(column)
    if column.null_count:
        column = column.fill_null(NO_STAMP)
    found: NDArray[np.int64] = column.to_numpy(zero_copy_only=False)
    return found


def _marks(column: Any) -> NDArray[Any]:
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.chunk(0) if encoded.num_chunks else pa.array([], pa.string()).dictionary_encode()
    words = np.array([text.strip() for text in encoded.dictionary.to_pylist()], dtype=object)
    found: NDArray[Any] = words[encoded.indices.to_numpy(zero_copy_only=False)]
    return found


def _by_line(data: bytes, first: int, dialect: Dialect, selection: Selection, kind: StampKind) -> Block:
    rows: list[list[float]] = []
    stamps: list[list[Any]] = [[] for _ in selection.stamps]
    marks: list[list[str]] = [[] for _ in selection.marks]
    for at, line in counted(data, first, dialect.comments, dialect.separator):
        fields = _fields(line, at, dialect)
        rows.append(
            [
                _number(fields, column, at, dialect, name)
                for column, name in zip(selection.values, selection.names, strict=True)
            ]
        )
        for column, found in zip(selection.stamps, stamps, strict=True):
            found.append(_stamp(fields, column, at, dialect, kind))
        for column, texts in zip(selection.marks, marks, strict=True):
            texts.append(fields[column].strip())
    values = np.array(rows, np.float64).reshape(len(rows), len(selection.values))
    return Block(
        values,
        joined_columns([_as_stamps(each, kind) for each in stamps]),
        tuple(np.array(texts, dtype=object) for texts in marks),
    )


def _fields(line: bytes, at: int, dialect: Dialect) -> list[str]:
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        raise not_utf8(line, at, error) from None
    if dialect.end:
        text = text.rstrip().removesuffix(dialect.end.decode())
    fields = split(text, dialect.delimiter)
    if len(fields) > dialect.columns and not any(field.strip() for field in fields[dialect.columns :]):
        fields = fields[: dialect.columns]  # delimiters at the end
    if dialect.open_end and len(fields) == dialect.columns - 1:
        fields.append("")
    if dialect.open_end and len(fields) == dialect.columns and fields[-1].strip():
        raise BrokenFileError(
            f"line {at} has {fields[-1]!r} in column {len(fields)}, which is empty in the first lines"
        )
    if len(fields) != dialect.columns:
        raise BrokenFileError(
            f"line {at} has {_columns(len(fields))}, the first lines have {dialect.columns}: {text[:60]!r}"
        )
    return fields


def _columns(count: int) -> str:
    return f"{count} column{'' if count == 1 else 's'}"


def _number(fields: Sequence[str], column: int, at: int, dialect: Dialect, name: str) -> float:
    try:
        return number(fields[column], dialect.decimal)
    except ValueError:
        raise BrokenFileError(
            f"line {at}, {name}: {fields[column]!r} is no number{_remedy(fields[column], dialect)}"
        ) from None


def _remedy(text: str, dialect: Dialect) -> str:
    if re.fullmatch(r"\s*[+-]?\d*,\d+([eE][+-]?\d+)?\s*", text) and dialect.decimal == ".":
        return '; say csv: {decimal: ","}'
    if re.fullmatch(r"\s*[+-]?\d*\.\d+([eE][+-]?\d+)?\s*", text) and dialect.decimal == ",":
        return '; say csv: {decimal: "."}'
    if re.fullmatch(r"\s*\d{4}-\d\d-\d\d.*|.*\d:\d\d.*", text):
        return "; if it is the time, say time: {column: ..., unit: iso8601}, or its format"
    return "; name the columns to be read in columns, or say csv: {skip: ...} or {comment: ...} if the line is no data"


def _stamp(fields: Sequence[str], column: int, at: int, dialect: Dialect, kind: StampKind) -> Any:
    text = fields[column].strip()
    if kind == "text":
        return "" if text in MISSING else text
    try:
        return NO_STAMP if text in MISSING else int(text)
    except ValueError:
        pass
    return _number(fields, column, at, dialect, f"column {column + 1}, the time")


def _as_stamps(stamps: list[Any], kind: StampKind) -> Stamps:
    if kind == "text":
        return stamps
    if all(isinstance(stamp, int) and -(2**63) <= stamp < 2**63 for stamp in stamps):
        return np.array(stamps, np.int64)
    return np.array([np.nan if stamp == NO_STAMP else stamp for stamp in stamps], np.float64)
