"""What is there of a recording, by its masks, and weights over that alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


def present_modalities(inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor], names: Sequence[str]) -> Tensor:
    """Tell which modalities have a valid patch, (B, M) bool, by masks (B, P); one without a mask has."""
    first = inputs[names[0]]
    there = torch.ones(first.shape[0], dtype=torch.bool, device=first.device)
    return torch.stack([valid[name].any(1) if name in valid else there for name in names], dim=1)


def counted(mask: Tensor) -> Tensor:
    """Return a mask (B, T) where rows in which nothing is True are True throughout: nothing is left out of nothing."""
    return mask | ~mask.any(1, keepdim=True)


def masked_softmax(scores: Tensor, mask: Tensor | None) -> Tensor:
    """Softmax of scores (B, T) over what a mask (B, T) has; where it has nothing, over all."""
    if mask is not None:
        scores = scores.masked_fill(~counted(mask), -math.inf)
    return scores.softmax(-1)
