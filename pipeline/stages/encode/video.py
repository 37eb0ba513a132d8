"""Encode video: decode and pool in threads, one bounded stretch ahead of the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.errors import BadRecording, ConfigError
from pipeline.sources.contract import Recording, Video
from pipeline.stages.encode.align import TooShortError, frames, windows
from pipeline.stages.encode.backbone import build_backbone
from pipeline.stages.encode.encoder import Encoded, Job, file_of
from pipeline.stages.encode.frames import FramesError, Square, image, person, pool_frames
from pipeline.stages.encode.prefetch import Failed, read_ahead
from pipeline.stages.encode.video_params import VideoParams

AHEAD = 16  # images that wait, of each video that is being read


@dataclass(frozen=True)
class _Image:
    """A network's input (3, S, S), and what share its features have in which patches."""

    pixels: Tensor
    shares: tuple[tuple[int, float], ...]


class VideoEncoder:
    """Encoder of a video modality; several streams are encoded one by one and joined on the feature axis."""

    def __init__(self, params: VideoParams, job: Job, recordings: Sequence[Recording]) -> None:
        del recordings  # the network alone says how wide features are
        self._params, self._job = params, job
        self._spec = windows(params, job.modality.rate)
        self._backbone = build_backbone(params, job.weights_file, job.device)
        self._images = 0
        self.width = self._backbone.width * len(job.modality.streams)
        self.channels: int | None = None
        self.attributes: dict[str, Any] = {"reduce": "mean", "velocities": False, "vertical_axis": None}

    @property
    def provenance(self) -> dict[str, Any]:
        """Images so far, device and weights."""
        device = self._job.device
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
        return {"images": self._images, "device": name, "weights": self._backbone.weights}

    def encode(self, recordings: Sequence[Recording | None], seen: Callable[[int], None]) -> Encoded:
        """Encode one shard; see `Encoder`.

        A batch holds images of one recording alone: on equal devices and threads its features have the same bits
        whatever else is encoded with it, so that rows copied from an earlier output equal those computed anew.
        """
        streams = self._job.modality.streams
        todo = [(row, k) for row, r in enumerate(recordings) if r is not None for k in range(len(streams))]
        tasks = [self._task(r, stream) for r in recordings if r is not None for stream in streams]
        shape = (len(recordings), self._spec.patches)
        encoded = Encoded(np.zeros((*shape, self.width), np.float32), np.zeros(shape, np.bool_))
        touched = np.zeros((*shape, len(streams)), np.bool_)
        waiting: list[tuple[int, int, _Image]] = []
        last = -1
        with closing(read_ahead(tasks, threads=self._job.threads, items=AHEAD)) as reading:
            for task, item in reading:
                row, stream = todo[task]
                if row != last:
                    self._flush(waiting, encoded.features)
                    seen(row)
                    last = row
                if isinstance(item, Failed):
                    if not isinstance(item.error, BadRecording) or self._job.strict:
                        raise item.error
                    encoded.broken.setdefault(item.error.recording, item.error)
                else:
                    waiting.append((row, stream, item))
                    touched[row, [patch for patch, _ in item.shares], stream] = True
                if len(waiting) == self._job.batch:
                    self._flush(waiting, encoded.features)
        self._flush(waiting, encoded.features)
        encoded.valid[:] = touched.all(axis=2)
        for row, recording in enumerate(recordings):
            if recording is not None and recording.id in encoded.broken:
                encoded.valid[row] = False
        encoded.features[~encoded.valid] = 0
        return encoded

    def _flush(self, waiting: list[tuple[int, int, _Image]], features: NDArray[np.float32]) -> None:
        """Send what waits through the network, and add it to its patches."""
        if not waiting:
            return
        with self._job.timings.phase("network"):
            found = self._backbone.features(torch.stack([item.pixels for _, _, item in waiting])).numpy()
        self._images += len(waiting)
        width = self._backbone.width
        for (row, stream, item), values in zip(waiting, found, strict=True):
            for patch, share in item.shares:
                features[row, patch, stream * width : (stream + 1) * width] += values * np.float32(share)
        waiting.clear()

    def _task(self, recording: Recording, stream: str) -> Callable[[], Iterator[_Image]]:
        def read() -> Iterator[_Image]:
            images = self._read(recording, stream)
            while True:
                with self._job.timings.phase("read"):
                    item = next(images, None)
                if item is None:
                    return
                yield item

        return read

    def _read(self, recording: Recording, stream: str) -> Iterator[_Image]:
        file = file_of(recording, stream)
        try:
            with self._job.source.open_video(recording, stream) as video:
                numbers = frames(self._spec, video.length)
                crop = self._crop(video, numbers)
                pooled = pool_frames(video.frames(), numbers, self._params.depth, average=self._params.pool == "frames")
                for item in pooled:
                    yield _Image(image(item.values, self._params.image_size, crop), item.shares)
        except TooShortError as error:
            remedy = "" if video.length == 0 else "; use a smaller window or align: resample"
            raise BadRecording(recording.id, stream, file, f"{error}{remedy}") from error
        except FramesError as error:
            raise BadRecording(recording.id, stream, file, str(error)) from error

    def _crop(self, video: Video, numbers: NDArray[np.int64]) -> Square | None:
        """Look once through the frames for the person; the video is then read again from its start."""
        if self._params.crop == "none":
            return None
        first = next(iter(video.frames()), None)
        if first is not None and first.ndim != 2:
            raise ConfigError("crop: person needs depth without background; for colour set crop: none")
        found = person(video.frames(), np.unique(numbers))
        if found is None:
            raise FramesError("no frame has a reading, so there is no person to crop to")
        return found
