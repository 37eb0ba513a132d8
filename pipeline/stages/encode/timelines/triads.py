"""Channels of inertial units in threes: the x, y and z of one sensor. No numpy: planning reads this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

GRAVITY: Mapping[str, float] = {"g": 1.0, "m/s2": 9.80665}  # standard gravity (CGPM 1901) in units of acceleration
TURNING: Mapping[str, float] = {"deg/s": 57.29577951308232, "rad/s": 1.0}  # one radian a second in each unit


def triad_units(units: Sequence[str]) -> list[str]:
    """Return the unit of each three channels, of the units of all; ValueError where they are not in threes.

    One unit alone, which is that of all channels, is returned as it is.
    """
    if len(units) == 1:
        return [*units]
    triads = [units[start : start + 3] for start in range(0, len(units), 3)]
    if any(len({*triad}) > 1 or len(triad) < 3 for triad in triads):
        raise ValueError(f"its channels are not the x, y and z of sensors (units: {', '.join(units)})")
    return [triad[0] for triad in triads]
