"""What a recording must be like for a model: as its card says, or refused. Nothing is guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline.edge.card import Card, Span, StreamInput
from pipeline.edge.runtime.batch import Prepared
from pipeline.edge.runtime.plausible import implausible
from pipeline.errors import ConfigError, DataError
from pipeline.sources.time_limits import TimeLimits

RATE_TOLERANCE = 0.2  # of the card's rate
_TICK = 1e-3  # of a sample: what is short by rounding alone is long enough; as the graph's own


@dataclass(frozen=True)
class RawStream:
    """One stream of a recording as it was read.

    Attributes
    ----------
    place
        The file, for messages.
    values
        (T, *sample) real numbers.
    times
        (T,) seconds; None where the file says none.
    rate
        Samples a second where there are no times and its reader knows that.
    """

    place: str
    values: NDArray[Any]
    times: NDArray[np.float64] | None = None
    rate: float | None = None


@dataclass(frozen=True)
class Claims:
    """What the user says of recordings, and what of the card she sets aside.

    Attributes
    ----------
    rates
        Samples a second of streams whose files have no times, by stream.
    any_rate
        Take a recording whatever its rate is.
    any_values
        Take a recording whatever its values are.
    """

    rates: Mapping[str, float] = field(default_factory=dict)
    any_rate: bool = False
    any_values: bool = False


def unusable(place: str, stream: str, problem: str, remedy: str) -> DataError:
    """Say that a stream of a recording cannot be used, why, and what to do."""
    return DataError(f"{place}: {stream}: {problem}\n  {remedy}")


def check_units(card: Card, units: Mapping[str, str]) -> None:
    """Hold the units of streams against the card's; ConfigError where one is another."""
    for stream in card.streams:
        said = units.get(stream.name, "")
        if said and not stream.unit:
            problem = f"--unit {said}: the card of {card.model} does not say in what unit {stream.name} was trained"
            raise ConfigError(f"{problem}\n  leave it out, and see that it is that of its training data")
        if said and stream.unit and _unit(said) != _unit(stream.unit):
            problem = f"--unit {said}: {card.model} was trained on {stream.name} in {stream.unit}"
            raise ConfigError(f"{problem}\n  convert the values, then say --unit {stream.unit!r}")


def prepared(card: Card, streams: Mapping[str, RawStream], claims: Claims) -> Prepared:
    """Return a recording as a graph takes it; DataError where it is none that the model was made for."""
    for stream in card.streams:
        if stream.name not in streams:
            raise unusable("recording", stream.name, "is missing", f"{card.model} takes {_names(card.streams)}")
    limits = msgspec.convert(card.source.get("times", {}), TimeLimits)
    found = {each.name: _checked(each, streams[each.name], claims, limits) for each in card.streams}
    if card.source.get("name") == "folder" and card.source.get("clocks", "relative") == "relative":
        found = {name: (values, times - times[0]) for name, (values, times) in found.items()}  # as its reader does
    for span in card.spans:
        _check_span(span, card, streams, found)
    return found


def _checked(
    stream: StreamInput, raw: RawStream, claims: Claims, limits: TimeLimits
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    _check_values(stream, raw)
    times = (
        _even_times(stream, raw, claims) if raw.times is None else _own_times(stream, raw, raw.times, claims, limits)
    )
    if not claims.any_values and (why := implausible(stream, raw.values)):
        raise unusable(raw.place, stream.name, why, "convert it to the unit of training, or say --any-values")
    return raw.values.astype(np.float32), times


def _check_values(stream: StreamInput, raw: RawStream) -> None:
    values, name = raw.values, stream.name
    if values.dtype.kind not in "fiu":
        raise unusable(raw.place, name, f"holds {values.dtype}, not real numbers", "store it as floats")
    if values.shape[1:] != stream.sample:
        sizes = " x ".join(map(str, ("T", *stream.sample)))
        have = " x ".join(map(str, values.shape))
        raise unusable(raw.place, name, f"has shape {have}, and the model takes {sizes}", _remedy_of_shape(stream, raw))
    if not len(values):
        raise unusable(raw.place, name, "has no samples", "record it again")
    if 2 * len(values) < stream.shortest:
        problem = f"has {len(values)} samples, and the shortest recording in training had {stream.shortest}"
        raise unusable(raw.place, name, problem, "a model of longer recordings answers anything: record more")
    finite = np.isfinite(values)
    if not finite.all():
        count, first = int((~finite).sum()), int(finite.reshape(len(values), -1).all(1).argmin())
        problem = f"{count} values are NaN or infinite, the first in sample {first}"
        raise unusable(raw.place, name, problem, "fill the gap as in training, or leave the recording out")
    largest = float(np.abs(values.astype(np.float64)).max())
    if largest > float(np.finfo(np.float32).max):
        problem = f"has a value of {largest:g}, more than single precision holds"
        raise unusable(raw.place, name, problem, "look for damage")


def _remedy_of_shape(stream: StreamInput, raw: RawStream) -> str:
    if raw.values.ndim == len(stream.sample) + 1 and raw.values.shape[:-1] == stream.sample:
        return "its time stands last: store it with time first"
    if raw.values.ndim == 2 and len(stream.sample) == 1:
        named = f": {', '.join(stream.channels)}" if stream.channels else ""
        return f"store the {stream.sample[0]} channels of training alone{named}"
    return "give the stream that the model was trained on, time first"


def _even_times(stream: StreamInput, raw: RawStream, claims: Claims) -> NDArray[np.float64]:
    """Return when each sample was taken where only the rate is known."""
    rate = raw.rate or claims.rates.get(stream.name)
    if rate is None:
        problem = "has no times, and nothing says how fast it was sampled"
        raise unusable(raw.place, stream.name, problem, f"say --rate HZ ({stream.rate:g} in training)")
    _check_rate(stream, raw, rate, claims, "--rate says")
    return np.arange(len(raw.values), dtype=np.float64) / rate


def _own_times(
    stream: StreamInput, raw: RawStream, times: NDArray[np.float64], claims: Claims, limits: TimeLimits
) -> NDArray[np.float64]:
    """Return a recording's own times, checked."""
    if times.shape != raw.values.shape[:1]:
        problem = f"has {len(raw.values)} samples and times of shape {times.shape}"
        raise unusable(raw.place, stream.name, problem, "store one time for each sample")
    finite = np.isfinite(times)
    if not finite.all():
        problem = f"the time of sample {int(finite.argmin())} is NaN or infinite"
        raise unusable(raw.place, stream.name, problem, "repair its clock")
    with np.errstate(over="ignore"):
        steps, length = np.diff(times), float(times[-1] - times[0])
    if (steps < 0).any():
        at = int((steps < 0).argmax()) + 1
        problem = (
            f"its times run backwards: sample {at} is at {times[at]:.10g} s, the one before at {times[at - 1]:.10g} s"
        )
        raise unusable(raw.place, stream.name, problem, "sort it by time, or repair its clock")
    if len(steps):
        _check_rate(stream, raw, _rate(times, steps), claims, "its times say")
    if (longest := float(steps.max(initial=0.0))) > limits.gap:
        problem = f"has {longest:g} s between samples {int(steps.argmax())} and {int(steps.argmax()) + 1}"
        raise unusable(raw.place, stream.name, f"{problem}, and training took {limits.gap:g} s", "cut it there in two")
    if length > limits.length:
        problem = f"lasts {length:g} s, and training took {limits.length:g} s"
        raise unusable(raw.place, stream.name, problem, "cut it into what is one activity each")
    return times


def _rate(times: NDArray[np.float64], steps: NDArray[np.float64]) -> float:
    """Return samples a second: of the median step, or where bursts share a time on average."""
    step = float(np.median(steps)) or float(times[-1] - times[0]) / len(steps)
    return 1 / step if step > 0 else float("inf")


def _check_rate(stream: StreamInput, raw: RawStream, rate: float, claims: Claims, who: str) -> None:
    share = rate / stream.rate
    if claims.any_rate or 1 - RATE_TOLERANCE <= share <= 1 + RATE_TOLERANCE:
        return
    problem = f"{who} {rate:.4g} Hz, and the model was trained at {stream.rate:g} Hz"
    for unit, factor in (("ms", 1e3), ("us", 1e6), ("ns", 1e9)):
        if raw.times is not None and abs(share * factor - 1) <= RATE_TOLERANCE:
            remedy = f"the times look like {unit}: name their column time_{unit}, or store them in seconds"
            raise unusable(raw.place, stream.name, problem, remedy)
    remedy = f"resample it to {stream.rate:g} Hz, or say --any-rate"
    raise unusable(raw.place, stream.name, problem, remedy)


def _check_span(span: Span, card: Card, streams: Mapping[str, RawStream], found: Prepared) -> None:
    """Hold the time that a modality's streams share against what is needed of it."""
    own = [found[name][1] for name in span.streams]
    place = streams[span.streams[0]].place
    clocked = [name for name in span.streams if streams[name].times is not None]
    if 0 < len(clocked) < len(span.streams):
        without = next(name for name in span.streams if name not in clocked)
        problem = f"{clocked[0]} has times and {without} has none, so that nothing says how they lie"
        raise unusable(place, span.modality, problem, "give files with times of both, or of neither")
    start, end = max(float(times[0]) for times in own), min(float(times[-1]) for times in own)
    if end < start:
        problem = f"its streams share no time: one starts at {start:.10g} s, another ends at {end:.10g} s"
        raise unusable(place, span.modality, problem, "take times of one clock")
    slack = _TICK / max(each.rate for each in card.streams if each.name in span.streams)
    if span.align == "truncate" and end - start < span.seconds - slack:
        problem = f"lasts {end - start:.4g} s, and the model needs {span.seconds:.4g} s"
        raise unusable(place, span.modality, problem, "record longer; a shorter one is never filled up")


def _unit(text: str) -> str:
    for old, new in (("²", "2"), ("^", ""), ("**", ""), (" ", "")):
        text = text.replace(old, new)
    return text.casefold()


def _names(streams: Sequence[StreamInput]) -> str:
    return " and ".join(each.name for each in streams)
