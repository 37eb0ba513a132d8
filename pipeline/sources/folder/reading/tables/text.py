"""Text tables: CSV, TSV and whatever else has a line a sample."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from pipeline.sources.folder.params import Column, Csv, Stream
from pipeline.sources.folder.reading.notes import Notes
from pipeline.sources.folder.reading.samples import Samples, joined_stamps
from pipeline.sources.folder.reading.selection import select
from pipeline.sources.folder.reading.tables.dialect import Dialect, find_dialect, without_lines
from pipeline.sources.folder.reading.tables.lines import blocks, counted
from pipeline.sources.folder.reading.tables.parse import Block, StampKind, parse


def read(path: Path, stream: Stream, marks: Sequence[Column] = ()) -> Samples:
    """Read a text table, block after block: memory holds what is returned twice, and a block.

    Raises
    ------
    BrokenFileError
        See `lines.blocks`, `dialect.find_dialect`, `selection.select` and `parse.parse`.
    OSError
        The system does not let it be read.
    """
    source = blocks(path, stream.csv.encoding)
    head = next(source, b"")
    dialect = find_dialect(head, stream.csv)
    selection = select(dialect.names, dialect.columns, stream, marks, dialect.open_end)
    kind = _stamp_kind(dialect, selection.stamps, stream)
    found: list[Block] = []
    line = dialect.start + 1
    for data in chain([without_lines(head, dialect.start)], source):
        if data.strip():
            found.append(parse(data, line, dialect, selection, kind))
        line += data.count(b"\n")
    return Samples(
        values=found[0].values if len(found) == 1 else np.concatenate([part.values for part in found]),
        names=selection.names,
        stamps=None
        if not selection.stamps
        else joined_stamps([each.stamps for each in found if each.stamps is not None]),
        marks=tuple(np.concatenate(each) for each in zip(*(part.marks for part in found), strict=True)),
        where=lambda row: _line(path, stream.csv, dialect, row),
        notes=Notes(layout=str(dialect), left_out=selection.left_out),
    )


def _stamp_kind(dialect: Dialect, stamps: tuple[int, ...], stream: Stream) -> StampKind:
    if not stamps or stream.time is None:
        return "number"
    if stream.time.format is not None or stream.time.unit == "iso8601" or len(stamps) > 1:
        return "text"
    return "integer" if all(re.fullmatch(r"\s*[+-]?\d+\s*", row[stamps[0]]) for row in dialect.rows) else "number"


def _line(path: Path, said: Csv, dialect: Dialect, row: int) -> str:
    """Say which line a sample stands in; the file is read again."""
    line, seen = 1, 0
    for block in blocks(path, said.encoding):
        for number, _ in counted(block, line, dialect.comments, dialect.separator):
            if number > dialect.start:
                if seen == row:
                    return f"line {number}"
                seen += 1
        line += block.count(b"\n")
    return f"sample {row + 1}"
