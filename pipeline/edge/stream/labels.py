"""What happened when: stretches of time with a label, from a table that a person wrote or from a stream's output."""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pipeline.edge.stream.decisions import Decision, Event, decode_line
from pipeline.errors import ConfigError


@dataclass(frozen=True, order=True)
class Stretch:
    """From `start` until before `end`, in seconds, something has this label."""

    start: float
    end: float
    label: str


@dataclass(frozen=True)
class Found:
    """What a stream's output says: its events, and the time that was looked at."""

    events: tuple[Stretch, ...]
    start: float
    end: float


def read_truth(path: Path) -> tuple[Stretch, ...]:
    """Read a CSV file with columns start, end and label; ConfigError names the line that is wrong."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            if missing := {"start", "end", "label"} - {*(rows.fieldnames or ())}:
                raise ConfigError(f"{path}:1: no column {', '.join(sorted(missing))}\n  begin with start,end,label")
            found = [(rows.line_num, _stretch(path, rows.line_num, row)) for row in rows]
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}\n  name a CSV file of start,end,label") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: no CSV file in UTF-8: {error}") from None
    found.sort(key=lambda each: each[1])
    for (_, before), (line, after) in itertools.pairwise(found):
        if after.start < before.end:
            raise ConfigError(f"{path}:{line}: overlaps with {before.label}, which ends at {before.end:g}")
    return tuple(each for _, each in found)


def _stretch(path: Path, line: int, row: dict[str, str]) -> Stretch:
    try:
        start, end = float(row["start"]), float(row["end"])
    except (TypeError, ValueError):
        raise ConfigError(f"{path}:{line}: start and end are seconds") from None
    if not (math.isfinite(start) and start < end < math.inf):
        raise ConfigError(f"{path}:{line}: ends at {end:g}, not after its start at {start:g}")
    if not (label := (row["label"] or "").strip()):
        raise ConfigError(f"{path}:{line}: no label\n  leave out the line where nothing happens")
    return Stretch(start, end, label)


def read_found(path: Path) -> Found:
    """Read what `pipeline stream` printed; ConfigError names the line that is wrong."""
    said = []
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    said += [decode_line(line)] if line.strip() else []
                except msgspec.MsgspecError as error:
                    raise ConfigError(f"{path}:{number}: no decision or event: {error}") from None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}\n  name a file with what `pipeline stream` printed") from None
    return found_of(said)


def found_of(said: Iterable[Decision | Event]) -> Found:
    """Return the events of a stream's output, and the time from its first decision or event to its last."""
    events, times = [], []
    for each in said:
        if isinstance(each, Event):
            events.append(Stretch(each.start, each.end, each.label))
            times += [each.start, each.end]
        else:
            times.append(each.end)
    return Found(tuple(sorted(events)), min(times, default=0.0), max(times, default=0.0))
