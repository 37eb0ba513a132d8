"""Encode video: decode and pool in threads, one bounded stretch ahead of the network."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.errors import BadRecording, ConfigError
from pipeline.sources.base import Recording
from pipeline.sources.validate_streams import frames_of, video_of
from pipeline.stages.encode.align import TooShortError, frames, windows
from pipeline.stages.encode.encoder import Encoded, EncodeTask, file_of
from pipeline.stages.encode.prefetch import PrefetchError, read_ahead
from pipeline.stages.encode.video.backbone import build_backbone
from pipeline.stages.encode.video.frames import CropSquare, Frame, FramesError, image, person_square, pool_frames
from pipeline.stages.encode.video.network import BatchedInference
from pipeline.stages.encode.video.params import VideoParams

AHEAD = 16  # images that wait, of each video that is being read


@dataclass(frozen=True)
class _Image:
    """A network's input (1 or 3, S, S), and what share its features have in which patches."""

    pixels: Tensor
    shares: tuple[tuple[int, float], ...]


class _Shard:
    """The rows of a shard so far. It is also the task that follows those of its recordings: it says that they ended."""

    def __init__(self, recordings: Sequence[Recording | None], patches: int, width: int, streams: int) -> None:
        shape = (len(recordings), patches)
        self.recordings = recordings
        self.encoded = Encoded(np.zeros((*shape, width), np.float32), np.zeros(shape, np.bool_))  # (n, P, D), (n, P)
        self.has_image = np.zeros((*shape, streams), np.bool_)  # (n, P, streams)

    def __call__(self) -> Iterator[_Shard]:
        yield self

    def finished(self) -> Encoded:
        """Return the rows, where a broken recording's is zero and not valid."""
        encoded = self.encoded
        encoded.valid[:] = self.has_image.all(axis=2)
        for row, recording in enumerate(self.recordings):
            if recording is not None and recording.id in encoded.broken:
                encoded.valid[row] = False
        encoded.features[~encoded.valid] = 0
        return encoded


@dataclass(frozen=True)
class _StreamOfRow:
    """The task of reading one stream of one row's recording."""

    read: Callable[[Recording, str], Iterator[_Image]]
    shard: _Shard
    row: int
    recording: Recording
    number: int
    name: str

    def __call__(self) -> Iterator[_Image]:
        return self.read(self.recording, self.name)


@dataclass(frozen=True)
class _Batch:
    """Images of one shard on their way through the network."""

    images: Sequence[tuple[_StreamOfRow, _Image]]
    features: Future[NDArray[np.float32]]

    def add(self) -> None:
        """Wait for the features, and add them to their patches."""
        features = self.features.result()  # (images, width)
        width = features.shape[1]
        for (stream, item), values in zip(self.images, features, strict=True):
            columns = slice(stream.number * width, (stream.number + 1) * width)
            for patch, share in item.shares:
                stream.shard.encoded.features[stream.row, patch, columns] += values * np.float32(share)
        self.images[0][0].shard.encoded.images += len(self.images)


class VideoEncoder:
    """Encoder of a video modality; several streams are encoded one by one and joined on the feature axis."""

    def __init__(self, params: VideoParams, task: EncodeTask) -> None:
        self._params, self._task = params, task
        self._spec = windows(params, task.modality.rate)
        self._backbone = build_backbone(params, task.weights_file, task.device)
        self.width = self._backbone.width * len(task.modality.streams)
        self.channels: int | None = None
        self.attributes: dict[str, Any] = {"reduce": "mean", "velocities": False, "vertical_axis": None}

    @property
    def provenance(self) -> dict[str, Any]:
        """Device and weights."""
        device = self._task.device
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
        return {"device": name, "weights": self._backbone.weights}

    def encode(
        self, shards: Iterable[Sequence[Recording | None]], seen: Callable[[], None]
    ) -> Generator[Encoded, None, None]:
        """Encode shards; see `Encoder`.

        Reading goes on while the network computes, across recordings and shards; no batch crosses shards.
        """
        threads, timings = self._task.threads, self._task.timings
        images: list[tuple[_StreamOfRow, _Image]] = []  # of the next batch
        in_flight: deque[_Batch | _Shard] = deque()  # batches in order, each shard after its last one
        last: tuple[_Shard, int] | None = None
        error: BaseException | None = None
        with (
            BatchedInference(self._backbone, self._params.image_size, threads, timings) as network,
            closing(read_ahead(self._tasks(shards), threads=threads, items=AHEAD)) as reading,
        ):
            for task, item in timings.timed("waiting", reading, lambda: _is_idle(network, in_flight)):
                if isinstance(task, _StreamOfRow):
                    if (task.shard, task.row) != last:
                        seen()
                    last = task.shard, task.row
                    if isinstance(item, _Image):
                        images.append((task, item))
                        task.shard.has_image[task.row, [patch for patch, _ in item.shares], task.number] = True
                    elif isinstance(item, PrefetchError):
                        if not isinstance(item.error, BadRecording) or self._task.strict:
                            error = item.error
                            break
                        task.shard.encoded.broken.setdefault(item.error.recording, item.error)
                if images and (len(images) == network.batch or isinstance(task, _Shard)):
                    in_flight.append(_Batch(images, network.submit([each.pixels for _, each in images])))
                    images = []
                if isinstance(task, _Shard):
                    in_flight.append(task)
                while len(in_flight) > 2 * network.at_once:  # bounds memory, and keeps the network busy
                    yield from _finish(in_flight.popleft())
            while in_flight:
                yield from _finish(in_flight.popleft())
        if error is not None:  # only now, when the shards before it are done
            raise error

    def _tasks(self, shards: Iterable[Sequence[Recording | None]]) -> Iterator[_StreamOfRow | _Shard]:
        streams = self._task.modality.streams
        for recordings in shards:
            shard = _Shard(recordings, self._spec.patches, self.width, len(streams))
            for row, recording in enumerate(recordings):
                if recording is not None:
                    for number, name in enumerate(streams):
                        yield _StreamOfRow(self._read, shard, row, recording, number, name)
            yield shard

    def _read(self, recording: Recording, stream: str) -> Iterator[_Image]:
        """Return the images of a stream's windows, as they become ready; in a thread that reads ahead."""
        return self._task.timings.timed("prepare", self._images(recording, stream))

    def _images(self, recording: Recording, stream: str) -> Iterator[_Image]:
        file = file_of(recording, stream)
        params, timed = self._params, self._task.timings.timed
        try:
            with self._task.timings.phase("decode"):
                video = video_of(self._task.source, recording, stream)
            with video:
                numbers = frames(self._spec, video.length)  # (windows, window)
                needed = np.unique(numbers)
                read = partial(frames_of, self._task.source, recording, stream, video)
                crop = self._crop(read, needed)
                decoded = timed("decode", read(needed, None if crop else params.image_size))
                pooled = pool_frames(decoded, needed, numbers, params.depth, average=params.pool == "frames")
                for item in pooled:
                    yield _Image(image(item.values, params.image_size, crop), item.shares)
        except TooShortError as error:
            remedy = "" if video.length == 0 else "; use a smaller window or align: resample"
            raise BadRecording(recording.id, stream, file, f"{error}{remedy}") from error
        except FramesError as error:
            raise BadRecording(recording.id, stream, file, str(error)) from error

    def _crop(self, read: Callable[..., Iterator[Frame]], needed: NDArray[np.int64]) -> CropSquare | None:
        """Look once through the frames for the person; the video is then read again from its start."""
        if self._params.crop == "none":
            return None
        first = next(read(needed[:1]), None)
        if first is not None and first.ndim != 2:
            raise ConfigError("crop: person needs depth without background; for colour set crop: none")
        square = person_square(self._task.timings.timed("decode", read(needed)))
        if square is None:
            raise FramesError("no frame has a reading, so there is no person to crop to")
        return square


def _is_idle(network: BatchedInference, in_flight: Iterable[_Batch | _Shard]) -> bool:
    busy = sum(isinstance(each, _Batch) and not each.features.done() for each in in_flight)
    return busy < network.at_once


def _finish(item: _Batch | _Shard) -> Iterator[Encoded]:
    if isinstance(item, _Batch):
        item.add()
    else:
        yield item.finished()
