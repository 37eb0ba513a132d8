"""The hard loss: cross entropy with the labels, of every stream or of their vote."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from trainers.data.batch import ModelOutput
from trainers.params import HardLoss


def cross_entropy(
    output: ModelOutput,
    labels: Tensor,
    mode: HardLoss,
    label_smoothing: float = 0.0,
    weights: Tensor | None = None,
    shares: Tensor | None = None,
) -> Tensor:
    """Return the mean over the batch; mode and smoothing are explained in `trainers.params.FitParams`.

    With `weights` (K,) each recording's is multiplied by that of its class, with `shares` (B,) by its own. Streams of
    absent modalities count for nothing, see `ModelOutput`. The log mean probability of ``joint`` is the vote of DMFT
    eq. 11-12, `trainers.models.dmft.heads.vote`.
    """
    if mode == "joint":
        return _mean(output["logits"], labels, label_smoothing, weights, shares)
    logits = torch.stack([stream.float() for stream in output["streams"].values()])  # (S, B, K)
    targets = labels.expand(len(logits), -1).flatten()
    of_all = None if shares is None else shares.expand(len(logits), -1).flatten()
    if "present" not in output:
        return _mean(logits.flatten(0, 1), targets, label_smoothing, weights, of_all) * len(logits)
    losses = _each(logits.flatten(0, 1), targets, label_smoothing, weights, of_all).view(len(logits), -1)  # (S, B)
    there = torch.ones_like(labels, dtype=torch.bool)
    present = torch.stack([output["present"].get(name, there) for name in output["streams"]])
    return (losses * present).sum(0).mean()


def _mean(
    logits: Tensor, labels: Tensor, label_smoothing: float, weights: Tensor | None, shares: Tensor | None
) -> Tensor:
    if weights is None and shares is None:
        return F.cross_entropy(logits, labels, label_smoothing=label_smoothing)
    return _each(logits, labels, label_smoothing, weights, shares).mean()


def _each(
    logits: Tensor, labels: Tensor, label_smoothing: float, weights: Tensor | None, shares: Tensor | None
) -> Tensor:
    """Return each recording's (B,)."""
    # torch's own weights would divide by their sum in the batch, and weigh the smoothed target class by class
    losses = F.cross_entropy(logits, labels, label_smoothing=label_smoothing, reduction="none")
    losses = losses if weights is None else losses * weights[labels]
    return losses if shares is None else losses * shares
