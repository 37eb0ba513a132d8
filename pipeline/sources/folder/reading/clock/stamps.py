"""What stamps say: numbers in a unit, ISO 8601, or dates in any format become seconds."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipeline.sources.broken_file import BrokenFileError
from pipeline.sources.folder.params import Time
from pipeline.sources.folder.reading.samples import NO_STAMP, Samples, as_floats

_PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SECONDS = re.compile(r"(\d\d:\d\d:\d\d|[T ]\d{6})$")
_FRACTION = re.compile(r"[.,](\d+)")


@dataclass(frozen=True)
class Clock:
    """Seconds of a stream's samples, in the order of their file.

    Attributes
    ----------
    seconds
        (T,) from `origin`; NaN where a stamp is missing.
    origin
        What the earliest stamp is on the file's own clock, in seconds: since 1970 in UTC where stamps are dates.
    wrapped
        How often the counter began anew.
    """

    seconds: NDArray[np.float64]
    origin: float
    wrapped: int = 0


def read_clock(samples: Samples, time: Time) -> Clock:
    """Read the stamps of samples.

    Dates without a zone are taken as UTC. The difference to the earliest stamp is formed before anything is rounded,
    so that nanoseconds since 1970 keep their last digit.

    Raises
    ------
    BrokenFileError
        A stamp that is no date of the format, dates with a zone and without, no stamp at all, or a counter that
        exceeds what it wraps at.
    """
    stamps, unit = samples.stamps, samples.unit or time.unit
    assert stamps is not None
    if isinstance(stamps, list):
        stamps = _from_text(
            stamps, time if samples.unit is None else Time(column=time.column, unit=unit), samples.where
        )
        per_second = 1e9
    else:
        if unit == "iso8601" or (time.format and samples.unit is None):
            raise BrokenFileError(
                "has numbers for times, but time says that they are text; say time: {unit: s}, or which it is"
            )
        per_second = _PER_SECOND[unit]
    wrapped = 0
    missing = stamps == NO_STAMP if stamps.dtype.kind == "i" else ~np.isfinite(stamps)
    if missing.all():
        raise BrokenFileError("has no time in any sample (time.column)")
    if time.wraps is not None:
        stamps, wrapped = _unwrapped(
            stamps, missing, time.wraps * (per_second if isinstance(samples.stamps, list) else 1.0), samples
        )
        missing = np.isnan(stamps)
    first = stamps[~missing].min()
    if int(stamps[~missing].max()) - int(first) > np.iinfo(np.int64).max if stamps.dtype.kind == "i" else False:
        raise BrokenFileError("has times further apart than 64 bits can count (time.column)")
    with np.errstate(over="ignore"):  # of damaged stamps, which whoever takes the series refuses
        seconds = as_floats(np.where(missing, first, stamps) - first) / per_second
    seconds[missing] = np.nan
    return Clock(seconds, float(first) / per_second, wrapped)


def _unwrapped(
    stamps: NDArray[np.int64] | NDArray[np.float64], missing: NDArray[np.bool_], period: float, samples: Samples
) -> tuple[NDArray[np.float64], int]:
    """Let a counter go on where it began anew: where it fell by more than half of what it counts up to."""
    counter = as_floats(np.where(missing, NO_STAMP, stamps) if stamps.dtype.kind == "i" else stamps)
    there = np.flatnonzero(~missing)
    known = counter[there]
    span = float(known.max() - known.min())
    if span > period:
        row = int(there[int(known.argmax())])
        raise BrokenFileError(
            f"{samples.where(row)}: the counter stands at {known.max():.15g}, beyond time.wraps, {period:.15g}"
        )
    steps = np.diff(known)
    turns = np.concatenate([[0], np.cumsum((steps < -period / 2).astype(np.int64) - (steps > period / 2))])
    counter[there] = known + turns * period
    return counter, int((steps < -period / 2).sum())


def _from_text(texts: list[str], time: Time, where: Callable[[int], str]) -> NDArray[np.int64]:
    """Return nanoseconds since 1970, or since midnight of 1970-01-01 for a time of day alone."""
    if time.format is None and (fast := _iso_at_once(texts)) is not None:
        return fast
    read = _iso if time.format is None else lambda text: _formatted(text, str(time.format))
    found = np.empty(len(texts), np.int64)
    aware: set[bool] = set()
    for row, text in enumerate(texts):
        if not text:
            found[row] = NO_STAMP
            continue
        try:
            found[row], zoned = read(text)
        except (ValueError, OverflowError):
            written = f"of the format {time.format!r}" if time.format else "of ISO 8601"
            raise BrokenFileError(f"{where(row)}: {text[:40]!r} is no time {written} (time)") from None
        aware.add(zoned)
    if len(aware) == 2:
        raise BrokenFileError("has times with a zone and times without one")
    return found


def _iso_at_once(texts: list[str]) -> NDArray[np.int64] | None:
    """Read dates that are all written alike; None where they are not."""
    import pyarrow as pa

    for zone in (None, "UTC"):
        try:
            column = pa.array(texts, pa.string()).cast(pa.timestamp("ns", zone))
            found: NDArray[np.int64] = column.cast(pa.int64()).to_numpy(zero_copy_only=False)
        except pa.ArrowInvalid:
            continue
        return found
    return None


def _iso(text: str) -> tuple[int, bool]:
    """Read a date and time, or a time of day."""
    head, fraction = text, ""
    if (match := _FRACTION.search(text)) is not None:
        fraction = match[1]
        head = text[: match.start()] + text[match.end() :]
        if not _SECONDS.search(text[: match.start()]):  # a fraction of an hour or a minute
            raise ValueError(text)
    return _with_fraction(*_iso_second(head.strip().replace(" +", "+").replace(" -", "-")), fraction)


@lru_cache(maxsize=4096)
def _iso_second(text: str) -> tuple[int, bool]:
    if re.match(r"\d\d:\d\d", text):
        text = f"1970-01-01T{text}"
    return _since_1970(datetime.fromisoformat(text))


def _formatted(text: str, format: str) -> tuple[int, bool]:
    """Read a date of a format; one that ends in a fraction of a second is read without it once a second."""
    if format.endswith(("%S.%f", "%S,%f")) and (at := max(text.rfind("."), text.rfind(","))) > 0:
        if not (text[at + 1 :].isascii() and text[at + 1 :].isdigit()) or text[at] != format[-3]:
            raise ValueError(text)
        return _with_fraction(*_formatted_whole(text[:at], format[:-3]), text[at + 1 :])
    return _formatted_whole(text, format)


@lru_cache(maxsize=4096)
def _formatted_whole(text: str, format: str) -> tuple[int, bool]:
    found = datetime.strptime(text, format)
    if not any(day in format for day in ("%d", "%j", "%x", "%c", "%D", "%U", "%W")):
        found = found.replace(year=1970, month=1, day=1)  # a time of day
    return _since_1970(found)


def _since_1970(moment: datetime) -> tuple[int, bool]:
    aware = moment.tzinfo is not None
    since = (moment if aware else moment.replace(tzinfo=UTC)) - _EPOCH
    return since // _MICROSECOND * 1000, aware


def _with_fraction(nanoseconds: int, aware: bool, fraction: str) -> tuple[int, bool]:
    return nanoseconds + int(fraction[:9].ljust(9, "0")) if fraction else nanoseconds, aware
