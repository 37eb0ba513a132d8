"""Standard scores of rows, and how rows correlate by them (Pearson)."""

from __future__ import annotations

import torch
from torch import Tensor

ROUNDING = 1e-6  # a deviation below this share of a row's largest value is none


def z_scores(rows: Tensor, among: Tensor | None = None) -> Tensor:
    """Centre rows (..., n) and divide them by their deviation (of the population, not of a sample).

    Mean and deviation are taken over all of the last axis or `among` (n,) some of it. A row of equal values gives
    zeros, and gets no gradient.
    """
    centred = rows - mean(rows, among)
    variance = mean(centred.square(), among)
    least = ROUNDING * rows.detach().abs().amax(-1, keepdim=True)
    spread = variance.detach() > least.square()
    return torch.where(spread, centred / torch.where(spread, variance, 1).sqrt(), 0)


def correlations(rows: Tensor, others: Tensor, among: Tensor | None = None) -> Tensor:
    """Pearson correlation of each row (..., n) with the other one of its place, (...); 0 where one is constant."""
    return mean(z_scores(rows, among) * z_scores(others, among), among).squeeze(-1)


def mean(rows: Tensor, among: Tensor | None = None) -> Tensor:
    """Mean over the last axis (..., 1), of all or some of it; 0 where it is of none."""
    if among is None:
        return rows.mean(-1, keepdim=True)
    return (rows * among).sum(-1, keepdim=True) / among.sum(-1, keepdim=True).clamp(min=1)
