"""How much two arrays differ, as a part of their scale, and how much is taken.

Reordering a float32 sum of some thousand terms moves it by a few units of 1e-6 of the scale; what changes a feature
on purpose moves it by far more. So 1e-5 is taken by default. Types that are coarser than that may differ by one step
of the type where a value is rounded the other way, but on average by no more than the tolerance: then few values do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FLOOR = 0.01  # a column's scale is at least this part of the array's: columns are computed from one another

Array = NDArray[Any]


@dataclass(frozen=True)
class ArrayDifference:
    """How a new array or document differs from the earlier one."""

    name: str
    largest: float = 0.0  # part of the scale; infinite where something differs that must not differ
    mean: float = 0.0  # part of the scale
    where: str = ""  # where the largest is, with the earlier and the new value
    taken: bool = True  # whether it is within the tolerance
    bits: bool = False  # whether the very bits are equal


def mismatch(name: str, where: str) -> ArrayDifference:
    """Return the difference of something that must be equal and is not."""
    return ArrayDifference(name, math.inf, math.inf, where, taken=False)


def compare(
    name: str, old: Array, new: Array, tolerance: float, *, rows: Sequence[str] = (), columns: bool = False
) -> ArrayDifference:
    """Compare arrays of one shape and type.

    Parameters
    ----------
    old, new
        Floating point, or uint8 that stands for it; anything else must be equal.
    tolerance
        Of the scale, which is the largest magnitude of `old`.
    rows
        The recordings of the first dimension, where it is theirs.
    columns
        Whether the last dimension's places (features, channels) each have their own scale.
    """
    if old.shape != new.shape or old.dtype != new.dtype:
        return mismatch(name, f"{old.dtype} {old.shape} became {new.dtype} {new.shape}")
    if old.tobytes() == new.tobytes():
        return ArrayDifference(name, bits=True)
    if not rows:
        old, new = old[None], new[None]
    if old.dtype.kind != "f" and old.dtype != np.uint8:
        return _equal(name, old, new, rows)
    scale = _scale(old, columns)
    largest, total, taken, where = 0.0, 0.0, True, ""
    for row, (before, after) in enumerate(zip(old, new, strict=True)):  # a row at a time bounds the memory
        if not before.size:
            continue
        moved = _distance(before, after)
        part = _divided(moved, scale)
        total += float(part.sum())
        taken &= not bool(((part > tolerance) & (moved > _step(before, after, tolerance))).any())
        place = np.unravel_index(int(part.argmax()), part.shape)
        if part[place] > largest:
            largest = float(part[place])
            where = _place(rows, row, place, before[place], after[place])
    mean = total / max(old.size, 1)
    return ArrayDifference(name, largest, mean, where, taken and mean <= tolerance)


def _equal(name: str, old: Array, new: Array, rows: Sequence[str]) -> ArrayDifference:
    differing = np.argwhere(old != new)
    if not len(differing):
        return ArrayDifference(name)
    row, *place = (int(each) for each in differing[0])
    return mismatch(name, _place(rows, row, tuple(place), old[row][tuple(place)], new[row][tuple(place)]))


def _scale(old: Array, columns: bool) -> NDArray[np.float64]:
    largest = np.zeros(old.shape[1:] if columns and old.ndim > 1 else ())
    for row in old:
        finite = np.where(np.isfinite(row), np.abs(row.astype(np.float64)), 0.0)
        largest = np.maximum(largest, finite if columns and old.ndim > 1 else finite.max(initial=0.0))
    if largest.ndim == 0:
        return largest
    column = largest.max(axis=tuple(range(largest.ndim - 1)))
    scale: NDArray[np.float64] = np.maximum(column, FLOOR * column.max(initial=0.0))
    return scale


def _distance(old: Array, new: Array) -> NDArray[np.float64]:
    before, after = old.astype(np.float64), new.astype(np.float64)
    with np.errstate(invalid="ignore"):
        moved: NDArray[np.float64] = np.abs(after - before)
    moved[(before == after) | (np.isnan(before) & np.isnan(after))] = 0.0
    moved[np.isnan(moved)] = np.inf
    return moved


def _divided(moved: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        parts: NDArray[np.float64] = np.where(moved == 0.0, 0.0, moved / scale)
    return parts


def _step(old: Array, new: Array, tolerance: float) -> Array | float:
    """Return the distance to the next value of the stored type; none where equal bits are asked for."""
    if tolerance == 0.0:
        return 0.0
    if old.dtype == np.uint8:
        return 1.0
    with np.errstate(invalid="ignore"):
        step: Array = np.maximum(np.spacing(np.abs(old)), np.spacing(np.abs(new))).astype(np.float64)
    return np.where(np.isfinite(step), step, 0.0)


def _place(rows: Sequence[str], row: int, place: tuple[Any, ...], old: Any, new: Any) -> str:
    whose = f"recording {rows[row]} " if rows else ""
    return f"{whose}at [{', '.join(str(int(each)) for each in place)}]: {old!s} became {new!s}"
