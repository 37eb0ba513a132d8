"""Frames to features on a GPU: everything is put in its queue at once, and nothing waits but for the oldest batch."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import torch
from torch import Tensor

from pipeline.stages.encode.timings import Timings
from pipeline.stages.encode.video.backbone import Backbone
from pipeline.stages.encode.video.frames import Images
from pipeline.stages.encode.video.reading import FrameBlock
from trainers.fit.seeding import repeatable

_PIXELS = 128 * 224 * 224  # of a batch: enough to keep a GPU busy, and small enough for most


class GpuInference:
    """See `pipeline.stages.encode.video.inference.Inference`; a context manager, for one thread.

    Frames are copied on a stream of their own, while the images and features of those before them are computed.
    """

    def __init__(self, backbone: Backbone, size: int, timings: Timings) -> None:
        self._backbone, self._size, self._timings = backbone, size, timings
        self.batch = min(256, max(1, _PIXELS // size**2))
        self.at_once, self.lanes = 2, 1
        self._flags = ExitStack()
        self._copying: torch.cuda.Stream

    def __enter__(self) -> Self:
        device = self._backbone.device
        self._flags.enter_context(repeatable(device))
        self._flags.enter_context(torch.cuda.device(device))
        torch.set_num_threads(1)  # of each thread that reads: they are as many as the cores
        self._copying = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._flags.close()

    def prepared(self, item: FrameBlock | Images) -> Images:
        """Copy frames, which are in pinned memory, to the GPU, and make images of them there."""
        if isinstance(item, Images):
            return item
        if item.frames.device.type != "cpu":
            return item.to_images.add(item.frames)
        computing = torch.cuda.current_stream()
        with torch.cuda.stream(self._copying):
            frames = item.frames.to(self._backbone.device, non_blocking=True)
        computing.wait_stream(self._copying)
        frames.record_stream(computing)  # or its memory could be used again while it is read
        return item.to_images.add(frames)

    def submit(self, images: Sequence[Tensor]) -> _Features:
        """Compute features of up to `batch` images, in tensors (k, 1 or 3, S, S)."""
        count, channels = sum(map(len, images)), max(each.shape[1] for each in images)
        filled = torch.zeros((self.batch, channels, self._size, self._size), device=self._backbone.device)
        at = 0
        for each in images:
            filled[at : at + len(each)] = each
            at += len(each)
        began, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
        began.record()
        features = self._backbone.features(filled)
        ended.record()
        return _Features(features[:count], began, ended, self._timings)


class _Features:
    """Features of a batch that is in the GPU's queue."""

    def __init__(self, features: Tensor, began: torch.cuda.Event, ended: torch.cuda.Event, timings: Timings) -> None:
        self._features, self._began, self._ended, self._timings = features, began, ended, timings

    def done(self) -> bool:
        """See `FeatureBatch`."""
        return bool(self._ended.query())  # type: ignore[no-untyped-call]

    def result(self) -> Tensor:
        """See `FeatureBatch`."""
        self._ended.synchronize()
        self._timings.count("network", self._began.elapsed_time(self._ended) / 1000)
        return self._features
