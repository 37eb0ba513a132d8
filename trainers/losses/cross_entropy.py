"""The hard loss: cross entropy with the labels, of every stream or of their vote."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from trainers.data.batch import ModelOutput
from trainers.params import HardLoss


def cross_entropy(output: ModelOutput, labels: Tensor, mode: HardLoss, label_smoothing: float = 0.0) -> Tensor:
    """Return the mean over the batch; eq. 11-12 of DMFT are `trainers.models.dmft.heads.vote`.

    Parameters
    ----------
    mode
        ``streams``: the sum of the streams' cross entropies; ``joint``: cross entropy of the log mean
        probability (of DMFT eq. 12's vote).
    label_smoothing
        Share of the target spread evenly over the classes.
    """
    if mode == "joint":
        return F.cross_entropy(output["logits"], labels, label_smoothing=label_smoothing)
    logits = torch.stack([stream.float() for stream in output["streams"].values()])  # (S, B, K)
    targets = labels.expand(len(logits), -1).flatten()
    return F.cross_entropy(logits.flatten(0, 1), targets, label_smoothing=label_smoothing) * len(logits)
