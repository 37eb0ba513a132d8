"""Losses are computed in full precision, also where the models ran in half of it."""

from __future__ import annotations

import torch
from torch import Tensor


def as_float32(tensor: Tensor) -> Tensor:
    """In fp32, or in fp64 where it is in fp64 already."""
    return tensor if tensor.dtype == torch.float64 else tensor.float()
