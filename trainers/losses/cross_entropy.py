"""The hard loss: cross entropy with the labels, of every stream or of their vote."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from trainers.data.batch import ModelOutput
from trainers.params import HardLoss


def cross_entropy(output: ModelOutput, labels: Tensor, mode: HardLoss, label_smoothing: float = 0.0) -> Tensor:
    """Return the mean over the batch; mode and smoothing are explained in `trainers.params.FitParams`.

    The log mean probability of ``joint`` is the vote of DMFT eq. 11-12, `trainers.models.dmft.heads.vote`.
    """
    if mode == "joint":
        return F.cross_entropy(output["logits"], labels, label_smoothing=label_smoothing)
    logits = torch.stack([stream.float() for stream in output["streams"].values()])  # (S, B, K)
    targets = labels.expand(len(logits), -1).flatten()
    return F.cross_entropy(logits.flatten(0, 1), targets, label_smoothing=label_smoothing) * len(logits)
