"""Encode video: frames are read ahead, become images and features in batches, and are added up by patch."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.errors import BadRecording
from pipeline.sources.base import Recording
from pipeline.stages.encode.align import windows
from pipeline.stages.encode.encoder import Encoded, EncodeTask
from pipeline.stages.encode.prefetch import PrefetchError, read_ahead
from pipeline.stages.encode.timings import Timings
from pipeline.stages.encode.video.backbone import build_backbone
from pipeline.stages.encode.video.frames import Images, pageable, pinned
from pipeline.stages.encode.video.gpu_decode import GpuDecoder
from pipeline.stages.encode.video.inference import FeatureBatch, Inference, open_inference
from pipeline.stages.encode.video.params import VideoParams
from pipeline.stages.encode.video.reading import FrameBlock, StreamReader

AHEAD = 2  # blocks of frames that wait, of each video that is being read


class _Shard:
    """The rows of a shard so far. It is also the task that follows those of its recordings: it says that they ended.

    Attributes
    ----------
    sums
        (n, P, streams, D) float32 on the network's device: shares of features, added up.
    has_image
        (n, P, streams)
    """

    def __init__(
        self, recordings: Sequence[Recording | None], patches: int, streams: int, width: int, device: torch.device
    ) -> None:
        self.recordings = recordings
        self.sums = torch.zeros((len(recordings), patches, streams, width), device=device)
        self.has_image = np.zeros((len(recordings), patches, streams), np.bool_)
        self.broken: dict[str, BadRecording] = {}
        self.images = 0

    def __call__(self) -> Iterator[_Shard]:
        yield self

    def places(self, row: int, patches: NDArray[np.int64], stream: int) -> NDArray[np.int64]:
        """Return where patches of a row's stream lie in the flattened sums."""
        _, count, streams = self.has_image.shape
        return (row * count + patches) * streams + stream

    def finished(self) -> Encoded:
        """Return the rows, where a broken recording's is zero and not valid."""
        valid: NDArray[np.bool_] = np.all(self.has_image, axis=2)  # (n, P)
        for row, recording in enumerate(self.recordings):
            if recording is not None and recording.id in self.broken:
                valid[row] = False
        features: NDArray[np.float32] = self.sums.flatten(2).cpu().numpy()  # (n, P, streams x D)
        features[~valid] = 0
        return Encoded(features, valid, broken=self.broken, images=self.images)


@dataclass(frozen=True)
class _StreamOfRow:
    """The task of reading one stream of one row's recording."""

    reader: StreamReader
    shard: _Shard
    row: int
    recording: Recording
    number: int
    name: str

    def __call__(self) -> Iterator[FrameBlock | Images]:
        """Yield blocks of frames; on a CPU, whose cores these threads are, what images they make."""
        blocks = self.reader.read(self.recording, self.name)
        if self.shard.sums.device.type != "cpu":
            yield from blocks
            return
        timings = self.reader.task.timings
        for block in blocks:
            with timings.phase("prepare"):
                images = block.to_images.add(block.frames)
            yield images


@dataclass(frozen=True)
class _Batch:
    """Images of one shard on their way through the network."""

    images: Sequence[tuple[_StreamOfRow, Images]]
    features: FeatureBatch

    def add(self) -> None:
        """Wait for the features, and add them to their patches."""
        features = self.features.result()  # (images, D)
        shard, begin = self.images[0][0].shard, 0
        rows, places, shares = [], [], []
        for stream, each in self.images:
            rows.append(each.images + begin)
            places.append(shard.places(stream.row, each.patches, stream.number))
            shares.append(each.shares)
            begin += len(each)
        to, of, by = (torch.from_numpy(np.concatenate(each)).to(features.device) for each in (places, rows, shares))
        shard.sums.flatten(0, 2).index_add_(0, to, features[of] * by[:, None])
        shard.images += begin


class _NextBatch:
    """Images that wait until they fill a batch."""

    def __init__(self, network: Inference) -> None:
        self._network = network
        self._images: list[tuple[_StreamOfRow, Images]] = []
        self._count = 0

    def add(self, stream: _StreamOfRow, images: Images) -> Iterator[_Batch]:
        """Take images; yield the batches that they fill."""
        at = 0
        while at < len(images):
            stop = min(len(images), at + self._network.batch - self._count)
            self._images.append((stream, images.cut(at, stop)))
            self._count, at = self._count + stop - at, stop
            if self._count == self._network.batch:
                yield from self.flush()

    def flush(self) -> Iterator[_Batch]:
        """Yield what waits as a batch, if anything does."""
        if self._images:
            yield _Batch(self._images, self._network.submit([images.pixels for _, images in self._images]))
        self._images, self._count = [], 0


class VideoEncoder:
    """Encoder of a video modality; several streams are encoded one by one and joined on the feature axis."""

    def __init__(self, params: VideoParams, task: EncodeTask) -> None:
        self._params, self._task = params, task
        self._spec = windows(params, task.modality.rate)
        on_gpu = task.device.type == "cuda"
        gpu = GpuDecoder(task.device, params.image_size) if on_gpu else None
        self._reader = StreamReader(params, task, self._spec, pinned if on_gpu else pageable, gpu)
        self._backbone = build_backbone(params, task.weights_file, task.device, task.resolve)
        self.width = self._backbone.width * len(task.modality.streams)
        self.channels: int | None = None
        self.attributes: dict[str, Any] = {"reduce": "mean", "velocities": False, "vertical_axis": None}

    @property
    def provenance(self) -> dict[str, Any]:
        """Device, weights and runtime."""
        device = self._task.device
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
        return {"device": name, **self._backbone.provenance}

    def encode(
        self, shards: Iterable[Sequence[Recording | None]], seen: Callable[[], None]
    ) -> Generator[Encoded, None, None]:
        """Encode shards; see `Encoder`.

        Reading goes on while the network computes, across recordings and shards; no batch crosses shards.
        """
        threads, timings = self._task.threads, self._task.timings
        in_flight: deque[_Batch | _Shard] = deque()  # batches in order, each shard after its last one
        last: tuple[_Shard, int] | None = None
        error: BaseException | None = None
        with (
            open_inference(self._backbone, self._params.image_size, threads, timings) as network,
            closing(read_ahead(self._tasks(shards), threads=threads, items=AHEAD)) as reading,
        ):
            batch, began = _NextBatch(network), time.perf_counter()
            for task, item in timings.timed("waiting", reading, lambda: _is_idle(network, in_flight)):
                if isinstance(task, _Shard):
                    in_flight.extend([*batch.flush(), task])
                    began = _count_elapsed(timings, network, began)
                else:
                    if (task.shard, task.row) != last:
                        began = _count_elapsed(timings, network, began)
                        seen()
                    last = task.shard, task.row
                    if isinstance(item, PrefetchError):
                        if not isinstance(item.error, BadRecording) or self._task.strict:
                            error = item.error
                            break
                        task.shard.broken.setdefault(item.error.recording, item.error)
                    elif isinstance(item, FrameBlock | Images):
                        images = network.prepared(item)
                        timings.tell("images", len(images))
                        task.shard.has_image[task.row, images.patches, task.number] = True
                        in_flight.extend(batch.add(task, images))
                while len(in_flight) > 2 * network.at_once:  # bounds memory, and keeps the network busy
                    yield from _finish(in_flight.popleft())
            while in_flight:
                yield from _finish(in_flight.popleft())
            _count_elapsed(timings, network, began)
        if error is not None:  # only now, when the shards before it are done
            raise error

    def _tasks(self, shards: Iterable[Sequence[Recording | None]]) -> Iterator[_StreamOfRow | _Shard]:
        streams = self._task.modality.streams
        for recordings in shards:
            shard = _Shard(recordings, self._spec.patches, len(streams), self._backbone.width, self._task.device)
            for row, recording in enumerate(recordings):
                if recording is not None:
                    for number, name in enumerate(streams):
                        yield _StreamOfRow(self._reader, shard, row, recording, number, name)
            yield shard


def _count_elapsed(timings: Timings, network: Inference, began: float) -> float:
    """Count the time since `began`, and the network's: what it could have computed in it. Return the time now."""
    now = time.perf_counter()
    timings.count("elapsed", now - began)
    timings.count("available", (now - began) * network.lanes)
    return now


def _is_idle(network: Inference, in_flight: Iterable[_Batch | _Shard]) -> bool:
    busy = sum(isinstance(each, _Batch) and not each.features.done() for each in in_flight)
    return busy < network.at_once


def _finish(item: _Batch | _Shard) -> Iterator[Encoded]:
    if isinstance(item, _Batch):
        item.add()
    else:
        yield item.finished()
