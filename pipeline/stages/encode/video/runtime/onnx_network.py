"""A network as ONNX Runtime computes it: any number of threads at a time, each a few images on one core."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.stages.encode.video.runtime.converted import ConvertedNetwork

IMAGES = 4  # that are computed together: as fast as more, and the fewer, the less is filled up
_ERRORS = 3  # and nothing less is logged


class OnnxNetwork:
    """Computes features of images on the CPU; may be called from several threads at a time.

    Every run has `IMAGES` images, filled up with zeros, and one thread, so that an image's features have the same bits
    whatever images are beside it, and however many runs there are at a time.

    Parameters
    ----------
    network
        As `convert` makes it, for `IMAGES` images.
    weights
        By name; those that the network does not take are left alone.

    Attributes
    ----------
    width
        Features of an image.
    """

    def __init__(self, network: ConvertedNetwork, weights: Mapping[str, Tensor]) -> None:
        import onnxruntime  # only where it is used: not where a GPU computes

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.use_deterministic_compute = True
        options.log_severity_level = _ERRORS
        arrays = [np.ascontiguousarray(weights[name].numpy()) for name in network.weights]
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(each) for each in arrays]
        options.add_external_initializers(list(network.weights), values)
        self._session = onnxruntime.InferenceSession(network.model, options, providers=["CPUExecutionProvider"])
        self.width: int = self._session.get_outputs()[0].shape[1]

    def __call__(self, images: Tensor) -> Tensor:
        """Map (B, 1 or 3, S, S) images in 0..1 to (B, width) features."""
        values: NDArray[np.float32] = images.numpy()
        parts = [self._run(values[at : at + IMAGES]) for at in range(0, len(values), IMAGES)]
        return torch.from_numpy(np.concatenate(parts))

    def _run(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        filled = images
        if len(images) < IMAGES:
            filled = np.zeros((IMAGES, *images.shape[1:]), np.float32)
            filled[: len(images)] = images
        features: NDArray[np.float32] = self._session.run(["features"], {"images": filled})[0]
        return features[: len(images)]
