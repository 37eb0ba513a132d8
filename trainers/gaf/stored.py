"""Images as they are stored, and back: half the bytes of float32, or a quarter."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Stored = Literal["float16", "uint8"]

TYPES = {"float16": torch.float16, "uint8": torch.uint8}
HALF_RANGE = 127.5  # of uint8: -1..1 becomes 0..255
MIDDLE = 128.0  # HALF_RANGE, and one half so that cutting the fraction off rounds


def encode(images: Tensor, dtype: Stored) -> Tensor:
    """Return images in -1..1 as they are stored: rounded to float16, or to uint8, ``(g + 1) * 127.5``.

    float16 is at most 2^-12 off, uint8 1/255.
    """
    if dtype == "float16":
        return images.to(torch.float16)
    return (images * HALF_RANGE + MIDDLE).to(torch.uint8)


def decode(stored: Tensor) -> Tensor:
    """Return stored images (or float32 ones) as float32 in -1..1, on their device."""
    if stored.dtype == torch.uint8:
        return stored.to(torch.float32) / HALF_RANGE - 1.0
    return stored.to(torch.float32)
