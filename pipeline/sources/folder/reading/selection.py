"""Which columns of a table are read, by name or number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.params import Column, Stream

_SHOWN = 12  # names in a message


@dataclass(frozen=True)
class Selection:
    """Numbers of columns, from 0.

    Attributes
    ----------
    values
        In the order of the channels.
    names
        What messages call them.
    left_out
        Columns that nobody chose, and that were not taken.
    """

    values: tuple[int, ...]
    names: tuple[str, ...]
    stamps: tuple[int, ...] = ()
    marks: tuple[int, ...] = ()
    left_out: tuple[str, ...] = ()


def select(
    names: Sequence[str] | None, count: int, stream: Stream, marks: Sequence[Column] = (), open_end: bool = False
) -> Selection:
    """Find a stream's columns in a table.

    Where the stream names none, all are taken but those of time and marks, and those without a name in a table that
    has names (the row numbers that pandas and R write). Where it names the marks alone, these alone are wanted.

    Parameters
    ----------
    names
        None where the table has none.
    marks
        Columns that say of each sample what or whose it is, such as its label.
    open_end
        The last column is none, but a delimiter at the end of each line.

    Raises
    ------
    BrokenFileError
        No such column, or two of one name.
    """
    timed = () if stream.time is None else stream.time.column
    columns = timed if isinstance(timed, tuple) else (timed,)
    stamps = tuple(find(names, count, column, "time.column") for column in columns)
    marked = tuple(find(names, count, mark, "source.segments") for mark in marks)
    left_out = []
    if stream.columns and stream.columns == tuple(marks):
        return Selection((), (), stamps, marked)
    if stream.columns:
        values = [find(names, count, column, "columns") for column in stream.columns]
        if both := [each for each in values if each in stamps]:
            raise BrokenFileError(f"{_named(names, both[0])} is its time (time.column): leave it out of `columns`")
    else:
        values = []
        for column in range(count):
            if column in (*stamps, *marked):
                continue
            if open_end and column == count - 1:
                continue
            if names is not None and not names[column]:
                left_out.append(f"column {column + 1}, which has no name")
            else:
                values.append(column)
    if not values:
        raise BrokenFileError("has no columns beside those of time and label")
    return Selection(tuple(values), tuple(_named(names, each) for each in values), stamps, marked, tuple(left_out))


def find(names: Sequence[str] | None, count: int, column: Column, key: str) -> int:
    """Return the number of a column, from 0."""
    if isinstance(column, int):
        if column > count:
            raise BrokenFileError(f"has {count} columns, but {key} asks for column {column} (they count from 1)")
        return column - 1
    if names is None:
        raise BrokenFileError(
            f"has no line of names, but {key} asks for `{column}`: give its number, 1 to {count}, or say "
            "csv: {header: true}"
        )
    found = [at for at, name in enumerate(names) if name == column]
    if len(found) > 1:
        places = " and ".join(str(at + 1) for at in found)
        raise BrokenFileError(f"has {len(found)} columns called `{column}` ({key}): give a number, {places}")
    if not found:
        raise BrokenFileError(f"has no column `{column}` ({key}); it has {_listed(names)}")
    return found[0]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown


def _named(names: Sequence[str] | None, column: int) -> str:
    return f"column {column + 1} (`{names[column]}`)" if names is not None and names[column] else f"column {column + 1}"
