"""Which column of a table is the time, in what unit, and which rate it gives."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from pipeline.init.look.sheets import Sheet
from pipeline.init.streams.clocks.rising import SINCE_1970, is_counter, is_rising

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Unit = Literal["s", "ms", "us", "ns"]
PER_SECOND: dict[Unit, float] = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
_UNITS: dict[str, Unit] = {
    **dict.fromkeys(["ms", "msec", "millis", "milliseconds", "millisecond"], "ms"),
    **dict.fromkeys(["us", "usec", "micros", "microseconds"], "us"),
    **dict.fromkeys(["ns", "nsec", "nanos", "nanoseconds"], "ns"),
    **dict.fromkeys(["s", "sec", "secs", "second", "seconds"], "s"),
}
_TIME = re.compile(r"\b(t|time\w*|timestamp\w*|ts|epoch|date|datetime|elapsed\w*|clock|millis|nanos|unix\w*|utc)\b")
_FIRST = 4  # columns among which a time without a name may be
_EPOCH = (SINCE_1970, 4.1e9)  # of the years 2000 to 2100
_RATES = (0.9, 1100.0)  # Hz
_NICE = (1, 2, 4, 5, 8, 10, 12.5, 15, 16, 20, 24, 25, 30, 31.25, 32, 33, 40, 50, 52, 60, 64, 75, 80, 100, 104, 120, 125,
         128, 148, 150, 200, 208, 240, 250, 256, 300, 400, 416, 500, 512, 800, 1000)  # fmt: skip
_FORMATS = (
    "%Y%m%d_%H:%M:%S.%f", "%Y%m%d_%H:%M:%S", "%Y/%m/%d %H:%M:%S.%f", "%Y/%m/%d %H:%M:%S", "%d.%m.%Y %H:%M:%S.%f",
    "%d.%m.%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S.%f", "%m/%d/%Y %H:%M:%S.%f", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S",
    "%Y-%m-%d %H:%M:%S:%f", "%Y-%m-%d-%H-%M-%S",
)  # fmt: skip


@dataclass(frozen=True)
class Pace:
    """What lies between a file's stamps: samples a second, gaps aside; the longest gap; the share in bursts.

    Attributes
    ----------
    slowest, fastest
        Of several files.
    """

    rate: float
    gap: float
    bursts: float
    seconds: float
    slowest: float = 0.0
    fastest: float = 0.0


@dataclass(frozen=True)
class Clock:
    """A stream's time.

    Attributes
    ----------
    column
        Number, from 0.
    unit, format
        As the stages file has them.
    epoch
        Whether it counts from 1970.
    others
        Units that are as good, where neither name nor magnitude decides.
    """

    column: int
    unit: str
    format: str | None
    epoch: bool
    pace: Pace
    others: tuple[str, ...] = ()


def find_clock(sheets: Sequence[Sheet], others: Container[int] = ()) -> Clock | None:
    """Find the time in tables of one kind: a column that is called so, else one that rises as stamps do.

    Parameters
    ----------
    others
        Columns whose names say that they are something else.
    """
    first = sheets[0]
    named = [at for at in range(len(first.columns)) if is_time(first.name(at))]
    for column in named:
        if (clock := _of(sheets, column, named=True)) is not None:
            return clock
    every = range(len(first.columns))
    usual = dict.fromkeys((*every[:1], *every[-1:], *every[1:_FIRST]))
    for column in dict.fromkeys((*usual, *every)):
        if column in named or column in others or not (first.name(column) or column in usual):
            continue
        clock = _of(sheets, column, named=False)
        if clock is not None and (clock.epoch or not first.name(column) or _rises(sheets, column)):
            return clock
    return None


def _rises(sheets: Sequence[Sheet], column: int) -> bool:
    return all((values := sheet.numbers(column)) is not None and is_rising(values) for sheet in sheets)


def is_time(name: str) -> bool:
    """Tell whether a column is called as times are."""
    return bool(_TIME.search(re.sub(r"[_\W]+", " ", name.lower())))


def nominal(rate: float) -> float:
    """Return the usual rate that is nearest, where one is within 4 %; else three digits."""
    near = min(_NICE, key=lambda nice: abs(rate / nice - 1))
    return near if abs(rate / near - 1) < 0.04 else float(f"{rate:.3g}")


def _of(sheets: Sequence[Sheet], column: int, *, named: bool) -> Clock | None:
    import numpy as np

    numbers = [sheet.numbers(column) for sheet in sheets]
    values = [each[~np.isnan(each)] for each in numbers if each is not None]
    if len(values) < len(sheets):
        return _of_text(sheets, column) if named or not any(each is not None for each in numbers) else None
    if not named and not all((np.diff(each) >= 0).all() and len(each) > 2 and each[-1] > each[0] for each in values):
        return None
    if all(map(is_counter, values)) and not (named and _said(sheets[0].name(column))):
        return None
    paces = [pace for each in values if (pace := _pace(np.sort(each))) is not None]
    if not paces:
        return None
    raw = float(np.median([pace.rate for pace in paces]))
    usual = float(np.median(np.concatenate(values)))
    fits = [unit for unit, per in PER_SECOND.items() if _RATES[0] <= raw * per <= _RATES[1]]
    epoch = [unit for unit in fits if _EPOCH[0] <= usual / PER_SECOND[unit] <= _EPOCH[1]]
    said = _said(sheets[0].name(column))
    chosen = epoch or [unit for unit in fits if unit == said] or fits
    if not chosen or (not named and not epoch and _whole_steps(values)):
        return None
    if not named and column and not epoch and len({*values[0].tolist()}) < len(values[0]) / 2:
        return None  # labels that increase
    unit = chosen[0]
    return Clock(column, unit, None, bool(epoch), _scaled(paces, PER_SECOND[unit]), tuple(chosen[1:]))


def _whole_steps(values: Sequence[NDArray[np.float64]]) -> bool:
    """Tell whether all of a column is whole numbers with small steps: frames, rather than times."""
    return all((each == each.round()).all() and each[-1] - each[0] < 4 * len(each) for each in values)


def _said(name: str) -> Unit | None:
    words = re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())
    return next((_UNITS[word] for word in reversed(words) if word in _UNITS), None)


def _pace(times: NDArray[np.float64]) -> Pace | None:
    import numpy as np

    steps = np.diff(times)
    positive = steps[steps > 0]
    if not len(positive):
        return None
    long = positive > 5 * float(np.median(positive))
    spent = float(positive[~long].sum())
    if spent <= 0:
        return None
    burst = len(times) / (len(positive) + 1)  # samples of one time
    rate = int((~long).sum()) * burst / spent
    gap = float(positive.max()) if long.any() else 0.0
    return Pace(rate, gap, float((steps == 0).mean()), float(times[-1] - times[0]))


def _scaled(paces: Sequence[Pace], per_second: float) -> Pace:
    """Return the usual pace of several files, in seconds; the longest gap of all."""
    import numpy as np

    return Pace(
        float(np.median([pace.rate for pace in paces])) * per_second,
        max(pace.gap for pace in paces) / per_second,
        float(np.median([pace.bursts for pace in paces])),
        float(np.median([pace.seconds for pace in paces])) / per_second,
        min(pace.rate for pace in paces) * per_second,
        max(pace.rate for pace in paces) * per_second,
    )


def _of_text(sheets: Sequence[Sheet], column: int) -> Clock | None:
    import numpy as np

    texts = [[text for text in sheet.columns[column] if text][:2000] for sheet in sheets]
    if not all(texts):
        return None
    format = _format_of([text for each in texts for text in each[:200]])
    if format is None:
        return None
    try:
        seconds = [np.array([_seconds(text, format) for text in each]) for each in texts]
    except ValueError:
        return None
    paces = [pace for each in seconds if (pace := _pace(np.sort(each))) is not None]
    if not paces:
        return None
    return Clock(column, "iso8601", None if format == "iso8601" else format, True, _scaled(paces, 1.0))


def _format_of(texts: Sequence[str]) -> str | None:
    for format in ("iso8601", *_FORMATS):
        try:
            for text in texts:
                _seconds(text, format)
        except ValueError:
            continue
        return format
    return None


def _seconds(text: str, format: str) -> float:
    if format != "iso8601":
        return datetime.strptime(text, format).replace(tzinfo=None).timestamp()
    if re.match(r"\d\d:\d\d", text):
        text = f"1971-01-01T{text}"
    elif not re.match(r"\d{4}-\d\d-\d\d[T ]", text):
        raise ValueError(text)
    return datetime.fromisoformat(text).timestamp()
