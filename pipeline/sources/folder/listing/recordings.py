"""From the files of a folder to its recordings: rows of a table, or of what names of files say, and their files."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.sources.base import Listing, Recording, Unparsed
from pipeline.sources.folder.listing.array_rows import LookIntoRows, array_rows
from pipeline.sources.folder.listing.choice import Choice
from pipeline.sources.folder.listing.files import Found, no_recordings, stream_patterns
from pipeline.sources.folder.listing.labels import Labels
from pipeline.sources.folder.listing.owners import Owners, Placed, Row
from pipeline.sources.folder.listing.patterns import plain
from pipeline.sources.folder.listing.segments import Look, stretches
from pipeline.sources.folder.listing.table import read_table
from pipeline.sources.folder.params import Params, Table

_OWN = ("id", "subject", "label", "session", "scene", "view", "start", "end")
_SESSION = "1"  # where nothing says it
_UNSAFE = re.compile(r"[^\w.-]+")


def list_recordings(
    found: Found, root: Path, params: Params, look: Look | None = None, look_into_rows: LookIntoRows | None = None
) -> Listing:
    """List the recordings of a folder whose files were found, sorted by id.

    Rows are those of the table, or else what names of files say. A file belongs to each row that agrees with all parts
    of its name. Segments then cut each row into stretches of its files.

    Parameters
    ----------
    look, look_into_rows
        Tell what only the content of long files says, where there are segments, or of arrays of recordings.

    Raises
    ------
    ConfigError
        There is no recording, a table cannot be read, or patterns and tables do not say whose files are.
    """
    if not found.present:
        raise no_recordings(root, params, found)
    rows = _rows_of_table(root, params, found.labels) if params.table is not None else _rows_of_names(params, found)
    owners = Owners(params, found)
    choice = Choice(params, found.labels)
    placed, left_out = _placed(rows, owners, choice)
    unparsed = [*found.unparsed, *owners.unparsed, *owners.unclaimed()]
    if params.rows is not None and look_into_rows is not None:
        placed = list(array_rows(root, params, found, placed, unparsed, look_into_rows))
    if params.segments is not None and look is not None:
        files, told = len(placed), len(unparsed)
        placed = list(stretches(root, params, found, placed, unparsed, look, left_out))
        if files and not placed and len(unparsed) == told and params.segments.windows is not None:
            seconds = params.segments.windows.seconds
            raise ConfigError(
                f"source.segments.windows: no stretch is as long as a window, {seconds:g} s\n  take shorter windows"
            )
    labels = found.labels
    recordings: dict[str, Recording] = {}
    unknown: dict[str, list[tuple[str, str]]] = {}  # labels of no class: stream and first file of each recording
    for row, streams in placed:
        label, known = labels.of(said := _wanted(row, "label"))
        if label is None and known:
            continue
        stream, paths = next(iter(streams.items()), (next(iter(params.streams)), (row.where,)))
        if label is None:
            unknown.setdefault(plain(said), []).append((stream, paths[0]))
            continue
        if not streams:
            unparsed.append(Unparsed(stream, paths[0], "has no file that is there"))
            continue
        recording = _recording(params, row, label, streams)
        if not choice.takes(recording):
            continue
        if recording.id in recordings:
            raise ConfigError(
                f"source: {row.where} makes a second recording {recording.id}\n"
                "  give each an id of its own, a session, or another part of the name that tells them apart"
            )
        recordings[recording.id] = recording
    unparsed += _of_no_class(unknown, labels)
    choice.check(bool(recordings))
    if not recordings:
        found.unparsed = unparsed
        raise no_recordings(root, params, found)
    by_id = tuple(sorted(recordings.values(), key=lambda each: each.id))
    return Listing(by_id, tuple(sorted(unparsed, key=lambda each: each.path)))


def _placed(rows: Iterable[Row], owners: Owners, choice: Choice) -> tuple[list[Placed], list[Row]]:
    """Return rows with their files, and the rows that are not chosen: what these lack is nobody's business."""
    placed: list[Placed] = []
    left_out: list[Row] = []
    for row in rows:
        told = len(owners.unparsed)
        streams = owners.streams_of(row)
        if choice.may_take(row.columns):
            placed.append((row, streams))
        else:
            left_out.append(row)
            del owners.unparsed[told:]
    return placed, left_out


def _of_no_class(unknown: Mapping[str, Sequence[tuple[str, str]]], labels: Labels) -> Iterator[Unparsed]:
    """Yield a line for each label without a class, with the first file of those that have it."""
    for label, places in unknown.items():
        stream, path = min(places, key=lambda place: place[1])
        yield Unparsed(stream, path, labels.unknown(label, len(places)))


def _rows_of_table(root: Path, params: Params, labels: Labels) -> list[Row]:
    table = params.table if isinstance(params.table, Table) else Table(file=params.table or "")
    needed = _needed(params)
    lines = read_table(root, table.file, table.csv, table.columns, needed)
    rows = []
    for line in lines:
        where = f"{table.file}:{line.number}"
        start, end = (_seconds(root, where, name, line.columns.get(name, "")) for name in ("start", "end"))
        if end is not None and end <= (start or 0.0):
            raise ConfigError(f"{root / where}: goes from {start or 0.0:g} to {end:g} s\n  an end lies after its start")
        columns = {**line.columns}
        if columns.get("label"):
            columns["label"] = labels.canonical(columns["label"])
        rows.append(Row(columns, start, end, where))
    return rows


def _needed(params: Params) -> list[str]:
    """Return the columns that names or the table must have, since nothing else says them."""
    segments = params.segments
    needed = ["subject"] if segments is not None else ["subject", "label"]
    within = params.row_columns if segments is None else segments.apart
    return [name for name in needed if name not in within]


def _seconds(root: Path, where: str, name: str, text: str) -> float | None:
    if not text:
        return None
    try:
        if math.isfinite(value := float(text)) and value >= 0:
            return value
    except ValueError:
        pass
    raise ConfigError(
        f"{root / where}: {name} is {text!r}, wanted a number of seconds, from 0\n  fix it, or leave it empty"
    )


def _rows_of_names(params: Params, found: Found) -> list[Row]:
    """Return a row for each combination of parts that files' names have; ConfigError where streams do not agree."""
    patterns = [
        (stream, tuple(sorted(pattern.names)))
        for stream, several in stream_patterns(params).items()
        for pattern in several
    ]
    largest = max((names for _, names in patterns), key=len, default=())
    for stream, names in patterns:
        if not set(names) <= set(largest):
            other = next(other for other, each in patterns if each == largest)
            raise ConfigError(
                f"source.streams.{stream}.files: names recordings by {_listed(names)}, {other} by {_listed(largest)}\n"
                "  use `*` for what one of them has alone, or list the recordings in a table"
            )
    _check_said(params, largest)
    rows: dict[tuple[tuple[str, str], ...], Row] = {}
    for files in found.streams.values():
        for each in files:
            if len(each.parts) == len(largest):
                rows.setdefault(tuple(sorted(each.parts.items())), Row(each.parts, where=each.paths[0]))
    for row in rows.values():
        first = rows.get(tuple(sorted({**row.columns, "session": _SESSION}.items())))
        if row.columns.get("session") == "" and first is not None:
            raise ConfigError(
                f"source: {row.where} says no session, which counts as {_SESSION}, as {first.where} says\n"
                "  give it a session of its own, or remove one of them"
            )
    return list(rows.values())


def _check_said(params: Params, names: tuple[str, ...]) -> None:
    needed = _needed(params)
    for name in needed:
        if name not in names:
            raise ConfigError(
                f"source.streams: no pattern of `files` has a part {{{name}}}\n"
                f"  write {{{name}}} where a path says it, or list the recordings in a table: `table: recordings.csv`"
            )
        for stream, several in stream_patterns(params).items():
            if any(name in pattern.optional for pattern in several):
                raise ConfigError(
                    f"source.streams.{stream}.files: {{{name}}} may not be missing\n"
                    "  write a second pattern for files whose names lack it, or list the recordings in a table"
                )


def _wanted(row: Row, name: str) -> str:
    value = row.columns.get(name, "")
    if not value:
        raise ConfigError(f"source: {row.where} says no {name}\n  fill it in, or remove the line")
    return value


def _recording(params: Params, row: Row, label: str, streams: Mapping[str, tuple[str, ...]]) -> Recording:
    columns = {name: plain(value) for name, value in row.columns.items() if value and name not in params.streams}
    return Recording(
        id=_UNSAFE.sub("-", row.columns.get("id", "")) or _id(columns, row.start),
        subject=_wanted(row, "subject") and columns["subject"],
        action=label,
        session=columns.get("session", _SESSION),
        scene=columns.get("scene"),
        view=columns.get("view"),
        start=row.start,
        end=row.end,
        streams=streams,
        columns={name: value for name, value in sorted(columns.items()) if name not in _OWN},
    )


def _id(columns: Mapping[str, str], start: float | None) -> str:
    """Make an id of what tells recordings apart, for instance ``s3_walk_t2``; of a stretch, with its start."""
    named = [
        (f"{short}{columns[name]}")
        for short, name in (("s", "subject"), ("", "label"), ("t", "session"))
        if name in columns
    ]
    others = [
        f"{name}{value}" for name, value in sorted(columns.items()) if name not in _OWN or name in ("scene", "view")
    ]
    at = [] if start is None else [f"{start:010.3f}"]
    return "_".join(_UNSAFE.sub("-", each) for each in (*named, *others, *at))


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"{{{name}}}" for name in names) or "nothing"
