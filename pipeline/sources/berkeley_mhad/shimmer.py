"""One accelerometer's file of a trial: a line a sample, ``x y z seconds`` in g and unix time, spaces between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.sources.base import Series
from pipeline.sources.broken_file import BrokenFileError, read_nonempty

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_COLUMNS = 4


def read(path: Path, limit: float | None) -> Series:
    """Read a sensor's file.

    A sample with an axis beyond `limit` is dropped whole, since an axis that could not be decoded left its
    neighbours wrong, too; who resamples by the times that are left goes over it in a straight line. Samples are
    then sorted by time, and of samples with equal times the mean is taken: nothing tells which one was first.

    Parameters
    ----------
    limit
        g that the sensor can measure on an axis; None keeps all samples.

    Returns
    -------
    Series
        Values (T, 3) in g; times (T,) in seconds from the first sample, strictly increasing. At least two.

    Raises
    ------
    BrokenFileError
        Empty, a line that is not four numbers, NaN or infinity, or fewer than two samples left.
    OSError
        The system does not let it be read; a file that is gone, too.
    """
    import numpy as np

    rows = np.array(list(_rows(path))).reshape(-1, _COLUMNS)  # (T, 4)
    values, times = rows[:, :3], rows[:, 3]
    if limit is not None:
        measured = (np.abs(values) <= limit).all(axis=1)
        values, times = values[measured], times[measured]
    with np.errstate(over="ignore"):  # of damaged numbers, which whoever takes the series refuses
        values, times = _in_order(values, times)
    if len(times) < 2:
        within = "" if limit is None else f" within {limit:g} g"
        raise BrokenFileError(f"has too few samples{within}: {len(times)}, at least 2 at different times are needed")
    with np.errstate(over="ignore"):
        return Series(values, times - times[0])


def _in_order(
    values: NDArray[np.float64], times: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sort by time and average what has the same time."""
    import numpy as np

    order = np.argsort(times, kind="stable")
    values, times = values[order], times[order]
    first = np.flatnonzero(np.diff(times, prepend=-np.inf) > 0)
    if len(first) < len(times):
        counts = np.diff(first, append=len(times))
        values, times = np.add.reduceat(values, first) / counts[:, None], times[first]
    return values, times


def _rows(path: Path) -> Iterator[tuple[float, ...]]:
    import math

    text = read_nonempty(path).decode("ascii", errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        columns = line.split()
        if not columns:
            continue
        if len(columns) != _COLUMNS:
            raise BrokenFileError(f"line {number} has {len(columns)} columns, expected {_COLUMNS} (x y z seconds)")
        try:
            row = tuple(map(float, columns))
        except ValueError:
            raise BrokenFileError(f"line {number} is not {_COLUMNS} numbers: {line[:60]!r}") from None
        if not all(map(math.isfinite, row)):
            raise BrokenFileError(f"line {number} holds NaN or infinity: {line[:60]!r}")
        yield row
