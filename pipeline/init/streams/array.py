"""Streams whose files are arrays: which arrays there are, what their axes mean, and what they hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.init.look.arrays import read_array, shapes_of
from pipeline.init.names.groups import Group
from pipeline.init.streams.clocks.clock import is_time
from pipeline.init.streams.found import NOMINAL, StreamFound, read_some, some_of, tidy
from pipeline.init.streams.joints import layout_of
from pipeline.init.streams.sensors import Column, guess_sensors
from pipeline.init.streams.skeleton import is_layout, skeleton_keys
from pipeline.init.streams.units import units_of
from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.reading.arrays.axes import default_axes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Axes = tuple[str, ...]
_SMALLEST_PICTURE = 24
_RECORDINGS = 50  # that are looked at, of those in one array


def describe_arrays(root: Path, group: Group) -> list[StreamFound]:
    """Describe the streams of files of arrays, one for each array that has samples."""
    looked = read_some(some_of(root, group), lambda path: (path, shapes_of(path, group.kind)))
    first = looked[0][1]
    names = [name for name in first if all(name in shapes for _, shapes in looked)]
    times = [name for name in names if is_time(name) and _is_vector(first[name])]
    found = []
    for name in names:
        shapes = [each[name] for _, each in looked]
        if len({*map(len, shapes)}) > 1:
            raise BrokenFileError(f"has an array of shape {shapes[0]}, {looked[-1][0].name} one of {shapes[-1]}")
        if name in times or max(shapes[0], default=0) < 3 or (_is_vector(shapes[0]) and len(names) > 1):
            continue
        found.append(_stream(group, looked[len(looked) // 2][0], name, shapes, alone=len(names) == 1))
        if times:
            found[-1].keys["time"] = {"column": times[0]}
    if not found:
        raise BrokenFileError("has no array with samples")
    words = group.words[-1] if group.words else ""
    for each in found:
        each.name = words if len(found) == 1 and words else each.name or words
    return found


def describe_rows(
    root: Path, group: Group, name: str, shapes: Sequence[tuple[int, ...]], words: str, *, alone: bool
) -> StreamFound:
    """Describe the stream of an array whose entries along the first axis are recordings.

    Parameters
    ----------
    words
        What its name says of the sensor.
    alone
        Whether its files have no other array.

    Raises
    ------
    BrokenFileError
        Its other axes are not understood, or those of pictures.
    """
    kind, _ = axes_of([shape[1:] for shape in shapes], words)
    if kind == "video":
        raise BrokenFileError(f"has an array of shape {shapes[0]}: pictures are no rows, save each recording by itself")
    return _stream(group, root / group.paths[0], name, shapes, alone=alone, rows=words or "sensor")


def _is_vector(shape: Sequence[int]) -> bool:
    return sum(size != 1 for size in shape) <= 1


def _stream(
    group: Group, path: Path, name: str, shapes: Sequence[tuple[int, ...]], *, alone: bool, rows: str = ""
) -> StreamFound:
    """Describe an array; `rows` is what the stream may be called where the first axis is that of recordings."""
    one = [shape[1:] if rows else shape for shape in shapes]
    words = " ".join((*group.words, rows or name))
    kind, axes = axes_of(one, words)
    found = StreamFound(group, rows or name.strip("/").replace("/", "-"), {} if kind == "series" else {"kind": kind})
    if not alone:
        found.keys["key"] = name
    if axes != default_axes(kind, len(axes)):
        found.keys["axes"] = [*(["recording"] if rows else []), *axes]
    shape = one[0]
    found.facts = " x ".join("T" if axis == "time" else str(size) for axis, size in zip(axes, shape, strict=True))
    found.keys["rate"] = tidy(NOMINAL[kind])
    found.comments["rate"] = "assumed, since the files have no time; it changes nothing while `align` is `resample`"
    found.seconds = shape[axes.index("time")] / found.rate
    if kind == "video":
        return found
    array = read_array(path, group.kind, name, shapes[0])
    values = _samples(array, axes, rows=bool(rows))
    if kind == "series" and _is_flat_skeleton(values, words):
        kind = found.keys["kind"] = "skeleton"
        found.keys["rate"] = tidy(NOMINAL[kind])
    if kind == "skeleton":
        size = shape[axes.index("axis")] if "axis" in axes else 3
        if size == 3:
            keys, comments, questions = skeleton_keys(values.reshape(len(values), -1, 3))
            found.keys.update(keys)
            found.comments.update(comments)
            found.questions += questions
            found.facts += f", {keys.get('joints', 'layout unknown')}"
    else:
        _as_series(found, values, words)
    return found


def _samples(array: NDArray[Any], axes: Axes, *, rows: bool) -> NDArray[np.float64]:
    """Return samples, (T, C), of all of an array, or of some of its recordings one after the other."""
    import numpy as np

    order = [axes.index(axis) for axis in ("time", "joint", "axis", "channel") if axis in axes]
    some = array[:: len(array) // _RECORDINGS + 1] if rows else [array]
    values = np.concatenate([each.transpose(order) for each in some]).astype(float)
    return values.reshape(len(values), -1)


def axes_of(shapes: Sequence[tuple[int, ...]], words: str) -> tuple[str, Axes]:
    """Tell what kind of stream arrays are, and what their axes mean: time is the axis whose length differs.

    Parameters
    ----------
    shapes
        Of the same array in several files.
    """
    first = shapes[0]
    dims = len(first)
    varying = [at for at in range(dims) if len({shape[at] for shape in shapes if len(shape) == dims}) > 1]
    time = varying[0] if varying else max(range(dims), key=lambda at: first[at])
    others = [at for at in range(dims) if at != time]
    names = dict.fromkeys(range(dims), "channel")
    names[time] = "time"
    kind = "series"
    if dims == 3:
        axis = next((at for at in reversed(others) if first[at] == 3), None)
        if axis is None and re.search(r"skel|pose|joint|keypoint", words.lower()):
            axis = next((at for at in reversed(others) if first[at] == 2), None)
        if axis is not None:
            kind, names[axis] = "skeleton", "axis"
            names[next(at for at in others if at != axis)] = "joint"
        elif min(first[at] for at in others) >= _SMALLEST_PICTURE:
            kind, names[others[0]], names[others[1]] = "video", "row", "column"
        else:
            raise BrokenFileError(f"has an array of shape {first}, whose axes nothing says")
    elif dims == 4:
        colour = next((at for at in others if first[at] == 3), None)
        if colour is None:
            raise BrokenFileError(f"has an array of shape {first}, whose axes nothing says")
        rows = [at for at in others if at != colour]
        kind, names[rows[0]], names[rows[1]] = "video", "row", "column"
    elif dims > 4:
        raise BrokenFileError(f"has an array of shape {first}, whose axes nothing says")
    return kind, tuple(names[at] for at in range(dims))


def _is_flat_skeleton(values: NDArray[np.float64], words: str) -> bool:
    count, rest = divmod(values.shape[1], 3)
    if rest or not is_layout(count):
        return False
    named = re.search(r"skel|skl|pose|joint|kinect|mocap|keypoint", words.lower())
    return bool(named) or bool(layout_of(values.reshape(len(values), count, 3))[0])


def _as_series(found: StreamFound, values: NDArray[np.float64], words: str) -> None:
    columns = [Column(at, _sensor_of(words) if values.shape[1] <= 3 else "", "") for at in range(values.shape[1])]
    columns = guess_sensors(columns, values)
    units = units_of(columns, values)
    found.keys["units"] = units.units
    found.questions += units.questions
    if units.comment:
        found.comments["units"] = units.comment
        found.facts += f", {', '.join(dict.fromkeys(column.sensor for column in columns if column.sensor))}"
    found.channels = [str(column.number + 1) for column in columns]


def _sensor_of(words: str) -> Any:
    lower = words.lower()
    known = (("acc", "accelerometer"), ("gyr", "gyroscope"), ("mag", "magnetometer"))
    return next((sensor for word, sensor in known if word in lower), "")
