"""Distances between recordings: Park et al., "Relational Knowledge Distillation", CVPR 2019 (VSKD eq. 4-5)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from trainers.data.batch import ModelOutput
from trainers.losses.distillation import DistillationLoss
from trainers.losses.numerics import as_float32


class RKDDistance(DistillationLoss):
    """Let recordings lie as far apart for the student as for the teacher, each on its own scale."""

    def soft_loss(self, student: ModelOutput, teacher: ModelOutput) -> Tensor:
        """Huber loss (delta 1) of the embeddings' distances, mean over all B^2 pairs as in the authors' code."""
        target = relative_distances(as_float32(teacher["embedding"].detach()))
        return F.huber_loss(relative_distances(as_float32(student["embedding"])), target)


def relative_distances(embedding: Tensor) -> Tensor:
    """Euclidean distances (B, B), divided by the mean of the positive ones; all 0 where there is none."""
    # by way of inner products, equal recordings would lie apart by the rounding, with huge gradients
    distances = torch.cdist(embedding, embedding, compute_mode="donot_use_mm_for_euclid_dist")
    mean = distances.sum() / (distances > 0).sum().clamp(min=1)
    return distances / torch.where(mean > 0, mean, 1)
