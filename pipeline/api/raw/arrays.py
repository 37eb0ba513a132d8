"""Recordings in memory, as a source reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import BadRecording, ConfigError
from pipeline.sources.base import Listing, Probe, Recording, Series, Source, Video

Values = NDArray[Any]
Arrays = Mapping[str, Values | tuple[Values, Values]]  # by stream: values, or values and times in seconds
Sample = tuple[int, ...] | None  # shape of one sample; of a frame without height and width; None: not known
Frames = Iterator[NDArray[np.uint8] | NDArray[np.uint16]]


class ArraySource:
    """Recordings in memory, called 0, 1, ..., with the modalities and classes of another source."""

    def __init__(self, like: Source, arrays: Sequence[Arrays], samples: Mapping[str, Sample]) -> None:
        self.name, self.root = "arrays", Path()
        self.classes, self.modalities = like.classes, like.modalities
        self._kinds = {stream: each.kind for each in self.modalities.values() for stream in each.streams}
        width = len(str(len(arrays) - 1))
        self._arrays = {f"{number:0{width}}": recording for number, recording in enumerate(arrays)}
        self._samples = samples
        for number, recording in enumerate(arrays):
            self._check(number, recording, f"the model sees {', '.join(sorted(samples))}")

    def _check(self, number: int, recording: object, wanted: str) -> None:
        """Raise ConfigError where a recording is none, or has what no recording of the experiment has."""
        if not isinstance(recording, Mapping):
            what = f"{type(recording).__name__}, and no dict from stream to array"
            raise ConfigError(f"recording {number}: is a {what}\n  {wanted}")
        for stream in recording:
            if stream in self._kinds:
                continue
            made_of = self.modalities.get(stream)
            hint = f"; {stream} is made of {', '.join(made_of.streams)}" if made_of else ""
            raise ConfigError(f"recording {number}: {stream} is no stream of the experiment\n  {wanted}{hint}")

    def list(self) -> Listing:
        """List them."""
        return Listing(
            tuple(
                Recording(
                    id_, "unknown", self.classes[0], "unknown", streams={stream: (stream,) for stream in recording}
                )
                for id_, recording in self._arrays.items()
            )
        )

    def probe(self, recording: Recording, stream: str) -> Probe:
        """Look at one array."""
        return Probe.of(self.open_series(recording, stream))

    def open_series(self, recording: Recording, stream: str) -> Series:
        """Return one array as a series."""
        values, times = self._read(recording, stream)
        is_skeleton = self._kinds[stream] == "skeleton"
        fits = values.ndim == 3 and values.shape[2] == 3 if is_skeleton else values.ndim == 2
        if values.dtype.kind not in "fiu" or not fits or not all(values.shape[1:]):
            shape = "(samples, joints, 3)" if is_skeleton else "(samples, channels)"
            raise BadRecording(recording.id, stream, stream, f"is {_described(values)}, wanted numbers {shape}")
        sample = self._samples.get(stream)
        if sample is not None and values.shape[1:] != sample:
            reason = f"a sample has the shape {values.shape[1:]}, in the model's recordings {sample}"
            raise BadRecording(recording.id, stream, stream, reason)
        if times is not None and (times.shape != (len(values),) or (np.diff(times) < 0).any()):
            raise BadRecording(recording.id, stream, stream, "its times must be one for each sample, none decreasing")
        return Series(values.astype(np.float64), times)

    def open_video(self, recording: Recording, stream: str) -> Video:
        """Return one array as a video."""
        values, _ = self._read(recording, stream)
        is_colour = values.dtype == np.uint8 and values.ndim == 4 and values.shape[-1] == 3
        if not is_colour and not (values.dtype == np.uint16 and values.ndim == 3):
            wanted = "(frames, H, W, 3) uint8 RGB or (frames, H, W) uint16 millimetres"
            raise BadRecording(recording.id, stream, stream, f"is {_described(values)}, wanted {wanted}")
        if self._samples.get(stream) not in (None, values.shape[3:]):
            kinds = ("depth", "colour") if is_colour else ("colour", "depth")
            raise BadRecording(recording.id, stream, stream, f"is of {kinds[1]}, and the model sees {kinds[0]} there")
        return ArrayVideo(values)

    def _read(self, recording: Recording, stream: str) -> tuple[Values, Values | None]:
        if stream not in recording.streams:
            raise BadRecording(recording.id, stream, stream, "is not given")
        given = self._arrays[recording.id][stream]
        try:
            if not isinstance(given, tuple):
                return _array(given), None
            values, times = given
            return _array(values), None if times is None else _seconds(times)
        except (TypeError, ValueError, RuntimeError) as error:
            wanted = "values, or a pair of values and times"
            reason = f"cannot be read as {wanted}: {error}"
            raise BadRecording(recording.id, stream, stream, reason) from error


class ArrayVideo(Video):
    """Frames in memory."""

    def __init__(self, values: Values) -> None:
        self.length = len(values)
        self.loaded = self._values = values

    def frames(self, wanted: NDArray[np.int64] | None = None, side: int | None = None) -> Frames:
        """Yield frames."""
        yield from self._values if wanted is None else self._values[wanted]


def _array(given: object) -> Values:
    """Return an array; ValueError where some of its values are masked."""
    if isinstance(given, np.ma.MaskedArray) and np.ma.is_masked(given):
        raise ValueError("some values are masked")
    return np.asarray(given)


def _seconds(given: object) -> Values:
    """Return times in seconds: numbers as they are, dates and durations of NumPy or pandas by their unit."""
    times = np.asarray(given)
    if times.dtype.kind in "mM" and times.ndim == 1 and len(times):
        times = (times - times[0]) / np.timedelta64(1, "s")
    return times.astype(np.float64)


def _described(values: Values) -> str:
    return f"{values.dtype} {values.shape}"
