"""Recordings within long files: stretches by a table or by a column of labels in the files, and windows of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.errors import ConfigError
from pipeline.sources.base import Unparsed
from pipeline.sources.folder.listing.files import Found
from pipeline.sources.folder.listing.owners import Row
from pipeline.sources.folder.listing.patterns import Pattern, plain
from pipeline.sources.folder.listing.table import read_table
from pipeline.sources.folder.listing.time_text import seconds
from pipeline.sources.folder.params import Params, Segments

Placed = tuple[Row, Mapping[str, tuple[str, ...]]]  # a row, and its files by stream


@dataclass(frozen=True)
class Stretch:
    """From one time to another, in seconds of the stream's clock; the label where there is one."""

    start: float
    end: float
    label: str | None = None


class Look(Protocol):
    """Tells what only the content of files says; what it said of a file that did not change is kept."""

    def span(self, stream: str, paths: tuple[str, ...]) -> Stretch:
        """Return from when to when a stream goes: its last sample is before the end."""
        ...

    def labelled(self, stream: str, paths: tuple[str, ...]) -> Sequence[Stretch]:
        """Return the stretches of samples that have one label, by the column that segments name."""
        ...


def stretches(
    root: Path, params: Params, found: Found, rows: Iterable[Placed], unparsed: list[Unparsed], look: Look
) -> Iterator[Placed]:
    """Yield the stretches of rows as rows of their own; what lies between as well, where segments say its class."""
    segments = params.segments
    assert segments is not None
    table = _Table(root, params, segments, found) if segments.files else None
    for row, streams in rows:
        if not streams:
            yield row, streams
            continue
        stream = segments.stream or next(iter(streams))
        if stream not in streams:
            unparsed.append(Unparsed(stream, row.where, f"has no {stream}, which is to say what lies in it"))
            continue
        if table is not None:
            parts = table.of(row)
        elif segments.column is not None:
            parts = [_within(row, each) for each in look.labelled(stream, streams[stream])]
        else:
            parts = [_within(row, look.span(stream, streams[stream]))]
        if segments.rest is not None:
            parts += _between(row, parts, look.span(stream, streams[stream]), segments.rest)
        for part in parts:
            for window in _windows(part, segments):
                yield window, streams
    if table is not None:
        unparsed += table.unclaimed(next(iter(found.streams)))


class _Table:
    """Segments of tables: of each row those whose columns, and the parts of their table's name, agree with it."""

    def __init__(self, root: Path, params: Params, segments: Segments, found: Found) -> None:
        rate = params.streams[segments.stream or next(iter(params.streams))].rate
        pattern = Pattern.parse(segments.files)
        self._lines: list[Row] = []
        self._used: set[int] = set()
        self._by_names: dict[tuple[str, ...], dict[tuple[str, ...], list[int]]] = {}
        files = {path: parts for path in found.present if (parts := pattern.match(path)) is not None}
        if not files:
            raise ConfigError(f"source.segments.files: no file fits {segments.files!r}\n  it is a path below the root")
        for file, parts in sorted(files.items()):
            for line in read_table(root, file, segments.csv, segments.columns, ("start", "end", "label")):
                where = f"{file}:{line.number}"
                start, end = (
                    seconds(root / where, name, line.columns[name], segments.unit, rate) for name in ("start", "end")
                )
                if not start < end:
                    raise ConfigError(
                        f"{root / where}: goes from {start:g} to {end:g} s\n  an end lies after its start"
                    )
                self._lines.append(Row({**line.columns, **parts}, start, end, where))

    def of(self, row: Row) -> list[Row]:
        """Return a row's segments, as rows."""
        if not self._lines:
            return []
        ours = {"label", "start", "end"}
        names = tuple(sorted(name for name in row.columns if name in self._lines[0].columns and name not in ours))
        if names not in self._by_names:
            index = self._by_names[names] = {}
            for number, line in enumerate(self._lines):
                index.setdefault(tuple(plain(line.columns[name]) for name in names), []).append(number)
        numbers = self._by_names[names].get(tuple(plain(row.columns[name]) for name in names), [])
        self._used.update(numbers)
        return [
            Row({**row.columns, **line.columns}, line.start, line.end, line.where)
            for line in (self._lines[number] for number in numbers)
        ]

    def unclaimed(self, stream: str) -> Iterator[Unparsed]:
        """Yield the segments that are no row's."""
        for number, line in enumerate(self._lines):
            if number not in self._used:
                yield Unparsed(stream, line.where, "no file has what this segment is of")


def _within(row: Row, stretch: Stretch) -> Row:
    """Return a stretch of a row: of what the row itself is a part of, only what lies in that."""
    start = max(stretch.start, -math.inf if row.start is None else row.start)
    end = min(stretch.end, math.inf if row.end is None else row.end)
    label = {} if stretch.label is None else {"label": stretch.label}
    return Row({**row.columns, **label}, start, end, row.where)


def _between(row: Row, parts: Sequence[Row], span: Stretch, label: str) -> Iterator[Row]:
    """Yield what no part covers."""
    at = span.start
    for start, end in sorted((part.start or 0.0, part.end or 0.0) for part in parts):
        if start > at:
            yield Row({**row.columns, "label": label}, at, start, row.where)
        at = max(at, end)
    if at < span.end:
        yield Row({**row.columns, "label": label}, at, span.end, row.where)


def _windows(row: Row, segments: Segments) -> Iterator[Row]:
    """Cut a row into windows; nothing of one that is shorter than a window."""
    if row.start is None or row.end is None or not row.start < row.end:
        return
    if segments.windows is None:
        yield row
        return
    length, every = segments.windows.seconds, segments.windows.every or segments.windows.seconds
    count = math.floor((row.end - row.start - length) / every + 1e-9) + 1
    for number in range(count):
        start = row.start + number * every
        yield Row(row.columns, start, start + length, row.where)
