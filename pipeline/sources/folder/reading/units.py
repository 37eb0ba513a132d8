"""Units as they are declared become g, deg/s and m."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.params import Unit

STANDARD_GRAVITY = 9.80665  # m/s2, by definition (CGPM 1901)
_DIVISORS: dict[Unit, float] = {"m/s2": STANDARD_GRAVITY, "mg": 1e3, "mm": 1e3, "cm": 1e2}


def normalise(values: NDArray[np.float64], units: Unit | Sequence[Unit]) -> NDArray[np.float64]:
    """Return (T, C) values in g, deg/s and m; uT and raw as they are.

    Parameters
    ----------
    units
        Of all columns, or of each.

    Raises
    ------
    BrokenFileError
        Another number of units than columns.
    """
    if not isinstance(units, str) and len(units) == 1:
        units = units[0]
    if isinstance(units, str):
        return _converted(values, units)
    if len(units) != values.shape[1]:
        raise BrokenFileError(
            f"units names {len(units)} units, but {values.shape[1]} columns are read; say one for all, or one for each"
        )
    return np.stack([_converted(values[:, at], unit) for at, unit in enumerate(units)], axis=1)


def _converted(values: NDArray[np.float64], unit: Unit) -> NDArray[np.float64]:
    if unit == "rad/s":
        return np.degrees(values)
    return values / _DIVISORS[unit] if unit in _DIVISORS else values
