"""Vectors of length one."""

from __future__ import annotations

import torch
from torch import Tensor


def l2_normalise(vectors: Tensor) -> Tensor:
    """Divide vectors (..., E) by their Euclidean lengths; a zero vector stays zero and gets no gradient.

    `torch.nn.functional.normalize` would give it one of 1e12 times the incoming one.
    """
    lengths = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    some = lengths > 0
    return torch.where(some, vectors / torch.where(some, lengths, 1), 0)
