"""The raw recordings behind a trained model's features, read as the encode stage reads them, and checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.edge.card import StreamInput
from pipeline.edge.export.makers import by_modality, encode_step_of
from pipeline.edge.runtime.batch import Prepared
from pipeline.errors import ConfigError
from pipeline.plan.planner import Plan
from pipeline.plan.steps.step import Step
from pipeline.run.jobs import make_job
from pipeline.run.step.source import CheckedSource, open_source
from pipeline.sources.base import Recording, Series, Source
from pipeline.sources.time_limits import TimeLimits
from pipeline.sources.validate_streams import series_of

_LOOKED_AT = 300  # recordings, for the range of values
_AS_READ = {
    "g": "g", "m/s2": "g", "mg": "g", "deg/s": "deg/s", "rad/s": "deg/s", "mm": "m", "cm": "m", "m": "m", "uT": "uT",
}  # fmt: skip
_TAIL = 0.001  # of values at either end that a range leaves out


class RawData:
    """Raw streams of the recordings that a step's model is trained and tested on."""

    def __init__(self, plan: Plan, sources: Mapping[str, tuple[Source, TimeLimits, float]]) -> None:
        self._recordings = plan.table.listing.recordings
        self._sources = sources  # by stream: its reader, what its times can be, its nominal rate

    def id(self, row: int) -> str:
        """Return a recording's id."""
        return self._recordings[row].id

    def read(self, row: int) -> Prepared:
        """Return values and times of every stream of a recording; BadRecording where one cannot be used."""
        return {stream: self._of(self._recordings[row], stream) for stream in self._sources}

    def streams(self, rows: Sequence[int], section: Mapping[str, Any]) -> tuple[StreamInput, ...]:
        """Describe every stream by some recordings, and by what the stages file says of it."""
        looked_at = [rows[place] for place in np.linspace(0, len(rows) - 1, min(len(rows), _LOOKED_AT)).astype(int)]
        found = []
        for stream, (_, _, rate) in self._sources.items():
            series = [self._series(self._recordings[row], stream) for row in looked_at]
            values = np.concatenate([each.values.reshape(-1, each.values.shape[-1]) for each in series])
            low, high = np.quantile(values, [_TAIL, 1 - _TAIL], axis=0)
            sample = series[0].values.shape[1:]
            found.append(
                StreamInput(
                    name=stream,
                    sample=tuple(map(int, sample)),
                    rate=rate,
                    timed=all(each.times is not None for each in series),
                    channels=_channels(section, stream, sample),
                    unit=_unit(section, stream),
                    shortest=min(len(each.values) for each in series),
                    low=tuple(map(float, low)),
                    high=tuple(map(float, high)),
                )
            )
        return tuple(found)

    def window(self, rows: Sequence[int]) -> float:
        """Return how many seconds recordings last where all are about as long, within a tenth; else 0."""
        some = [rows[place] for place in np.linspace(0, len(rows) - 1, min(len(rows), _LOOKED_AT)).astype(int)]
        lasting = [max(float(times[-1] - times[0]) for _, times in self.read(row).values()) for row in some]
        return round(max(lasting), 3) if min(lasting) >= 0.9 * max(lasting) else 0.0

    def _of(self, recording: Recording, stream: str) -> tuple[NDArray[Any], NDArray[np.float64]]:
        series = self._series(recording, stream)
        _, _, rate = self._sources[stream]
        times = np.arange(len(series.values)) / rate if series.times is None else series.times
        return series.values, times

    def _series(self, recording: Recording, stream: str) -> Series:
        source, limits, _ = self._sources[stream]
        return series_of(source, recording, stream, limits)


@contextmanager
def raw_data(plan: Plan, step: Step) -> Iterator[RawData]:
    """Open the raw data of a trained step's modalities.

    Raises
    ------
    StepError
        It is not on this machine, or is not what was encoded.
    ConfigError
        A modality is made of streams that have no clock in common.
    """
    with ExitStack() as held:
        sources: dict[str, tuple[Source, TimeLimits, float]] = {}
        for modality in by_modality(step):
            encode = encode_step_of(plan, step, modality)
            source = open_source(make_job(plan, encode, "cpu"), lambda *_: None)
            if isinstance(source, CheckedSource):
                held.callback(source.close)
            described = step.point.source.modalities[modality]
            limits = _limits(encode)
            for stream in described.streams:
                sources.setdefault(stream, (source, limits, described.rate))
            _check_clocks(plan, source, described.streams, limits, encode)
        yield RawData(plan, sources)


def _limits(encode: Step) -> TimeLimits:
    import msgspec

    from pipeline.stages.encode.recipe import EncodeRecipe

    return msgspec.convert(encode.recipe, EncodeRecipe).source.times


def _check_clocks(plan: Plan, source: Source, streams: Iterable[str], limits: TimeLimits, encode: Step) -> None:
    streams = list(streams)
    if len(streams) < 2:
        return
    usable = (r for r in plan.table.listing.recordings if r.id not in plan.broken and r.streams.keys() >= {*streams})
    recording = next(usable)
    if any(series_of(source, recording, stream, limits).times is None for stream in streams):
        problem = f"{encode.id}: is made of {', '.join(streams)}, which have no times, and so no clock in common"
        raise ConfigError(f"{problem}\n  export a model of modalities that are one stream each")


def _channels(section: Mapping[str, Any], stream: str, sample: tuple[int, ...]) -> tuple[str, ...]:
    if section.get("name") == "utd-mhad" and stream == "inertial":
        return ("ax", "ay", "az", "gx", "gy", "gz")
    columns = _said(section, stream).get("columns")
    if not isinstance(columns, list) or len(sample) != 1 or len(columns) != sample[0]:
        return ()
    return () if any(not isinstance(each, str) for each in columns) else tuple(columns)


def _unit(section: Mapping[str, Any], stream: str) -> str:
    if section.get("name") == "utd-mhad":
        return {"inertial": "g, g, g, deg/s, deg/s, deg/s", "skeleton": "m"}.get(stream, "")
    unit = _said(section, stream).get("units")
    units = unit if isinstance(unit, list) else [unit]
    read = [_AS_READ.get(str(each), "") for each in units]  # a folder's values become g, deg/s and m
    return ", ".join(read if len(set(read)) > 1 else read[:1])


def _said(section: Mapping[str, Any], stream: str) -> Mapping[str, Any]:
    streams = section.get("streams")
    said = streams.get(stream) if isinstance(streams, Mapping) else None
    return said if isinstance(said, Mapping) else {}
