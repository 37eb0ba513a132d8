"""Recordings cut into batches, and what the batches' figures add up to."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def cut_batches(order: Tensor, size: int) -> Sequence[Tensor]:
    """Cut an order of rows into batches; a last one of one recording, which has no batch statistics, joins another."""
    batches = torch.split(order, size)
    if len(batches) > 1 and len(batches[-1]) == 1 < size:
        return [*batches[:-2], torch.cat(batches[-2:])]
    return batches


def count_hits(logits: Tensor, labels: Tensor) -> Tensor:
    """Count over the last axis how many of the labels (..., B) have the largest of the logits (..., B, K)."""
    return (logits.detach().argmax(-1) == labels).sum(-1)


def mean_over_recordings(losses: Tensor, batches: Sequence[Tensor]) -> float:
    """Mean over recordings of the batches' mean losses, (batches,)."""
    sizes = torch.tensor([len(rows) for rows in batches], dtype=torch.float64)
    return float((losses.double().cpu() * sizes).sum() / sizes.sum())
