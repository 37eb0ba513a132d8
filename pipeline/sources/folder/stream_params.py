"""What a stages file may say of one stream: which files, and how one of them is read."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Column = str | Annotated[int, Meta(ge=1, le=100_000)]  # a column's name, or its number from 1
Rate = Annotated[float, Meta(gt=0, le=1e6)]  # Hz
Seconds = Annotated[float, Meta(ge=-1e10, le=1e10)]

TimeUnit = Literal["s", "ms", "us", "ns", "iso8601"]
Axis = Literal["recording", "time", "channel", "joint", "axis", "row", "column"]
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
        What the axes of an array are, in its order: ``time``, ``channel``, ``joint``, ``axis``, ``row``, ``column``;
        of one that holds many recordings ``recording``, too.
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
    axes: tuple[Axis, ...] = ()
    columns: tuple[Column, ...] = ()
    csv: Csv = msgspec.field(default_factory=Csv)
    time: Time | None = None
    units: Unit | tuple[Unit, ...] = "raw"
    joints: str | tuple[str, ...] = ()
    up: Literal["x", "y", "z", "-x", "-y", "-z"] | None = None
    missing: Literal["fail", "drop", "interpolate"] = "fail"
    limit: Annotated[float, Meta(gt=0)] | None = None
    offset: Seconds = 0.0
