"""One recording: what its streams are, and what entries make of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import BadRecording, StepError
from pipeline.inspect.noted import noted_series
from pipeline.inspect.opened import Opened
from pipeline.inspect.recording.made import Gramian, Patches, make_gramians, make_patches
from pipeline.inspect.source.assumed import assumptions
from pipeline.inspect.source.measure import Timing, measured, timing
from pipeline.sources.base import Modality, Recording
from pipeline.sources.validate_streams import frames_of, opened_video


@dataclass(frozen=True)
class Stream:
    """One of its streams; `problem` says why it cannot be read.

    Attributes
    ----------
    least, most
        Values; of a video of its first frame.
    """

    name: str
    modality: Modality
    files: tuple[str, ...]
    samples: int = 0
    shape: tuple[int, ...] = ()
    timing: Timing | None = None
    least: float = 0.0
    most: float = 0.0
    assumed: list[str] = field(default_factory=list)
    problem: str = ""


@dataclass(frozen=True)
class Examined:
    """A recording with its streams, and what encode and gaf entries make of each modality."""

    opened: Opened
    recording: Recording
    streams: list[Stream]
    patches: list[Patches]
    gramians: list[Gramian]


def examine(opened: Opened, recording: Recording) -> Examined:
    """Read a recording's streams, and compute what the stages file's entries would give."""
    streams = [_stream(opened, recording, name, modality) for name, modality in opened.streams.items()]
    entries = opened.point.entries.values()
    names = list(opened.modalities)
    patches = [
        make_patches(opened, recording, entry, name) for entry in entries if entry.stage == "encode" for name in names
    ]
    gramians = [each for entry in entries if entry.stage == "gaf" for each in make_gramians(opened, entry, patches)]
    return Examined(opened, recording, streams, patches, gramians)


def _stream(opened: Opened, recording: Recording, name: str, modality: Modality) -> Stream:
    files = recording.streams.get(name, ())
    if not files:
        return Stream(name, modality, (), problem="the recording has none")
    try:
        if modality.kind == "video":
            with opened_video(opened.source, recording, name) as video:
                (first,) = frames_of(opened.source, recording, name, video, np.zeros(1, np.int64))
                when = timing(video.length, getattr(video, "times", None), modality.rate)
                return _described(name, modality, files, video.length, first.shape, when, first)
        series, notes = noted_series(opened.source, recording, name, opened.limits)
        measure = measured(recording.id, series, modality.kind, modality.rate, notes)
        values, assumed = series.values, assumptions([measure], modality)
        return _described(name, modality, files, len(values), values.shape[1:], measure.timing, values, assumed)
    except BadRecording as error:
        return Stream(name, modality, files, problem=error.reason)
    except StepError as error:
        return Stream(name, modality, files, problem=str(error).splitlines()[0])


def _described(
    name: str, modality: Modality, files: tuple[str, ...], samples: int, shape: tuple[int, ...], when: Timing,
    values: NDArray[Any], assumed: Sequence[str] = (),
) -> Stream:  # fmt: skip
    least, most = float(values.min()), float(values.max())
    return Stream(name, modality, files, samples, shape, when, least, most, list(assumed))


def as_json(seen: Examined) -> dict[str, Any]:
    """Return the facts as plain values; arrays by their shapes."""
    recording = seen.recording
    return {
        "recording": recording.id,
        "class": recording.action,
        **{key: getattr(recording, key) for key in ("subject", "session", "scene", "view", "start", "end")},
        "columns": dict(recording.columns),
        "streams": [
            {
                "name": each.name, "kind": each.modality.kind, "files": list(each.files), "samples": each.samples,
                "shape": list(each.shape), "nominal_rate": each.modality.rate, "least": each.least, "most": each.most,
                "timing": None if each.timing is None else msgspec.to_builtins(each.timing),
                "assumed": each.assumed, "problem": each.problem,
            }
            for each in seen.streams
        ],
        "patches": [
            {
                "entry": each.entry, "modality": each.modality, "windows": each.valid, "of": each.windows.patches,
                "window": each.windows.window, "stride": each.windows.stride, "align": each.windows.align,
                "spans": {stream: spans.tolist() for stream, spans in each.spans.items()},
                "features": None if each.features is None else list(each.features.shape), "problem": each.problem,
            }
            for each in seen.patches
        ],
        "gramians": [
            {
                "entry": each.entry, "modality": each.modality, "labels": list(each.labels),
                "shape": None if each.images is None else list(each.images.shape), "problem": each.problem,
            }
            for each in seen.gramians
        ],
    }  # fmt: skip
