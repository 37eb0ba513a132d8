"""Values that a file does not have."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.sources.broken_file import BrokenFileError


def check_present(values: NDArray[np.float64], names: Sequence[str], where: Callable[[int], str]) -> None:
    """Raise BrokenFileError at the first missing value, with its place and the remedy."""
    missing = np.isnan(values)
    if not missing.any():
        return
    row, column = (int(at) for at in np.unravel_index(int(missing.argmax()), missing.shape))
    raise BrokenFileError(
        f"{where(row)}, {names[column]}: no value; {int(missing.sum())} of {missing.size} are missing: "
        "say missing: interpolate, or missing: drop"
    )


def check_limit(values: NDArray[np.float64], limit: float, names: Sequence[str], where: Callable[[int], str]) -> None:
    """Raise BrokenFileError at the first value whose magnitude is beyond a limit."""
    beyond = np.abs(values) > limit
    if beyond.any():
        row, column = (int(at) for at in np.argwhere(beyond)[0])
        raise BrokenFileError(
            f"{where(row)}, {names[column]}: {values[row, column]:g} is beyond the limit, {limit:g}; say missing: drop "
            "or interpolate"
        )


def check_finite(values: NDArray[np.float64], names: Sequence[str], where: Callable[[int], str]) -> None:
    """Raise BrokenFileError at the first infinity."""
    infinite = np.isinf(values)
    if infinite.any():
        row, column = (int(at) for at in np.unravel_index(int(infinite.argmax()), infinite.shape))
        raise BrokenFileError(f"{where(row)}, {names[column]}: the value is infinite, or more than a number can hold")


def interpolated(
    values: NDArray[np.float64], times: NDArray[np.float64] | None, names: Sequence[str]
) -> tuple[NDArray[np.float64], int]:
    """Fill missing values on straight lines in time; before the first and after the last value of a column these hold.

    Returns
    -------
    tuple
        (T, C) without NaN, and in how many samples something was filled.

    Raises
    ------
    BrokenFileError
        A column without any value.
    """
    missing = np.isnan(values)
    if not missing.any():
        return values, 0
    at = np.arange(len(values), dtype=np.float64) if times is None else times
    filled = values.copy()
    for column in np.flatnonzero(missing.any(axis=0)).tolist():
        gone = missing[:, column]
        if gone.all():
            raise BrokenFileError(f"{names[column]} has no value in any sample, so that nothing can be interpolated")
        filled[gone, column] = np.interp(at[gone], at[~gone], values[~gone, column])
    return filled, int(missing.any(axis=1).sum())
