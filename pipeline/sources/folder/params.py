"""What a stages file may say about a folder of recordings; imports nothing that is slow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from pipeline.sources.folder.listing.patterns import Pattern, PatternError

Column = str | Annotated[int, Meta(ge=1, le=100_000)]  # a column's name, or its number from 1
Name = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_-]*$", max_length=60)]
Rate = Annotated[float, Meta(gt=0, le=1e6)]  # Hz
Seconds = Annotated[float, Meta(ge=-1e10, le=1e10)]

TimeUnit = Literal["s", "ms", "us", "ns", "iso8601"]
Unit = Literal["g", "m/s2", "mg", "deg/s", "rad/s", "mm", "cm", "m", "uT", "raw"]
Format = Literal["auto", "csv", "parquet", "excel", "npy", "npz", "mat", "hdf5", "json", "ntu", "video", "images"]


class Csv(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How text tables are written; what is left out is found out from each file's first lines.

    Attributes
    ----------
    delimiter
        One character, or ``whitespace`` for any run of blanks.
    decimal
        ``,`` where numbers are written ``1,5``.
    header
        Whether the first line that counts has the columns' names.
    skip
        Lines at the start that do not count.
    comment
        What a line that does not count begins with; ``#`` and ``%`` where left out, empty for none.
    """

    delimiter: str | None = None
    decimal: Literal[".", ","] | None = None
    header: bool | None = None
    skip: Annotated[int, Meta(ge=0, le=10_000)] = 0
    comment: str | None = None
    encoding: str = "utf-8"


class Time(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a stream's time stands, and how it is written.

    Attributes
    ----------
    column
        In a table; in an .npz, .mat or HDF5 file the name of an array. Several columns of a table (a date, a time of
        day) are text, read as one with a blank between.
    unit
        Of numbers; ``iso8601`` for text such as ``2026-11-29T17:00:00.5``.
    format
        Of any other text, as `datetime.strptime` has it.
    wraps
        What a counter that starts anew counts up to, in its unit; in seconds for text: 86400 for a time of day.
    """

    column: Column | tuple[Column, ...]
    unit: TimeUnit = "s"
    format: str | None = None
    wraps: Annotated[float, Meta(gt=0)] | None = None


class Stream(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Files of one kind, and how one of them is read.

    Attributes
    ----------
    files
        A pattern of paths below the root, or several, of which the first that fits a file counts. ``{subject}``,
        ``{label}``, ``{session}``, ``{view}``, ``{scene}`` and any other name stand for a part of the path; ``*`` for
        anything within a name, ``**`` for any folders. Left out: the table's column of the stream's name.
    rate
        Nominal, in Hz; also where there is no time.
    format
        ``auto``: by the file's name.
    key
        Which array of an .npz, .mat or HDF5 file, or which sheet of a workbook.
    axes
        What the axes of an array are, in its order: ``time``, ``channel``, ``joint``, ``axis``, ``row``, ``column``.
        Of a skeleton's table: ``[time, axis, joint]`` where all x come first.
    columns
        Which columns, in this order; all but those of time and label, and those without a name, where left out. Of a
        skeleton in an array (T, joints, 3) or in JSON: which joints.
    units
        Of all columns, or of each. Values become g, deg/s and m.
    joints
        Of a skeleton: the name of a layout, or the joints' names in order.
    up
        Of a skeleton: which axis points up; as its layout has it where left out.
    missing
        What is done about samples with an empty or NaN value: ``fail``, ``drop`` them, or ``interpolate`` in time.
    limit
        The largest magnitude that a value can have, in the file's unit; what is larger counts as missing.
    offset
        Seconds to be added to this stream's clock.
    """

    kind: Literal["series", "skeleton", "video"] = "series"
    rate: Rate
    files: str | tuple[str, ...] = ()
    format: Format = "auto"
    key: str = ""
    axes: tuple[Literal["time", "channel", "joint", "axis", "row", "column"], ...] = ()
    columns: tuple[Column, ...] = ()
    csv: Csv = msgspec.field(default_factory=Csv)
    time: Time | None = None
    units: Unit | tuple[Unit, ...] = "raw"
    joints: str | tuple[str, ...] = ()
    up: Literal["x", "y", "z", "-x", "-y", "-z"] | None = None
    missing: Literal["fail", "drop", "interpolate"] = "fail"
    limit: Annotated[float, Meta(gt=0)] | None = None
    offset: Seconds = 0.0


class ModalityParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a model sees as one input: streams of one kind, joined in this order.

    Attributes
    ----------
    channels
        Which channels of the joined streams, from 1; all where left out.
    rate
        Nominal, in Hz; that of the first stream where left out.
    """

    streams: tuple[str, ...]
    channels: tuple[Annotated[int, Meta(ge=1, le=100_000)], ...] = ()
    rate: Rate | None = None


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of recordings, a line each: a text file below the root.

    Attributes
    ----------
    columns
        How the table calls what is called ``id``, ``subject``, ``label``, ``session``, ``scene``, ``view``, ``start``,
        ``end`` here; what is left out has that very name. A column named like a stream has the paths of its files.
        All other columns are kept for protocols. Numbers from 1 where the table has no line of names
        (``csv: {header: false}``); only these columns are read then.
    """

    file: str
    columns: Mapping[str, Column] = {}
    csv: Csv = msgspec.field(default_factory=Csv)


class Windows(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Recordings of a fixed length, cut from longer ones."""

    seconds: Annotated[float, Meta(gt=0, le=86_400)]
    every: Annotated[float, Meta(gt=0, le=86_400)] | None = None  # from one to the next; None: they do not overlap


class Segments(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Several recordings within one long file.

    Attributes
    ----------
    files
        A pattern of tables with ``start``, ``end`` and ``label`` (and more columns, which are kept); the parts of its
        paths say whose they are. Or the path of one table for all, whose columns say that.
    columns
        As a `Table`'s.
    unit
        Of start and end, as a stream's time; ``samples`` at the rate of the stream, the first of which is 0.
    column, stream
        In place of files: the column of a stream's own files that has the label of each sample.
    rest
        The class of what lies between; left out where there is none.
    windows
        Each stretch is cut into windows, which are recordings of their own.
    """

    files: str = ""
    columns: Mapping[str, Column] = {}
    csv: Csv = msgspec.field(default_factory=Csv)
    unit: TimeUnit | Literal["samples"] = "s"
    column: Column | None = None
    stream: str = ""
    rest: str | None = None
    windows: Windows | None = None


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What ``source: {name: folder}`` takes.

    Attributes
    ----------
    classes
        In the order of their labels.
    labels
        From what files, tables or numbers call a class to the class, or to null for what is left out; what is not
        named here is called as the class is.
    ignore
        Patterns of files that are none of the recordings', which are not told of.
    clocks
        ``relative``: each stream's time counts from its first sample. ``shared``: streams go by one clock.
    """

    root: str
    classes: tuple[str, ...]
    streams: Mapping[Name, Stream]
    modalities: Mapping[Name, ModalityParams] = {}
    table: Table | str | None = None
    segments: Segments | None = None
    labels: Mapping[str | int, str | None] = {}
    ignore: tuple[str, ...] = ()
    clocks: Literal["relative", "shared"] = "relative"

    def __post_init__(self) -> None:
        _check_classes(self)
        _check_patterns(self)
        _check_modalities(self)
        if self.segments is not None:
            _check_segments(self, self.segments)


def _check_classes(params: Params) -> None:
    if len(params.classes) < 2 or len({*params.classes}) < len(params.classes) or "" in params.classes:
        raise ValueError("classes: must be different names, at least two; write a number in quotes")
    for label, name in params.labels.items():
        if name is not None and name not in params.classes:
            raise ValueError(f"labels: {label} is to be {name}, which is not among `classes`; add it there, or fix it")


def _check_patterns(params: Params) -> None:
    if not params.streams:
        raise ValueError("streams: names none; add one, with its `files` and its `rate`")
    for name, stream in params.streams.items():
        if not stream.files and params.table is None:
            raise ValueError(f"streams: {name} has no `files`; add a pattern, or a `table` with a column {name}")
        for pattern in [stream.files] if isinstance(stream.files, str) else stream.files:
            try:
                Pattern.parse(pattern)
            except PatternError as error:
                raise ValueError(f"streams: {name}: files: {error}") from None
    for pattern in params.ignore:
        try:
            Pattern.parse(pattern)
        except PatternError as error:
            raise ValueError(f"ignore: {error}") from None


def _check_modalities(params: Params) -> None:
    for name, modality in params.modalities.items():
        if not modality.streams:
            raise ValueError(f"modalities: {name} has no streams; name at least one of {', '.join(params.streams)}")
        for stream in modality.streams:
            if stream not in params.streams:
                known = ", ".join(params.streams)
                raise ValueError(f"modalities: {name} names {stream}, which is no stream; there are {known}")
        kinds = {params.streams[stream].kind for stream in modality.streams}
        if len(kinds) > 1 or (kinds == {"skeleton"} and len(modality.streams) > 1):
            raise ValueError(f"modalities: {name} joins {' and '.join(sorted(kinds))}; join series, or videos, alone")


def _check_segments(params: Params, segments: Segments) -> None:
    if segments.files and segments.column is not None:
        raise ValueError("segments: has `files` and `column`; keep what has the labels")
    if not segments.files and segments.column is None and segments.windows is None:
        raise ValueError("segments: has none of `files`, `column` and `windows`; add one")
    if segments.rest is not None and segments.rest not in {*params.classes, *map(str, params.labels)}:
        raise ValueError(f"segments: rest: {segments.rest} is not among `classes`; add it there, or fix it")
    if segments.stream and segments.stream not in params.streams:
        raise ValueError(f"segments: {segments.stream} is no stream; there are {', '.join(params.streams)}")
    if segments.files:
        try:
            Pattern.parse(segments.files)
        except PatternError as error:
            raise ValueError(f"segments: files: {error}") from None
