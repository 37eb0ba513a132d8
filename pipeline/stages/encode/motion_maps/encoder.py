"""Encode depth video as histograms of its motion maps: recordings are read in threads, each by itself."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import BadRecording
from pipeline.sources.base import Recording
from pipeline.stages.encode.align import windows
from pipeline.stages.encode.encoder import Encoded, EncodeTask
from pipeline.stages.encode.motion_maps.hog import hog, width
from pipeline.stages.encode.motion_maps.motion import motion_maps
from pipeline.stages.encode.motion_maps.params import MotionMapParams
from pipeline.stages.encode.motion_maps.reading import DepthReader
from pipeline.stages.encode.prefetch import PrefetchError, read_ahead

VIEWS = 3


class _Shard:
    """The rows of a shard so far. It is also the task that follows those of its recordings: it says that they ended."""

    def __init__(self, recordings: Sequence[Recording | None], patches: int, width: int) -> None:
        self.encoded = Encoded(
            features=np.zeros((len(recordings), patches, width), np.float32),
            valid=np.zeros((len(recordings), patches), np.bool_),
        )

    def __call__(self) -> Iterator[None]:
        yield None


@dataclass(frozen=True)
class _Row:
    """The task of encoding one recording into its row."""

    encoder: MotionMapEncoder
    shard: _Shard
    row: int
    recording: Recording

    def __call__(self) -> Iterator[None]:
        features = self.encoder.describe(self.recording)
        self.shard.encoded.features[self.row, : len(features)] = features
        self.shard.encoded.valid[self.row, : len(features)] = True
        yield None


class MotionMapEncoder:
    """Encoder of a depth modality without a network; several streams are joined on the feature axis."""

    def __init__(self, params: MotionMapParams, task: EncodeTask) -> None:
        self._params, self._task = params, task
        self._reader = DepthReader(params, task, windows(params, task.modality.rate))
        self._each = width(params.image_size, params.cell, params.orientations)  # of a view
        self.width = self._each * VIEWS * len(task.modality.streams)
        self.channels: int | None = None
        self.attributes: dict[str, Any] = {"reduce": "mean", "velocities": False, "vertical_axis": None}

    @property
    def provenance(self) -> dict[str, Any]:
        """Nothing: no network, and no other device than the CPU."""
        return {}

    def encode(
        self, shards: Iterable[Sequence[Recording | None]], seen: Callable[[], None]
    ) -> Generator[Encoded, None, None]:
        """Encode shards; see `Encoder`. Recordings of the next shard are begun before those of one are all done."""
        with closing(read_ahead(self._tasks(shards), threads=self._task.threads, items=1)) as done:
            for task, item in self._task.timings.timed("maps", done):
                if isinstance(task, _Shard):
                    yield task.encoded
                    continue
                seen()
                if isinstance(item, PrefetchError):
                    if not isinstance(item.error, BadRecording) or self._task.strict:
                        raise item.error
                    task.shard.encoded.broken[item.error.recording] = item.error

    def _tasks(self, shards: Iterable[Sequence[Recording | None]]) -> Iterator[_Row | _Shard]:
        for recordings in shards:
            shard = _Shard(recordings, self._params.patches, self.width)
            for row, recording in enumerate(recordings):
                if recording is not None:
                    yield _Row(self, shard, row, recording)
            yield shard

    def describe(self, recording: Recording) -> NDArray[np.float32]:
        """Return (windows, D) of a recording: of each stream the front, side and top views; BadRecording."""
        streams = [self._describe(recording, stream) for stream in self._task.modality.streams]
        shortest = min(map(len, streams))
        return np.concatenate([each[:shortest] for each in streams], axis=1)

    def _describe(self, recording: Recording, stream: str) -> NDArray[np.float32]:
        params = self._params
        with self._reader.opened(recording, stream) as depth:
            features = np.zeros((len(depth.spans), VIEWS * self._each), np.float32)
            with self._task.timings.phase("views"):
                for window, images in motion_maps(depth.views(), depth.spans, params.image_size):
                    features[window] = hog(images, params.cell, params.orientations).ravel()
        return features
