"""Which sensor each column of a table is of, and in which unit it measures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from pipeline.init.look.sheets import Sheet
from pipeline.init.streams.clock import is_counter, is_time

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Sensor = Literal["accelerometer", "gyroscope", "magnetometer", ""]
_SENSORS: tuple[tuple[Sensor, str], ...] = (
    ("accelerometer", r"acc|^a[_ .]?[xyz]\b|gravity"),
    ("gyroscope", r"gyr|angular|rotation.?rate|omega|^[gw][_ .]?[xyz]\b"),
    ("magnetometer", r"mag|^m[_ .]?[xyz]\b"),
)
_STAYS = 30  # samples in which a label is the same, on the average
_NO_VALUES = re.compile(
    r"^(index|idx|id|frame|frames|sample|samples|sample_?id|row|packet|counter|count|seq|sequence|no|n|#|unnamed.*|"
    r"subject\w*|participant\w*|user\w*|person\w*|trial\w*|session\w*|date|hour|minute|day|accuracy)$"
)
_LABEL = re.compile(r"^(label\w*|activity\w*|action\w*|class|gesture\w*|target|ground.?truth|annotation)$")
_UNITS = {
    "g": r"[(\[]\s*g'?s?\s*[)\]]|_g$",
    "m/s2": r"m\s*/\s*s\s*(\^|\*\*)?\s*(2|²)|m_?s2\b|ms-2|mps2",
    "mg": r"[(\[]\s*mg\s*[)\]]|_mg$",
    "deg/s": r"deg|dps|°", "rad/s": r"rad", "uT": r"[uµμ]t\b|microtesla",
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A channel: its number in the table from 0, its sensor and its name."""

    number: int
    sensor: Sensor
    name: str


@dataclass(frozen=True)
class UnitFound:
    """A unit, whence it is known, and others that it may be."""

    unit: str
    why: str
    others: tuple[str, ...] = ()


def channels_of(sheets: Sequence[Sheet], clock: int | None, label: int | None, words: str) -> list[Column]:
    """Return the columns that are measured: numbers, but times, counters, labels and what has no name."""
    sheet = sheets[0]
    found = []
    for at in range(len(sheet.columns)):
        name = sheet.name(at).strip()
        plain = name.lower()
        if at in (clock, label) or _NO_VALUES.match(plain) or _LABEL.match(plain) or is_time(name):
            continue
        if sheet.names is not None and not name:
            continue
        numbers = [each.numbers(at) for each in sheets if at < len(each.columns)]
        if any(each is None for each in numbers):
            continue
        if all(each is not None and (is_counter(each) or _is_constant(each)) for each in numbers):
            continue
        found.append(Column(at, _sensor(plain, words), name))
    return found


def _is_constant(values: NDArray[np.float64]) -> bool:
    """Tell whether a column has one whole number throughout, as that of a subject."""
    return bool((values == values[0]).all()) and values[0] == round(values[0])


def label_column(sheets: Sequence[Sheet], clock: int | None) -> int | None:
    """Return the column that is called as labels are; without names one that stays the same for long, then changes."""
    sheet = sheets[0]
    named = next((at for at in range(len(sheet.columns)) if _LABEL.match(sheet.name(at).strip().lower())), None)
    if named is not None or sheet.names is not None:
        return named
    return next((at for at in range(len(sheet.columns)) if at != clock and _is_label(sheets, at)), None)


def _is_label(sheets: Sequence[Sheet], column: int) -> bool:
    columns = [sheet.columns[column] for sheet in sheets]
    changes = sum(one != other for texts in columns for one, other in pairwise(texts))
    words = {text for texts in columns for text in texts}
    whole = all(re.fullmatch(r"\d{1,4}|[^\W\d_][\w ]{0,30}", text) for text in words)
    return whole and len(words) <= 100 and 0 < changes * _STAYS <= sum(map(len, columns))


def _sensor(name: str, words: str) -> Sensor:
    for text in (name, words.lower()):
        for sensor, known in _SENSORS:
            if re.search(known, text):
                return sensor
    return ""


def guess_sensors(columns: Sequence[Column], values: NDArray[np.float64]) -> list[Column]:
    """Tell the sensors of triples without names, by the usual length of what they measured."""
    if any(column.sensor for column in columns) or len(columns) not in (3, 6, 9):
        return [*columns]
    found, sensors = [*columns], ("accelerometer", "gyroscope", "magnetometer")
    if acceleration_unit(values[:, :3]).unit == "raw":
        return found
    for at, column in enumerate(columns):
        found[at] = Column(column.number, sensors[at // 3], column.name)  # type: ignore[arg-type]
    return found


def unit_of(sensor: Sensor, values: NDArray[np.float64], names: Sequence[str], *, linear: bool = False) -> UnitFound:
    """Tell a sensor's unit by its columns' names, else by magnitude.

    Parameters
    ----------
    values
        (T, C) of the sensor's columns.
    linear
        Whether gravity was taken out.
    """
    for unit, known in _UNITS.items():
        fits = {"accelerometer": ("g", "m/s2", "mg"), "gyroscope": ("deg/s", "rad/s"), "magnetometer": ("uT",)}
        if unit in fits.get(sensor, ()) and all(re.search(known, name.lower()) for name in names):
            return UnitFound(unit, "the columns' names say so")
    if sensor == "accelerometer":
        return acceleration_unit(values, linear=linear)
    if sensor == "gyroscope":
        return _rotation_unit(values)
    return UnitFound("raw", "as they are in the files")


def acceleration_unit(values: NDArray[np.float64], *, linear: bool = False) -> UnitFound:
    """Tell the unit of accelerations: their usual length is that of gravity."""
    import numpy as np

    length = float(np.nanmedian(np.sqrt((values**2).sum(axis=1))))
    for unit, low, high in (("g", 0.7, 1.5), ("m/s2", 7.0, 14.0), ("mg", 700.0, 1500.0)):
        if low <= length <= high and not linear and values.shape[1] == 3:
            return UnitFound(unit, f"usual length {length:.3g}, as gravity has in {unit}")
    return UnitFound("raw", f"usual length {length:.3g}, as gravity has in no unit", ("g", "m/s2", "mg"))


def _rotation_unit(values: NDArray[np.float64]) -> UnitFound:
    import numpy as np

    lengths = np.sqrt((values**2).sum(axis=1))
    largest, usual = float(np.nanpercentile(lengths, 99.5)), float(np.nanmedian(lengths))
    if largest > 40:  # 40 rad/s are 2300 deg/s, more than such sensors measure
        return UnitFound("deg/s", f"reaches {largest:.3g}, more than is measured in rad/s, so deg/s")
    if largest > 1.0 and usual < 3 and largest < 20:
        problem = f"reaches {largest:.3g}, slow in deg/s, usual in rad/s"
        return UnitFound("raw", problem, ("rad/s", "deg/s"))
    return UnitFound("raw", f"reaches {largest:.3g}, which may be either", ("deg/s", "rad/s"))
