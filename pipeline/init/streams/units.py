"""The unit of each column of a series, and what is asked where neither names nor magnitude tell it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from pipeline.formatting import shortened
from pipeline.init.question import Question
from pipeline.init.streams.magnitude import UnitFound, acceleration_unit, rotation_unit, swing_of
from pipeline.init.streams.sensors import Column, Sensor

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SHOWN = 3  # names of columns
_UNITS = {
    "g": r"[(\[]\s*g'?s?\s*[)\]]|_g$",
    "m/s2": r"m\s*/\s*s\s*(\^|\*\*)?\s*(2|²)|m_?s2\b|ms-2|mps2",
    "mg": r"[(\[]\s*mg\s*[)\]]|_mg$",
    "deg/s": r"deg|dps|°", "rad/s": r"rad", "uT": r"[uµμ]t\b|microtesla",
}  # fmt: skip


@dataclass(frozen=True)
class UnitsFound:
    """The key `units` of a stream, the comment on it, and what is open."""

    units: str | list[str]
    comment: str
    questions: tuple[Question, ...] = ()


def units_of(columns: Sequence[Column], values: NDArray[np.float64], *, linear: bool = False) -> UnitsFound:
    """Find the units of a series; those of a sensor's columns are the same.

    Parameters
    ----------
    values
        (T, C).
    linear
        Whether gravity was taken out of accelerations.
    """
    found: dict[Sensor, UnitFound] = {}
    swing = 0.0
    sensors = dict.fromkeys(column.sensor for column in columns)
    for sensor in sorted(sensors, key=lambda each: each != "accelerometer"):
        at = [number for number, column in enumerate(columns) if column.sensor == sensor]
        names = [columns[number].name for number in at]
        found[sensor] = unit_of(sensor, values[:, at], names, linear=linear, swing=swing)
        if sensor == "accelerometer":
            swing = swing_of(values[:, at], found[sensor].unit)
    listed = [found[column.sensor].unit for column in columns]
    said = [f"{sensor}: {_reason(found[sensor])}" for sensor in sensors if sensor]
    if said and (others := [column.name or str(column.number + 1) for column in columns if not column.sensor]):
        said.append(f"{', '.join(shortened(others, _SHOWN))}: as in the files")
    unsure = {sensor: unit for sensor in sensors if (unit := found[sensor]).others}
    questions = (_question(columns, listed, unsure),) if unsure else ()
    return UnitsFound(_one(listed), "; ".join(said), questions)


def _reason(unit: UnitFound) -> str:
    return f"guessed: {unit.why}" if unit.others and unit.unit != "raw" else unit.why


def _question(columns: Sequence[Column], units: Sequence[str], unsure: Mapping[Sensor, UnitFound]) -> Question:
    """Ask for the units that magnitude does not tell: any combination of them."""
    choices = []
    for chosen in product(*((*unit.others, "raw") for unit in unsure.values())):
        by_sensor: dict[str, str] = dict(zip(unsure, chosen, strict=True))
        listed = [by_sensor.get(column.sensor, unit) for column, unit in zip(columns, units, strict=True)]
        meaning = ", ".join(f"{sensor} in {unit}" for sensor, unit in by_sensor.items())
        choices.append((_one(listed), meaning))
    asked = "; ".join(f"the {sensor} ({unit.why})" for sensor, unit in unsure.items())
    return Question("units", f"in which unit is {asked}?", tuple(choices), _one(units))


def _one(units: Sequence[str]) -> str | list[str]:
    return units[0] if len({*units}) == 1 else [*units]


def unit_of(
    sensor: Sensor, values: NDArray[np.float64], names: Sequence[str], *, linear: bool = False, swing: float = 0.0
) -> UnitFound:
    """Tell a sensor's unit by its columns' names, else by magnitude.

    Parameters
    ----------
    values
        (T, C) of the sensor's columns.
    linear
        Whether gravity was taken out.
    swing
        Of the acceleration beside a gyroscope, see `rotation_unit`.
    """
    for unit, known in _UNITS.items():
        fits = {"accelerometer": ("g", "m/s2", "mg"), "gyroscope": ("deg/s", "rad/s"), "magnetometer": ("uT",)}
        if unit in fits.get(sensor, ()) and all(re.search(known, name.lower()) for name in names):
            return UnitFound(unit, "the columns' names say so")
    if sensor == "accelerometer":
        return acceleration_unit(values, linear=linear)
    if sensor == "gyroscope":
        return rotation_unit(values, swing)
    return UnitFound("raw", "as they are in the files")
