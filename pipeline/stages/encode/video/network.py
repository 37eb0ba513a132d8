"""Batches of images through a backbone, some at a time, while others are made ready."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

import torch
from torch import Tensor

from pipeline.stages.encode.timings import Timings
from pipeline.stages.encode.video.backbone import Backbone
from pipeline.stages.encode.video.frames import Images
from pipeline.stages.encode.video.reading import FrameBlock

_BATCH = 16


class BatchedInference:
    """Computes features on a CPU, in threads of its own; a context manager, see `inference.Inference`.

    Each thread computes a batch by itself: that needs no waiting for one another within a layer, and bits do not depend
    on how many there are.

    Parameters
    ----------
    size
        Rows and columns of an image.
    threads
        How many compute at a time.
    """

    def __init__(self, backbone: Backbone, size: int, threads: int, timings: Timings) -> None:
        self._backbone, self._size, self._timings = backbone, size, timings
        self.batch, self.at_once, self.lanes = _BATCH, threads, threads
        self._pool = ThreadPoolExecutor(threads, "network")

    def __enter__(self) -> Self:
        torch.set_num_threads(1)  # of each thread that reads, too: they are as many as the cores
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def prepared(self, item: FrameBlock | Images) -> Images:
        """Return images; the threads that read have made them."""
        return item if isinstance(item, Images) else item.to_images.add(item.frames)

    def submit(self, images: Sequence[Tensor]) -> Future[Tensor]:
        """Compute features (n, width) of up to `batch` images, in tensors (k, 1 or 3, S, S)."""
        return self._pool.submit(self._features, images)

    def _features(self, images: Sequence[Tensor]) -> Tensor:
        with self._timings.phase("network"):
            channels, at = max(each.shape[1] for each in images), 0
            filled = torch.empty((self.batch, channels, self._size, self._size))
            for each in images:
                filled[at : at + len(each)] = each
                at += len(each)
            filled[at:] = 0
            return self._backbone.features(filled)[:at]  # (images, width)
