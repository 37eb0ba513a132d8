"""Recordings within long files: by a table of stretches, a column of labels, or in windows of one length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import floor
from statistics import median
from typing import Any

from pipeline.init.classes import is_nothing
from pipeline.init.joining import check_tables
from pipeline.init.look.sheets import NOT_UTF8, csv_key
from pipeline.init.look.tables import StretchesTable, stretches_table
from pipeline.init.looked import Looked
from pipeline.init.names.agree import label_values
from pipeline.init.names.groups import Group
from pipeline.init.names.roles import pattern_of, roles_of
from pipeline.init.streams.found import tidy
from pipeline.sources.folder.listing.patterns import plain
from pipeline.sources.folder.listing.segments import Stretch

_LONG = 20.0  # seconds: no single action takes so long
_WINDOW, _SHORTEST = 5.0, 1.0
_MOST_TABLES = 1000


@dataclass
class Segments:
    """The keys of `source.segments`, and what to expect of files' content, which is not read here.

    Attributes
    ----------
    shared
        Whether stretches are given in the files' own time.
    seconds
        How long recordings usually are; 0 where they are whole files.
    estimated
        Whether only the content of files says how many recordings there are.
    known
        The stretches of files that were read, by path.
    people
        Who is in files that have several people each.
    """

    keys: dict[str, Any] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)
    labels: Sequence[str] = ()
    shared: bool = False
    seconds: float = 0.0
    estimated: bool = False
    lengths: dict[str, float] = field(default_factory=dict)
    known: Mapping[str, Sequence[Stretch]] = field(default_factory=dict)
    people: Sequence[str] = ()

    def span(self, stream: str, paths: tuple[str, ...]) -> Stretch:
        """Expect a stream to be as long as others of its kind."""
        return Stretch(0.0, self.lengths.get(stream) or _WINDOW)

    def labelled(self, stream: str, paths: tuple[str, ...]) -> Sequence[Stretch]:
        """Return a file's stretches; of one that was not read, each label of each person once."""
        if paths and paths[0] in self.known:
            return self.known[paths[0]]
        labels = [*dict.fromkeys(label for label in self.labels if label.strip())]
        length = max(self.lengths.get(stream, 0.0) / max(1, len(labels)), self.seconds or _WINDOW)
        whose = [{"subject": each} for each in self.people] or [{}]
        return [
            Stretch(at * length, (at + 1) * length, label, columns)
            for columns in whose
            for at, label in enumerate(labels or [None])
        ]


def segments_for(looked: Looked, patterns: Mapping[str, Sequence[str]], *, table: bool) -> Segments:
    """Decide whether files hold several recordings each, and by what they are told apart."""
    found = Segments(lengths={name: stream.seconds for name, stream in looked.streams.items()})
    if looked.rows is not None:
        found.labels = looked.rows.labels
        return found
    named = table or any("{label" in pattern for some in patterns.values() for pattern in some)
    if looked.stretches is not None and not named:
        _by_table(found, looked, patterns, *looked.stretches)
        return found
    several = any(stream.who is not None for stream in looked.streams.values())
    labelled = [name for name, stream in looked.streams.items() if stream.label is not None]
    if several or (labelled and not named):
        _by_column(found, looked, next(iter(labelled or looked.streams)))
        return found
    shortest = min((stream.seconds for stream in looked.streams.values() if stream.seconds), default=0.0)
    if shortest > _LONG and not table:
        found.comments[""] = f"files are long (usually {shortest:.3g} s), so recordings are windows of them"
        _cut(found, [shortest])
        found.estimated = True
    return found


def _by_table(
    found: Segments, looked: Looked, patterns: Mapping[str, Sequence[str]], group: Group, head: StretchesTable
) -> None:
    pattern = group.paths[0] if len(group.paths) == 1 else _pattern(group, patterns)
    whose = label_values([pattern], group.paths, "subject") or [*map(plain, head.subjects)]
    check_tables(looked, patterns, group.paths, {*whose})
    found.keys = {"files": pattern}
    if head.columns:
        found.keys["columns"] = dict(head.columns)
    if head.unit != "s":
        found.keys["unit"] = head.unit
    if said := csv_key(head.encoding):
        found.keys |= said
        found.comments["csv"] = NOT_UTF8
    found.shared = head.epoch
    tables = [stretches_table(looked.root, path) for path in group.paths[:_MOST_TABLES]]
    found.labels = [label for table in tables if table is not None for label in table.labels]
    _said(found, [length for table in tables if table is not None for length in table.lengths])


def _by_column(found: Segments, looked: Looked, name: str) -> None:
    """Tell recordings apart by columns of the files themselves: of labels, of who it is, or both."""
    stream = looked.streams[name]
    if stream.who is None:
        found.keys = {"column": stream.label, "stream": name}
    else:
        found.keys = {"columns": {"subject": stream.who}}
        if stream.label is not None:
            found.keys["columns"]["label"] = stream.label
        if len(looked.streams) > 1:
            found.keys["stream"] = name
        found.people = [*dict.fromkeys(stream.people)]
    found.known = stream.stretches
    every = [each for some in stream.stretches.values() for each in some]
    if stream.label is not None:
        found.labels = [each.label for each in every if each.label] or [each for each in stream.labels if each.strip()]
    found.estimated = len(stream.stretches) < len(stream.group.paths)
    if found.estimated:
        found.comments[next(iter(found.keys))] = (
            "classes were found in a part of the files; add those that `status` names"
        )
    _said(found, [each.end - each.start for each in every if not is_nothing(each.label or "")])


def _said(found: Segments, lengths: Sequence[float]) -> None:
    """Say how long stretches are, and cut long ones."""
    what = "recordings are stretches of long files"
    rest = "; `rest: NAME` would make a class of what lies between"
    if found.people:
        what, rest = f"{what} of several people", ""
    if not lengths:
        found.comments[""] = f"{what}{rest}"
        return
    found.seconds = float(median(lengths))
    low, high = (f"{each(lengths):.3g}" for each in (min, max))
    usual = f"{what}, usually of {found.seconds:.3g} s" + (f" ({low} to {high} s)" if low != high else "")
    found.comments[""] = f"{usual}{rest}"
    _cut(found, lengths)


def _cut(found: Segments, lengths: Sequence[float]) -> None:
    """Cut recordings into windows where they are long: into short ones where many are shorter than is usual."""
    if median(lengths) <= _LONG:
        return
    short = sorted(lengths)[len(lengths) // 10]
    found.seconds = _WINDOW if short >= _WINDOW else max(_SHORTEST, floor(2 * short) / 2)
    found.keys["windows"] = {"seconds": tidy(found.seconds)}
    said = "each a recording of its own; `every` would let them overlap"
    if lost := sum(each < found.seconds for each in lengths):
        said += f"; {lost} of {len(lengths)} stretches are shorter, and left out"
    found.comments["windows"] = said


def _pattern(group: Group, patterns: Mapping[str, Sequence[str]]) -> str:
    known = {name for some in patterns.values() for pattern in some for name in ("subject", "session", "view", "scene")
             if f"{{{name}" in pattern}  # fmt: skip
    roles = {**roles_of(group).roles}
    if len(roles) == 1 and known and not known & {*roles.values()}:
        roles = dict.fromkeys(roles, "subject")  # what tells the tables apart
    return pattern_of(group, roles, names=[*known])
