"""A network as torch computes it: on any device, in any precision."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


class TorchNetwork:
    """Computes features of images on the device.

    Parameters
    ----------
    network
        In evaluation mode; its input are normalised images of three channels.
    mean, std
        What images are normalised with, (1, 3, 1, 1).
    """

    def __init__(self, network: nn.Module, mean: Tensor, std: Tensor, device: torch.device, precision: str) -> None:
        self._network = network.to(memory_format=torch.channels_last).to(device)
        self._mean, self._std = mean.to(device), std.to(device)
        self._device, self._half = device, _AUTOCAST.get(precision)

    def __call__(self, images: Tensor) -> Tensor:
        """Map (B, 1 or 3, S, S) images in 0..1, on any device, to (B, width) float32 features on the device."""
        images = images.to(self._device, non_blocking=True)
        images = ((images - self._mean) / self._std).contiguous(memory_format=torch.channels_last)
        half = self._half
        with (
            torch.inference_mode(),
            torch.autocast(self._device.type, dtype=half or torch.bfloat16, enabled=half is not None),
        ):
            return self._network(images).float()  # type: ignore[no-any-return]
