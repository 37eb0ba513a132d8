"""Encode video: decode and pool in threads, one bounded stretch ahead of the network."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.errors import BadRecording, ConfigError
from pipeline.sources.base import Recording
from pipeline.sources.validate_streams import frames_of, video_of
from pipeline.stages.encode.align import TooShortError, frames, windows
from pipeline.stages.encode.encoder import Encoded, EncodeTask, file_of
from pipeline.stages.encode.video.backbone import build_backbone
from pipeline.stages.encode.video.frames import CropSquare, Frame, FramesError, image, person_square, pool_frames
from pipeline.stages.encode.video.network import BatchedInference
from pipeline.stages.encode.video.params import VideoParams
from pipeline.stages.encode.video.prefetch import PrefetchError, read_ahead

AHEAD = 16  # images that wait, of each video that is being read

T = TypeVar("T")


@dataclass(frozen=True)
class _Image:
    """A network's input (1 or 3, S, S), and what share its features have in which patches."""

    pixels: Tensor
    shares: tuple[tuple[int, float], ...]


class _Shard:
    """What is known so far of a shard; also the task that stands for its end."""

    def __init__(self, recordings: Sequence[Recording | None], patches: int, width: int, streams: int) -> None:
        shape = (len(recordings), patches)
        self.recordings = recordings
        self.encoded = Encoded(np.zeros((*shape, width), np.float32), np.zeros(shape, np.bool_))
        self.touched = np.zeros((*shape, streams), np.bool_)

    def __call__(self) -> Iterator[_Shard]:
        yield self

    def finished(self) -> Encoded:
        """Return the rows, where a broken recording's is zero and not valid."""
        encoded = self.encoded
        encoded.valid[:] = self.touched.all(axis=2)
        for row, recording in enumerate(self.recordings):
            if recording is not None and recording.id in encoded.broken:
                encoded.valid[row] = False
        encoded.features[~encoded.valid] = 0
        return encoded


@dataclass(frozen=True)
class _Reading:
    """The task of reading one stream of one row's recording."""

    read: Callable[[Recording, str], Iterator[_Image]]
    shard: _Shard
    row: int
    recording: Recording
    stream: int
    name: str

    def __call__(self) -> Iterator[_Image]:
        return self.read(self.recording, self.name)


@dataclass(frozen=True)
class _Batch:
    """Images on their way through the network."""

    images: Sequence[tuple[_Reading, _Image]]
    features: Future[NDArray[np.float32]]

    def add(self) -> None:
        """Wait for the features, and add them to their patches."""
        found = self.features.result()
        width = found.shape[1]
        for (task, item), values in zip(self.images, found, strict=True):
            for patch, share in item.shares:
                there = task.shard.encoded.features[task.row, patch, task.stream * width : (task.stream + 1) * width]
                there += values * np.float32(share)
        self.images[0][0].shard.encoded.images += len(self.images)


class VideoEncoder:
    """Encoder of a video modality; several streams are encoded one by one and joined on the feature axis."""

    def __init__(self, params: VideoParams, job: EncodeTask, recordings: Sequence[Recording]) -> None:
        del recordings  # the network alone says how wide features are
        self._params, self._job = params, job
        self._spec = windows(params, job.modality.rate)
        self._backbone = build_backbone(params, job.weights_file, job.device)
        self.width = self._backbone.width * len(job.modality.streams)
        self.channels: int | None = None
        self.attributes: dict[str, Any] = {"reduce": "mean", "velocities": False, "vertical_axis": None}

    @property
    def provenance(self) -> dict[str, Any]:
        """Device and weights."""
        device = self._job.device
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
        return {"device": name, "weights": self._backbone.weights}

    def encode(
        self, shards: Iterable[Sequence[Recording | None]], seen: Callable[[], None]
    ) -> Generator[Encoded, None, None]:
        """Encode shards; see `Encoder`.

        Reading goes on while the network computes, across recordings and shards; no batch crosses shards.
        """
        threads = self._job.threads
        waiting: list[tuple[_Reading, _Image]] = []
        computing: deque[_Batch | _Shard] = deque()
        stopped: BaseException | None = None
        last: _Reading | None = None
        with (
            BatchedInference(self._backbone, self._params.image_size, threads, self._job.timings) as network,
            closing(read_ahead(self._tasks(shards), threads=threads, items=AHEAD)) as reading,
        ):
            for task, item in self._timed(reading, lambda: _idle(computing, network)):
                if isinstance(task, _Reading):
                    if last is None or (task.shard, task.row) != (last.shard, last.row):
                        seen()
                    last = task
                    if isinstance(item, _Image):
                        waiting.append((task, item))
                        task.shard.touched[task.row, [patch for patch, _ in item.shares], task.stream] = True
                    elif isinstance(item, PrefetchError):
                        if not isinstance(item.error, BadRecording) or self._job.strict:
                            stopped = item.error
                            break
                        task.shard.encoded.broken.setdefault(item.error.recording, item.error)
                if waiting and (len(waiting) == network.batch or isinstance(task, _Shard)):
                    computing.append(_Batch(waiting, network.submit([each.pixels for _, each in waiting])))
                    waiting = []
                if isinstance(task, _Shard):
                    computing.append(task)
                while len(computing) > 2 * network.at_once:
                    yield from _end(computing.popleft())
            while computing:
                yield from _end(computing.popleft())
        if stopped is not None:  # the shards before it are done
            raise stopped

    def _tasks(self, shards: Iterable[Sequence[Recording | None]]) -> Iterator[_Reading | _Shard]:
        streams = self._job.modality.streams
        for recordings in shards:
            shard = _Shard(recordings, self._spec.patches, self.width, len(streams))
            for row, recording in enumerate(recordings):
                if recording is not None:
                    for number, name in enumerate(streams):
                        yield _Reading(self._read_timed, shard, row, recording, number, name)
            yield shard

    def _timed(self, items: Iterator[T], idle: Callable[[], bool]) -> Iterator[T]:
        """Count the time until the next item, where the network has nothing to do meanwhile."""
        end = object()
        while True:
            if idle():
                with self._job.timings.phase("waiting"):
                    item = next(items, end)
            else:
                item = next(items, end)
            if item is end:
                return
            yield item  # type: ignore[misc]

    def _read_timed(self, recording: Recording, stream: str) -> Iterator[_Image]:
        images = self._read(recording, stream)
        while True:
            with self._job.timings.phase("prepare"):
                item = next(images, None)
            if item is None:
                return
            yield item

    def _read(self, recording: Recording, stream: str) -> Iterator[_Image]:
        file = file_of(recording, stream)
        params = self._params
        try:
            with self._job.timings.phase("decode"):
                video = video_of(self._job.source, recording, stream)
            with video:
                numbers = frames(self._spec, video.length)
                needed = np.unique(numbers)
                read = partial(frames_of, self._job.source, recording, stream, video)
                crop = self._crop(read, needed)
                found = self._decoded(read(needed, None if crop else params.image_size))
                pooled = pool_frames(found, needed, numbers, params.depth, average=params.pool == "frames")
                for item in pooled:
                    yield _Image(image(item.values, params.image_size, crop), item.shares)
        except TooShortError as error:
            remedy = "" if video.length == 0 else "; use a smaller window or align: resample"
            raise BadRecording(recording.id, stream, file, f"{error}{remedy}") from error
        except FramesError as error:
            raise BadRecording(recording.id, stream, file, str(error)) from error

    def _decoded(self, frames: Iterator[T]) -> Iterator[T]:
        end = object()
        while True:
            with self._job.timings.phase("decode"):
                item = next(frames, end)
            if item is end:
                return
            yield item  # type: ignore[misc]

    def _crop(self, read: Callable[..., Iterator[Frame]], needed: NDArray[np.int64]) -> CropSquare | None:
        """Look once through the frames for the person; the video is then read again from its start."""
        if self._params.crop == "none":
            return None
        first = next(read(needed[:1]), None)
        if first is not None and first.ndim != 2:
            raise ConfigError("crop: person needs depth without background; for colour set crop: none")
        found = person_square(self._decoded(read(needed)))
        if found is None:
            raise FramesError("no frame has a reading, so there is no person to crop to")
        return found


def _idle(computing: Iterable[_Batch | _Shard], network: BatchedInference) -> bool:
    busy = sum(isinstance(each, _Batch) and not each.features.done() for each in computing)
    return busy < network.at_once


def _end(item: _Batch | _Shard) -> Iterator[Encoded]:
    if isinstance(item, _Batch):
        item.add()
    else:
        yield item.finished()
