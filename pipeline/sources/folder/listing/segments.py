"""Recordings within long files: stretches by a table or by a column of labels in the files, and windows of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pipeline.sources.base import Unparsed
from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.listing.files import Found
from pipeline.sources.folder.listing.owners import Placed, Row, check_said, whence
from pipeline.sources.folder.listing.segment_table import SegmentTable
from pipeline.sources.folder.params import Params, Segments


@dataclass(frozen=True)
class Stretch:
    """From one time to another, in seconds of the stream's clock; the label, and what else columns say of it."""

    start: float
    end: float
    label: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


class Look(Protocol):
    """Tells what only the content of files says; what it said of a file that did not change is kept.

    Both raise BrokenFileError where files cannot be read so far. That values are missing does not matter here.
    """

    def span(self, stream: str, paths: tuple[str, ...]) -> Stretch:
        """Return from when to when a stream goes: its last sample is before the end."""
        ...

    def labelled(self, stream: str, paths: tuple[str, ...]) -> Sequence[Stretch]:
        """Return the stretches of samples that belong together and have one label, by the columns segments name."""
        ...


def stretches(
    root: Path,
    params: Params,
    found: Found,
    rows: Iterable[Placed],
    unparsed: list[Unparsed],
    look: Look,
    left_out: Iterable[Row] = (),
) -> Iterator[Placed]:
    """Yield the stretches of rows as rows of their own; what lies between as well, where segments say its class.

    Parameters
    ----------
    left_out
        Rows that nobody wants, but which segments may be of.
    """
    segments = params.segments
    assert segments is not None
    table = SegmentTable(root, params, segments, found) if segments.files else None
    if table is not None:
        for row in left_out:
            table.of(row)
    for row, streams in rows:
        if not streams:
            yield row, streams
            continue
        stream = segments.stream or next(iter(streams))
        if stream not in streams:
            unparsed.append(Unparsed(stream, row.where, f"has no {stream}, which is to say what lies in it"))
            continue
        paths = streams[stream]
        try:
            parts = table.of(row) if table is not None else _parts(root, row, stream, paths, segments, look)
            if table is not None and (reason := table.lacks(row)):
                unparsed.append(Unparsed(stream, paths[0], reason))
                continue
            if segments.rest is not None:
                parts += _between(row, parts, look.span(stream, paths), segments.rest)
        except BrokenFileError as error:
            if row.columns.get("label") and not segments.apart:
                yield row, streams  # whole: reading it will say the same
            else:
                unparsed.append(Unparsed(stream, paths[0], str(error)))
            continue
        for part in parts:
            for window in _windows(part, segments):
                yield window, streams
    if table is not None:
        unparsed += table.unclaimed(next(iter(found.streams)))


def _parts(root: Path, row: Row, stream: str, paths: tuple[str, ...], segments: Segments, look: Look) -> list[Row]:
    """Return the stretches of a row by what its files hold."""
    if segments.label is not None or segments.apart:
        found = look.labelled(stream, paths)
        for each in found:
            check_said(root / paths[0], each.columns, row.columns, whence(row, paths))
        return [_within(row, each) for each in found]
    return [_within(row, look.span(stream, paths))]


def _within(row: Row, stretch: Stretch) -> Row:
    """Return a stretch of a row: of what the row itself is a part of, only what lies in that."""
    start = max(stretch.start, -math.inf if row.start is None else row.start)
    end = min(stretch.end, math.inf if row.end is None else row.end)
    label = {} if stretch.label is None else {"label": stretch.label}
    return Row({**row.columns, **stretch.columns, **label}, start, end, row.where)


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
