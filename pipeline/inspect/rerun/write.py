"""Writing a recording's streams, each on its own seconds, into an ``.rrd`` file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import BadRecording, ConfigError
from pipeline.inspect.drawing.bones import bones, joint_names
from pipeline.inspect.drawing.frames import levels
from pipeline.inspect.drawing.stream import seconds_of
from pipeline.inspect.opened import Opened
from pipeline.inspect.picture_file import MADE_BY
from pipeline.sources.base import Modality, Recording
from pipeline.sources.validate_streams import frames_of, opened_video, series_of
from pipeline.terminal import note

if TYPE_CHECKING:
    from rerun import RecordingStream

_TIMELINE = "seconds"
_BLOCK = 32  # frames that are in memory at a time


def check_installed() -> None:
    """Raise ConfigError where the package that writes such files is not installed."""
    if find_spec("rerun") is None:
        raise ConfigError("--rerun: needs rerun-sdk, which is not installed\n  pip install rerun-sdk")


def write(opened: Opened, recording: Recording, file: Path) -> None:
    """Write a recording; a file is there whole, or as it was before.

    A series becomes scalars, a skeleton points and bones, a video images. A stream that cannot be read is left out with
    a note. Seconds are those of `pipeline inspect`: from each stream's first sample on.
    """
    import rerun

    draft = file.with_name(f".{file.name}.{os.getpid()}")
    stream = rerun.RecordingStream(MADE_BY, recording_id=recording.id)
    try:
        stream.save(draft)
        for name, modality in opened.streams.items():
            try:
                _write_stream(stream, opened, recording, name, modality)
            except BadRecording as error:
                note(f"{name} is left out: {error.reason}")
        stream.disconnect()
        os.replace(draft, file)
    finally:
        draft.unlink(missing_ok=True)


def _write_stream(stream: RecordingStream, opened: Opened, recording: Recording, name: str, modality: Modality) -> None:
    if not recording.streams.get(name):
        return
    if modality.kind == "video":
        _video(stream, opened, recording, name, modality.rate)
        return
    series = series_of(opened.source, recording, name, opened.limits)
    seconds = seconds_of(len(series.values), series.times, modality.rate)
    if modality.kind == "skeleton" and series.values.ndim == 3:
        names = joint_names(opened.source, name, series.values.shape[1])
        _skeleton(stream, name, series.values, seconds, bones(names, series.values), names)
    else:
        _series(stream, name, series.values.reshape(len(series.values), -1), seconds)


def _series(stream: RecordingStream, name: str, values: NDArray[np.float64], seconds: NDArray[np.float64]) -> None:
    """Write (T, C) values, a line a channel."""
    import rerun

    times = [rerun.TimeColumn(_TIMELINE, duration=seconds)]
    for channel in range(values.shape[1]):
        columns = rerun.Scalars.columns(scalars=values[:, channel])
        rerun.send_columns(f"{name}/{channel + 1}", times, columns, recording=stream)


def _skeleton(
    stream: RecordingStream, name: str, joints: NDArray[np.float64], seconds: NDArray[np.float64],
    connected: list[tuple[int, int]], names: tuple[str, ...],
) -> None:  # fmt: skip
    """Write (T, J, 3) joints in metres, with (T, B, 2, 3) bones between them."""
    import rerun

    count, width = joints.shape[:2]
    times = [rerun.TimeColumn(_TIMELINE, duration=seconds)]
    points = rerun.Points3D.columns(positions=joints.reshape(-1, 3)).partition([width] * count)
    rerun.send_columns(f"{name}/joints", times, points, recording=stream)
    if len(names) == width:
        stream.log(f"{name}/joints", rerun.Points3D.from_fields(labels=list(names), show_labels=False), static=True)
    if connected:
        strips = joints[:, np.asarray(connected)].reshape(-1, 2, 3)  # (T * B, 2, 3)
        lines = rerun.LineStrips3D.columns(strips=list(strips)).partition([len(connected)] * count)
        rerun.send_columns(f"{name}/bones", times, lines, recording=stream)


def _video(stream: RecordingStream, opened: Opened, recording: Recording, name: str, rate: float) -> None:
    """Write frames: colours as JPEG, depth as grey levels in the range of its first block."""
    import rerun

    with opened_video(opened.source, recording, name) as video:
        seconds = seconds_of(video.length, getattr(video, "times", None), rate)
        limits = None
        for numbers, frames in _blocks(opened, recording, name, video):
            for number, frame in zip(numbers.tolist(), frames, strict=True):
                if frame.ndim == 2 and limits is None:
                    limits = levels(frames)
                stream.set_time(_TIMELINE, duration=float(seconds[number]))
                shown = frame if limits is None else _grey(frame, limits)
                stream.log(name, rerun.Image(shown).compress(jpeg_quality=90))


def _blocks(
    opened: Opened, recording: Recording, name: str, video: Any
) -> Iterator[tuple[NDArray[np.int64], list[NDArray[Any]]]]:
    for first in range(0, video.length, _BLOCK):
        numbers = np.arange(first, min(first + _BLOCK, video.length), dtype=np.int64)
        yield numbers, list(frames_of(opened.source, recording, name, video, numbers))


def _grey(frame: NDArray[Any], limits: tuple[float, float]) -> NDArray[np.uint8]:
    low, high = limits
    return (255 * np.clip((frame.astype(np.float64) - low) / (high - low), 0, 1)).astype(np.uint8)
