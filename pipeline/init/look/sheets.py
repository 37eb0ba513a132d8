"""The first lines of a table, as text or numbers by column."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.params import Csv

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BYTES = 1 << 20
_ROWS = 5000
_WINDOWS = "cp1252"
NOT_UTF8 = "it is not UTF-8: taken for what Windows writes in Western Europe"  # to be said of a key `csv`


@dataclass(frozen=True)
class Sheet:
    """The beginning of a table.

    Attributes
    ----------
    names
        Of the columns, empty where one has none; None where the file has no line of names.
    columns
        Text, by column; empty where a value is missing.
    decimal
        ``,`` where numbers are written so.
    encoding
        ``cp1252``, which is Windows' for Western Europe, where a text is not UTF-8.
    share
        Which part of the table this is, about; 1 where it is all of it.
    """

    names: tuple[str, ...] | None
    columns: tuple[tuple[str, ...], ...]
    decimal: str = "."
    share: float = 1.0
    encoding: str = "utf-8"
    _numbers: dict[int, NDArray[np.float64] | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    def numbers(self, column: int) -> NDArray[np.float64] | None:
        """Return a column's numbers, NaN for what is missing; None where there is text, or nothing."""
        if column not in self._numbers:
            self._numbers[column] = self._read_numbers(column)
        return self._numbers[column]

    def _read_numbers(self, column: int) -> NDArray[np.float64] | None:
        import numpy as np

        from pipeline.sources.folder.reading.tables.dialect import number

        try:
            values = np.array([number(text, self.decimal) for text in self.columns[column]], np.float64)
        except ValueError:
            return None
        return None if np.isnan(values).all() else values

    def name(self, column: int) -> str:
        """Return a column's name, empty where it has none."""
        return self.names[column] if self.names is not None else ""

    def reference(self, column: int) -> str | int:
        """Return how a stages file names a column: by its name where that is its alone, else by its number from 1."""
        name = self.name(column)
        return name if name and (self.names or ()).count(name) == 1 else column + 1


def csv_key(encoding: str) -> dict[str, Any]:
    """Return the key `csv` that an encoding needs; empty for UTF-8."""
    return {} if encoding == "utf-8" else {"csv": {"encoding": encoding}}


def read_sheet(path: Path, kind: str) -> Sheet:
    """Read the first thousands of lines of a table.

    Raises
    ------
    BrokenFileError
        It is no table; says why, without the file's name.
    OSError
        The system does not let it be read.
    """
    if kind == "parquet":
        return _parquet(path)
    if kind == "excel":
        return _excel(path)
    from pipeline.sources.folder.reading.tables.dialect import find_dialect
    from pipeline.sources.folder.reading.tables.lines import counted

    head, more, encoding = _head(path)
    dialect = find_dialect(head, Csv())
    rows, size = [], 0
    for at, line in counted(head, 1, dialect.comments, dialect.separator):
        size += len(line) + 1
        if at <= dialect.start:
            continue
        row = _fields(line.decode(), dialect)
        if len(row) == dialect.columns:
            rows.append(row)
        if len(rows) == _ROWS:
            break
    width = dialect.columns - dialect.open_end
    columns = tuple(tuple(row[at].strip() for row in rows) for at in range(width))
    share = _share(path, size, len(head), more)
    names = None if dialect.names is None else dialect.names[:width]
    return Sheet(names, columns, dialect.decimal, share, encoding)


def _head(path: Path) -> tuple[bytes, bool, str]:
    """Return a text's first block as UTF-8, whether there is more, and its encoding."""
    from pipeline.sources.folder.reading.tables.lines import blocks

    source = blocks(path, size=_BYTES)
    head, encoding = next(source, b""), "utf-8"
    try:
        head.decode()
    except UnicodeDecodeError:
        source, encoding = blocks(path, _WINDOWS, _BYTES), _WINDOWS
        head = next(source, b"")
    return head, next(source, None) is not None, encoding


def _share(path: Path, read: int, head: int, more: bool) -> float:
    """Return which part of a file was read; of a compressed one it is not known how much more there is."""
    if not more or path.suffix.lower() == ".gz":
        return min(1.0, read / max(1, head))
    return min(1.0, read / max(1, path.stat().st_size))


def _fields(text: str, dialect: Any) -> Sequence[str]:
    from pipeline.sources.folder.reading.tables.dialect import split

    if dialect.end:
        text = text.rstrip().removesuffix(dialect.end.decode())
    return split(text, dialect.delimiter)


def _parquet(path: Path) -> Sheet:
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError:
        raise BrokenFileError("is a Parquet file, which needs pyarrow: pip install pyarrow") from None
    try:
        file = pyarrow.parquet.ParquetFile(path)
        batch = next(file.iter_batches(_ROWS), None)
    except pa.ArrowException as error:
        raise BrokenFileError(f"cannot be read as Parquet ({str(error)[:100]})") from error
    if batch is None:
        raise BrokenFileError("has no samples")
    columns = tuple(tuple(_text(each) for each in column.to_pylist()) for column in batch.columns)
    return Sheet(tuple(batch.schema.names), columns, share=batch.num_rows / max(1, file.metadata.num_rows))


def _excel(path: Path) -> Sheet:
    try:
        import openpyxl
    except ImportError:
        raise BrokenFileError("is an Excel workbook, which needs openpyxl: pip install openpyxl") from None
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        rows = [row for row in book.worksheets[0].iter_rows(values_only=True, max_row=_ROWS) if any(row)]
    except (ValueError, KeyError, zipfile.BadZipFile) as error:
        raise BrokenFileError(f"cannot be read as an Excel workbook ({str(error)[:100]})") from error
    if len(rows) < 2:
        raise BrokenFileError("has no samples")
    named = all(each is None or isinstance(each, str) for each in rows[0])
    columns = tuple(tuple(map(_text, column)) for column in zip(*rows[named:], strict=True))
    share = len(rows) / max(len(rows), book.worksheets[0].max_row or 0)
    return Sheet(tuple(map(_text, rows[0])) if named else None, columns, share=share)


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
