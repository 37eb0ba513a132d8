"""Reading a source's recordings, in threads: a measure of each stream, or why it cannot be used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from pipeline.cores import cores
from pipeline.errors import BadRecording, StepError
from pipeline.inspect.noted import noted_series
from pipeline.inspect.source.measure import Measure, measured, timing
from pipeline.sources.base import Modality, Recording, Source
from pipeline.sources.time_limits import TimeLimits
from pipeline.sources.validate_streams import frames_of, opened_video


@dataclass(frozen=True)
class Look:
    """What one recording has: measures by stream, and of the others why they cannot be used."""

    recording: Recording
    measures: Mapping[str, Measure] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)


def look_at(
    source: Source,
    recordings: Sequence[Recording],
    streams: Mapping[str, Modality],
    limits: TimeLimits,
    progress: Callable[[int, int], None],
) -> list[Look]:
    """Read streams of recordings: series whole, of a video the first frame; streams that are not there are left out."""
    looks = []
    with ThreadPoolExecutor(cores()) as pool:
        tasks = [pool.submit(_look, source, each, streams, limits) for each in recordings]
        try:
            for done, task in enumerate(tasks, 1):
                looks.append(task.result())
                progress(done, len(recordings))
        except BaseException:  # stopped, too: what has not begun is not waited for
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return looks


def _look(source: Source, recording: Recording, streams: Mapping[str, Modality], limits: TimeLimits) -> Look:
    measures, broken = {}, {}
    for stream, modality in streams.items():
        if not recording.streams.get(stream):
            continue
        try:
            if modality.kind == "video":
                measures[stream] = _video(source, recording, stream, modality.rate)
            else:
                series, notes = noted_series(source, recording, stream, limits)
                measures[stream] = measured(recording.id, series, modality.kind, modality.rate, notes)
        except BadRecording as error:
            broken[stream] = f"{error.path}: {error.reason}"
        except StepError as error:  # an error of the system, which says nothing of the others
            broken[stream] = str(error).splitlines()[0]
    return Look(recording, measures, broken)


def _video(source: Source, recording: Recording, stream: str, rate: float) -> Measure:
    with opened_video(source, recording, stream) as video:
        frames = list(frames_of(source, recording, stream, video, np.zeros(1, np.int64)))
        if not frames:
            raise BadRecording(recording.id, stream, recording.streams[stream][0], "has no frames")
        when = timing(video.length, getattr(video, "times", None), rate)
        return Measure(recording.id, video.length, frames[0].shape, when)
