"""Encode series and skeletons: read, normalise, align, pool; all of a shard at once."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.errors import BadRecording, ConfigError
from pipeline.sources.base import Recording, Series
from pipeline.sources.validate_streams import probed, series_of
from pipeline.stages.encode.align import TooShortError, starts, windows
from pipeline.stages.encode.encoder import Encoded, EncodeTask, file_of, nothing_usable
from pipeline.stages.encode.prefetch import PrefetchError, read_ahead
from pipeline.stages.encode.timelines.params import SeriesParams, SkeletonParams, TimelineParams
from pipeline.stages.encode.timelines.rest import calibrated
from pipeline.stages.encode.timelines.series import NoOverlapError, timeline
from pipeline.stages.encode.timelines.skeleton import VERTICAL_AXIS, DegenerateError, normalise
from pipeline.stages.encode.timelines.virtual import virtual_series
from pipeline.stages.encode.timelines.virtual_params import Place, VirtualParams
from pipeline.stages.reduction import CheckedReduction, features_of, resolve_reduction
from trainers.data.patches import derive_bones, derive_velocities, patches


class TimelineEncoder:
    """Encoder of a series or skeleton modality."""

    def __init__(self, params: TimelineParams, task: EncodeTask) -> None:
        self._params, self._task = params, task
        self._spec = windows(params, task.modality.rate)
        self._shapes = _sample_shapes(task)
        self._skeleton = params if isinstance(params, SkeletonParams) else None
        if self._skeleton:
            _check_joints(self._skeleton, self._shapes)
        self._velocities = self._skeleton is not None and self._skeleton.velocities
        self._parents = self._skeleton.bone_parents(len(self._shapes)) if self._skeleton else ()
        self._virtual = params.virtual if isinstance(params, SeriesParams) else None
        channels = len(task.modality.channels) or sum(int(np.prod(shape)) for shape in self._shapes)
        if self._virtual is not None:
            channels = 3 if len(task.modality.units) == 1 else len(task.modality.units)
            _check_places(self._virtual, self._shapes)
        if isinstance(params, SeriesParams):
            _check_units(params, task, channels)
        bones = 3 * sum(parent != joint for joint, parent in enumerate(self._parents))
        self._reduce = resolve_reduction(params.reduce, task.resolve)
        self.width = features_of(self._reduce, self._spec.window, (1 + self._velocities) * (channels + bones))
        self.channels = channels if params.keep_series else None
        self.attributes: dict[str, Any] = {
            "reduce": params.reduce,
            "velocities": self._velocities,
            "vertical_axis": VERTICAL_AXIS if self._skeleton else None,
            "sample_shapes": [list(shape) for shape in self._shapes],  # of each stream; others count as broken
        }
        if self._parents:
            self.attributes["parents"] = list(self._parents)

    @property
    def provenance(self) -> dict[str, Any]:
        """Nothing: there is no device and there are no weights."""
        return {}

    def encode(
        self, shards: Iterable[Sequence[Recording | None]], seen: Callable[[], None]
    ) -> Generator[Encoded, None, None]:
        """Encode shards; see `Encoder`."""
        for recordings in shards:
            yield self._encode(recordings, seen)

    def _encode(self, recordings: Sequence[Recording | None], seen: Callable[[], None]) -> Encoded:
        encoded = self._empty(len(recordings))
        read: dict[int, NDArray[np.float32]] = {}  # all but those of which no virtual sensor can be made
        tasks = [partial(self._read, row, each) for row, each in enumerate(recordings) if each is not None]
        with closing(read_ahead(tasks, threads=self._task.threads, items=1)) as reading:
            for _, item in reading:
                if not isinstance(item, PrefetchError):
                    row, values = cast("tuple[int, NDArray[np.float32] | None]", item)
                    if values is not None:
                        read[row] = values
                else:
                    self._note_broken(item.error, encoded)
                seen()
        with self._task.timings.phase("pool"):
            self._pool(read, recordings, encoded)
        return encoded

    def _empty(self, rows: int) -> Encoded:
        series = None if self.channels is None else np.zeros((rows, self._spec.length, self.channels), np.float32)
        features = np.zeros((rows, self._spec.patches, self.width), np.float32)
        return Encoded(features=features, valid=np.zeros(features.shape[:2], np.bool_), series=series)

    def _read(self, row: int, recording: Recording) -> Iterator[tuple[int, NDArray[np.float32] | None]]:
        """Yield a row's (T, C) timeline, whose windows fit; None where a virtual sensor has none."""
        with self._task.timings.phase("read"):
            values = self._timeline(recording)
        yield row, values

    def _timeline(self, recording: Recording) -> NDArray[np.float32] | None:
        streams = self._task.modality.streams
        series = [self._open(recording, *each) for each in zip(streams, self._shapes, strict=True)]
        if self._virtual is not None:
            sensed = self._sensed(recording, series[0], self._virtual)
            if sensed is None:
                return None
            series = [sensed]
        try:
            values = timeline(series, self._task.modality.rate, self._spec)
            starts(self._spec, len(values))
        except (TooShortError, NoOverlapError) as error:
            remedy = "; use a smaller window or align: resample" if isinstance(error, TooShortError) else ""
            raise BadRecording(recording.id, streams[0], file_of(recording, streams[0]), f"{error}{remedy}") from error
        if self._task.modality.channels:
            values = values[:, self._task.modality.channels]
        if isinstance(self._params, SeriesParams) and self._params.at_rest:
            values = calibrated(values, self._task.modality.units, self._params)
        with np.errstate(over="ignore"):
            return values.astype(np.float32)

    def _open(self, recording: Recording, stream: str, shape: tuple[int, ...]) -> Series:
        file = file_of(recording, stream)
        series = series_of(self._task.source, recording, stream, self._task.limits)
        values = series.values
        if values.shape[1:] != shape:
            reason = f"a sample has the shape {values.shape[1:]}, in other recordings {shape}"
            raise BadRecording(recording.id, stream, file, reason)
        if self._skeleton:
            try:
                values = normalise(values, self._skeleton)
            except DegenerateError as error:
                raise BadRecording(recording.id, stream, file, str(error)) from error
        return Series(values=values.reshape(len(values), -1), times=series.times)

    def _sensed(self, recording: Recording, skeleton: Series, params: VirtualParams) -> Series | None:
        """Return what a virtual sensor measures of flat joints (T, 3 x joints); None where it sits nowhere."""
        place, modality = params.place(recording.action), self._task.modality
        if place is None:
            return None
        assert params.rate is not None
        joints = Series(skeleton.values.reshape(len(skeleton.values), -1, 3), skeleton.times)
        return virtual_series(joints, place, params.smoothing, (params.rate, modality.rate), modality.units)

    def _pool(
        self, read: dict[int, NDArray[np.float32]], recordings: Sequence[Recording | None], into: Encoded
    ) -> None:
        """Reduce one recording after the other, so that none's bits depend on which others are encoded with it."""
        for row, values in read.items():
            pooled = self._patches(values)
            recording, stream = cast("Recording", recordings[row]), self._task.modality.streams[0]
            if not (np.isfinite(values).all() and np.isfinite(pooled).all()):  # though all that was read is
                if isinstance(self._reduce, CheckedReduction) and np.isfinite(values).all():
                    raise self._reduce.mistake(f"gave a value that is not finite, of recording {recording.id}")
                reason = "has values so large that what is made of them is more than single precision holds"
                error = BadRecording(recording.id, stream, file_of(recording, stream), reason)
                self._note_broken(error, into)
                continue
            into.features[row, : len(pooled)] = pooled
            into.valid[row, : len(pooled)] = True
            if into.series is not None:
                into.series[row] = values

    def _note_broken(self, error: BaseException, into: Encoded) -> None:
        """Count a recording as broken; raise where the task is strict, and what says nothing of a recording."""
        if self._task.strict or not isinstance(error, BadRecording):
            raise error
        into.broken[error.recording] = error

    def _patches(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Reduce (T, C) to (windows, D)."""
        timeline = torch.from_numpy(values)[None]
        at = torch.from_numpy(starts(self._spec, len(values)))
        if self._parents:
            timeline = derive_bones(timeline, self._parents)
        if self._velocities:
            timeline = derive_velocities(timeline)
        pooled: NDArray[np.float32] = patches(timeline, at, self._spec.window, self._reduce)[0].numpy()
        return pooled


def _sample_shapes(task: EncodeTask) -> list[tuple[int, ...]]:
    """Return the shape of one sample of each stream: those of the first recording that can be used."""
    reasons: dict[str, str] = {}
    for recording in task.recordings:
        if recording.id in task.broken:
            continue
        try:
            for stream in task.modality.streams:
                file_of(recording, stream)
            return [probed(task.source, recording, stream, task.limits).shape for stream in task.modality.streams]
        except BadRecording as error:
            if task.strict:
                raise
            reasons[recording.id] = str(error)
    raise nothing_usable(task.name, reasons)


def _check_units(params: SeriesParams, task: EncodeTask, channels: int) -> None:
    """Raise ConfigError where what is measured at rest is not known of channels so many."""
    units = task.modality.units
    if (misfit := params.misfit(units)) is not None:
        raise ConfigError(f"{task.name}: {misfit[0]}: {misfit[1]}\n  {misfit[2]}")
    if params.at_rest and (channels % 3 or len(units) not in (1, channels)):
        problem = f"{task.name}: calibrate and orient: {len(units)} units for {channels} channels, wanted x, y and z"
        raise ConfigError(f"{problem}\n  name the columns of its stream, and the unit of each")


def _check_places(params: VirtualParams, shapes: Sequence[tuple[int, ...]]) -> None:
    """Raise ConfigError where a virtual sensor's limb is not among the joints."""
    (shape,) = shapes
    if len(shape) != 2 or shape[1] != 3:
        raise ConfigError(f"virtual: {params.skeleton} has samples {shape}, not (joints, 3)\n  name a skeleton")
    places = [Place(params.joints), *(place for place in params.classes.values() if place is not None)]
    if (largest := max(joint for place in places for joint in place.joints)) >= shape[0]:
        problem = f"virtual: joints: {largest} is not among the source's {shape[0]} joints, 0 to {shape[0] - 1}"
        raise ConfigError(f"{problem}\n  count from 0")


def _check_joints(params: SkeletonParams, shapes: Sequence[tuple[int, ...]]) -> None:
    for shape in shapes:
        if len(shape) != 2 or shape[1] != 3:
            raise ConfigError(f"a skeleton's sample must be (joints, 3), not {shape}; give its modality kind: series")
        if (count := len(params.bone_parents())) not in (0, shape[0]):
            raise ConfigError(f"parents: it names those of {count} joints, and the source has {shape[0]}")
        for key, joint in params.joints().items():
            if joint >= shape[0]:
                raise ConfigError(f"{key}: {joint} is not among the source's {shape[0]} joints, 0 to {shape[0] - 1}")
