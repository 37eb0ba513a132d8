"""Streams whose files are arrays: which arrays there are, what their axes mean, and what they hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.init.look.arrays import Shapes, read_array, shapes_of
from pipeline.init.names.groups import Group
from pipeline.init.streams.clock import is_time
from pipeline.init.streams.found import NOMINAL, StreamFound, some_of, tidy
from pipeline.init.streams.joints import layout_of
from pipeline.init.streams.sensors import Column, guess_sensors, unit_of
from pipeline.init.streams.skeleton import is_layout, skeleton_keys
from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.reading.arrays.axes import default_axes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Axes = tuple[str, ...]
_SMALLEST_PICTURE = 24


def describe_arrays(root: Path, group: Group) -> list[StreamFound]:
    """Describe the streams of files of arrays, one for each array that has samples."""
    looked: list[tuple[Path, Shapes]] = []
    problem: BrokenFileError | None = None
    for path in some_of(root, group):
        try:
            looked.append((path, shapes_of(path, group.kind)))
        except BrokenFileError as error:
            problem = error
    if not looked:
        raise problem or BrokenFileError("has no arrays")
    first = looked[0][1]
    names = [name for name in first if all(name in shapes for _, shapes in looked)]
    times = [name for name in names if is_time(name) and _is_vector(first[name])]
    found = []
    for name in names:
        shapes = [each[name] for _, each in looked]
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


def _is_vector(shape: Sequence[int]) -> bool:
    return sum(size != 1 for size in shape) <= 1


def _stream(group: Group, path: Path, name: str, shapes: Sequence[tuple[int, ...]], *, alone: bool) -> StreamFound:
    kind, axes = axes_of(shapes, " ".join((*group.words, name)))
    found = StreamFound(group, name.strip("/").replace("/", "-"), {} if kind == "series" else {"kind": kind})
    if not alone:
        found.keys["key"] = name
    if axes != default_axes(kind, len(axes)):
        found.keys["axes"] = [*axes]
    shape = shapes[0]
    found.facts = " x ".join("T" if axis == "time" else str(size) for axis, size in zip(axes, shape, strict=True))
    found.keys["rate"] = tidy(NOMINAL[kind])
    found.comments["rate"] = "assumed, since the files have no time; it changes nothing while `align` is `resample`"
    found.seconds = shape[axes.index("time")] / found.rate
    if kind == "video":
        return found
    array = read_array(path, group.kind, name, shape)
    values = array.transpose([axes.index(axis) for axis in ("time", "joint", "axis", "channel") if axis in axes])
    values = values.astype(float).reshape(len(values), -1)
    if kind == "series" and _is_flat_skeleton(values, " ".join((*group.words, name))):
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
        _as_series(found, values, " ".join((*group.words, name)))
    return found


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
    units: dict[str, Any] = {}
    for sensor in dict.fromkeys(column.sensor for column in columns):
        at = [number for number, column in enumerate(columns) if column.sensor == sensor]
        units[sensor] = unit_of(sensor, values[:, at], [""] * len(at))
    listed = [units[column.sensor].unit for column in columns]
    found.keys["units"] = listed[0] if len({*listed}) == 1 else listed
    said = [f"{sensor}: {unit.why}" for sensor, unit in units.items() if sensor]
    if said:
        found.comments["units"] = "; ".join(said)
        found.facts += f", {', '.join(filter(None, units))}"
    found.channels = [str(column.number + 1) for column in columns]


def _sensor_of(words: str) -> Any:
    lower = words.lower()
    known = (("acc", "accelerometer"), ("gyr", "gyroscope"), ("mag", "magnetometer"))
    return next((sensor for word, sensor in known if word in lower), "")
