"""BN-Inception (Ioffe and Szegedy, Batch Normalization, ICML 2015), the Caffe network of TSN and TRN.

Modules are named as in its public PyTorch port, pretrained-models.pytorch's ``bninception``, whose file
(bn_inception-52deb4733.pth) therefore loads.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NAME = "bn_inception"
MEAN = (128.0, 117.0, 104.0)  # of red, green and blue in 0..255; the deviations were left alone


class _Block(NamedTuple):
    """Output channels of an inception block's convolutions; ``one`` and ``pool`` are 0 where the stride is 2."""

    one: int
    three_reduce: int
    three: int
    double_reduce: int
    double: int
    pool: int


_BLOCKS = {  # as trained in Caffe: 4c to 4e are 32 channels wider than in the paper's table
    "3a": _Block(64, 64, 64, 64, 96, 32),
    "3b": _Block(64, 64, 96, 64, 96, 64),
    "3c": _Block(0, 128, 160, 64, 96, 0),
    "4a": _Block(224, 64, 96, 96, 128, 128),
    "4b": _Block(192, 96, 128, 96, 128, 128),
    "4c": _Block(160, 128, 160, 128, 160, 128),
    "4d": _Block(96, 128, 192, 160, 192, 128),
    "4e": _Block(0, 128, 192, 192, 256, 0),
    "5a": _Block(352, 192, 320, 160, 224, 128),
    "5b": _Block(352, 192, 320, 192, 224, 128),
}


class BNInception(nn.Module):
    """The network, from (B, 3, S, S) RGB in 0..255 less `MEAN` to the logits of ImageNet's 1000 classes.

    Examples
    --------
    >>> sum(weights.numel() for weights in BNInception().parameters())
    11295240
    """

    def __init__(self) -> None:
        super().__init__()
        self._add("conv1_7x7_s2", 3, 64, 7, stride=2)
        self._add("conv2_3x3_reduce", 64, 64, 1)
        self._add("conv2_3x3", 64, 192, 3)
        width = 192
        for name, block in _BLOCKS.items():
            width = self._add_block(f"inception_{name}", width, block)
        self.last_linear = nn.Linear(width, 1000)

    def forward(self, images: Tensor) -> Tensor:
        """Classify images; see the class."""
        maps = self._convolve(images.flip(1), "conv1_7x7_s2")  # the Caffe network was trained on BGR
        maps = self._convolve(_halve(maps), "conv2_3x3_reduce", "conv2_3x3")
        maps = _halve(maps)  # (B, 192, S/8, S/8)
        for name, block in _BLOCKS.items():
            maps = self._block(f"inception_{name}", maps, block)
        logits: Tensor = self.last_linear(maps.mean((2, 3)))  # of (B, 1024, S/32, S/32)
        return logits

    def _add(self, name: str, channels: int, width: int, kernel: int, stride: int = 1) -> None:
        convolution = nn.Conv2d(channels, width, kernel, stride, padding=kernel // 2)
        nn.init.kaiming_normal_(convolution.weight)  # the default lets images fade: random features would all be alike
        self.add_module(name, convolution)
        self.add_module(f"{name}_bn", nn.BatchNorm2d(width))

    def _convolve(self, maps: Tensor, *names: str) -> Tensor:
        for name in names:
            maps = F.relu(self.get_submodule(f"{name}_bn")(self.get_submodule(name)(maps)))
        return maps

    def _add_block(self, name: str, channels: int, block: _Block) -> int:
        """Add a block's convolutions; return its output channels."""
        stride = 1 if block.one else 2
        if block.one:
            self._add(f"{name}_1x1", channels, block.one, 1)
        self._add(f"{name}_3x3_reduce", channels, block.three_reduce, 1)
        self._add(f"{name}_3x3", block.three_reduce, block.three, 3, stride)
        self._add(f"{name}_double_3x3_reduce", channels, block.double_reduce, 1)
        self._add(f"{name}_double_3x3_1", block.double_reduce, block.double, 3)
        self._add(f"{name}_double_3x3_2", block.double, block.double, 3, stride)
        if block.pool:
            self._add(f"{name}_pool_proj", channels, block.pool, 1)
        return block.one + block.three + block.double + (block.pool or channels)

    def _block(self, name: str, maps: Tensor, block: _Block) -> Tensor:
        parts = [self._convolve(maps, f"{name}_1x1")] if block.one else []
        parts.append(self._convolve(maps, f"{name}_3x3_reduce", f"{name}_3x3"))
        parts.append(self._convolve(maps, *(f"{name}_double_3x3_{step}" for step in ("reduce", "1", "2"))))
        if not block.pool:
            parts.append(_halve(maps))
        else:  # the last block alone takes the largest of its neighbourhood
            pool = F.max_pool2d if name == "inception_5b" else F.avg_pool2d
            parts.append(self._convolve(pool(maps, 3, stride=1, padding=1), f"{name}_pool_proj"))
        return torch.cat(parts, 1)


def _halve(maps: Tensor) -> Tensor:
    return F.max_pool2d(maps, 3, stride=2, ceil_mode=True)
