"""One sensor's file of a clip: a line a sample, with the time of day and three numbers.

Lines are ``20180910_14:21:09.123,x,y,z``. They end in LF or CRLF, a line of names may come first, the fraction of a
second may be missing (it is then zero, as where ``str(datetime)`` left it out), lines may be out of order or doubled.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from pathlib import Path

from pipeline.sources.base import Series
from pipeline.sources.broken_file import BrokenFileError, read_nonempty

_ROW = re.compile(
    r"(?P<day>\d{8})_(?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d):(?P<second>[0-5]\d(?:\.\d*)?)"
    r"\s*,(?P<x>[^,]+),(?P<y>[^,]+),(?P<z>[^,]+)"
)
_NAMES = re.compile(r'"?[A-Za-z][^,]*(?:,\s*"?[A-Za-z][^,]*){3}')


def read(path: Path) -> Series:
    """Read a sensor's file.

    Rows are sorted by time. Of rows with equal times the one that stands first in the file is kept: they seldom
    differ, and a mean would be wrong for angles.

    Returns
    -------
    Series
        Values (T, 3) as they stand in the file; times (T,) in seconds since 1970 by the recording device's own
        calendar and clock, strictly increasing. The absolute clock is what the streams of a clip share.

    Raises
    ------
    BrokenFileError
        Empty, without rows, a line that cannot be understood, NaN or infinity.
    OSError
        The system does not let it be read; a file that is gone, too.
    """
    import numpy as np

    times: list[float] = []
    rows: list[tuple[float, float, float]] = []
    for number, line in enumerate(read_nonempty(path).decode("utf-8-sig", errors="replace").splitlines(), 1):
        if not line.strip() or (number == 1 and _NAMES.fullmatch(line)):
            continue
        try:
            time, row = _parsed(line)
        except ValueError:
            raise BrokenFileError(
                f"line {number} is not a time and three numbers, like 20180910_14:21:09.123,x,y,z: {line[:60]!r}"
            ) from None
        times.append(time)
        rows.append(row)
    if not rows:
        raise BrokenFileError("has no rows")
    clock, values = np.array(times), np.array(rows)
    bad = ~np.isfinite(values).all(axis=1)
    if bad.any():
        raise BrokenFileError(f"{int(bad.sum())} rows hold NaN or infinity (first: row {int(bad.argmax()) + 1})")
    # Stable, so that of equal times the row that stands first in the file comes first and is kept.
    order = np.argsort(clock, kind="stable")
    clock = clock[order]
    first = np.diff(clock, prepend=-np.inf) > 0
    return Series(values[order][first], clock[first])


def _parsed(line: str) -> tuple[float, tuple[float, float, float]]:
    found = _ROW.fullmatch(line.strip())
    if found is None:
        raise ValueError(line)
    day, hour, minute, second, x, y, z = found.groups()
    time = _midnight(day) + 3600 * int(hour) + 60 * int(minute) + float(second)
    return time, (float(x), float(y), float(z))


@lru_cache(maxsize=64)
def _midnight(day: str) -> int:
    """Seconds from 1970 to the start of a day, written 20180910."""
    return 86400 * (date(int(day[:4]), int(day[4:6]), int(day[6:])) - date(1970, 1, 1)).days
