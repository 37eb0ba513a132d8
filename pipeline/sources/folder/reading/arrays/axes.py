"""What the axes of an array are, and how it becomes samples in a row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.params import Axis


def default_axes(kind: str, dimensions: int) -> tuple[Axis, ...]:
    """Return what axes are where the description does not say; empty where they cannot be known."""
    known: dict[tuple[str, int], tuple[Axis, ...]] = {
        ("series", 1): ("time",),
        ("series", 2): ("time", "channel"),
        ("skeleton", 2): ("time", "channel"),
        ("skeleton", 3): ("time", "joint", "axis"),
        ("video", 3): ("time", "row", "column"),
        ("video", 4): ("time", "row", "column", "channel"),
    }
    return known.get((kind, dimensions), ())


def arranged(array: NDArray[Any], axes: Sequence[Axis], kind: str) -> NDArray[Any]:
    """Return an array with time first, then joint and axis, or row, column and channel.

    Raises
    ------
    BrokenFileError
        Another number of axes, two of one kind, none of time, or a skeleton whose ``axis`` is neither 2 nor 3 long.
    """
    said = tuple(axes) or default_axes(kind, array.ndim)
    shape = " x ".join(map(str, array.shape)) or "one number"
    if not said:
        raise BrokenFileError(f"has an array of shape {shape}: say what its axes are, as in axes: [time, joint, axis]")
    if len(said) != array.ndim:
        raise BrokenFileError(
            f"has an array of shape {shape}, {array.ndim} axes, but axes names {len(said)}: {', '.join(said)}"
        )
    if "time" not in said or len({*said}) < len(said):
        raise BrokenFileError(f"axes: needs time once, and each other axis at most once, not {', '.join(said)}")
    order = ("time", "joint", "axis", "row", "column", "channel")
    found = array.transpose([said.index(axis) for axis in order if axis in said])
    if kind == "skeleton" and found.ndim == 3 and ("axis" not in said or found.shape[2] not in (2, 3)):
        raise BrokenFileError(
            f"has an array of shape {shape} with axes {', '.join(said)}: `axis` has x, y and z, so it is 3 long (2 "
            "without z); say axes in the file's own order"
        )
    return found


def rows_of(array: NDArray[Any]) -> tuple[NDArray[np.float64], tuple[int, ...]]:
    """Return an array with time first as (T, C), and the shape of one sample where it had more axes."""
    if array.ndim == 1:
        array = array[:, None]
    shape = tuple(array.shape[1:]) if array.ndim > 2 else ()
    flat = np.ascontiguousarray(array).reshape(len(array), math.prod(array.shape[1:]))
    return flat.astype(np.float64, copy=False), shape
