"""CSV files: columns by name where there are names, times where a column is called so."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.edge.card import StreamInput
from pipeline.edge.runtime.recordings import RawStream, unusable
from pipeline.sources.broken_file import BrokenFileError

_TIME = re.compile(r"(?:times?|timestamps?|t|seconds)(?:[\s_\[(]+(s|ms|us|µs|ns)[\])]?)?", re.IGNORECASE)
_PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "µs": 1e6, "ns": 1e9}
_DELIMITERS = ";\t,"  # the first that the first line has: a comma may be a decimal point


@dataclass(frozen=True)
class _Columns:
    """Which columns of a file are read: the channels' in order, and where the times are, by number from 0."""

    channels: Sequence[int]
    time: int | None = None
    per_second: float = 1.0


def read_csv(path: Path, stream: StreamInput) -> RawStream:
    """Read a stream of numbers in columns, of a skeleton joint after joint; see `read.read_stream`."""
    lines = _lines(path)
    delimiter = next((each for each in _DELIMITERS if each in lines[0]), ",")
    first = [cell.strip() for cell in next(csv.reader([lines[0]], delimiter=delimiter))]
    if first in ([*map(str, range(len(first)))], [*map(str, range(1, len(first) + 1))]) and len(first) > 1:
        remedy = "name the columns, or take that line out"
        raise unusable(str(path), stream.name, "its first line counts columns, and may be one of samples", remedy)
    if any(map(_is_number, first)) or not any(first):
        columns, rows = _unnamed(path, stream, first), lines
    else:
        columns, rows = _named(path, stream, first), lines[1:]
    if not rows:
        raise BrokenFileError("has names of columns, and no samples")
    wanted = [*columns.channels, *([] if columns.time is None else [columns.time])]
    numbers = _numbers(rows, delimiter, wanted, len(first), len(lines) - len(rows))
    values = numbers[:, : len(columns.channels)].reshape(len(numbers), *stream.sample)
    times = None if columns.time is None else numbers[:, -1] / columns.per_second
    return RawStream(str(path), values, times)


def time_unit(name: str) -> float | None:
    """Return how many units of a column of times are a second, by its name; None where it is called otherwise."""
    found = _TIME.fullmatch(name.strip())
    return _PER_SECOND[(found[1] or "s").lower()] if found else None


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise BrokenFileError("is no text in UTF-8") from None
    lines = text.splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise BrokenFileError("is empty")
    return lines


def _unnamed(path: Path, stream: StreamInput, first: Sequence[str]) -> _Columns:
    """Take all columns in order; without names nothing else is known of them."""
    count = prod(stream.sample)
    if len(first) == count:
        return _Columns(range(count))
    problem = f"has {len(first)} columns without names, and the model takes {count}"
    named = ", ".join(stream.channels) or f"{count} of them"
    raise unusable(str(path), stream.name, problem, f"add a first line of names ({named}, and time if there is one)")


def _named(path: Path, stream: StreamInput, names: Sequence[str]) -> _Columns:
    """Find the channels by their names where the card knows them; else all columns but that of times, in order."""
    clocks = [at for at, name in enumerate(names) if time_unit(name) and name not in stream.channels]
    if len(clocks) > 1:
        problem = f"has several columns of times: {', '.join(names[at] for at in clocks)}"
        raise unusable(str(path), stream.name, problem, "keep one")
    if stream.channels and len(stream.sample) == 1:
        channels = _by_name(path, stream, names)
    else:
        channels = [at for at in range(len(names)) if at not in clocks]
        _check_order(path, stream, [names[at] for at in channels])
    if not clocks:
        return _Columns(channels)
    return _Columns(channels, clocks[0], time_unit(names[clocks[0]]) or 1.0)


def _by_name(path: Path, stream: StreamInput, names: Sequence[str]) -> list[int]:
    lacking = [name for name in stream.channels if name not in names]
    if lacking:
        problem = f"has no column {', '.join(lacking)} (it has {', '.join(names)})"
        raise unusable(
            str(path), stream.name, problem, f"name the columns as in training: {', '.join(stream.channels)}"
        )
    if twice := next((name for name in stream.channels if names.count(name) > 1), None):
        raise unusable(str(path), stream.name, f"has two columns {twice}", "keep one")
    return [names.index(name) for name in stream.channels]


def _check_order(path: Path, stream: StreamInput, names: Sequence[str]) -> None:
    count = prod(stream.sample)
    if len(names) != count:
        problem = f"has {len(names)} columns beside times ({', '.join(names)}), and the model takes {count}"
        raise unusable(str(path), stream.name, problem, "keep those of training, in their order")
    axes = [name[-1:].lower() for name in names]
    if len(stream.sample) == 2 and {*axes} == {*"xyz"} and axes != [*"xyz"] * stream.sample[0]:
        problem = "its columns do not go joint after joint, x, y, z each"
        raise unusable(str(path), stream.name, problem, "put them in that order")


def _numbers(
    rows: Sequence[str], delimiter: str, wanted: Sequence[int], count: int, before: int
) -> NDArray[np.float64]:
    """Return the wanted columns as numbers, (T, columns); BrokenFileError names the line that has none."""
    if any(row.count(delimiter) != count - 1 for row in rows):  # in quotes it may be text
        for number, cells in enumerate(csv.reader(rows, delimiter=delimiter), before + 1):
            if len(cells) != count:
                raise BrokenFileError(f"line {number} has {len(cells)} columns, the first has {count}")
    try:
        found: NDArray[Any] = np.loadtxt(
            rows, np.float64, comments=None, delimiter=delimiter, usecols=wanted, ndmin=2, quotechar='"'
        )
    except ValueError as error:
        raise BrokenFileError(_first_mistake(rows, delimiter, wanted, before) or str(error).splitlines()[0]) from None
    if len(found) != len(rows):  # of one column, lines without anything are left out silently
        raise BrokenFileError(_first_mistake(rows, delimiter, wanted, before) or "has lines without anything")
    return found


def _first_mistake(rows: Sequence[str], delimiter: str, wanted: Sequence[int], before: int) -> str:
    for number, cells in enumerate(csv.reader(rows, delimiter=delimiter), before + 1):
        for at in wanted:
            text = cells[at].strip() if at < len(cells) else ""
            if not _is_number(text):
                return f"line {number}, column {at + 1} {f'holds {text[:40]!r}, no number' if text else 'is empty'}"
    return ""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
