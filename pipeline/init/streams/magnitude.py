"""Units by magnitude: what gravity measures at rest, and how fast people turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MOST = 5000.0  # deg/s
_FASTEST = 40.0  # rad/s: 2300 deg/s, more than such sensors measure
_SLOW, _MOVING = 20.0, 0.7  # deg/s, in which nobody moves so that acceleration varies by this share of gravity


@dataclass(frozen=True)
class UnitFound:
    """A unit, whence it is known, and where that is not sure all that it may be, the likeliest first."""

    unit: str
    why: str
    others: tuple[str, ...] = ()


def acceleration_unit(values: NDArray[np.float64], *, linear: bool = False) -> UnitFound:
    """Tell the unit of accelerations: their usual length is that of gravity."""
    import numpy as np

    length = float(np.nanmedian(np.sqrt((values**2).sum(axis=1))))
    for unit, low, high in (("g", 0.7, 1.5), ("m/s2", 7.0, 14.0), ("mg", 700.0, 1500.0)):
        if low <= length <= high and not linear and values.shape[1] == 3:
            return UnitFound(unit, f"usual length {length:.3g}, as gravity has in {unit}")
    return UnitFound("raw", f"usual length {length:.3g}, as gravity has in no unit", ("g", "m/s2", "mg"))


def rotation_unit(values: NDArray[np.float64], swing: float) -> UnitFound:
    """Tell the unit of angular velocities: what is slow in deg/s is fast in rad/s.

    Parameters
    ----------
    values
        (T, C).
    swing
        How much the length of the acceleration varies beside it, as a share of gravity; 0 where there is none.
    """
    import numpy as np

    lengths = np.sqrt((values**2).sum(axis=1))
    largest = float(np.nanpercentile(lengths, 99.5))
    if largest > _MOST:
        return UnitFound("raw", f"reaches {largest:.3g}, more than is measured in deg/s: counts of the sensor's")
    if largest > _FASTEST:
        return UnitFound("deg/s", f"reaches {largest:.3g}, more than is measured in rad/s, so deg/s")
    if largest < _SLOW and swing > _MOVING:
        return UnitFound("rad/s", f"reaches {largest:.3g} while acceleration swings as of somebody who moves, so rad/s")
    if largest < _SLOW:
        return UnitFound(
            "rad/s", f"reaches {largest:.3g}, hardly a movement in deg/s, usual in rad/s", ("rad/s", "deg/s")
        )
    return UnitFound("deg/s", f"reaches {largest:.3g}, seldom so much in rad/s, slow in deg/s", ("deg/s", "rad/s"))


def swing_of(values: NDArray[np.float64], unit: str) -> float:
    """Return how much the length of accelerations varies, as a share of gravity; 0 where their unit is not known."""
    import numpy as np

    if unit == "raw" or not len(values):
        return 0.0
    length = np.sqrt((values**2).sum(axis=1))
    low, usual, high = np.nanpercentile(length, [0.5, 50, 99.5])
    return float((high - low) / usual)
