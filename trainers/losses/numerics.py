"""What losses compute with: full precision, and vectors of length one."""

from __future__ import annotations

import torch
from torch import Tensor


def as_float32(tensor: Tensor) -> Tensor:
    """Return a tensor in fp32, also where the models ran in half of it; one in fp64 stays."""
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def l2_normalise(vectors: Tensor) -> Tensor:
    """Divide vectors (..., E) by their Euclidean lengths; a zero vector stays zero and gets no gradient.

    `torch.nn.functional.normalize` would give it one of 1e12 times the incoming one.
    """
    lengths = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    positive = lengths > 0
    return torch.where(positive, vectors / torch.where(positive, lengths, 1), 0)
