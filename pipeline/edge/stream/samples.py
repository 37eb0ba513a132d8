"""A line of text is samples of one stream, or it is refused for a reason that can be counted."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline.edge.card import StreamInput
from pipeline.edge.stream.tally import Tally

LATEST = 1e11  # seconds; milliseconds since 1970 are beyond it


@dataclass(frozen=True)
class Samples:
    """Samples of one stream, in the order of their line.

    Attributes
    ----------
    times
        Seconds by the stream's own clock; None where the line has none.
    values
        (n, *sample) float32, all finite.
    """

    stream: str
    times: tuple[float | None, ...]
    values: NDArray[np.float32]


class Refused(ValueError):
    """A line, or some samples of it, cannot be used.

    Parameters
    ----------
    kind
        What is wrong, in words that are the same for all lines with this mistake.
    detail
        What this line has.
    count
        How many samples it costs.
    """

    def __init__(self, kind: str, detail: str = "", count: int = 1) -> None:
        super().__init__(f"{kind}{f' ({detail})' if detail else ''}")
        self.kind = kind
        self.detail = detail
        self.count = count


class _Line(msgspec.Struct):
    """A sample or several, as JSON."""

    stream: str
    values: Any
    time: float | None = None
    times: list[float] | None = None


class Intake:
    """Reads lines, gives their samples times of the common clock, and counts what is wrong with them.

    Parameters
    ----------
    offsets
        Seconds to add to a stream's times.
    arrival
        Whether samples without a time get that of their arrival.
    """

    def __init__(
        self, streams: Sequence[StreamInput], tally: Tally, offsets: Mapping[str, float], *, arrival: bool = False
    ) -> None:
        self._rates = {each.name: each.rate for each in streams}
        self._shapes = {each.name: each.sample for each in streams}
        self._tally = tally
        self._offsets = offsets
        self._arrival = arrival

    def parse(self, line: bytes) -> Samples | None:
        """Return a line's samples; None where it has none that can be used."""
        if not line.strip():
            return None
        timed: Samples | None = None
        try:
            samples, refused = parse_line(line, self._shapes)
            timed = self._timed(samples)
        except Refused as error:
            refused = [error]
        for each in refused:
            self._tally.samples += each.count
            self._tally.drop(each.kind, each.detail, each.count)
        if timed is None or not timed.times:
            return None
        self._tally.samples += len(timed.times)
        self._tally.by_stream[timed.stream] += len(timed.times)
        return timed

    def _timed(self, samples: Samples) -> Samples:
        offset = self._offsets.get(samples.stream, 0.0)
        count = len(samples.times)
        times = [each + offset for each in samples.times if each is not None]
        if len(times) < count:
            if not self._arrival:
                raise Refused("samples without a time", "--clock arrival takes that of their arrival", count)
            last, step = time.time(), 1 / self._rates[samples.stream]
            times = [last - (count - 1 - i) * step for i in range(count)]
        return Samples(samples.stream, tuple(times), samples.values)


def parse_line(line: bytes, shapes: Mapping[str, tuple[int, ...]]) -> tuple[Samples, list[Refused]]:
    """Read a line of JSON or CSV; what is wrong with some of its samples is returned beside the others.

    Parameters
    ----------
    shapes
        Shape of one sample of each stream.
    """
    found = _from_json(line) if line.lstrip()[:1] == b"{" else _from_csv(line)
    if (shape := shapes.get(found.stream)) is None:
        raise Refused("a stream that the model does not have", f"{found.stream[:40]!r}; it has {', '.join(shapes)}")
    times: list[float | None] = [found.time] if found.times is None else [*found.times]
    width = math.prod(shape)
    try:
        nested = np.asarray(found.values, np.float64)
    except (ValueError, TypeError, OverflowError):
        raise Refused("values that are not numbers, or not equally many of each sample", count=len(times)) from None
    values = nested.reshape(-1)
    if not _fits(nested.shape, shape):
        sizes = [" x ".join(map(str, each)) for each in (nested.shape, shape)]
        detail = f"{sizes[0]} values, a sample of {found.stream} is {sizes[1]}"
        raise Refused("values nested otherwise than a sample", detail, len(times) or 1)
    if times == [None] and values.size % width == 0:
        times *= values.size // width
    if values.size != width * len(times) or not values.size:
        detail = f"{values.size} values, stream {found.stream} has {width}"
        detail += f" in each of {len(times)} samples" if len(times) != 1 else ""
        raise Refused("a wrong number of values", detail, len(times) or 1)
    return _usable(found.stream, times, values.reshape(len(times), *shape))


def _fits(nested: tuple[int, ...], sample: tuple[int, ...]) -> bool:
    """Tell whether values are nested as samples are: flat, a list of flat ones, or by joint."""
    flat = (math.prod(sample),)
    return len(nested) == 1 or nested in (sample, flat) or nested[1:] in (sample, flat)


def _usable(stream: str, times: list[float | None], values: NDArray[np.float64]) -> tuple[Samples, list[Refused]]:
    """Leave out samples with values or times that are no use."""
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    timely = [time is None or abs(time) <= LATEST for time in times]  # NaN is not <= either
    if np.isfinite(single).all() and all(timely):
        return Samples(stream, tuple(times), single), []
    refused = []
    finite = np.isfinite(single.reshape(len(times), -1)).all(axis=1)
    good = finite & np.array(timely)
    if lost := int((~finite).sum()):
        refused.append(Refused("values that are not finite", f"stream {stream}", lost))
    if lost := int((finite & ~good).sum()):
        worst = next(time for time, fine in zip(times, timely, strict=True) if not fine)
        refused.append(Refused("times that cannot be seconds", f"{worst}", lost))
    kept = tuple(time for time, fine in zip(times, good, strict=True) if fine)
    return Samples(stream, kept, single[good]), refused


def _from_json(line: bytes) -> _Line:
    try:
        return msgspec.json.decode(line, type=_Line)
    except msgspec.ValidationError as error:
        raise Refused("JSON that is no sample", str(error)) from None
    except (msgspec.DecodeError, RecursionError):
        pass
    try:  # which takes NaN, as many programs write it
        return msgspec.convert(json.loads(line), type=_Line)
    except msgspec.ValidationError as error:
        raise Refused("JSON that is no sample", str(error)) from None
    except (ValueError, RecursionError):
        raise Refused("a line that is neither JSON nor CSV", _beginning(line)) from None


def _from_csv(line: bytes) -> _Line:
    name, comma, rest = line.strip().partition(b",")
    try:
        if not comma:
            raise ValueError("one word")
        time, *values = [float(each) if each.strip() else None for each in rest.split(b",")]
        return _Line(name.decode().strip(), values, time)
    except ValueError:
        raise Refused("a line that is neither JSON nor CSV", _beginning(line)) from None


def _beginning(line: bytes) -> str:
    return repr(line[:40].decode(errors="backslashreplace"))
