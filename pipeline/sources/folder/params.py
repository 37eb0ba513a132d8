"""What a stages file may say about a folder of recordings; imports nothing that is slow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from pipeline.sources.folder.listing.patterns import Pattern, PatternError, escaped
from pipeline.sources.folder.stream_params import Axis, Column, Csv, Format, Rate, Stream, Time, TimeUnit, Unit

__all__ = [
    "ROW",
    "Axis",
    "Column",
    "Csv",
    "Format",
    "Params",
    "RowColumn",
    "Segments",
    "Stream",
    "Table",
    "Time",
    "TimeUnit",
    "Unit",
    "Where",
]

ROW = "row"  # the column that says which one a recording is, of those in its files
Name = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_-]*$", max_length=60)]
Where = Mapping[str, str | int | tuple[str | int, ...]]  # columns to the values that fit; all of them must


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
        As a `Table`'s. Without files, columns of the streams' own files: samples with equal values belong together, as
        if they were a file of their own; ``label`` then says what each sample is.
    unit
        Of start and end, as a stream's time; ``samples`` at the rate of the stream, the first of which is 0.
    column, stream
        In place of files: the column of a stream's own files that has the label of each sample, and whose these are.
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

    @property
    def label(self) -> Column | None:
        """The column of a stream's own files that has labels."""
        return None if self.files else self.column if self.column is not None else self.columns.get("label")

    @property
    def apart(self) -> dict[str, Column]:
        """Columns of streams' own files that say whose samples are, by their names here."""
        return {} if self.files else {name: column for name, column in sorted(self.columns.items()) if name != "label"}


class RowColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a value stands for each of the recordings in an array.

    Attributes
    ----------
    files
        A pattern of a table or array, whose parts are those of the streams' files; left out: the stream's own file.
    key
        Which array of an .npz, .mat or HDF5 file.
    column
        Which column of a table; the first where left out, of a table without names.
    """

    files: str = ""
    key: str = ""
    column: Column | None = None
    csv: Csv = msgspec.field(default_factory=Csv)


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
    rows
        Files hold many recordings each, as an array's first axis or a line of numbers. By column, where its value
        stands for each of them: a pattern of files, or more about it. A stream's files that differ in ``{part}`` alone
        are its channels.
    only, without
        Which recordings are taken, and which are left out, by values of their columns: those of protocols.
    clocks
        ``relative``: each stream's time counts from its first sample. ``shared``: streams go by one clock.
    LATER
        Fields that came when there were outputs already: at their default they enter no key.
    """

    LATER: ClassVar = ("rows", "only", "without")

    root: str
    classes: tuple[str, ...]
    streams: Mapping[Name, Stream]
    modalities: Mapping[Name, ModalityParams] = {}
    table: Table | str | None = None
    segments: Segments | None = None
    rows: Mapping[str, str | RowColumn] | None = None
    labels: Mapping[str | int, str | None] = {}
    ignore: tuple[str, ...] = ()
    only: Where | None = None
    without: Where | None = None
    clocks: Literal["relative", "shared"] = "relative"

    @property
    def row_columns(self) -> dict[str, RowColumn]:
        """Where the columns of recordings in arrays stand; none where no file holds several."""
        rows = (self.rows or {}).items()
        return {name: RowColumn(files=each) if isinstance(each, str) else each for name, each in rows}

    def __post_init__(self) -> None:
        _check_classes(self)
        _check_patterns(self)
        _check_modalities(self)
        _check_choice(self)
        _check_rows(self)
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
        _check_columns(name, stream)
        for pattern in [stream.files] if isinstance(stream.files, str) else stream.files:
            _check_pattern(f"streams: {name}: files", pattern)
    if params.table is not None:
        _check_pattern("table", escaped(params.table if isinstance(params.table, str) else params.table.file))
    for pattern in params.ignore:
        _check_pattern("ignore", pattern)


def _check_columns(name: str, stream: Stream) -> None:
    if twice := next((each for at, each in enumerate(stream.columns) if each in stream.columns[:at]), None):
        raise ValueError(f"streams: {name}: columns: names {twice} twice; leave one out")
    timed = () if stream.time is None else stream.time.column
    for column in timed if isinstance(timed, tuple) else (timed,):
        if column in stream.columns:
            raise ValueError(f"streams: {name}: columns: {column} is its time (time.column); leave it out of `columns`")


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


def _check_apart(params: Params, segments: Segments) -> None:
    if name := next((name for name in ("id", "start", "end") if name in segments.apart), ""):
        raise ValueError(f"segments: columns: {name} is told by tables alone; name subject, session, or another one")
    if segments.rest is not None:
        raise ValueError("segments: rest: is not known where columns say whose samples are; leave it out")
    if video := next((name for name, stream in params.streams.items() if stream.kind == "video"), ""):
        raise ValueError(f"segments: columns: {video} is a video, which has none; describe it in a file of its own")


def _check_choice(params: Params) -> None:
    for key, where in (("only", params.only), ("without", params.without)):
        if where is not None and not (where and all(values != () for values in where.values())):
            raise ValueError(f"{key}: says no value; for example {key}: {{subject: [2, 4]}}")


def _check_rows(params: Params) -> None:
    if params.rows is None:
        return
    if params.segments is not None:
        raise ValueError("rows: has segments beside it; rows are whole recordings: leave one of them out")
    for name, each in params.row_columns.items():
        if name in ("id", ROW, "start", "end") or name in params.streams:
            raise ValueError(f"rows: {name} is no column that a file can say; name label, subject, or another one")
        if each.files:
            _check_pattern(f"rows: {name}", each.files)
    for name, stream in params.streams.items():
        if stream.kind == "video" or stream.time is not None:
            what = "a video" if stream.kind == "video" else "times"
            raise ValueError(f"rows: stream {name} has {what}, which rows of arrays have not; leave it out")


def _check_pattern(key: str, pattern: str) -> None:
    try:
        Pattern.parse(pattern)
    except PatternError as error:
        raise ValueError(f"{key}: {error}") from None


def _check_segments(params: Params, segments: Segments) -> None:
    if segments.files and segments.column is not None:
        raise ValueError("segments: has `files` and `column`; keep what has the labels")
    if not (segments.files or segments.columns) and segments.column is None and segments.windows is None:
        raise ValueError("segments: has none of `files`, `column`, `columns` and `windows`; add one")
    if segments.column is not None and "label" in segments.columns:
        raise ValueError("segments: has `column` and `columns: {label: ...}`; keep one")
    if segments.apart:
        _check_apart(params, segments)
    if segments.rest is not None and segments.rest not in {*params.classes, *map(str, params.labels)}:
        raise ValueError(f"segments: rest: {segments.rest} is not among `classes`; add it there, or fix it")
    if segments.stream and segments.stream not in params.streams:
        raise ValueError(f"segments: {segments.stream} is no stream; there are {', '.join(params.streams)}")
    for name, stream in params.streams.items():
        if said := next((each for each in stream.columns if each in (segments.label, *segments.apart.values())), None):
            raise ValueError(f"streams: {name}: columns: {said} is no channel, since segments go by it; leave it out")
    if segments.files:
        _check_pattern("segments: files", segments.files)
