"""One stream of one recording as a panel, whatever its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.inspect.drawing.bones import bones, joint_names
from pipeline.inspect.drawing.frames import draw_frames
from pipeline.inspect.drawing.poses import draw_poses
from pipeline.inspect.drawing.series import draw_series
from pipeline.sources.base import Modality, Recording, Source
from pipeline.sources.time_limits import TimeLimits
from pipeline.sources.validate_streams import frames_of, opened_video, series_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_stream(
    axes: Axes, source: Source, recording: Recording, stream: str, modality: Modality, limits: TimeLimits
) -> None:
    """Read a stream and draw it over its own seconds; BadRecording where it cannot be read."""
    if modality.kind == "video":
        with opened_video(source, recording, stream) as video:
            seconds = seconds_of(video.length, getattr(video, "times", None), modality.rate)
            draw_frames(
                axes, lambda wanted: list(frames_of(source, recording, stream, video, wanted)), video.length, seconds
            )
        return
    series = series_of(source, recording, stream, limits)
    seconds = seconds_of(len(series.values), series.times, modality.rate)
    if modality.kind == "skeleton" and series.values.ndim == 3:
        names = joint_names(source, stream, series.values.shape[1])
        draw_poses(axes, series.values, seconds, bones(names, series.values))
    else:
        draw_series(axes, series.values.reshape(len(series.values), -1), seconds)


def seconds_of(count: int, times: NDArray[np.float64] | None, rate: float) -> NDArray[np.float64]:
    """Return the seconds of samples from the first one on, by the nominal rate where they have none."""
    return np.arange(count) / rate if times is None else times - times[0]
