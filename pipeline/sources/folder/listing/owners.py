"""Whose each file is: it belongs to every recording that agrees with all parts of its name."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.sources.base import Unparsed
from pipeline.sources.folder.listing.files import Found, StreamFile, stream_patterns
from pipeline.sources.folder.listing.patterns import plain
from pipeline.sources.folder.params import Params, Table


@dataclass(frozen=True)
class Row:
    """What is known of a recording before its files: text by column, and where it lies in longer files, in seconds."""

    columns: Mapping[str, str]
    start: float | None = None
    end: float | None = None
    where: str = ""  # whence it comes, for messages


def check_said(place: Path, said: Mapping[str, str], known: Mapping[str, str], whence: str) -> None:
    """Raise ConfigError where columns say another subject, session or else than is known already; not of labels."""
    for name, value in said.items():
        other = known.get(name, "")
        if name != "label" and value and other and plain(value) != plain(other):
            raise ConfigError(
                f"{place}: says {name} {value}, but {whence} says {name} {other}\n  mend the wrong one, or do without "
                f"one: write `*` for {{{name}}} in the pattern, or call the column otherwise in the stages file"
            )


def whence(row: Row, paths: Sequence[str]) -> str:
    """Say for messages what told a row of some files."""
    return "its path" if row.where in paths else row.where


Placed = tuple[Row, Mapping[str, tuple[str, ...]]]  # a row, and its files by stream


class Owners:
    """Finds the files of rows: by the parts of their names, and by paths that stand in the table.

    Attributes
    ----------
    unparsed
        Paths in the table that lead to no file.
    """

    def __init__(self, params: Params, found: Found) -> None:
        self._found, self._claimed = found, set[int]()
        self.unparsed: list[Unparsed] = []
        self._folder = ""
        if params.table is not None:
            file = params.table.file if isinstance(params.table, Table) else params.table
            self._folder = posixpath.dirname(file)
        self._passed: dict[int, str] = {}  # files that are nobody's since others come first, and one of these
        patterns = stream_patterns(params)
        self._named = {name: not of for name, of in patterns.items()}
        # of each stream, in the order of its patterns: the parts that name files, and the files by the parts' values
        self._files: dict[str, dict[tuple[str, ...], dict[tuple[str, ...], StreamFile]]] = {}
        for stream, files in found.streams.items():
            by_names = self._files[stream] = {pattern.sorted_names: {} for pattern in patterns[stream]}
            for each in files:
                names = tuple(sorted(each.parts))
                by_names.setdefault(names, {})[tuple(each.parts[name] for name in names)] = each

    def streams_of(self, row: Row) -> dict[str, tuple[str, ...]]:
        """Return a row's files by stream."""
        streams = {}
        for stream, by_names in self._files.items():
            paths = self._in_table(row, stream) if self._named[stream] else self._by_name(row, by_names)
            if paths:
                streams[stream] = paths
        return streams

    def unclaimed(self) -> Iterator[Unparsed]:
        """Yield the files that belong to no row."""
        for stream, files in self._found.streams.items():
            for each in files:
                if id(each) not in self._claimed:
                    said = ", ".join(f"{name} {value}" for name, value in each.parts.items() if value)
                    first = self._passed.get(id(each))
                    reason = (
                        f"no recording has {said or 'it'}"
                        if first is None
                        else f"{first} fits a pattern that comes first; `ignore` it"
                    )
                    yield Unparsed(stream, each.paths[0], reason)

    def _by_name(
        self, row: Row, by_names: Mapping[tuple[str, ...], Mapping[tuple[str, ...], StreamFile]]
    ) -> tuple[str, ...]:
        taken: StreamFile | None = None
        for names, files in by_names.items():
            if not files:
                continue
            if missing := [name for name in names if name not in row.columns]:
                raise ConfigError(
                    f"source.streams: {{{missing[0]}}} in `files` is no column of {row.where.partition(':')[0]}\n"
                    "  use `*` for what the table does not say"
                )
            each = files.get(tuple(plain(row.columns[name]) for name in names))
            if each is None:
                continue
            if taken is None:
                taken = each
                self._claimed.add(id(each))
            else:
                self._passed[id(each)] = taken.paths[0]
        return () if taken is None else taken.paths

    def _in_table(self, row: Row, stream: str) -> tuple[str, ...]:
        paths, cell = [], row.columns.get(stream, "")
        whole = posixpath.normpath(posixpath.join(self._folder, cell))
        several = [cell] if whole in self._found.present else [each.strip() for each in cell.split(";")]
        for text in filter(None, several):
            path = posixpath.normpath(posixpath.join(self._folder, text.replace("\\", "/")))
            problem = self._found.present.get(path, "is in the table, and there is no such file below the root")
            if problem:
                self.unparsed.append(Unparsed(stream, text, f"{problem} ({row.where})"))
                return ()
            paths.append(path)
        return tuple(paths)
