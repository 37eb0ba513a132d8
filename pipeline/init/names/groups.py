"""Which files are one stream's: those that lie and are named alike."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from pipeline.init.look.files import DataFile
from pipeline.init.names.template import Part, Piece, joined, pieces_of, regex_of, signature
from pipeline.init.names.words import is_annotation, is_side, is_stream
from pipeline.sources.folder.params import Format

_MOST_STREAMS = 40
_ENOUGH = 2000  # names that show how many are made
_STRAY_STREAMS = 0.25  # share of what files are called that is of no sensor
_STRAYS = 0.1  # share of a group's files that may be named otherwise


@dataclass(eq=False)
class Group:
    """Files that lie and are named alike.

    Attributes
    ----------
    names
        For each folder, then for the file's name: what it is made of.
    strays
        Files that lie among them and are named otherwise.
    """

    kind: Format
    end: str
    paths: list[str]
    names: list[list[Piece]]
    strays: list[str] = field(default_factory=list)

    @property
    def parts(self) -> list[Part]:
        """What varies, in the order of the path."""
        return [piece for name in self.names for piece in name if isinstance(piece, Part)]

    @property
    def words(self) -> list[str]:
        """Constant names and words in the path that say which sensor or device it is of."""
        found: list[str] = []
        for name in self.names:
            for piece in name:
                if isinstance(piece, str):
                    found += [piece.strip("_- .")] if len(name) == 1 else re.findall(r"[^\W\d_]+", piece)
        return [each for each in found if is_stream(each)]


def groups_of(files: Sequence[DataFile]) -> list[Group]:
    """Return the groups of some files, by their first paths."""
    found = [
        group
        for (kind, end, _), some in _split(files, lambda each: (each.kind, each.end, each.path.count("/"))).items()
        for group in _groups(some, kind, end)
    ]
    return sorted(found, key=lambda group: group.paths[0])


def _split(files: Sequence[DataFile], key: Callable[[DataFile], object]) -> dict:  # type: ignore[type-arg]
    found: dict[object, list[DataFile]] = {}
    for each in files:
        found.setdefault(key(each), []).append(each)
    return found


def _groups(files: Sequence[DataFile], kind: Format, end: str) -> Iterator[Group]:
    level = _level_of_streams(files)
    if level is not None:
        for some in _split(files, lambda each: each.path.split("/")[level]).values():
            yield from _groups(some, kind, end)
        return
    group, others = _alike([each.path for each in files], kind, end)
    by_name = next((part for part in group.parts if not part.folder and _are_streams(part)), None)
    if by_name is not None:
        of = dict(zip(group.paths, by_name.values, strict=True))
        named = [each for each in files if each.path in of]
        for some in _split(named, lambda each: of[each.path]).values():
            yield from _groups(some, kind, end)
        group.paths = []
    if others and len(others) > _STRAYS * len(files):
        left = {*others}
        yield from _groups([each for each in files if each.path in left], kind, end)
    else:
        group.strays = others
    if group.paths:
        yield group


def _are_streams(part: Part) -> bool:
    values = part.distinct
    if part.digits or not 2 <= len(values) <= _MOST_STREAMS:
        return False
    known = [each for each in values if is_stream(each) or is_side(each) or is_annotation(each)]
    others = len(values) - len(known)  # as the Metadata.csv of an app that logs sensors
    return others <= _STRAY_STREAMS * len(values) and len(part.values) > len(values)


def _level_of_streams(files: Sequence[DataFile]) -> int | None:
    """Return a level of folders named after sensors, or below each of which files are spelled in a way of their own."""
    folders = [each.path.split("/")[:-1] for each in files]
    for level, names in enumerate(zip(*folders, strict=True)):
        counts = Counter(names)
        if not 2 <= len(counts) <= _MOST_STREAMS:
            continue
        streams = [name for name in counts if is_stream(name)]
        known = {*streams, *filter(is_annotation, counts)} if streams else set[str]()
        if sum(counts[name] for name in known) >= len(files) * 2 / 3:
            return level
        spelled: dict[str, set[tuple[str, ...]]] = {}
        some = range(0, len(files), len(files) // _ENOUGH | 1)
        for name, each in ((names[at], files[at]) for at in some):
            if len(spelled.setdefault(name, set())) < 2:
                spelled[name].add(signature(each.path.rpartition("/")[2]))
        if all(len(each) == 1 for each in spelled.values()) and _are_other_words(spelled, counts):
            return level
    return None


def _are_other_words(spelled: dict[str, set[tuple[str, ...]]], counts: Counter[str]) -> bool:
    ways = {next(iter(each)) for each in spelled.values()}
    return len(ways) == len(spelled) and min(counts.values()) > 2


def _alike(paths: Sequence[str], kind: Format, end: str) -> tuple[Group, list[str]]:
    """Return the largest group of paths of one depth and end, and those that are named otherwise."""
    some = paths[:: len(paths) // _ENOUGH | 1]  # an odd step, since every second may be of another stream
    group, others = _made_as(some, paths, kind, end)
    if others and len(some) < len(paths):
        group, others = _made_as(paths, paths, kind, end)
    if not group.paths:  # no path is as most are at each of its levels
        alike: dict[tuple[str, ...], list[str]] = {}
        for path in paths:
            alike.setdefault(signature(path), []).append(path)
        group, others = _made_as(max(alike.values(), key=len), paths, kind, end)
    return group, others


def _made_as(some: Sequence[str], paths: Sequence[str], kind: Format, end: str) -> tuple[Group, list[str]]:
    """Return the paths that are named as most of some are, and the others."""
    split = [path[: len(path) - len(end)].split("/") for path in paths]
    levels = [*zip(*(path[: len(path) - len(end)].split("/") for path in some), strict=True)]
    names: list[list[Piece]] = []
    for level, values in enumerate(levels):
        names.append(pieces_of([*dict.fromkeys(values)], folder=level < len(levels) - 1))
    fits = [regex_of(name) for name in names]
    parts = [[piece for piece in name if isinstance(piece, Part)] for name in names]
    known = [
        {each: match.groups() for each in {*level} if (match := fit.fullmatch(each)) is not None}
        for level, fit in zip(zip(*split, strict=True), fits, strict=True)
    ]
    kept: list[str] = []
    others: list[str] = []
    rows: list[list[str]] = []
    for path, components in zip(paths, split, strict=True):
        try:
            rows.append([value for found, each in zip(known, components, strict=True) for value in found[each]])
            kept.append(path)
        except KeyError:
            others.append(path)
    every = [part for each in parts for part in each]
    for part, column in zip(every, zip(*rows, strict=True) if rows else [()] * len(every), strict=True):
        part.values = list(column)
    return Group(kind, end, kept, _constants_joined(names)), others


def _constants_joined(names: list[list[Piece]]) -> list[list[Piece]]:
    """Let parts that have but one value left be constant."""
    return [
        joined([piece.values[0] if isinstance(piece, Part) and len({*piece.values}) == 1 else piece for piece in name])
        for name in names
    ]
