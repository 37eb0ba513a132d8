"""Tables of segments: which of their lines are about which recording, and those that are about none."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.sources.base import Unparsed
from pipeline.sources.folder.listing.files import Found
from pipeline.sources.folder.listing.owners import Row, check_said
from pipeline.sources.folder.listing.patterns import Pattern, plain
from pipeline.sources.folder.listing.table import read_table
from pipeline.sources.folder.listing.time_text import seconds
from pipeline.sources.folder.params import Params, Segments

_OURS = ("label", "start", "end")
_HINTS = 20  # messages that name what is nearest: to look for it takes long
Values = tuple[str, ...]


class SegmentTable:
    """Segments of tables: of each row those whose columns, and the parts of their table's name, agree with it."""

    def __init__(self, root: Path, params: Params, segments: Segments, found: Found) -> None:
        rate = params.streams[segments.stream or next(iter(params.streams))].rate
        pattern = Pattern.parse(segments.files)
        self._root = root
        self._lines: list[Row] = []
        self._columns: dict[str, str] = {}  # that tables have, and the first line that has one
        self._used: set[int] = set()
        self._hinted = 0
        self._by_names: dict[tuple[str, ...], dict[Values, list[int]]] = {}
        self._asked: dict[tuple[str, ...], dict[Values, None]] = {}
        self._files = {path: parts for path in found.present if (parts := pattern.match(path)) is not None}
        if not self._files:
            raise ConfigError(f"source.segments.files: no file fits {segments.files!r}\n  it is a path below the root")
        for file, parts in sorted(self._files.items()):
            for line in read_table(root, file, segments.csv, segments.columns, ("start", "end", "label")):
                where = f"{file}:{line.number}"
                check_said(root / where, line.columns, parts, "its path")
                start, end = (
                    seconds(root / where, name, line.columns[name], segments.unit, rate) for name in ("start", "end")
                )
                if not start < end:
                    raise ConfigError(
                        f"{root / where}: goes from {start:g} to {end:g} s\n  an end lies after its start"
                    )
                self._lines.append(Row({**line.columns, **parts}, start, end, where))
                for name in self._lines[-1].columns:
                    self._columns.setdefault(name, where)

    def of(self, row: Row) -> list[Row]:
        """Return a row's segments, as rows.

        Raises
        ------
        ConfigError
            The tables do not say which row's they are, and this is not the only one.
        """
        names, values = self._identity(row)
        if not names and self._lines and names in self._asked:
            wanted = ", ".join(name for name in row.columns if name not in _OURS)
            raise ConfigError(
                f"{self._root / min(self._files)}: does not say which recordings its segments are of: its columns and "
                f"its path have none of {wanted}\n  name such a column under source.segments.columns, as "
                "{subject: participant}, or let paths say it: files: labels/{subject}.csv"
            )
        if names not in self._by_names:
            self._by_names[names] = self._indexed(names)
        self._asked.setdefault(names, {})[values] = None
        numbers = self._by_names[names].get(values, [])
        self._used.update(numbers)
        return [
            Row({**row.columns, **line.columns}, line.start, line.end, line.where)
            for line in (self._lines[number] for number in numbers)
        ]

    def lacks(self, row: Row) -> str:
        """Say that no line is about a row, and no table by its name; nothing where one is, though it be empty."""
        names, values = self._identity(row)
        if values in self._by_names.get(names, ()):
            return ""
        for parts in self._files.values():
            shared = [name for name in parts if name in row.columns]
            if shared and all(plain(parts[name]) == plain(row.columns[name]) for name in shared):
                return ""
        return f"no segment is of {_said(names, values)}{self._nearest(names, values, self._by_names.get(names, ()))}"

    def unclaimed(self, stream: str) -> Iterator[Unparsed]:
        """Yield the segments that are no row's, those of one recording together.

        Raises
        ------
        ConfigError
            None is any row's.
        """
        names = max(self._asked, key=len, default=())
        groups: dict[tuple[str, Values], list[Row]] = {}
        for number, line in enumerate(self._lines):
            if number not in self._used:
                key = line.where.rpartition(":")[0], _values(line.columns, names)
                groups.setdefault(key, []).append(line)
        for (_, values), lines in groups.items():
            reason = f"no file is of {_said(names, values)}{self._nearest(names, values, self._asked.get(names, ()))}"
            if not self._used and self._asked:
                raise ConfigError(
                    f"{self._root / lines[0].where}: {reason}\n  none of {len(self._lines)} segments is of a file "
                    "that is there: write the same names in both, or fix source.segments.columns"
                )
            more = f" ({len(lines)} segments)" if len(lines) > 1 else ""
            yield Unparsed(stream, lines[0].where, f"{reason}{more}")

    def _indexed(self, names: tuple[str, ...]) -> dict[Values, list[int]]:
        index: dict[Values, list[int]] = {}
        for number, line in enumerate(self._lines):
            if missing := next((name for name in names if name not in line.columns), ""):
                raise ConfigError(
                    f"{self._root / line.where}: its table has no column {missing}, as {self._columns[missing]} has\n"
                    "  let all tables of segments say by the same columns which recordings they are of"
                )
            index.setdefault(_values(line.columns, names), []).append(number)
        return index

    def _identity(self, row: Row) -> tuple[tuple[str, ...], Values]:
        names = tuple(sorted(name for name in row.columns if name in self._columns and name not in _OURS))
        return names, _values(row.columns, names)

    def _nearest(self, names: Sequence[str], values: Values, known: Collection[Values]) -> str:
        self._hinted += 1
        texts = [_said(names, each) for each in known] if self._hinted <= _HINTS else []
        close = get_close_matches(_said(names, values), texts, 1, 0.0)
        return f"; the nearest there is: {close[0]}" if close else ""


def _values(columns: Mapping[str, str], names: Sequence[str]) -> Values:
    return tuple(plain(columns[name]) for name in names)


def _said(names: Sequence[str], values: Sequence[str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in zip(names, values, strict=True)) or "it"
