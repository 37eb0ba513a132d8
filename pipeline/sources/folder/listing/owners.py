"""Whose each file is: it belongs to every recording that agrees with all parts of its name."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

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
        self._named = {name: not patterns for name, patterns in stream_patterns(params).items()}
        # of each stream: by which parts its files are named, and these files by the parts' values
        self._files: dict[str, dict[tuple[str, ...], dict[tuple[str, ...], StreamFile]]] = {}
        for stream, files in found.streams.items():
            by_names = self._files.setdefault(stream, {})
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
                    said = ", ".join(f"{name} {value}" for name, value in each.parts.items())
                    yield Unparsed(stream, each.paths[0], f"no recording has {said or 'it'}")

    def _by_name(
        self, row: Row, by_names: Mapping[tuple[str, ...], Mapping[tuple[str, ...], StreamFile]]
    ) -> tuple[str, ...]:
        for names, files in by_names.items():
            if missing := [name for name in names if name not in row.columns]:
                raise ConfigError(
                    f"source.streams: {{{missing[0]}}} in `files` is no column of {row.where.partition(':')[0]}\n"
                    "  use `*` for what the table does not say"
                )
            each = files.get(tuple(plain(row.columns[name]) for name in names))
            if each is not None:
                self._claimed.add(id(each))
                return each.paths
        return ()

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
