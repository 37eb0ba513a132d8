"""Units that the size of values speaks against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.inspect.source.measure import Measure
from pipeline.sources.base import Kind, Source
from pipeline.sources.folder.reading.units import STANDARD_GRAVITY

# What gravity is in each unit: an accelerometer's usual length, as people stand and walk.
_GRAVITY: Mapping[str, float] = {"g": 1.0, "m/s2": STANDARD_GRAVITY, "mg": 1000.0}
_NEAR = 1.35  # times as much, or as little
_SLOWEST, _FASTEST = 25.0, 10_000.0  # deg/s: the fastest turn of a recording of people moving lies between
_SMALLEST, _LARGEST = 0.1, 20.0  # m: of a box around a person's joints


def declared_units(source: Source, stream: str, channels: int) -> tuple[str, ...]:
    """Return the unit of each channel, where the source's parameters declare units; else nothing."""
    streams = getattr(getattr(source, "params", None), "streams", None)
    units = getattr(streams[stream], "units", ()) if isinstance(streams, Mapping) and stream in streams else ()
    several = (units,) if isinstance(units, str) else tuple(units)
    return several * channels if len(several) == 1 else several


def doubtful_units(kind: Kind, units: Sequence[str], measures: Sequence[Measure]) -> list[str]:
    """Say what looks wrong about a stream's units; `units` are declared for each channel, or empty.

    Values are as sources give them: g, deg/s and m. Of a skeleton without declared units metres are expected.
    """
    if kind == "skeleton":
        return _skeleton(units, measures)
    if kind != "series" or not units:
        return []
    found = []
    for at in range(0, len(units) - 2, 3):
        unit = units[at]
        if len({*units[at : at + 3]}) > 1:
            continue
        lengths = [each.lengths[at // 3] for each in measures if len(each.lengths) > at // 3]
        where = f"channels {at + 1} to {at + 3}"
        if unit in _GRAVITY and lengths:
            found += _acceleration(where, unit, float(np.median(lengths)))
        elif unit in ("deg/s", "rad/s"):
            found += _turning(where, unit, _largest(measures, range(at, at + 3)))
    return found


def _acceleration(where: str, unit: str, length: float) -> list[str]:
    raw = length * _GRAVITY[unit]
    for other, gravity in _GRAVITY.items():
        if other != unit and gravity / _NEAR < raw < gravity * _NEAR:
            return [f"{where}: usual length {_plain(raw)} where units: {unit} is declared; it looks like {other}"]
    return []


def _plain(value: float) -> str:
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def _turning(where: str, unit: str, fastest: float) -> list[str]:
    """Judge by the largest value of all recordings, in deg/s."""
    if unit == "deg/s" and 0 < fastest < _SLOWEST:
        return [f"{where}: at most {_plain(fastest)} where units: deg/s is declared; it looks like rad/s"]
    if unit == "rad/s" and fastest > _FASTEST:
        raw = float(np.radians(fastest))
        return [f"{where}: up to {_plain(raw)} where units: rad/s is declared; it looks like deg/s"]
    return []


def _largest(measures: Sequence[Measure], channels: range) -> float:
    ends = [np.abs(each.extremes.values[:, channels]).max() for each in measures if each.extremes is not None]
    return float(max(ends, default=0.0))


def _skeleton(units: Sequence[str], measures: Sequence[Measure]) -> list[str]:
    unit = units[0] if units else "m"
    sizes = [each.magnitude for each in measures if each.magnitude is not None]
    if unit == "raw" or not sizes or not (size := float(np.median(sizes))):
        return []
    if size > _LARGEST:
        like = "mm" if unit == "m" and size > 300 else "cm" if unit == "m" and size > 30 else "another unit"
        return [f"joints span {size:.4g} m where {_declared(units)}; it looks like {like}"]
    if size < _SMALLEST:
        return [f"joints span {size:.2g} m where {_declared(units)}; it looks like another unit"]
    return []


def _declared(units: Sequence[str]) -> str:
    return f"units: {units[0]} is declared" if units else "metres are meant"
