"""Which sensor each column of a table is of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from pipeline.init.look.sheets import Sheet
from pipeline.init.streams.clocks.clock import is_time
from pipeline.init.streams.clocks.rising import is_counter, is_rising
from pipeline.init.streams.magnitude import acceleration_unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Sensor = Literal["accelerometer", "gyroscope", "magnetometer", ""]
_SENSORS: tuple[tuple[Sensor, str], ...] = (
    ("accelerometer", r"acc|^a[_ .]?[xyz]\b|gravity"),
    ("gyroscope", r"gyr|angular|rotation.?rate|omega|^[gw][_ .]?[xyz]\b"),
    ("magnetometer", r"mag|^m[_ .]?[xyz]\b"),
)
_MEASURED: tuple[tuple[Sensor, str], ...] = (  # units in names of columns
    ("accelerometer", r"m\s*/\s*s\s*(\^|\*\*)?\s*[2²]"),
    ("gyroscope", r"(deg|°|rad)\s*/\s*s|\bdps\b"),
    ("magnetometer", r"[uµμ]t\b"),
)
_STAYS = 30  # samples in which a label is the same, on the average
_NO_VALUES = re.compile(
    r"^(index|idx|id|frame|frames|sample|samples|sample_?id|row|packet|counter|count|seq|sequence|no|n|#|unnamed.*|"
    r"subject\w*|participant\w*|user\w*|person\w*|trial\w*|session\w*|date|hour|minute|day|accuracy)$"
)
_WHO = re.compile(r"^(subject|subj|participant|person|user|volunteer|patient|proband)([ _-]?(id|no|nr|number|name))?$")
_LABEL = re.compile(r"^(label\w*|activity\w*|action\w*|class|gesture\w*|target|ground.?truth|annotation)$")


@dataclass(frozen=True)
class Column:
    """A channel: its number in the table from 0, its sensor and its name."""

    number: int
    sensor: Sensor
    name: str


def no_times(sheet: Sheet) -> set[int]:
    """Return the columns whose names say that they are no times, though they may rise as such."""
    return {
        at
        for at in range(len(sheet.columns))
        if (plain := sheet.name(at).strip().lower())
        and (_NO_VALUES.match(plain) or _LABEL.match(plain) or _WHO.match(plain) or _sensor(plain, ""))
    }


def channels_of(sheets: Sequence[Sheet], clock: int | None, label: int | None, words: str) -> list[Column]:
    """Return the columns that are measured: numbers, but times, counters, labels and what has no name."""
    sheet = sheets[0]
    found = []
    for at in range(len(sheet.columns)):
        name = sheet.name(at).strip()
        plain = name.lower()
        if at in (clock, label) or _NO_VALUES.match(plain) or _LABEL.match(plain) or _WHO.match(plain):
            continue
        if is_time(name):
            continue
        if sheet.names is not None and not name:
            continue
        numbers = [each.numbers(at) for each in sheets if at < len(each.columns)]
        if any(each is None for each in numbers):
            continue
        if all(each is not None and (is_counter(each) or _is_constant(each)) for each in numbers):
            continue
        if not _sensor(plain, "") and all(each is not None and is_rising(each) for each in numbers):
            continue
        found.append(Column(at, _sensor(plain, words), name))
    return found


def _is_constant(values: NDArray[np.float64]) -> bool:
    """Tell whether a column has one whole number throughout, as that of a subject."""
    return bool((values == values[0]).all()) and values[0] == round(values[0])


def subject_column(sheets: Sequence[Sheet]) -> int | None:
    """Return the column that is called as subjects are and changes within a file; None where none does."""
    for at in range(len(sheets[0].columns)):
        named = _WHO.match(sheets[0].name(at).strip().lower())
        if named and any(len({*each.columns[at]} - {""}) > 1 for each in sheets):
            return at
    return None


def by_person(sheets: Sequence[Sheet], who: int) -> list[Sheet]:
    """Part tables by who is in their lines, as if each had a file of their own."""
    found = []
    for sheet in sheets:
        for person in dict.fromkeys(sheet.columns[who]):
            rows = [at for at, each in enumerate(sheet.columns[who]) if each == person]
            columns = tuple(tuple(column[at] for at in rows) for column in sheet.columns)
            found.append(replace(sheet, columns=columns, share=1.0))
    return found


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
    return next((sensor for sensor, unit in _MEASURED if re.search(unit, name)), "")


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
