"""A stream whose files are tables: its columns, clock, rate and units, or its joints."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.formatting import shortened
from pipeline.init.look.sheets import NOT_UTF8, Sheet, csv_key, read_sheet
from pipeline.init.names.groups import Group
from pipeline.init.question import Question
from pipeline.init.streams.clocks.clock import Clock, find_clock, is_time, nominal
from pipeline.init.streams.found import LONG_GAP, NOMINAL, StreamFound, read_some, some_of, tidy
from pipeline.init.streams.joints import layout_of
from pipeline.init.streams.sensors import (
    Column,
    by_person,
    channels_of,
    guess_sensors,
    label_column,
    no_times,
    subject_column,
)
from pipeline.init.streams.skeleton import is_layout, skeleton_keys
from pipeline.init.streams.units import units_of
from pipeline.sources.broken_file import BrokenFileError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_JOINT = (re.compile(r"(?P<joint>.*\w)[_ .:-]?(?P<axis>[xyz])"), re.compile(r"(?P<axis>[xyz])[_ .:-]?(?P<joint>\d+)"))
_FEWEST_JOINTS, _FEWEST_SAMPLES = 10, 3
_OTHER_RATE = 1.2  # times another one


def describe_table(root: Path, group: Group) -> StreamFound:
    """Describe a stream of tables; BrokenFileError where none of some files is one that is understood."""
    sheets = _alike(read_some(some_of(root, group), lambda path: read_sheet(path, group.kind)))
    if max(len(sheet.columns[0]) for sheet in sheets) < _FEWEST_SAMPLES:
        raise BrokenFileError(f"has fewer than {_FEWEST_SAMPLES} samples")
    who = subject_column(sheets)
    if who is not None:
        sheets = [each for each in by_person(sheets, who) if len(each.columns[0]) >= _FEWEST_SAMPLES]
    clock = find_clock(sheets, no_times(sheets[0]))
    words = " ".join(group.words)
    label = label_column(sheets, None if clock is None else clock.column)
    channels = channels_of(sheets, None if clock is None else clock.column, label, words)
    if not channels:
        raise BrokenFileError(_no_channels(sheets[0], clock))
    values = _values(sheets, channels)
    found = StreamFound(group, group.words[-1] if group.words else "", {})
    joints = _joints(channels)
    if joints or _is_skeleton(channels, values, words):
        _as_skeleton(found, channels, values, joints)
    else:
        channels = guess_sensors(channels, values)
        _as_series(found, channels, values, words)
    _with_columns(found, sheets[0], channels if not joints else [column for column, _ in joints], clock)
    with_clock(found, sheets, clock)
    _with_missing(found, values)
    if said := csv_key(next((sheet.encoding for sheet in sheets if sheet.encoding != "utf-8"), "utf-8")):
        found.keys |= said
        found.comments["csv"] = NOT_UTF8
    if who is not None:
        found.who, found.people = sheets[0].reference(who), [sheet.columns[who][0] for sheet in sheets]
    if label is not None:
        found.label, found.labels = (
            sheets[0].reference(label),
            [text for each in sheets for text in each.columns[label]],
        )
    found.channels = [column.name or str(column.number + 1) for column in channels]
    return found


def _no_channels(sheet: Sheet, clock: Clock | None) -> str:
    others = [at for at in range(len(sheet.columns)) if clock is None or at != clock.column]
    idle = [str(sheet.reference(at)) for at in others if sheet.numbers(at) is not None]
    why = f" ({', '.join(shortened(idle, 6))}: count samples, or stay the same)" if idle else ""
    return f"has no columns of measured numbers beside time and label{why}"


def _alike(sheets: Sequence[Sheet]) -> list[Sheet]:
    """Return the sheets that have as many columns as most."""
    widths = [len(sheet.columns) for sheet in sheets]
    usual = max(widths, key=widths.count)
    return [sheet for sheet in sheets if len(sheet.columns) == usual]


def _values(sheets: Sequence[Sheet], channels: Sequence[Column]) -> NDArray[np.float64]:
    import numpy as np

    parts = []
    for sheet in sheets:
        columns = [sheet.numbers(column.number) for column in channels]
        parts.append(np.stack([each for each in columns if each is not None], axis=1))
    return np.concatenate(parts)


def _joints(channels: Sequence[Column]) -> list[tuple[Column, str]]:
    """Return the columns of joints, x, y and z of each, where names say so; with the joints' names."""
    places: dict[str, dict[str, Column]] = {}
    for column in channels:
        match = next((m for each in _JOINT if (m := each.fullmatch(column.name.strip().lower()))), None)
        if match is not None:
            places.setdefault(match["joint"].strip("_ .:-"), {})[match["axis"]] = column
    whole = {joint: place for joint, place in places.items() if len(place) == 3}
    if len(whole) < _FEWEST_JOINTS:
        return []
    return [(place[axis], joint) for joint, place in whole.items() for axis in "xyz"]


def _is_skeleton(channels: Sequence[Column], values: NDArray[np.float64], words: str) -> bool:
    count, rest = divmod(len(channels), 3)
    if rest or count < _FEWEST_JOINTS or any(column.sensor for column in channels):
        return False
    if re.search(r"skel|skl|pose|joint|kinect|mocap|keypoint", words.lower()):
        return True
    return is_layout(count) and bool(layout_of(values.reshape(len(values), count, 3))[0])


def _as_skeleton(
    found: StreamFound, channels: Sequence[Column], values: NDArray[np.float64], joints: Sequence[tuple[Column, str]]
) -> None:
    found.keys["kind"] = "skeleton"
    if joints:
        at = {column.number: number for number, column in enumerate(channels)}
        values = values[:, [at[column.number] for column, _ in joints]]
    values = values.reshape(len(values), -1, 3)
    keys, comments, questions = skeleton_keys(values, [name for _, name in joints][::3])
    found.keys.update(keys)
    found.comments.update(comments)
    found.questions += questions
    found.name = found.name or "skeleton"
    found.facts = f"{values.shape[1]} joints, {keys.get('joints', 'layout unknown') if not joints else 'named'}"


def _as_series(found: StreamFound, channels: Sequence[Column], values: NDArray[np.float64], words: str) -> None:
    sensors = [*dict.fromkeys(column.sensor for column in channels)]
    linear = "linear" in words.lower() or any("linear" in column.name.lower() for column in channels)
    units = units_of(channels, values, linear=linear)
    found.keys["units"] = units.units
    found.questions += units.questions
    if units.comment:
        found.comments["units"] = units.comment
    named = [sensor for sensor in sensors if sensor]
    found.name = found.name or (named[0] if len(named) == 1 else "inertial" if named else "")
    found.facts = f"{len(channels)} columns" + (f": {', '.join(named)}" if named else "")


def _with_columns(found: StreamFound, sheet: Sheet, columns: Sequence[Column], clock: Clock | None) -> None:
    """Name the columns, where reading would not take just these."""
    taken = [
        at
        for at in range(len(sheet.columns))
        if (clock is None or at != clock.column) and (sheet.names is None or sheet.name(at).strip())
    ]
    if [column.number for column in columns] != taken:
        found.keys["columns"] = [sheet.reference(column.number) for column in columns]


def with_clock(found: StreamFound, sheets: Sequence[Sheet], clock: Clock | None) -> None:
    """Add a stream's rate and time, and what is to be said of them."""
    import numpy as np

    share = float(np.median([sheet.share for sheet in sheets])) or 1.0
    samples = float(np.median([len(sheet.columns[0]) for sheet in sheets])) / share
    if clock is None:
        found.keys["rate"] = tidy(NOMINAL[found.kind])
        found.comments["rate"] = "assumed: no column is known as time; it changes nothing while `align` is `resample`"
        found.seconds = samples / found.rate
        return
    pace = clock.pace
    found.keys["rate"] = tidy(nominal(pace.rate))
    time: dict[str, Any] = {"column": sheets[0].reference(clock.column)}
    if clock.format is not None:
        time["format"] = clock.format
    elif clock.unit != "s":
        time["unit"] = clock.unit
    found.keys["time"] = time
    if (name := sheets[0].name(clock.column)) and not is_time(name):
        found.comments["time"] = "by its values, which rise as times do"
    found.seconds, found.gap, found.bursts, found.epoch = pace.seconds / share, pace.gap, pace.bursts, clock.epoch
    said = [f"{pace.rate:.4g} Hz measured"]
    if pace.fastest > _OTHER_RATE * pace.slowest:
        differ = f"rates differ from file to file: {pace.slowest:.3g} to {pace.fastest:.3g} Hz"
        said.append(differ)
        found.notes.append(f"{differ}, of which {found.rate:g} is taken as nominal; `align: resample` evens them out")
    if pace.bursts > 0.02:
        said.append(f"{pace.bursts:.0%} of samples arrive in bursts with equal stamps, and are spread")
    if pace.gap > LONG_GAP:
        said.append(f"the longest gap is {pace.gap:.3g} s")
    found.comments["rate"] = "; ".join(said)
    if clock.others:
        choices = tuple((unit, f"{unit}") for unit in (clock.unit, *clock.others))
        found.questions.append(Question("time.unit", "in which unit is its time?", choices, clock.unit))


def _with_missing(found: StreamFound, values: NDArray[np.float64]) -> None:
    import numpy as np

    missing = int(np.isnan(values).any(axis=1).sum())
    if missing:
        found.keys["missing"] = "interpolate"
        found.comments["missing"] = f"{missing} of {len(values)} samples looked at lack a value"
