"""Batches of images through a backbone: what is asked of whoever does it, on a CPU (network.py) or a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from torch import Tensor

from pipeline.stages.encode.timings import Timings
from pipeline.stages.encode.video.backbone import Backbone
from pipeline.stages.encode.video.frames import Images
from pipeline.stages.encode.video.gpu_network import GpuInference
from pipeline.stages.encode.video.network import BatchedInference
from pipeline.stages.encode.video.reading import FrameBlock


class FeatureBatch(Protocol):
    """Features that are on their way."""

    def done(self) -> bool:
        """Tell whether they are there."""
        ...

    def result(self) -> Tensor:
        """Wait for them: (images, D) float32 on the network's device."""
        ...


class Inference(AbstractContextManager["Inference"], Protocol):
    """Computes features of batches of images.

    Every batch has the same shape, filled up with zeros, so that an image's features have the same bits whatever
    images are beside it.

    Attributes
    ----------
    batch, at_once
        Images a batch, and batches that are submitted at a time so that it is never idle.
    lanes
        Batches that are computed at a time.
    """

    batch: int
    at_once: int
    lanes: int

    def prepared(self, item: FrameBlock | Images) -> Images:
        """Return the images that frames make, on the device; images as they are."""
        ...

    def submit(self, images: Sequence[Tensor]) -> FeatureBatch:
        """Compute features of up to `batch` images, in tensors (k, 1 or 3, S, S) on the device."""
        ...


def open_inference(backbone: Backbone, size: int, threads: int, timings: Timings) -> Inference:
    """Return what computes a backbone's features on its device; `threads` compute at a time on a CPU."""
    if backbone.device.type == "cuda":
        return GpuInference(backbone, size, timings)
    return BatchedInference(backbone, size, threads, timings)
