"""Batches of images through a backbone, some at a time, while others are made ready."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.stages.encode.timings import Timings
from pipeline.stages.encode.video.backbone import Backbone
from trainers.fit.seeding import repeatable

_BATCH_ON_A_CPU = 16
_PIXELS_ON_A_GPU = 128 * 224 * 224  # of a batch: enough to keep it busy, and small enough for most
_STREAMS = 2  # on a GPU: one batch is copied while another is computed
_streams: dict[torch.device, list[torch.cuda.Stream]] = {}  # memory that is kept for reuse belongs to a stream


class BatchedInference:
    """Computes features in threads of its own; a context manager.

    Every batch has the same shape, filled up with zeros, so that an image's features have the same bits whatever
    images are beside it. On a CPU each thread computes a batch by itself: that needs no waiting for one another within
    a layer, and bits do not depend on how many there are. On a GPU each has a stream.

    Parameters
    ----------
    size
        Rows and columns of an image.
    threads
        How many compute at a time on a CPU.

    Attributes
    ----------
    batch, at_once
        Images a batch, and batches that are computed at a time.
    """

    def __init__(self, backbone: Backbone, size: int, threads: int, timings: Timings) -> None:
        self._backbone, self._timings = backbone, timings
        self._gpu = backbone.device.type == "cuda"
        self.batch = min(256, max(1, _PIXELS_ON_A_GPU // size**2)) if self._gpu else _BATCH_ON_A_CPU
        self.at_once = _STREAMS if self._gpu else threads
        self._free_streams = list(_streams_of(backbone.device)) if self._gpu else []
        self._flags = ExitStack()
        self._pool = ThreadPoolExecutor(self.at_once, "network", self._set_up)

    def __enter__(self) -> Self:
        self._flags.enter_context(repeatable(self._backbone.device))  # flags of the process, so not set in each thread
        torch.set_num_threads(1)  # of each thread that reads, too: they are as many as the cores
        if self._gpu:
            torch.cuda.synchronize(self._backbone.device)  # the weights are there before another stream reads them
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._flags.close()

    def submit(self, images: Sequence[Tensor]) -> Future[NDArray[np.float32]]:
        """Compute features (n, width) of up to `batch` images, each (1, S, S) or (3, S, S)."""
        return self._pool.submit(self._features, images)

    def _set_up(self) -> None:
        if self._free_streams:
            torch.cuda.set_stream(self._free_streams.pop())

    def _features(self, images: Sequence[Tensor]) -> NDArray[np.float32]:
        with self._timings.phase("network"):
            channels, size = max(len(image) for image in images), images[0].shape[-1]
            shape = (self.batch, channels, size, size)
            filled = torch.empty(shape, pin_memory=self._gpu)  # (batch, 1 or 3, S, S)
            for row, image in enumerate(images):
                filled[row] = image
            filled[len(images) :] = 0
            features: NDArray[np.float32] = self._backbone.features(filled).numpy()
            return features[: len(images)]  # (images, width)


def _streams_of(device: torch.device) -> list[torch.cuda.Stream]:
    if device not in _streams:
        _streams[device] = [torch.cuda.Stream(device) for _ in range(_STREAMS)]  # type: ignore[no-untyped-call]
    return _streams[device]
