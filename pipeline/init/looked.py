"""What lies in a folder: streams, tables, and what is nobody's. It is looked at once, however much is asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.init.look.files import DataFile, find_files
from pipeline.init.look.tables import RecordingsTable, StretchesTable, recordings_table, stretches_table
from pipeline.init.names.groups import Group, groups_of
from pipeline.init.names.roles import roles_of
from pipeline.init.names.template import Part
from pipeline.init.names.words import is_annotation
from pipeline.init.streams.describe import describe
from pipeline.init.streams.found import StreamFound
from pipeline.init.streams.labels import stretches_of
from pipeline.init.streams.rows import RowsFound, rows_of
from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.listing.patterns import plain

_FEW = 0.02  # of the largest group's files: strays that look alike


@dataclass
class Looked:
    """What was found in a folder.

    Attributes
    ----------
    streams
        By name.
    several
        For streams whose files lie in several places: the other groups.
    table, stretches
        Of recordings, and of stretches within long files with the group of its files.
    ids
        Parts of names that a column of the table has, and the column.
    columns
        Of the table, which have the paths of a group's files.
    singles
        Text files that are alone: tables of codes may be among them.
    annotations
        Files that have labels by their names, in a way that is not understood.
    rows
        Arrays of recordings; nothing else of a folder that has them is looked at.
    left_out, groups_left_out
        What is of no stream: a file of each kind, with the reason; and the groups of those that are named alike.
    """

    root: Path
    count: int
    streams: dict[str, StreamFound] = field(default_factory=dict)
    several: dict[str, list[Group]] = field(default_factory=dict)
    table: RecordingsTable | None = None
    stretches: tuple[Group, StretchesTable] | None = None
    ids: dict[Group, tuple[Part, str]] = field(default_factory=dict)
    columns: dict[Group, str] = field(default_factory=dict)
    singles: list[str] = field(default_factory=list)
    annotations: list[str] = field(default_factory=list)
    rows: RowsFound | None = None
    left_out: list[tuple[str, str]] = field(default_factory=list)
    groups_left_out: list[Group] = field(default_factory=list)


def look_at(root: Path) -> Looked:
    """Look at a folder.

    Raises
    ------
    ConfigError
        There is none, it cannot be read, or it has nothing that is understood.
    """
    files = find_files(root)
    looked = Looked(root, len(files))
    if (rows := rows_of(root, files)) is not None:
        looked.rows, looked.left_out = rows, rows.left_out
        looked.singles = [each.path for each in files if each.kind == "csv"]
        _name(looked, rows.streams)
        return looked
    groups = groups_of(files)
    largest = max((len(group.paths) for group in groups), default=0)
    singles = [group for group in groups if len(group.paths) == 1 and group.kind == "csv"]
    _find_tables(looked, groups, singles, frozenset(each.path for each in files))
    if looked.table is not None and looked.table.paths:
        looked.columns = _by_table(looked.table, files)
        groups = [*looked.columns]
    tables = {looked.table.file if looked.table else ""}
    found: list[StreamFound] = []
    for group in groups:
        if group.paths[0] in tables or (looked.stretches is not None and group is looked.stretches[0]):
            continue
        if len(group.paths) < max(2, _FEW * largest) and largest > 1 and looked.stretches is None:
            looked.left_out.append((group.paths[0], f"alone beside {largest} files that are named alike"))
            continue
        if (why := _of_no_stream(looked, group, groups)) is None:
            try:
                found += describe(root, group)
                continue
            except BrokenFileError as error:
                why = str(error)
        looked.left_out.append((group.paths[0], why))
        looked.groups_left_out.append(group)
    looked.singles = [group.paths[0] for group in singles if group.paths[0] not in tables]
    _name(looked, _merged(looked, found))
    _who(looked)
    for stream in looked.streams.values():
        if stream.label is not None or stream.who is not None:
            stream.stretches = stretches_of(root, stream)
    if not looked.streams:
        raise _nothing(looked, files)
    return looked


def _who(looked: Looked) -> None:
    """Forget which column says who is in a file, unless all streams have it and no table says it."""
    columns = {stream.who for stream in looked.streams.values()}
    apart = len(columns) == 1 and looked.table is None and looked.stretches is None
    for stream in looked.streams.values():
        if stream.who is not None and not apart:
            read = f"files have several people each, by their column {stream.who}, and are read as if each had one"
            stream.notes.append(f"{read}: split them by it")
            stream.who = None


def _find_tables(looked: Looked, groups: Sequence[Group], singles: Sequence[Group], present: frozenset[str]) -> None:
    for group in singles:
        table = recordings_table(looked.root, group.paths[0], present)
        if table is None:
            continue
        ids = _ids(table, groups)
        if table.paths or ids:
            looked.table, looked.ids = table, ids
            break
    for group in groups:
        if group.kind == "csv" and (looked.table is None or group.paths[0] != looked.table.file):
            stretches = stretches_table(looked.root, group.paths[0])
            if stretches is not None:
                looked.stretches = group, stretches
                return


def _ids(table: RecordingsTable, groups: Sequence[Group]) -> dict[Group, tuple[Part, str]]:
    """Find the parts of files' names whose values a column has, a different one in each line."""
    found = {}
    renamed = {there: here for here, there in table.columns.items()}
    for group in groups:
        for part in group.parts:
            for name, cells in table.texts.items():
                values = {*map(plain, cells)}
                if len(values) == len(cells) > 1 and len({*map(plain, part.values)} & values) >= 0.8 * len(
                    {*part.values}
                ):
                    here = renamed.get(name, name)
                    if re.fullmatch(r"[A-Za-z]\w*", here):
                        found[group] = part, here
    return found


def _by_table(table: RecordingsTable, files: Sequence[DataFile]) -> dict[Group, str]:
    """Return the groups of files that a table's columns of paths name, and the columns."""
    by_path = {each.path: each for each in files}
    found = {}
    for column, paths in table.paths.items():
        if (first := by_path.get(paths[0])) is not None:
            found[Group(first.kind, first.end, [*paths], [])] = column
    return found


def _of_no_stream(looked: Looked, group: Group, groups: Sequence[Group]) -> str | None:
    """Say why files are of no stream, by their names; None where they may be."""
    if any(isinstance(each, str) and is_annotation(each) for name in group.names for each in name):
        looked.annotations.append(group.paths[0])
        return "by its name it has labels, but no columns start, end and label"
    if _are_thumbnails(group, groups):
        return f"{len(group.paths)} single pictures beside files of data"
    return None


def _are_thumbnails(group: Group, groups: Sequence[Group]) -> bool:
    if group.kind != "images" or "part" in roles_of(group).roles.values():
        return False
    return any(other.kind != "images" and len(other.paths) >= len(group.paths) / 2 for other in groups)


def _merged(looked: Looked, found: Sequence[StreamFound]) -> list[StreamFound]:
    """Join streams of one name, kind and columns, whose files lie in several places."""
    kept: list[StreamFound] = []
    for each in found:
        same = next(
            (
                other
                for other in kept
                if other.name == each.name
                and other.kind == each.kind
                and [*other.channels] == [*each.channels]
                and other.keys.get("key") == each.keys.get("key")
                and other.group.kind == each.group.kind
                and {*map(str.lower, other.group.words)} == {*map(str.lower, each.group.words)}
            ),
            None,
        )
        if same is None or looked.table is not None:
            kept.append(each)
        else:
            looked.several.setdefault(str(id(same)), []).append(each.group)
    return kept


def _name(looked: Looked, found: Sequence[StreamFound]) -> None:
    """Give each stream a name of its own."""
    several: dict[str, list[Group]] = {}
    if looked.columns:
        names = [_slug(_column_name(each, looked.columns[each.group])) for each in found]
    else:
        names = [
            _slug(each.name or {"video": "video", "skeleton": "skeleton"}.get(each.kind, "sensor")) for each in found
        ]
        if len({*names}) < len(names):
            names = [_slug(own) if own else name for own, name in zip(_own_words(found), names, strict=True)]
    for at, each in enumerate(found):
        name, number = names[at], 2
        while name in looked.streams:
            name, number = f"{names[at]}-{number}", number + 1
        looked.streams[name] = each
        if str(id(each)) in looked.several:
            several[name] = looked.several[str(id(each))]
    looked.several = several


def _own_words(found: Sequence[StreamFound]) -> list[str]:
    """Return for each stream the words of its path that not all have; none of two that say the same."""
    words = [[*dict.fromkeys(map(str.lower, each.group.words))] for each in found]
    shared = {word for word in words[0] if all(word in each for each in words)}
    own = [[word for word in each if word not in shared] for each in words]
    return [
        "-".join(word for word in each if not any(word != other and word in other for other in each)) for each in own
    ]


def _column_name(found: StreamFound, column: str) -> str:
    """Return what a stream of a column of paths is called: as the column, but not by a word for paths alone."""
    bare = re.sub(r"[_ -]?(path|file|filename|file_name|name)s?$", "", column.lower())
    return bare or found.name or {"video": "video", "skeleton": "skeleton"}.get(found.kind, "sensor")


def _slug(text: str) -> str:
    slug = re.sub(r"[^A-Za-z0-9_]+", "-", text.lower()).strip("-")
    return slug if slug[:1].isalpha() else f"stream-{slug}".strip("-")


def _nothing(looked: Looked, files: Sequence[DataFile]) -> ConfigError:
    if not files:
        return ConfigError(
            f"{looked.root}: holds no files of data\n"
            "  init knows tables (CSV, Parquet, Excel), arrays (.npy, .npz, .mat, HDF5), JSON, videos and pictures"
        )
    path, why = looked.left_out[0]
    return ConfigError(f"{looked.root / path}: {why}\n  repair it, or describe the folder by hand: docs/stages-file.md")
