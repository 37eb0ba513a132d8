"""Recordings that lie row by row in arrays: each entry of the first axis is one, and sibling files say whose."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from pipeline.errors import ConfigError
from pipeline.sources.base import Unparsed
from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.listing.files import Found
from pipeline.sources.folder.listing.owners import Placed, Row, check_said, whence
from pipeline.sources.folder.listing.patterns import Pattern, plain
from pipeline.sources.folder.params import ROW, Params, RowColumn


class LookIntoRows(Protocol):
    """Tells what only the content of files says; BrokenFileError where they cannot be read so far."""

    def count(self, stream: str, paths: tuple[str, ...]) -> int:
        """Return how many recordings lie in a stream's files."""
        ...

    def values(self, path: str, described: RowColumn) -> Sequence[str]:
        """Return a value for each recording."""
        ...


def array_rows(
    root: Path, params: Params, found: Found, rows: Iterable[Placed], unparsed: list[Unparsed], look: LookIntoRows
) -> Iterator[Placed]:
    """Yield the recordings of each row's files as rows of their own, numbered from 1.

    Raises
    ------
    ConfigError
        No file says a column of some row, or it has another number of values than there are recordings.
    """
    siblings = {
        name: _Siblings(f"source.rows.{name}", described.files, found.present)
        for name, described in params.row_columns.items()
        if described.files
    }
    for row, streams in rows:
        if not streams:
            yield row, streams
            continue
        stream, paths = next(iter(streams.items()))
        try:
            count = look.count(stream, paths)
            for other, files in streams.items():
                if (others := look.count(other, files)) != count:
                    raise ConfigError(
                        f"{root / files[0]}: has {others} rows, {paths[0]} {count}\n  those of one number are one "
                        "recording: let both have the same ones"
                    )
            values = {
                name: _values(
                    root, name, described, siblings[name].of(row) if described.files else paths[0], paths, count, look
                )
                for name, described in params.row_columns.items()
            }
        except BrokenFileError as error:
            unparsed.append(Unparsed(stream, paths[0], str(error)))
            continue
        for number in range(count):
            own = {name: of[number] for name, of in values.items()}
            where = f"{paths[0]}, row {number + 1},"
            check_said(root / where.rstrip(","), own, row.columns, whence(row, paths))
            yield Row({**row.columns, **own, ROW: str(number + 1)}, where=where), streams


class _Siblings:
    """The files that say a column of rows, by the parts of their names."""

    def __init__(self, key: str, pattern: str, paths: Iterable[str]) -> None:
        self._key, self._pattern = key, pattern
        parsed = Pattern.parse(pattern)
        self._names = parsed.names
        self._fitting: dict[tuple[str, ...], list[str]] = {}
        for path in paths:
            if (parts := parsed.match(path)) is not None:
                self._fitting.setdefault(tuple(plain(parts[name]) for name in self._names), []).append(path)

    def of(self, row: Row) -> str:
        """Return the one file that agrees with a row; ConfigError where there is none, or another one."""
        fitting = self._fitting.get(tuple(plain(row.columns.get(name, "")) for name in self._names), [])
        if len(fitting) == 1:
            return fitting[0]
        known = ", ".join(f"{name} {value}" for name, value in row.columns.items())
        of = f"{self._pattern!r}{f' of {known}' if known else ''}"
        if fitting:
            first, second = sorted(fitting)[:2]
            raise ConfigError(
                f"{self._key}: {len(fitting)} files fit {of}, such as {first} and {second}\n  name the one that counts"
            )
        raise ConfigError(
            f"{self._key}: no file fits {of}\n  it is a path below the root, whose parts are those of the streams' "
            "`files`"
        )


def _values(
    root: Path, name: str, described: RowColumn, file: str, paths: Sequence[str], count: int, look: LookIntoRows
) -> Sequence[str]:
    try:
        values = look.values(file, described)
    except BrokenFileError as error:
        raise BrokenFileError(f"the {name} of its rows, in {file}: {error}") from error
    if len(values) != count:
        raise ConfigError(
            f"{root / file}: has {len(values)} values, {paths[0]} {count} rows\n  source.rows.{name} wants one for "
            "each (if its first line is a name, give that: {files: ..., column: NAME})"
        )
    return values
