"""What a file holds, before anything is done about times, units and missing values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.params import TimeUnit
from pipeline.sources.folder.reading.notes import Notes

Stamps = NDArray[np.int64] | NDArray[np.float64] | list[str]  # missing: NO_STAMP, NaN, ""
NO_STAMP = np.iinfo(np.int64).min


def _sample(row: int) -> str:
    return f"sample {row + 1}"


@dataclass(frozen=True)
class Samples:
    """Samples in the order of their file.

    Attributes
    ----------
    values
        (T, C); NaN where a value is missing.
    names
        What messages call each column.
    stamps
        As they are written; None where the file has none.
    unit
        Of the stamps, where the file itself says it.
    marks
        (T,) text of each column that was asked for because it says what or whose a sample is, such as its label.
    shape
        Of one sample, where it is no row of channels: (joints, 3).
    ends
        Where each file's samples end, of several.
    where
        Says in words where a sample stands.
    """

    values: NDArray[np.float64]
    names: tuple[str, ...]
    stamps: Stamps | None = None
    unit: TimeUnit | None = None
    marks: tuple[NDArray[Any], ...] = ()
    shape: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()
    where: Callable[[int], str] = _sample
    notes: Notes = field(default_factory=Notes)

    @property
    def nbytes(self) -> int:
        """Bytes in memory; of text its references alone."""
        stamps = 0 if self.stamps is None else 8 * len(self.stamps)
        return self.values.nbytes + stamps + sum(texts.nbytes for texts in self.marks)


def taken(samples: Samples, rows: NDArray[np.int64]) -> Samples:
    """Return some of the samples, in their order."""
    stamps = samples.stamps
    return replace(
        samples,
        values=samples.values[rows],
        stamps=[stamps[row] for row in rows] if isinstance(stamps, list) else None if stamps is None else stamps[rows],
        marks=tuple(texts[rows] for texts in samples.marks),
        ends=tuple(np.searchsorted(rows, samples.ends).tolist()),
        where=lambda row: samples.where(int(rows[row])),
    )


def joined(parts: Sequence[Samples]) -> Samples:
    """Join the samples of several files of one stream; BrokenFileError where they have other columns."""
    first = parts[0]
    if len(parts) == 1:
        return first
    for number, part in enumerate(parts[1:], 2):
        if part.values.shape[1:] != first.values.shape[1:] or part.shape != first.shape:
            raise BrokenFileError(
                f"file {number} of the stream has {part.values.shape[1]} columns, the first has {first.values.shape[1]}"
            )
        if (part.stamps is None) != (first.stamps is None):
            raise BrokenFileError(f"file {number} of the stream and the first: only one of them has times")
    ends = np.cumsum([len(part.values) for part in parts])

    def where(row: int) -> str:
        at = int(ends.searchsorted(row, side="right"))
        return f"file {at + 1} of the stream, {parts[at].where(row - int(ends[at]) + len(parts[at].values))}"

    return replace(
        first,
        values=np.concatenate([part.values for part in parts]),
        stamps=None
        if first.stamps is None
        else joined_stamps([part.stamps for part in parts if part.stamps is not None]),
        marks=tuple(np.concatenate(each) for each in zip(*(part.marks for part in parts), strict=True)),
        ends=tuple(ends.tolist()),
        where=where,
    )


def joined_stamps(parts: Sequence[Stamps]) -> Stamps:
    """Join stamps; whole numbers stay whole where all are."""
    if len(parts) == 1:
        return parts[0]
    if any(isinstance(part, list) for part in parts):
        return [text for part in parts for text in part]
    if len({part.dtype for part in parts}) > 1:  # type: ignore[union-attr]
        parts = [as_floats(part) for part in parts]
    found: NDArray[np.float64] = np.concatenate(parts)
    return found


def joined_columns(columns: Sequence[Stamps]) -> Stamps | None:
    """Return the stamps of a table's columns: text of several (a date, a time of day) with a blank between."""
    if len(columns) < 2:
        return columns[0] if columns else None
    return [" ".join(map(str, parts)).strip() for parts in zip(*columns, strict=True)]


def as_floats(stamps: Stamps) -> NDArray[np.float64]:
    """Return stamps that are numbers as such, NaN where one is missing."""
    array = np.asarray(stamps)
    found = array.astype(np.float64)
    if array.dtype.kind == "i":
        found[array == NO_STAMP] = np.nan
    return found
